package desk_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"daylight/courier"
	"daylight/desk"
	"daylight/desk/desktest"
	"daylight/envelope"
	"daylight/fault"
)

// forge leaves an envelope at intake that somebody wrote by hand.
func forge(t *testing.T, w *desktest.World, to *envelope.Address, texts ...string) {
	t.Helper()
	var sealed bytes.Buffer
	s, err := envelope.Seal(&sealed, envelope.Head{Kind: envelope.Request, Time: w.Clock}, w.Private[0].Recipient())
	must(t, err)
	if to != nil {
		must(t, s.Address(*to))
	}
	for _, text := range texts {
		_, err := s.Text(strings.NewReader(text))
		must(t, err)
	}
	must(t, s.Close())
	w.Intake.Leave(sealed.Bytes())
}

// TestNobodyTakesOverAConversation: who reads an intake learns of mailboxes, and
// may seal an envelope with one of them and a key of their own.
func TestNobodyTakesOverAConversation(t *testing.T) {
	w := world(t)
	source := w.NewSource()
	source.Send("I am here.")
	_, err := w.Fetch(t.Context(), w.Intake)
	must(t, err)
	thief, err := envelope.NewKey("thief")
	must(t, err)
	forge(t, w, &envelope.Address{Mailbox: source.Mailbox, Key: thief.Recipient().String()}, "It is still me: where do we meet?")
	_, err = w.Fetch(t.Context(), w.Intake)
	must(t, err)

	all, err := w.Conversations(t.Context(), handler)
	must(t, err)
	if len(all) != 2 {
		t.Fatalf("%d conversations; want the forged message apart", len(all))
	}
	for _, c := range all {
		if string(c.Mailbox) == source.Mailbox {
			if len(c.Messages) != 1 {
				t.Errorf("%d messages in the source's conversation; want only the source's own", len(c.Messages))
			}
			must(t, w.Reply(t.Context(), handler, c.ID, "At the pier.", nil))
		}
	}
	_, err = w.Fetch(t.Context(), w.Intake)
	must(t, err)
	if got := source.Read(); len(got) != 1 || got[0] != "At the pier." {
		t.Errorf("the source reads %q; want the answer", got)
	}
}

// TestAMillionMessagesAreOneText: each is small enough; all of them together must
// be too.
func TestAMillionMessagesAreOneText(t *testing.T) {
	w := world(t)
	texts := []string{"first"}
	for range 4 {
		texts = append(texts, strings.Repeat("x", desk.MaxText/3))
	}
	forge(t, w, nil, texts...)
	_, err := w.Fetch(t.Context(), w.Intake)
	must(t, err)
	all, err := w.Conversations(t.Context(), handler)
	must(t, err)
	m := all[0].Messages[0]
	if len(m.Text) > desk.MaxText || !strings.HasPrefix(m.Text, "first\n\nxxx") {
		t.Errorf("text of %d bytes; want at most %d", len(m.Text), desk.MaxText)
	}
	kept := len(strings.ReplaceAll(m.Text, "\n", ""))
	for _, f := range m.Files {
		kept += int(f.Size)
	}
	if want := len(strings.Join(texts, "")); kept != want {
		t.Errorf("%d bytes were kept of %d", kept, want)
	}
}

// TestWhatIsNoTextIsBoundAsItIsKept: each byte that is no UTF-8 becomes three.
func TestWhatIsNoTextIsBoundAsItIsKept(t *testing.T) {
	w := world(t)
	sent := strings.Repeat("a\xff", desk.MaxText/2-100) // there is room for it as it was sent
	forge(t, w, nil, "first", sent[:100], "\x01\n", sent, "last")
	fetch(t, w)
	c := onlyTalk(t, w)
	m := c.Messages[0]
	if want := "first\n\n" + strings.Repeat("a\uFFFD", 50) + "\n\nlast"; m.Text != want || len(m.Files) != 1 || !m.Files[0].Words || !strings.HasPrefix(m.Files[0].Begins, "a") {
		t.Fatalf("text of %d bytes, %d files; want %d bytes, and a file of what is longer", len(m.Text), len(m.Files), len(want))
	}
	_, r, err := w.OpenFile(t.Context(), handler, c.ID, m.ID, 0)
	must(t, err)
	defer r.Close()
	if b, err := io.ReadAll(r); err != nil || string(b) != sent {
		t.Errorf("the file has %d bytes, %v; want the %d that were sent", len(b), err, len(sent))
	}
}

