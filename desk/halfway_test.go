package desk_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"daylight/blob"
	"daylight/corpus"
	"daylight/courier"
	"daylight/courier/folder"
	"daylight/desk"
	"daylight/desk/desktest"
	"daylight/fault"
)

// TestHandingOverIsRepeated until it succeeds, oldest first, and not after that.
func TestHandingOverIsRepeated(t *testing.T) {
	w := world(t)
	var told []int
	var refuse error
	w.Options.Published = func(_ context.Context, r desk.Release) error {
		if told = append(told, r.Number); !r.Published {
			t.Errorf("release %d is handed over before it is published", r.Number)
		}
		return refuse
	}
	want := func(numbers ...int) {
		t.Helper()
		if !slices.Equal(told, numbers) {
			t.Errorf("told of %v; want %v", told, numbers)
		}
		told = nil
	}
	w.Reopen()
	id := approvedCase(t, w)
	refuse = errors.New("the archive is away")
	r, err := w.Release(t.Context(), ana, id)
	if r.Number != 1 || !errors.Is(err, refuse) || fault.Words(err) == "" {
		t.Errorf("release %d, %v; want it made, and words for why it was not handed over", r.Number, err)
	}
	want(1)
	if err := w.HandOver(t.Context()); !errors.Is(err, refuse) {
		t.Errorf("handing over again: %v", err)
	}
	want(1)

	// Who opens the desk to look at it hands over nothing, and notes nothing.
	hand := w.Options.Published
	w.Options.Published = nil
	w.Reopen()
	must(t, w.HandOver(t.Context()))
	w.Options.Published = hand
	w.Reopen()
	want()

	refuse = nil
	must(t, w.SetAuthored(t.Context(), ana, id, desk.Authored{Topics: []corpus.Topic{{ID: "t", Title: "T", Query: "q"}}}))
	approved(t, w, id, ana, bo)
	_, err = w.Release(t.Context(), ana, id)
	must(t, err)
	want(1, 2)
	w.Reopen()
	must(t, w.HandOver(t.Context()))
	want()
}

// TestARecoveredReleaseIsHandedOver: the crash came before anybody was told.
func TestARecoveredReleaseIsHandedOver(t *testing.T) {
	w := world(t)
	told := 0
	w.Options.Published = func(context.Context, desk.Release) error { told++; return nil }
	id := approvedCase(t, w)
	stores := w.Options.Stores.Documents
	w.Options.Stores.Documents = &brokenDocuments{Documents: stores, fail: true}
	w.Reopen()
	if _, err := w.Release(t.Context(), ana, id); !errors.Is(err, errCrash) {
		t.Fatalf("release: %v; want the crash", err)
	}
	w.Options.Stores.Documents = stores
	w.Reopen()
	must(t, w.HandOver(t.Context()))
	if told != 1 {
		t.Errorf("told %d times; want once", told)
	}
}

// approvedCase is a case of two documents, a.txt to be published and b.txt withheld,
// that is ready to be released.
func approvedCase(t *testing.T, w *desktest.World) desk.CaseID {
	t.Helper()
	_, _, id := received(t, w, "a.txt", "first", "b.txt", "second")
	_, err := w.Dispose(t.Context(), ana, id, desk.Filter{}, "", desk.Disposition{Act: desk.Publish})
	must(t, err)
	_, err = w.Dispose(t.Context(), ana, id, only(doc(t, w, id, "b.txt")), "", desk.Disposition{Act: desk.Withhold, Reason: corpus.ReasonHarm, Note: "n"})
	must(t, err)
	decided(t, w, id)
	must(t, w.SetAuthored(t.Context(), ana, id, desk.Authored{Topics: []corpus.Topic{{ID: "old", Title: "Old", Query: "q"}}}))
	approved(t, w, id, ana, bo)
	return id
}

// duringSettling calls f once, when a release is in the log and its documents are
// about to get their states.
func duringSettling(w *desktest.World, f func()) {
	w.Options.Stores.Documents = &hooked{w.Options.Stores.Documents, f}
	w.Reopen()
}

type hooked struct {
	desk.Documents
	hook func()
}

func (h *hooked) Update(ctx context.Context, c corpus.CollectionID, f desk.Filter, change func(*desk.Item) error) (int, error) {
	if hook := h.hook; hook != nil {
		h.hook = nil
		hook()
	}
	return h.Documents.Update(ctx, c, f, change)
}

func state(t *testing.T, w *desktest.World, id desk.CaseID, name string) corpus.State {
	t.Helper()
	d, err := w.Document(t.Context(), ana, id, doc(t, w, id, name))
	must(t, err)
	return d.Item.State
}

func TestAReleaseOutlivesThePageThatAskedForIt(t *testing.T) {
	w := world(t)
	id := approvedCase(t, w)
	ctx, leave := context.WithCancel(t.Context())
	duringSettling(w, leave)
	_, err := w.Release(ctx, ana, id)
	must(t, err)
	if s := state(t, w, id, "a.txt"); s != corpus.Published {
		t.Errorf("a document of the release is %s", s)
	}
}

