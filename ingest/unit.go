package ingest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"

	"daylight/blob"
	"daylight/corpus"
	"daylight/extract"
	"daylight/lang"
	"daylight/relate"
)

// unitBytes is how much of parts one worker unpacks at once, in memory and not,
// for each byte that it may hold.
const unitBytes = 8

// nodeMemory is about what a part takes beside its bytes and text.
const nodeMemory = 1 << 10

// inMemory bounds the bytes of one body that are held; a larger one is put into
// the store and read from there.
func (l Limits) inMemory() int64 { return l.Memory / 4 }

// node is an item at any level on its way from a worker to the ledger.
type node struct {
	path, name string
	level      int
	declared   string // type
	problem    string // with the bytes themselves
	size       int64
	hash       blob.Ref
	data       []byte // the bytes, unless they are stored
	stored     bool   // in a batch of its own, committed
	empty      bool   // there is nothing to keep: not one byte could be had

	carrier *corpus.Message // the message that it is attached to, at any depth
	res     extract.Result
	langs   []string
	key     [16]byte // see relate.MessageKey

	done  bool // recorded by an earlier run with all that is inside
	parts []*node
	open  bool // holds more than one worker may: the parts are read when its turn comes

	// What is inside, as far as one worker unpacked or counted it.
	insideParts, insideBytes int64
}

// unit is the work of one worker: a node with all that is inside.
type unit struct {
	run    *run
	memory int64 // held by it
	bytes  int64 // unpacked by it
}

func (u *unit) over() bool {
	most := u.run.limits.Memory
	return u.memory > most || u.bytes > unitBytes*most
}

// nothing is the result of an item of which not one byte could be had.
var nothing = extract.Result{Type: "application/octet-stream", Unread: true}

// read fills in what a node contains. Errors are of ctx and the stores; what is
// wrong with the bytes is in the node.
func (u *unit) read(ctx context.Context, n *node) error {
	if n.done {
		return nil
	}
	if n.empty {
		n.res = nothing
		return nil
	}
	body, size, done, err := u.run.body(ctx, n)
	if err != nil {
		return err
	}
	defer done()
	var names Namer
	deep := n.level >= u.run.limits.Depth
	n.open = u.over()
	before := *u
	f := extract.File{Name: base(n.name), Type: n.declared, Body: body, Size: size}
	n.res, err = u.run.in.Extract(ctx, f, u.run.limits.File, func(p extract.Part) error {
		n.insideParts++
		if deep || n.open {
			size, _ := io.Copy(io.Discard, p.Body)
			n.insideBytes += size
			return nil
		}
		part, err := u.run.take(ctx, n, &names, p)
		if err != nil {
			return err
		}
		n.insideBytes += part.size
		n.parts = append(n.parts, part)
		u.bytes += part.size
		u.memory += int64(len(part.data)) + nodeMemory
		if u.over() {
			*u = before // they are let go
			n.open, n.parts = true, nil
		}
		return nil
	})
	if err != nil {
		return err
	}
	u.memory += int64(len(n.res.Text))
	if n.res.Text != "" {
		n.langs = lang.DetectAll(n.res.Text)
	}
	n.key = relate.MessageKey(n.res.Message, n.res.Text)
	if deep && n.insideParts > 0 {
		n.problem = join(n.problem, fmt.Sprintf("nested more than %d deep: what is inside is not unpacked", u.run.limits.Depth))
		n.insideParts, n.insideBytes, n.open = 0, 0, false
	}
	if n.insideParts == 0 {
		n.open = false
	}
	for _, p := range n.parts {
		p.carrier = n.carries()
		if err := u.read(ctx, p); err != nil {
			return err
		}
		n.insideParts += p.insideParts
		n.insideBytes += p.insideBytes
	}
	return nil
}

// carries is the message that parts of n are attached to.
func (n *node) carries() *corpus.Message {
	if n.carrier == nil {
		return n.res.Message
	}
	return n.carrier
}

// take makes a node of a part, with its bytes.
func (r *run) take(ctx context.Context, in *node, names *Namer, p extract.Part) (*node, error) {
	name := names.Name(p.Name, p.Type)
	n := &node{path: in.path + "/" + name, name: name, level: in.level + 1, declared: p.Type, problem: p.Error}
	return n, r.keep(ctx, n, p.Body, 0)
}

