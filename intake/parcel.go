package intake

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"daylight/courier"
	"daylight/envelope"
	"daylight/fault"
)

// parcels are envelopes that sources sealed on machines of their own, while they
// arrive, piece by piece. What is known of one is here, in memory, and in its slot.
type parcels struct {
	mu   sync.Mutex
	byID map[string]*parcel
}

type parcel struct {
	end   func() // hangs up on the piece that comes in; of parcels.mu
	tally tally  // of tallies.mu

	mu   sync.Mutex   // one piece at a time
	slot Slot         // nil before the first piece, and once it is kept
	at   atomic.Int64 // bytes that arrived
	size int64        // of the whole
	seen time.Time
	gone bool // it is not in the map any more
}

// whole reports whether all of it has arrived and is kept.
func (p *parcel) whole() bool { return p.at.Load() == p.size }

// Bounds of parcels.
const (
	parcelSilence = 6 * time.Hour    // after which a part is kept as it is
	wholeSilence  = 10 * time.Minute // after which a whole one is forgotten: its sender has had the answer
)

// ParcelAt is how many bytes of a parcel have arrived: none also of one that nobody
// began. The id is its sender's, 16 random bytes in hex as an envelope's.
func (in *Intake) ParcelAt(id string) int64 {
	in.parcels.mu.Lock()
	p := in.parcels.byID[id]
	in.parcels.mu.Unlock()
	if p == nil {
		return 0
	}
	return p.at.Load()
}

