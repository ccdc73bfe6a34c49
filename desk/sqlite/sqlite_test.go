package sqlite_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"daylight/blob/fs"
	"daylight/blob/seal"
	"daylight/corpus"
	"daylight/desk"
	"daylight/desk/desktest"
	"daylight/desk/sqlite"
	"daylight/envelope"
	"daylight/ingest"
	"daylight/ingest/ledgertest"
	"daylight/internal/sqlkit"
)

func open(t testing.TB, path string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path, &sqlkit.Key{7})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestStores(t *testing.T) {
	desktest.Run(t, func(t *testing.T) desk.Stores { return open(t, filepath.Join(t.TempDir(), "desk.db")).Stores() })
}

func TestBackup(t *testing.T) {
	dir := t.TempDir()
	db := open(t, filepath.Join(dir, "desk.db"))
	if err := db.Stores().Users.Put(t.Context(), desk.User{ID: "ana"}); err != nil {
		t.Fatal(err)
	}
	if err := db.Backup(t.Context(), filepath.Join(dir, "copy.db")); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, filepath.Join(dir, "copy.db")).Stores().Users.User(t.Context(), "ana"); err != nil {
		t.Errorf("account in the copy: %v", err)
	}
}

// TestStrangersAreNotRead: what is asked for each round and each page of a case reads
// no conversation but those that it is about.
func TestStrangersAreNotRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "desk.db")
	open(t, path)
	db, err := sqlkit.OpenAny(t.Context(), path, &sqlkit.Key{7})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for index, where := range map[string]string{"conversations_replying": sqlite.IsReplying, "conversations_of_cases": sqlite.IsOfACase} {
		var plan string
		var n any
		if err := db.QueryRowContext(t.Context(), "EXPLAIN QUERY PLAN SELECT body FROM conversations WHERE "+where+" ORDER BY id").Scan(&n, &n, &n, &plan); err != nil || !strings.Contains(plan, "USING INDEX "+index) {
			t.Errorf("%s: %q, %v", index, plan, err)
		}
	}
}

