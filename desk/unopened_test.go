package desk_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"daylight/blob"
	"daylight/courier"
	"daylight/desk"
	"daylight/desk/desktest"
	"daylight/envelope"
	"daylight/fault"
)

// atIntake is how many envelopes lie there.
func atIntake(t *testing.T, w *desktest.World) int {
	t.Helper()
	list, err := w.Intake.Envelopes(t.Context())
	must(t, err)
	return len(list)
}

func unopened(t *testing.T, w *desktest.World) desk.UnopenedSum {
	t.Helper()
	sum, err := w.Unopened(t.Context(), handler)
	must(t, err)
	return sum
}

func blobs(t *testing.T, w *desktest.World) (n int) {
	t.Helper()
	for _, err := range w.Options.Blobs.All(t.Context()) {
		must(t, err)
		n++
	}
	return n
}

func junk(n int) []byte {
	return append([]byte("age-encryption.org/v1\njunk\n"), bytes.Repeat([]byte{0xd7}, n)...)
}

// TestJunkLeavesIntake, and is here as it came until a handler destroys it.
func TestJunkLeavesIntake(t *testing.T) {
	w := world(t)
	var whole int64
	for _, n := range []int{0, 1000, 1000} {
		w.Intake.Leave(junk(n))
		whole += int64(len(junk(n)))
	}
	w.NewSource().Send("I am no junk.", "junk.bin", string(junk(1000))) // the same bytes, as a file
	got, err := w.Fetch(t.Context(), w.Intake)
	must(t, err)
	if got != (desk.Fetched{Envelopes: 1, Unopened: 3}) || atIntake(t, w) != 0 {
		t.Fatalf("fetched %+v, and %d stay; want all here", got, atIntake(t, w))
	}
	sum := unopened(t, w)
	if sum.Envelopes != 3 || sum.Bytes != whole || len(sum.Days) != 1 || sum.Days[0] != (desk.UnopenedDay{Day: "2026-11-01", Envelopes: 3, Bytes: whole, Seen: sum.Days[0].Seen}) {
		t.Errorf("%+v; want three envelopes of %d bytes", sum, whole)
	}
	if n := blobs(t, w); n != 4 {
		t.Errorf("%d blobs; want three envelopes and the file", n)
	}
	if n, _, err := w.OpenAgain(t.Context(), handler); err != nil || n != 0 {
		t.Errorf("tried again: %d open, %v", n, err)
	}

	day := seen(sum)
	limited := teams(t, w)
	wantKind(t, w.DestroyUnopened(t.Context(), ana, day, "junk"), fault.Forbidden)
	wantKind(t, w.DestroyUnopened(t.Context(), limited, day, "junk"), fault.Forbidden)
	wantKind(t, w.DestroyUnopened(t.Context(), handler, day, " "), fault.Invalid)
	wantKind(t, w.DestroyUnopened(t.Context(), handler, nil, "junk"), fault.Invalid)
	_, err = w.Unopened(t.Context(), ana)
	wantKind(t, err, fault.Forbidden)
	_, _, err = w.OpenAgain(t.Context(), ana)
	wantKind(t, err, fault.Forbidden)
	wantKind(t, w.DestroyUnopened(t.Context(), handler, []string{"2026-11-01 0123456789abcdef"}, "junk"), fault.Invalid) // as if others came since
	if sum := unopened(t, w); sum.Envelopes != 3 {
		t.Errorf("%+v; want all three kept", sum)
	}
	must(t, w.DestroyUnopened(t.Context(), handler, append(day, "2026-10-01 0123", day[0]), "A flood of junk."))
	if sum := unopened(t, w); sum.Envelopes != 0 || sum.Bytes != 0 || sum.Destroyed != 3 {
		t.Errorf("%+v; want three destroyed", sum)
	}
	if n := blobs(t, w); n != 1 {
		t.Errorf("%d blobs; want the file of the source alone", n)
	}
	var lines []string
	for e, err := range w.Options.Stores.Audit.Each(t.Context(), 0) {
		must(t, err)
		if strings.Contains(e.Act, "envelopes") {
			lines = append(lines, string(e.By)+": "+e.Act+" "+e.On)
		}
	}
	if want := "handler: conversation: open envelopes again \nhandler: conversation: destroy unopened envelopes 2026-11-01: 3"; strings.Join(lines, "\n") != want {
		t.Errorf("audit lines:\n%s\nwant:\n%s", strings.Join(lines, "\n"), want)
	}
}

