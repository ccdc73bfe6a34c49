package sandbox

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Request is one piece of work.
type Request struct {
	Handler string
	Args    []byte // up to 256 KiB

	// Body is read as the handler asks for it, in the goroutine that calls Next.
	Body io.ReaderAt
	Size int64

	Budget Budget // zero fields are the pool's; Memory is always the pool's

	// Fresh asks for a child that has served nobody. See Ended.Warm.
	Fresh bool
}

// Call is a request under way. It is for one goroutine and must be closed.
type Call struct {
	pool   *Pool
	child  *child
	ctx    context.Context
	stop   func() bool
	body   io.ReaderAt
	size   int64
	budget Budget
	out    int64         // bytes of messages so far
	waited time.Duration // for the child
	before time.Duration // CPU time of the child when the call began
	buf    []byte
	err    error // what Next says from now on
}

// Start sends a request to a child. ctx bounds the whole call.
func (p *Pool) Start(ctx context.Context, r Request) (*Call, error) {
	head, err := json.Marshal(request{Handler: r.Handler, Args: r.Args, Size: r.Size})
	if err != nil {
		return nil, err
	}
	inline := make([]byte, min(r.Size, inlineSize))
	if len(inline) > 0 {
		if n, err := r.Body.ReadAt(inline, 0); n < len(inline) {
			return nil, fmt.Errorf("sandbox: read body: %w", err)
		}
	}
	budget := r.Budget.or(p.options.Budget)
	budget.Memory = p.options.Budget.Memory
	for fresh := r.Fresh; ; fresh = true {
		c, err := p.take(ctx, budget, fresh)
		if err != nil {
			return nil, err
		}
		c.uses++
		call := &Call{pool: p, child: c, ctx: ctx, body: r.Body, size: r.Size, budget: budget, before: c.cpu()}
		c.from.call = call
		call.stop = context.AfterFunc(ctx, c.kill)
		err = errors.Join(writeFrame(c.to, frameRequest, head, []byte{0}, inline), c.to.Flush())
		if err == nil {
			return call, nil
		}
		call.fail(Crashed)
		if fresh || ctx.Err() != nil {
			return call, nil // Next says why
		}
		// It had died while it waited, and not of this request.
	}
}

// Next gives the next message of the handler. The data is valid until the call
// after. At the good end err is io.EOF; else it is an *Ended, or that of ctx.
func (c *Call) Next() (kind byte, data []byte, err error) {
	for c.err == nil {
		kind, frame, err := readFrame(c.child.in, c.buf[:0])
		c.buf = frame
		switch {
		case c.err != nil: // a budget, found while reading
		case errors.Is(err, errGarbled):
			c.fail(Garbled)
		case err != nil:
			c.fail(Crashed)
		case kind == frameMessage && len(frame) > 0:
			c.out += int64(len(frame))
			if c.out > c.budget.Output {
				c.fail(Volume)
				break
			}
			return frame[0], frame[1:], nil
		case kind == frameRead && len(frame) == 16:
			c.answer(int64(binary.LittleEndian.Uint64(frame)), int64(binary.LittleEndian.Uint64(frame[8:])))
		case kind == frameDone && len(frame) == 0:
			c.finish(io.EOF)
		case kind == frameDone:
			c.finish(&Ended{Failed, c.budget, c.child.uses > 1})
		default:
			c.fail(Garbled)
		}
	}
	return 0, nil, c.err
}

// answer sends a piece of the body.
func (c *Call) answer(off, n int64) {
	if off < 0 || n < 1 || n > pieceSize || off > c.size-n {
		c.fail(Garbled)
		return
	}
	b, status := make([]byte, n), []byte{0}
	if got, _ := c.body.ReadAt(b, off); int64(got) < n {
		b, status = nil, []byte{1}
	}
	if err := errors.Join(writeFrame(c.child.to, framePiece, status, b), c.child.to.Flush()); err != nil {
		c.fail(Crashed)
	}
}

// Close ends the call. A child whose handler has not finished is ended too.
func (c *Call) Close() {
	if c.err == nil {
		c.fail(Failed)
	}
}

// finish gives the child back.
func (c *Call) finish(err error) {
	c.err = err
	if !c.stop() { // ctx is done, and the child is being killed
		c.err = c.ctx.Err()
		c.pool.end(c.child)
		return
	}
	c.child.from.call = nil
	c.pool.put(c.child)
}

// fail ends the child, and says why.
func (c *Call) fail(why Cause) {
	c.stop()
	c.pool.end(c.child)
	if why == Crashed && c.child.starved() {
		why = Memory
	}
	c.err = &Ended{why, c.budget, c.child.uses > 1}
	if err := c.ctx.Err(); err != nil {
		c.err = err
	}
}

// tick is how often the budgets of a busy child are looked at.
const tick = 50 * time.Millisecond

// startLimit is how long a child may take to confine itself.
const startLimit = 10 * time.Second

// patient reads from a child while its budgets last.
type patient struct {
	file  *os.File
	start time.Time // of the child
	call  *Call     // nil before the first one
}

func (p *patient) Read(b []byte) (int, error) {
	for {
		begun := time.Now()
		if err := p.file.SetReadDeadline(begun.Add(tick)); err != nil {
			return 0, err
		}
		n, err := p.file.Read(b)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			if p.call != nil {
				p.call.waited += time.Since(begun)
			}
			return n, err
		}
		if p.call == nil {
			if begun.Sub(p.start) > startLimit {
				return 0, err
			}
			continue
		}
		p.call.waited += time.Since(begun)
		if why := p.call.over(); why != "" {
			p.call.fail(why)
			return 0, p.call.err
		}
	}
}

// over names the budget that is used up, or "".
func (c *Call) over() Cause {
	switch {
	case c.waited > c.budget.Wall:
		return Wall
	case c.child.cpu()-c.before > c.budget.CPU:
		return CPU
	}
	return ""
}

// lastWords keeps the beginning of what a child wrote to its standard error: the
// first words of a crash say what it was, the stacks after them do not. It serves
// only to tell want of memory from other ends, and is never shown.
type lastWords struct {
	text []byte
	also io.Writer // may be nil
}

const lastWordsSize = 4 << 10

func (l *lastWords) Write(p []byte) (int, error) {
	if l.also != nil {
		l.also.Write(p)
	}
	if room := lastWordsSize - len(l.text); room > 0 {
		l.text = append(l.text, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

// starved reports whether a child ended for want of memory. Go's runtime says so, but
// where it takes what the system refused for memory (the span queues of its collector
// in Go 1.26): then it has a fault of its own, which no code outside the runtime can
// cause, and the child's first words are of that.
func (c *child) starved() bool {
	said := string(c.stderr.text)
	if strings.Contains(said, "out of memory") || strings.Contains(said, "cannot allocate memory") {
		return true
	}
	_, stack, _ := strings.Cut(said, "\ngoroutine 0 ")
	_, stack, _ = strings.Cut(stack, "\n")
	return strings.HasPrefix(said, "SIGSEGV") && strings.HasPrefix(stack, "runtime.")
}
