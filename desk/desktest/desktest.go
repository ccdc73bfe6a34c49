// Package desktest proves that a backend keeps what package desk asks of
// desk.Stores.
package desktest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"daylight/blob"
	"daylight/corpus"
	"daylight/courier"
	"daylight/custody"
	"daylight/custody/custodytest"
	"daylight/desk"
	"daylight/fault"
	"daylight/ingest"
)

// Run runs the suite. open returns empty stores each time it is called.
func Run(t *testing.T, open func(t *testing.T) desk.Stores) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, desk.Stores)
	}{
		{"users", testUsers}, {"tokens", testTokens}, {"conversations", testConversations}, {"envelopes", testEnvelopes}, {"cases", testCases},
		{"items", testItems}, {"filters", testFilters}, {"late holder", testLateHolder}, {"update", testUpdate},
		{"releases", testReleases}, {"receipts", testReceipts}, {"saved replies", testSaved}, {"audit", testAudit},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t *testing.T, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("error %v; want kind %v", err, kind)
	}
}

func testUsers(t *testing.T, s desk.Stores) {
	_, err := s.Users.User(t.Context(), "ana")
	wantKind(t, err, fault.NotFound)
	for _, id := range []desk.EditorID{"bo", "ana"} {
		must(t, s.Users.Put(t.Context(), desk.User{ID: id, Name: "N", Roles: []desk.Role{desk.Editor}}))
	}
	must(t, s.Users.Put(t.Context(), desk.User{ID: "bo", Name: "Bo", Roles: []desk.Role{desk.Handler}}))
	all, err := s.Users.All(t.Context())
	must(t, err)
	if len(all) != 2 || all[0].ID != "ana" || all[1].Name != "Bo" || !all[1].Is(desk.Handler) {
		t.Errorf("accounts %+v; want ana, then bo as changed", all)
	}
}

func testTokens(t *testing.T, s desk.Stores) {
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	token := func(n byte, of desk.EditorID, made time.Time) desk.Token {
		return desk.Token{Hash: [32]byte{n}, Editor: of, Session: true, Made: made, Seen: made}
	}
	for _, k := range []desk.Token{token(1, "ana", at), token(2, "ana", at), token(3, "bo", at), token(4, "bo", at.Add(-48*time.Hour))} {
		must(t, s.Users.PutToken(t.Context(), k))
	}
	must(t, s.Users.Touch(t.Context(), [32]byte{3}, at.Add(time.Minute)))
	got, err := s.Users.Token(t.Context(), [32]byte{3})
	must(t, err)
	if want := token(3, "bo", at); !got.Made.Equal(want.Made) || !got.Seen.Equal(at.Add(time.Minute)) || got.Editor != "bo" || !got.Session {
		t.Errorf("token %+v", got)
	}
	var wins int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := s.Users.TakeToken(t.Context(), [32]byte{1}); err == nil {
				mu.Lock()
				wins++
				mu.Unlock()
			} else if !errors.Is(err, fault.NotFound) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if wins != 1 {
		t.Errorf("a token was taken %d times; want once", wins)
	}
	must(t, s.Users.Touch(t.Context(), [32]byte{1}, at))
	_, err = s.Users.Token(t.Context(), [32]byte{1})
	wantKind(t, err, fault.NotFound) // touching brings nothing back
	must(t, s.Users.DropTokens(t.Context(), "ana", at.Add(-time.Hour)))
	for n, kept := range map[byte]bool{2: false, 3: true, 4: false} {
		_, err := s.Users.Token(t.Context(), [32]byte{n})
		if (err == nil) != kept {
			t.Errorf("token %d: %v; want kept %v", n, err, kept)
		}
	}
}