// TestAnEnvelopeWaitsForItsKey: one whose key is not here yet, of which intake keeps
// nothing, opens when the key comes, as of the day on which it arrived; also at a desk
// that was started anew meanwhile.
func TestAnEnvelopeWaitsForItsKey(t *testing.T) {
	for name, open := range map[string]func(w *desktest.World) int{
		"by itself": func(w *desktest.World) int {
			got, err := w.Fetch(t.Context(), w.Intake)
			must(t, err)
			return got.Envelopes
		},
		"from a stick": func(w *desktest.World) int {
			got, err := w.Receive(t.Context(), desktest.NewIntake())
			must(t, err)
			return got.Envelopes
		},
		"after a start": func(w *desktest.World) int {
			w.Reopen()
			got, err := w.Fetch(t.Context(), w.Intake)
			must(t, err)
			return got.Envelopes
		},
		"when asked": func(w *desktest.World) int {
			n, _, err := w.OpenAgain(t.Context(), handler)
			must(t, err)
			return n
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := world(t)
			old, offline := w.Private, newKey(t, "offline")
			sign(t, w, channel("newsroom", offline))
			s := w.NewSource()
			s.Send("For the key in the safe.", "a.txt", "first")
			w.Intake.Leave(junk(500))
			got, err := w.Fetch(t.Context(), w.Intake)
			must(t, err)
			if got.Unopened != 2 || atIntake(t, w) != 0 {
				t.Fatalf("fetched %+v, and %d stay; want both set aside", got, atIntake(t, w))
			}
			w.Private = append(old, offline)
			if n := open(w); n != 1 {
				t.Fatalf("%d open; want one", n)
			}
			all, err := w.Conversations(t.Context(), handler)
			must(t, err)
			if len(all) != 1 || all[0].Messages[0].Text != "For the key in the safe." || all[0].Messages[0].Day != "2026-11-01" || all[0].Messages[0].Files[0].Size != 5 {
				t.Fatalf("conversations %+v", all)
			}
			must(t, w.Reply(t.Context(), handler, all[0].ID, "Thank you.", nil))
			_, err = w.Fetch(t.Context(), w.Intake)
			must(t, err)
			if got := s.Read(); len(got) != 1 {
				t.Errorf("the source reads %q; want an answer", got)
			}
			if sum := unopened(t, w); sum.Envelopes != 1 || sum.Destroyed != 0 {
				t.Errorf("%+v; want the junk alone", sum)
			}
			if n, _, err := w.OpenAgain(t.Context(), handler); err != nil || n != 0 {
				t.Errorf("once more: %d, %v", n, err)
			}
		})
	}
}

// TestWhatDoesNotOpenHasItsShare of the desk's disk: beyond it, it stays at intake, and
// comes when there is room.
func TestWhatDoesNotOpenHasItsShare(t *testing.T) {
	w := world(t)
	w.Options.Unopened = 2*envelope.Floor + 500 // each takes that much of it, small as it is
	w.Reopen()
	for range 3 {
		w.Intake.Leave(junk(1000))
	}
	source := w.NewSource()
	source.Send("One.")
	for range 2 {
		_, err := w.Fetch(t.Context(), w.Intake)
		must(t, err)
		if sum := unopened(t, w); sum.Envelopes != 2 || sum.Left != 1 || sum.Bytes > sum.Most || atIntake(t, w) != 1 {
			t.Fatalf("%+v, and %d at intake; want two here and one there", sum, atIntake(t, w))
		}
	}
	if all, err := w.Conversations(t.Context(), handler); err != nil || len(all) != 1 {
		t.Errorf("%d conversations, %v; want what opens taken in", len(all), err)
	}
	must(t, w.DestroyUnopened(t.Context(), handler, seen(unopened(t, w)), "Junk."))
	got, err := w.Fetch(t.Context(), w.Intake)
	must(t, err)
	if sum := unopened(t, w); got.Unopened != 1 || sum.Envelopes != 1 || sum.Destroyed != 2 || sum.Left != 0 || atIntake(t, w) != 0 {
		t.Errorf("%+v, %+v, and %d at intake; want the last one here", got, sum, atIntake(t, w))
	}
	// An intake that says less than it gives gets no more room by that.
	w.Intake.Leave(junk(2 * envelope.Floor))
	small := lying{w.Intake}
	if got, err := w.Fetch(t.Context(), small); err != nil || got.Left != 1 || unopened(t, w).Envelopes != 1 {
		t.Errorf("fetched %+v, %v; want it left", got, err)
	}
}

