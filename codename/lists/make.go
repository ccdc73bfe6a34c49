//go:build ignore

// Make writes a word list: the most frequent words of a language that a spelling
// dictionary has, four to nine letters long, of which none begins another and, save in
// Arabic, no two are one slip apart, less those that refused.txt names. ../README.md
// says what it was run with.
//
//	go run make.go es FREQUENCIES.msgpack.gz DICTIONARY.dic >es.txt
package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"os"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// size is how many words a list has: log2(7500^7) = 90.1 bits.
const size = 7500

func main() {
	log.SetFlags(0)
	lang := os.Args[1]
	known, no := dictionary(lang, os.Args[3]), refused(lang)
	l := list{apart: lang != "ar", taken: map[string]bool{}, begins: map[string]bool{}, gaps: map[string][]string{}}
	for _, w := range frequent(os.Args[2]) {
		n := len([]rune(w))
		if len(l.order) < size && n >= 4 && n <= 9 && known[w] && written(w, lang) && !no(fold(w)) {
			l.add(w)
		}
	}
	if len(l.order) < size {
		log.Fatalf("%d words; want %d", len(l.order), size)
	}
	slices.SortFunc(l.order, func(a, b string) int { return strings.Compare(fold(a), fold(b)) })
	fmt.Println(strings.Join(l.order, "\n"))
}

// list is the words that were taken so far, by their folded forms.
type list struct {
	apart  bool // no two words are one slip apart
	order  []string
	taken  map[string]bool
	begins map[string]bool     // what words begin with
	gaps   map[string][]string // words by what is left of them without one letter
}

// add takes a word that begins no other, that no other begins, and that is no slip of
// another where the list wants that.
func (l *list) add(word string) {
	f := []rune(fold(word))
	if len(f) < 3 || l.begins[string(f)] || l.apart && l.slips(f) {
		return
	}
	for i := range f {
		if l.taken[string(f[:i])] {
			return
		}
	}
	l.order = append(l.order, word)
	l.taken[string(f)] = true
	for i := range f {
		l.begins[string(f[:i+1])] = true
		l.gaps[without(f, i)] = append(l.gaps[without(f, i)], string(f))
	}
}

// slips reports whether a word that was taken differs from f by one letter, or by two
// neighbours swapped.
func (l *list) slips(f []rune) bool {
	if len(l.gaps[string(f)]) > 0 { // one with a letter more
		return true
	}
	for i := range f {
		if l.taken[without(f, i)] {
			return true
		}
		for _, w := range l.gaps[without(f, i)] {
			if substituted([]rune(w), f) {
				return true
			}
		}
		if i > 0 {
			swapped := slices.Clone(f)
			swapped[i-1], swapped[i] = f[i], f[i-1]
			if l.taken[string(swapped)] {
				return true
			}
		}
	}
	return false
}

func without(f []rune, i int) string { return string(f[:i]) + string(f[i+1:]) }

// substituted reports whether two words of one length differ in one place.
func substituted(a, b []rune) bool {
	n := 0
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			n++
		}
	}
	return len(a) == len(b) && n == 1
}

// fold is what codename makes of a word before it looks it up.
func fold(w string) string {
	w = strings.NewReplacer("œ", "oe", "æ", "ae", "ة", "ه", "ى", "ي", "ء", "", "ـ", "").Replace(strings.ToLower(w))
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(w))
}

// written reports whether a word has letters of its language's alphabet only.
func written(w, lang string) bool {
	for _, r := range w {
		if !strings.ContainsRune(map[string]string{
			"es": "abcdefghijklmnopqrstuvwxyzáéíóúüñ",
			"fr": "abcdefghijklmnopqrstuvwxyzàâçèéêëîïôœùûü",
			"ru": "абвгдежзийклмнопрстуфхцчшщъыьэюяё",
			"ar": "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىي",
		}[lang], r) {
			return false
		}
	}
	return true
}