func TestReleasingAgainEndsWhatTheLogHas(t *testing.T) {
	w := world(t)
	id := approvedCase(t, w)
	broken := &brokenDocuments{Documents: w.Options.Stores.Documents, fail: true}
	w.Options.Stores.Documents = broken
	w.Reopen()
	if _, err := w.Release(t.Context(), ana, id); !errors.Is(err, errCrash) {
		t.Fatalf("release: %v; want the crash", err)
	}
	broken.fail = false
	before, _ := w.Checkpoint()
	r, err := w.Release(t.Context(), ana, id)
	must(t, err)
	after, _ := w.Checkpoint()
	if r.Number != 1 || !r.Published || after.Size != before.Size {
		t.Errorf("release %d, the log grew from %d to %d; want the first one ended", r.Number, before.Size, after.Size)
	}
	if s := state(t, w, id, "a.txt"); s != corpus.Published {
		t.Errorf("a document of the release is %s", s)
	}
}

// TestWhatIsSetWhileAReleaseGoesOutIsForTheNext: the file is written already.
func TestWhatIsSetWhileAReleaseGoesOutIsForTheNext(t *testing.T) {
	w := world(t)
	id := approvedCase(t, w)
	duringSettling(w, func() {
		for name, plan := range map[string]desk.Disposition{"b.txt": {Act: desk.Publish},
			"a.txt": {Act: desk.Withhold, Reason: corpus.ReasonLegal, Note: "too late"}} {
			_, err := w.Dispose(t.Context(), ana, id, only(doc(t, w, id, name)), "", plan)
			must(t, err)
		}
		must(t, w.SetAuthored(t.Context(), ana, id, desk.Authored{Topics: []corpus.Topic{
			{ID: "old", Title: "Old", Query: "q"}, {ID: "new", Title: "New", Query: "q"}}}))
	})
	r, err := w.Release(t.Context(), ana, id)
	must(t, err)
	if len(documents(t, entries(t, w, r.Number))) != 1 {
		t.Fatal("want one document in the file")
	}
	if a, b := state(t, w, id, "a.txt"), state(t, w, id, "b.txt"); a != corpus.Published || b != corpus.Withheld {
		t.Errorf("a.txt is %s and b.txt %s; want published and withheld, as the file has them", a, b)
	}
	c, err := w.Case(t.Context(), ana, id)
	must(t, err)
	if len(c.Authored.Topics) != 1 || c.Authored.Topics[0].ID != "new" {
		t.Errorf("topics %+v; want the new one left", c.Authored.Topics)
	}
}

// TestWhatIsNotWithheldAnyMoreIsPendingAgain: the ledger that goes out says so.
func TestWhatIsNotWithheldAnyMoreIsPendingAgain(t *testing.T) {
	w := world(t)
	_, _, id := received(t, w, "a.txt", "first", "b.txt", "second", "c.txt", "third")
	plan := func(name string, d desk.Disposition) {
		t.Helper()
		_, err := w.Dispose(t.Context(), ana, id, only(doc(t, w, id, name)), "", d)
		must(t, err)
	}
	release := func() {
		t.Helper()
		decided(t, w, id)
		approved(t, w, id, ana, bo)
		_, err := w.Release(t.Context(), ana, id)
		must(t, err)
	}
	plan("a.txt", desk.Disposition{Act: desk.Publish})
	plan("b.txt", desk.Disposition{Act: desk.Withhold, Reason: corpus.ReasonHarm, Note: "n"})
	release()
	plan("b.txt", desk.Disposition{})
	plan("c.txt", desk.Disposition{Act: desk.Publish})
	release()
	if s := state(t, w, id, "b.txt"); s != corpus.Pending {
		t.Errorf("b.txt is %s; want pending, as the ledger of the release has it", s)
	}
}

type brokenBlobs struct{ blob.Store }

func (brokenBlobs) Begin(context.Context) (blob.Batch, error) { return nil, fault.Damaged }

// TestOurOwnDamageIsNoUnopenedEnvelope: it must be seen as what it is.
func TestOurOwnDamageIsNoUnopenedEnvelope(t *testing.T) {
	w := world(t)
	w.NewSource().Send("One.", "a.txt", "first")
	whole := w.Options.Blobs
	w.Options.Blobs = brokenBlobs{whole}
	w.Reopen()
	got, err := w.Fetch(t.Context(), w.Intake)
	if !errors.Is(err, fault.Damaged) || got.Unopened != 0 {
		t.Errorf("fetched %+v, %v; want our damage told", got, err)
	}
	w.Options.Blobs = whole
	w.Reopen()
	if got, err = w.Fetch(t.Context(), w.Intake); err != nil || got.Envelopes != 1 {
		t.Errorf("fetched %+v, %v; want the envelope, which is whole", got, err)
	}
}

