package desk_test

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"daylight/corpus"
	"daylight/desk"
	"daylight/desk/desktest"
	"daylight/desk/sqlite"
	"daylight/fault"
	"daylight/internal/sqlkit"
	"daylight/release"
)

func world(t testing.TB) *desktest.World {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "desk.db"), &sqlkit.Key{1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return desktest.NewWorld(t, db.Stores())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t testing.TB, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("error %v; want kind %v", err, kind)
	}
}

const (
	handler  desk.EditorID = "handler"
	redactor desk.EditorID = "redactor"
	ana      desk.EditorID = "editor-a"
	bo       desk.EditorID = "editor-b"
	admin    desk.EditorID = "admin"
)

var yes = map[desk.Question]desk.Answer{desk.Accurate: desk.Yes, desk.Newsworthy: desk.Yes, desk.PublicInterest: desk.Yes}

// received sends a message with files, fetches it and makes a case of it.
func received(t testing.TB, w *desktest.World, files ...string) (*desktest.Source, desk.ConversationID, desk.CaseID) {
	t.Helper()
	s := w.NewSource()
	s.Send("Look at these.", files...)
	got, err := w.Fetch(t.Context(), w.Intake)
	must(t, err)
	if got.Envelopes != 1 {
		t.Fatalf("fetched %+v; want one envelope", got)
	}
	all, err := w.Conversations(t.Context(), handler)
	must(t, err)
	talk := all[slices.IndexFunc(all, func(c desk.Conversation) bool { return string(c.Mailbox) == s.Mailbox })]
	id, err := w.MakeCase(t.Context(), handler, talk.ID, desk.Made{Title: "Harbour papers", Messages: []string{talk.Messages[0].ID}})
	must(t, err)
	return s, talk.ID, id
}

// doc finds the document of a case that has a name.
func doc(t testing.TB, w *desktest.World, id desk.CaseID, name string) corpus.DocumentID {
	t.Helper()
	l, err := w.Documents(t.Context(), ana, id, desk.Filter{Documents: true}, "", 0, 1000)
	must(t, err)
	for _, i := range l.Items {
		if i.Document.Name == name {
			return i.ID()
		}
	}
	t.Fatalf("no document %q", name)
	return corpus.DocumentID{}
}

func only(id corpus.DocumentID) desk.Filter { return desk.Filter{IDs: []corpus.DocumentID{id}} }

// decided fills in everything that a release of documents asks for.
func decided(t testing.TB, w *desktest.World, id desk.CaseID) {
	t.Helper()
	c, err := w.Case(t.Context(), ana, id)
	must(t, err)
	col := c.Collection
	col.Summary, col.Route, col.Unknown, col.Checked = "Papers of a harbour.", corpus.RouteSubmission, "Everything before us.", "Read in full."
	must(t, w.SetCollection(t.Context(), ana, id, col))
	must(t, w.Decide(t.Context(), ana, id, evidence("Two letters agree."), desk.Harm{Intrusion: 2, Interest: 3, Affected: "Clerks, in their function."}))
}

// evidence answers all three questions alike.
func evidence(speaksFor string) map[desk.Question]desk.Evidence {
	all := map[desk.Question]desk.Evidence{}
	for _, q := range desk.Questions {
		all[q] = desk.Evidence{For: speaksFor, Against: "One date is odd.", Public: "We think so."}
	}
	return all
}

// approved lets two editors approve.
func approved(t testing.TB, w *desktest.World, id desk.CaseID, by ...desk.EditorID) {
	t.Helper()
	if _, err := w.RunGate(t.Context(), redactor, id); err != nil {
		t.Fatal(err)
	}
	for _, e := range by {
		r, err := w.Readiness(t.Context(), e, id)
		must(t, err)
		must(t, w.Approve(t.Context(), e, id, r.Manifest, yes, ""))
	}
}

