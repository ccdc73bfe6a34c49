package text

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold returns the form in which equal words are equal bytes:
//
//   - compatibility forms are resolved (NFKC: ligatures, full width, superscripts),
//     as long as that moves no boundary of a word: ½, ™ and ﷺ stay;
//   - case is folded; ß is ss, æ is ae, œ is oe, þ is th, ø is o, ł is l, đ and ð are d;
//   - marks over Latin, Greek, Hebrew and Arabic letters go: é is e, ü is u;
//   - Turkish: I, İ, i and ı are all i. A language is not known for certain of a
//     line of text, and a search that depends on the guess would miss;
//   - Cyrillic: ё is е and stress marks go; й, ї, ў and the like stay, being
//     letters of their own;
//   - Arabic: أ إ آ ٱ are ا, ى and Persian ی are ي, Persian ک is ك, ة and the Urdu
//     and Persian forms of heh are ه; tatweel and tashkeel go; ؤ and ئ stay;
//   - digits of every script are 0 to 9;
//   - characters that cannot be seen (soft hyphen, joiners, direction) go;
//   - bytes that are no UTF-8 become U+FFFD.
//
// Fold(Fold(s)) == Fold(s), and the forms of Tokens(Fold(s)) are those of
// Tokens(s). What is not a letter keeps its place: Fold is no tokeniser.
func Fold(s string) string {
	i := 0
	for i < len(s) && s[i] < utf8.RuneSelf && !upper(s[i]) {
		i++
	}
	if i == len(s) {
		return s
	}
	return string(appendFold(make([]byte, 0, len(s)), s))
}

// appendFold appends the folded s to b.
func appendFold(b []byte, s string) []byte {
	// The table holds composed characters: и with a breve after it is й.
	if !norm.NFC.IsNormalString(s) {
		s = norm.NFC.String(s)
	}
	start, t := len(b), table()
	for _, r := range s { // gives U+FFFD for bytes that are no UTF-8
		if r < utf8.RuneSelf {
			b = append(b, byte(lower(r)))
		} else {
			b = t.append(b, r)
		}
	}
	// What was parted by something that went may compose now.
	if !norm.NFC.IsNormal(b[start:]) {
		again := norm.NFC.String(string(b[start:]))
		return appendFold(b[:start], again)
	}
	return b
}

func upper(c byte) bool { return 'A' <= c && c <= 'Z' }

// Forms returns the forms of all tokens of s, in order.
func Forms(s string) []string {
	var forms []string
	for t := range Tokens(s) {
		forms = append(forms, strings.Clone(t.Form))
	}
	return forms
}
