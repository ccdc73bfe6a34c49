// Package archivetest proves that a catalogue keeps the contract of archive.Store,
// and holds what tests of archives share: a newsroom that signs, and a small
// release with a little of everything.
package archivetest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"daylight/archive"
	"daylight/blob"
	"daylight/corpus"
	"daylight/fault"
	"daylight/release"
)

// Run proves a store. Open gives the store of one test, empty, and the way to open
// the same one again, as another process would after a crash.
func Run(t *testing.T, open func(t *testing.T) (store archive.Store, again func() archive.Store)) {
	for name, test := range map[string]func(*testing.T, archive.Store, func() archive.Store){
		"empty": empty, "invisible until the switch": invisible, "goes on after a crash": goesOn, "drops another release": drops,
		"in order": inOrder, "replaces": replaces, "withdraws": withdraws, "changes": changes, "lists": lists,
	} {
		t.Run(name, func(t *testing.T) {
			s, again := open(t)
			test(t, s, again)
		})
	}
}

func empty(t *testing.T, s archive.Store, _ func() archive.Store) {
	if h, err := s.Head(t.Context()); err != nil || h != (archive.Head{}) {
		t.Errorf("head %+v, %v; want none", h, err)
	}
	if _, err := s.Entry(t.Context(), release.KindTopic, "x"); !errors.Is(err, fault.NotFound) {
		t.Errorf("entry: %v; want not found", err)
	}
	for _, id := range []string{ID(1).String(), "no id"} {
		if _, err := s.Entry(t.Context(), release.KindDocument, id); !errors.Is(err, fault.NotFound) {
			t.Errorf("document %q: %v; want not found", id, err)
		}
	}
	if err := s.Switch(t.Context(), 1); !errors.Is(err, fault.Conflict) {
		t.Errorf("switch to what is not there: %v; want a conflict", err)
	}
}

func invisible(t *testing.T, s archive.Store, _ func() archive.Store) {
	stage(t, s, 1, document(1), rendition(1, "original", "bytes"), topic("t", "one"))
	if _, err := s.Entry(t.Context(), release.KindDocument, ID(1).String()); !errors.Is(err, fault.NotFound) {
		t.Errorf("before the switch: %v; want not found", err)
	}
	if rows, err := s.Rows(t.Context(), []corpus.DocumentID{ID(1)}); err != nil || len(rows) != 0 {
		t.Errorf("before the switch: %d rows, %v", len(rows), err)
	}
	check(t, s.Switch(t.Context(), 1))
	e, err := s.Entry(t.Context(), release.KindDocument, ID(1).String())
	check(t, err)
	want := document(1)
	if string(e.Body) != string(want.Body) || e.Salt != want.Salt || e.Index != want.Index || e.Release != 1 || e.Kind != want.Kind || e.ID != want.ID {
		t.Errorf("document came back as %+v", e)
	}
	r, err := s.Entry(t.Context(), release.KindRendition, ID(1).String()+"/original")
	check(t, err)
	if r.Payload == nil || *r.Payload != *rendition(1, "original", "bytes").Payload {
		t.Errorf("rendition's payload came back as %v", r.Payload)
	}
	rows, err := s.Rows(t.Context(), []corpus.DocumentID{ID(1), ID(2)})
	if got := rows[ID(1)]; err != nil || len(rows) != 1 || got != *want.Row {
		t.Errorf("rows %+v, %v; want %+v", rows, err, want.Row)
	}
}

func goesOn(t *testing.T, s archive.Store, again func() archive.Store) {
	r := rel(1, 3)
	st, err := s.Begin(t.Context(), r)
	check(t, err)
	check(t, st.Put(t.Context(), []archive.Staged{document(1), document(2)}))
	s = again()
	if st, err = s.Begin(t.Context(), r); err != nil || st.Done() != 2 {
		t.Fatalf("after a crash %d entries are staged, %v; want 2", st.Done(), err)
	}
	if err := s.Switch(t.Context(), 1); !errors.Is(err, fault.Conflict) {
		t.Errorf("switch of half a release: %v; want a conflict", err)
	}
	check(t, st.Put(t.Context(), []archive.Staged{document(3)}))
	check(t, s.Switch(t.Context(), 1))
	if got := changed(t, s, 0); len(got) != 3 {
		t.Errorf("%v changed; want 3 documents", got)
	}
	if h, _ := s.Head(t.Context()); h != (archive.Head{Release: 1}) {
		t.Errorf("head %+v; want release 1, nothing indexed", h)
	}
}