// entries reads the file of a release as an archive would.
func entries(t testing.TB, w *desktest.World, number int) map[release.Kind][]release.Entry {
	t.Helper()
	_, file, err := w.OpenRelease(t.Context(), ana, number)
	must(t, err)
	t.Cleanup(func() { file.Close() })
	r, err := release.Open(file, file.Size(), w.Options.Keys, nil)
	must(t, err)
	all := map[release.Kind][]release.Entry{}
	for e, err := range r.Entries() {
		must(t, err)
		all[e.Kind] = append(all[e.Kind], e)
	}
	return all
}

func documents(t testing.TB, all map[release.Kind][]release.Entry) map[string]release.Document {
	t.Helper()
	docs := map[string]release.Document{}
	for _, e := range all[release.KindDocument] {
		d, err := release.Decode[release.Document](e.Record)
		must(t, err)
		docs[d.Title] = d
	}
	return docs
}

func TestStory(t *testing.T) {
	w := world(t)
	s, talk, id := received(t, w, "letter.txt", "The tender was bent.", "pack.box", "a.txt=A list of cameras\nsecret.txt=A home address", "memo.txt", "Ask Mira Velen about it.")
	must(t, w.Reply(t.Context(), handler, talk, "Thank you. Is there more?", nil))
	if _, err := w.Fetch(t.Context(), w.Intake); err != nil {
		t.Fatal(err)
	}
	if got := s.Read(); !slices.Equal(got, []string{"Thank you. Is there more?"}) {
		t.Fatalf("source reads %q", got)
	}

	if _, err := w.Dispose(t.Context(), ana, id, desk.Filter{}, "", desk.Disposition{Act: desk.Publish}); err != nil {
		t.Fatal(err)
	}
	_, err := w.Dispose(t.Context(), bo, id, only(doc(t, w, id, "secret.txt")), "", desk.Disposition{Act: desk.Withhold, Reason: corpus.ReasonHarm, Note: "A private home."})
	must(t, err)
	decided(t, w, id)
	seen := map[desk.Manifest]bool{}
	for _, said := range []string{"", "A name.", "A person’s name."} { // what the record says is approved, too
		_, err = w.Dispose(t.Context(), redactor, id, only(doc(t, w, id, "memo.txt")), "", desk.Disposition{Act: desk.Redact, Forms: []string{"Mira Velen"}, Public: said})
		must(t, err)
		r, err := w.Readiness(t.Context(), ana, id)
		must(t, err)
		seen[r.Manifest] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d manifests of three records; want another for each", len(seen))
	}
	why, err := w.WhyNot(t.Context(), ana, id)
	must(t, err)
	if len(why) != 2 || why[1] != "2 editors must still approve exactly this: Ana and Bo." { // the gate, and the approvals
		t.Errorf("why not: %q", why)
	}
	if _, err := w.Release(t.Context(), ana, id); !errors.Is(err, fault.Conflict) {
		t.Fatalf("released without approval: %v", err)
	}
	approved(t, w, id, ana, bo)
	r, err := w.Release(t.Context(), ana, id)
	must(t, err)
	if r.Number != 1 || r.Documents != 4 || !r.Published {
		t.Errorf("release %+v; want the first, with 4 documents", r)
	}

	all := entries(t, w, 1)
	docs := documents(t, all)
	if len(docs) != 4 || docs["letter.txt"].State != corpus.Published || docs["a.txt"].State != corpus.Published ||
		docs["pack.box"].State != corpus.Redacted || docs["memo.txt"].State != corpus.Redacted {
		t.Errorf("documents %+v", docs)
	}
	if strings.Contains(docs["memo.txt"].Text, "Velen") {
		t.Errorf("text %q", docs["memo.txt"].Text)
	}
	names := map[string]int{}
	for _, e := range all[release.KindRendition] {
		r, err := release.Decode[release.Rendition](e.Record)
		must(t, err)
		names[r.Name]++
		text, err := io.ReadAll(e.Open())
		must(t, err)
		if r.Document == docs["pack.box"].ID && string(text) != "In this file were:\n- a.txt\n- 1 file that is not released\n" {
			t.Errorf("listing %q; want the public part by name, the other as a number", text)
		}
	}
	if names["original"] != 2 || names["text"] != 2 {
		t.Errorf("renditions %v; want two originals, and texts of the listing and the redacted one", names)
	}
	dec, err := release.Decode[release.Decision](all[release.KindDecision][0].Record)
	must(t, err)
	if !slices.Equal(dec.Approved, []string{"editor", "editor"}) || strings.Contains(string(all[release.KindDecision][0].Body), "editor-a") {
		t.Errorf("decision %+v; want roles, no names", dec)
	}
	if want := []release.Exception{{State: corpus.Redacted, Files: 1, Text: "A person’s name."},
		{State: corpus.Redacted, Files: 1, Text: "Listed only: something inside is not published."},
		{State: corpus.Withheld, Reason: corpus.ReasonHarm, Files: 1}}; !slices.Equal(dec.Exceptions, want) {
		t.Errorf("exceptions %+v; want %+v", dec.Exceptions, want)
	}
	l, err := w.Ledger(t.Context(), ana, id)
	must(t, err)
	want := map[corpus.State]int64{corpus.Published: 2, corpus.Redacted: 2, corpus.Withheld: 1}
	for s, n := range want {
		if got := l.Now.Total().States[s].Files; got != n {
			t.Errorf("%s: %d; want %d", s, got, n)
		}
	}
	if n, err := w.CheckAudit(t.Context()); err != nil || n < 17 {
		t.Errorf("audit log of %d lines: %v", n, err)
	}
}

