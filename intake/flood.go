package intake

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"daylight/fault"
)

// Rate is how much of something strangers may do: Burst at once, and Hour more in
// each hour, evenly.
type Rate struct{ Burst, Hour float64 }

// Rates are those of everything that costs intake something.
type Rates struct {
	Begins, Returns, Submissions Rate
	Pages                        Rate // of one visit; of all, those of who has no visit in which something was sent
	Bytes                        Rate // nothing new is taken while it is used up; what is under way goes on
}

// ErrTooOften is of one visit that did too much: others may go on. It is fault.Busy.
var ErrTooOften = fmt.Errorf("too often in one visit: %w", fault.Busy)

// Act is what is counted.
type Act int

const (
	Begins Act = iota
	Returns
	Submissions
	Pages
	bytesIn
	acts
)

func (r Rates) of(a Act) Rate {
	return [acts]Rate{r.Begins, r.Returns, r.Submissions, r.Pages, r.Bytes}[a]
}

// halved is what parcels may do of it: the other half of what there is at once stays
// for pages.
func (r Rate) halved() Rate { return Rate{r.Burst / 2, r.Hour} }

func (r Rates) halved() Rates {
	return Rates{r.Begins.halved(), r.Returns.halved(), r.Submissions.halved(), r.Pages.halved(), r.Bytes.halved()}
}

// bucket is how much of a rate is used up. The zero bucket is fresh.
type bucket struct {
	used float64
	at   time.Time
}

// fits reports whether n more are within the rate.
func (b *bucket) fits(r Rate, now time.Time, n float64) bool {
	if past := now.Sub(b.at); past > 0 {
		b.used, b.at = max(0, b.used-past.Hours()*r.Hour), now
	}
	return b.used+n <= r.Burst
}

// tally is what was done lately: by all visits, or by one, of which it holds no
// more than these numbers.
type tally [acts]bucket

// tallies counts.
type tallies struct {
	mu  sync.Mutex
	all tally
}

// count takes one of an act out of a tally, within rates. What does not fit is not
// counted.
func (in *Intake) count(t *tally, r Rates, a Act) bool {
	in.tallies.mu.Lock()
	defer in.tallies.mu.Unlock()
	now := in.now()
	if !t[a].fits(r.of(a), now, 1) || a == Submissions && !t[bytesIn].fits(r.Bytes, now, 1) {
		return false
	}
	t[a].used++
	return true
}

// countAll is count for all visits together.
func (in *Intake) countAll(a Act) error {
	if !in.count(&in.tallies.all, in.limits.All, a) {
		return errAll
	}
	return nil
}

var errAll = fmt.Errorf("all visits together: %w", fault.Busy)

// Count counts an act of this visit before it is done: ErrTooOften, when there were
// too many. It is the cheapest check, and comes first.
func (s *Session) Count(a Act) error {
	if t := s.tally(); t != nil && !s.in.count(t, s.in.limits.Visit, a) {
		return ErrTooOften
	}
	return nil
}

// Admit counts a page that is asked for, before anything is done for it. ErrTooOften when
// one visit asks for too many. fault.Busy when all do in which nothing was sent and
// nobody came back, together with those who have no visit, who are nil: a flood of
// them does not hold up the others.
func (in *Intake) Admit(s *Session) error {
	if s != nil {
		if err := s.Count(Pages); err != nil {
			return err
		}
		if s.proven() {
			return nil
		}
	}
	return in.countAll(Pages)
}

// AdmitParcel counts what the sender of a parcel asks that has begun to arrive: it comes
// in past all others, as often as one visit may. What is more counts among all, and so
// does what has not begun.
func (in *Intake) AdmitParcel(id string) error {
	in.parcels.mu.Lock()
	p := in.parcels.byID[id]
	in.parcels.mu.Unlock()
	if p != nil && p.at.Load() > 0 && in.count(&p.tally, in.limits.Visit, Pages) {
		return nil
	}
	return in.Admit(nil)
}