// carrying is an intake that counts what is carried over, and cuts it off.
type carrying struct {
	courier.Intake
	opened int
	cut    int64 // bytes; 0 is not at all
}

var errWay = errors.New("the connection broke")

func (c *carrying) Open(ctx context.Context, id courier.EnvelopeID) (io.ReadCloser, error) {
	c.opened++
	r, err := c.Intake.Open(ctx, id)
	if err != nil || c.cut == 0 {
		return r, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(io.LimitReader(r, c.cut), broken{}), r}, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errWay }

func TestWhatStaysAtIntakeIsLookedAtOnce(t *testing.T) {
	w := world(t)
	w.Options.Unopened = -1
	w.Reopen()
	w.Intake.Leave([]byte("no envelope"))
	in := &carrying{Intake: w.Intake}
	for range 3 {
		got, err := w.Fetch(t.Context(), in)
		must(t, err)
		if got.Left != 1 || got.Unopened != 0 {
			t.Errorf("fetched %+v; want one that does not open, in every round", got)
		}
	}
	if in.opened != 1 {
		t.Errorf("carried over %d times; want once", in.opened)
	}
}

// TestABrokenWayCostsTheSourceNothing: what was acknowledged is destroyed at intake,
// so half of an envelope must not be.
func TestABrokenWayCostsTheSourceNothing(t *testing.T) {
	for _, cut := range []int64{1, 100, 5000, 100_000} {
		w := world(t)
		w.NewSource().Send("One.", "a.txt", string(make([]byte, 200_000)))
		got, err := w.Fetch(t.Context(), &carrying{Intake: w.Intake, cut: cut})
		if !errors.Is(err, errWay) || got != (desk.Fetched{}) {
			t.Errorf("cut at %d: fetched %+v, %v; want nothing taken in", cut, got, err)
		}
		if got, err = w.Fetch(t.Context(), w.Intake); err != nil || got.Envelopes != 1 {
			t.Errorf("cut at %d: then fetched %+v, %v; want all of it", cut, got, err)
		}
	}
}

// TestAStickThatWentBadCostsTheSourceNothing: what is not as intake wrote it is neither
// taken in nor acknowledged, and comes whole the next time.
func TestAStickThatWentBadCostsTheSourceNothing(t *testing.T) {
	for how, spoil := range map[string]func(b []byte) []byte{
		"the first byte":  func(b []byte) []byte { b[0] ^= 1; return b },
		"a key":           func(b []byte) []byte { b[100] ^= 1; return b },
		"a byte":          func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"the last byte":   func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"half of it":      func(b []byte) []byte { return b[:len(b)/2] },
		"all but a byte":  func(b []byte) []byte { return b[:1] },
		"all":             func(b []byte) []byte { return nil },
		"somebody's junk": func(b []byte) []byte { return junk(1000) },
		"a whole disk":    func(b []byte) []byte { clear(b); return b },
	} {
		w := world(t)
		dir := t.TempDir()
		f, err := folder.Open(dir)
		must(t, err)
		defer f.Close()
		f.Signer = w.Options.Signers[0]
		verifier, err := w.Options.Keys.Verifier(f.Signer.Name(), f.Signer.KeyHash())
		must(t, err)
		w.NewSource().Send("One.", "a.bin", strings.Repeat("a", 300_000))
		_, err = f.Sync(t.Context(), w.Intake, verifier)
		must(t, err)
		name, err := filepath.Glob(filepath.Join(dir, "envelopes", "*"))
		must(t, err)
		b, err := os.ReadFile(name[0])
		must(t, err)
		must(t, os.WriteFile(name[0], spoil(b), 0o600))

		got, err := w.Receive(t.Context(), f)
		if got != (desk.Fetched{}) || blobs(t, w) != 0 || how != "all" && fault.Words(err) == "" {
			t.Errorf("%s: took in %+v, %v; want nothing, and words for why", how, got, err)
		}
		rep, err := f.Sync(t.Context(), w.Intake, verifier)
		if rep != (folder.Report{Envelopes: 1, Damaged: 1}) || err != nil || atIntake(t, w) != 1 {
			t.Errorf("%s: carried %+v, %v, intake has %d; want it there anew", how, rep, err, atIntake(t, w))
		}
		got, err = w.Receive(t.Context(), f)
		if got != (desk.Fetched{Envelopes: 1}) || err != nil {
			t.Errorf("%s: then took in %+v, %v; want it", how, got, err)
		}
		if m := onlyTalk(t, w).Messages; len(m) != 1 || m[0].Cut || m[0].Files[0].Cut || m[0].Files[0].Size != 300_000 {
			t.Errorf("%s: messages %+v; want one that is whole", how, m)
		}
		_, err = f.Sync(t.Context(), w.Intake, verifier)
		must(t, err)
		if atIntake(t, w) != 0 || unopened(t, w).Envelopes != 0 {
			t.Errorf("%s: %d stay at intake, %d unopened; want none", how, atIntake(t, w), unopened(t, w).Envelopes)
		}
	}
}