func TestWhoWroteOrRedactedCannotApprove(t *testing.T) {
	w := world(t)
	everything := desk.User{ID: "all", Name: "All", Roles: []desk.Role{desk.Handler, desk.Redactor, desk.Editor}}
	must(t, w.PutUser(t.Context(), desk.Operator, everything))
	must(t, w.PutUser(t.Context(), desk.Operator, desk.User{ID: "both", Name: "Both", Roles: []desk.Role{desk.Redactor, desk.Editor}}))
	_, talk, id := received(t, w, "letter.txt", "The tender was bent. Mira.")
	_, err := w.Dispose(t.Context(), ana, id, desk.Filter{}, "", desk.Disposition{Act: desk.Publish})
	must(t, err)
	decided(t, w, id)
	approve := func(by desk.EditorID) error {
		r, err := w.Readiness(t.Context(), ana, id)
		must(t, err)
		return w.Approve(t.Context(), by, id, r.Manifest, yes, "")
	}
	for _, by := range []desk.EditorID{handler, redactor, admin, desk.Operator} {
		wantKind(t, approve(by), fault.Forbidden)
	}
	must(t, approve("all"))
	approved(t, w, id, ana)
	// Writing with the source now takes back what was approved before.
	must(t, w.Reply(t.Context(), "all", talk, "Who else knows?", nil))
	r, err := w.Readiness(t.Context(), ana, id)
	must(t, err)
	if !slices.Equal(r.Approve, []desk.EditorID{ana}) {
		t.Errorf("approvals of %v; want that of the writer gone", r.Approve)
	}
	wantKind(t, approve("all"), fault.Forbidden)
	_, err = w.Dispose(t.Context(), "both", id, only(doc(t, w, id, "letter.txt")), "", desk.Disposition{Act: desk.Redact, Forms: []string{"Mira"}})
	must(t, err)
	wantKind(t, approve("both"), fault.Forbidden)
}

