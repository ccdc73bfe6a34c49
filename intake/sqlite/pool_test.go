package sqlite_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"daylight/courier"
	"daylight/intake/sqlite"
)

// noise is n bytes that can be made again.
func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)}).Read(b)
	return b
}

const (
	chunk  = 64 << 10
	block  = 128 << 10
	extent = 64 * block
)

// arrive keeps an envelope that comes in pieces.
func arrive(t testing.TB, s *sqlite.Store, body []byte, day, until string) courier.EnvelopeID {
	t.Helper()
	before := map[courier.EnvelopeID]bool{}
	list, err := s.Envelopes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		before[e.ID] = true
	}
	slot, err := s.Create(t.Context(), day, until)
	if err != nil {
		t.Fatal(err)
	}
	for rest := body; len(rest) > 0; {
		n := min(len(rest), 1+rand.IntN(100_000))
		if n, err = slot.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if err := slot.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list, err = s.Envelopes(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if !before[e.ID] {
			return e.ID
		}
	}
	t.Fatal("what was kept is not listed")
	return ""
}

var box = courier.MailboxID(strings.Repeat("ab", 32))

func replyID(n int) courier.ReplyID { return courier.ReplyID(fmt.Sprintf("%032x", n)) }

func readReply(t testing.TB, s *sqlite.Store, id courier.ReplyID) []byte {
	t.Helper()
	r, err := s.OpenReply(t.Context(), box, id)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestWhatOpensIsWhatWasKept at sizes around every boundary: as it was kept, after a
// rewrite, and after a start.
func TestWhatOpensIsWhatWasKept(t *testing.T) {
	var sizes []int
	for _, near := range []int{0, chunk, block, 2 * block, 8 * block, 9 * block, extent - 16*block, extent} {
		for _, n := range []int{near - 1, near, near + 1} {
			if n >= 0 && (n < extent/2 || !testing.Short()) {
				sizes = append(sizes, n)
			}
		}
	}
	dir := t.TempDir()
	s, err := sqlite.Open(t.Context(), dir, dbKey)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { s.Close() }()
	ids := map[int]courier.EnvelopeID{}
	for i, n := range sizes {
		ids[n] = arrive(t, s, noise(uint64(i), n), "2026-11-23", "2026-12-23")
		if err := s.PutReply(t.Context(), box, replyID(n), "2026-12-23", bytes.NewReader(noise(uint64(i), n))); err != nil {
			t.Fatal(err)
		}
	}
	check := func(when string) {
		t.Helper()
		list, err := s.Envelopes(t.Context())
		if err != nil || len(list) != len(sizes) {
			t.Errorf("%s: %d envelopes, %v; want %d", when, len(list), err, len(sizes))
		}
		for i, n := range sizes {
			if got := read(t, s, ids[n]); got != string(noise(uint64(i), n)) {
				t.Errorf("%s: an envelope of %d bytes opens with %d, or others", when, n, len(got))
			}
			if got := readReply(t, s, replyID(n)); !bytes.Equal(got, noise(uint64(i), n)) {
				t.Errorf("%s: a reply of %d bytes opens with %d, or others", when, n, len(got))
			}
		}
	}
	check("as it was kept")
	for range 2 {
		if err := s.Rewrite(t.Context(), "2026-11-24"); err != nil {
			t.Fatal(err)
		}
		check("after a rewrite")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = sqlite.Open(t.Context(), dir, dbKey); err != nil {
		t.Fatal(err)
	}
	check("after a start")
	if day, err := s.Rewritten(t.Context()); err != nil || day != "2026-11-24" {
		t.Errorf("rewritten on %q, %v", day, err)
	}
}

// TestRewriteDisturbsNobody: things arrive, are read and destroyed while the store is
// rewritten over and over.
func TestRewriteDisturbsNobody(t *testing.T) {
	s := open(t, t.TempDir())
	each := 12
	if testing.Short() {
		each = 4
	}
	stop := make(chan struct{})
	var rewriting, working sync.WaitGroup
	rewrites := 0
	rewriting.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := s.Rewrite(t.Context(), "2026-11-24"); err != nil {
				t.Error(err)
				return
			}
			if err := s.Beat(t.Context()); err != nil {
				t.Error(err)
				return
			}
			rewrites++
		}
	})
	for worker := range 4 {
		working.Go(func() {
			for i := range each {
				n, id := rand.IntN(2_000_000), replyID(worker<<16+i)
				body := noise(uint64(n), n)
				slot, err := s.Create(t.Context(), "2026-11-23", "2026-12-23")
				if err != nil {
					t.Error(err)
					return
				}
				for rest := body; len(rest) > 0; {
					m := min(len(rest), 65_536)
					if _, err := slot.Write(rest[:m]); err != nil {
						t.Error(err)
						return
					}
					rest = rest[m:]
				}
				if err := slot.Keep(t.Context()); err != nil {
					t.Error(err)
				}
				if err := s.PutReply(t.Context(), box, id, "2026-12-23", bytes.NewReader(body)); err != nil {
					t.Error(err)
					return
				}
				for range 3 {
					if !bytes.Equal(readReply(t, s, id), body) {
						t.Errorf("a reply of %d bytes does not open as it was left", n)
					}
				}
				if i%2 == 0 {
					if err := s.DestroyReply(t.Context(), box, id, "2026-12-23"); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	working.Wait()
	close(stop)
	rewriting.Wait()
	list, err := s.Envelopes(t.Context())
	if err != nil || len(list) != 4*each {
		t.Errorf("%d envelopes, %v; want %d", len(list), err, 4*each)
	}
	for _, e := range list {
		if !bytes.Equal([]byte(read(t, s, e.ID)), noise(uint64(e.Size), int(e.Size))) {
			t.Errorf("an envelope of %d bytes does not open as it was kept", e.Size)
		}
	}
	if ids, err := s.Replies(t.Context(), box); err != nil || len(ids) != 2*each {
		t.Errorf("%d replies, %v; want %d", len(ids), err, 2*each)
	}
	if rewrites < 2 {
		t.Errorf("%d rewrites: they did not meet the rest", rewrites)
	}
}

// TestWhatIsOverIsDestroyed by the rewrite of its day, and not before.
func TestWhatIsOverIsDestroyed(t *testing.T) {
	s := open(t, t.TempDir())
	arrive(t, s, []byte("sealed"), "2026-11-23", "2026-12-20")
	arrive(t, s, []byte("sealed"), "2026-11-23", "2026-12-21")
	for i, until := range []string{"2026-12-20", "2026-12-21"} {
		for _, id := range []int{i, 10 + i} {
			if err := s.PutReply(t.Context(), box, replyID(id), until, strings.NewReader("sealed")); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.DestroyReply(t.Context(), box, replyID(10+i), until); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		day  string
		want int
	}{{"2026-12-19", 2}, {"2026-12-20", 1}, {"2026-12-25", 0}} {
		if err := s.Rewrite(t.Context(), c.day); err != nil {
			t.Fatal(err)
		}
		list, err := s.Envelopes(t.Context())
		if err != nil || len(list) != c.want {
			t.Errorf("%s: %d envelopes, %v; want %d", c.day, len(list), err, c.want)
		}
		ids, err := s.Replies(t.Context(), box)
		if err != nil || len(ids) != c.want {
			t.Errorf("%s: %d replies, %v; want %d", c.day, len(ids), err, c.want)
		}
		// What is remembered as destroyed does not come back.
		for i := range 2 {
			if err := s.PutReply(t.Context(), courier.MailboxID(strings.Repeat("cd", 32)), replyID(10+i), "2027-01-01", strings.NewReader("sealed")); err != nil {
				t.Fatal(err)
			}
		}
		back, err := s.Replies(t.Context(), courier.MailboxID(strings.Repeat("cd", 32)))
		if err != nil || len(back) != 2-c.want {
			t.Errorf("%s: %d destroyed replies came back, %v; want %d", c.day, len(back), err, 2-c.want)
		}
	}
}

// TestAClockThatJumped destroys nothing on its first day, however often that is tried.
func TestAClockThatJumped(t *testing.T) {
	for name, c := range map[string]struct {
		then string
		want int
	}{"and went back": {"2026-12-02", 1}, "and stayed": {"2027-01-11", 0}} {
		dir := t.TempDir()
		s := open(t, dir)
		rewrite := func(day string, want int) {
			t.Helper()
			if err := s.Rewrite(t.Context(), day); err != nil {
				t.Fatal(err)
			}
			list, err := s.Envelopes(t.Context())
			if err != nil || len(list) != want {
				t.Errorf("a clock that jumped %s, on %s: %d envelopes, %v; want %d", name, day, len(list), err, want)
			}
		}
		arrive(t, s, []byte("sealed"), "2026-11-30", "2026-12-20")
		rewrite("2026-12-01", 1)
		for range 2 {
			rewrite("2027-01-10", 1)
		}
		s.Close()
		s = open(t, dir)
		rewrite("2027-01-10", 1)
		rewrite(c.then, c.want)
	}
}

// TestWhatArrivesOverItsDay goes on into its own blocks, and is destroyed a week later.
func TestWhatArrivesOverItsDay(t *testing.T) {
	s := open(t, t.TempDir())
	body := noise(0, 40*block)
	late, err := s.Create(t.Context(), "2026-11-01", "2026-11-24")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := late.Room(int64(len(body))); err != nil {
		t.Fatal(err)
	}
	late.Write(body[:block])
	if err := s.Rewrite(t.Context(), "2026-11-24"); err != nil {
		t.Fatal(err)
	}
	others := map[uint64]courier.EnvelopeID{}
	for i := range uint64(40) {
		others[1+i] = arrive(t, s, noise(1+i, block), "2026-11-24", "2026-12-24")
	}
	if _, err := late.Write(body[block:]); err != nil {
		t.Fatal(err)
	}
	if err := late.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for seed, id := range others {
		if read(t, s, id) != string(noise(seed, block)) {
			t.Errorf("envelope %d, which came after its day, does not open as it was kept", seed)
		}
	}
	for _, c := range []struct {
		day  string
		want int
	}{{"2026-11-30", 41}, {"2026-12-01", 40}} {
		if err := s.Rewrite(t.Context(), c.day); err != nil {
			t.Fatal(err)
		}
		list, err := s.Envelopes(t.Context())
		if err != nil || len(list) != c.want {
			t.Errorf("%s: %d envelopes, %v; want %d", c.day, len(list), err, c.want)
		}
		for _, e := range list {
			if e.Size == int64(len(body)) && read(t, s, e.ID) != string(body) {
				t.Error("what came over its day does not open as it was sent")
			}
		}
	}
}

// TestAPoolThatWasCutOff: a crash while the pool grows leaves it of any size.
func TestAPoolThatWasCutOff(t *testing.T) {
	dir := t.TempDir()
	for _, more := range []int{1, 5*block + 7, extent - 1} {
		s, err := sqlite.Open(t.Context(), dir, dbKey)
		if err != nil {
			t.Fatal(err)
		}
		arrive(t, s, noise(1, 3*block), "2026-11-23", "2026-12-23")
		if err := s.Rewrite(t.Context(), "2026-11-24"); err != nil {
			t.Fatal(err)
		}
		s.Close()
		size := poolSize(t, dir)
		f, err := os.OpenFile(filepath.Join(dir, "pool"), os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(noise(2, more)); err != nil {
			t.Fatal(err)
		}
		f.Close()
		if s, err = sqlite.Open(t.Context(), dir, dbKey); err != nil {
			t.Fatal(err)
		}
		if got := poolSize(t, dir); got != size+extent {
			t.Errorf("%+d: the pool has %d bytes; want %d", more, got, size+extent)
		}
		b, err := os.ReadFile(filepath.Join(dir, "pool"))
		if err != nil || bytes.Contains(b, make([]byte, 64)) {
			t.Errorf("%+d: zeros tell what nothing was written to, %v", more, err)
		}
		list, err := s.Envelopes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			if read(t, s, e.ID) != string(noise(1, 3*block)) {
				t.Errorf("%+d: an envelope does not open as it was kept", more)
			}
		}
		s.Close()
	}
}
