package segment

import (
	"container/heap"
	"slices"

	"daylight/search"
)

// rank finds the best of what a run matched.
type rank struct {
	r      *run
	scorer *search.Scorer
	leaf   []float64 // weight of each leaf
	units  []int64   // by place in r.docs
}

// weights are the weights of leaves over all segments.
func weights(p *plan, scorer *search.Scorer, runs []*run) []float64 {
	w := make([]float64, len(p.leaves))
	for _, n := range p.leaves {
		for i := range n.forms {
			most := 0
			for fi := range n.fields {
				df := 0
				for _, r := range runs {
					df += r.leaves[n.leaf].df[i][fi]
				}
				most = max(most, df)
			}
			w[n.leaf] += scorer.Weight(most)
		}
	}
	return w
}

// score adds the score of a node to the documents of a gate (nil is all of r.docs).
func (k *rank) score(n *node, gate bitset) {
	r := k.r
	if r.sets[n.number] == nil {
		return // evalAnd was done before it came to this one: nothing is in the gate
	}
	switch n.kind {
	case kindAnd:
		for _, of := range n.of {
			k.score(of, gate)
		}
	case kindOr:
		for _, of := range n.of {
			inner := gate
			if of.kind == kindAnd || of.kind == kindOr || of.kind == kindPrefix {
				// Only what matches this part has a score of it.
				inner = slices.Clone(r.sets[of.number].bitset)
				if gate != nil {
					inner.and(gate)
				}
			}
			k.score(of, inner)
		}
	case kindPrefix:
		for i, d := range r.docs {
			if gate == nil || gate.has(d) {
				k.units[i] += search.Unit
			}
		}
	case kindWords:
		if n.prefix {
			k.walk(r.hits[n.leaf], gate, func(i int, _ hit) { k.units[i] += search.Unit })
			return
		}
		weight := k.leaf[n.leaf]
		add := func(i int, h hit) {
			k.units[i] += k.scorer.Units(weight, int(h.frequency), r.v.classes[h.doc])
		}
		if n.stems == nil {
			k.walk(r.hits[n.leaf], gate, add)
			return
		}
		k.words(n, gate, add)
	}
}

// walk gives the hits that are in r.docs and in the gate.
func (k *rank) walk(hits []hit, gate bitset, add func(i int, h hit)) {
	i := 0
	for _, h := range hits {
		for i < len(k.r.docs) && k.r.docs[i] < h.doc {
			i++
		}
		if i == len(k.r.docs) {
			return
		}
		if k.r.docs[i] == h.doc && (gate == nil || gate.has(h.doc)) {
			add(i, h)
		}
	}
}

// words gives the frequencies of a word, all its forms and fields added up.
func (k *rank) words(n *node, gate bitset, add func(i int, h hit)) {
	r := k.r
	uses := r.leaves[n.leaf].uses
	if len(uses) == 0 {
		return
	}
	frequencies := make([]uint32, len(r.docs))
	for _, u := range uses {
		p := r.open(u)
		for i, d := range r.docs {
			at := p.advance(d)
			if at == end {
				break
			}
			if at == d && r.speaks(u, d) {
				frequencies[i] += p.frequency() * uint32(u.weight)
			}
		}
	}
	for i, f := range frequencies {
		if f > 0 && (gate == nil || gate.has(r.docs[i])) {
			add(i, hit{r.docs[i], f})
		}
	}
}

// best keeps the first keys of an order, the last of them on top.
type best struct {
	sort search.Sort
	keys []search.Key
}

func (b *best) Len() int           { return len(b.keys) }
func (b *best) Less(i, j int) bool { return b.sort.Compare(b.keys[i], b.keys[j]) > 0 }
func (b *best) Swap(i, j int)      { b.keys[i], b.keys[j] = b.keys[j], b.keys[i] }
func (b *best) Push(x any)         { b.keys = append(b.keys, x.(search.Key)) }
func (b *best) Pop() any           { panic("not used") }

// collect returns the first limit keys after one.
func (k *rank) collect(sort search.Sort, after *search.Key, limit int) []search.Key {
	if limit == 0 {
		return nil
	}
	b := &best{sort: sort}
	relevance := k.units != nil
	for i, d := range k.r.docs {
		var key search.Key
		if relevance {
			if key.Units = k.units[i]; len(b.keys) == limit && key.Units < b.keys[0].Units {
				continue
			}
		}
		key.Date = k.r.v.date(d)
		key.ID = k.r.v.id(d)
		switch {
		case after != nil && sort.Compare(*after, key) >= 0:
		case len(b.keys) < limit:
			heap.Push(b, key)
		case sort.Compare(key, b.keys[0]) < 0:
			b.keys[0] = key
			heap.Fix(b, 0)
		}
	}
	return b.keys
}