func TestEditVoidsApprovals(t *testing.T) {
	edits := map[string]func(*testing.T, *desktest.World, desk.CaseID) error{
		"collection": func(t *testing.T, w *desktest.World, id desk.CaseID) error {
			c, err := w.Case(t.Context(), ana, id)
			must(t, err)
			c.Collection.Summary += " More."
			return w.SetCollection(t.Context(), ana, id, c.Collection)
		},
		"evidence": func(t *testing.T, w *desktest.World, id desk.CaseID) error {
			c, err := w.Case(t.Context(), ana, id)
			must(t, err)
			return w.Decide(t.Context(), ana, id, evidence("Another letter agrees too."), c.Decision.Harm)
		},
		"harm": func(t *testing.T, w *desktest.World, id desk.CaseID) error {
			c, err := w.Case(t.Context(), ana, id)
			must(t, err)
			return w.Decide(t.Context(), ana, id, c.Decision.Records, desk.Harm{Intrusion: 1, Interest: 1})
		},
		"authored": func(t *testing.T, w *desktest.World, id desk.CaseID) error {
			return w.SetAuthored(t.Context(), ana, id, desk.Authored{Topics: []corpus.Topic{{ID: "t", Title: "T", Query: "q"}}})
		},
		"disposition": func(t *testing.T, w *desktest.World, id desk.CaseID) error {
			_, err := w.Dispose(t.Context(), ana, id, only(doc(t, w, id, "b.txt")), "", desk.Disposition{Act: desk.Withhold, Reason: corpus.ReasonLegal, Note: "n"})
			return err
		},
		"redaction": func(t *testing.T, w *desktest.World, id desk.CaseID) error {
			_, err := w.Dispose(t.Context(), redactor, id, only(doc(t, w, id, "b.txt")), "", desk.Disposition{Act: desk.Redact, Forms: []string{"second"}})
			return err
		},
		"destruction": func(t *testing.T, w *desktest.World, id desk.CaseID) error {
			return w.Destroy(t.Context(), handler, id, doc(t, w, id, "b.txt"), "nobody should see it")
		},
		"exception": func(t *testing.T, w *desktest.World, id desk.CaseID) error {
			return w.Except(t.Context(), ana, id, desk.Exception{Document: doc(t, w, id, "b.txt"), Form: "x", Reason: "r"})
		},
	}
	for name, edit := range edits {
		t.Run(name, func(t *testing.T) {
			w := world(t)
			_, _, id := received(t, w, "a.txt", "first", "b.txt", "second")
			_, err := w.Dispose(t.Context(), ana, id, desk.Filter{}, "", desk.Disposition{Act: desk.Publish})
			must(t, err)
			decided(t, w, id)
			approved(t, w, id, ana, bo)
			before, err := w.Readiness(t.Context(), ana, id)
			must(t, err)
			if len(before.WhyNot) > 0 {
				t.Fatalf("not ready: %q", before.WhyNot)
			}
			must(t, edit(t, w, id))
			after, err := w.Readiness(t.Context(), ana, id)
			must(t, err)
			if len(after.Approve) > 0 || after.Manifest == before.Manifest {
				t.Errorf("approvals of %v, same manifest %v; want none, and another manifest", after.Approve, after.Manifest == before.Manifest)
			}
			wantKind(t, w.Approve(t.Context(), ana, id, before.Manifest, yes, ""), fault.Conflict)
			_, err = w.Release(t.Context(), ana, id)
			wantKind(t, err, fault.Conflict)
		})
	}
}

func TestObjectionHoldsTheRelease(t *testing.T) {
	w := world(t)
	must(t, w.PutUser(t.Context(), desk.Operator, desk.User{ID: "third", Name: "C", Roles: []desk.Role{desk.Editor}}))
	_, _, id := received(t, w, "a.txt", "first")
	_, err := w.Dispose(t.Context(), ana, id, desk.Filter{}, "", desk.Disposition{Act: desk.Publish})
	must(t, err)
	decided(t, w, id)
	approved(t, w, id, ana, bo)
	r, err := w.Readiness(t.Context(), ana, id)
	must(t, err)
	no := map[desk.Question]desk.Answer{desk.Accurate: desk.No, desk.Newsworthy: desk.Yes, desk.PublicInterest: desk.Yes}
	wantKind(t, w.Approve(t.Context(), "third", id, r.Manifest, no, ""), fault.Invalid) // an objection has words
	must(t, w.Approve(t.Context(), "third", id, r.Manifest, no, "The date on page two cannot be."))
	_, err = w.Release(t.Context(), ana, id)
	wantKind(t, err, fault.Conflict)
	must(t, w.Approve(t.Context(), "third", id, r.Manifest, yes, ""))
	_, err = w.Release(t.Context(), ana, id)
	must(t, err)
}

