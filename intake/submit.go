package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"daylight/envelope"
	"daylight/fault"
	"daylight/internal/secret"
)

// Submission is one request on its way in. Parts are sealed as they arrive; what
// arrived before a break is kept. It is for one goroutine, and must be finished.
type Submission struct {
	s       *Session
	tally   *tally
	began   time.Time
	upload  *upload          // when there is something that ends it
	keys    envelope.KeyList // in use when it began: a newer one is for the next
	channel string
	slot    Slot // nil until something arrives
	sealer  *envelope.Sealer
	asked   bool // the conditions are in the envelope
	arrival Arrival
	total   atomic.Int64
	message []byte        // a short one, until something comes with it
	marks   []mark        // of what arrived whole
	stopped error         // nothing more is taken after it
	address chan struct{} // closed when the address is in the envelope, or cannot be
	buf     []byte
}

// Arrival says what arrived. Only its owner may see it; it is kept nowhere.
type Arrival struct {
	Parts      []Received
	Message    []byte // that was not kept, to be shown to its owner once more
	Conditions envelope.Conditions
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

// Why a submission is refused that the source can put right.
var (
	// ErrShort is of a first message that says too little, without a file.
	ErrShort = fmt.Errorf("first message too short: %w", fault.Invalid)
	// ErrTold is of a message or a file's name that has the codename in it.
	ErrTold = fmt.Errorf("the codename is in it: %w", fault.Invalid)
)

// Submit starts a submission, the cheapest checks first. fault.Busy when too many
// are under way, ErrTooOften when this visit sends too many, fault.Full when the
// disk has no more than the reserve. Nothing is stored before something arrives.
func (in *Intake) Submit(s *Session) (*Submission, error) {
	if err := s.Count(Submissions); err != nil {
		return nil, fmt.Errorf("begin submission: %w", err)
	}
	did, err := s.hold()
	if err != nil {
		return nil, fmt.Errorf("begin submission: %w", err)
	}
	err = in.countAll(Submissions)
	if err == nil {
		err = in.Room()
	}
	if err == nil {
		err = in.place()
	}
	if err != nil {
		s.release(fresh)
		return nil, fmt.Errorf("begin submission: %w", err)
	}
	return &Submission{s: s, keys: in.Keys(), tally: did, began: in.now(), address: make(chan struct{}), buf: make([]byte, 64<<10)}, nil
}

// Channel chooses who can open the submission; without it, the first channel can. It
// comes before everything else. A channel that is not there, or is named too late, ends
// the submission: nothing may go to others than the source has chosen.
func (sub *Submission) Channel(id string) error {
	if sub.sealer != nil {
		return sub.stop(fmt.Errorf("channel named after the first part: %w", fault.Invalid))
	}
	c, err := sub.keys.Channel(id)
	if err != nil {
		return sub.stop(err)
	}
	sub.channel = c.ID
	return nil
}

// Room reports whether the disk has room for a new submission: fault.Full when no
// more than the reserve is left. What is under way goes on into the reserve.
func (in *Intake) Room() error {
	free, _, err := in.store.Space(context.Background())
	if err != nil {
		return fmt.Errorf("room: %w", err)
	}
	if free < in.limits.Reserve {
		return fmt.Errorf("less than the reserve is left: %w", fault.Full)
	}
	return nil
}

// File takes a file. A part with neither name nor bytes is a field left empty, and
// is nothing. After an error nothing more is taken; what was kept stays.
func (sub *Submission) File(name string, r io.Reader) error {
	if sub.stopped != nil {
		return sub.stopped
	}
	if sub.files() >= sub.s.in.limits.Files {
		return sub.stop(fmt.Errorf("more files than %d: %w", sub.s.in.limits.Files, fault.TooLarge))
	}
	name = strings.Clone(envelope.Shorten(name)) // as it is kept, and without the head that it stood in
	if sub.s.gives([]byte(name)) {
		return sub.stop(ErrTold)
	}
	return sub.stop(sub.part(name, r))
}

// Passed counts bytes that came with the parts and are kept nowhere: their heads, and
// fields that no form of ours has.
func (sub *Submission) Passed(n int64) { sub.s.in.charge(sub.tally, n) }

// Overflow says that the request cannot be read on, since the head of a part is too
// long, or what nobody reads of it. What came before it is kept.
func (sub *Submission) Overflow() { sub.breakOff(errLong) }

// Break says that the request broke off between two parts, or cannot be read on.
func (sub *Submission) Break() { sub.breakOff(errBroken) }

func (sub *Submission) breakOff(why error) {
	if sub.stopped == nil {
		sub.stop(errors.Join(sub.settle(), why))
	}
}

func (sub *Submission) stop(err error) error {
	if err != nil && sub.stopped == nil {
		sub.stopped, sub.arrival.Err = err, err
		if sub.sealer != nil {
			sub.sealer.MarkCut()
		}
	}
	return err
}

func (sub *Submission) files() int {
	n := 0
	for _, p := range sub.arrival.Parts {
		if p.Type == envelope.File {
			n++
		}
	}
	return n
}

var (
	errMessage = fmt.Errorf("message: %w", fault.TooLarge)
	errLong    = fmt.Errorf("part of a form: %w", fault.TooLarge)

	// errBroken stands for whatever the network or the form said. Their own errors
	// hold addresses and pieces of what was sent.
	errBroken = fmt.Errorf("request broke off: %w", fault.Invalid)
)

// part copies one file into the envelope, with room made for each piece first, so
// that a full disk leaves an envelope that can still be closed.
func (sub *Submission) part(name string, r io.Reader) (err error) {
	n, readErr := fill(r, sub.buf)
	if n == 0 && readErr == io.EOF && name == "" {
		return nil
	}
	if err := sub.settle(); err != nil {
		return err
	}
	if n == 0 && readErr != nil && readErr != io.EOF && sub.sealer == nil {
		return errBroken // nothing has arrived
	}
	if err := sub.start(); err != nil {
		return err
	}
	if err := sub.room(int64(n)); err != nil {
		return err
	}
	if err := sub.ask(); err != nil {
		return err
	}
	w, err := sub.sealer.Begin(name)
	if err != nil {
		return err
	}
	got := Received{Type: envelope.File, Name: name}
	head := sub.s.in.repeats.head(sub.s.in.day(), sub.buf[:n])
	defer func() {
		clear(sub.buf)
		if got.Cut = err != nil; got.Cut {
			err = errors.Join(err, w.Cut())
		} else if err = w.Close(); err == nil {
			sub.note(head, got.Size)
		}
		sub.arrival.Parts = append(sub.arrival.Parts, got)
	}()
	for {
		if sub.total.Load()+int64(n) > sub.s.in.limits.Upload {
			return fmt.Errorf("submission: %w", fault.TooLarge)
		}
		if err := sub.room(int64(n)); err != nil {
			return err
		}
		m, err := w.Write(sub.buf[:n])
		got.Size += int64(m)
		sub.arrived(m)
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

// arrived counts bytes that were taken.
func (sub *Submission) arrived(n int) {
	sub.total.Add(int64(n))
	sub.s.in.charge(sub.tally, int64(n))
}

func (sub *Submission) note(head uint64, size int64) {
	to, _ := sub.keys.Channel(sub.channel) // without a name the first, which other visits may name
	sub.marks = append(sub.marks, mark{to.ID, head, size})
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
	sealer, err := sub.keys.Seal(slot, envelope.Head{Time: in.now(), Path: "web"}, sub.channel)
	if err != nil {
		slot.Drop()
		return fmt.Errorf("seal submission: %w", err)
	}
	sealer.Receipts(in.custody)
	sub.slot, sub.sealer = slot, sealer
	in.working.Go(func() {
		defer close(sub.address)
		secret.Wiped(func() { sub.arrival.Answerable = sub.addAddress(sub.keys.Newsroom) == nil })
	})
	return nil
}

// Finish closes the envelope, keeps it, and says what arrived. It must be called,
// also after errors. An error of its own means that nothing was kept, unless the
// arrival is Unsure: then all that arrived was written, but the store failed at the
// last step. It throws nothing away that the newsroom may be able to open, so the
// source had better send again: what arrives twice does no harm.
func (sub *Submission) Finish() (Arrival, error) {
	in := sub.s.in
	defer func() {
		worth := fresh
		if sub.arrival.Kept {
			worth = proven
		}
		in.ran(sub.upload)
		sub.s.release(worth)
		<-in.uploads
	}()
	sub.arrival.Message = sub.message
	if sub.sealer == nil {
		switch {
		case sub.arrival.Err != nil:
		case sub.message != nil:
			sub.arrival.Err = ErrShort
		default:
			return sub.arrival, fmt.Errorf("submission: nothing in it: %w", fault.Invalid)
		}
		return sub.arrival, sub.arrival.Err
	}
	if n := in.limits.Repeats; sub.arrival.Err == nil && n > 0 && in.repeats.again(in.day(), sub.s.token.name(), sub.marks, n) {
		sub.sealer.MarkRepeated()
	}
	if err := sub.ask(); err != nil {
		sub.stop(err)
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
		return Arrival{Err: err, Unsure: true}, fmt.Errorf("keep submission: %w", err)
	}
	sub.arrival.Kept = true
	return sub.arrival, nil
}