// settleTallies forgets when something was last done, once it does not count any more.
func (in *Intake) settleTallies() {
	in.tallies.mu.Lock()
	defer in.tallies.mu.Unlock()
	for a := range in.tallies.all {
		b := &in.tallies.all[a]
		if b.fits(in.limits.All.of(Act(a)), in.now(), 0); b.used == 0 {
			*b = bucket{}
		}
	}
}

// charge counts bytes that arrived.
func (in *Intake) charge(t *tally, n int64) {
	in.tallies.mu.Lock()
	defer in.tallies.mu.Unlock()
	t[bytesIn].used += float64(n)
	in.tallies.all[bytesIn].used += float64(n)
}

// Late is when an upload that began at a time, and of which so many bytes have
// arrived by now, has kept others waiting for too long.
func (l Limits) Late(began, now time.Time, n int64) time.Time {
	silent := now.Add(l.Silence)
	slow := began.Add(l.Grace + time.Duration(float64(n)/float64(l.Slowest)*float64(time.Second)))
	if slow.Before(silent) {
		return slow
	}
	return silent
}

// upload is one that is under way, and has a place.
type upload struct {
	began  time.Time
	total  *atomic.Int64 // bytes that arrived
	hangUp func()
}

// running are the uploads under way.
type running struct {
	mu   sync.Mutex
	all  map[*upload]bool
	over bool // all are hung up on, also those that are still to come
}

// runs counts an upload among those that can be hung up on.
func (in *Intake) runs(u *upload) {
	in.running.mu.Lock()
	defer in.running.mu.Unlock()
	in.running.all[u] = true
	if in.running.over {
		u.hangUp()
	}
}

func (in *Intake) ran(u *upload) {
	in.running.mu.Lock()
	defer in.running.mu.Unlock()
	delete(in.running.all, u)
}

// settled is how long an upload may take to get going before it can be told slow.
const settled = 2 * time.Minute

// patience is how long who comes waits for the place of who is hung up on.
const patience = 20 * time.Second

// place waits for a place to upload. When none is free, the slowest upload ends, if
// it is slower than Fair: what it sent is kept, and many who send next to nothing
// do not keep everybody else out.
func (in *Intake) place() error {
	select {
	case in.uploads <- struct{}{}:
		return nil
	default:
	}
	if !in.hangUp() {
		return fmt.Errorf("no place to upload: %w", fault.Busy)
	}
	wait := time.NewTimer(patience)
	defer wait.Stop()
	select {
	case in.uploads <- struct{}{}:
		return nil
	case <-wait.C:
		return fmt.Errorf("no place to upload: %w", fault.Busy)
	}
}

func (in *Intake) hangUp() bool {
	in.running.mu.Lock()
	defer in.running.mu.Unlock()
	var slowest *upload
	least := float64(in.limits.Fair)
	for u := range in.running.all {
		if age := in.now().Sub(u.began); age >= settled {
			if rate := float64(u.total.Load()) / age.Seconds(); rate < least {
				slowest, least = u, rate
			}
		}
	}
	if slowest == nil {
		return false
	}
	slowest.hangUp()
	delete(in.running.all, slowest)
	return true
}

// endUploads waits until the last upload has ended, and takes its place: nothing can
// begin any more. After a moment it hangs up on those that are left.
func (in *Intake) endUploads() {
	defer time.AfterFunc(lastCall, func() {
		in.running.mu.Lock()
		defer in.running.mu.Unlock()
		in.running.over = true
		for u := range in.running.all {
			u.hangUp()
		}
	}).Stop()
	for range cap(in.uploads) {
		in.uploads <- struct{}{}
	}
}

// OnHangUp says what ends the reading of this submission's parts, from another
// goroutine: it is called when others need the place more.
func (sub *Submission) OnHangUp(f func()) {
	sub.upload = &upload{sub.began, &sub.total, f}
	sub.s.in.runs(sub.upload)
}
