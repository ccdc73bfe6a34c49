package ingest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"daylight/blob"
	"daylight/corpus"
	"daylight/extract"
	"daylight/search"
)

// run is the state of one Run. All but the workers' part belongs to Run's goroutine.
type run struct {
	in     *Ingester
	limits Limits
	tasks  chan *task
	start  time.Time
	said   time.Time // when Progress was last told
	items  int64
	done   corpus.Tally

	messages int64 // recorded by this run
	group    group
	known    map[blob.Ref]corpus.DocumentID // of the group
	workers  int
}

func newRun(in *Ingester, workers int) *run {
	return &run{in: in, limits: in.Limits.orDefault(), tasks: make(chan *task), start: time.Now(), workers: workers, known: map[blob.Ref]corpus.DocumentID{}}
}

// all takes in the items.
func (r *run) all(ctx context.Context, items iter.Seq2[Item, error]) error {
	workCtx, stop := context.WithCancel(ctx)
	var workers sync.WaitGroup
	for range r.workers {
		workers.Go(func() { r.work(workCtx) })
	}
	defer workers.Wait()
	defer stop()
	defer func() { r.group.abort() }()

	var h handed
	err := r.flow(ctx, func(_ context.Context, submit submit) error {
		return r.handIn(items, &h, submit)
	}, func(n *node) error {
		r.tell(&h)
		return r.top(ctx, n)
	})
	r.tell(&h)
	if err == nil {
		err = r.flush(ctx)
	}
	if err == nil {
		r.report(true)
	}
	return err
}

// handed is what needs no unit: it is found by other goroutines, and told by Run's.
type handed struct {
	mu      sync.Mutex
	skipped []*Skipped
	done    corpus.Tally // items that an earlier run finished
}