func TestWithholdNeedsAReason(t *testing.T) {
	for reason, ok := range map[corpus.Reason]bool{corpus.ReasonAccuracy: true, corpus.ReasonHarm: true, "": false, "agenda of the source": false, "motive": false} {
		err := desk.Disposition{Act: desk.Withhold, Reason: reason, Note: "n"}.Check()
		if (err == nil) != ok {
			t.Errorf("withhold for %q: %v; want allowed %v", reason, err, ok)
		}
	}
	if err := (desk.Disposition{Act: desk.Withhold, Reason: corpus.ReasonHarm}).Check(); err == nil {
		t.Error("withheld without a sentence why")
	}
}

func TestGateFindsWhatWasMissed(t *testing.T) {
	w := world(t)
	_, _, id := received(t, w, "memo.txt", "Ask Mira Velen about it.", "copy.txt", "As Mira Velen said.", "m.box", "x.txt=Mira Velen")
	_, err := w.Dispose(t.Context(), ana, id, desk.Filter{}, "", desk.Disposition{Act: desk.Publish})
	must(t, err)
	_, err = w.Dispose(t.Context(), redactor, id, only(doc(t, w, id, "memo.txt")), "", desk.Disposition{Act: desk.Redact, Forms: []string{"Mira Velen"}})
	must(t, err)
	g, err := w.RunGate(t.Context(), redactor, id)
	must(t, err)
	if g.Clean() {
		t.Fatal("the gate passed a name that stands in another document")
	}
	found := map[corpus.DocumentID]bool{}
	derived := false
	for _, f := range g.Found {
		found[f.Document] = true
		derived = derived || f.Where == "the list of files"
	}
	if !found[doc(t, w, id, "copy.txt")] || !found[doc(t, w, id, "x.txt")] || !found[doc(t, w, id, "m.box")] || found[doc(t, w, id, "memo.txt")] || !derived {
		t.Errorf("found %+v; want the copy, the part, its container and the derived list", g.Found)
	}
	for _, name := range []string{"copy.txt", "x.txt"} {
		_, err = w.Dispose(t.Context(), redactor, id, only(doc(t, w, id, name)), "", desk.Disposition{Act: desk.Redact, Forms: []string{"Mira Velen"}})
		must(t, err)
	}
	if g, err = w.RunGate(t.Context(), redactor, id); err != nil || !g.Clean() {
		t.Errorf("gate %+v, %v; want it clean: the container is a listing now", g.Found, err)
	}
	_, err = w.Dispose(t.Context(), redactor, id, only(doc(t, w, id, "memo.txt")), "", desk.Disposition{Act: desk.Redact, Forms: []string{"Mira Velen"}, Public: "The name of Mira Velen."})
	must(t, err)
	if g, err = w.RunGate(t.Context(), redactor, id); err != nil || g.Clean() {
		t.Errorf("gate %v; want the name found in what the record says of it", err)
	}
}

func TestDuplicateOfAWithheldPartMakesAListing(t *testing.T) {
	w := world(t)
	_, _, id := received(t, w, "a.txt", "secret words", "m.box", "b.txt=secret words\nc.txt=public words")
	_, err := w.Dispose(t.Context(), ana, id, desk.Filter{}, "", desk.Disposition{Act: desk.Publish})
	must(t, err)
	_, err = w.Dispose(t.Context(), ana, id, only(doc(t, w, id, "a.txt")), "", desk.Disposition{Act: desk.Withhold, Reason: corpus.ReasonHarm, Note: "n"})
	must(t, err)
	decided(t, w, id)
	approved(t, w, id, ana, bo)
	_, err = w.Release(t.Context(), ana, id)
	must(t, err)
	docs := documents(t, entries(t, w, 1))
	if docs["m.box"].State != corpus.Redacted || docs["c.txt"].State != corpus.Published || len(docs) != 2 {
		t.Errorf("documents %+v; want the container as a listing, since its bytes hold what is withheld", docs)
	}
}

