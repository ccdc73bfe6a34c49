package segment

import (
	"context"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"daylight/search"
)

// store is what searching needs: the snapshot of the moment, and numbers that hold
// in all segments.
type store struct {
	dir      string
	mu       sync.RWMutex
	cur      *snapshot // nil when closed
	values   [len(facetNames)]values
	messages messages
}

// acquire returns the snapshot of the moment. The caller releases it.
func (x *store) acquire() (*snapshot, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.cur == nil {
		return nil, fmt.Errorf("index: %w", fs.ErrClosed)
	}
	x.cur.refs.Add(1)
	return x.cur, nil
}

// swap makes another snapshot (nil to close) the one of the moment.
func (x *store) swap(s *snapshot) error {
	x.mu.Lock()
	old := x.cur
	x.cur = s
	x.mu.Unlock()
	if old == nil {
		return nil
	}
	return old.release()
}

func (x *store) size() int {
	s, err := x.acquire()
	if err != nil {
		return 0
	}
	defer s.release()
	return s.live
}

func (x *store) search(ctx context.Context, q search.Request) (res search.Result, err error) {
	if err := search.Check(q); err != nil {
		return search.Result{}, err
	}
	key, paged, err := q.Key()
	if err != nil {
		return search.Result{}, err
	}
	after := &key
	if !paged {
		after = nil
	}
	if q.Query == nil {
		q.Query = search.All{}
	}
	s, err := x.acquire()
	if err != nil {
		return search.Result{}, err
	}
	defer s.release()
	defer catch(&err)
	defer guard()()

	plan := newPlan(q.Query)
	ranked := q.Limit > 0 && (q.Sort == "" || q.Sort == search.ByRelevance)
	runs := make([]*run, len(s.views))
	for i, v := range s.views {
		runs[i] = &run{ctx: ctx, v: v, plan: plan, scored: ranked}
	}
	if err := eachRun(ctx, s.live, runs, (*run).match); err != nil {
		return search.Result{}, fmt.Errorf("search: %w", err)
	}
	for _, r := range runs {
		res.Total += len(r.docs)
	}
	res.Facets = make([]search.Facet, len(q.Facets))
	if len(q.Facets) == 0 {
		res.Facets = nil
	}
	count := func(i int) {
		if i == len(q.Facets) {
			res.DistinctMessages = x.distinct(runs)
		} else {
			res.Facets[i] = x.countFacet(q.Facets[i], runs)
		}
	}
	if err := parallel(ctx, res.Total, len(q.Facets)+1, count); err != nil {
		return search.Result{}, fmt.Errorf("search: %w", err)
	}
	if q.Limit == 0 {
		return res, nil
	}

	scorer := search.NewScorer(s.live, s.length)
	var leaf []float64
	if ranked {
		leaf = weights(plan, scorer, runs)
	}
	var keys []search.Key
	var mu sync.Mutex
	err = eachRun(ctx, s.live, runs, func(r *run) error {
		k := &rank{r: r, scorer: scorer, leaf: leaf}
		if ranked {
			k.units = make([]int64, len(r.docs))
			k.score(plan.root, nil)
		}
		// One more than a page, to know whether there is a next one.
		part := k.collect(q.Sort, after, min(q.Limit, s.live)+1)
		mu.Lock()
		keys = append(keys, part...)
		mu.Unlock()
		return r.ctx.Err()
	})
	if err != nil {
		return search.Result{}, fmt.Errorf("search: %w", err)
	}
	slices.SortFunc(keys, q.Sort.Compare)
	for _, k := range keys[:min(len(keys), q.Limit)] {
		res.Hits = append(res.Hits, search.Hit{ID: k.ID, Score: float64(k.Units) / search.Unit})
	}
	if len(keys) > q.Limit {
		res.Next = q.Cursor(keys[q.Limit-1])
	}
	return res, nil
}

// alone is the number of documents up to which one goroutine is quicker.
const alone = 10_000

// parallel does n things, on several processors when there are documents enough for
// it to be worth it. What panics is an error.
func parallel(ctx context.Context, docs, n int, do func(i int)) error {
	var next atomic.Int64
	work := func() (err error) {
		defer catch(&err)
		defer guard()()
		for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
			if err := ctx.Err(); err != nil {
				return err
			}
			do(int(i))
		}
		return nil
	}
	workers := min(runtime.GOMAXPROCS(0), n)
	if docs < alone || workers < 2 {
		return work()
	}
	errs := make([]error, workers)
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() { errs[w] = work() })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// eachRun does something to all runs.
func eachRun(ctx context.Context, docs int, runs []*run, do func(*run) error) error {
	errs := make([]error, len(runs))
	if err := parallel(ctx, docs, len(runs), func(i int) { errs[i] = do(runs[i]) }); err != nil {
		return err
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
