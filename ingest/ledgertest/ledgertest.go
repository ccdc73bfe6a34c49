// Package ledgertest proves what keeps the ledger of ingest: Run is the contract,
// and Mem a ledger in memory that fulfils it.
package ledgertest

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"daylight/blob"
	"daylight/corpus"
	"daylight/ingest"
	"daylight/search"
)

// Run checks a ledger. empty gives a fresh one for a collection that holds
// nothing yet; what is optional in ingest's contract is checked where it is there.
func Run(t *testing.T, empty func(t *testing.T) ingest.Ledger) {
	for name, f := range map[string]func(*testing.T, ingest.Ledger){
		"empty": testEmpty, "commit": testCommit, "twice": testTwice, "quarantined": testQuarantined,
		"no bytes": testNoBytes, "done": testDone, "index": testIndex, "levels": testLevels,
		"messages": testMessages, "attached": testAttached, "at": testAt, "together": testTogether,
	} {
		t.Run(name, func(t *testing.T) { f(t, empty(t)) })
	}
}

// record makes one of a document with these bytes.
func record(path string, level int, bytes string) ingest.Record {
	hash := blob.Ref{}
	copy(hash[:], "hash of "+bytes)
	return ingest.Record{
		Path: path, Level: level, Size: int64(len(bytes)), Hash: hash, State: corpus.Pending,
		Document: &corpus.Document{
			ID: corpus.NewDocumentID(), Collection: "test", Title: path, Paths: []string{path}, Type: "text/plain",
			Size: int64(len(bytes)), Text: bytes, Languages: []string{"en", "ru"},
			Facts: []corpus.Fact{{Name: "Subject", Value: "one"}, {Name: "Subject", Value: "two"}},
		},
	}
}

func duplicate(path string, of ingest.Record) ingest.Record {
	return ingest.Record{Path: path, Level: of.Level, Size: of.Size, Hash: of.Hash, State: corpus.Duplicate, Of: of.Document.ID}
}

func commit(t *testing.T, l ingest.Ledger, records ...ingest.Record) {
	t.Helper()
	if err := l.Commit(t.Context(), records, nil); err != nil {
		t.Fatal(err)
	}
}

// total checks the number of items in each state, and that the equation holds.
func total(t *testing.T, l ingest.Ledger, want map[corpus.State]corpus.Tally) {
	t.Helper()
	b, err := l.Balance(t.Context())
	if err == nil {
		err = b.Check()
	}
	if err != nil {
		t.Fatal(err)
	}
	got := b.Total().States
	for _, s := range corpus.States {
		if got[s] != want[s] {
			t.Errorf("%s: %v; want %v", s, got[s], want[s])
		}
	}
}

func finds(t *testing.T, l ingest.Ledger, hash blob.Ref, want corpus.DocumentID) {
	t.Helper()
	id, ok, err := l.Find(t.Context(), hash)
	if err != nil || ok == want.IsZero() || id != want {
		t.Errorf("find: %s, %t, %v; want %q", id, ok, err, want)
	}
}

func testEmpty(t *testing.T, l ingest.Ledger) {
	finds(t, l, blob.Ref{1}, corpus.DocumentID{})
	finds(t, l, blob.Ref{}, corpus.DocumentID{})
	if ok, err := l.Done(t.Context(), "a"); ok || err != nil {
		t.Errorf("done: %t, %v", ok, err)
	}
	if docs, err := l.Unindexed(t.Context(), 10); len(docs) != 0 || err != nil {
		t.Errorf("%d unindexed, %v", len(docs), err)
	}
	if err := l.Commit(t.Context(), nil, nil); err != nil {
		t.Errorf("commit of nothing: %v", err)
	}
	total(t, l, nil)
}

func testCommit(t *testing.T, l ingest.Ledger) {
	a, b := record("a", 0, "aaa"), record("b", 0, "bb")
	commit(t, l, a, b, duplicate("c", a))
	finds(t, l, a.Hash, a.Document.ID)
	finds(t, l, b.Hash, b.Document.ID)
	total(t, l, map[corpus.State]corpus.Tally{corpus.Pending: {Files: 2, Bytes: 5}, corpus.Duplicate: {Files: 1, Bytes: 3}})
}