func testConversations(t *testing.T, s desk.Stores) {
	receive := func(envelope, box, text string) error {
		return s.Conversations.Receive(t.Context(), courier.EnvelopeID(envelope), courier.MailboxID(box), func(c *desk.Conversation) error {
			c.Mailbox = courier.MailboxID(box)
			c.Receive(desk.Message{ID: envelope, Text: text})
			return nil
		})
	}
	must(t, receive("e1", "m1", "one"))
	must(t, receive("e2", "m1", "two"))
	must(t, receive("e2", "m1", "two again"))
	must(t, receive("e3", "", "three"))
	must(t, receive("e4", "", "four"))
	failed := errors.New("refused")
	err := s.Conversations.Receive(t.Context(), "e5", "m1", func(*desk.Conversation) error { return failed })
	wantKind(t, err, failed)
	for e, want := range map[string]bool{"e1": true, "e2": true, "e5": false, "e6": false} {
		if got, err := s.Conversations.Received(t.Context(), courier.EnvelopeID(e)); err != nil || got != want {
			t.Errorf("received %s: %v, %v; want %v", e, got, err, want)
		}
	}
	all, err := s.Conversations.All(t.Context())
	must(t, err)
	if len(all) != 3 {
		t.Fatalf("%d conversations; want one for the mailbox and one for each envelope without", len(all))
	}
	i := slices.IndexFunc(all, func(c desk.Conversation) bool { return c.Mailbox == "m1" })
	if i < 0 || len(all[i].Messages) != 2 || all[i].Messages[1].Text != "two" || all[i].Pseudonym == "" {
		t.Fatalf("conversations %+v", all)
	}
	id := all[i].ID
	err = s.Conversations.Update(t.Context(), id, func(c *desk.Conversation) error { c.Waits = false; return failed })
	wantKind(t, err, failed)
	must(t, s.Conversations.Update(t.Context(), id, func(c *desk.Conversation) error { c.Wrote("ana"); return nil }))
	got, err := s.Conversations.Get(t.Context(), id)
	must(t, err)
	if !got.Waits || !slices.Equal(got.Writers, []desk.EditorID{"ana"}) {
		t.Errorf("conversation %+v; want the failed change undone and the other kept", got)
	}

	// Texts that look like what is asked for are not.
	must(t, receive("e7", "m7", `"sealed":`))
	must(t, receive("e8", "m8", `sealed`))
	must(t, receive("e9", "m9", `"cases":["k1"]`))
	must(t, receive("e10", "m10", "k1"))
	wantThose := func(what string, got []desk.Conversation, err error, want ...desk.ConversationID) {
		t.Helper()
		must(t, err)
		var ids []desk.ConversationID
		for _, c := range got {
			ids = append(ids, c.ID)
		}
		if !slices.Equal(ids, want) {
			t.Errorf("%s: %v; want %v", what, ids, want)
		}
	}
	those, err := s.Conversations.Replying(t.Context())
	wantThose("replying before", those, err)
	must(t, s.Conversations.Update(t.Context(), id, func(c *desk.Conversation) error {
		c.ReplyKey, c.Cases = "k", []desk.CaseID{"k0", "k1"}
		return c.Reply("ana", "2026-11-02", "Thanks.", nil, "r", blob.Ref{1})
	}))
	those, err = s.Conversations.Replying(t.Context())
	wantThose("replying", those, err, id)
	if len(those) == 1 && (len(those[0].Messages) != 3 || those[0].Messages[2].Sealed != blob.Ref{1}) {
		t.Errorf("conversation %+v; want all of it", those[0])
	}
	for of, want := range map[desk.CaseID][]desk.ConversationID{"k1": {id}, "k": nil, "k2": nil} {
		those, err := s.Conversations.Of(t.Context(), of)
		wantThose("of case "+string(of), those, err, want...)
	}
	must(t, s.Conversations.Update(t.Context(), id, func(c *desk.Conversation) error {
		c.Messages[2].Sealed, c.Cases = blob.Ref{}, nil
		return nil
	}))
	those, err = s.Conversations.Replying(t.Context())
	wantThose("replying once it is left", those, err)
	those, err = s.Conversations.Of(t.Context(), "k1")
	wantThose("of a case that is none any more", those, err)

	wantKind(t, s.Conversations.Update(t.Context(), "none", func(*desk.Conversation) error { return nil }), fault.NotFound)
}

