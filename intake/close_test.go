package intake_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"daylight/envelope"
	"daylight/fault"
	"daylight/intake"
	"daylight/intake/sqlite"
	"daylight/internal/sqlkit"
)

// TestCloseKeepsWhatCame: of uploads under way as intake ends, all that came is there
// when it is opened again, whole files whole, and the newsroom can answer.
func TestCloseKeepsWhatCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		opened := func() *sqlite.Store {
			s, err := sqlite.Open(t.Context(), dir, sqlkit.Key{1})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			return s
		}
		store := opened()
		h := newHouse(t, func(o *intake.Options) { o.Store.Close(); o.Store = store })

		whole, half := strings.Repeat("w", 400_000), strings.Repeat("h", 70_000)
		s, _ := h.begin(t)
		sub, err := h.Submit(s)
		if err != nil {
			t.Fatal(err)
		}
		rest := make(chan struct{})
		sub.OnHangUp(sync.OnceFunc(func() { close(rest) }))
		var under sync.WaitGroup
		under.Go(func() {
			sub.File("whole.txt", strings.NewReader(whole))
			sub.File("half.txt", slow{strings.NewReader(half), rest})
			if got, err := sub.Finish(); err != nil || !got.Kept || !got.Answerable || len(got.Parts) != 2 {
				t.Errorf("the source is told %+v, %v; want both parts, kept, and answerable", got, err)
			}
		})

		// A program's pieces: one that came before, and one under way.
		parcel := h.sealedHere(t, 700_000)
		const came = 300_000
		h.parcel(t, parcelA, parcel, 0, came)
		h.parcel(t, parcelB, parcel, 0, came-70_000)
		restB := make(chan struct{})
		under.Go(func() {
			r := slow{bytes.NewReader(parcel[came-70_000 : came]), restB}
			if n, err := h.TakeParcel(t.Context(), parcelB, came-70_000, int64(len(parcel)), r, sync.OnceFunc(func() { close(restB) })); err == nil || n != came {
				t.Errorf("a piece that was hung up on: %d, %v; want %d, and why it ended", n, err, came)
			}
		})

		// A message that ends by itself is not cut.
		quick, err := h.Submit(s)
		if err != nil {
			t.Fatal(err)
		}
		quick.OnHangUp(func() { t.Error("who needed only a moment is hung up on") })
		goOn := make(chan struct{})
		under.Go(func() {
			quick.Text(io.MultiReader(strings.NewReader("a message"), ends{goOn}))
			if got, err := quick.Finish(); err != nil || got.Err != nil {
				t.Errorf("a message that ended by itself: %+v, %v", got, err)
			}
		})

		synctest.Wait()
		var closing sync.WaitGroup
		closing.Go(func() {
			if err := h.Close(); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		if _, err := h.TakeParcel(t.Context(), strings.Repeat("0c", 16), 0, int64(len(parcel)), bytes.NewReader(parcel), func() {}); !errors.Is(err, fault.Busy) {
			t.Errorf("what comes while it ends: %v; want busy", err)
		}
		close(goOn)
		closing.Wait()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
		under.Wait() // after the store is closed: so they had ended before

		store = opened()
		list, err := store.Envelopes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var sizes []int64
		texts := map[string]string{}
		for _, e := range list {
			sealed, err := store.OpenEnvelope(t.Context(), e.ID)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(sealed)
			sealed.Close()
			if err != nil {
				t.Fatal(err)
			}
			if bytes.HasPrefix(parcel, b) {
				sizes = append(sizes, e.Size)
				continue
			}
			r, err := envelope.Open(bytes.NewReader(b), h.key)
			if err != nil {
				t.Fatal(err)
			}
			for e := range r.Entries() {
				b, _ := io.ReadAll(e)
				texts[e.Name] = string(b)
			}
			if r.Address() == nil {
				t.Error("nobody can answer")
			}
		}
		if len(list) != 4 || texts["whole.txt"] != whole || texts["half.txt"] != half || texts[""] != "a message" {
			t.Errorf("%d envelopes; %d and %d bytes of files, %q; want 4, %d and %d, and the message", len(list), len(texts["whole.txt"]), len(texts["half.txt"]), texts[""], len(whole), len(half))
		}
		if !slices.Equal(sizes, []int64{came, came}) {
			t.Errorf("%v bytes of the parcels; want %d of each", sizes, came)
		}
	})
}

// ends is a reader that ends when it may.
type ends struct{ when chan struct{} }

func (e ends) Read([]byte) (int, error) { <-e.when; return 0, io.EOF }

// TestCloseDoesNotWaitForEver for a disk that does not answer.
func TestCloseDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := make(chan struct{})
		h := newHouse(t, func(o *intake.Options) { o.Store = stuckStore{o.Store, stuck} })
		s, _ := h.begin(t)
		sub, err := h.Submit(s)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			sub.Text(strings.NewReader("a message"))
			sub.Finish()
		}()
		if err := h.Close(); !errors.Is(err, fault.Busy) {
			t.Errorf("close, while a disk does not answer: %v; want busy", err)
		}
		close(stuck)
	})
}

// stuckStore is on a disk that does not answer.
type stuckStore struct {
	intake.Store
	goOn chan struct{}
}

func (s stuckStore) Create(ctx context.Context, day, until string) (intake.Slot, error) {
	<-s.goOn
	return s.Store.Create(ctx, day, until)
}
