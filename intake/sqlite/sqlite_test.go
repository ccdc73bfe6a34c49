package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"daylight/courier"
	"daylight/envelope"
	"daylight/fault"
	"daylight/intake"
	"daylight/intake/sqlite"
	"daylight/internal/sqlkit"
)

var dbKey = sqlkit.Key{1}

func open(t testing.TB, dir string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), dir, dbKey)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func create(t testing.TB, s *sqlite.Store) intake.Slot {
	t.Helper()
	slot, err := s.Create(t.Context(), "2026-11-23", "2026-12-23")
	if err != nil {
		t.Fatal(err)
	}
	return slot
}

// TestACrashWhileItArrives: what was on the disk opens after a restart, and its size
// is that of its room, not of what had arrived.
func TestACrashWhileItArrives(t *testing.T) {
	dir := t.TempDir()
	s, err := sqlite.Open(t.Context(), dir, dbKey)
	if err != nil {
		t.Fatal(err)
	}
	key, err := envelope.NewKey("desk")
	if err != nil {
		t.Fatal(err)
	}
	slot := create(t, s)
	if _, err := slot.Room(1 << 20); err != nil {
		t.Fatal(err)
	}
	sealer, err := envelope.Seal(slot, envelope.Head{Kind: envelope.Request}, key.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	sealer.File("whole", strings.NewReader("all of it"))
	w, err := sealer.Begin("half")
	if err != nil {
		t.Fatal(err)
	}
	w.Write(bytes.Repeat([]byte("h"), 400_000))
	if list, err := s.Envelopes(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("%d envelopes while it arrives, %v; want none", len(list), err)
	}
	s.Close() // the crash: nothing was kept, nothing was closed

	s = open(t, dir)
	list, err := s.Envelopes(t.Context())
	if err != nil || len(list) != 1 || list[0].Day != "2026-11-23" || list[0].Size != 1<<20 {
		t.Fatalf("%+v, %v; want one envelope, with the size of its room", list, err)
	}
	sealed, err := s.OpenEnvelope(t.Context(), list[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	defer sealed.Close()
	r, err := envelope.Open(sealed, key)
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int{}
	for e := range r.Entries() {
		b, _ := io.ReadAll(e)
		sizes[e.Name] = len(b)
	}
	if sizes["whole"] != 9 || sizes["half"] < 200_000 || r.End() != envelope.Damaged {
		t.Errorf("%v, end %v; want what had arrived, damaged", sizes, r.End())
	}
}

func TestDroppedLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	size := poolSize(t, dir)
	for range 3 * size / (1 << 20) { // more than the pool holds, if it stayed
		slot := create(t, s)
		if _, err := slot.Room(1 << 20); err != nil {
			t.Fatal(err)
		}
		slot.Write([]byte("x"))
		slot.Drop()
	}
	if list, err := s.Envelopes(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("%d envelopes, %v; want none", len(list), err)
	}
	if after := poolSize(t, dir); after != size {
		t.Errorf("the pool has %d bytes; want the %d that it had", after, size)
	}
}

func poolSize(t testing.TB, dir string) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, "pool"))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func TestOneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	if _, err := sqlite.Open(t.Context(), dir, dbKey); !errors.Is(err, fault.Busy) {
		t.Errorf("opened twice: %v; want busy", err)
	}
}

func TestAWrongKeyIsDamage(t *testing.T) {
	dir := t.TempDir()
	open(t, dir).Close()
	if _, err := sqlite.Open(t.Context(), dir, sqlkit.Key{2}); !errors.Is(err, fault.Damaged) {
		t.Errorf("%v; want damage", err)
	}
}

