package intake

import (
	"context"
	"errors"
	"fmt"
	"io"

	"daylight/envelope"
	"daylight/fault"
)

// Submission is one request on its way in. Parts are sealed as they arrive; what
// arrived before a break is kept. It is for one goroutine, and must be finished.
type Submission struct {
	s       *Session
	slot    Slot // nil until something arrives
	sealer  *envelope.Sealer
	receipt Receipt
	total   int64
	stopped error         // nothing more is taken after it
	address chan struct{} // closed when the address is in the envelope, or cannot be
	buf     []byte
}

// Receipt says what arrived. Only its owner may see it; it is kept nowhere.
type Receipt struct {
	Parts      []Received
	Answerable bool  // the newsroom can reply to the codename
	Kept       bool  // there is an envelope
	Unsure     bool  // there may be one: see Finish
	Err        error // why the rest was not taken; nil when all was
}

// Received is one part of a submission.
type Received struct {
	Type envelope.Type
	Name string
	Size int64
	Cut  bool
}

// Submit starts a submission. fault.Busy when too many are under way. Nothing is
// stored before something arrives.
func (in *Intake) Submit(s *Session) (*Submission, error) {
	select {
	case in.uploads <- struct{}{}:
	default:
		return nil, fmt.Errorf("begin submission: %w", fault.Busy)
	}
	s.hold(1)
	return &Submission{s: s, address: make(chan struct{}), buf: make([]byte, 64<<10)}, nil
}

// Text takes a message. An empty one is nothing. One that is too long is cut, and
// the error is fault.TooLarge; the submission goes on. There is one message: no form
// of ours has more, and a million of them would each be small enough.
func (sub *Submission) Text(r io.Reader) error {
	if len(sub.receipt.Parts) > sub.files() {
		return sub.stop(fmt.Errorf("more than one message: %w", fault.Invalid))
	}
	limit := sub.s.in.limits.Message
	err := sub.part(envelope.Text, "", r, limit)
	if errors.Is(err, errMessage) {
		sub.receipt.Err = err
		return err
	}
	return sub.stop(err)
}

// File takes a file. A part with neither name nor bytes is a field left empty, and
// is nothing. After an error nothing more is taken; what was kept stays.
func (sub *Submission) File(name string, r io.Reader) error {
	if sub.stopped == nil && sub.files() >= sub.s.in.limits.Files {
		return sub.stop(fmt.Errorf("more files than %d: %w", sub.s.in.limits.Files, fault.TooLarge))
	}
	return sub.stop(sub.part(envelope.File, name, r, -1))
}

// Break says that the request broke off between two parts, or cannot be read on.
func (sub *Submission) Break() { sub.stop(errBroken) }

func (sub *Submission) stop(err error) error {
	if err != nil && sub.stopped == nil {
		sub.stopped, sub.receipt.Err = err, err
		if sub.sealer != nil {
			sub.sealer.MarkCut()
		}
	}
	return err
}

func (sub *Submission) files() int {
	n := 0
	for _, p := range sub.receipt.Parts {
		if p.Type == envelope.File {
			n++
		}
	}
	return n
}

var (
	errMessage = fmt.Errorf("message: %w", fault.TooLarge)

	// errBroken stands for whatever the network or the form said. Their own errors
	// hold addresses and pieces of what was sent.
	errBroken = fmt.Errorf("request broke off: %w", fault.Invalid)
)

