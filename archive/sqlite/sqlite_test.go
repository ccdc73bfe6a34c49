package sqlite

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"daylight/archive"
	"daylight/archive/archivetest"
	"daylight/corpus"
	"daylight/fault"
	"daylight/internal/sqlkit"
	"daylight/release"
)

func TestStore(t *testing.T) {
	archivetest.Run(t, func(t *testing.T) (archive.Store, func() archive.Store) {
		path := filepath.Join(t.TempDir(), "catalogue.db")
		return openAt(t, path), func() archive.Store { return openAt(t, path) }
	})
}

func openAt(t *testing.T, path string) *Catalog {
	t.Helper()
	c, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestSealedHasNothingInClear(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "catalogue.db")
	c, err := OpenSealed(t.Context(), path, sqlkit.Key{1})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	st, err := c.Begin(t.Context(), archive.Release{Number: 1})
	if err != nil {
		t.Fatal(err)
	}
	row := &archive.Row{ID: archivetest.ID(1), Collection: "c", Title: "canary-vermilion"}
	if err := st.Put(t.Context(), []archive.Staged{{Row: row, Record: release.Record{Kind: release.KindDocument, ID: row.ID.String(), Body: []byte("canary-periwinkle")}}}); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(files) < 2 {
		t.Fatalf("files %q; want the catalogue and its log", files)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, plain := range []string{"vermilion", "periwinkle", "SQLite format"} {
			if bytes.Contains(b, []byte(plain)) {
				t.Errorf("%s holds %q in clear", filepath.Base(f), plain)
			}
		}
	}
	if _, err := OpenSealed(t.Context(), path, sqlkit.Key{2}); !errors.Is(err, fault.Damaged) {
		t.Errorf("another key: %v; want damage", err)
	}
}

func TestServingSeesASwitch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalogue.db")
	if _, err := OpenReadOnly(t.Context(), path); err == nil {
		t.Error("serving made a catalogue")
	}
	w := openAt(t, path)
	r, err := OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for n := 1; n <= 3; n++ {
		st, err := w.Begin(t.Context(), archive.Release{Number: n, Checkpoint: [32]byte{byte(n)}})
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Put(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if err := w.Switch(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		if h, err := r.Head(t.Context()); err != nil || h.Release != n {
			t.Errorf("serving sees release %d, %v; want %d", h.Release, err, n)
		}
	}
	if err := r.Switch(t.Context(), 1); err == nil {
		t.Error("serving could write")
	}
}

// What was withdrawn must not be readable from the file.
func TestForgottenIsOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalogue.db")
	c := openAt(t, path)
	id := archivetest.ID(1)
	put := func(n int, s archive.Staged) {
		t.Helper()
		st, err := c.Begin(t.Context(), archive.Release{Number: n, Checkpoint: [32]byte{byte(n)}, Entries: 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Put(t.Context(), []archive.Staged{s}); err != nil {
			t.Fatal(err)
		}
		if err := c.Switch(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		if err := c.Indexed(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	put(1, archive.Staged{Record: release.Record{Kind: release.KindDocument, ID: id.String(), Body: []byte("{}")},
		Row: &archive.Row{ID: id, Title: "canary-vermilion", State: corpus.Published}, Links: archive.Links{MessageID: "canary-vermilion@x"}})
	if !holds(t, path, "canary-vermilion") {
		t.Fatal("the title is not in the file: this test would see nothing")
	}
	put(2, archive.Staged{Record: release.Record{Kind: release.KindWithdrawal, ID: id.String(), Body: []byte("{}")}, Takes: id})
	if _, err := c.Forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	if holds(t, path, "canary-vermilion") {
		t.Error("the file still holds a withdrawn title")
	}
}

func holds(t *testing.T, path, word string) bool {
	t.Helper()
	files, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte(word)) {
			return true
		}
	}
	return false
}