// seen are the days as a page shows them.
func seen(sum desk.UnopenedSum) (days []string) {
	for _, d := range sum.Days {
		days = append(days, d.Seen)
	}
	return days
}

// lying says of every envelope that it has one byte.
type lying struct{ *desktest.Intake }

func (l lying) Envelopes(ctx context.Context) ([]courier.Envelope, error) {
	list, err := l.Intake.Envelopes(ctx)
	for i := range list {
		list[i].Size = 1
	}
	return list, err
}

// TestARoundEnds: neither the small nor the large hold back a later round for longer than
// it may take, one of each is taken in at least, and what has no size yet is left until it has.
func TestARoundEnds(t *testing.T) {
	defer desk.SetTaking(-1)()
	w := world(t)
	for range 2 {
		w.NewSource().Send("large", "a.bin", strings.Repeat("a", 1<<20))
	}
	w.Intake.Leave([]byte{})
	for range 3 {
		w.NewSource().Send("small")
	}
	for i, want := range []desk.Fetched{{Envelopes: 2}, {Envelopes: 2}, {Envelopes: 1}, {}} {
		got, err := w.Fetch(t.Context(), w.Intake)
		must(t, err)
		if left := []int{4, 2, 1, 1}[i]; got != want || atIntake(t, w) != left {
			t.Errorf("round %d: %+v, and %d stay; want %+v, and %d", i, got, atIntake(t, w), want, left)
		}
	}
}

// slow is an intake of which each envelope takes a minute.
type slow struct{ courier.Intake }

func (s slow) Open(ctx context.Context, id courier.EnvelopeID) (io.ReadCloser, error) {
	time.Sleep(time.Minute)
	return s.Intake.Open(ctx, id)
}

// TestManySmallTakeNoTimeOfTheLarge, and of their own no more than there is.
func TestManySmallTakeNoTimeOfTheLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := world(t)
		for range 30 {
			w.NewSource().Send("small")
		}
		for range 3 {
			w.NewSource().Send("large", "a.bin", strings.Repeat("a", 1<<20))
		}
		began := time.Now()
		got, err := w.Fetch(t.Context(), slow{w.Intake})
		must(t, err)
		list, err := w.Intake.Envelopes(t.Context())
		must(t, err)
		if len(list) == 0 || got.Envelopes < 4*5+3 || slices.ContainsFunc(list, func(e courier.Envelope) bool { return e.Size > 1<<20 }) {
			t.Errorf("%+v, and %d stay; want four small ones a minute, all that are large, and that small ones stay", got, len(list))
		}
		if d := time.Since(began); d > 10*time.Minute {
			t.Errorf("the round took %v; want five minutes for the small and three for the large", d)
		}
	})
}

// TestNoSizeComesAfterAllOthers: somebody who sends a smaller large one for each round
// holds back no other for good.
func TestNoSizeComesAfterAllOthers(t *testing.T) {
	defer desk.SetTaking(-1)()
	w := world(t)
	w.NewSource().Send("the largest", "a.bin", strings.Repeat("a", 3<<20))
	for range 40 {
		w.NewSource().Send("large", "a.bin", strings.Repeat("a", 1<<20))
		fetch(t, w)
		all, err := w.Conversations(t.Context(), handler)
		must(t, err)
		if slices.ContainsFunc(all, func(c desk.Conversation) bool { return c.Messages[0].Text == "the largest" }) {
			return
		}
	}
	t.Error("the largest is at intake after 40 rounds")
}