// keep reads the bytes of a node, about size of them, into memory or into the
// store. An error of body is kept as the node's problem.
func (r *run) keep(ctx context.Context, n *node, body io.Reader, size int64) error {
	bad := &noting{r: body}
	var head bytes.Buffer
	head.Grow(int(min(size, r.limits.inMemory())) + bytes.MinRead)
	if _, err := io.CopyN(&head, bad, r.limits.inMemory()+1); err == nil {
		if err := r.store(ctx, n, io.MultiReader(&head, bad)); err != nil {
			return err
		}
	} else {
		n.data, n.size = head.Bytes(), int64(head.Len())
		n.hash = sha256.Sum256(n.data)
	}
	if bad.err != nil {
		n.problem = join(n.problem, reason(bad.err))
	}
	n.empty = n.size == 0 && n.problem != ""
	if n.empty {
		n.hash = blob.Ref{}
	}
	return ctx.Err()
}

// store puts a large body into the store at once, in a batch of its own: it stays
// without a record if the run ends here, and is found there by the next one.
func (r *run) store(ctx context.Context, n *node, body io.Reader) error {
	batch, err := r.in.Blobs.Begin(ctx)
	if err != nil {
		return err
	}
	defer batch.Abort()
	if n.hash, n.size, err = batch.Put(body); err != nil {
		return err
	}
	n.stored = true
	return batch.Commit()
}

// noting makes an error of reading the end of the bytes, and remembers it.
type noting struct {
	r   io.Reader
	err error
}

func (n *noting) Read(p []byte) (int, error) {
	if n.err != nil {
		return 0, io.EOF
	}
	c, err := n.r.Read(p)
	if err != nil && err != io.EOF {
		n.err = err
		err = io.EOF
	}
	return c, err
}

// body gives the bytes of a node to read.
func (r *run) body(ctx context.Context, n *node) (io.ReaderAt, int64, func() error, error) {
	if !n.stored {
		return bytes.NewReader(n.data), n.size, func() error { return nil }, nil
	}
	b, err := r.in.Blobs.Open(ctx, n.hash)
	if err != nil {
		return nil, 0, nil, err
	}
	return b, n.size, b.Close, nil
}

// root makes a node of an item that was handed in; nil when it is done already.
func (r *run) root(ctx context.Context, item Item) (*node, error) {
	n := &node{path: item.Path, name: item.Path, size: item.Size}
	taken, done, err := r.taken(ctx, n.path)
	if done || err != nil {
		return nil, err
	}
	body, err := item.Open(ctx)
	if err != nil {
		n.empty, n.problem = true, "cannot be opened: "+reason(err)
	} else {
		defer body.Close()
		if taken && item.Size > r.limits.inMemory() {
			if n.hash, err = sum(body, item.Size); err == nil {
				if done, err := r.place(ctx, n); done || err != nil {
					return nil, err
				}
			}
		}
		if err := r.keep(ctx, n, io.NewSectionReader(body, 0, item.Size), item.Size); err != nil {
			return nil, err
		}
		if n.size != item.Size {
			n.problem = join(n.problem, "it changed while it was read")
		}
	}
	if taken {
		if done, err := r.place(ctx, n); done || err != nil {
			return nil, err
		}
	}
	return n, ctx.Err()
}

// taken reports whether something is recorded at a path, and whether that is all
// there is to know: a ledger that is no Placer cannot tell two files of one name
// apart.
func (r *run) taken(ctx context.Context, path string) (taken, done bool, err error) {
	if l, ok := r.in.Ledger.(Placer); ok {
		_, taken, err = l.At(ctx, path)
		return taken, false, err
	}
	done, err = r.in.Ledger.Done(ctx, path)
	return false, done, err
}

// sum is the hash of a large item, so that one that is done need not be stored to
// know that.
func sum(body io.ReaderAt, size int64) (ref blob.Ref, err error) {
	h := sha256.New()
	_, err = io.Copy(h, io.NewSectionReader(body, 0, size))
	h.Sum(ref[:0])
	return ref, err
}

// place reports whether the bytes of an item are done, and gives it another path
// where its own is taken by other bytes.
func (r *run) place(ctx context.Context, n *node) (done bool, err error) {
	ledger := r.in.Ledger.(Placer) // or the path would not be taken
	for try, path := 2, n.name; ; try++ {
		hash, recorded, err := ledger.At(ctx, path)
		switch {
		case err != nil:
			return false, err
		case !recorded:
			n.path = path
			return false, nil
		case hash == n.hash:
			n.path = path
			return r.in.Ledger.Done(ctx, path)
		}
		path = numbered(n.name, try)
	}
}

// reason says why a file cannot be opened, without its path on this machine.
func reason(err error) string {
	var no syscall.Errno
	var path *fs.PathError
	switch {
	case errors.As(err, &no):
		return no.Error()
	case errors.As(err, &path):
		return path.Err.Error()
	}
	return err.Error()
}
