package desk_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"daylight/blob"
	"daylight/corpus"
	"daylight/courier"
	"daylight/desk"
	"daylight/desk/desktest"
	"daylight/fault"
	"daylight/ingest"
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

// TestNobodyDestroysWhatIsBeingKept: the bytes are here already, and no row names them
// yet, when a handler destroys the copy of somebody else.
func TestNobodyDestroysWhatIsBeingKept(t *testing.T) {
	const bytes = "the very bytes"
	for name, keep := range map[string]func(*testing.T, *desktest.World, *meeting){
		"a file arrives": func(t *testing.T, w *desktest.World, m *meeting) {
			w.NewSource().Send("The minister signed it.", "contract.txt", bytes)
			m.armed = true
			fetch(t, w)
		},
		"a file is a message": func(t *testing.T, w *desktest.World, m *meeting) {
			s := w.NewSource()
			for range desk.MaxTalk / desk.MaxText {
				s.Send(strings.Repeat("w", desk.MaxText))
			}
			fetch(t, w)
			s.Send(bytes)
			m.armed, m.later = true, 1
			fetch(t, w)
		},
		"a file is sent": func(t *testing.T, w *desktest.World, m *meeting) {
			s := w.NewSource()
			s.Send("Have you the contract?")
			fetch(t, w)
			c := talkWith(t, w, s)
			m.armed = true
			must(t, w.Reply(t.Context(), handler, c.ID, "Here.", []desk.Attachment{{Name: "contract.txt", Body: strings.NewReader(bytes)}}))
		},
		"parts are joined": func(t *testing.T, w *desktest.World, m *meeting) {
			s := w.NewSource()
			s.Send("", "contract.001", bytes[:5], "contract.002", bytes[5:])
			fetch(t, w)
			c := talkWith(t, w, s)
			m.armed = true
			must(t, w.Join(t.Context(), handler, c.ID, c.Messages[0].ID, 0))
		},
		"a case is made": func(t *testing.T, w *desktest.World, m *meeting) {
			s := w.NewSource()
			s.Send("", "archive.box", "contract.txt="+bytes)
			fetch(t, w)
			c := talkWith(t, w, s)
			take := w.Options.Ingest
			w.Options.Ingest = func(ctx context.Context, c corpus.CollectionID, l ingest.Ledger, list iter.Seq2[desk.Material, error]) error {
				return take(ctx, c, meetingLedger{l, m}, list)
			}
			w.Reopen()
			_, err := w.MakeCase(t.Context(), handler, c.ID, desk.Made{Title: "The contract", Messages: []string{c.Messages[0].ID}})
			must(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := world(t)
			s := w.NewSource()
			s.Send("Sent by mistake. Please destroy it.", "holiday.txt", bytes)
			fetch(t, w)
			c := talkWith(t, w, s)
			done := make(chan error, 1)
			m := &meeting{Conversations: w.Options.Stores.Conversations, done: make(chan bool)}
			m.f = func() {
				done <- w.DestroyFile(t.Context(), handler, c.ID, c.Messages[0].ID, 0, "asked for")
				close(m.done)
			}
			w.Options.Stores.Conversations = m
			w.Reopen()
			keep(t, w, m)
			if m.armed {
				t.Fatal("they did not meet")
			}
			err := <-done
			if err != nil && !errors.Is(err, fault.Conflict) {
				t.Fatal(err)
			}
			if f := talkWith(t, w, s).Messages[0].Files[0]; f.Destroyed != (err == nil) {
				t.Errorf("%v, and then %+v", err, f)
			}
			if has, err := w.Options.Blobs.Has(t.Context(), sha256.Sum256([]byte(bytes))); err != nil || !has {
				t.Errorf("the bytes of who has them too: %v, %v", has, err)
			}
		})
	}
}

