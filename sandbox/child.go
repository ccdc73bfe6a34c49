package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

// childName is the name (argument 0) by which a process knows that it is a child.
const childName = "daylight-sandbox"

// setup is what a child is told first.
type setup struct {
	Memory     int64         `json:"memory"`
	CPU        time.Duration `json:"cpu"` // of the child's whole life
	Namespaces []string      `json:"namespaces"`
}

type request struct {
	Handler string `json:"handler"`
	Args    []byte `json:"args,omitempty"`
	Size    int64  `json:"size"`
}

// Child must be called first in main, and in TestMain of tests that use a pool. In
// an ordinary process it returns at once. In a child it confines the process,
// serves requests until the pool goes away, and never returns.
func Child(handlers map[string]Handler) {
	if len(os.Args) == 0 || os.Args[0] != childName {
		return
	}
	if err := serve(handlers); err != nil {
		fmt.Fprintln(os.Stderr, err) // seen only by Options.Debug
		os.Exit(3)
	}
	os.Exit(0)
}

func serve(handlers map[string]Handler) error {
	in, out := bufio.NewReaderSize(os.Stdin, 64<<10), bufio.NewWriterSize(os.Stdout, 64<<10)
	kind, data, err := readFrame(in, nil)
	if err != nil || kind != frameSetup {
		return fmt.Errorf("sandbox: no setup: %w", err)
	}
	var s setup
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("sandbox: setup: %w", err)
	}
	runtime.GOMAXPROCS(1) // the pool has a child for each core
	debug.SetMemoryLimit(s.Memory / 4 * 3)
	report, err := json.Marshal(confine(s))
	if err != nil {
		return err
	}
	if err := errors.Join(writeFrame(out, frameReady, report), out.Flush()); err != nil {
		return err
	}
	c := &conn{in: in, out: out}
	for {
		kind, data, err := readFrame(in, c.buf)
		if errors.Is(err, io.EOF) {
			return nil // the pool is gone
		}
		if err != nil || kind != frameRequest {
			return fmt.Errorf("sandbox: no request: %w", err)
		}
		c.buf = data
		if err := c.serveOne(handlers, data); err != nil {
			return err
		}
	}
}

// conn is the child's end of the pipes.
type conn struct {
	in  *bufio.Reader
	out *bufio.Writer
	buf []byte
}

// serveOne returns an error only when this child can serve no more.
func (c *conn) serveOne(handlers map[string]Handler, data []byte) (err error) {
	head, inline, _ := bytes.Cut(data, []byte{0})
	var r request
	if err := json.Unmarshal(head, &r); err != nil {
		return fmt.Errorf("sandbox: request: %w", err)
	}
	h, ok := handlers[r.Handler]
	if !ok {
		return fmt.Errorf("sandbox: no handler %q", r.Handler)
	}
	in := &Input{Args: r.Args, Size: r.Size, conn: c, first: bytes.Clone(inline)}
	out := &Output{conn: c}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("sandbox: handler: %v\n%s", p, debug.Stack())
		}
	}()
	failure := h(context.Background(), in, out)
	in.conn, out.conn = nil, nil // a handler that keeps them gets nowhere
	var reason []byte
	if failure != nil {
		reason = []byte{1}
		fmt.Fprintf(os.Stderr, "sandbox: handler %s: %v\n", r.Handler, failure)
	}
	return errors.Join(writeFrame(c.out, frameDone, reason), c.out.Flush())
}

// Output is where a handler sends what it found. It is for one goroutine.
type Output struct{ conn *conn }

// Send sends one message of up to MaxMessage bytes. The kind is the handler's own.
// It may wait until the caller has taken earlier ones.
func (o *Output) Send(kind byte, data []byte) error {
	if o.conn == nil {
		return errors.New("sandbox: send after the end")
	}
	if len(data) > MaxMessage {
		return fmt.Errorf("sandbox: message of %d bytes", len(data))
	}
	return writeFrame(o.conn.out, frameMessage, []byte{kind}, data)
}

// Input is what a handler works on. It is for one goroutine.
type Input struct {
	Args []byte
	Size int64 // of the body

	conn   *conn
	first  []byte // the body's beginning
	pieces []piece
	clock  int
}

// piece is a stretch of the body that was fetched. Some are kept, because parsers
// of containers read here and there.
type piece struct {
	off  int64
	data []byte
}

const keptPieces = 16

// ReadAt reads the body, which stays with the pool's process and may be encrypted
// at rest there: no file is opened and no plain copy made.
func (in *Input) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("sandbox: negative offset")
	}
	n := 0
	for n < len(p) {
		at := off + int64(n)
		if at >= in.Size {
			return n, io.EOF
		}
		b, err := in.at(at)
		if err != nil {
			return n, err
		}
		n += copy(p[n:], b)
	}
	return n, nil
}

// at gives some bytes from off on, at least one.
func (in *Input) at(off int64) ([]byte, error) {
	if off < int64(len(in.first)) {
		return in.first[off:], nil
	}
	for _, p := range in.pieces {
		if off >= p.off && off < p.off+int64(len(p.data)) {
			return p.data[off-p.off:], nil
		}
	}
	start := off - off%pieceSize
	data, err := in.fetch(start, min(pieceSize, in.Size-start))
	if err != nil {
		return nil, err
	}
	if len(in.pieces) < keptPieces {
		in.pieces = append(in.pieces, piece{})
	}
	in.clock = (in.clock + 1) % len(in.pieces)
	in.pieces[in.clock] = piece{start, data}
	return data[off-start:], nil
}

func (in *Input) fetch(off, n int64) ([]byte, error) {
	if in.conn == nil {
		return nil, errors.New("sandbox: read after the end")
	}
	var ask [16]byte
	binary.LittleEndian.PutUint64(ask[:], uint64(off))
	binary.LittleEndian.PutUint64(ask[8:], uint64(n))
	if err := errors.Join(writeFrame(in.conn.out, frameRead, ask[:]), in.conn.out.Flush()); err != nil {
		return nil, err
	}
	kind, data, err := readFrame(in.conn.in, nil)
	if err != nil {
		return nil, err
	}
	if kind != framePiece || len(data) == 0 {
		return nil, errGarbled
	}
	if data[0] != 0 || int64(len(data)-1) != n {
		return nil, errors.New("sandbox: the body cannot be read")
	}
	return data[1:], nil
}