func TestNoPathLeadsThroughWhatIsWithheld(t *testing.T) {
	w := world(t)
	_, _, id := received(t, w, "Velen medical file.box", "a.txt=public words", "b.txt", "other")
	_, err := w.Dispose(t.Context(), ana, id, desk.Filter{}, "", desk.Disposition{Act: desk.Publish})
	must(t, err)
	_, err = w.Dispose(t.Context(), ana, id, only(doc(t, w, id, "Velen medical file.box")), "", desk.Disposition{Act: desk.Withhold, Reason: corpus.ReasonHarm, Note: "n"})
	must(t, err)
	decided(t, w, id)
	approved(t, w, id, ana, bo)
	_, err = w.Release(t.Context(), ana, id)
	must(t, err)
	for kind, list := range entries(t, w, 1) {
		for _, e := range list {
			if strings.Contains(string(e.Body), "medical") {
				t.Errorf("the %s names the container that is withheld: %s", kind, e.Body)
			}
		}
	}
}

func TestFetchLosesNothingAndRepeatsNothing(t *testing.T) {
	w := world(t)
	s := w.NewSource()
	s.Send("One.", "a.txt", "first")
	w.Intake.Broken = true
	if _, err := w.Fetch(t.Context(), w.Intake); err == nil {
		t.Error("a broken acknowledgement went unseen")
	}
	w.Intake.Broken = false
	s.Send("Two.")
	w.Intake.Leave([]byte("no envelope"))
	got, err := w.Fetch(t.Context(), w.Intake)
	must(t, err)
	if got.Envelopes != 1 || got.Unopened != 1 {
		t.Errorf("fetched %+v; want the new one, and one that cannot be opened", got)
	}
	all, err := w.Conversations(t.Context(), handler)
	must(t, err)
	if len(all) != 1 || len(all[0].Messages) != 2 || !all[0].Waits {
		t.Errorf("conversations %+v; want one with two messages", all)
	}
	left, err := w.Intake.Envelopes(t.Context())
	must(t, err)
	if len(left) != 0 {
		t.Errorf("%d envelopes at intake; want none: what does not open is here", len(left))
	}
}

func TestDestroyUnseen(t *testing.T) {
	w := world(t)
	_, _, id := received(t, w, "m.box", "x.txt=terrible\ny.txt=more", "b.txt", "fine")
	part := doc(t, w, id, "x.txt")
	wantKind(t, w.Destroy(t.Context(), handler, id, part, "why"), fault.Conflict) // its container would keep it
	top := doc(t, w, id, "m.box")
	wantKind(t, w.Destroy(t.Context(), ana, id, top, "why"), fault.Forbidden)
	wantKind(t, w.Destroy(t.Context(), handler, id, top, " "), fault.Invalid)
	seen, err := w.Document(t.Context(), ana, id, part)
	must(t, err)
	must(t, w.Destroy(t.Context(), handler, id, top, "Nobody should have to see it."))
	if has, err := w.Options.Blobs.Has(t.Context(), seen.Item.Hash); err != nil || has {
		t.Errorf("the bytes are still there: %v, %v", has, err)
	}
	_, _, err = w.OpenOriginal(t.Context(), ana, id, top)
	wantKind(t, err, fault.Gone)
	l, err := w.Ledger(t.Context(), ana, id)
	must(t, err)
	if l.Now.Total().States[corpus.Destroyed].Files != 3 {
		t.Errorf("ledger %+v; want three destroyed", l.Now.Total())
	}
	found, err := w.Documents(t.Context(), ana, id, desk.Filter{}, "terrible", 0, 10)
	must(t, err)
	if found.Total != 0 {
		t.Error("the index still finds it")
	}
}

func TestAuthoredNeedsTwoApprovalsAndNoDecision(t *testing.T) {
	w := world(t)
	c, err := w.NewCase(t.Context(), ana, "Answers of November")
	must(t, err)
	must(t, w.SetAuthored(t.Context(), ana, c.ID, desk.Authored{Answers: []corpus.Answer{{ID: "a", Question: "Q?", Short: corpus.ShortYes,
		Claims: []corpus.Claim{{Kind: corpus.ClaimStatement, Text: "So we say."}}}}}))
	approved(t, w, c.ID, ana)
	_, err = w.Release(t.Context(), ana, c.ID)
	wantKind(t, err, fault.Conflict)
	approved(t, w, c.ID, bo)
	_, err = w.Release(t.Context(), ana, c.ID)
	must(t, err)
	all := entries(t, w, 1)
	if len(all[release.KindAnswer]) != 1 || len(all) != 1 {
		t.Errorf("kinds %v; want the answer alone", all)
	}
}

