package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"daylight/corpus"
	"daylight/desk/sqlite"
	"daylight/search"
)

// TestReindexGoesOn: one that was stopped left an index of some documents, and is not
// begun again; one that was not, or is told so, is.
func TestReindexGoesOn(t *testing.T) {
	dir, files := filepath.Join(t.TempDir(), "try"), t.TempDir()
	for i := range 30 {
		if err := os.WriteFile(filepath.Join(files, fmt.Sprint(i, ".txt")), fmt.Appendf(nil, "The sluice %d was opened.", i), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	daylight(t, "ingest", "--data", dir, "--collection", "Papers", files)
	a := &app{ctx: t.Context(), data: dir, stdout: io.Discard, stderr: io.Discard, log: slog.New(slog.DiscardHandler)}
	in, err := roleInstance(dir, "desk")
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := loadConfig(in.dir)
	if err != nil {
		t.Fatal(err)
	}
	open := func(f func(d *deskRole)) {
		t.Helper()
		d, err := a.openDesk(in, cfg, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer d.closers.Close()
		f(d)
	}
	find := func() string {
		return daylight(t, "search", "--data", dir, "--site", "desk", "--json", "sluice")
	}
	// What a stopped one leaves: the mark, and an index of ten. The words that they are
	// found by are ours, so that it shows whether they were put there anew.
	key, err := in.databaseKey()
	if err != nil {
		t.Fatal(err)
	}
	stopped := func() {
		t.Helper()
		store, err := sqlite.Open(t.Context(), in.path("desk.db"), key)
		if err != nil {
			t.Fatal(err)
		}
		list, err := a.ledgers(store.Stores())
		if err != nil || list.documents != 30 {
			t.Fatalf("%+v, %v; want 30 documents", list, err)
		}
		c := reindexCmd{Anew: true}
		if err := c.begin(in, "desk", true, func() error { return list.lost(t.Context()) }); err != nil {
			t.Fatal(err)
		}
		store.Close()
		open(func(d *deskRole) {
			l := d.stores.Documents.Ledger(list.of[0])
			docs, err := l.Unindexed(t.Context(), 10)
			if err != nil || len(docs) != 10 {
				t.Fatalf("%d wait for the index, %v", len(docs), err)
			}
			for _, doc := range docs {
				doc.Text = "of the stopped one"
				if err := d.index.Apply(t.Context(), search.Batch{Put: []search.Document{search.From(&doc, "", [16]byte{})}}); err != nil {
					t.Fatal(err)
				}
				if err := l.Indexed(t.Context(), []corpus.DocumentID{doc.ID}); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	for _, c := range []struct {
		name  string
		found string
		args  []string
	}{
		{"goes on", `"total":20,`, nil}, {"nothing is left to do", `"total":30,`, nil},
		{"anew", `"total":30,`, []string{"--anew"}},
	} {
		if c.name != "nothing is left to do" {
			stopped()
		}
		if said := daylight(t, append([]string{"reindex", "--data", dir}, c.args...)...); !strings.Contains(said, "desk: 30 documents") {
			t.Errorf("%s: %s", c.name, said)
		}
		if said := find(); !strings.Contains(said, c.found) {
			t.Errorf("%s: %.100s; want %s", c.name, said, c.found)
		}
		if _, err := os.Stat(in.path(reindexing)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the mark is still there: %v", c.name, err)
		}
	}
	// An index that does not open is begun anew.
	stopped()
	if err := filepath.WalkDir(in.path("index"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		return os.WriteFile(path, []byte("spoiled"), 0o600)
	}); err != nil {
		t.Fatal(err)
	}
	if said := daylight(t, "reindex", "--data", dir); !strings.Contains(said, "desk: 30 documents") || !strings.Contains(find(), `"total":30,`) {
		t.Errorf("a spoiled one: %s", said)
	}
}

// TestIndexingIsShown with rate and time left.
func TestIndexingIsShown(t *testing.T) {
	var out bytes.Buffer
	b := &bar{app: &app{stderr: &out}, what: "Indexing", shown: true}
	b.indexed(100, 100, 400, time.Second)
	b.indexed(300, 100, 400, 2*time.Second)
	if want := "\r\x1b[KIndexing: 300 of 400 documents, 100 a second, 1s left"; out.String() != want {
		t.Errorf("%q; want %q", &out, want)
	}
}
