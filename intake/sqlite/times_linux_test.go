package sqlite_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"daylight/courier"
	"daylight/intake/sqlite"
)

// stamp is what a file system keeps of a file.
type stamp struct{ changed, modified, read time.Time }

func stamps(t *testing.T, dir string) map[string]stamp {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]stamp{}
	for _, f := range append(files, dir) {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		st := info.Sys().(*syscall.Stat_t)
		all[strings.TrimPrefix(f, dir)] = stamp{time.Unix(st.Ctim.Unix()), time.Unix(st.Mtim.Unix()), time.Unix(st.Atim.Unix())}
	}
	return all
}

// coarse is more than a file system's clock is apart from ours.
const coarse = 20 * time.Millisecond

// TestTimesTell nothing but the last beat: whatever happened before it left no time
// on any file, and its own traces are those of an arrival.
func TestTimesTell(t *testing.T) {
	dir := t.TempDir()
	s, err := sqlite.Open(t.Context(), dir, dbKey)
	if err != nil {
		t.Fatal(err)
	}
	id := arrive(t, s, noise(1, 300_000), "2026-11-23", "2026-12-23")
	if err := s.PutReply(t.Context(), box, replyID(1), "2026-12-23", strings.NewReader("sealed")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what  string
		do    func() error
		quiet bool // changes nothing
	}{
		{"an arrival", func() error { arrive(t, s, noise(2, 10_000_000), "2026-11-23", "2026-12-23"); return nil }, false},
		{"a fetch", func() error { read(t, s, id); return nil }, true},
		{"an acknowledgement", func() error { return s.DestroyEnvelopes(t.Context(), []courier.EnvelopeID{id}) }, false},
		{"a reply", func() error {
			return s.PutReply(t.Context(), box, replyID(2), "2026-12-23", strings.NewReader("sealed"))
		}, false},
		{"a source who reads", func() error { readReply(t, s, replyID(1)); return nil }, true},
		{"a source who destroys", func() error { return s.DestroyReply(t.Context(), box, replyID(1), "2026-12-23") }, false},
		{"a key list", func() error { return s.PutKeyList(t.Context(), []byte("list")) }, false},
		{"a rewrite", func() error { return s.Rewrite(t.Context(), "2026-11-24") }, false},
		{"a beat", func() error { return s.Beat(t.Context()) }, false},
		{"an end", func() error { return s.Close() }, false},
	} {
		before := stamps(t, dir)
		time.Sleep(coarse)
		began := time.Now()
		if err := c.do(); err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		ended := time.Now()
		after := stamps(t, dir)
		for name, now := range after {
			if m := now.modified.UTC(); !m.Equal(m.Truncate(24 * time.Hour)) {
				t.Errorf("%s: %q was modified at a time of day", c.what, name)
			}
			if now.read.Before(ended.Add(24 * time.Hour)) {
				t.Errorf("%s: %q tells when it was read", c.what, name)
			}
			// All files, or none: no difference between them tells what it was.
			if changed := now.changed.After(began.Add(-coarse / 2)); changed == c.quiet {
				t.Errorf("%s: %q changed: %v; want %v, as with all others", c.what, name, changed, !c.quiet)
			}
			if c.quiet && now != before[name] {
				t.Errorf("%s leaves a time on %q", c.what, name)
			}
		}
		if c.what == "a beat" || c.what == "an end" {
			continue
		}
		time.Sleep(coarse)
		if err := s.Beat(t.Context()); err != nil {
			t.Fatal(err)
		}
		beat := stamps(t, dir)
		if len(beat) != len(after) {
			t.Errorf("after %s and after a beat there are not the same files", c.what)
		}
		for name, now := range beat {
			if !now.changed.After(ended) {
				t.Errorf("%s: %q tells of it after the next beat", c.what, name)
			}
		}
		if info, err := os.Stat(filepath.Join(dir, "intake.db-wal")); err != nil || info.Size() != 0 {
			t.Errorf("after a beat the log has %d bytes, %v; want none", info.Size(), err)
		}
	}
}