// TakeParcel takes the next piece of a parcel: its bytes from at on, of size in all.
// It returns how many have arrived by now, also with an error: what came before a
// break stays, but where the disk failed it begins anew. fault.Conflict when the piece
// begins elsewhere, fault.TooLarge when the whole is, fault.Busy and fault.Full when too
// many are under way, or have come (see parcelRoom). Once all of it has arrived it is
// kept like any other envelope. Whether it opens only the newsroom can tell.
//
// A sender whose connection broke learns of it before intake does: a new piece ends
// the one before, by the hangUp that came with it.
func (in *Intake) TakeParcel(ctx context.Context, id string, at, size int64, r io.Reader, hangUp func()) (int64, error) {
	if !courier.EnvelopeID(id).Valid() || at < 0 || size < envelope.Floor || at > size {
		return 0, fmt.Errorf("parcel: %w", fault.Invalid)
	}
	if most := in.limits.Upload + in.limits.Upload/8 + 1<<20; size > most { // with its padding and seal
		return 0, fmt.Errorf("parcel: %w", fault.TooLarge)
	}
	var open atomic.Pointer[func()] // not after this: its connection is another request's then, and must not be held here
	open.Store(&hangUp)
	defer open.Store(nil)
	hang := func() {
		if hangUp := open.Load(); hangUp != nil {
			(*hangUp)()
		}
	}
	p, err := in.parcel(id, at, size, hang)
	if err != nil {
		return 0, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func() {
		if p.slot == nil && !p.whole() { // nothing of it is there
			in.forgetParcel(id, p)
		}
	}()
	switch {
	case p.gone || at != p.at.Load() || size != p.size:
		return p.at.Load(), fmt.Errorf("parcel: a piece from %d of %d: %w", at, size, fault.Conflict)
	case p.whole(): // the answer to its last piece got lost
		return at, nil
	}
	if err := in.parcelRoom(); err != nil {
		return at, fmt.Errorf("parcel: %w", err)
	}
	if err := in.place(); err != nil {
		return at, fmt.Errorf("parcel: %w", err)
	}
	defer func() { <-in.uploads }()
	u := &upload{in.now(), new(atomic.Int64), hang}
	in.runs(u)
	defer in.ran(u)
	err = in.piece(p, u, io.LimitReader(r, size-at))
	if u.total.Load() > 0 {
		p.seen = in.now()
	}
	if err == nil && p.whole() {
		if err = p.keep(ctx); err != nil { // what there is may be lost: it had better come again
			in.forgetParcel(id, p)
			return 0, err
		}
	}
	return p.at.Load(), err
}

// forgetParcel is for who holds the parcel's lock.
func (in *Intake) forgetParcel(id string, p *parcel) {
	in.parcels.mu.Lock()
	defer in.parcels.mu.Unlock()
	p.gone = true
	if in.parcels.byID[id] == p { // and not one that was begun anew meanwhile
		delete(in.parcels.byID, id)
	}
}

// parcel finds a parcel, or begins one.
func (in *Intake) parcel(id string, at, size int64, hangUp func()) (*parcel, error) {
	in.parcels.mu.Lock()
	defer in.parcels.mu.Unlock()
	p := in.parcels.byID[id]
	switch {
	case p != nil:
		p.end()
		p.end = hangUp
		return p, nil
	case at > 0:
		return nil, fmt.Errorf("parcel: nobody began it: %w", fault.Conflict)
	case len(in.parcels.byID) >= in.limits.Parcels && !in.parcels.makeRoom():
		return nil, fmt.Errorf("parcel: too many: %w", fault.Busy)
	}
	if !in.count(&in.tallies.all, in.limits.All.halved(), Submissions) {
		return nil, fmt.Errorf("parcel: all visits together: %w", fault.Busy)
	}
	if in.parcels.byID == nil {
		in.parcels.byID = map[string]*parcel{}
	}
	p = &parcel{size: size, seen: in.now(), end: hangUp}
	in.parcels.byID[id] = p
	return p, nil
}

// parcelRoom reports whether parcels may go on: fault.Full when no more than half of
// the room above the reserve is left, fault.Busy when half of the bytes that all may
// send is used up. What a program seals nobody can look at before the desk has it, so
// junk comes this way: it must leave pages their half.
func (in *Intake) parcelRoom() error {
	free, whole, err := in.store.Space(context.Background())
	if err != nil {
		return fmt.Errorf("room: %w", err)
	}
	if least := max(in.limits.Reserve, 0); free-least <= (whole-least)/2 {
		return fmt.Errorf("what is left is for pages: %w", fault.Full)
	}
	in.tallies.mu.Lock()
	defer in.tallies.mu.Unlock()
	if !in.tallies.all[bytesIn].fits(in.limits.All.Bytes.halved(), in.now(), 0) {
		return fmt.Errorf("all visits together: %w", fault.Busy)
	}
	return nil
}

// makeRoom ends the parcel whose sender has been silent for longest: what there is of
// it is kept. Those with a piece under way stay.
func (ps *parcels) makeRoom() bool {
	var id string
	var oldest *parcel // held
	for name, p := range ps.byID {
		switch {
		case !p.mu.TryLock():
		case oldest != nil && !p.seen.Before(oldest.seen):
			p.mu.Unlock()
		default:
			if oldest != nil {
				oldest.mu.Unlock()
			}
			id, oldest = name, p
		}
	}
	if oldest == nil {
		return false
	}
	defer oldest.mu.Unlock()
	ps.settle(id)
	return true
}

// settle keeps what there is of a parcel, and forgets it. The caller holds both locks.
func (ps *parcels) settle(id string) {
	p := ps.byID[id]
	p.keep(context.Background()) // what fails is settled at the next start
	p.gone = true
	delete(ps.byID, id)
}

// piece writes what comes into the slot.
func (in *Intake) piece(p *parcel, u *upload, r io.Reader) error {
	buf := make([]byte, 64<<10)
	for {
		n, readErr := fill(r, buf)
		if n > 0 {
			if err := in.parcelRoom(); err != nil {
				return fmt.Errorf("keep parcel: %w", err)
			}
		}
		if n > 0 && p.slot == nil {
			if !bytes.HasPrefix(buf[:n], []byte(ageHead)) {
				return fmt.Errorf("parcel: not sealed: %w", fault.Invalid)
			}
			slot, err := in.store.Create(context.Background(), in.day(), in.until())
			if err != nil {
				return fmt.Errorf("keep parcel: %w", err)
			}
			p.slot = slot
		}
		if n > 0 {
			if _, err := p.slot.Room(p.at.Load() + int64(n)); err != nil {
				return fmt.Errorf("keep parcel: %w", err)
			}
			m, err := p.slot.Write(buf[:n])
			p.at.Add(int64(m))
			u.total.Add(int64(m))
			in.charge(new(tally), int64(m))
			if err != nil { // its slot takes no more: what came is kept, and all had better come again
				p.keep(context.Background())
				p.at.Store(0)
				return fmt.Errorf("keep parcel: %w", err)
			}
		}
		switch {
		case readErr == io.EOF:
			return nil
		case readErr != nil:
			return errBroken
		}
	}
}

func (p *parcel) keep(ctx context.Context) error {
	if p.slot == nil {
		return nil
	}
	slot := p.slot
	p.slot = nil
	if err := slot.Keep(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("keep parcel: %w", err)
	}
	return nil
}

// endParcels keeps all parts as they are. No more pieces can come in.
func (in *Intake) endParcels() {
	in.parcels.mu.Lock()
	left := maps.Clone(in.parcels.byID)
	in.parcels.mu.Unlock()
	for id, p := range left {
		p.mu.Lock() // the first of the two also for a piece, which may just be ending
		in.parcels.mu.Lock()
		if !p.gone {
			in.parcels.settle(id)
		}
		in.parcels.mu.Unlock()
		p.mu.Unlock()
	}
}

// settleParcels keeps parts whose senders are silent, as they are, and forgets parcels
// that are kept.
func (in *Intake) settleParcels() {
	in.parcels.mu.Lock()
	defer in.parcels.mu.Unlock()
	for id, p := range in.parcels.byID {
		if !p.mu.TryLock() {
			continue // a piece is coming in
		}
		silent := in.now().Sub(p.seen)
		if silent >= parcelSilence || p.whole() && silent >= wholeSilence {
			in.parcels.settle(id)
		}
		p.mu.Unlock()
	}
	in.parcels.byID = maps.Clone(in.parcels.byID) // a map has the keys that were deleted
}