// handIn submits each item as a unit.
func (r *run) handIn(items iter.Seq2[Item, error], h *handed, submit submit) error {
	for item, err := range items {
		var s *Skipped
		switch {
		case errors.As(err, &s):
			h.mu.Lock()
			h.skipped = append(h.skipped, s)
			h.mu.Unlock()
			continue
		case err != nil:
			return err
		}
		err = submit(func(ctx context.Context) (*node, error) {
			n, err := r.root(ctx, item)
			if n == nil && err == nil {
				h.mu.Lock()
				h.done.Files++
				h.done.Bytes += item.Size
				h.mu.Unlock()
			}
			return n, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *run) tell(h *handed) {
	h.mu.Lock()
	skipped, done := h.skipped, h.done
	h.skipped, h.done = nil, corpus.Tally{}
	h.mu.Unlock()
	r.done.Files += done.Files
	r.done.Bytes += done.Bytes
	for _, s := range skipped {
		if r.in.Skipped != nil {
			r.in.Skipped(s.Path, s.Why)
		}
	}
}

// spent is what an item that was handed in has used of its limits.
type spent struct {
	parts, bytes int64
	root         *node
	until        time.Time
	counted      int64 // of the root's bytes, in Progress
}

// top records an item that was handed in, with all that is inside.
func (r *run) top(ctx context.Context, n *node) error {
	s := &spent{root: n, until: time.Now().Add(r.limits.Wall)}
	if err := r.visit(ctx, n, holder{}, s); err != nil {
		return err
	}
	r.done.Files++
	r.done.Bytes += n.size - s.counted
	r.group.done = append(r.group.done, n.path)
	return r.flushIfFull(ctx)
}

// holder is the container of a node, as recorded.
type holder struct {
	id       corpus.DocumentID
	attached *search.Attachments // nil at the top
	fresh    *bool               // set when a document is recorded with it as parent
}

// visit records a node and what is inside of it, in order.
func (r *run) visit(ctx context.Context, n *node, in holder, s *spent) error {
	r.items++
	if why := r.tooMuch(n, s); why != "" {
		n.problem = join(n.problem, why)
		n.parts, n.open = nil, false
	}
	id, doc, err := r.record(ctx, n, in)
	if err != nil {
		return err
	}
	attached, fresh := &search.Attachments{}, false
	here := holder{id: id, attached: attached, fresh: &fresh}
	for _, p := range n.parts {
		if err := r.visit(ctx, p, here, s); err != nil {
			return err
		}
	}
	if n.open {
		if err := r.expand(ctx, n, here, s); err != nil {
			return err
		}
		n.data = nil
	}
	if doc != nil || fresh {
		r.index(n, id, doc, attached)
	}
	return nil
}

// tooMuch says why the inside of n is over the limits of its root, or "".
func (r *run) tooMuch(n *node, s *spent) string {
	if n.insideParts == 0 {
		return ""
	}
	if n.open {
		s.parts += n.insideParts
		s.bytes += n.insideBytes
	} else {
		s.parts += int64(len(n.parts))
		for _, p := range n.parts {
			s.bytes += p.size
		}
	}
	most := max(r.limits.Bytes, s.root.size*r.limits.Ratio)
	switch {
	case s.parts > r.limits.Parts:
		return fmt.Sprintf("not unpacked: more than %d parts came out of what it is in", r.limits.Parts)
	case s.bytes > most:
		return fmt.Sprintf("not unpacked: more than %d MiB came out of what it is in", most>>20)
	case time.Now().After(s.until):
		return fmt.Sprintf("not unpacked: what it is in took more than %v", r.limits.Wall)
	}
	return ""
}

// expand reads an open container once more and takes each part as a unit.
func (r *run) expand(ctx context.Context, n *node, here holder, s *spent) error {
	produce := func(ctx context.Context, submit submit) error {
		body, size, done, err := r.body(ctx, n)
		if err != nil {
			return err
		}
		defer done()
		var names Namer
		var last *node // waits until it is known whether the one after it is recorded
		send := func() error {
			part := last
			return submit(func(context.Context) (*node, error) { return part, nil })
		}
		f := extract.File{Name: base(n.name), Type: n.declared, Body: body, Size: size}
		_, err = r.in.Extract(ctx, f, r.limits.File, func(p extract.Part) error {
			part, err := r.take(ctx, n, &names, p)
			if err != nil {
				return err
			}
			part.carrier = n.carries()
			if last != nil {
				if last.done, err = r.recorded(ctx, part); err != nil {
					return err
				}
				if err := send(); err != nil {
					return err
				}
			}
			last = part
			return nil
		})
		if err == nil && last != nil {
			err = send()
		}
		return err
	}
	return r.flow(ctx, produce, func(p *node) error {
		if p.done {
			r.items++
		} else if err := r.visit(ctx, p, here, s); err != nil {
			return err
		}
		if n == s.root { // show that it moves
			c := min(p.size, n.size-s.counted)
			s.counted += c
			r.done.Bytes += c
		}
		return r.flushIfFull(ctx)
	})
}

// recorded reports whether an earlier run recorded this part. Then the one before
// it is recorded with all that is inside: what is recorded is a beginning of the
// walk. What is inside of it is not counted again towards the limits of the root,
// which bounds work and not exactness.
func (r *run) recorded(ctx context.Context, part *node) (bool, error) {
	places, ok := r.in.Ledger.(Placer)
	if _, joins := r.in.Ledger.(Attacher); !ok || !joins {
		return false, nil
	}
	hash, is, err := places.At(ctx, part.path)
	return is && hash == part.hash, err
}

// report tells Progress, not too often.
func (r *run) report(now bool) {
	if r.in.Progress == nil || !now && time.Since(r.said) < reportEvery {
		return
	}
	r.said = time.Now()
	p := Progress{Items: r.items, Done: r.done, Total: r.in.Total}
	if took := time.Since(r.start).Seconds(); took > 0 {
		p.Rate = float64(p.Done.Bytes) / took
	}
	if left := p.Total.Bytes - p.Done.Bytes; left > 0 && p.Rate > 0 {
		p.Left = time.Duration(float64(left) / p.Rate * float64(time.Second))
	}
	r.in.Progress(p)
}
