package segment

import (
	"errors"
	"slices"
	"strings"

	"github.com/blevesearch/vellum"
)

// candidate is a document that holds the forms of a phrase in order, as far as they
// were looked at, and the positions of those forms that came last.
type candidate struct {
	doc  uint32
	ends []uint32
}

// evalPhrase finds the documents in which forms stand in order in one field.
func (r *run) evalPhrase(n *node, within *set) (*set, error) {
	s := r.empty()
	l := &r.leaves[n.leaf]
	var hits []hit
	for fi, f := range n.fields {
		slots := l.slots[fi]
		if n.prefix {
			slots = slots[:len(slots)-1]
		}
		if slices.ContainsFunc(slots, func(u use) bool { return u.df == 0 }) {
			continue
		}
		found, err := r.inOrder(slots, within, n.prefix)
		if err != nil {
			return nil, err
		}
		if n.prefix {
			if found, err = r.endWith(f, n.forms[len(n.forms)-1], found); err != nil {
				return nil, err
			}
		}
		for _, c := range found {
			s.set(c.doc)
			hits = append(hits, hit{c.doc, c.ends[0] * uint32(f.weight)})
		}
	}
	s.n = s.count()
	if len(n.fields) > 1 {
		slices.SortFunc(hits, func(a, b hit) int { return int(int64(a.doc) - int64(b.doc)) })
		hits = addUp(hits)
	}
	r.hits[n.leaf] = hits
	return s, nil
}

func addUp(hits []hit) []hit {
	out := hits[:0]
	for _, h := range hits {
		if n := len(out); n > 0 && out[n-1].doc == h.doc {
			out[n-1].frequency += h.frequency
		} else {
			out = append(out, h)
		}
	}
	return out
}

// inOrder finds the documents that hold terms one after the other. When ends are
// wanted, a candidate has the positions of the last one, else their number.
func (r *run) inOrder(slots []use, within *set, wantEnds bool) ([]candidate, error) {
	terms := make([]*postings, len(slots))
	var rare []*postings // each term once, rarest first
	for i, u := range slots {
		if j := slices.IndexFunc(slots[:i], func(o use) bool { return o.off == u.off }); j >= 0 {
			terms[i] = terms[j]
			continue
		}
		terms[i] = r.open(u)
		rare = append(rare, terms[i])
	}
	slices.SortStableFunc(rare, func(a, b *postings) int { return a.df - b.df })

	var found []candidate
	var ends, next []uint32
	steps := 0
next:
	for d := rare[0].doc(); d != end; {
		if steps++; steps%4096 == 0 {
			if err := r.ctx.Err(); err != nil {
				return nil, err
			}
		}
		for _, p := range rare[1:] {
			if at := p.advance(d); at != d {
				if at == end {
					break next
				}
				d = rare[0].advance(at)
				continue next
			}
		}
		if within == nil || within.has(d) {
			ends = terms[0].positions(ends[:0])
			for _, p := range terms[1:] {
				if len(ends) == 0 {
					break
				}
				next = p.positions(next[:0])
				ends = follow(ends, next)
			}
			switch {
			case len(ends) == 0:
			case wantEnds:
				found = append(found, candidate{d, slices.Clone(ends)})
			default:
				found = append(found, candidate{d, []uint32{uint32(len(ends))}})
			}
		}
		d = rare[0].advance(d + 1)
	}
	return found, nil
}

// follow keeps the positions of next that stand right after one of ends.
func follow(ends, next []uint32) []uint32 {
	out, j := ends[:0], 0
	for _, e := range ends {
		for j < len(next) && next[j] <= e {
			j++
		}
		if j < len(next) && next[j] == e+1 {
			out = append(out, next[j])
		}
	}
	return out
}

// endWith keeps the candidates that go on with a form that begins so. One position
// holds one form, so that no occurrence counts twice.
func (r *run) endWith(f field, prefix string, found []candidate) ([]candidate, error) {
	if len(found) == 0 {
		return nil, nil
	}
	counts := make([]uint32, len(found))
	var next, ends []uint32
	err := r.eachTerm(f, prefix, func(off uint64) {
		p := r.open(use{off: off})
		for i := 0; i < len(found); i++ {
			at := p.advance(found[i].doc)
			if at == end {
				return
			}
			if at > found[i].doc { // go on at the first candidate that is not before
				k, _ := slices.BinarySearchFunc(found[i:], at, func(c candidate, d uint32) int { return int(int64(c.doc) - int64(d)) })
				i += k - 1
				continue
			}
			next = p.positions(next[:0])
			ends = append(ends[:0], found[i].ends...)
			counts[i] += uint32(len(follow(ends, next)))
		}
	})
	out := found[:0]
	for i, c := range found {
		if counts[i] > 0 {
			out = append(out, candidate{c.doc, []uint32{counts[i]}})
		}
	}
	return out, err
}

// evalPrefix unites all terms that begin so.
func (r *run) evalPrefix(n *node, within *set) (*set, error) {
	s := r.empty()
	for _, f := range n.fields {
		err := r.eachTerm(f, n.forms[0], func(off uint64) {
			u := use{off: off}
			r.unite(s, r.open(u), u)
		})
		if err != nil {
			return nil, err
		}
	}
	if within != nil {
		s.and(within.bitset)
	}
	s.n = s.count()
	return s, nil
}

// eachTerm gives the postings of all terms of a field that begin so.
func (r *run) eachTerm(f field, prefix string, do func(off uint64)) error {
	from := string(f.code) + prefix
	it, err := r.v.dict.Iterator([]byte(from), nil)
	for n := 0; err == nil; n++ {
		key, off := it.Current()
		if !strings.HasPrefix(string(key), from) {
			return nil
		}
		if n%256 == 0 && r.ctx.Err() != nil {
			return r.ctx.Err()
		}
		do(off)
		err = it.Next()
	}
	if !errors.Is(err, vellum.ErrIteratorDone) {
		panic(damage{"dictionary"})
	}
	return nil
}