func drops(t *testing.T, s archive.Store, _ func() archive.Store) {
	stageAndSwitch(t, s, 1, document(1), rendition(1, "original", "bytes"))
	stage(t, s, 2, document(1), rendition(1, "text", "text"), document(2))
	other := rel(2, 1)
	other.Checkpoint[5] = 9
	st, err := s.Begin(t.Context(), other)
	check(t, err)
	if st.Done() != 0 {
		t.Errorf("another release goes on at %d", st.Done())
	}
	check(t, st.Put(t.Context(), []archive.Staged{document(3)}))
	check(t, s.Switch(t.Context(), 2))
	if got := names(t, s, 1); !slices.Equal(got, []string{"original"}) {
		t.Errorf("renditions %q; want the original, which the dropped release would have taken away", got)
	}
	if rows, err := s.Rows(t.Context(), []corpus.DocumentID{ID(1), ID(2), ID(3)}); err != nil || len(rows) != 2 {
		t.Errorf("%d documents, %v; want the first and the third", len(rows), err)
	}
	check(t, s.Indexed(t.Context(), 2))
	if refs, err := s.Forget(t.Context()); err != nil || len(refs) != 1 || refs[0] != ref("text") {
		t.Errorf("blobs to delete %v, %v; want that of the dropped release", refs, err)
	}
}

func inOrder(t *testing.T, s archive.Store, _ func() archive.Store) {
	stageAndSwitch(t, s, 4, document(1)) // an empty catalogue may start anywhere
	for _, n := range []int{3, 4, 6} {
		if _, err := s.Begin(t.Context(), rel(n, 1)); !errors.Is(err, fault.Conflict) {
			t.Errorf("release %d after 4: %v; want a conflict", n, err)
		}
	}
	stageAndSwitch(t, s, 5, document(2))
	got, err := s.Releases(t.Context())
	if err != nil || len(got) != 2 || got[0] != rel(5, 1) || got[1] != rel(4, 1) {
		t.Errorf("releases %+v, %v; want 5 and 4", got, err)
	}
}

func replaces(t *testing.T, s archive.Store, _ func() archive.Store) {
	stageAndSwitch(t, s, 1, document(1), rendition(1, "original", "secret"), rendition(1, "text", "same"), topic("t", "one"))
	again := document(1)
	again.Row.Title, again.Body = "second", []byte(`{"second":true}`)
	stage(t, s, 2, again, rendition(1, "text", "same"), topic("t", "two"))
	if e, err := s.Entry(t.Context(), release.KindTopic, "t"); err != nil || string(e.Body) != `"one"` {
		t.Errorf("before the switch the topic is %s, %v", e.Body, err)
	}
	check(t, s.Switch(t.Context(), 2))
	if e, err := s.Entry(t.Context(), release.KindTopic, "t"); err != nil || string(e.Body) != `"two"` {
		t.Errorf("after the switch the topic is %s, %v", e.Body, err)
	}
	if got := names(t, s, 1); !slices.Equal(got, []string{"text"}) {
		t.Errorf("renditions %q; want only what came with the new document", got)
	}
	check(t, s.Indexed(t.Context(), 2))
	refs, err := s.Forget(t.Context())
	if err != nil || !slices.Equal(refs, []blob.Ref{ref("secret")}) {
		t.Errorf("blobs to delete %v, %v; want the first original alone", refs, err)
	}
	if refs, _ = s.Forget(t.Context()); len(refs) != 1 {
		t.Errorf("%d blobs to delete before they are forgotten; want 1 again", len(refs))
	}
	check(t, s.Forgotten(t.Context(), refs))
	if refs, _ = s.Forget(t.Context()); len(refs) != 0 {
		t.Errorf("%d blobs to delete after they are forgotten", len(refs))
	}
	// The same entry twice in one release: the later one stands.
	stageAndSwitch(t, s, 3, document(1), rendition(1, "text", "x"), again, topic("t", "three"), topic("t", "four"))
	if e, err := s.Entry(t.Context(), release.KindTopic, "t"); err != nil || string(e.Body) != `"four"` {
		t.Errorf("of two the topic is %s, %v; want the later", e.Body, err)
	}
	if got := names(t, s, 1); len(got) != 0 {
		t.Errorf("renditions %q; want none: the later document brought none", got)
	}
}

