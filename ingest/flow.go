package ingest

import (
	"context"
	"sync"
	"time"
)

const (
	aheadUnits = 256       // units that may be read before the one to be recorded
	aheadBytes = 256 << 20 // bytes that these may hold
)

// task is a unit under way.
type task struct {
	ctx    context.Context
	start  func(ctx context.Context) (*node, error) // gives the node, with its bytes; nil when it is done already
	node   *node
	memory int64
	err    error
	ready  chan struct{}
	gauge  *gauge
}

// workers read units, for all flows of a run.
func (r *run) work(ctx context.Context) {
	for {
		select {
		case t := <-r.tasks:
			t.run(r)
		case <-ctx.Done():
			return
		}
	}
}

func (t *task) run(r *run) {
	defer close(t.ready)
	if t.node, t.err = t.start(t.ctx); t.err != nil || t.node == nil {
		return
	}
	u := &unit{run: r, memory: int64(len(t.node.data))}
	t.err = u.read(t.ctx, t.node)
	t.memory = u.memory
	t.gauge.add(u.memory)
}

// flow reads what produce submits, many at a time, and gives each to consume in
// the order submitted. A flow may run inside of consume of another one.
func (r *run) flow(ctx context.Context, produce func(ctx context.Context, submit submit) error, consume func(*node) error) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	g := newGauge(inner)
	order := make(chan *task, aheadUnits)
	produced := make(chan error, 1)
	go func() {
		defer close(order)
		produced <- produce(inner, func(start func(context.Context) (*node, error)) error {
			return r.submit(inner, g, order, start)
		})
	}()
	err := r.drain(inner, g, order, consume)
	cancel()
	for range order { // until the producer has gone
	}
	if failed := <-produced; err == nil {
		err = failed // drain came to the end of order, so this is not our cancel
	}
	return err
}

type submit func(start func(context.Context) (*node, error)) error

func (r *run) submit(ctx context.Context, g *gauge, order chan<- *task, start func(context.Context) (*node, error)) error {
	if err := g.wait(); err != nil {
		return err
	}
	t := &task{ctx: ctx, start: start, ready: make(chan struct{}), gauge: g}
	select {
	case order <- t:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case r.tasks <- t:
	case <-ctx.Done():
		t.err = ctx.Err()
		close(t.ready)
		return t.err
	}
	return nil
}

func (r *run) drain(ctx context.Context, g *gauge, order <-chan *task, consume func(*node) error) error {
	for t := range order {
		select {
		case <-t.ready:
		case <-ctx.Done():
			return ctx.Err()
		}
		if t.err != nil {
			return t.err
		}
		if t.node != nil {
			if err := consume(t.node); err != nil {
				return err
			}
		}
		g.add(-t.memory)
		r.report(false)
	}
	return nil
}

// gauge counts the bytes that units hold, and lets the producer wait.
type gauge struct {
	ctx  context.Context
	mu   sync.Mutex
	cond *sync.Cond
	held int64
}

func newGauge(ctx context.Context) *gauge {
	g := &gauge{ctx: ctx}
	g.cond = sync.NewCond(&g.mu)
	context.AfterFunc(ctx, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.cond.Broadcast()
	})
	return g
}

func (g *gauge) add(n int64) {
	g.mu.Lock()
	g.held += n
	g.mu.Unlock()
	g.cond.Broadcast()
}

func (g *gauge) wait() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.held > aheadBytes && g.ctx.Err() == nil {
		g.cond.Wait()
	}
	return g.ctx.Err()
}

// reportEvery is how often Progress is told.
const reportEvery = 200 * time.Millisecond