// refused reads refused.txt: under the name of each language, words, and beginnings
// with a star behind them.
func refused(lang string) func(string) bool {
	b, err := os.ReadFile("refused.txt")
	if err != nil {
		log.Fatal(err)
	}
	words, beginnings := map[string]bool{}, []string{}
	_, here, _ := strings.Cut(string(b), "# "+lang+"\n")
	here, _, _ = strings.Cut(here, "# ")
	for _, line := range strings.Fields(here) {
		if w, star := strings.CutSuffix(line, "*"); star {
			beginnings = append(beginnings, fold(w))
		} else {
			words[fold(w)] = true
		}
	}
	return func(w string) bool {
		return words[w] || slices.ContainsFunc(beginnings, func(b string) bool { return strings.HasPrefix(w, b) })
	}
}

// dictionary reads the basic words of a Hunspell dictionary. What begins with a capital
// is a name, and is not written as words are.
func dictionary(lang, path string) map[string]bool {
	f, err := os.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	words := map[string]bool{}
	for s := bufio.NewScanner(f); s.Scan(); {
		w, tells, flagged := strings.Cut(s.Text(), "/")
		if w = norm.NFC.String(w); flagged && basic(lang, w, tells) {
			words[w] = true
		}
	}
	return words
}

// basic reports whether an entry is a word that a dictionary in print would have: one
// that is inflected, and is not itself a form of another.
func basic(lang, word, tells string) bool {
	switch lang {
	case "fr":
		return strings.Contains(tells, "po:nom") || strings.Contains(tells, "po:adj") || strings.Contains(tells, "po:v")
	case "ar":
		// Flags of nouns and adjectives that are no names; what has a second column is a
		// form of a verb.
		// What begins with a "and" or the article is mostly another word with it.
		return !strings.HasPrefix(word, "ال") && !strings.HasPrefix(word, "و") && slices.Contains(strings.Fields("61 65 67 69 72 73 75 76 77 83 86 101 158 160 166 167 168 169 171 177 178 199 203 214 216"), tells)
	}
	return true
}

// frequent reads a word list of wordfreq: MessagePack, a header and then the words by
// frequency. Words of one frequency come in the order of their bytes.
func frequent(path string) []string {
	f, err := os.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		log.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		log.Fatal(err)
	}
	r := &packed{bytes.NewReader(b)}
	var all []string
	for i := range r.length(0x90, 0xdc) {
		if i == 0 {
			for range r.length(0x80, 0xde) { // "format" and "version"
				r.text()
				if c := r.byte(); c > 0x7f {
					r.UnreadByte()
					r.text()
				}
			}
			continue
		}
		words := make([]string, r.length(0x90, 0xdc))
		for j := range words {
			words[j] = norm.NFC.String(r.text())
		}
		slices.Sort(words)
		all = append(all, words...)
	}
	return all
}

// packed reads the little of MessagePack that is needed.
type packed struct{ *bytes.Reader }

func (p *packed) byte() byte {
	b, err := p.ReadByte()
	if err != nil {
		log.Fatal(err)
	}
	return b
}

func (p *packed) number(bytes int) (n int) {
	for range bytes {
		n = n<<8 | int(p.byte())
	}
	return n
}

// length reads that of an array or map: short in the first byte, or in two or four.
func (p *packed) length(short, long byte) int {
	switch b := p.byte(); {
	case b&0xf0 == short:
		return int(b & 0x0f)
	case b == long:
		return p.number(2)
	case b == long+1:
		return p.number(4)
	default:
		log.Fatalf("byte %x where a length was to be", b)
		return 0
	}
}

func (p *packed) text() string {
	n := 0
	switch b := p.byte(); {
	case b&0xe0 == 0xa0:
		n = int(b & 0x1f)
	case b >= 0xd9 && b <= 0xdb:
		n = p.number(1 << (b - 0xd9))
	default:
		log.Fatalf("byte %x where a text was to be", b)
	}
	w := make([]byte, n)
	if _, err := io.ReadFull(p, w); err != nil {
		log.Fatal(err)
	}
	return string(w)
}