// A path that is recorded stays as it is: its document keeps its id.
func testTwice(t *testing.T, l ingest.Ledger) {
	a := record("a", 0, "aaa")
	commit(t, l, a)
	commit(t, l, record("a", 0, "aaa"), record("b", 0, "b"))
	commit(t, l, duplicate("a", a))
	finds(t, l, a.Hash, a.Document.ID)
	total(t, l, map[corpus.State]corpus.Tally{corpus.Pending: {Files: 2, Bytes: 4}})
	docs, err := l.Unindexed(t.Context(), 10)
	if err != nil || len(docs) != 2 {
		t.Errorf("%d documents, %v; want 2", len(docs), err)
	}
}

func testQuarantined(t *testing.T, l ingest.Ledger) {
	a := record("a", 0, "noise")
	a.State = corpus.Quarantined
	commit(t, l, a, duplicate("b", a))
	finds(t, l, a.Hash, a.Document.ID)
	total(t, l, map[corpus.State]corpus.Tally{corpus.Quarantined: {Files: 1, Bytes: 5}, corpus.Duplicate: {Files: 1, Bytes: 5}})
	if docs, err := l.Unindexed(t.Context(), 10); len(docs) != 0 || err != nil {
		t.Errorf("%d of quarantine to be indexed, %v; want none", len(docs), err)
	}
}

// Items of which there are no bytes are never the same as one another.
func testNoBytes(t *testing.T, l ingest.Ledger) {
	for _, path := range []string{"a", "b"} {
		r := record(path, 0, "")
		r.Hash, r.State = blob.Ref{}, corpus.Quarantined
		commit(t, l, r)
	}
	finds(t, l, blob.Ref{}, corpus.DocumentID{})
	total(t, l, map[corpus.State]corpus.Tally{corpus.Quarantined: {Files: 2}})
}

func testDone(t *testing.T, l ingest.Ledger) {
	a := record("a", 0, "aaa")
	if err := l.Commit(t.Context(), []ingest.Record{a}, []string{"a"}); err != nil {
		t.Fatal(err)
	}
	commit(t, l, record("b", 0, "b"))
	for path, want := range map[string]bool{"a": true, "b": false, "a/x": false} {
		if ok, err := l.Done(t.Context(), path); ok != want || err != nil {
			t.Errorf("done %q: %t, %v; want %t", path, ok, err, want)
		}
	}
	if err := l.Commit(t.Context(), nil, []string{"b", "a"}); err != nil {
		t.Fatal(err)
	}
	if ok, err := l.Done(t.Context(), "b"); !ok || err != nil {
		t.Errorf("done later: %t, %v", ok, err)
	}
}

func testIndex(t *testing.T, l ingest.Ledger) {
	var all []corpus.DocumentID
	for i := range 5 {
		r := record(fmt.Sprint("f", i), 0, fmt.Sprint("text ", i))
		all = append(all, r.Document.ID)
		commit(t, l, r)
	}
	docs, err := l.Unindexed(t.Context(), 3)
	if err != nil || len(docs) != 3 {
		t.Fatalf("%d unindexed, %v; want 3", len(docs), err)
	}
	for _, d := range docs {
		i := slices.Index(all, d.ID)
		if i < 0 || d.Text != fmt.Sprint("text ", i) || len(d.Facts) != 2 || d.Language() != "en" || d.Paths[0] != fmt.Sprint("f", i) {
			t.Errorf("document %s is not what was recorded", d.ID)
		}
	}
	if err := l.Indexed(t.Context(), all[:4]); err != nil {
		t.Fatal(err)
	}
	if err := l.Indexed(t.Context(), all[:1]); err != nil {
		t.Errorf("confirmed twice: %v", err)
	}
	if docs, err = l.Unindexed(t.Context(), 10); err != nil || len(docs) != 1 || docs[0].ID != all[4] {
		t.Errorf("%d unindexed, %v; want the last one", len(docs), err)
	}
	bad := record("noise", 0, "noise")
	bad.State = corpus.Quarantined
	commit(t, l, bad)
	if err := l.IndexLost(t.Context()); err != nil {
		t.Fatal(err)
	}
	if docs, err = l.Unindexed(t.Context(), 10); err != nil || len(docs) != 5 {
		t.Errorf("%d unindexed after the index was lost, %v; want all 5, and nothing of quarantine", len(docs), err)
	}
}

