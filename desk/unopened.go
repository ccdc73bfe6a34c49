package desk

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"daylight/blob"
	"daylight/courier"
	"daylight/envelope"
	"daylight/fault"
)

// Unopened is an envelope that none of the desk's keys opens, or that is damaged from
// its first byte: junk, or one whose key is not here yet. The desk keeps it as it came,
// so that intake has its room back, and nothing is lost.
type Unopened struct {
	ID   courier.EnvelopeID
	Day  string // of its arrival at intake
	Size int64
	Kept blob.Ref // of its id, and then its bytes; zero once it is destroyed
	Why  string   // it was destroyed, or is to be
}

// errStays is of an envelope that does not open, and is left at intake.
var errStays = errors.New("the envelope stays at intake")

// taken is how much of the room an envelope of a size takes. It is no less than the least
// that a source's program seals: what broke off after some bytes costs a row and a blob
// too, and a flood of such has no end.
func taken(size int64) int64 { return max(size, envelope.Floor) }

// setAside keeps an envelope that did not open, as it came, within the room that is
// left for such.
func (d *Desk) setAside(ctx context.Context, in courier.Intake, e courier.Envelope, room int64) (size int64, err error) {
	if taken(e.Size) > room {
		return 0, errStays
	}
	sealed, err := in.Open(ctx, e.ID)
	if err != nil {
		return 0, fmt.Errorf("open envelope at intake: %w", err)
	}
	defer sealed.Close()
	batch, err := d.o.Blobs.Begin(ctx)
	if err != nil {
		return 0, fmt.Errorf("set envelope aside: %w", err)
	}
	defer batch.Abort()
	// Words of ours and its id stand before it: so no other blob has the same bytes, and to
	// destroy this one destroys no file that somebody sent.
	way := &carried{r: sealed}
	ref, n, err := batch.Put(io.MultiReader(strings.NewReader(before(e.ID)), io.LimitReader(way, room+1)))
	size = n - int64(len(before(e.ID)))
	switch {
	case errors.Is(way.err, fault.Damaged), err == nil && size > room:
		return 0, errStays
	case err != nil:
		return 0, fmt.Errorf("set envelope aside: %w", err)
	}
	if err := batch.Commit(); err != nil {
		return 0, fmt.Errorf("set envelope aside: %w", err)
	}
	if err := d.o.Stores.Envelopes.Put(ctx, Unopened{ID: e.ID, Day: e.Day, Size: size, Kept: ref}); err != nil {
		return 0, fmt.Errorf("set envelope aside: %w", err)
	}
	return size, nil
}

// before stands before what is kept. An id alone would not do: whoever has intake, or a
// stick, chooses that, and files begin with such digits, as lists of sums do.
func before(id courier.EnvelopeID) string {
	return "Daylight: an envelope that did not open\n" + string(id) + "\n"
}

// unopened lists the envelopes that are kept unopened, and says how many bytes more
// may be.
func (d *Desk) unopened(ctx context.Context) (kept []Unopened, destroyed int, room int64, err error) {
	all, err := d.o.Stores.Envelopes.All(ctx)
	if err != nil {
		return nil, 0, 0, fmt.Errorf("envelopes that did not open: %w", err)
	}
	room = d.o.Unopened
	for _, u := range all {
		if u.Kept.IsZero() {
			destroyed++
			continue
		}
		kept, room = append(kept, u), room-taken(u.Size)
	}
	return kept, destroyed, room, nil
}

// openAgain tries what did not open once more, for so long. It says how many envelopes
// do, and which are still to be tried. The caller holds aside.
func (d *Desk) openAgain(ctx context.Context, ring Keyring, list []Unopened, long time.Duration) (opened int, left []Unopened, first error) {
	began := time.Now()
	for i, u := range list {
		if ctx.Err() != nil || i > 0 && time.Since(began) > long {
			return opened, append(left, list[i:]...), cmp.Or(first, ctx.Err())
		}
		u, err := d.o.Stores.Envelopes.Get(ctx, u.ID) // as it is by now
		switch {
		case errors.Is(err, fault.NotFound), err == nil && u.Kept.IsZero():
			continue // it opened, or was destroyed
		case err == nil && u.Why != "": // a crash came before the end of it
			err = d.destroyKept(ctx, u, u.Why)
		case err == nil:
			if err = d.openKept(ctx, u, ring); err == nil {
				opened++
			}
		}
		if err != nil && !errors.Is(err, errClosed) {
			left, first = append(left, list[i]), cmp.Or(first, fmt.Errorf("open envelope again: %w", err))
		}
	}
	return opened, left, first
}

func (d *Desk) openKept(ctx context.Context, u Unopened, ring Keyring) error {
	_, err := d.take(ctx, courier.Envelope{ID: u.ID, Day: u.Day, Size: u.Size}, ring, func() (io.ReadCloser, error) {
		r, err := d.o.Blobs.Open(ctx, u.Kept)
		if err != nil {
			return nil, err
		}
		return struct {
			io.Reader
			io.Closer
		}{io.NewSectionReader(r, int64(len(before(u.ID))), u.Size), r}, nil
	})
	if err != nil {
		return err
	}
	// The row last: until then it is found again, and known as received.
	if err := d.o.Blobs.Delete(ctx, u.Kept); err != nil {
		return err
	}
	return d.o.Stores.Envelopes.Drop(ctx, u.ID)
}