// daily is an intake where what is large came before what is small.
type daily struct{ courier.Intake }

func (d daily) Envelopes(ctx context.Context) ([]courier.Envelope, error) {
	list, err := d.Intake.Envelopes(ctx)
	for i, e := range list {
		if list[i].Day = "2026-11-09"; e.Size > 1<<20 {
			list[i].Day = "2026-11-01"
		}
	}
	return list, err
}

// TestMessagesStandByTheirDays, whatever the order in which they are taken in.
func TestMessagesStandByTheirDays(t *testing.T) {
	defer desk.SetTaking(-1)()
	w := world(t)
	s := w.NewSource()
	for range 2 {
		s.Send("Publish it.", "a.bin", strings.Repeat("a", 1<<20))
	}
	s.Send("Do not publish it.")
	for range 2 {
		_, err := w.Fetch(t.Context(), daily{w.Intake})
		must(t, err)
	}
	var got []string
	c := onlyTalk(t, w)
	for _, m := range c.Messages {
		got = append(got, m.Day+" "+m.Text)
	}
	want := []string{"2026-11-01 Publish it.", "2026-11-01 Publish it.", "2026-11-09 Do not publish it."}
	if !slices.Equal(got, want) || c.Last() != "2026-11-09" || !c.Waits {
		t.Errorf("%q, the last on %s, waits %v; want %q", got, c.Last(), c.Waits, want)
	}
}

// TestSetAsideOnce: an acknowledgement that got lost, or a way that broke, makes neither
// two of an envelope nor none.
func TestSetAsideOnce(t *testing.T) {
	w := world(t)
	w.Intake.Leave(junk(100_000))
	got, err := w.Fetch(t.Context(), &carrying{Intake: w.Intake, cut: 50_000})
	if !errors.Is(err, errWay) || got != (desk.Fetched{}) || blobs(t, w) != 0 || atIntake(t, w) != 1 {
		t.Fatalf("on a broken way: %+v, %v, %d blobs", got, err, blobs(t, w))
	}
	w.Intake.Broken = true
	for i := range 3 {
		got, err := w.Fetch(t.Context(), w.Intake)
		if err == nil || got.Unopened != max(0, 1-i) {
			t.Errorf("round %d: fetched %+v, %v", i, got, err)
		}
	}
	must(t, w.DestroyUnopened(t.Context(), handler, seen(unopened(t, w)), "Junk."))
	w.Intake.Broken = false
	got, err = w.Fetch(t.Context(), w.Intake)
	must(t, err)
	if sum := unopened(t, w); got != (desk.Fetched{}) || sum.Envelopes != 0 || sum.Destroyed != 1 || atIntake(t, w) != 0 || blobs(t, w) != 0 {
		t.Errorf("after it was destroyed: %+v, %+v, %d at intake", got, sum, atIntake(t, w))
	}
}

// TestACrashWhileItIsOpenedAgain, between any two steps, makes no second message.
func TestACrashWhileItIsOpenedAgain(t *testing.T) {
	w := world(t)
	late := newKey(t, "late")
	sign(t, w, channel("newsroom", late))
	w.NewSource().Send("late")
	_, err := w.Fetch(t.Context(), w.Intake)
	must(t, err)
	all, err := w.Options.Stores.Envelopes.All(t.Context())
	must(t, err)
	w.Private = append(w.Private, late)
	for range 2 {
		if n, _, err := w.OpenAgain(t.Context(), handler); err != nil || n != 1 {
			t.Fatalf("%d open, %v; want one", n, err)
		}
		if talks, err := w.Conversations(t.Context(), handler); err != nil || len(talks) != 1 || len(talks[0].Messages) != 1 {
			t.Fatalf("conversations %+v, %v", talks, err)
		}
		must(t, w.Options.Stores.Envelopes.Put(t.Context(), all[0])) // the row, which is the last step, is still there
	}
}