// What editors approve is what goes out: with its number, and with the names of origins
// that an earlier release brought, which the release itself does not repeat.
func TestPreviewIsWhatGoesOut(t *testing.T) {
	w := world(t)
	c, err := w.NewCase(t.Context(), ana, "Origins")
	must(t, err)
	port := corpus.Origin{ID: "port", Title: "Port Authority of Rasmina", Folders: []string{"port.box"}}
	must(t, w.SetAuthored(t.Context(), ana, c.ID, desk.Authored{Origins: []corpus.Origin{port, {ID: "mint", Title: "The Mint", Folders: []string{"mint"}}}}))
	_, _, id := received(t, w, "port.box", "a.txt=first\nb.txt=second", "c.txt", "third")
	_, err = w.Dispose(t.Context(), ana, id, desk.Filter{}, "", desk.Disposition{Act: desk.Publish})
	must(t, err)
	decided(t, w, id)
	wantPreview(t, w, id, "release 1\n", 0)
	approved(t, w, c.ID, ana, bo)
	_, err = w.Release(t.Context(), ana, c.ID)
	must(t, err)
	wantPreview(t, w, id, "release 2\n", 1) // what is in the case has not changed

	approved(t, w, id, ana, bo)
	_, err = w.Release(t.Context(), ana, id)
	must(t, err)
	if _, ok := entries(t, w, 2)[release.KindOrigin]; ok {
		t.Error("release 2 repeats an origin")
	}
}

func wantPreview(t *testing.T, w *desktest.World, id desk.CaseID, begins string, origins int) {
	t.Helper()
	h, err := w.Preview(t.Context(), ana, id)
	must(t, err)
	page := httptest.NewRecorder()
	h.ServeHTTP(page, httptest.NewRequest("GET", "/", nil))
	shown := page.Body.String()
	if !strings.HasPrefix(shown, begins) || strings.Count(shown, "origin ") != origins || strings.Count(shown, "origin port: Port Authority of Rasmina\n") != origins {
		t.Errorf("the preview shows\n%swant %s and the port %d times, and no other origin", shown, begins, origins)
	}
}

func TestRecoverEndsAReleaseThatTheLogHas(t *testing.T) {
	w := world(t)
	_, _, id := received(t, w, "a.txt", "first")
	_, err := w.Dispose(t.Context(), ana, id, desk.Filter{}, "", desk.Disposition{Act: desk.Publish})
	must(t, err)
	decided(t, w, id)
	approved(t, w, id, ana, bo)
	// The crash comes after the publication log has the release, before the states
	// follow: the store of documents fails once.
	broken := &brokenDocuments{Documents: w.Options.Stores.Documents, fail: true}
	w.Options.Stores.Documents = broken
	w.Reopen()
	if _, err := w.Release(t.Context(), ana, id); !errors.Is(err, errCrash) {
		t.Fatalf("release: %v; want the crash", err)
	}
	broken.fail = false
	w.Reopen()
	all, err := w.Releases(t.Context(), ana)
	must(t, err)
	if len(all) != 1 {
		t.Fatalf("%d releases after the crash; want the one that the log has", len(all))
	}
	l, err := w.Ledger(t.Context(), ana, id)
	must(t, err)
	if l.Now.Total().States[corpus.Published].Files != 1 {
		t.Errorf("ledger %+v; want the document published", l.Now.Total())
	}
}

var errCrash = errors.New("crash")

type brokenDocuments struct {
	desk.Documents
	fail bool
}

func (b *brokenDocuments) Update(ctx context.Context, c corpus.CollectionID, f desk.Filter, change func(*desk.Item) error) (int, error) {
	if b.fail {
		return 0, errCrash
	}
	return b.Documents.Update(ctx, c, f, change)
}