// part copies one part into the envelope, with room made for each piece first, so
// that a full disk leaves an envelope that can still be closed.
func (sub *Submission) part(typ envelope.Type, name string, r io.Reader, limit int64) (err error) {
	if sub.stopped != nil {
		return sub.stopped
	}
	n, readErr := fill(r, sub.buf)
	switch {
	case n == 0 && readErr == io.EOF && name == "":
		return nil
	case n == 0 && readErr != nil && readErr != io.EOF && sub.sealer == nil:
		return errBroken // nothing has arrived
	}
	if err := sub.start(); err != nil {
		return err
	}
	if err := sub.room(int64(n)); err != nil {
		return err
	}
	w, err := sub.open(typ, name)
	if err != nil {
		return err
	}
	got := Received{Type: typ, Name: name}
	defer func() {
		clear(sub.buf)
		if got.Cut = err != nil; got.Cut {
			err = errors.Join(err, w.Cut())
		} else {
			err = w.Close()
		}
		sub.receipt.Parts = append(sub.receipt.Parts, got)
	}()
	for {
		if limit >= 0 && got.Size+int64(n) > limit {
			m, err := w.Write(sub.buf[:limit-got.Size])
			got.Size += int64(m)
			return errors.Join(errMessage, err)
		}
		if sub.total+int64(n) > sub.s.in.limits.Upload {
			return fmt.Errorf("submission: %w", fault.TooLarge)
		}
		if err := sub.room(int64(n)); err != nil {
			return err
		}
		m, err := w.Write(sub.buf[:n])
		got.Size, sub.total = got.Size+int64(m), sub.total+int64(m)
		if err != nil {
			return fmt.Errorf("keep part: %w", err)
		}
		switch {
		case readErr == io.EOF:
			return nil
		case readErr != nil:
			return errBroken
		}
		n, readErr = fill(r, sub.buf)
	}
}

// fill reads until b is full, and returns the reader's own error. io.ReadFull
// would make io.ErrUnexpectedEOF of a good end, and that is what a request that
// broke off has.
func fill(r io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var m int
		m, err = r.Read(b[n:])
		n += m
	}
	return n, err
}

func (sub *Submission) open(typ envelope.Type, name string) (envelope.EntryWriter, error) {
	if typ == envelope.Text {
		return sub.sealer.BeginText()
	}
	return sub.sealer.Begin(name)
}

func (sub *Submission) room(n int64) error {
	if _, err := sub.slot.Room(sub.sealer.Bare(n)); err != nil {
		return fmt.Errorf("make room: %w", err)
	}
	return nil
}

// start makes the slot and begins to seal, once something has arrived.
func (sub *Submission) start() error {
	if sub.sealer != nil {
		return nil
	}
	in := sub.s.in
	slot, err := in.store.Create(context.Background(), in.day(), in.until())
	if err != nil {
		return fmt.Errorf("keep submission: %w", err)
	}
	if _, err := slot.Room(envelope.Floor); err != nil {
		slot.Drop()
		return fmt.Errorf("keep submission: %w", err)
	}
	keys := in.Keys()
	sealer, err := envelope.Seal(slot, envelope.Head{Kind: envelope.Request, Time: in.now(), Path: "web"}, keys.Recipients()...)
	if err != nil {
		slot.Drop()
		return fmt.Errorf("seal submission: %w", err)
	}
	sealer.Receipts(in.custody)
	sub.slot, sub.sealer = slot, sealer
	in.working.Go(func() {
		defer close(sub.address)
		sub.receipt.Answerable = sub.addAddress(keys.Newsroom) == nil
	})
	return nil
}

// Finish closes the envelope, keeps it, and says what arrived. It must be called,
// also after errors. An error of its own means that nothing was kept, unless the
// receipt is Unsure: then all that arrived was written, but the store failed at the
// last step. It throws nothing away that the newsroom may be able to open, so the
// source had better send again: what arrives twice does no harm.
func (sub *Submission) Finish() (Receipt, error) {
	in := sub.s.in
	defer func() {
		sub.s.hold(-1)
		<-in.uploads
	}()
	if sub.sealer == nil {
		if sub.receipt.Err != nil {
			return sub.receipt, sub.receipt.Err
		}
		return sub.receipt, fmt.Errorf("submission: nothing in it: %w", fault.Invalid)
	}
	<-sub.address
	room, err := sub.slot.Room(sub.sealer.Size())
	if err != nil && !errors.Is(err, fault.Full) {
		room = 0 // the bare envelope, for which there was room
	}
	if err := sub.sealer.CloseWithin(room); err != nil {
		// What is on the disk opens up to its break: it is better kept.
		sub.stop(fmt.Errorf("seal submission: %w", err))
	}
	if err := sub.slot.Keep(context.Background()); err != nil {
		return Receipt{Err: err, Unsure: true}, fmt.Errorf("keep submission: %w", err)
	}
	sub.receipt.Kept = true
	return sub.receipt, nil
}