func withdraws(t *testing.T, s archive.Store, _ func() archive.Store) {
	stageAndSwitch(t, s, 1, document(1), rendition(1, "original", "a"), document(2), rendition(2, "original", "a"),
		document(3), rendition(3, "original", "c"), rendition(3, "text", "d"))
	gone := record(release.KindWithdrawal, ID(1).String(), `"gone"`)
	gone.Takes = ID(1)
	one := record(release.KindWithdrawal, ID(3).String()+"/text", `"one"`)
	one.Takes, one.Name = ID(3), "text"
	stage(t, s, 2, gone, one)
	if got := names(t, s, 1); len(got) != 1 {
		t.Errorf("before the switch %q are there", got)
	}
	check(t, s.Switch(t.Context(), 2))
	if _, err := s.Entry(t.Context(), release.KindDocument, ID(1).String()); !errors.Is(err, fault.NotFound) {
		t.Errorf("withdrawn: %v; want not found", err)
	}
	if got := names(t, s, 1); len(got) != 0 {
		t.Errorf("withdrawn, and %q are there", got)
	}
	if got := names(t, s, 3); !slices.Equal(got, []string{"original"}) {
		t.Errorf("renditions %q; want the one that was not withdrawn", got)
	}
	if got := changed(t, s, 1); !slices.Equal(got, []archive.Change{{ID: ID(1), Gone: true}}) {
		t.Errorf("changes %v; want the withdrawn document", got)
	}
	if refs, err := s.Forget(t.Context()); err != nil || len(refs) != 0 {
		t.Errorf("blobs to delete before the index let go: %v, %v", refs, err)
	}
	check(t, s.Indexed(t.Context(), 2))
	if refs, err := s.Forget(t.Context()); err != nil || !slices.Equal(refs, []blob.Ref{ref("d")}) {
		t.Errorf("blobs to delete %v, %v; want one: another document has the same original", refs, err)
	}
	if e, err := s.Entry(t.Context(), release.KindWithdrawal, ID(1).String()); err != nil || e.Release != 2 {
		t.Errorf("the notice: release %d, %v", e.Release, err)
	}
}

func changes(t *testing.T, s archive.Store, _ func() archive.Store) {
	part := document(2)
	part.Row.Parent = ID(1)
	stageAndSwitch(t, s, 1, document(1), part, document(3))
	again := document(2)
	again.Row.Parent = ID(1)
	stageAndSwitch(t, s, 2, again)
	if got := changed(t, s, 1); !slices.Equal(got, []archive.Change{{ID: ID(1)}, {ID: ID(2)}}) {
		t.Errorf("changes %v; want the part and its container", got)
	}
	if got := changed(t, s, 2); len(got) != 0 {
		t.Errorf("changes %v; want none", got)
	}
	if got, err := s.Brought(t.Context(), "c"); err != nil || len(got) != 2 || got[1] != 2 || got[2] != 1 {
		t.Errorf("brought %v, %v; want 2 by the first, 1 by the second", got, err)
	}
}