// TestTextKeepsItsSize: a stranger's text must not grow where it is kept.
func TestTextKeepsItsSize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "desk.db")
	text := strings.Repeat("<&>", 10_000)
	err := open(t, path).Stores().Conversations.Receive(t.Context(), "e", "", func(c *desk.Conversation) error {
		c.Receive(desk.Message{Text: text})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	db, err := sqlkit.OpenAny(t.Context(), path, &sqlkit.Key{7})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var size int
	if err := db.QueryRowContext(t.Context(), "SELECT length(body) FROM conversations").Scan(&size); err != nil || size > len(text)+1000 {
		t.Errorf("%d bytes are kept of a text of %d, %v", size, len(text), err)
	}
}

// BenchmarkCommit records e-mails of 1.3 kB with an attachment each, in groups of
// 500 as ingest does.
func BenchmarkCommit(b *testing.B) {
	db := open(b, filepath.Join(b.TempDir(), "desk.db"))
	l := db.Stores().Documents.Ledger("c")
	text := ""
	for n := 0; len(text) < 1300; n++ {
		text += fmt.Sprintf("The tender of %d was bent at the %dth desk. ", n*7919%1000, n)
	}
	var group []ingest.Record
	for n := 0; b.Loop(); n++ {
		path := fmt.Sprintf("mail/%d.eml", n/2)
		level := n % 2
		if level == 1 {
			path += "/a.txt"
		}
		id := corpus.NewDocumentID()
		r := ingest.Record{Path: path, Level: level, Size: 1300, State: corpus.Pending, Document: &corpus.Document{
			ID: id, Title: "About the tender", Type: "message/rfc822", Text: text, Languages: []string{"en"},
			Facts: []corpus.Fact{{Name: "Subject", Value: "About the tender"}, {Name: "From", Value: "a@example.org"}}}}
		copy(r.Hash[:], id[:])
		if group = append(group, r); len(group) == 500 {
			if err := l.Commit(b.Context(), group, nil); err != nil {
				b.Fatal(err)
			}
			group = group[:0]
		}
	}
}

func TestLedger(t *testing.T) {
	ledgertest.Run(t, func(t *testing.T) ingest.Ledger {
		return open(t, filepath.Join(t.TempDir(), "desk.db")).Stores().Documents.Ledger("papers")
	})
}

// What is searched as attachments is what the ledger's document holds: not what was
// quarantined or destroyed, nor what is inside of a part; and what was found in
// another copy of it.
func TestAttached(t *testing.T) {
	docs := open(t, filepath.Join(t.TempDir(), "desk.db")).Stores().Documents
	l := docs.Ledger("papers")
	record := func(path string, level int, state corpus.State, parent corpus.DocumentID) ingest.Record {
		r := ingest.Record{Path: path, Level: level, State: state, Document: &corpus.Document{
			ID: corpus.NewDocumentID(), Parent: parent, Name: path, Text: "text of " + path, Languages: []string{"en"}}}
		copy(r.Hash[:], r.Document.ID[:])
		return r
	}
	mail := record("m.eml", 0, corpus.Pending, corpus.DocumentID{})
	id := mail.Document.ID
	again := ingest.Record{Path: "again.eml", Hash: mail.Hash, State: corpus.Duplicate, Of: id}
	part := record("m.eml/kept.txt", 1, corpus.Pending, id)
	gone := record("m.eml/gone.txt", 1, corpus.Pending, id)
	err := l.Commit(t.Context(), []ingest.Record{mail, part, gone, again,
		record("m.eml/noise.bin", 1, corpus.Quarantined, id),
		record("m.eml/kept.txt/deep.txt", 2, corpus.Pending, part.Document.ID),
		record("again.eml/late.txt", 1, corpus.Pending, id)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = docs.Update(t.Context(), "papers", desk.Filter{IDs: []corpus.DocumentID{gone.Document.ID}}, func(i *desk.Item) error {
		i.State = corpus.Destroyed
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := l.(ingest.Attacher).Attached(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{"kept.txt\n": true, "late.txt\n": true, "gone": false, "noise": false, "deep": false} {
		if strings.Contains(got, text) != want {
			t.Errorf("attached %q: holds %q: %t; want %t", got, text, !want, want)
		}
	}
}

// BenchmarkFetch takes in 1,000 envelopes of as many sources, each a message with a file
// of 20 kB, as the desk has them when it has fetched: opened, in sealed blobs on the
// disk, in conversations, acknowledged. Intake is in memory.
func BenchmarkFetch(b *testing.B) {
	const envelopes = 1000
	for b.Loop() {
		b.StopTimer()
		w := desktest.NewWorld(b, open(b, filepath.Join(b.TempDir(), "desk.db")).Stores())
		blobs, err := fs.Open(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		if w.Options.Blobs, err = seal.New(blobs, make([]byte, seal.KeySize)); err != nil {
			b.Fatal(err)
		}
		w.Reopen()
		for n := range envelopes {
			key, err := envelope.FromSecret([32]byte{byte(n), byte(n >> 8)})
			if err != nil {
				b.Fatal(err)
			}
			var sealed bytes.Buffer
			s, err := envelope.Seal(&sealed, envelope.Head{Time: w.Clock, Path: "web"}, w.Private[0].Recipient())
			if err != nil {
				b.Fatal(err)
			}
			s.Text(strings.NewReader("What this is."))
			s.File("minutes.pdf", bytes.NewReader(make([]byte, 20_000)))
			s.Address(envelope.Address{Mailbox: fmt.Sprintf("%064x", n), Key: key.Recipient().String()})
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			w.Intake.Leave(sealed.Bytes())
		}
		b.StartTimer()
		if got, err := w.Fetch(b.Context(), w.Intake); err != nil || got.Envelopes != envelopes {
			b.Fatalf("%+v, %v", got, err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/1000")
}
