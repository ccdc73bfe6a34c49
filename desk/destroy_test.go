package desk_test

import (
	"io"
	"slices"
	"testing"

	"daylight/desk"
	"daylight/desk/desktest"
)

// talkWith is the conversation with a source.
func talkWith(t *testing.T, w *desktest.World, s *desktest.Source) desk.Conversation {
	t.Helper()
	all, err := w.Conversations(t.Context(), handler)
	must(t, err)
	return all[slices.IndexFunc(all, func(c desk.Conversation) bool { return string(c.Mailbox) == s.Mailbox })]
}

// TestNobodyDestroysWhatOthersSent: whoever has the same bytes as a source sends them with
// a request to destroy them, or behind what nobody should see; or those of a release, which
// anybody has. The last one that is destroyed takes the bytes with it.
func TestNobodyDestroysWhatOthersSent(t *testing.T) {
	const bytes = "the very bytes"
	for name, stranger := range map[string]func(*testing.T, *desktest.World){
		"a copy": func(t *testing.T, w *desktest.World) {
			s := w.NewSource()
			s.Send("Sent by mistake. Please destroy it.", "holiday.txt", bytes)
			fetch(t, w)
			c := talkWith(t, w, s)
			must(t, w.DestroyFile(t.Context(), handler, c.ID, c.Messages[0].ID, 0, "asked for"))
			if f := talkWith(t, w, s).Messages[0].Files[0]; !f.Destroyed {
				t.Errorf("%+v; want it destroyed", f)
			}
		},
		"behind something": func(t *testing.T, w *desktest.World) {
			s, _, id := received(t, w, "archive.box", "horror.txt=terrible\nany.txt="+bytes)
			must(t, w.Destroy(t.Context(), handler, id, doc(t, w, id, "archive.box"), "Nobody should have to see it."))
			if f := talkWith(t, w, s).Messages[0].Files[0]; !f.Destroyed {
				t.Errorf("%+v; want it destroyed", f)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := world(t)
			honest := w.NewSource()
			honest.Send("The minister signed it.", "contract.txt", bytes)
			fetch(t, w)
			stranger(t, w)
			c := talkWith(t, w, honest)
			_, r, err := w.OpenFile(t.Context(), handler, c.ID, c.Messages[0].ID, 0)
			must(t, err)
			if b, err := io.ReadAll(r); err != nil || string(b) != bytes {
				t.Errorf("the source's file: %q, %v", b, err)
			}
			must(t, r.Close())
			must(t, w.DestroyFile(t.Context(), handler, c.ID, c.Messages[0].ID, 0, "of no use"))
			if has, err := w.Options.Blobs.Has(t.Context(), c.Messages[0].Files[0].Ref); err != nil || has {
				t.Errorf("the bytes that nothing names: %v, %v", has, err)
			}
		})
	}
	t.Run("a release", func(t *testing.T) {
		w := world(t)
		r, err := w.Release(t.Context(), ana, approvedCase(t, w))
		must(t, err)
		_, f, err := w.OpenRelease(t.Context(), ana, r.Number)
		must(t, err)
		public, err := io.ReadAll(f)
		must(t, err)
		must(t, f.Close())
		s := w.NewSource()
		s.Send("A scan. Please destroy it when you have seen it.", "scan.bin", string(public))
		fetch(t, w)
		c := talkWith(t, w, s)
		must(t, w.DestroyFile(t.Context(), handler, c.ID, c.Messages[0].ID, 0, "junk"))
		_, f, err = w.OpenRelease(t.Context(), ana, r.Number)
		must(t, err)
		must(t, f.Close())
	})
}
