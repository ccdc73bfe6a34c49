package text

import (
	"sync"
	"unicode/utf8"
)

// kind is what a character does to words.
type kind uint8

const (
	parts  kind = iota // between words
	gone               // invisible: inside a word it belongs to it, and has no form
	letter             // of a word
	alone              // a word of its own: scripts without spaces
	mark               // of a word, or of the character alone before it
)

// entry is what is known of one character.
type entry struct {
	form  rune   // the folded form; 0 when there is none or long is set
	long  uint16 // 1 + index in folding.long, for forms of several characters
	kind  kind
	joins bool // may compose with what stands before it, so a form must be folded as a whole
}

type page [256]entry

// folding has an entry for each character of the basic plane. Those beyond are
// rare enough in text to be computed each time.
type folding struct {
	pages [256]*page
	long  []string
}

// table is computed from the tables of Unicode when first needed; see
// BenchmarkTable for what that costs.
var table = sync.OnceValue(func() *folding {
	f := &folding{}
	index := map[string]uint16{}
	for hi := range f.pages {
		p := &page{}
		for lo := range p {
			r := rune(hi<<8 | lo)
			form, k := foldRune(r)
			p[lo] = entry{kind: k, joins: joins(r, form)}
			switch n := utf8.RuneCountInString(form); {
			case n == 1:
				p[lo].form, _ = utf8.DecodeRuneInString(form)
			case n > 1:
				if index[form] == 0 {
					f.long = append(f.long, form)
					index[form] = uint16(len(f.long))
				}
				p[lo].long = index[form]
			}
		}
		f.pages[hi] = p
	}
	return f
})

func (f *folding) kind(r rune) (k kind, joining bool) {
	if r <= 0xFFFF {
		e := &f.pages[r>>8][r&0xFF]
		return e.kind, e.joins
	}
	form, k := foldRune(r)
	return k, joins(r, form)
}

// append appends the form of r to b.
func (f *folding) append(b []byte, r rune) []byte {
	if r > 0xFFFF {
		form, _ := foldRune(r)
		return append(b, form...)
	}
	switch e := &f.pages[r>>8][r&0xFF]; {
	case e.form != 0:
		return utf8.AppendRune(b, e.form)
	case e.long != 0:
		return append(b, f.long[e.long-1]...)
	default:
		return b
	}
}