// TestWhatIsDestroyedDoesNotStay: the row says it first, and then the bytes cannot be
// destroyed. Nobody opens them any more; a second try ends it, or the next start or round.
func TestWhatIsDestroyedDoesNotStay(t *testing.T) {
	for _, end := range []string{"again", "start", "round"} {
		w := world(t)
		s := w.NewSource()
		s.Send("", "b.001", "one ", "b.002", "two")
		w.NewSource().Send("", "same.txt", "two")
		fetch(t, w)
		c := talkWith(t, w, s)
		must(t, w.Join(t.Context(), handler, c.ID, c.Messages[0].ID, 0))
		whole := talkWith(t, w, s).Messages[1]
		stuck := &killedBlobs{w.Options.Blobs, true}
		w.Options.Blobs = stuck
		w.Reopen()
		destroy := func() error {
			return w.DestroyFile(t.Context(), handler, c.ID, whole.ID, 0, "a reason")
		}
		if err := destroy(); !errors.Is(err, errKilled) {
			t.Fatalf("%v; want it killed", err)
		}
		for id, n := range map[string]int{whole.ID: 1, c.Messages[0].ID: 2} {
			for i := range n {
				if _, _, err := w.OpenFile(t.Context(), handler, c.ID, id, i); !errors.Is(err, fault.Gone) {
					t.Errorf("opening what is destroyed: %v", err)
				}
			}
		}
		if err := destroy(); !errors.Is(err, errKilled) || blobs(t, w) != 3 {
			t.Errorf("again: %v, %d blobs; want it killed again", err, blobs(t, w))
		}
		if end == "round" {
			w.Reopen()
			if _, err := w.Fetch(t.Context(), w.Intake); !errors.Is(err, errKilled) {
				t.Errorf("a round says %v; want why bytes stay", err)
			}
		}
		stuck.dead = false
		ended(t, w, end, destroy)
		if has, err := w.Options.Blobs.Has(t.Context(), c.Messages[0].Files[1].Ref); err != nil || !has || blobs(t, w) != 1 {
			t.Errorf("%s: %d blobs; want what another source sent too", end, blobs(t, w))
		}
		for _, m := range talkWith(t, w, s).Messages {
			for _, f := range m.Files {
				if f.Name != "destroyed" || !f.Destroyed || f.Why != "a reason" || !f.Ref.IsZero() || f.From != nil {
					t.Errorf("%s: %+v", end, f)
				}
			}
		}
		if err := destroy(); !errors.Is(err, fault.Gone) {
			t.Errorf("destroyed once more: %v", err)
		}
	}
}

// ended ends what destroying left half way: by a second try, the next start or a round.
func ended(t *testing.T, w *desktest.World, how string, destroy func() error) {
	t.Helper()
	switch how {
	case "again":
		must(t, destroy())
	case "start":
		w.Reopen()
	case "round":
		fetch(t, w)
	}
}

// TestWhatIsDestroyedInACaseDoesNotStay: neither what was inside of it, nor the file that
// the conversation shows, wherever it stopped.
func TestWhatIsDestroyedInACaseDoesNotStay(t *testing.T) {
	for step := range 3 {
		for _, end := range []string{"again", "start", "round"} {
			w := world(t)
			items := &brokenDocuments{Documents: w.Options.Stores.Documents}
			talks := &brokenConversations{Conversations: w.Options.Stores.Conversations}
			bytes := &killedBlobs{Store: w.Options.Blobs}
			w.Options.Stores.Documents, w.Options.Stores.Conversations, w.Options.Blobs = items, talks, bytes
			w.Reopen()
			s, _, id := received(t, w, "archive.box", "horror.txt=terrible\nlist.txt=names", "other.txt", "stays")
			of := doc(t, w, id, "archive.box")
			destroy := func() error { return w.Destroy(t.Context(), handler, id, of, "Nobody should see it.") }
			items.fail, talks.fail, bytes.dead = step == 0, step == 1, step == 2
			if err := destroy(); !errors.Is(err, errCrash) && !errors.Is(err, errKilled) {
				t.Fatalf("step %d: %v; want it killed", step, err)
			}
			items.fail, talks.fail, bytes.dead = false, false, false
			ended(t, w, end, destroy)
			if n := blobs(t, w); n != 1 {
				t.Errorf("step %d, %s: %d blobs; want the other file", step, end, n)
			}
			if f := talkWith(t, w, s).Messages[0].Files; !f[0].Destroyed || f[1].Destroyed {
				t.Errorf("step %d, %s: files %+v", step, end, f)
			}
			l, err := w.Documents(t.Context(), ana, id, desk.Filter{States: []corpus.State{corpus.Destroyed}}, "", 0, 10)
			if err != nil || l.Total != 3 {
				t.Errorf("step %d, %s: %d are destroyed, %v; want 3", step, end, l.Total, err)
			}
			if c, err := w.Case(t.Context(), ana, id); err != nil || len(c.Destroying) != 0 {
				t.Errorf("step %d, %s: still to be destroyed: %+v, %v", step, end, c.Destroying, err)
			}
		}
	}
}

