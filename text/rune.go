package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// foldRune returns the form of one composed character and what it does to words.
func foldRune(r rune) (string, kind) {
	switch {
	case 0x3400 <= r && r <= 0x4DBF, 0x4E00 <= r && r <= 0x9FFC: // the bulk of Han: nothing to look up
		return string(r), alone
	case 0xAC00 <= r && r <= 0xD7A3: // Hangul syllables
		return string(r), letter
	case 0xE000 <= r && r <= 0xF8FF: // private use
		return string(r), parts
	case r == utf8.RuneError, r < 0, 0xD800 <= r && r <= 0xDFFF:
		return string(utf8.RuneError), parts
	case invisible(r):
		return "", gone
	}
	own := string(lower(r))
	k := kindOf(r)
	form := fold(r)
	if form == "" {
		// A mark that goes. In front of a word, it belongs to nothing.
		return "", gone
	}
	// Where resolving would move the boundary of a word (½ has a slash in it, ﷺ has
	// spaces, ™ would grow onto the word before), the character stays.
	if !keepsBoundaries(form, k) {
		return own, k
	}
	return form, k
}

// fold is foldRune without regard to boundaries.
func fold(r rune) string {
	var b strings.Builder
	for _, c := range norm.NFKC.String(string(r)) {
		if goes(c) { // before its case: that of the Greek iota below is a letter
			continue
		}
		c = lower(c)
		if whole(c) {
			b.WriteRune(c)
			continue
		}
		for _, d := range norm.NFD.String(string(c)) {
			switch form, ok := special[d]; {
			case goes(d) || invisible(d):
			case ok:
				b.WriteString(form)
			case unicode.Is(unicode.Nd, d):
				b.WriteRune(digit(d))
			default:
				b.WriteRune(lower(d))
			}
		}
	}
	return norm.NFC.String(b.String())
}

func keepsBoundaries(form string, k kind) bool {
	for i, r := range form {
		switch got := kindOf(r); {
		case k == alone && i > 0:
			if got != mark { // one token a character, before and after
				return false
			}
		case got != k && !(k == letter && i > 0 && got == mark):
			return false
		}
	}
	return true
}

// kindOf says what an unfolded character does to words.
func kindOf(r rune) kind {
	switch {
	case invisible(r):
		return gone
	case apostrophe(r):
		return parts
	case unicode.Is(unicode.M, r), r == 'ﾞ', r == 'ﾟ': // the halfwidth voicing marks are letters only by class
		return mark
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai,
		unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Bopomofo), r == 'ー', r == 'ｰ':
		if unicode.In(r, unicode.L, unicode.Nl) {
			return alone
		}
	}
	if unicode.In(r, unicode.L, unicode.N) {
		return letter
	}
	return parts
}

// apostrophe reports the letters (by their class in Unicode) that part words like
// the punctuation of the same look.
func apostrophe(r rune) bool {
	return 0x02B9 <= r && r <= 0x02BF || 0x02C8 <= r && r <= 0x02CF || r == 0x0374 // Greek numeral sign
}

// lower folds the case of one character; see special for ß and its like.
func lower(r rune) rune {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	// By way of upper case, so that ς becomes σ and ſ becomes s.
	return unicode.ToLower(unicode.ToUpper(r))
}

// special are the forms that neither Unicode's case folding nor taking the marks
// away gives.
var special = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'þ': "th", 'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'ħ': "h", 'ı': "i",
	'ى': "ي", 'ی': "ي", 'ې': "ي", 'ے': "ي", // alef maqsura, Persian yeh, e, Urdu yeh
	'ک': "ك", 'ڪ': "ك", // Persian and Sindhi kaf
	'ة': "ه", 'ہ': "ه", 'ھ': "ه", 'ە': "ه", 'ۃ': "ه", // ta marbuta, the Urdu and Kurdish hehs
	'ٱ': "ا", // alef wasla; alef with hamza or madda decomposes
}

// whole reports characters whose marks make another letter of them.
func whole(r rune) bool {
	switch r {
	case 'ё', 'ѐ', 'ѝ': // е and и with a mark, to those who write them
		return false
	case 'ؤ', 'ئ':
		return true
	}
	return unicode.In(r, unicode.Cyrillic, unicode.Hangul, unicode.Hiragana, unicode.Katakana)
}

// goes reports the marks that are taken away: those over Latin, Greek, Cyrillic,
// Hebrew, Arabic and Syriac letters. In other scripts (Devanagari, Tamil, Thai…)
// marks are vowels, without which words are not the same.
func goes(r rune) bool {
	return unicode.Is(unicode.M, r) && !unicode.In(r, unicode.Hiragana, unicode.Katakana) &&
		r != 0x3099 && r != 0x309A && // voiced sounds: か is not が
		(unicode.In(r, unicode.Inherited, unicode.Common, unicode.Latin, unicode.Greek, unicode.Cyrillic,
			unicode.Hebrew, unicode.Arabic, unicode.Syriac))
}

// invisible reports what has no look of its own: Unicode's default-ignorable
// characters and the tatweel, which only stretches a line.
func invisible(r rune) bool {
	return r == 'ـ' || r == 0xFEFF ||
		unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) ||
		unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r) &&
			!(0xFFF9 <= r && r <= 0xFFFB) // interlinear annotation parts texts
}

// digit returns the ASCII digit of the same value. The digits of a script stand in
// a row in Unicode, from 0 to 9.
func digit(r rune) rune {
	zero := r
	for r-zero < 9 && unicode.Is(unicode.Nd, zero-1) {
		zero--
	}
	return '0' + (r - zero)
}

// joins reports whether r, or its form, may compose with what stands before it.
func joins(r rune, form string) bool {
	if r < utf8.RuneSelf {
		return false
	}
	own := string(r)
	return !norm.NFC.PropertiesString(own).BoundaryBefore() || !norm.NFC.IsNormalString(own) ||
		form != "" && !norm.NFC.PropertiesString(form).BoundaryBefore()
}