func testLevels(t *testing.T, l ingest.Ledger) {
	zip := record("a.zip", 0, "zip")
	part := record("a.zip/in.eml", 1, "message")
	part.Document.Parent = zip.Document.ID
	deep := record("a.zip/in.eml/x/y.pdf", 2, "pdf")
	deep.Document.Parent = part.Document.ID
	commit(t, l, zip, part)
	commit(t, l, deep, duplicate("a.zip/in.eml/z.pdf", deep))
	b, err := l.Balance(t.Context())
	if err != nil || len(b.Levels) != 3 {
		t.Fatalf("%d levels, %v; want 3", len(b.Levels), err)
	}
	for i, want := range []corpus.Tally{{Files: 1, Bytes: 3}, {Files: 1, Bytes: 7}, {Files: 2, Bytes: 6}} {
		if b.Levels[i].Received != want {
			t.Errorf("level %d: %v; want %v", i, b.Levels[i].Received, want)
		}
	}
}

func testMessages(t *testing.T, l ingest.Ledger) {
	c, ok := l.(ingest.MessageCounter)
	if !ok {
		t.Skip("this ledger does not count messages")
	}
	a, b := record("a", 0, "a"), record("b", 0, "b")
	a.Message = true
	again := duplicate("c", a)
	again.Message = true
	commit(t, l, a, b, again)
	commit(t, l, a)
	if n, err := c.Messages(t.Context()); n != 2 || err != nil {
		t.Errorf("%d messages, %v; want 2", n, err)
	}
}

func testAttached(t *testing.T, l ingest.Ledger) {
	a, ok := l.(ingest.Attacher)
	if !ok {
		t.Skip("this ledger does not join attachments")
	}
	mail := record("m.eml", 0, "hello")
	var want search.Attachments
	commit(t, l, mail)
	for i := range 3 {
		r := record(fmt.Sprintf("m.eml/%d.txt", i), 1, fmt.Sprint("part ", i))
		r.Document.Parent = mail.Document.ID
		r.Document.Name = fmt.Sprintf("%d.txt", i)
		want.Add(r.Document)
		commit(t, l, r)
	}
	if got, err := a.Attached(t.Context(), mail.Document.ID); got != want.String() || err != nil {
		t.Errorf("attached %q, %v; want %q", got, err, want.String())
	}
	if got, err := a.Attached(t.Context(), corpus.NewDocumentID()); got != "" || err != nil {
		t.Errorf("attached to nothing: %q, %v", got, err)
	}
}

func testAt(t *testing.T, l ingest.Ledger) {
	p, ok := l.(ingest.Placer)
	if !ok {
		t.Skip("this ledger does not tell what is at a path")
	}
	a := record("a", 0, "aaa")
	none := record("none", 0, "")
	none.Hash, none.State = blob.Ref{}, corpus.Quarantined
	commit(t, l, a, duplicate("b", a), none)
	for path, want := range map[string]blob.Ref{"a": a.Hash, "b": a.Hash, "none": {}} {
		if hash, ok, err := p.At(t.Context(), path); hash != want || !ok || err != nil {
			t.Errorf("at %q: %s, %t, %v", path, hash, ok, err)
		}
	}
	if _, ok, err := p.At(t.Context(), "c"); ok || err != nil {
		t.Errorf("at a path without a record: %t, %v", ok, err)
	}
}

// Readers and a writer at the same time.
func testTogether(t *testing.T, l ingest.Ledger) {
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 20 {
				if _, err := l.Done(t.Context(), fmt.Sprint("f", i)); err != nil {
					t.Error(err)
				}
				if _, _, err := l.Find(t.Context(), blob.Ref{byte(i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 20 {
		r := record(fmt.Sprint("f", i), 0, fmt.Sprint(i))
		if err := l.Commit(t.Context(), []ingest.Record{r}, []string{r.Path}); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	total(t, l, map[corpus.State]corpus.Tally{corpus.Pending: {Files: 20, Bytes: 30}})
}
