package segment

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"github.com/blevesearch/vellum"
)

// Merging: when there are mergeAt segments of one tier, they become one of the next.
// A tier has segments of up to mergeAt times the documents of the tier below. A
// segment of which a quarter is deleted is written anew. So a document is written
// about log8(n/1000) times, and a search meets some 8 segments a tier.
const (
	mergeAt    = 8
	lowestTier = 1000
	tooMany    = 64 // segments, from which on Apply waits for a merge
)

// mergeAll merges in the background until it is stopped.
func (x *Index) mergeAll(ctx context.Context) {
	defer close(x.stopped)
	for {
		for {
			more, err := x.mergeOnce(ctx)
			if err != nil && ctx.Err() == nil && x.o.Failed != nil {
				x.o.Failed(fmt.Errorf("index: merge: %w", err))
			}
			if !more || err != nil {
				break
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-x.wake:
		}
	}
}

// keepUp wakes the merges, and helps when there are too many segments.
func (x *Index) keepUp(ctx context.Context) error {
	select {
	case x.wake <- struct{}{}:
	default:
	}
	for {
		s, err := x.acquire()
		if err != nil {
			return nil // closed meanwhile; the batch is durable
		}
		n := len(s.views)
		s.release()
		if n < tooMany {
			return nil
		}
		// The batch is in: a merge that fails is not its failure.
		if more, err := x.mergeOnce(ctx); !more || err != nil {
			return nil
		}
	}
}

// choose returns the segments to merge next, or nil.
func (x *Index) choose(s *snapshot) []*view {
	tiers := map[int][]*view{}
	for _, v := range s.views {
		if 4*v.live < 3*int(v.n) {
			return []*view{v}
		}
		if 2*v.live > x.o.MergedDocuments {
			continue
		}
		tier := 0
		if v.live > lowestTier {
			tier = int(math.Log(float64(v.live)/lowestTier)/math.Log(mergeAt)) + 1
		}
		tiers[tier] = append(tiers[tier], v)
	}
	for tier := range 32 {
		vs := tiers[tier]
		if len(vs) < mergeAt {
			continue
		}
		slices.SortStableFunc(vs, func(a, b *view) int { return a.live - b.live })
		sum, n := 0, 0
		for n < len(vs) && n < 2*mergeAt && sum+vs[n].live <= x.o.MergedDocuments {
			sum += vs[n].live
			n++
		}
		if n > 1 {
			return vs[:n]
		}
	}
	return nil
}

// mergeOnce merges some segments, and says whether there may be more to do.
func (x *Index) mergeOnce(ctx context.Context) (more bool, err error) {
	x.merging.Lock()
	defer x.merging.Unlock()
	defer catch(&err)
	defer guard()()
	s, err := x.acquire()
	if err != nil {
		return false, nil
	}
	defer s.release()
	views := x.choose(s)
	if views == nil {
		return false, nil
	}
	e := entry{Number: x.next.Add(1) - 1}
	m := &merge{ctx: ctx, views: views, table: newTable()}
	w, err := m.write(filepath.Join(x.dir, segmentName(e.Number)))
	if err != nil {
		return false, err
	}
	e.Docs, e.Size, e.Check = w.docs, w.size, w.check
	return true, x.replace(m, e)
}

// replace makes a manifest in which the merged segment stands for those it was made
// of. What was deleted of these meanwhile is deleted of it.
func (x *Index) replace(m *merge, e entry) error {
	x.write.Lock()
	defer x.write.Unlock()
	c, err := x.change()
	if err != nil {
		x.remove([]entry{e})
		return err
	}
	docs := map[uint64][]uint32{}
	for i, v := range m.views {
		docs[v.number] = m.docs[i]
	}
	var dead []uint32
	kept := c.next.Segments[:0]
	for i, v := range c.from.views {
		now, ok := docs[v.number]
		if !ok {
			kept = append(kept, c.next.Segments[i])
			continue
		}
		if v.dead != nil {
			for it := v.dead.Iterator(); it.HasNext(); {
				if d := now[it.Next()]; d != end {
					dead = append(dead, d)
				}
			}
		}
		delete(docs, v.number)
		c.drop(v, c.next.Segments[i])
	}
	c.next.Segments = kept
	for _, all := range docs { // segments that were dropped meanwhile: all of it is deleted
		for _, d := range all {
			if d != end {
				dead = append(dead, d)
			}
		}
	}
	switch {
	case e.Docs == 0 || len(dead) == e.Docs:
		x.remove([]entry{e})
	case len(dead) > 0:
		if err := c.mark(&e, nil, dead); err != nil {
			c.undo()
			x.remove([]entry{e})
			return err
		}
		fallthrough
	default:
		c.next.Segments = append(c.next.Segments, e)
	}
	return c.write()
}

// merge is segments becoming one.
type merge struct {
	ctx   context.Context
	views []*view
	docs  [][]uint32 // by view, by document: its number in the merged one, or end
	table *table
}

func (m *merge) write(path string) (written, error) {
	for _, v := range m.views {
		m.docs = append(m.docs, m.columns(v))
	}
	w, err := newWriter(path, m.table)
	if err != nil {
		return written{}, err
	}
	done := false
	defer func() {
		if !done {
			w.abort()
		}
	}()
	if err := m.terms(w); err != nil {
		return written{}, err
	}
	forms, err := m.forms()
	if err != nil {
		return written{}, err
	}
	done = true
	return w.finish(forms)
}

// columns appends the columns of what lives of a segment.
func (m *merge) columns(v *view) []uint32 {
	var ordinals [len(facetNames)][]uint32 // there + 1 → here
	for i := range ordinals {
		ordinals[i] = make([]uint32, v.facets[i].size())
	}
	docs := make([]uint32, v.n)
	for d := range v.n {
		if v.alive != nil && !v.alive.has(d) {
			docs[d] = end
			continue
		}
		docs[d] = uint32(len(m.table.ids))
		m.table.addRow(v.id(d), v.date(d), v.classes[d], v.message(d))
		for i := range m.table.facets {
			from, to := &v.facets[i], &m.table.facets[i]
			to.starts = append(to.starts, uint32(len(to.ordinals)))
			a, b := from.span(d)
			for j := a; j < b; j++ {
				o := from.ordinals.at(j)
				if ordinals[i][o] == 0 {
					ordinals[i][o] = to.ordinal(string(from.value(o))) + 1
				}
				to.ordinals = append(to.ordinals, ordinals[i][o]-1)
			}
		}
	}
	return docs
}

// terms merges the postings. Documents of a later segment come after all those of an
// earlier one, so that postings only follow each other.
func (m *merge) terms(w *writer) error {
	its := make([]*vellum.FSTIterator, len(m.views))
	for i, v := range m.views {
		it, err := v.dict.Iterator(nil, nil)
		if errors.Is(err, vellum.ErrIteratorDone) {
			continue
		} else if err != nil {
			return damaged("dictionary: %v", err)
		}
		its[i] = it
	}
	var o occurrences
	var key []byte
	for n := 0; ; n++ {
		if n%1024 == 0 && m.ctx.Err() != nil {
			return m.ctx.Err()
		}
		some := false
		for _, it := range its {
			if it == nil {
				continue
			}
			if k, _ := it.Current(); !some || bytes.Compare(k, key) < 0 {
				key, some = append(key[:0], k...), true
			}
		}
		if !some {
			return w.err
		}
		o.docs, o.tfs, o.pos = o.docs[:0], o.tfs[:0], o.pos[:0]
		for i, it := range its {
			if it == nil {
				continue
			}
			k, off := it.Current()
			if !bytes.Equal(k, key) {
				continue
			}
			m.append(&o, i, off)
			if err := it.Next(); errors.Is(err, vellum.ErrIteratorDone) {
				its[i] = nil
			} else if err != nil {
				return damaged("dictionary: %v", err)
			}
		}
		w.term(key, o.docs, o.tfs, o.pos)
	}
}

// append appends the postings of a term in one segment.
func (m *merge) append(o *occurrences, view int, off uint64) {
	var p postings
	p.open(m.views[view].postings, off)
	for more := p.n > 0; more; more = p.nextBlock() {
		p.unpackFrequencies()
		for p.i = 0; p.i < p.n; p.i++ {
			d := m.docs[view][p.docs[p.i]]
			if d == end {
				continue
			}
			pos := p.rawPositions()
			o.docs, o.tfs = append(o.docs, d), append(o.tfs, p.freqs[p.i])
			o.pos = append(o.pos, pos[:varints(pos, p.freqs[p.i])]...)
		}
	}
}

// forms is all entries of the dictionaries of stems. Some may stand in no living
// document any more; then they find nothing.
func (m *merge) forms() ([]stemmedForm, error) {
	var all []stemmedForm
	for _, v := range m.views {
		it, err := v.stems.Iterator(nil, nil)
		for ; err == nil; err = it.Next() {
			key, off := it.Current()
			name, stem, ok := bytes.Cut(key, []byte{0})
			lang := stemLanguage(string(name))
			if !ok || lang == noStems {
				return nil, damaged("dictionary of stems")
			}
			for _, form := range readForms(v.segment.forms, off, string(stem)) {
				all = append(all, stemmedForm{lang, string(stem), form})
			}
		}
		if !errors.Is(err, vellum.ErrIteratorDone) {
			return nil, damaged("dictionary of stems: %v", err)
		}
	}
	return all, nil
}