// TestACrashWhileItIsDestroyed, between any two steps: the next start ends it, and all
// else goes on.
func TestACrashWhileItIsDestroyed(t *testing.T) {
	for step := range 3 {
		w := world(t)
		w.Intake.Leave(junk(1000))
		_, err := w.Fetch(t.Context(), w.Intake)
		must(t, err)
		envelopes := w.Options.Stores.Envelopes
		w.Options.Stores.Envelopes = &killed{envelopes, step}
		w.Options.Blobs = &killedBlobs{w.Options.Blobs, step == 1}
		w.Reopen()
		if err := w.DestroyUnopened(t.Context(), handler, seen(unopened(t, w)), "Junk."); !errors.Is(err, errKilled) {
			t.Fatalf("step %d: %v; want it killed", step, err)
		}
		w.Options.Stores.Envelopes = envelopes
		w.Options.Blobs = w.Options.Blobs.(*killedBlobs).Store
		w.Reopen()
		_, err = w.Fetch(t.Context(), w.Intake)
		must(t, err)
		kept := 1
		if step > 0 {
			kept = 0
		}
		if sum := unopened(t, w); sum.Envelopes != kept || sum.Destroyed != 1-kept || blobs(t, w) != kept {
			t.Errorf("step %d: %+v, %d blobs; want %d kept", step, sum, blobs(t, w), kept)
		}
	}
}

var errKilled = errors.New("killed")

// killed fails in the place of the first write of a row, or of the one after it.
type killed struct {
	desk.Envelopes
	step int
}

func (k *killed) Put(ctx context.Context, u desk.Unopened) error {
	if k.step == 0 || k.step == 2 && u.Kept.IsZero() {
		return errKilled
	}
	return k.Envelopes.Put(ctx, u)
}

type killedBlobs struct {
	blob.Store
	dead bool
}

func (k *killedBlobs) Delete(ctx context.Context, ref blob.Ref) error {
	if k.dead {
		return errKilled
	}
	return k.Store.Delete(ctx, ref)
}

// TestJunkDoesNotHoldUpWhatArrives: keys are tried on it after that, in as many rounds as
// it takes.
func TestJunkDoesNotHoldUpWhatArrives(t *testing.T) {
	defer desk.SetTrying(0)() // one in each round
	w := world(t)
	late := newKey(t, "late")
	old := w.Private
	sign(t, w, channel("newsroom", late))
	for range 3 {
		w.NewSource().Send("for a key that is not here yet")
	}
	_, err := w.Fetch(t.Context(), w.Intake)
	must(t, err)
	w.Private = append(old, late)
	w.NewSource().Send("new")
	for i, want := range []int{2, 1, 1, 0} { // the new one and one of those; then the others
		got, err := w.Fetch(t.Context(), w.Intake)
		must(t, err)
		if got.Envelopes != want {
			t.Errorf("round %d: %d taken in; want %d", i, got.Envelopes, want)
		}
		if i == 0 && atIntake(t, w) != 0 {
			t.Error("what arrived waits")
		}
	}
	if sum := unopened(t, w); sum.Envelopes != 0 {
		t.Errorf("%+v; want none", sum)
	}
}

// TestNoIDDestroysAFile: whoever controls intake gives an envelope an id, and bytes, that
// are together a file of somebody's, a list of sums; to destroy it leaves the file.
func TestNoIDDestroysAFile(t *testing.T) {
	w := world(t)
	rest := "  minutes.pdf\n"
	w.NewSource().Send("", "md5sums", strings.Repeat("0", 31)+"2"+rest)
	_, err := w.Fetch(t.Context(), w.Intake)
	must(t, err)
	w.Intake.Leave([]byte(rest))
	_, err = w.Fetch(t.Context(), w.Intake)
	must(t, err)
	if all, err := w.Options.Stores.Envelopes.All(t.Context()); err != nil || len(all) != 1 || !strings.HasSuffix(string(all[0].ID), "02") {
		t.Fatalf("set aside: %+v, %v", all, err)
	}
	must(t, w.DestroyUnopened(t.Context(), handler, seen(unopened(t, w)), "Junk."))
	c := talks(t, w, handler)[0]
	_, f, err := w.OpenFile(t.Context(), handler, c.ID, c.Messages[0].ID, 0)
	if err != nil {
		t.Fatalf("the file of a source: %v", err)
	}
	f.Close()
}
