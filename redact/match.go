package redact

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"daylight/text"
)

// insideWords is from how many characters a form is also found inside of longer
// words. Shorter ones would be found in half of all words.
const insideWords = 5

// matcher finds forms in a text. It compares the words of both, folded, and looks
// at what stands between them only where the text parts what the form does not.
type matcher struct{ forms []form }

// form is one of the listed forms, ready for comparison.
type form struct {
	index    int    // in the list
	joined   string // its words' folded forms without anything between
	reversed string // joined, backwards; "" where it would be the same
	parts    []int  // where in joined a word of it begins, the first excepted
	inside   bool   // it may stand inside of longer words
}

// direction says which way a text may be written.
type direction int

const (
	forward  direction = 1 << iota
	backward           // somebody wrote it backwards
)

// span is a place in a text, whole words, that belongs to a form.
type span struct {
	start, end int
	form       int
	backward   bool
	inside     bool // the form is long enough to stand inside of words
}

// newMatcher skips forms without a single letter or digit: they match nothing.
func newMatcher(forms []string) *matcher {
	m := &matcher{}
	for i, f := range forms {
		c := form{index: i}
		for n, w := range text.Forms(f) {
			w = look(w)
			if n > 0 {
				c.parts = append(c.parts, len(c.joined))
			}
			c.joined += w
		}
		if c.joined == "" {
			continue
		}
		c.inside = utf8.RuneCountInString(c.joined) >= insideWords
		if r := reverse(c.joined); c.inside && r != c.joined {
			c.reversed = r
		}
		m.forms = append(m.forms, c)
	}
	return m
}

func reverse(s string) string {
	r := []rune(s)
	slices.Reverse(r)
	return string(r)
}

// words is a text as the words' folded forms, joined.
type words struct {
	src    string
	joined string
	begin  []int // where in joined each word begins
	tokens []text.Token
}

func split(s string) words {
	w := words{src: s}
	var b strings.Builder
	b.Grow(len(s))
	for t := range text.Tokens(s) {
		if t.End-t.Start > text.MaxForm { // its form was cut; a name may stand behind
			t.Form = text.Fold(s[t.Start:t.End])
		}
		t.Form = look(t.Form)
		w.begin = append(w.begin, b.Len())
		w.tokens = append(w.tokens, t)
		b.WriteString(t.Form)
	}
	w.joined = b.String()
	return w
}

// find returns every place where a form stands, in no order. Places may overlap.
func (m *matcher) find(s string, d direction) []span {
	if len(m.forms) == 0 || s == "" {
		return nil
	}
	w := split(s)
	var spans []span
	for i := range m.forms {
		f := &m.forms[i]
		if d&forward != 0 {
			spans = w.all(spans, f, f.joined, f.parts, false)
		}
		if d&backward != 0 && f.reversed != "" {
			spans = w.all(spans, f, f.reversed, mirrored(f), true)
		}
	}
	return spans
}

// mirrored is where the words of a form begin when it is written backwards.
func mirrored(f *form) []int {
	parts := make([]int, 0, len(f.parts))
	for _, p := range slices.Backward(f.parts) {
		parts = append(parts, len(f.joined)-p)
	}
	return parts
}

// all finds one form in the joined words.
func (w *words) all(spans []span, f *form, needle string, parts []int, back bool) []span {
	for from := 0; ; {
		i := strings.Index(w.joined[from:], needle)
		if i < 0 {
			return spans
		}
		at := from + i
		if first, last, ok := w.accept(f, at, at+len(needle), parts); ok {
			spans = append(spans, span{w.tokens[first].Start, w.tokens[last].End, f.index, back, f.inside})
		}
		from = at + 1
	}
}

// accept says whether the joined words from at to end are the form, and which
// words of the text they are.
func (w *words) accept(f *form, at, end int, parts []int) (first, last int, ok bool) {
	first = w.wordAt(at)
	last = w.wordAt(end - 1)
	stop := len(w.joined)
	if last+1 < len(w.begin) {
		stop = w.begin[last+1]
	}
	atWords := w.begin[first] == at && stop == end
	if !atWords && !f.inside {
		return 0, 0, false
	}
	for i := first + 1; i <= last; i++ {
		// Where the form has a boundary too, anything may stand between.
		if slices.Contains(parts, w.begin[i]-at) {
			continue
		}
		if !w.soft(i) {
			return 0, 0, false
		}
	}
	return first, last, true
}

// wordAt is the word that holds a byte of joined.
func (w *words) wordAt(at int) int {
	i, exact := slices.BinarySearch(w.begin, at)
	if exact {
		// Words with an empty form begin at the same place; the last of them has the byte.
		for i+1 < len(w.begin) && w.begin[i+1] == at {
			i++
		}
		return i
	}
	return i - 1
}

// soft says whether one word may go on in the next, i: over a hyphen or dash, over
// the end of a line or page (with the marks of a quotation, and however far the next
// line is indented), or with its letters spaced apart.
func (w *words) soft(i int) bool {
	between := w.src[w.tokens[i-1].End:w.tokens[i].Start]
	const widest, most = 256, 16 // characters, and those of them that can be seen
	if len(between) > widest*utf8.UTFMax {
		return false
	}
	breaks, seen := false, 0
	for _, r := range between {
		switch r {
		case '\u00ad', '\u2027', '\u2212', '\u200b', '\n', '\r', '\v', '\f', '\u0085', '\u2028', '\u2029':
			breaks = true
		case '>', '|', '.', '_', '=':
			seen++
		default:
			switch {
			case unicode.Is(unicode.Pd, r):
				breaks = true
				seen++
			case r != '\t' && !unicode.Is(unicode.Zs, r):
				return false
			}
		}
	}
	return seen <= most && (breaks || w.single(i-1) && w.single(i))
}

func (w *words) single(i int) bool { return utf8.RuneCountInString(w.tokens[i].Form) == 1 }
