package segment

import (
	"slices"

	"daylight/search"
	"daylight/text"
)

// plan is a query made ready for all segments: the tree as nodes with numbers, the
// words as forms, their stems in each language.
type plan struct {
	root   *node
	nodes  int
	leaves []*node // those with words
}

type kind uint8

const (
	kindAll kind = iota
	kindWords
	kindPrefix // one form; of several it is words whose last is a prefix
	kindIs
	kindDates
	kindAnd
	kindOr
	kindNot
)

type node struct {
	kind   kind
	number int // among nodes
	leaf   int // among leaves
	of     []*node

	fields []field
	forms  []string
	stems  []string // of a single word: by number of language
	prefix bool     // the last form is one

	is    search.Is
	dates search.Dates
}

// field is where a word is looked for.
type field struct {
	code   byte
	weight int
}

func newPlan(q search.Query) *plan {
	p := &plan{}
	p.root = p.node(q)
	return p
}

func (p *plan) node(q search.Query) *node {
	n := &node{number: p.nodes}
	p.nodes++
	switch q := q.(type) {
	case search.Word:
		p.words(n, q.Field, q.Text)
		if len(n.forms) == 1 {
			n.stems = make([]string, len(stemmed))
			for i, lang := range stemmed {
				n.stems[i] = text.Stem(lang, n.forms[0])
			}
		}
	case search.Phrase:
		p.words(n, q.Field, q.Text)
	case search.Prefix:
		p.words(n, q.Field, q.Text)
		n.prefix = true
		if len(n.forms) == 1 {
			n.kind = kindPrefix
		}
	case search.Is:
		n.kind, n.is = kindIs, q
	case search.Dates:
		n.kind, n.dates = kindDates, q
	case search.And:
		n.kind, n.of = kindAnd, p.all(q.Of)
	case search.Or:
		n.kind, n.of = kindOr, p.all(q.Of)
	case search.Not:
		n.kind, n.of = kindNot, p.all([]search.Query{q.Of})
	}
	return n
}

func (p *plan) all(of []search.Query) []*node {
	nodes := make([]*node, len(of))
	for i, q := range of {
		nodes[i] = p.node(q)
	}
	return nodes
}

func (p *plan) words(n *node, name, s string) {
	n.kind, n.forms = kindWords, text.Forms(s)
	names := []string{name}
	if name == "" {
		names = search.BareFields
	}
	for _, f := range names {
		n.fields = append(n.fields, field{fieldBytes[f], search.FieldWeight(f)})
	}
	n.leaf = len(p.leaves)
	p.leaves = append(p.leaves, n)
}

// use is the postings of one term that a leaf uses.
type use struct {
	off    uint64
	df     int
	weight int
	langs  uint32 // only documents of these main languages; 0 is all
}

// resolved is a leaf in one segment.
type resolved struct {
	uses  []use   // of a single word: every form in every field
	slots [][]use // of a phrase: by field, by form
	cost  int     // documents in all of uses
	df    [][]int // by form, by field: live documents that hold it
}

// resolve looks the forms of a leaf up.
func (r *run) resolve(n *node) {
	l := &r.leaves[n.leaf]
	l.df = make([][]int, len(n.forms))
	for i := range l.df {
		l.df[i] = make([]int, len(n.fields))
	}
	if len(n.forms) == 0 || n.kind == kindPrefix {
		l.cost = int(r.v.n)
		return
	}
	l.slots = make([][]use, len(n.fields))
	for fi, f := range n.fields {
		l.slots[fi] = make([]use, len(n.forms))
		for i, form := range n.forms {
			u := r.use(f, form, 0)
			l.slots[fi][i] = u
			if r.scored && u.df > 0 {
				l.df[i][fi] = u.df - r.deadIn(u)
			}
		}
		if n.prefix {
			l.cost += int(r.v.n)
		} else {
			l.cost += slices.MinFunc(l.slots[fi], func(a, b use) int { return a.df - b.df }).df
		}
	}
	if n.stems != nil {
		r.expand(n, l)
	}
}

// expand finds the forms of equal stem, and makes uses of all.
func (r *run) expand(n *node, l *resolved) {
	for fi := range n.fields {
		if u := l.slots[fi][0]; u.df > 0 {
			l.uses = append(l.uses, u)
		}
	}
	for form, langs := range r.equalStems(n) {
		for _, f := range n.fields {
			if u := r.use(f, form, langs); u.df > 0 {
				l.uses = append(l.uses, u)
			}
		}
	}
	l.cost = 0
	for _, u := range l.uses {
		l.cost += u.df
	}
}

// equalStems returns the other forms that have the word's stem, each with the
// languages in which it does.
func (r *run) equalStems(n *node) map[string]uint32 {
	var langs uint32
	for _, l := range r.v.langs {
		if l != noStems {
			langs |= 1 << l
		}
	}
	forms := map[string]uint32{}
	for lang, stem := range n.stems {
		if langs>>lang&1 == 0 {
			continue
		}
		if text.Stem(stemmed[lang], stem) == stem {
			forms[stem] |= 1 << lang
		}
		off, ok, err := r.v.stems.Get(stemKey(uint8(lang), stem))
		if err != nil {
			panic(damage{"dictionary of stems"})
		}
		if !ok {
			continue
		}
		for _, form := range readForms(r.v.forms, off, stem) {
			forms[form] |= 1 << lang
		}
	}
	delete(forms, n.forms[0]) // which counts in every language
	return forms
}

// use looks one form up in one field.
func (r *run) use(f field, form string, langs uint32) use {
	r.key = append(append(r.key[:0], f.code), form...)
	off, ok := r.v.lookup(r.key)
	if !ok {
		return use{}
	}
	return use{off: off, df: r.v.documents(off), weight: f.weight, langs: langs}
}

// deadIn is the number of deleted documents that hold a term.
func (r *run) deadIn(u use) int {
	if r.v.dead == nil {
		return 0
	}
	p := r.open(u)
	n := 0
	for it := r.v.dead.Iterator(); it.HasNext(); {
		d := it.Next()
		at := p.advance(d)
		if at == end {
			break
		}
		if at == d {
			n++
		} else {
			it.AdvanceIfNeeded(at)
		}
	}
	return n
}