func testCases(t *testing.T, s desk.Stores) {
	a, err := desk.NewCase("Harbour papers")
	must(t, err)
	must(t, s.Cases.Add(t.Context(), a))
	again, err := desk.NewCase("Harbour, papers!")
	must(t, err)
	wantKind(t, s.Cases.Add(t.Context(), again), fault.Conflict)
	b, err := desk.NewCase("Second")
	must(t, err)
	must(t, s.Cases.Add(t.Context(), b))

	// Every change of several at once is kept.
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			if err := s.Cases.Update(t.Context(), a.ID, func(c *desk.Case) error { c.Bar(desk.EditorID(fmt.Sprint("e", n)), desk.BarWrote); return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got, err := s.Cases.Of(t.Context(), a.Collection.ID)
	must(t, err)
	if got.ID != a.ID || len(got.Barred) != 8 {
		t.Errorf("case %s with %d barred; want %s with 8", got.ID, len(got.Barred), a.ID)
	}
	all, err := s.Cases.All(t.Context())
	must(t, err)
	if len(all) != 2 || all[0].ID != b.ID {
		t.Errorf("%d cases, first %q; want the newest first", len(all), all[0].Title)
	}
	_, err = s.Cases.Get(t.Context(), "none")
	wantKind(t, err, fault.NotFound)
}

func testEnvelopes(t *testing.T, s desk.Stores) {
	first := desk.Unopened{ID: "a", Day: "2026-11-01", Size: 5, Kept: blob.Ref{1}}
	next := desk.Unopened{ID: "b", Day: "2026-11-02", Size: 6, Kept: blob.Ref{2}}
	for _, u := range []desk.Unopened{first, {ID: "b", Day: "2026-10-30"}, next} {
		must(t, s.Envelopes.Put(t.Context(), u))
	}
	if all, err := s.Envelopes.All(t.Context()); err != nil || !slices.Equal(all, []desk.Unopened{next, first}) {
		t.Errorf("%+v, %v; want both as they were put, the newest first", all, err)
	}
	first.Kept, first.Why = blob.Ref{}, "junk"
	must(t, s.Envelopes.Put(t.Context(), first))
	if got, err := s.Envelopes.Get(t.Context(), "a"); err != nil || got != first {
		t.Errorf("%+v, %v; want it destroyed", got, err)
	}
	for range 2 {
		must(t, s.Envelopes.Drop(t.Context(), "b"))
	}
	_, err := s.Envelopes.Get(t.Context(), "b")
	wantKind(t, err, fault.NotFound)
	if done, err := s.Conversations.Received(t.Context(), "a"); err != nil || done {
		t.Errorf("received %v, %v; want an envelope that did not open not received", done, err)
	}
}

func testReceipts(t *testing.T, s desk.Stores) {
	by := custodytest.NewSigner(t, "intake")
	var first custody.Receipt
	for i := range 2 {
		r, err := by.Sign(blob.Ref{1})
		must(t, err)
		must(t, s.Receipts.Put(t.Context(), blob.Ref{1}, r))
		if i == 0 {
			first = r
		}
	}
	if got, err := s.Receipts.Get(t.Context(), blob.Ref{1}); err != nil || got.Salt != first.Salt || got.Check(blob.Ref{1}) != nil {
		t.Errorf("%v, %v; want the first one, as it was", got, err)
	}
	must(t, s.Receipts.Drop(t.Context(), blob.Ref{1}))
	for _, of := range []blob.Ref{{1}, {2}} {
		_, err := s.Receipts.Get(t.Context(), of)
		wantKind(t, err, fault.NotFound)
	}
}

func testSaved(t *testing.T, s desk.Stores) {
	for _, r := range []desk.SavedReply{{ID: "1", Title: "Thanks", Text: "We read it."}, {ID: "2", Title: "Again", Text: "Later."}, {ID: "3", Title: "Gone"}} {
		must(t, s.Saved.Put(t.Context(), r))
	}
	must(t, s.Saved.Put(t.Context(), desk.SavedReply{ID: "2", Title: "Wait", Text: "A week."}))
	must(t, s.Saved.Drop(t.Context(), "3"))
	must(t, s.Saved.Drop(t.Context(), "3"))
	all, err := s.Saved.All(t.Context())
	must(t, err)
	if len(all) != 2 || all[0].Title != "Thanks" || all[1].Text != "A week." {
		t.Errorf("saved replies %+v; want Thanks, then Wait as changed", all)
	}
}

func testReleases(t *testing.T, s desk.Stores) {
	for n := 1; n <= 3; n++ {
		must(t, s.Releases.Put(t.Context(), desk.Release{Number: n, Title: "t"}))
	}
	must(t, s.Releases.Put(t.Context(), desk.Release{Number: 2, Published: true}))
	must(t, s.Releases.Drop(t.Context(), 3))
	all, err := s.Releases.All(t.Context())
	must(t, err)
	if len(all) != 2 || all[0].Published || !all[1].Published {
		t.Errorf("releases %+v; want 1 and 2, the second published", all)
	}
}

func testAudit(t *testing.T, s desk.Stores) {
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			err := s.Audit.Append(t.Context(), func(last desk.Entry) desk.Entry {
				return desk.Entry{Number: last.Number + 1, At: time.Unix(1, 0), By: "ana", Act: "a", On: "o", Hash: [32]byte{byte(last.Number + 1), last.Hash[0]}}
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	want := int64(5)
	for e, err := range s.Audit.Each(t.Context(), 5) {
		must(t, err)
		want++
		if e.Number != want || e.Hash[1] != byte(want-1) {
			t.Fatalf("entry %d with the hash of %d before it; want %d", e.Number, e.Hash[1], want)
		}
	}
	if want != 20 {
		t.Errorf("last entry %d; want 20", want)
	}
}

// item makes a record as ingest would.
func item(path string, level int, content string) ingest.Record {
	d := &corpus.Document{ID: corpus.NewDocumentID(), Title: "Title of " + path, Type: "text/plain", Size: int64(len(content)),
		Text: content, Languages: []string{"en"}, Paths: []string{path}}
	r := ingest.Record{Path: path, Level: level, Size: d.Size, State: corpus.Pending, Document: d}
	copy(r.Hash[:], fmt.Sprintf("%-32s", content))
	return r
}

func duplicate(path string, level int, of ingest.Record) ingest.Record {
	return ingest.Record{Path: path, Level: level, Size: of.Size, Hash: of.Hash, State: corpus.Duplicate, Of: of.Document.ID}
}

func testItems(t *testing.T, s desk.Stores) {
	outer, inner, deep := item("a.zip", 0, "zip"), item("a.zip/m.eml", 1, "mail"), item("a.zip/m.eml/x/y.txt", 2, "deep")
	same := duplicate("b.txt", 0, deep)
	l := s.Documents.Ledger("c")
	must(t, l.Commit(t.Context(), []ingest.Record{outer, inner}, nil))
	must(t, l.Commit(t.Context(), []ingest.Record{deep, same}, []string{"a.zip", "b.txt"}))

	got, err := s.Documents.Get(t.Context(), "c", deep.Document.ID)
	must(t, err)
	if got.Document.Text != "deep" || got.Holder != "a.zip/m.eml" || got.Hash != deep.Hash || got.Level != 2 {
		t.Errorf("item %+v; want it in a.zip/m.eml, with its text", got)
	}
	_, err = s.Documents.Get(t.Context(), "other", deep.Document.ID)
	wantKind(t, err, fault.NotFound) // a document is of its collection only
	parts, err := s.Documents.Parts(t.Context(), "c", "a.zip")
	must(t, err)
	if len(parts) != 1 || parts[0].Path != inner.Path || !parts[0].Holds || parts[0].Document.Text != "" {
		t.Errorf("parts %+v; want the e-mail alone, which holds something, without text", parts)
	}
	places, err := s.Documents.Places(t.Context(), "c", deep.Document.ID)
	must(t, err)
	if !slices.Equal(places, []string{deep.Path, "b.txt"}) {
		t.Errorf("places %q", places)
	}
	var order []string
	for i, err := range s.Documents.Outline(t.Context(), "c") {
		must(t, err)
		if i.Path == deep.Path && (i.ID() != deep.Document.ID || i.Document.Title != "" || i.Holder != inner.Path) {
			t.Errorf("outline %+v; want the id of its document, and no more of it", i)
		}
		order = append(order, i.Path)
		if i.Path == "b.txt" && (i.Of != deep.Document.ID || i.Document != nil) {
			t.Errorf("duplicate %+v", i)
		}
	}
	if !slices.Equal(order, []string{outer.Path, inner.Path, deep.Path, same.Path}) {
		t.Errorf("order %q; want that of recording", order)
	}
	for ref, want := range map[blob.Ref]bool{deep.Hash: true, {1}: false} {
		if got, err := s.Documents.Needs(t.Context(), ref); err != nil || got != want {
			t.Errorf("needs: %v, %v; want %v", got, err, want)
		}
	}
	b, err := l.Balance(t.Context())
	must(t, err)
	must(t, b.Check())
	if sum := b.Total(); sum.Received.Files != 4 || sum.States[corpus.Duplicate].Files != 1 || len(b.Levels) != 3 {
		t.Errorf("ledger %+v", b)
	}
}

func testLateHolder(t *testing.T, s desk.Stores) {
	l := s.Documents.Ledger("c")
	box, mail := item("box/mbox", 0, "box"), item("box/mbox/1", 1, "mail")
	must(t, l.Commit(t.Context(), []ingest.Record{mail}, nil))
	must(t, l.Commit(t.Context(), []ingest.Record{box}, []string{box.Path}))
	got, err := s.Documents.Get(t.Context(), "c", mail.Document.ID)
	must(t, err)
	holder, err := s.Documents.Get(t.Context(), "c", box.Document.ID)
	must(t, err)
	if got.Holder != box.Path || !holder.Holds {
		t.Errorf("holder %q, holds %v; want a part that came first to be found in its box", got.Holder, holder.Holds)
	}
}

func testFilters(t *testing.T, s desk.Stores) {
	a, b, c := item("Ordner/Ärger.txt", 0, "one"), item("b.pdf", 0, "two"), item("c", 0, "three")
	b.Document.Languages, b.Document.Type = []string{"ru", "en"}, "application/pdf"
	c.Document.Languages, c.Document.Error = nil, "cut off"
	l := s.Documents.Ledger("c")
	must(t, l.Commit(t.Context(), []ingest.Record{a, b, c, duplicate("d", 0, a)}, nil))
	_, err := s.Documents.Update(t.Context(), "c", desk.Filter{IDs: []corpus.DocumentID{b.Document.ID}}, func(i *desk.Item) error {
		return i.Dispose(desk.Disposition{Act: desk.Publish})
	})
	must(t, err)
	for name, f := range map[string]struct {
		desk.Filter
		want string
	}{
		"all":       {desk.Filter{}, "Ordner/Ärger.txt b.pdf c d"},
		"documents": {desk.Filter{Documents: true}, "Ordner/Ärger.txt b.pdf c"},
		"language":  {desk.Filter{Language: "ru"}, "b.pdf"},
		"unknown":   {desk.Filter{Language: "unknown", Documents: true}, "c"},
		"type":      {desk.Filter{Type: "application/pdf"}, "b.pdf"},
		"error":     {desk.Filter{Error: true}, "c"},
		"state":     {desk.Filter{States: []corpus.State{corpus.Duplicate}}, "d"},
		"act":       {desk.Filter{Acts: []desk.Act{desk.Publish, desk.Redact}}, "b.pdf"},
		"undecided": {desk.Filter{Acts: []desk.Act{desk.Undecided}, Documents: true}, "Ordner/Ärger.txt c"},
		"name":      {desk.Filter{Name: "äRGER"}, "Ordner/Ärger.txt"},
		"ids":       {desk.Filter{IDs: []corpus.DocumentID{a.Document.ID, c.Document.ID}}, "Ordner/Ärger.txt c"},
		"no ids":    {desk.Filter{IDs: []corpus.DocumentID{}}, ""},
		"and":       {desk.Filter{Language: "ru", Error: true}, ""},
	} {
		var got [][]byte
		items, total, err := s.Documents.Page(t.Context(), "c", f.Filter, 0, 10)
		must(t, err)
		for _, i := range items {
			got = append(got, []byte(i.Path))
		}
		if p := string(bytes.Join(got, []byte(" "))); p != f.want || total != len(items) {
			t.Errorf("%s: %q, total %d; want %q", name, p, total, f.want)
		}
	}
	items, total, err := s.Documents.Page(t.Context(), "c", desk.Filter{}, 1, 2)
	must(t, err)
	if total != 4 || len(items) != 2 || items[0].Path != "b.pdf" {
		t.Errorf("page of %d, total %d; want two from the second on, of 4", len(items), total)
	}
	for facet, want := range map[string]map[string]int{
		"language": {"en": 1, "ru": 1, "unknown": 1}, "type": {"text/plain": 2, "application/pdf": 1},
		"act": {"": 2, "publish": 1}, "state": {"pending": 3},
	} {
		got, err := s.Documents.Count(t.Context(), "c", facet)
		must(t, err)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v; want %v", facet, got, want)
		}
	}
}

func testUpdate(t *testing.T, s desk.Stores) {
	var records []ingest.Record
	for n := range 5000 { // more than a backend would read at once
		records = append(records, item(fmt.Sprintf("f%d", n), 0, fmt.Sprint("content ", n)))
	}
	l := s.Documents.Ledger("c")
	must(t, l.Commit(t.Context(), records, nil))
	failed := errors.New("refused")
	n := 0
	_, err := s.Documents.Update(t.Context(), "c", desk.Filter{}, func(i *desk.Item) error {
		if n++; n == 4000 {
			return failed
		}
		return i.Dispose(desk.Disposition{Act: desk.Publish})
	})
	wantKind(t, err, failed)
	if got, err := s.Documents.Count(t.Context(), "c", "act"); err != nil || got[""] != 5000 {
		t.Fatalf("after a failure %v, %v; want nothing changed", got, err)
	}
	// The filter is of what is changed: each item comes once all the same.
	changed, err := s.Documents.Update(t.Context(), "c", desk.Filter{Acts: []desk.Act{desk.Undecided}}, func(i *desk.Item) error {
		return i.Dispose(desk.Disposition{Act: desk.Withhold, Reason: corpus.ReasonHarm, Note: "n"})
	})
	must(t, err)
	if changed != 5000 {
		t.Fatalf("changed %d; want 5000", changed)
	}
	id := records[7].Document.ID
	_, err = s.Documents.Update(t.Context(), "c", desk.Filter{IDs: []corpus.DocumentID{id}}, func(i *desk.Item) error {
		i.Released(false)
		return nil
	})
	must(t, err)
	got, err := s.Documents.Get(t.Context(), "c", id)
	must(t, err)
	if got.State != corpus.Withheld || got.Reason != corpus.ReasonHarm || got.Plan.Note != "n" || got.Document.Text == "" {
		t.Errorf("item %+v; want it withheld, with its text", got)
	}
	_, err = s.Documents.Update(t.Context(), "c", desk.Filter{IDs: []corpus.DocumentID{id}}, func(i *desk.Item) error { return i.Destroy("ana", "why") })
	must(t, err)
	got, err = s.Documents.Get(t.Context(), "c", id)
	must(t, err)
	if got.State != corpus.Destroyed || got.Document.Text != "" || got.Document.Title == records[7].Document.Title {
		t.Errorf("item %+v; want nothing of the document left", got)
	}
	b, err := l.Balance(t.Context())
	must(t, err)
	must(t, b.Check())
	left, err := l.Unindexed(t.Context(), 6000)
	must(t, err)
	if len(left) != 4999 {
		t.Errorf("%d to index; want all but the destroyed one", len(left))
	}
}
