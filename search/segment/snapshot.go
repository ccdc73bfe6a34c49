package segment

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2"

	"daylight/search"
)

// snapshot is one state of an index. Searches hold it while they run.
type snapshot struct {
	manifest *manifest
	views    []*view // one an entry of the manifest, in its order
	live     int
	length   int64 // sum of search.ClassLength over what is live
	refs     atomic.Int64
}

// view is a segment with what is deleted of it.
type view struct {
	*segment
	dead   *roaring.Bitmap // nil when nothing is
	alive  bitset          // nil when everything is
	live   int
	length int64

	totalsOnce [len(facetNames)]sync.Once
	totals     [len(facetNames)][]uint32 // see facetTotals
}

func newView(s *segment, dead *roaring.Bitmap) *view {
	v := &view{segment: s, dead: dead, live: int(s.n)}
	for _, c := range s.classes {
		v.length += int64(search.ClassLength(c))
	}
	if dead == nil {
		return v
	}
	v.live -= int(dead.GetCardinality())
	v.alive = newBitset(s.n)
	v.alive.fill(s.n)
	for it := dead.Iterator(); it.HasNext(); {
		d := it.Next()
		v.alive[d>>6] &^= 1 << (d & 63)
		v.length -= int64(search.ClassLength(s.classes[d]))
	}
	return v
}

// newSnapshot takes a reference to each segment.
func newSnapshot(m *manifest, views []*view) *snapshot {
	s := &snapshot{manifest: m, views: views}
	for _, v := range views {
		v.refs.Add(1)
		s.live += v.live
		s.length += v.length
	}
	s.refs.Store(1)
	return s
}

func (s *snapshot) release() error {
	if s.refs.Add(-1) > 0 {
		return nil
	}
	var errs []error
	for _, v := range s.views {
		errs = append(errs, v.segment.release())
	}
	return errors.Join(errs...)
}

// loadSnapshot opens what a manifest names, and takes from the snapshot before what
// it has open already. old may be nil.
func loadSnapshot(dir string, m *manifest, old *snapshot) (_ *snapshot, err error) {
	defer catch(&err)
	defer guard()()
	have := map[uint64]int{}
	if old != nil {
		for i, v := range old.views {
			have[v.number] = i
		}
	}
	var opened []*segment
	defer func() { // newSnapshot has its own references
		for _, s := range opened {
			s.release()
		}
	}()
	views := make([]*view, 0, len(m.Segments))
	for _, e := range m.Segments {
		var seg *segment
		if i, ok := have[e.Number]; ok && old.manifest.Segments[i].Check == e.Check {
			if same(old.manifest.Segments[i].Deleted, e.Deleted) {
				views = append(views, old.views[i])
				continue
			}
			seg = old.views[i].segment
		} else {
			if seg, err = openSegment(dir, e); err != nil {
				return nil, err
			}
			opened = append(opened, seg)
		}
		dead, err := readTombstones(dir, e)
		if err != nil {
			return nil, err
		}
		views = append(views, newView(seg, dead))
	}
	return newSnapshot(m, views), nil
}

func same(a, b *deleted) bool { return a == b || a != nil && b != nil && *a == *b }
