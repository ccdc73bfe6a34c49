package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Options are those of a pool. The zero value is good.
type Options struct {
	Budget Budget // of each request, where the request does not say otherwise

	// Max is how many children there may be at once; 0 is 48 more than are kept
	// warm. A caller that holds a call while it makes another one (a container in a
	// container) needs as many as it goes deep.
	Max int

	// Uses is after how many requests a child is replaced, so that what went wrong
	// in one unseen does not last; 0 is 10,000.
	Uses int

	// Command is the program and its arguments after the first; nil is this program.
	Command []string

	// Debug gets what children write to their standard error; nil discards it. It
	// can hold parts of documents.
	Debug io.Writer
}

// Pool keeps children. It is safe for concurrent use.
type Pool struct {
	options Options
	warm    int
	slots   chan struct{} // one for each child that may live
	spawner *spawner
	report  Report

	mu     sync.Mutex
	idle   []*child
	closed bool
}

// ErrClosed says that the pool was closed.
var ErrClosed = errors.New("sandbox: pool is closed")

// NewPool keeps up to n children warm. It starts one, to see that it can; the
// others start when they are needed.
func NewPool(n int, o Options) (*Pool, error) {
	if n < 1 {
		return nil, fmt.Errorf("sandbox: a pool of %d", n)
	}
	o.Budget = o.Budget.or(DefaultBudget)
	if o.Max == 0 {
		o.Max = n + 48
	}
	if o.Uses == 0 {
		o.Uses = 10_000
	}
	p := &Pool{options: o, warm: n, slots: make(chan struct{}, max(n, o.Max)), spawner: newSpawner()}
	c, err := p.start(o.Budget)
	if err != nil {
		p.spawner.close()
		return nil, err
	}
	p.report = c.report
	p.slots <- struct{}{}
	p.put(c)
	return p, nil
}

// Available says what confinement this system gives to children.
func (p *Pool) Available() Report { return p.report }

// Size is how many children are kept warm.
func (p *Pool) Size() int { return p.warm }

// Budget is that of a request that does not say otherwise.
func (p *Pool) Budget() Budget { return p.options.Budget }

// Close ends all children; calls that are under way fail.
func (p *Pool) Close() error {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, c := range idle {
		p.end(c)
	}
	p.spawner.close()
	return nil
}

// take gives a child that is idle or new. It waits while there are Max.
func (p *Pool) take(ctx context.Context, b Budget, fresh bool) (*child, error) {
	for {
		p.mu.Lock()
		closed, n := p.closed, len(p.idle)
		var c *child
		if n > 0 {
			c, p.idle = p.idle[n-1], p.idle[:n-1]
		}
		p.mu.Unlock()
		if closed {
			return nil, ErrClosed
		}
		if c == nil {
			break
		}
		if fresh {
			p.end(c)
			break
		}
		if c.uses < p.options.Uses && c.cpu()+b.CPU <= c.life {
			return c, nil
		}
		p.end(c)
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c, err := p.start(b)
	if err != nil {
		<-p.slots
		return nil, err
	}
	return c, nil
}

// put gives back a child that is ready for another request.
func (p *Pool) put(c *child) {
	p.mu.Lock()
	keep := !p.closed && len(p.idle) < p.warm
	if keep {
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	if !keep {
		p.end(c)
	}
}

// end kills a child and frees its slot.
func (p *Pool) end(c *child) {
	c.kill()
	c.wait()
	<-p.slots
}

// start makes a child and waits until it is confined.
func (p *Pool) start(b Budget) (*child, error) {
	life := max(time.Hour, 2*b.CPU)
	c, err := p.spawner.spawn(p.options, setup{Memory: p.options.Budget.Memory, CPU: life})
	if err != nil {
		return nil, fmt.Errorf("sandbox: start a child: %w", err)
	}
	c.life = life
	return c, nil
}
