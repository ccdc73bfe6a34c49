package desk_test

import (
	"testing"

	"daylight/corpus"
	"daylight/custody/custodytest"
	"daylight/desk"
	"daylight/desk/desktest"
	"daylight/fault"
	"daylight/release"
)

// signedFor releases what a source sent, by the given route, and gives the originals.
func signedFor(t *testing.T, w *desktest.World, route corpus.Route) map[string]release.Entry {
	t.Helper()
	_, _, id := received(t, w, "minutes.txt", "the committee met", "names.txt", "a list of names")
	_, err := w.Dispose(t.Context(), ana, id, desk.Filter{}, "", desk.Disposition{Act: desk.Publish})
	must(t, err)
	decided(t, w, id)
	c, err := w.Case(t.Context(), ana, id)
	must(t, err)
	draft := c.Collection
	draft.Route = route
	must(t, w.SetCollection(t.Context(), ana, id, draft))
	approved(t, w, id, ana, bo)
	r, err := w.Release(t.Context(), ana, id)
	must(t, err)
	found := map[string]release.Entry{}
	for _, e := range entries(t, w, r.Number)[release.KindRendition] {
		found[e.ID] = e
	}
	return found
}

// TestReceiptsReachTheArchive: what intake signed for is proved by the release, where
// it says that it came that way; each receipt is for its own file.
func TestReceiptsReachTheArchive(t *testing.T) {
	w := world(t)
	w.Custody = custodytest.NewSigner(t, "intake")
	w.Options.Intakes = []string{w.Custody.Key()}
	w.Reopen()
	all := signedFor(t, w, corpus.RouteSubmission)
	if len(all) != 2 {
		t.Fatalf("%d originals; want 2", len(all))
	}
	salts := map[[32]byte]bool{}
	for id, e := range all {
		r, err := release.Decode[release.Rendition](e.Record)
		must(t, err)
		if r.Received == nil || r.Received.Check(e.Payload.SHA256) != nil || r.Received.Key != w.Custody.Key() {
			t.Errorf("%s: receipt %+v; want intake's for these bytes", id, r.Received)
			continue
		}
		salts[r.Received.Salt] = true
		for other, o := range all {
			if other != id {
				wantKind(t, r.Received.Check(o.Payload.SHA256), fault.Unverified)
			}
		}
	}
	if len(salts) != len(all) {
		t.Error("two receipts have one salt")
	}
}

// TestReceiptsThatAreNotPublished: none where the collection does not say that it was
// submitted, and none of an intake that the desk does not believe.
func TestReceiptsThatAreNotPublished(t *testing.T) {
	for name, c := range map[string]struct {
		route    corpus.Route
		believed bool
	}{"another route": {corpus.RoutePartner, true}, "a stranger's key": {corpus.RouteSubmission, false}} {
		w := world(t)
		w.Custody = custodytest.NewSigner(t, "intake")
		if c.believed {
			w.Options.Intakes = []string{w.Custody.Key()}
		}
		w.Reopen()
		for id, e := range signedFor(t, w, c.route) {
			if r, err := release.Decode[release.Rendition](e.Record); err != nil || r.Received != nil {
				t.Errorf("%s: %s has the receipt %v, %v; want none", name, id, r.Received, err)
			}
		}
	}
}

// TestAReceiptGoesWithItsFile: what is destroyed leaves no hash behind.
func TestAReceiptGoesWithItsFile(t *testing.T) {
	w := world(t)
	w.Custody = custodytest.NewSigner(t, "intake")
	w.Options.Intakes = []string{w.Custody.Key()}
	w.Reopen()
	w.NewSource().Send("look at this", "picture.txt", "what nobody should see")
	_, err := w.Fetch(t.Context(), w.Intake)
	must(t, err)
	talks, err := w.Conversations(t.Context(), handler)
	must(t, err)
	m := talks[0].Messages[0]
	_, err = w.Options.Stores.Receipts.Get(t.Context(), m.Files[0].Ref)
	must(t, err)
	must(t, w.DestroyFile(t.Context(), handler, talks[0].ID, m.ID, 0, "harms a child"))
	_, err = w.Options.Stores.Receipts.Get(t.Context(), m.Files[0].Ref)
	wantKind(t, err, fault.NotFound)
}
