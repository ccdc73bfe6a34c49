package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"daylight/archive/archivetest"
	"daylight/corpus"
	"daylight/desk"
	"daylight/release"
)

// pictured is a document with a rendition that its page shows.
var pictured = corpus.DocumentID{0xda}

func openCandidate(t *testing.T, dir string) desk.Candidate {
	t.Helper()
	newsroom := archivetest.NewNewsroom(t)
	file := newsroom.Release(t, "2026-11-21", func(w *release.Writer) {
		archivetest.First(t, w)
		archivetest.Add(t, w, release.Document{State: corpus.Redacted, Document: corpus.Document{ID: pictured, Collection: "harbour", Title: "plan.pdf", Text: "The plan of the quay."}})
		archivetest.AddRendition(t, w, release.Rendition{Document: pictured, Name: "html", Label: "text made by the desk", Type: "text/html"}, []byte("<p>the plan"))
	})
	p := previewer{app: &app{log: slog.New(slog.DiscardHandler)}, dir: dir}
	c, err := p.preview(t.Context(), bytes.NewReader(file), int64(len(file)), newsroom.Keys)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCandidateLeavesNoDocumentInClear(t *testing.T) {
	dir := t.TempDir()
	c := openCandidate(t, dir)
	files := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if ok, _ := filepath.Match("catalog.db*", e.Name()); !ok || err != nil {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		for _, plain := range []string{"SQLite format", "Harbour cameras", "voronin"} {
			if bytes.Contains(b, []byte(plain)) {
				t.Errorf("%s holds %q in clear", e.Name(), plain)
			}
		}
		return err
	})
	if err != nil || files < 2 {
		t.Errorf("%d files of the catalogue, %v; want the database and its log", files, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left after it was closed: %v, %v", left, err)
	}
}

func TestCandidateOutputs(t *testing.T) {
	c := openCandidate(t, t.TempDir())
	defer c.Close()
	bodies := map[string][]byte{}
	for out, err := range c.Outputs(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		r, err := out.Open()
		if err != nil {
			t.Fatalf("%s: %v", out.Name, err)
		}
		b, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil || len(b) == 0 {
			t.Errorf("%s: %d bytes, %v", out.Name, len(b), err)
		}
		bodies[out.Name] = b
	}
	tender, plan := "/documents/"+archivetest.Tender.String(), "/documents/"+pictured.String()
	for _, path := range []string{"/", "/log", "/collections", "/collections/harbour", "/topics/cameras", "/entities/voronin",
		"/origins/port-authority", "/answers/critical-of-the-port", "/search.csv", tender, "/api" + tender, tender + "/original", plan + "/html", plan + "/html/view"} {
		if bodies[path] == nil {
			t.Errorf("%s is not among the outputs", path)
		}
	}
	if bodies[tender+"/original/view"] != nil || bodies[tender+"/original/bytes"] != nil {
		t.Error("an original is asked for; it is the entry's payload")
	}
	if got := string(bodies[plan+"/html/view"]); got != "<p>the plan" {
		t.Errorf("the frame shows %q; want the rendition", got)
	}
	if !bytes.Contains(bodies["/api"+plan], []byte("The plan of the quay.")) {
		t.Error("the document's JSON does not hold its text")
	}
}
