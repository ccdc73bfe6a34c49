package segment

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"daylight/search"
)

// evalIs finds the documents that have one of the values.
func (r *run) evalIs(n *node, within *set) *set {
	c := &r.v.facets[facetNumber(n.is.Facet)]
	wanted := newBitset(c.size())
	any := false
	for _, v := range n.is.Values {
		// In order of values, those of one kind stand together: "image/*".
		begin := v
		if n.is.Facet == search.Type {
			begin = strings.TrimSuffix(v, "*")
		}
		for o := c.from(begin); o < c.size() && strings.HasPrefix(string(c.value(o)), begin); o++ {
			if n.is.Has(string(c.value(o))) {
				wanted.set(o)
				any = true
			}
			if begin == v {
				break
			}
		}
	}
	switch {
	case !any:
		return r.empty()
	case c.starts == nil:
		return r.filter(within, func(d uint32) bool { return wanted.has(c.ordinals.at(d)) })
	}
	return r.filter(within, func(d uint32) bool {
		from, to := c.span(d)
		for i := from; i < to; i++ {
			if wanted.has(c.ordinals.at(i)) {
				return true
			}
		}
		return false
	})
}

// values gives the values of one facet numbers that hold in all segments. It only
// grows.
type values struct {
	mu    sync.RWMutex
	index map[string]uint32
	list  []string
}

// numbers returns the number of each ordinal of a segment.
func (v *values) numbers(c *facetColumns) []uint32 {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.index == nil {
		v.index = map[string]uint32{}
	}
	numbers := make([]uint32, c.size())
	for o := range numbers {
		value := c.value(uint32(o))
		n, ok := v.index[string(value)]
		if !ok {
			n = uint32(len(v.list))
			s := string(value)
			v.index[s] = n
			v.list = append(v.list, s)
		}
		numbers[o] = n
	}
	return numbers
}

func (v *values) all() []string {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.list
}

// countFacet counts the values of a facet over what all runs matched.
func (x *store) countFacet(f search.FacetRequest, runs []*run) search.Facet {
	number := facetNumber(f.Name)
	vals := &x.values[number]
	for _, r := range runs {
		s := r.v.segment
		s.facetOnce[number].Do(func() { s.facetOrdinals[number] = vals.numbers(&s.facets[number]) })
	}
	list := vals.all()
	counts := make([]uint32, len(list))
	for _, r := range runs {
		numbers := r.v.facetOrdinals[number]
		if len(r.docs) == r.v.live && r.v.live > 0 {
			for o, n := range r.v.facetTotals(number) {
				counts[numbers[o]] += n
			}
			continue
		}
		r.v.facets[number].count(r.docs, func(o uint32) { counts[numbers[o]]++ })
	}
	return mostFrequent(f, list, counts)
}

// facetTotals are the counts by ordinal when everything matches, which is what the
// first page of an archive asks for. They are counted once.
func (v *view) facetTotals(number int) []uint32 {
	v.totalsOnce[number].Do(func() {
		c := &v.facets[number]
		totals := make([]uint32, c.size())
		docs := make([]uint32, 0, v.live)
		for d := range v.n {
			if v.alive == nil || v.alive.has(d) {
				docs = append(docs, d)
			}
		}
		c.count(docs, func(o uint32) { totals[o]++ })
		v.totals[number] = totals
	})
	return v.totals[number]
}

// mostFrequent makes the answer of counts.
func mostFrequent(f search.FacetRequest, list []string, counts []uint32) search.Facet {
	facet := search.Facet{Name: f.Name}
	compare := func(a, b search.Count) int {
		if c := cmp.Compare(b.Count, a.Count); c != 0 {
			return c
		}
		return strings.Compare(a.Value, b.Value)
	}
	limit := f.Limit
	least := uint32(1) // what is rarer than all those kept is not wanted
	for i, n := range counts {
		if n == 0 {
			continue
		}
		if list[i] != search.Unknown {
			facet.Distinct++
		}
		if n < least {
			continue
		}
		facet.Values = append(facet.Values, search.Count{Value: list[i], Count: int(n)})
		// Of a million values ten are wanted: keep few, and sort seldom.
		if limit > 0 && len(facet.Values) >= 4*limit+1024 {
			slices.SortFunc(facet.Values, compare)
			facet.Values = facet.Values[:limit]
			least = uint32(facet.Values[limit-1].Count)
		}
	}
	slices.SortFunc(facet.Values, compare)
	if limit > 0 && len(facet.Values) > limit {
		facet.Values = facet.Values[:limit]
	}
	return facet
}

// messages numbers the messages of an index. It only grows.
type messages struct {
	mu    sync.Mutex
	index map[[16]byte]uint32
}

// noMessage is the number of what counts as no distinct message.
const noMessage = ^uint32(0)

// numbers returns the number of each document's message, and how many there are.
func (m *messages) numbers(c *columns) []uint32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.index == nil {
		m.index = make(map[[16]byte]uint32, c.n)
	}
	numbers := make([]uint32, c.n)
	for d := range c.n {
		key := c.message(d)
		if key == [16]byte{} {
			numbers[d] = noMessage
			continue
		}
		n, ok := m.index[key]
		if !ok {
			n = uint32(len(m.index))
			m.index[key] = n
		}
		numbers[d] = n
	}
	return numbers
}

func (m *messages) len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.index)
}

// distinct counts the messages that runs matched, each once.
func (x *store) distinct(runs []*run) int {
	for _, r := range runs {
		s := r.v.segment
		s.messageOnce.Do(func() { s.messageOrdinals = x.messages.numbers(&s.columns) })
	}
	seen := newBitset(uint32(x.messages.len()))
	n := 0
	for _, r := range runs {
		for _, d := range r.docs {
			if m := r.v.messageOrdinals[d]; m != noMessage && !seen.has(m) {
				seen.set(m)
				n++
			}
		}
	}
	return n
}
