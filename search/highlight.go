package search

import (
	"strings"

	"daylight/text"
)

// Range is a stretch of bytes of a text, Span a stretch with or without a mark.
type (
	Range = text.Range
	Span  = text.Span
)

// Highlight returns what a query matches in the own text of a document whose main
// language is lang: words, their stems, whole phrases, in order, at most maxRanges
// of them. What is excluded, and what is asked of other fields, is not marked.
func Highlight(q Query, lang, s string) []Range {
	var ranges []Range
	m := newMarker(q, lang)
	m.scan(s, func(f found) bool {
		ranges = append(ranges, Range{Start: f.start, End: f.end})
		return len(ranges) < maxRanges
	})
	return ranges
}

// maxRanges bounds the marks on one page.
const maxRanges = 20_000

// found is one place that a part of the query matches.
type found struct {
	start, end int
	leaf       int // which part of the query
}

// marker finds the places in one text.
type marker struct {
	lang     string
	leaves   int
	forms    map[string]int // form → leaf
	stems    map[string]int
	prefixes []marked
	phrases  []*running
	known    map[string]int // form → leaf, or -1; spares stemming a word twice
}

type marked struct {
	prefix string
	leaf   int
}

// running is a phrase and the beginnings of it that the text is in the middle of.
type running struct {
	forms  []string
	prefix bool // the last form is a prefix
	leaf   int
	active []begun
}

type begun struct{ start, matched int }

func newMarker(q Query, lang string) *marker {
	m := &marker{lang: lang, forms: map[string]int{}, stems: map[string]int{}, known: map[string]int{}}
	m.collect(q)
	return m
}

// collect takes the parts of a query that make a text match.
func (m *marker) collect(q Query) {
	switch q := q.(type) {
	case Word:
		m.add(q.Field, text.Forms(q.Text), true, false)
	case Phrase:
		m.add(q.Field, text.Forms(q.Text), false, false)
	case Prefix:
		m.add(q.Field, text.Forms(q.Text), false, true)
	case And:
		for _, q := range q.Of {
			m.collect(q)
		}
	case Or:
		for _, q := range q.Of {
			m.collect(q)
		}
	}
}

func (m *marker) add(field string, forms []string, stem, prefix bool) {
	if field != "" && field != FieldText || len(forms) == 0 {
		return
	}
	leaf := m.leaves
	m.leaves++
	switch {
	case len(forms) > 1:
		m.phrases = append(m.phrases, &running{forms: forms, prefix: prefix, leaf: leaf})
	case prefix:
		m.prefixes = append(m.prefixes, marked{forms[0], leaf})
	default:
		m.forms[forms[0]] = leaf
		if stem && text.Stems(m.lang) {
			m.stems[text.Stem(m.lang, forms[0])] = leaf
		}
	}
}

// scan gives the places in order of their ends, until yield returns false.
func (m *marker) scan(s string, yield func(found) bool) {
	if m.leaves == 0 {
		return
	}
	for t := range text.Tokens(s) {
		if leaf := m.word(t.Form); leaf >= 0 && !yield(found{t.Start, t.End, leaf}) {
			return
		}
		for _, p := range m.phrases {
			if start, ok := p.step(t); ok && !yield(found{start, t.End, p.leaf}) {
				return
			}
		}
	}
}

// maxKnown bounds what a marker remembers of a large text.
const maxKnown = 1 << 14

// word returns the leaf that a form matches by itself, or -1.
func (m *marker) word(form string) int {
	if leaf, ok := m.known[form]; ok {
		return leaf
	}
	leaf := m.look(form)
	if len(m.known) < maxKnown {
		m.known[strings.Clone(form)] = leaf
	}
	return leaf
}

func (m *marker) look(form string) int {
	if leaf, ok := m.forms[form]; ok {
		return leaf
	}
	if len(m.stems) > 0 {
		if leaf, ok := m.stems[text.Stem(m.lang, form)]; ok {
			return leaf
		}
	}
	for _, p := range m.prefixes {
		if strings.HasPrefix(form, p.prefix) {
			return p.leaf
		}
	}
	return -1
}

// step takes the next token, and returns where a phrase that ends with it began.
func (p *running) step(t text.Token) (start int, ok bool) {
	kept := p.active[:0]
	p.active = append(p.active, begun{t.Start, 0})
	for _, b := range p.active {
		last := b.matched == len(p.forms)-1
		if t.Form != p.forms[b.matched] && !(last && p.prefix && strings.HasPrefix(t.Form, p.forms[b.matched])) {
			continue
		}
		if last {
			start, ok = b.start, true
			continue
		}
		b.matched++
		kept = append(kept, b)
	}
	p.active = kept
	return start, ok
}