// UnopenedSum is what handlers see of envelopes that did not open.
type UnopenedSum struct {
	Days      []UnopenedDay // of arrival, the newest first
	Envelopes int
	Bytes     int64
	Destroyed int   // that were here, and are not any more
	Most      int64 // bytes that may be here
	Left      int   // that stay at intake because there is no room here, as of the last round
}

// UnopenedDay is those of one day.
type UnopenedDay struct {
	Day       string
	Envelopes int
	Bytes     int64
	Seen      string // the day, and which they are: for DestroyUnopened
}

func byDay(list []Unopened) map[string][]Unopened {
	of := map[string][]Unopened{}
	for _, u := range list {
		of[u.Day] = append(of[u.Day], u)
	}
	return of
}

// asSeen names the envelopes of one day.
func asSeen(list []Unopened) string {
	sum := sha256.New()
	for _, u := range slices.SortedFunc(slices.Values(list), func(a, b Unopened) int { return cmp.Compare(a.ID, b.ID) }) {
		fmt.Fprintln(sum, u.ID)
	}
	return fmt.Sprintf("%s %x", list[0].Day, sum.Sum(nil)[:8])
}

// Unopened sums up for handlers the envelopes that did not open. Nothing else is known
// of them.
func (d *Desk) Unopened(ctx context.Context, by EditorID) (UnopenedSum, error) {
	sum := UnopenedSum{Most: d.o.Unopened, Left: int(d.left.Load())}
	if _, err := d.may(ctx, by, Handler); err != nil {
		return sum, err
	}
	kept, destroyed, _, err := d.unopened(ctx)
	sum.Envelopes, sum.Destroyed = len(kept), destroyed
	of := byDay(kept)
	for _, day := range slices.Backward(slices.Sorted(maps.Keys(of))) {
		d := UnopenedDay{Day: day, Envelopes: len(of[day]), Seen: asSeen(of[day])}
		for _, u := range of[day] {
			d.Bytes += u.Size
		}
		sum.Days, sum.Bytes = append(sum.Days, d), sum.Bytes+d.Bytes
	}
	return sum, err
}

// OpenAgain tries the desk's keys, as they are now, on the envelopes that did not open,
// for as long as a round of Fetch does: the next rounds go on with those that are left. It
// says how many open: they are in conversations from then on.
func (d *Desk) OpenAgain(ctx context.Context, by EditorID) (opened, left int, err error) {
	if _, err := d.may(ctx, by, Handler); err != nil {
		return 0, 0, err
	}
	if err := d.note(ctx, by, talkAct+"open envelopes again", ""); err != nil {
		return 0, 0, err
	}
	ring, err := d.o.Keyring()
	if err != nil {
		return 0, 0, fmt.Errorf("open envelopes again: %w", err)
	}
	d.aside.Lock()
	defer d.aside.Unlock()
	kept, _, _, err := d.unopened(ctx)
	if err != nil {
		return 0, 0, err
	}
	opened, d.untried, err = d.openAgain(ctx, ring, kept, trying)
	return opened, len(d.untried), err
}

// DestroyUnopened destroys the envelopes of some days that did not open. Seen are those
// days as somebody saw them, of UnopenedDay.Seen: what came since is not destroyed unseen.
func (d *Desk) DestroyUnopened(ctx context.Context, by EditorID, seen []string, why string) error {
	u, err := d.may(ctx, by, Handler)
	if err != nil {
		return err
	}
	switch {
	case len(u.Channels) > 0: // nobody knows to which channel they were written
		return fault.Say("Only a handler of all teams can destroy envelopes that did not open. Nothing was destroyed.", fmt.Errorf("destroy envelopes: %w", fault.Forbidden))
	case len(seen) == 0:
		return fault.Say("Choose at least one day. Nothing was destroyed.", fmt.Errorf("destroy envelopes: %w", fault.Invalid))
	case strings.TrimSpace(why) == "":
		return in(FieldWhy, fault.Say("Say in a sentence why these are destroyed.", fmt.Errorf("destroy envelopes: %w", fault.Invalid)))
	}
	d.aside.Lock()
	defer d.aside.Unlock()
	kept, _, _, err := d.unopened(ctx)
	if err != nil {
		return err
	}
	of := byDay(kept)
	var chosen []string
	for _, s := range seen {
		day, _, _ := strings.Cut(s, " ")
		switch list := of[day]; {
		case len(list) == 0 || slices.Contains(chosen, day): // gone by now, or named twice
		case s != asSeen(list):
			return fault.Say("The envelopes of "+day+" are not those that you had seen. Look again. Nothing was destroyed.", fmt.Errorf("destroy envelopes: %w", fault.Invalid))
		default:
			chosen = append(chosen, day)
		}
	}
	for _, day := range chosen {
		if err := d.note(ctx, by, talkAct+"destroy unopened envelopes", fmt.Sprintf("%s: %d", day, len(of[day]))); err != nil {
			return err
		}
		for _, u := range of[day] {
			if err := d.destroyKept(ctx, u, why); err != nil {
				return fmt.Errorf("destroy envelope: %w", err)
			}
		}
	}
	d.closed.clear() // there is room for what stays at intake
	return nil
}

// destroyKept destroys one. Its row says first that it is to be: so a crash leaves none
// whose bytes are gone and nobody knows why.
func (d *Desk) destroyKept(ctx context.Context, u Unopened, why string) error {
	u.Why = why
	if err := d.o.Stores.Envelopes.Put(ctx, u); err != nil {
		return err
	}
	if err := d.o.Blobs.Delete(ctx, u.Kept); err != nil {
		return err
	}
	u.Kept = blob.Ref{}
	return d.o.Stores.Envelopes.Put(ctx, u)
}
