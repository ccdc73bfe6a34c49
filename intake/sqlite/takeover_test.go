package sqlite_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"daylight/courier"
	"daylight/fault"
	"daylight/intake/sqlite"
)

// unpackFiles makes a folder as the version left it that kept each envelope in a file
// of its own. testdata/files.tar.gz was made by it: envelopes of noise(1) and noise(2)
// that were kept, one of noise(5) that a crash cut off, a reply, and one destroyed.
func unpackFiles(t *testing.T) string {
	t.Helper()
	f, err := os.Open("testdata/files.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.Clean("/"+h.Name))
		if h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o700)
		} else {
			b, _ := io.ReadAll(r)
			err = errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, b, 0o600), os.Chtimes(path, h.ModTime, h.ModTime))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestEarlierStateIsTakenOver(t *testing.T) {
	dir := unpackFiles(t)
	if files, _ := filepath.Glob(filepath.Join(dir, "*", "*")); len(files) != 4 {
		t.Fatalf("%d files; want 4", len(files))
	}
	for _, when := range []string{"at the first start", "at the second", "after its rewrite"} {
		s, err := sqlite.Open(t.Context(), dir, dbKey)
		if err != nil {
			t.Fatal(err)
		}
		if when == "after its rewrite" {
			for _, day := range []string{"2026-12-14", "2026-12-15"} { // the last before those that may be drawn for envelopes
				if err := s.Rewrite(t.Context(), day); err != nil {
					t.Fatal(err)
				}
			}
		}
		list, err := s.Envelopes(t.Context())
		if err != nil || len(list) != 3 {
			t.Fatalf("%s: %d envelopes, %v; want 3", when, len(list), err)
		}
		want := map[int64][]byte{1000: noise(1, 1000), 131_073: noise(2, 131_073), 1 << 20: noise(5, 5000)}
		for _, e := range list {
			if got := []byte(read(t, s, e.ID)); e.Day != "2026-11-23" || !bytes.HasPrefix(got, want[e.Size]) || want[e.Size] == nil {
				t.Errorf("%s: an envelope of %s, %d bytes, is another", when, e.Day, e.Size)
			}
			delete(want, e.Size)
		}
		if when != "after its rewrite" {
			if got := readReply(t, s, courier.ReplyID(strings.Repeat("a", 32))); !bytes.Equal(got, noise(3, 2000)) {
				t.Errorf("%s: a reply of %d bytes is another", when, len(got))
			}
		}
		gone := courier.ReplyID(strings.Repeat("b", 32))
		if err := s.PutReply(t.Context(), box, gone, "2027-01-01", strings.NewReader("again")); err != nil {
			t.Fatal(err)
		}
		if _, err := s.OpenReply(t.Context(), box, gone); !errors.Is(err, fault.NotFound) {
			t.Errorf("%s: a destroyed reply came back: %v", when, err)
		}
		s.Close()
		if left, _ := filepath.Glob(filepath.Join(dir, "*", "*")); len(left) != 0 {
			t.Errorf("%s: %q are left", when, left)
		}
	}
	s := open(t, dir)
	for _, day := range []string{"2026-12-30", "2026-12-31"} { // after all that may be drawn
		if err := s.Rewrite(t.Context(), day); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := s.Envelopes(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("%d envelopes are kept for ever, %v", len(list), err)
	}
}

// TestTakingOverCanBreakOff: what one start took over is not needed by the next.
func TestTakingOverCanBreakOff(t *testing.T) {
	dir := unpackFiles(t)
	files, _ := filepath.Glob(filepath.Join(dir, "replies", "*"))
	if err := os.Rename(files[0], files[0]+".away"); err != nil { // it comes after the envelopes
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), dir, dbKey); !errors.Is(err, fault.NotFound) {
		t.Fatalf("opened without a file: %v", err)
	}
	if err := os.Rename(files[0]+".away", files[0]); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	if list, err := s.Envelopes(t.Context()); err != nil || len(list) != 3 {
		t.Errorf("%d envelopes, %v; want 3", len(list), err)
	}
	if got := readReply(t, s, courier.ReplyID(strings.Repeat("a", 32))); !bytes.Equal(got, noise(3, 2000)) {
		t.Errorf("a reply of %d bytes is another", len(got))
	}
}
