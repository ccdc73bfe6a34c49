package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"daylight/archive"
	"daylight/archive/archivetest"
	"daylight/archive/sqlite"
	"daylight/blob"
	"daylight/blob/mem"
	"daylight/corpus"
	"daylight/fault"
	"daylight/publog"
	"daylight/release"
	"daylight/search"
	"daylight/search/searchtest"
)

// world is an archive with all its parts, as a test may break them.
type world struct {
	*archive.Archive
	importer archive.Importer
	newsroom *archivetest.Newsroom
	path     string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{newsroom: archivetest.NewNewsroom(t), path: filepath.Join(t.TempDir(), "catalogue.db")}
	w.importer = archive.Importer{Catalog: openStore(t, w.path), Blobs: mem.New(), Index: searchtest.NewOracle(),
		Log: publog.Memory(), Keys: w.newsroom.Keys}
	w.Archive = w.open(t)
	return w
}

func openStore(t *testing.T, path string) archive.Store {
	t.Helper()
	c, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func (w *world) open(t *testing.T) *archive.Archive {
	t.Helper()
	im := w.importer
	a, err := archive.Open(t.Context(), archive.Options{Catalog: im.Catalog, Blobs: im.Blobs, Index: im.Index, Log: im.Log, Keys: im.Keys})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (w *world) take(t *testing.T, file []byte) archive.Imported {
	t.Helper()
	done, err := w.importer.ImportFile(t.Context(), bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func (w *world) first(t *testing.T) []byte {
	return w.newsroom.Release(t, "2026-11-21", func(r *release.Writer) { archivetest.First(t, r) })
}

func TestImportShowsWhatWasReleased(t *testing.T) {
	w := newWorld(t)
	if o, err := w.Overview(t.Context()); err != nil || o.Files.N != 0 || o.Status.Release != 0 {
		t.Fatalf("empty archive: %d files, %v", o.Files.N, err)
	}
	if done := w.take(t, w.first(t)); done.Already || done.Documents != 11 || done.Indexed != 11 {
		t.Errorf("import %+v; want 11 documents, indexed", done)
	}
	o, err := w.Overview(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// 6 e-mails, of which one is a copy and one is bulk mail.
	got := []int{o.Files.N, o.Messages.N, o.Languages, o.Origins.N, o.Years.N}
	if want := []int{11, 4, 3, 3, 3}; !slices.Equal(got, want) {
		t.Errorf("files, messages, languages, origins, years: %v; want %v", got, want)
	}
	if o.Status.Newsroom != "The Lantern" || o.Status.Day != "2026-11-21" || o.Status.Indexing {
		t.Errorf("status %+v", o.Status)
	}
	for _, shares := range [][]archive.Share{o.ByCollection, o.ByLanguage, o.ByOrigin, o.ByTopic, o.ByType, o.ByYear} {
		for _, s := range shares {
			if n := total(t, w, s.Query); n != s.N {
				t.Errorf("share %s: %d, and its query %q counts %d", s.Value, s.N, s.Query, n)
			}
		}
	}
}

func total(t *testing.T, r archive.Reader, query string) int {
	t.Helper()
	res, err := r.Search(t.Context(), archive.SearchRequest{Query: query})
	if err != nil {
		t.Fatalf("search %q: %v", query, err)
	}
	return res.Result.Total
}

func TestDocument(t *testing.T) {
	w := newWorld(t)
	w.take(t, w.first(t))
	d, err := w.Document(t.Context(), archivetest.Tender)
	if err != nil {
		t.Fatal(err)
	}
	if d.Text != archivetest.TenderText || d.In.Title != "The harbour papers" || d.OriginTitle != "Belmar Port Authority" || d.Day != "2026-11-21" {
		t.Errorf("document %+v", d)
	}
	if len(d.Parts) != 1 || d.PartsTotal != 1 || d.Parts[0].ID != archivetest.Annex {
		t.Errorf("parts %v; want the annex", d.Parts)
	}
	if got := idsOf(d.Thread); !slices.Equal(got, []corpus.DocumentID{archivetest.Tender, archivetest.Again, archivetest.Reply}) {
		t.Errorf("thread %v; want the tender, its copy and the answer", got)
	}
	if annex, err := w.Document(t.Context(), archivetest.Annex); err != nil || annex.Container == nil || annex.Container.ID != archivetest.Tender || annex.Thread != nil {
		t.Errorf("annex in %v, thread %v, %v", annex.Container, annex.Thread, err)
	}
	minutes, err := w.Document(t.Context(), archivetest.Minutes)
	if err != nil || !slices.Equal(idsOf(minutes.Copies), []corpus.DocumentID{archivetest.Lonely}) {
		t.Errorf("same bytes %v, %v; want those of the other collection", minutes.Copies, err)
	}
	redacted, err := w.Document(t.Context(), archivetest.Arabic)
	if err != nil || redacted.State != corpus.Redacted || len(redacted.Renditions) != 1 || redacted.Renditions[0].Original {
		t.Errorf("redacted: %s with %v, %v; want its text and no original", redacted.State, redacted.Renditions, err)
	}
	if _, err := w.Document(t.Context(), archivetest.ID(99)); !errors.Is(err, fault.NotFound) {
		t.Errorf("unknown id: %v", err)
	}
}

func idsOf(rows []archive.Row) []corpus.DocumentID {
	var ids []corpus.DocumentID
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	return ids
}

func TestSearchSnippetsAndAttachments(t *testing.T) {
	w := newWorld(t)
	w.take(t, w.first(t))
	res, err := w.Search(t.Context(), archive.SearchRequest{Query: "council knows", Limit: 5, Snippet: 80})
	if err != nil || len(res.Hits) != 2 {
		t.Fatalf("%d hits, %v; want the letter and its copy", len(res.Hits), err)
	}
	marked := 0
	for _, s := range res.Hits[0].Snippet {
		if s.Marked {
			marked++
		}
	}
	if marked == 0 || res.Hits[0].Title != "Harbour cameras: the specification" {
		t.Errorf("hit %+v; want its title and marks", res.Hits[0])
	}
	if res, err = w.Search(t.Context(), archive.SearchRequest{Query: "attachment:face", Limit: 5}); err != nil || len(res.Hits) != 1 || res.Hits[0].ID != archivetest.Tender {
		t.Errorf("attachment:face gives %v, %v; want the e-mail", res.Hits, err)
	}
	var syntax *search.SyntaxError
	if _, err := w.Search(t.Context(), archive.SearchRequest{Query: `"open`}); !errors.As(err, &syntax) {
		t.Errorf("broken query: %v; want a syntax error", err)
	}
}

// A page lists some of many parts. A search finds all of them.
func TestAttachmentFindsEveryPart(t *testing.T) {
	w := newWorld(t)
	const parts = archive.MaxParts + 20
	id := func(n int) corpus.DocumentID { return corpus.DocumentID{1, byte(n >> 8), byte(n)} }
	w.take(t, w.newsroom.Release(t, "2026-11-21", func(r *release.Writer) {
		archivetest.Add(t, r, corpus.Collection{ID: "box", Title: "The box", Version: 1})
		box := corpus.Document{ID: id(parts), Collection: "box", Title: "box.zip", Name: "box.zip", Type: "application/zip"}
		archivetest.Add(t, r, release.Document{Document: box, State: corpus.Published})
		for n := range parts {
			name := fmt.Sprintf("%04d.txt", n)
			archivetest.Add(t, r, release.Document{State: corpus.Published, Document: corpus.Document{
				ID: id(n), Collection: "box", Parent: box.ID, Title: name, Name: name, Type: "text/plain", Text: fmt.Sprintf("word%d", n)}})
		}
	}))
	for _, n := range []int{0, archive.MaxParts, parts - 1} {
		got, err := w.Search(t.Context(), archive.SearchRequest{Query: fmt.Sprintf("attachment:word%d", n), Limit: 5})
		if err != nil || len(got.Hits) != 1 || got.Hits[0].ID != id(parts) {
			t.Errorf("part %d: %v, %v; want its container", n+1, got.Hits, err)
		}
	}
}

func TestAnswersRun(t *testing.T) {
	w := newWorld(t)
	w.take(t, w.first(t))
	a, err := w.Answer(t.Context(), "critical-of-the-port")
	if err != nil {
		t.Fatal(err)
	}
	if a.Counts[0].N != 4 || a.Counts[1].N != 3 || a.Counts[2] != nil {
		t.Errorf("counts %+v %+v %+v; want 4 messages, 3 origins, none", a.Counts[0], a.Counts[1], a.Counts[2])
	}
	if c := a.Counts[0]; c.Release != 1 || c.Day != "2026-11-21" || len(c.Of) != 2 || c.Of[1].Version != 1 {
		t.Errorf("count %+v; want release, day and the two collections with their versions", c)
	}
	if !a.Evidence[2].Named || a.Evidence[2].ID != archivetest.Tender || a.Evidence[2].Withdrawn {
		t.Errorf("evidence %+v; want the tender, as it stands", a.Evidence[2])
	}
	for measure, want := range map[corpus.Measure]int{corpus.MeasureFiles: 7, corpus.MeasureEmails: 4, corpus.MeasureMessages: 2, corpus.MeasureOrigins: 2, corpus.MeasureSenders: 3, corpus.MeasureYears: 2} {
		if c, err := w.Count(t.Context(), "cameras", measure); err != nil || c.N != want {
			t.Errorf("%d %s, %v; want %d", c.N, measure, err, want)
		}
	}
	if _, err := w.Count(t.Context(), "cameras", "colours"); !errors.Is(err, fault.Invalid) {
		t.Errorf("unknown measure: %v", err)
	}
	e, err := w.Entity(t.Context(), "voronin")
	if err != nil || e.Files.N != total(t, w, e.Query) || e.Files.N < 3 {
		t.Errorf("entity: %d files, its query counts %d, %v", e.Files.N, total(t, w, e.Query), err)
	}
	if nobody, err := w.Entity(t.Context(), "nobody"); err != nil || nobody.Files.N != 0 {
		t.Errorf("an entity without letters is mentioned in %d files, %v", nobody.Files.N, err)
	}
}

func TestWithdrawalForgets(t *testing.T) {
	w := newWorld(t)
	w.take(t, w.first(t))
	original, b, err := w.Rendition(t.Context(), archivetest.Tender, "original")
	if err != nil {
		t.Fatal(err)
	}
	b.Close()
	before := total(t, w, "specification")
	second := w.newsroom.Release(t, "2026-11-22", func(r *release.Writer) {
		archivetest.Add(t, r, release.Withdrawal{Document: archivetest.Tender, Class: corpus.ReasonLegal, Authority: "editor", Text: "A court asked.", Date: "2026-11-22"})
		archivetest.Add(t, r, release.Correction{ID: "minutes", Document: archivetest.Minutes, Text: "Another day.", Date: "2026-11-22"})
	})
	if done := w.take(t, second); done.Withdrawn != 1 {
		t.Errorf("import %+v; want one withdrawal", done)
	}
	var notice *archive.WithdrawnError
	for what, err := range map[string]error{
		"document":  errOf(w.Document(t.Context(), archivetest.Tender)),
		"proof":     errOf(w.Proof(t.Context(), archivetest.Tender, "original")),
		"rendition": func() error { _, _, err := w.Rendition(t.Context(), archivetest.Tender, "original"); return err }(),
	} {
		if !errors.As(err, &notice) || !errors.Is(err, fault.Legal) || notice.Text != "A court asked." {
			t.Errorf("%s: %v; want the notice", what, err)
		}
	}
	if has, err := w.importer.Blobs.Has(t.Context(), original.SHA256); err != nil || has {
		t.Errorf("the original is still among the blobs: %v, %v", has, err)
	}
	if after := total(t, w, "specification"); after != before-1 {
		t.Errorf("%d found after, %d before; want one less", after, before)
	}
	// The answer that rested on it says so.
	a, err := w.Answer(t.Context(), "critical-of-the-port")
	if err != nil || !a.Evidence[2].Withdrawn || !a.Evidence[3].Corrected {
		t.Errorf("evidence %+v and %+v, %v; want withdrawn and corrected", a.Evidence[2], a.Evidence[3], err)
	}
	if l, err := w.Log(t.Context()); err != nil || len(l.Withdrawals) != 1 || len(l.Releases) != 2 {
		t.Errorf("log %+v, %v", l, err)
	}
	if err := w.importer.Catalog.Indexed(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if n, err := w.importer.Finish(t.Context()); err != nil || n != 10 {
		t.Errorf("reindex %d, %v; want the 10 that are left", n, err)
	}
}

// puts notes which documents come into an index, in their order.
type puts struct {
	search.Index
	all []search.Document
}

func (p *puts) Apply(ctx context.Context, b search.Batch) error {
	p.all = append(p.all, b.Put...)
	return p.Index.Apply(ctx, b)
}

// TestRebuildGoesOn where one that was stopped has left the index, and ends with the
// same.
func TestRebuildGoesOn(t *testing.T) {
	w := newWorld(t)
	w.take(t, w.first(t))
	rebuild := func(index search.Index) (came []search.Document, last archive.Progress) {
		t.Helper()
		if err := w.importer.Catalog.Indexed(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		p := &puts{Index: index}
		im := w.importer
		im.Index, im.Progress = p, func(p archive.Progress) { last = p }
		if err := im.Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
		return p.all, last
	}
	all, last := rebuild(searchtest.NewOracle())
	if want := w.importer.Index.Len(); len(all) != want || last.Indexed != want || last.Docs != want {
		t.Fatalf("%d of %d documents, at last %+v", len(all), want, last)
	}
	for _, done := range []int{1, 4, len(all) - 1} {
		half := searchtest.NewOracle()
		if err := half.Apply(t.Context(), search.Batch{Put: all[:done]}); err != nil {
			t.Fatal(err)
		}
		rest, _ := rebuild(half)
		if !reflect.DeepEqual(rest, all[done:]) || half.Len() != len(all) {
			t.Errorf("after %d: %d came, and %d are there; want the rest of %d", done, len(rest), half.Len(), len(all))
		}
	}
	head, err := w.importer.Catalog.Head(t.Context())
	if err != nil || head.Indexed != head.Release {
		t.Errorf("%+v, %v; want all indexed", head, err)
	}
}

func errOf[T any](_ T, err error) error { return err }

// TestAWithdrawalLeftOutIsToldOf: a mirror can take any entry out of its copy, and
// the copy verifies. Whoever imports it must learn that there was something.
func TestAWithdrawalLeftOutIsToldOf(t *testing.T) {
	w := newWorld(t)
	w.take(t, w.first(t))
	second := w.newsroom.Release(t, "2026-11-22", func(r *release.Writer) {
		archivetest.Add(t, r, release.Withdrawal{Document: archivetest.Tender, Class: corpus.ReasonLegal, Authority: "editor", Text: "A court asked.", Date: "2026-11-22"})
	})
	r, err := release.Open(bytes.NewReader(second), int64(len(second)), w.importer.Keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	var copied bytes.Buffer
	if err := r.Strip(&copied, func(e release.Record) bool { return e.Kind == release.KindWithdrawal }); err != nil {
		t.Fatal(err)
	}
	if done := w.take(t, copied.Bytes()); done.Missing != 1 {
		t.Errorf("import %+v; want it to tell of one entry that is missing", done)
	}
}

func TestProofHoldsWithoutTheArchive(t *testing.T) {
	w := newWorld(t)
	w.take(t, w.first(t))
	for _, name := range []string{"original", ""} {
		proof, err := w.Proof(t.Context(), archivetest.Tender, name)
		if err != nil {
			t.Fatal(err)
		}
		file := []byte(archivetest.TenderText)
		if name != "" {
			_, b, err := w.Rendition(t.Context(), archivetest.Tender, name)
			if err != nil {
				t.Fatal(err)
			}
			file, err = io.ReadAll(b)
			if err != nil {
				t.Fatal(err)
			}
			b.Close()
		}
		if report, err := release.VerifyProof(proof, bytes.NewReader(file), w.newsroom.Keys); err != nil || report.Document != archivetest.Tender {
			t.Errorf("proof of %q: %+v, %v", name, report, err)
		}
		file[3] ^= 1
		if _, err := release.VerifyProof(proof, bytes.NewReader(file), w.newsroom.Keys); !errors.Is(err, fault.Unverified) {
			t.Errorf("proof of %q with one changed byte: %v; want unverified", name, err)
		}
	}
}

func TestImportRefuses(t *testing.T) {
	w := newWorld(t)
	first := w.first(t)
	second := w.newsroom.Release(t, "2026-11-22", func(r *release.Writer) { archivetest.Add(t, r, archivetest.Harbour()) })
	stranger := archivetest.NewNewsroom(t)
	forged := stranger.Release(t, "2026-11-21", func(r *release.Writer) { archivetest.First(t, r) })
	changed := bytes.Clone(first)
	changed[len(changed)/2] ^= 1
	for name, c := range map[string]struct {
		file []byte
		kind error
		word string
	}{
		"unknown key":  {forged, fault.Unverified, "signed"},
		"one bit":      {changed, fault.Unverified, "not signed"},
		"cut off":      {first[:len(first)-9], fault.Damaged, "cut off"},
		"no release":   {[]byte("hello"), fault.Damaged, "whole release"},
		"out of order": {second, fault.Conflict, "missing"},
	} {
		_, err := w.importer.ImportFile(t.Context(), bytes.NewReader(c.file), int64(len(c.file)))
		if !errors.Is(err, c.kind) || !strings.Contains(fault.Words(err), c.word) {
			t.Errorf("%s: %v, words %q; want %v and %q", name, err, fault.Words(err), c.kind, c.word)
		}
	}
	if h, err := w.importer.Catalog.Head(t.Context()); err != nil || h.Release != 0 {
		t.Errorf("after refusals the head is %+v, %v", h, err)
	}
	w.take(t, first)
	w.take(t, second)
	for _, again := range [][]byte{first, second} {
		if done := w.take(t, again); !done.Already {
			t.Errorf("imported twice: %+v; want nothing done", done)
		}
	}
	other := archivetest.NewNewsroom(t)
	other.Release(t, "2026-11-21", func(r *release.Writer) { archivetest.First(t, r) })
	im := w.importer
	im.Keys = other.Keys
	if _, err := im.ImportFile(t.Context(), bytes.NewReader(first), int64(len(first))); err == nil {
		t.Error("a log signed by unknown keys was continued")
	}
}

// What pages could not show is refused before anybody sees it.
func TestImportRefusesWhatPagesCannotShow(t *testing.T) {
	for name, write := range map[string]func(*release.Writer){
		"topic": func(r *release.Writer) { archivetest.Add(t, r, corpus.Topic{ID: "t", Title: "T", Query: "(open"}) },
		"claim": func(r *release.Writer) {
			archivetest.Add(t, r, corpus.Answer{ID: "a", Question: "Q?", Claims: []corpus.Claim{{Kind: corpus.ClaimCount, Text: "%d", Query: "\""}}})
		},
		"measure": func(r *release.Writer) {
			archivetest.Add(t, r, corpus.Answer{ID: "a", Question: "Q?", Claims: []corpus.Claim{{Kind: corpus.ClaimCount, Text: "%d", Query: "x", Measure: "colours"}}})
		},
	} {
		w := newWorld(t)
		file := w.newsroom.Release(t, "2026-11-21", write)
		_, err := w.importer.ImportFile(t.Context(), bytes.NewReader(file), int64(len(file)))
		if !errors.Is(err, fault.Invalid) || !strings.Contains(fault.Words(err), "cannot show") {
			t.Errorf("%s: %v", name, err)
		}
		if head, err := w.importer.Catalog.Head(t.Context()); err != nil || head.Release != 0 {
			t.Errorf("%s: head %+v, %v", name, head, err)
		}
	}
}

// A preview imports one release alone, whatever its number.
func TestPreviewOfOneRelease(t *testing.T) {
	w := newWorld(t)
	w.first(t)
	second := w.newsroom.Release(t, "2026-11-22", func(r *release.Writer) { archivetest.First(t, r) })
	w.importer.Log = nil
	w.Archive = w.open(t)
	w.take(t, second)
	if d, err := w.Document(t.Context(), archivetest.Tender); err != nil || d.Release != 2 {
		t.Errorf("document of release %d, %v; want 2", d.Release, err)
	}
	if done := w.take(t, second); !done.Already {
		t.Errorf("imported twice: %+v", done)
	}
	if _, err := w.Proof(t.Context(), archivetest.Tender, ""); !errors.Is(err, fault.NotFound) {
		t.Errorf("proof in a preview: %v; want none", err)
	}
}

// An import that fails at any step leaves what readers saw, or the whole release;
// importing again ends it.
func TestImportEndsAfterAnyFailure(t *testing.T) {
	for _, written := range []bool{false, true} {
		step := 1
		for ; endsAfter(t, step, written); step++ {
		}
		if step < 10 {
			t.Fatalf("an import takes %d steps; this test sees too few", step)
		}
	}
}

// endsAfter tries an import whose n-th step fails, with or without having done its
// work, and all steps after it. It reports whether there was such a step.
func endsAfter(t *testing.T, step int, written bool) bool {
	w := newWorld(t)
	first := w.first(t)
	w.take(t, first)
	second := w.newsroom.Release(t, "2026-11-22", func(r *release.Writer) {
		archivetest.Add(t, r, release.Document{Document: corpus.Document{ID: archivetest.ID(50), Collection: "harbour", Title: "New", Text: "canary"}, State: corpus.Published})
		archivetest.AddRendition(t, r, release.Rendition{Document: archivetest.ID(50), Name: "original", Label: "l", Type: "text/plain"}, []byte("canary"))
		archivetest.Add(t, r, release.Withdrawal{Document: archivetest.Reply, Class: corpus.ReasonHarm, Authority: "editor", Date: "2026-11-22"})
	})
	f := &failing{left: step, written: written}
	im := w.importer
	im.Catalog, im.Index, im.Log, im.Blobs = &failingStore{im.Catalog, f}, &failingIndex{im.Index, f}, &failingLog{im.Log, f}, &failingBlobs{im.Blobs, f}
	_, err := im.ImportFile(t.Context(), bytes.NewReader(second), int64(len(second)))
	if f.left > 0 {
		if err != nil {
			t.Fatal(err)
		}
		return false
	}
	if err == nil {
		t.Fatalf("step %d failed, and the import says nothing", step)
	}
	head, _ := w.importer.Catalog.Head(t.Context())
	_, newDoc := w.Document(t.Context(), archivetest.ID(50))
	_, oldDoc := w.Document(t.Context(), archivetest.Reply)
	if (newDoc == nil) != (head.Release == 2) || (oldDoc == nil) == (head.Release == 2) {
		t.Errorf("step %d: at release %d new %v, withdrawn %v: half a release", step, head.Release, newDoc, oldDoc)
	}
	if head.Release == 1 && total(t, w, "canary") != 0 {
		t.Errorf("step %d: a document is found before its release", step)
	}
	w.take(t, second)
	if total(t, w, "canary") != 1 || total(t, w, "") != 11 {
		t.Errorf("step %d: after the import was ended: %d and %d files; want 1 and 11", step, total(t, w, "canary"), total(t, w, ""))
	}
	if s, err := w.Status(t.Context()); err != nil || s.Indexing || s.Release != 2 {
		t.Errorf("step %d: status %+v, %v", step, s, err)
	}
	if _, err := w.Proof(t.Context(), archivetest.ID(50), "original"); err != nil {
		t.Errorf("step %d: %v", step, err)
	}
	return true
}

var errDisk = errors.New("the disk is full, says the test")

// failing lets some steps pass, fails the next, with its work done or not, and all
// after it, as if the process had died.
type failing struct {
	left    int
	written bool
}

func (f *failing) do(step func() error) error {
	f.left--
	if f.left > 0 || f.left == 0 && f.written {
		if err := step(); err != nil {
			return err
		}
	}
	if f.left <= 0 {
		return errDisk
	}
	return nil
}

type failingStore struct {
	archive.Store
	f *failing
}

func (s *failingStore) Begin(ctx context.Context, r archive.Release) (st archive.Staging, err error) {
	err = s.f.do(func() error { st, err = s.Store.Begin(ctx, r); return err })
	return &failingStaging{st, s.f}, err
}

func (s *failingStore) Switch(ctx context.Context, n int) error {
	return s.f.do(func() error { return s.Store.Switch(ctx, n) })
}

func (s *failingStore) Indexed(ctx context.Context, n int) error {
	return s.f.do(func() error { return s.Store.Indexed(ctx, n) })
}

func (s *failingStore) Forget(ctx context.Context) (refs []blob.Ref, err error) {
	err = s.f.do(func() error { refs, err = s.Store.Forget(ctx); return err })
	return refs, err
}

func (s *failingStore) Forgotten(ctx context.Context, refs []blob.Ref) error {
	return s.f.do(func() error { return s.Store.Forgotten(ctx, refs) })
}

type failingStaging struct {
	archive.Staging
	f *failing
}

func (s *failingStaging) Put(ctx context.Context, e []archive.Staged) error {
	return s.f.do(func() error { return s.Staging.Put(ctx, e) })
}

type failingIndex struct {
	search.Index
	f *failing
}

func (i *failingIndex) Apply(ctx context.Context, b search.Batch) error {
	return i.f.do(func() error { return i.Index.Apply(ctx, b) })
}

type failingLog struct {
	publog.Store
	f *failing
}

func (l *failingLog) Put(path string, data []byte) error {
	return l.f.do(func() error { return l.Store.Put(path, data) })
}

type failingBlobs struct {
	blob.Store
	f *failing
}

func (b *failingBlobs) Begin(ctx context.Context) (batch blob.Batch, err error) {
	err = b.f.do(func() error { batch, err = b.Store.Begin(ctx); return err })
	return batch, err
}

func (b *failingBlobs) Delete(ctx context.Context, ref blob.Ref) error {
	return b.f.do(func() error { return b.Store.Delete(ctx, ref) })
}