func TestWhatCannotBeClosedIsListed(t *testing.T) {
	dir := t.TempDir()
	s, err := sqlite.Open(t.Context(), dir, dbKey)
	if err != nil {
		t.Fatal(err)
	}
	slot := create(t, s)
	slot.Write([]byte("sealed"))
	ended, end := context.WithCancel(t.Context())
	end()
	if err := slot.Keep(ended); err == nil {
		t.Fatal("kept, though the database did not answer")
	}
	slot.Drop()
	for _, when := range []string{"at once", "after a beat", "after a start"} {
		list, err := s.Envelopes(t.Context())
		if err != nil || len(list) != 1 || list[0].Size != 6 || read(t, s, list[0].ID) != "sealed" {
			t.Errorf("%s: %+v, %v; want what was written", when, list, err)
		}
		if when == "at once" {
			err = s.Beat(t.Context())
		} else {
			s.Close()
			s, err = sqlite.Open(t.Context(), dir, dbKey)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
}

// TestNothingFollowsAWriteThatFailed: what came before it is kept, and nobody is told
// that it is whole.
func TestNothingFollowsAWriteThatFailed(t *testing.T) {
	s := open(t, t.TempDir())
	slot, body := create(t, s), noise(1, 4*block)
	if _, err := slot.Room(8 * block); err != nil {
		t.Fatal(err)
	}
	if _, err := slot.Write(body[:3*block/2]); err != nil {
		t.Fatal(err)
	}
	s.WhileBroken(t, func() {
		if n, err := slot.Write(body[3*block/2 : 2*block]); n != 0 || err == nil {
			t.Errorf("%d bytes written to a disk that fails, %v", n, err)
		}
	})
	if n, err := slot.Write(body[3*block/2:]); n != 0 || err == nil {
		t.Errorf("%d bytes followed on a write that failed, %v", n, err)
	}
	if err := slot.Keep(t.Context()); err == nil {
		t.Error("kept as if it were whole")
	}
	for _, when := range []string{"at once", "after a beat"} {
		list, err := s.Envelopes(t.Context())
		if err != nil || len(list) != 1 || read(t, s, list[0].ID) != string(body[:3*block/2]) {
			t.Errorf("%s: %d envelopes, %v; want what came before the failure", when, len(list), err)
		}
		if err := s.Beat(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWhatIsKeptMeanwhile: who lists or opens while an envelope is kept, at once or
// late, has it with its size, or not yet.
func TestWhatIsKeptMeanwhile(t *testing.T) {
	s := open(t, t.TempDir())
	ended, end := context.WithCancel(t.Context())
	end()
	for _, late := range []bool{false, true} {
		for name, look := range map[string]func(id courier.EnvelopeID){
			"listed": func(courier.EnvelopeID) {
				list, err := s.Envelopes(t.Context())
				for _, e := range list {
					if e.Size != 6 {
						t.Errorf("late %v: listed with %d bytes; want 6", late, e.Size)
					}
				}
				if err != nil {
					t.Error(err)
				}
			},
			"opened": func(id courier.EnvelopeID) {
				r, err := s.OpenEnvelope(t.Context(), id)
				if errors.Is(err, fault.NotFound) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				if b, err := io.ReadAll(r); err != nil || string(b) != "sealed" {
					t.Errorf("late %v: opens with %q, %v", late, b, err)
				}
			},
		} {
			slot := create(t, s)
			slot.Write([]byte("sealed"))
			if late {
				slot.Keep(ended)
			}
			if err := s.KeepWhile(slot, func() { look(sqlite.IDOf(slot)) }); err != nil {
				t.Fatal(err)
			}
			list, err := s.Envelopes(t.Context())
			if err != nil || len(list) != 1 || read(t, s, list[0].ID) != "sealed" {
				t.Fatalf("%s, late %v: %+v, %v; want it there in the end", name, late, list, err)
			}
			if err := s.DestroyEnvelopes(t.Context(), []courier.EnvelopeID{list[0].ID}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func read(t testing.TB, s *sqlite.Store, id courier.EnvelopeID) string {
	t.Helper()
	r, err := s.OpenEnvelope(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
