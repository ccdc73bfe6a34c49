package archive_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"daylight/archive"
	"daylight/archive/archivetest"
	"daylight/archive/sqlite"
	"daylight/archive/web"
	"daylight/blob/fs"
	"daylight/corpus"
	"daylight/publog"
	"daylight/release"
	"daylight/search"
	"daylight/search/segment"
)

// importHere names the folder in which a child process imports; see TestMain.
const importHere = "DAYLIGHT_TEST_IMPORT"

func TestMain(m *testing.M) {
	if dir := os.Getenv(importHere); dir != "" {
		if err := importIn(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// importIn imports the release of a folder into the archive beside it, on disk.
func importIn(dir string) error {
	im, done, err := openOnDisk(dir)
	if err != nil {
		return err
	}
	defer done()
	f, err := os.Open(filepath.Join(dir, "release"))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	_, err = im.ImportFile(context.Background(), f, info.Size())
	return err
}

func openOnDisk(dir string) (im *archive.Importer, done func(), err error) {
	text, err := os.ReadFile(filepath.Join(dir, "keys"))
	if err != nil {
		return nil, nil, err
	}
	im = &archive.Importer{Log: publog.Folder(filepath.Join(dir, "log"))}
	if im.Keys, err = publog.ParseKeys(string(text)); err != nil {
		return nil, nil, err
	}
	if im.Catalog, err = sqlite.Open(context.Background(), filepath.Join(dir, "catalogue.db")); err != nil {
		return nil, nil, err
	}
	if im.Blobs, err = fs.Open(filepath.Join(dir, "blobs")); err != nil {
		return nil, nil, err
	}
	if im.Index, err = segment.Open(filepath.Join(dir, "index"), segment.Options{}); err != nil {
		return nil, nil, err
	}
	return im, func() { im.Index.Close(); im.Blobs.Close(); im.Catalog.Close() }, nil
}

// serveFromDisk opens the archive of a folder as a serving process does.
func serveFromDisk(t testing.TB, dir string, keys publog.Keys) *archive.Archive {
	t.Helper()
	catalog, err := sqlite.OpenReadOnly(t.Context(), filepath.Join(dir, "catalogue.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { catalog.Close() })
	blobs, err := fs.OpenReadOnly(filepath.Join(dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blobs.Close() })
	index, err := segment.OpenReadOnly(filepath.Join(dir, "index"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { index.Close() })
	a, err := archive.Open(t.Context(), archive.Options{Catalog: catalog, Blobs: blobs, Index: index, Log: publog.Folder(filepath.Join(dir, "log")), Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// prepare makes a folder with an empty archive and a release of n e-mails.
func prepare(t testing.TB, n int) (dir string, newsroom *archivetest.Newsroom) {
	t.Helper()
	dir, newsroom = t.TempDir(), archivetest.NewNewsroom(t)
	file := newsroom.Release(t, "2026-11-21", func(w *release.Writer) {
		archivetest.Add(t, w, archivetest.Harbour())
		for i := range n {
			letter(t, w, i)
		}
	})
	for name, b := range map[string][]byte{"release": file, "keys": []byte(newsroom.Public)} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, done, err := openOnDisk(dir)
	if err != nil {
		t.Fatal(err)
	}
	done()
	return dir, newsroom
}

var vocabulary = []string{"harbour", "camera", "tender", "quay", "council", "ministry", "specification", "retention", "invoice", "engineer",
	"Камеры", "порт", "министерство", "الكاميرات", "الميناء", "meeting", "schedule", "vessel", "customs", "archive"}

// letter adds the i-th e-mail, the same each time, with its original.
func letter(t testing.TB, w *release.Writer, i int) {
	r := rand.New(rand.NewPCG(7, uint64(i)))
	var text bytes.Buffer
	for range 120 {
		fmt.Fprintf(&text, "%s%d ", vocabulary[r.IntN(len(vocabulary))], r.IntN(50))
	}
	var id corpus.DocumentID
	for j := range id {
		id[j] = byte(r.Uint32())
	}
	from := corpus.Address{Addr: fmt.Sprintf("person%d@body%d.example", r.IntN(500), r.IntN(40))}
	d := corpus.Document{ID: id, Collection: "harbour", Title: fmt.Sprint("Letter ", i), Type: "message/rfc822", Size: int64(text.Len()), Text: text.String(),
		Date: time.Date(2009+r.IntN(6), 1, 1+r.IntN(300), 8, 0, 0, 0, time.UTC), Languages: []string{[]string{"en", "ru", "ar"}[r.IntN(3)]},
		Message: &corpus.Message{ID: fmt.Sprintf("l%d@x", i), From: []corpus.Address{from}, Domain: from.Addr[len(from.Addr)-14:]}}
	if i > 0 {
		d.Message.References = []string{fmt.Sprintf("l%d@x", i/8*8)}
	}
	archivetest.Add(t, w, release.Document{Document: d, State: corpus.Published})
	archivetest.AddRendition(t, w, release.Rendition{Document: id, Name: "original", Label: "original bytes, as received", Type: "message/rfc822"},
		append([]byte("Subject: x\r\n\r\n"), text.Bytes()...))
}

// A child imports and is killed at random moments; an archive that serves beside it
// shows nothing of the release, or all of it.
func TestKilledImportGoesOn(t *testing.T) {
	const n = 1200
	dir, newsroom := prepare(t, n)
	serving := serveFromDisk(t, dir, newsroom.Keys)
	kills := 0
	// Each try lasts longer, so that a slow machine comes to the end too.
	for patience := 30 * time.Millisecond; ; patience += patience / 3 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), importHere+"="+dir)
		var stderr bytes.Buffer
		child.Stderr = &stderr
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- child.Wait() }()
		var err error
		select {
		case err = <-ended:
			if err != nil {
				t.Fatalf("import: %v: %s", err, &stderr)
			}
		case <-time.After(patience + rand.N(patience)):
			child.Process.Kill()
			<-ended
			kills++
			status, err := serving.Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := total(t, serving, "")
			if status.Release == 0 && got != 0 || status.Release == 1 && !status.Indexing && got != n {
				t.Errorf("after kill %d: %+v and %d documents", kills, status, got)
			}
			continue
		}
		break
	}
	if kills == 0 {
		t.Error("the import was never killed; this test sees nothing")
	}
	t.Logf("%d kills", kills)
	res, err := serving.Search(t.Context(), archive.SearchRequest{Query: "harbour7", Limit: 3, Snippet: 100, Facets: []search.FacetRequest{{Name: search.Year}}})
	if err != nil || len(res.Hits) != 3 || res.Result.Total == 0 {
		t.Fatalf("after the import %d hits of %d, %v", len(res.Hits), res.Result.Total, err)
	}
	if got := total(t, serving, ""); got != n {
		t.Errorf("%d documents; want %d", got, n)
	}
	id := res.Hits[0].ID
	_, b, err := serving.Rendition(t.Context(), id, "original")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	original, err := io.ReadAll(b)
	if err != nil || !bytes.HasPrefix(original, []byte("Subject: x")) {
		t.Errorf("original %.20q, %v", original, err)
	}
	proof, err := serving.Proof(t.Context(), id, "original")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := release.VerifyProof(proof, bytes.NewReader(original), newsroom.Keys); err != nil {
		t.Error(err)
	}
}

// BenchmarkImport reports documents a second, from a release file to searchable and
// durable on disk.
func BenchmarkImport(b *testing.B) {
	const n = 20000
	for b.Loop() {
		b.StopTimer()
		dir, _ := prepare(b, n)
		b.StartTimer()
		if err := importIn(dir); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "documents/s")
}

// BenchmarkPages reports what readers' pages take, at the median and at the 99th
// percentile.
func BenchmarkPages(b *testing.B) {
	dir, newsroom := prepare(b, 20000)
	if err := importIn(dir); err != nil {
		b.Fatal(err)
	}
	a := serveFromDisk(b, dir, newsroom.Keys)
	h, err := web.New(a, web.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	found, err := a.Search(b.Context(), archive.SearchRequest{Query: "harbour7", Limit: 50})
	if err != nil || len(found.Hits) == 0 {
		b.Fatal(err)
	}
	paths := []string{"/", "/search", "/search?q=harbour7", "/search?q=camera1+tender2", "/search?q=%22quay3+council4%22+OR+invoice9", "/search?q=ministry1+language:ru&sort=newest", "/collections/harbour"}
	for _, h := range found.Hits {
		paths = append(paths, "/documents/"+h.ID.String()+"?q=harbour7")
	}
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		began := time.Now()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", paths[i%len(paths)], nil))
		if w.Code != http.StatusOK {
			b.Fatalf("%s: %d", paths[i%len(paths)], w.Code)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}
