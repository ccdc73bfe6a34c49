package intake_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"daylight/courier"
	"daylight/intake"
)

// watched is a store that notes its upkeep and the days it is given, and does nothing.
type watched struct {
	intake.Store // its lists of keys

	mu       sync.Mutex
	last     string
	beats    []time.Time
	rewrites []time.Time
	untils   []string
}

func (w *watched) Beat(context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.beats = append(w.beats, time.Now())
	return nil
}

func (w *watched) Rewrite(_ context.Context, day string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last, w.rewrites = day, append(w.rewrites, time.Now())
	return nil
}

func (w *watched) Rewritten(context.Context) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last, nil
}

func (w *watched) PutReply(_ context.Context, _ courier.MailboxID, _ courier.ReplyID, until string, _ io.Reader) error {
	w.untils = append(w.untils, until)
	return nil
}

// TestUpkeepHangsOnNothing runs sixty days in which nothing happens: a rewrite each
// day, at any time of it, and beats all the time, of which none tells the next.
func TestUpkeepHangsOnNothing(t *testing.T) {
	h := newHouse(t, nil)
	h.Intake.Close()
	intake.Uncollected(t)
	synctest.Test(t, func(t *testing.T) {
		w := &watched{Store: h.store, last: time.Now().UTC().Format(time.DateOnly)}
		o := h.opts
		o.Store, o.Now, o.Beat = w, nil, 0
		in, err := intake.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		const days = 60
		time.Sleep(days * 24 * time.Hour)
		in.Close()
		perDay, early := map[string]int{}, 0
		for _, at := range w.rewrites {
			perDay[at.UTC().Format(time.DateOnly)]++
			if at.UTC().Hour() < 12 {
				early++
			}
		}
		if len(perDay) < days-1 || len(w.rewrites) > days+1 {
			t.Errorf("%d rewrites on %d of %d days; want one a day", len(w.rewrites), len(perDay), days)
		}
		if early < days/6 || early > days*5/6 {
			t.Errorf("%d of %d rewrites before noon: they have a time of their own", early, days)
		}
		if n := len(w.beats); n < days*1440*9/10 || n > days*1440*11/10 {
			t.Errorf("%d beats in %d days; want one a minute on average", n, days)
		}
		long := 0 // memoryless: one of e pauses is longer than the average
		for i := 1; i < len(w.beats); i++ {
			if w.beats[i].Sub(w.beats[i-1]) > time.Minute {
				long++
			}
		}
		if share := float64(long) / float64(len(w.beats)); share < 0.33 || share > 0.41 {
			t.Errorf("%.2f of the pauses are longer than a minute; want 0.37", share)
		}
	})
}

// TestALateRewriteComesSoon after a time in which intake was off.
func TestALateRewriteComesSoon(t *testing.T) {
	h := newHouse(t, nil)
	h.Intake.Close()
	for last, within := range map[int]time.Duration{-1: 24 * time.Hour, -2: time.Hour, -40: time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			w := &watched{Store: h.store, last: time.Now().UTC().AddDate(0, 0, last).Format(time.DateOnly)}
			o := h.opts
			o.Store, o.Now, o.Beat = w, nil, 1000*time.Hour
			in, err := intake.Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(within)
			in.Close()
			if len(w.rewrites) != 1 {
				t.Errorf("%d rewrites within %v when the last was %d days ago; want one", len(w.rewrites), within, -last)
			}
		})
	}
}

// TestRetentionIsFuzzy: every day of the span is drawn, and no other.
func TestRetentionIsFuzzy(t *testing.T) {
	for _, r := range []intake.Retention{{}, {Days: 5, Spread: 1}, {Days: 3}} {
		w := &watched{}
		h := newHouse(t, func(o *intake.Options) {
			w.Store, o.Store, o.Retention, o.Beat = o.Store, w, r, 1000*time.Hour
		})
		const draws = 3000
		for i := range draws {
			if err := h.Courier().PutReply(t.Context(), courier.MailboxID(strings.Repeat("ab", 32)), courier.ReplyID(fmt.Sprintf("%032x", i)), strings.NewReader("age-encryption.org/v1\n")); err != nil {
				t.Fatal(err)
			}
		}
		if r == (intake.Retention{}) {
			r = intake.Retention{Days: 30, Spread: 7}
		}
		drawn := map[string]int{}
		for _, u := range w.untils {
			drawn[u]++
		}
		for days := r.Days - r.Spread; days <= r.Days+r.Spread; days++ {
			day := h.now().AddDate(0, 0, days).Format(time.DateOnly)
			if n, want := drawn[day], draws/(2*r.Spread+1); n < want/2 || n > 2*want {
				t.Errorf("%+v: %d days were drawn %d times; want about %d", r, days, n, want)
			}
			delete(drawn, day)
		}
		if len(drawn) > 0 {
			t.Errorf("%+v: %v were drawn too", r, drawn)
		}
	}
}
