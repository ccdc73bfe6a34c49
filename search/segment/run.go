package segment

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
)

// run is one search in one segment.
type run struct {
	ctx    context.Context
	v      *view
	plan   *plan
	scored bool // statistics are needed
	leaves []resolved
	sets   []*set  // by node: what it matches, of what was asked of it; or done; nil when it was not asked
	hits   [][]hit // by leaf: of a phrase, the documents and frequencies, in order
	key    []byte

	docs []uint32 // all that matches
}

// set is documents and how many they are.
type set struct {
	bitset
	n int
}

// hit is a document that matches a phrase, and how often, times weights of fields.
type hit struct{ doc, frequency uint32 }

// match finds what matches.
func (r *run) match() error {
	r.leaves = make([]resolved, len(r.plan.leaves))
	r.hits = make([][]hit, len(r.plan.leaves))
	r.sets = make([]*set, r.plan.nodes)
	for _, n := range r.plan.leaves {
		r.resolve(n)
	}
	var within *set
	if r.v.alive != nil {
		within = &set{r.v.alive, r.v.live}
	}
	s, err := r.eval(r.plan.root, within)
	if err != nil {
		return err
	}
	r.docs = s.list(make([]uint32, 0, s.n))
	return nil
}

func (r *run) empty() *set { return &set{newBitset(r.v.n), 0} }

func (r *run) everything() *set {
	s := r.empty()
	s.fill(r.v.n)
	s.n = int(r.v.n)
	return s
}

// eval finds what a node matches, within a set (nil is everything). The sets it
// returns are not written to again.
func (r *run) eval(n *node, within *set) (*set, error) {
	if err := r.ctx.Err(); err != nil {
		return nil, err
	}
	s, err := r.evalKind(n, within)
	if err != nil {
		return nil, err
	}
	// Scoring asks for the set of a part only where not every document that is left
	// has to match it. Of a thousand words, all sets would be large.
	switch r.sets[n.number] = done; n.kind {
	case kindAnd, kindOr, kindPrefix:
		r.sets[n.number] = s
	}
	return s, nil
}

// done stands for the set of a node that was looked at.
var done = &set{}

func (r *run) evalKind(n *node, within *set) (*set, error) {
	switch n.kind {
	case kindAnd:
		return r.evalAnd(n, within)
	case kindOr:
		return r.evalOr(n, within)
	case kindNot:
		of, err := r.eval(n.of[0], within)
		if err != nil {
			return nil, err
		}
		s := r.everything()
		if within != nil {
			copy(s.bitset, within.bitset)
		}
		s.andNot(of.bitset)
		s.n = s.count()
		return s, nil
	case kindIs:
		return r.evalIs(n, within), nil
	case kindDates:
		return r.filter(within, func(d uint32) bool { return n.dates.Has(r.v.date(d)) }), nil
	case kindPrefix:
		return r.evalPrefix(n, within)
	case kindWords:
		switch {
		case n.stems != nil:
			return r.evalWord(n, within)
		case len(n.forms) == 0:
			return r.empty(), nil
		}
		return r.evalPhrase(n, within)
	}
	if within != nil {
		return within, nil
	}
	return r.everything(), nil
}

// evalAnd asks the rarest first, and the others only within what is left.
func (r *run) evalAnd(n *node, within *set) (*set, error) {
	order := slices.Clone(n.of)
	slices.SortStableFunc(order, func(a, b *node) int { return cmp.Compare(r.cost(a), r.cost(b)) })
	for _, of := range order {
		s, err := r.eval(of, within)
		if err != nil {
			return nil, err
		}
		if within = s; s.n == 0 {
			break
		}
	}
	if within == nil {
		return r.everything(), nil
	}
	return within, nil
}

func (r *run) evalOr(n *node, within *set) (*set, error) {
	all := r.empty()
	for _, of := range n.of {
		s, err := r.eval(of, within)
		if err != nil {
			return nil, err
		}
		all.or(s.bitset)
	}
	all.n = all.count()
	return all, nil
}

// cost is about how many documents have to be looked at.
func (r *run) cost(n *node) int {
	sum := 0
	switch n.kind {
	case kindWords:
		return r.leaves[n.leaf].cost
	case kindAnd:
		least := int(r.v.n)
		for _, of := range n.of {
			least = min(least, r.cost(of))
		}
		return least
	case kindOr:
		for _, of := range n.of {
			sum += r.cost(of)
		}
		return sum
	}
	return int(r.v.n)
}

// filter tests each document of a set.
func (r *run) filter(within *set, ok func(d uint32) bool) *set {
	s := r.empty()
	test := func(d uint32) {
		if ok(d) {
			s.set(d)
			s.n++
		}
	}
	if within != nil {
		within.each(test)
		return s
	}
	for d := range r.v.n {
		test(d)
	}
	return s
}

// sparse is how many times fewer documents a set must have than postings, for
// seeking each to be quicker than reading all.
const sparse = 16

// evalWord unites the forms of a word.
func (r *run) evalWord(n *node, within *set) (*set, error) {
	l, s := &r.leaves[n.leaf], r.empty()
	var docs []uint32
	seek := within != nil && within.n < l.cost/sparse
	if seek {
		docs = within.list(make([]uint32, 0, within.n))
	}
	for _, u := range l.uses {
		if err := r.ctx.Err(); err != nil {
			return nil, err
		}
		p := r.open(u)
		switch {
		case seek:
			for _, d := range docs {
				at := p.advance(d)
				if at == end {
					break
				}
				if at == d && r.speaks(u, d) {
					s.set(d)
				}
			}
		default:
			r.unite(s, p, u)
		}
	}
	if within != nil && !seek {
		s.and(within.bitset)
	}
	s.n = s.count()
	return s, nil
}

// unite adds all documents of a term.
func (r *run) unite(s *set, p *postings, u use) {
	for more := p.n > 0; more; more = p.nextBlock() {
		for _, d := range p.docs[:p.n] {
			if u.langs == 0 || r.speaks(u, d) {
				s.set(d)
			}
		}
	}
}

// speaks reports whether a term counts in the main language of a document.
func (r *run) speaks(u use, d uint32) bool {
	return u.langs == 0 || u.langs>>r.v.language(d)&1 == 1
}

func (r *run) open(u use) *postings {
	p := &postings{}
	p.open(r.v.postings, u.off)
	return p
}

// documents is the number of documents in the postings at an offset.
func (s *segment) documents(off uint64) int {
	head := s.postings.bytes(off, min(binary.MaxVarintLen32, s.postings.size-min(off, s.postings.size)))
	n, size := binary.Uvarint(head)
	if size <= 0 || n > uint64(s.n) {
		panic(damage{"postings"})
	}
	return int(n)
}