func lists(t *testing.T, s archive.Store, _ func() archive.Store) {
	in := []archive.Staged{topic("b", "b"), topic("a", "a")}
	for n := 1; n <= 5; n++ {
		d := document(n)
		if n > 1 {
			d.Row.Parent, d.Row.Name = ID(1), fmt.Sprint(9-n)
		}
		d.Links = archive.Links{MessageID: fmt.Sprint("m", n), Cites: []string{"root"}}
		in = append(in, d, rendition(n, "original", "same"))
	}
	stageAndSwitch(t, s, 1, in...)
	parts, n, err := s.Parts(t.Context(), ID(1), 3)
	if err != nil || n != 4 || len(parts) != 3 || parts[0].ID != ID(5) {
		t.Errorf("parts %v of %d, %v; want 3 of 4 by name", parts, n, err)
	}
	var whole []string
	for e, err := range s.PartBodies(t.Context(), ID(1)) {
		if err != nil || e.Release != 1 || len(e.Body) == 0 {
			t.Fatalf("entry of a part %+v, %v", e, err)
		}
		whole = append(whole, e.ID)
	}
	if want := []string{ID(2).String(), ID(3).String(), ID(4).String(), ID(5).String()}; !slices.Equal(whole, want) {
		t.Errorf("entries of parts %v; want all as released, %v", whole, want)
	}
	if got, err := s.Containers(t.Context(), []corpus.DocumentID{ID(1), ID(2)}); err != nil || len(got) != 1 || !got[ID(1)] {
		t.Errorf("containers %v, %v; want the first", got, err)
	}
	if rows, err := s.SameBytes(t.Context(), ID(3), ref("same"), 10); err != nil || len(rows) != 4 || rows[2].ID != ID(4) {
		t.Errorf("same bytes %v, %v; want the 4 others by id", rows, err)
	}
	linked, err := s.Linked(t.Context(), []string{"root", "m2"}, 10)
	if err != nil || len(linked) != 5 || linked[1].MessageID != "m2" || !slices.Equal(linked[1].Cites, []string{"root"}) {
		t.Errorf("linked %+v, %v; want all 5", linked, err)
	}
	if linked, err = s.Linked(t.Context(), []string{"m4"}, 10); err != nil || len(linked) != 1 || linked[0].ID != ID(4) {
		t.Errorf("linked to m4: %+v, %v", linked, err)
	}
	entries, err := s.Entries(t.Context(), release.KindTopic)
	if err != nil || len(entries) != 2 || entries[0].ID != "a" {
		t.Errorf("topics %v, %v; want two by id", entries, err)
	}
	bodies, err := s.Bodies(t.Context(), []corpus.DocumentID{ID(2), ID(9)})
	if err != nil || len(bodies) != 1 || string(bodies[ID(2)].Body) != string(document(2).Body) {
		t.Errorf("bodies %v, %v", bodies, err)
	}
}

// Helpers that stage.

func rel(n, entries int) archive.Release {
	return archive.Release{Number: n, Newsroom: "N", Day: "2026-01-01", Checkpoint: [32]byte{byte(n)}, Entries: entries}
}

func stage(t *testing.T, s archive.Store, n int, entries ...archive.Staged) {
	t.Helper()
	st, err := s.Begin(t.Context(), rel(n, len(entries)))
	check(t, err)
	check(t, st.Put(t.Context(), entries))
}

func stageAndSwitch(t *testing.T, s archive.Store, n int, entries ...archive.Staged) {
	t.Helper()
	stage(t, s, n, entries...)
	check(t, s.Switch(t.Context(), n))
}

func record(kind release.Kind, id, body string) archive.Staged {
	return archive.Staged{Record: release.Record{Kind: kind, ID: id, Salt: release.Salt{1, 2, 3}, Body: []byte(body), Index: 7}}
}

func topic(id, body string) archive.Staged { return record(release.KindTopic, id, `"`+body+`"`) }

func document(n int) archive.Staged {
	s := record(release.KindDocument, ID(n).String(), `{"text":"`+strings.Repeat("words ", n)+`"}`)
	s.Row = &archive.Row{ID: ID(n), Collection: "c", Title: fmt.Sprint("document ", n), Name: "n", Type: "text/plain", Size: 12,
		Date: at("2012-03-04T05:06:07Z"), Language: "en", Origin: "o", State: corpus.Published, From: "f"}
	if n == 2 {
		s.Row.Date = s.Row.Date.AddDate(0, 0, 1)
	}
	if n > 2 {
		s.Row.Date = s.Row.Date.AddDate(1, 0, 0)
	}
	return s
}

func ref(text string) blob.Ref { return sha256.Sum256([]byte(text)) }

func rendition(n int, name, text string) archive.Staged {
	s := record(release.KindRendition, ID(n).String()+"/"+name, `{}`)
	s.Document, s.Name, s.Original = ID(n), name, name == "original"
	s.Payload = &release.Payload{Size: int64(len(text)), SHA256: ref(text)}
	return s
}

func names(t *testing.T, s archive.Store, n int) []string {
	t.Helper()
	entries, err := s.Renditions(t.Context(), ID(n))
	check(t, err)
	var all []string
	for _, e := range entries {
		_, name, _ := strings.Cut(e.ID, "/")
		all = append(all, name)
	}
	return all
}

func changed(t *testing.T, s archive.Store, since int) []archive.Change {
	t.Helper()
	var all []archive.Change
	for ch, err := range s.Changed(t.Context(), since) {
		check(t, err)
		all = append(all, ch)
	}
	return all
}