type brokenConversations struct {
	desk.Conversations
	fail bool
}

func (s *brokenConversations) Update(ctx context.Context, id desk.ConversationID, f func(*desk.Conversation) error) error {
	if s.fail {
		return errCrash
	}
	return s.Conversations.Update(ctx, id, f)
}

// TestAReplyThatIntakeHasDoesNotStay: its envelope is destroyed here, if not in this
// round, then in the next.
func TestAReplyThatIntakeHasDoesNotStay(t *testing.T) {
	w := world(t)
	s := w.NewSource()
	s.Send("Are you there?")
	fetch(t, w)
	must(t, w.Reply(t.Context(), handler, onlyTalk(t, w).ID, "We are.", nil))
	stuck := &killedBlobs{w.Options.Blobs, true}
	w.Options.Blobs = stuck
	w.Reopen()
	if _, err := w.Fetch(t.Context(), w.Intake); !errors.Is(err, errKilled) {
		t.Fatalf("%v; want it killed", err)
	}
	if got := s.Read(); len(got) != 1 || blobs(t, w) != 1 {
		t.Fatalf("%q at intake, %d blobs; want one of each", got, blobs(t, w))
	}
	clear(w.Intake.Replies) // it was taken there
	stuck.dead = false
	w.Reopen()
	fetch(t, w)
	if got := s.Read(); len(got) != 0 || blobs(t, w) != 0 || !onlyTalk(t, w).Messages[1].Sealed.IsZero() {
		t.Errorf("%q at intake, %d blobs; want none", got, blobs(t, w))
	}
}

// meeting begins f, once it is armed, where a row of a conversation is about to be
// written, and lets it go as far as it comes.
type meeting struct {
	desk.Conversations
	armed bool
	later int // so many rows after that
	f     func()
	done  chan bool
}

func (m *meeting) meet() {
	if !m.armed {
		return
	}
	if m.later--; m.later >= 0 {
		return
	}
	m.armed = false
	go m.f()
	select {
	case <-m.done:
	case <-time.After(time.Second / 2): // it waits for us
	}
}

func (m *meeting) Receive(ctx context.Context, e courier.EnvelopeID, box courier.MailboxID, f func(*desk.Conversation) error) error {
	m.meet()
	return m.Conversations.Receive(ctx, e, box, f)
}

func (m *meeting) Update(ctx context.Context, id desk.ConversationID, f func(*desk.Conversation) error) error {
	m.meet()
	return m.Conversations.Update(ctx, id, f)
}

type meetingLedger struct {
	ingest.Ledger
	m *meeting
}

func (l meetingLedger) Commit(ctx context.Context, records []ingest.Record, done []string) error {
	if slices.ContainsFunc(records, func(r ingest.Record) bool { return r.Hash == blob.Ref(sha256.Sum256([]byte("the very bytes"))) }) {
		l.m.armed = true
		l.m.meet()
	}
	return l.Ledger.Commit(ctx, records, done)
}