// TestNoConversationGrowsWithoutEnd: all of it is read with each page, and written anew
// with each message.
func TestNoConversationGrowsWithoutEnd(t *testing.T) {
	w := world(t)
	k, err := envelope.NewKey("source")
	must(t, err)
	to := &envelope.Address{Mailbox: strings.Repeat("ab", 32), Key: k.Recipient().String()}
	sent, most := 0, desk.MaxTalk/desk.MaxText
	for n := range most + 3 {
		text := fmt.Sprint(n, strings.Repeat("<w>", (desk.MaxText-10)/3))
		sent += len(text)
		forge(t, w, to, text)
	}
	fetch(t, w)
	forge(t, w, to, "Is there room? "+strings.Repeat("y", desk.MaxText/2))
	fetch(t, w)
	c := onlyTalk(t, w)
	text, kept := 0, 0
	for _, m := range c.Messages {
		text += len(m.Text)
		kept += len(m.Text)
		for i, f := range m.Files {
			kept += int(f.Size)
			if !f.Words || f.Begins == "" || len(f.Begins) > 500 {
				t.Errorf("file %d: %+v; want the words, and how they begin", i, f)
			}
		}
	}
	if want := sent + 15 + desk.MaxText/2; len(c.Messages) != most+4 || kept != want || text > desk.MaxTalk {
		t.Errorf("%d messages, %d bytes of %d, %d as text; want all, at most %d as text", len(c.Messages), kept, want, text, desk.MaxTalk)
	}
	m := c.Messages[most+3]
	if m.Text != "" || len(m.Files) != 1 || !strings.HasPrefix(m.Files[0].Begins, "Is there room?") {
		t.Fatalf("a message beyond the bound: %d bytes of text, %d files", len(m.Text), len(m.Files))
	}
	_, r, err := w.OpenFile(t.Context(), handler, c.ID, m.ID, 0)
	must(t, err)
	defer r.Close()
	if b, err := io.ReadAll(r); err != nil || !strings.HasPrefix(string(b), "Is there room? yyy") {
		t.Errorf("%.20q, %v", b, err)
	}
}

func TestOnlyWritingIsText(t *testing.T) {
	w := world(t)
	forge(t, w, nil, strings.Repeat("\x01", 5000)+" one\r\ntwo\rthree\tfour\x00\x7f\u0085 ")
	fetch(t, w)
	if got, want := onlyTalk(t, w).Messages[0].Text, "one\ntwo\nthree\tfour"; got != want {
		t.Errorf("text %.40q; want %q", got, want)
	}
}

// reading counts how often all conversations are read.
type reading struct {
	desk.Conversations
	n int
}

func (r *reading) All(ctx context.Context) ([]desk.Conversation, error) {
	r.n++
	return r.Conversations.All(ctx)
}

// TestRoundsAndCasesReadNoStranger: what strangers write is read when it comes, and when
// somebody looks at it.
func TestRoundsAndCasesReadNoStranger(t *testing.T) {
	w := world(t)
	all := &reading{Conversations: w.Options.Stores.Conversations}
	w.Options.Stores.Conversations = all
	w.Reopen()
	for _, id := range []desk.EditorID{"writer", "elsewhere"} {
		must(t, w.PutUser(t.Context(), desk.Operator, desk.User{ID: id, Name: "N", Roles: []desk.Role{desk.Handler, desk.Editor}}))
	}
	stranger := w.NewSource()
	stranger.Send("I am nobody.")
	fetch(t, w)
	must(t, w.Reply(t.Context(), "elsewhere", onlyTalk(t, w).ID, "Thank you.", nil))
	s, talk, id := received(t, w, "minutes.txt", "The committee met.")
	_, err := w.Dispose(t.Context(), ana, id, desk.Filter{}, "", desk.Disposition{Act: desk.Publish})
	must(t, err)
	decided(t, w, id)
	all.n = 0
	must(t, w.Reply(t.Context(), "writer", talk, "Thank you.", nil))
	fetch(t, w)
	// A crash may keep from a case who wrote: it is looked up where it counts.
	must(t, w.Options.Stores.Cases.Update(t.Context(), id, func(c *desk.Case) error { c.Barred = nil; return nil }))
	r, err := w.Readiness(t.Context(), ana, id)
	must(t, err)
	wantKind(t, w.Approve(t.Context(), "writer", id, r.Manifest, yes, ""), fault.Forbidden)
	approved(t, w, id, ana, "elsewhere")
	_, err = w.Release(t.Context(), ana, id)
	must(t, err)
	if len(s.Read()) != 1 || len(stranger.Read()) != 1 {
		t.Errorf("%d and %d answers were left; want one each", len(s.Read()), len(stranger.Read()))
	}
	if all.n > 0 {
		t.Errorf("all conversations were read %d times", all.n)
	}
}

// refusing is an intake that takes no reply for one mailbox.
type refusing struct {
	courier.Intake
	box courier.MailboxID
}

func (r refusing) PutReply(ctx context.Context, box courier.MailboxID, id courier.ReplyID, sealed io.Reader) error {
	if box == r.box {
		return errors.New("not this one")
	}
	return r.Intake.PutReply(ctx, box, id, sealed)
}

func TestOneReplyThatCannotBeLeftHoldsBackNoOther(t *testing.T) {
	w := world(t)
	sources := map[string]*desktest.Source{}
	for i := range 4 {
		s := w.NewSource()
		s.Send(fmt.Sprint(i))
		sources[s.Mailbox] = s
	}
	_, err := w.Fetch(t.Context(), w.Intake)
	must(t, err)
	all, err := w.Conversations(t.Context(), handler)
	must(t, err)
	for _, c := range all {
		must(t, w.Reply(t.Context(), handler, c.ID, "Thank you.", nil))
	}
	stored, err := w.Options.Stores.Conversations.All(t.Context())
	must(t, err)
	if _, err := w.Fetch(t.Context(), refusing{w.Intake, stored[0].Mailbox}); err == nil {
		t.Error("a reply that could not be left went unseen")
	}
	read := 0
	for _, s := range sources {
		read += len(s.Read())
	}
	if read != 3 {
		t.Errorf("%d replies lie at intake; want the three that it takes", read)
	}
}
