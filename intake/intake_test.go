package intake_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"daylight/codename"
	"daylight/courier"
	"daylight/courier/couriertest"
	"daylight/envelope"
	"daylight/fault"
	"daylight/intake"
	"daylight/intake/sqlite"
	"daylight/internal/sqlkit"
)

// house is an intake with its newsroom.
type house struct {
	*intake.Intake
	store  intake.Store
	key    envelope.PrivateKey
	signer note.Signer
	list   envelope.KeyList
	passed atomic.Int64 // nanoseconds since its clock began; uploads read that too
	opts   intake.Options
}

func (h *house) now() time.Time {
	return time.Date(2026, 11, 23, 4, 17, 43, 123456789, time.UTC).Add(time.Duration(h.passed.Load()))
}

func (h *house) pass(d time.Duration) { h.passed.Add(int64(d)) }

func newHouse(t testing.TB, change func(*intake.Options)) *house {
	t.Helper()
	secret, public, err := note.GenerateKey(nil, "newsroom.example")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{}
	if h.signer, err = note.NewSigner(secret); err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	if h.key, err = envelope.NewKey("desk"); err != nil {
		t.Fatal(err)
	}
	h.list = envelope.KeyList{Newsroom: [16]byte{7}, Serial: 1, Channels: []envelope.Channel{
		{ID: "newsroom", Names: []envelope.Words{{Language: "en", Text: "The newsroom"}}, Keys: []envelope.PublicKey{h.key.Public()}}}}
	store, err := sqlite.Open(t.Context(), t.TempDir(), sqlkit.Key{1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	h.opts = intake.Options{Store: store, Verifier: verifier, Keys: h.signed(t, h.list), Now: h.now}
	if change != nil {
		change(&h.opts)
	}
	if h.opts.Limits.First == 0 {
		h.opts.Limits.First = -1 // most tests have little to say
	}
	h.store = h.opts.Store
	if h.Intake, err = intake.Open(t.Context(), h.opts); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Intake.Close() })
	return h
}

func (h *house) signed(t testing.TB, l envelope.KeyList) []byte {
	t.Helper()
	b, err := l.Sign(h.signer)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// begin starts a visit and keeps the codename, as a source does.
func (h *house) begin(t testing.TB) (*intake.Session, []byte) {
	t.Helper()
	s, err := h.Begin("en")
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Codename()
	if err != nil {
		t.Fatal(err)
	}
	words, _ := c.AppendText(nil)
	if err := s.Keep(); err != nil {
		t.Fatal(err)
	}
	return s, words
}

type opened struct {
	*envelope.Reader
	parts []intake.Received
	body  [][]byte
}

// fetch opens all envelopes, as the desk does.
func (h *house) fetch(t testing.TB) []opened {
	t.Helper()
	list, err := h.Courier().Envelopes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all []opened
	for _, e := range list {
		sealed, err := h.Courier().Open(t.Context(), e.ID)
		if err != nil {
			t.Fatal(err)
		}
		r, err := envelope.Open(sealed, h.key)
		if err != nil {
			t.Fatal(err)
		}
		o := opened{Reader: r}
		for e := range r.Entries() {
			b, _ := io.ReadAll(e)
			o.parts = append(o.parts, intake.Received{Type: e.Type, Name: e.Name, Size: e.Size(), Cut: e.End() != envelope.Whole})
			o.body = append(o.body, b)
		}
		sealed.Close()
		all = append(all, o)
	}
	return all
}

// send sends a message and files, and wants them kept.
func (h *house) send(t testing.TB, s *intake.Session, message string, files ...string) intake.Arrival {
	t.Helper()
	sub, err := h.Submit(s)
	if err != nil {
		t.Fatal(err)
	}
	sub.Text(strings.NewReader(message))
	for i, f := range files {
		sub.File(string(rune('a'+i))+".txt", strings.NewReader(f))
	}
	arrival, err := sub.Finish()
	if err != nil || !arrival.Kept {
		t.Fatalf("kept %v, %v", arrival.Kept, err)
	}
	return arrival
}

func TestWhatTheDeskOpensIsWhatWasSent(t *testing.T) {
	h := newHouse(t, nil)
	s, _ := h.begin(t)
	arrival := h.send(t, s, "hello", "first", "", strings.Repeat("z", 300_000))
	got := h.fetch(t)
	if len(got) != 1 {
		t.Fatalf("%d envelopes; want one", len(got))
	}
	if !slices.Equal(got[0].parts, arrival.Parts) || len(arrival.Parts) != 4 || arrival.Err != nil || !arrival.Answerable {
		t.Errorf("desk has %+v; arrival %+v", got[0].parts, arrival)
	}
	if string(got[0].body[0]) != "hello" || string(got[0].body[1]) != "first" || len(got[0].body[3]) != 300_000 {
		t.Error("the desk has other bytes")
	}
	if !got[0].Head.Time.Equal(h.now()) || got[0].End() != envelope.Whole {
		t.Errorf("head %+v, end %v", got[0].Head, got[0].End())
	}
}

// answer leaves a reply for the source of an envelope.
func (h *house) answer(t testing.TB, to *envelope.Address, id courier.ReplyID, text string, files ...string) {
	t.Helper()
	if to == nil {
		t.Fatal("no address in the envelope")
		return // for the checker, which does not know that Fatal ends it
	}
	var b bytes.Buffer
	s, err := envelope.SealReply(&b, envelope.Head{Time: h.now()}, *to)
	if err != nil {
		t.Fatal(err)
	}
	s.Text(strings.NewReader(text))
	for _, f := range files {
		s.File("answer.txt", strings.NewReader(f))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := h.Courier().PutReply(t.Context(), courier.MailboxID(to.Mailbox), id, &b); err != nil {
		t.Fatal(err)
	}
}

const reply1 = courier.ReplyID("00112233445566778899aabbccddeeff")

func TestAConversation(t *testing.T) {
	h := newHouse(t, nil)
	s, words := h.begin(t)
	h.send(t, s, "hello")
	s.Leave()
	h.answer(t, h.fetch(t)[0].Address(), reply1, "Who else had it?", "attached")

	typed := strings.ToUpper(string(words[:1])) + strings.ReplaceAll(string(words[1:]), "-", " ")
	back, err := h.Return(t.Context(), []byte(typed))
	if err != nil {
		t.Fatal(err)
	}
	letters, err := back.Inbox(t.Context())
	if err != nil || len(letters) != 1 || letters[0].Text != "Who else had it?" || len(letters[0].Files) != 1 {
		t.Fatalf("%d letters, %v; want the answer", len(letters), err)
	}
	name, file, err := back.Attachment(t.Context(), letters[0].ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := io.ReadAll(file); string(b) != "attached" || name != "answer.txt" {
		t.Errorf("file %q with %d bytes", name, len(b))
	}
	file.Close()

	// The next submission of this visit goes to the same mailbox.
	h.send(t, back, "Three people.")
	got := h.fetch(t)
	if len(got) != 2 || *got[0].Address() != *got[1].Address() {
		t.Error("the second submission has another mailbox")
	}

	stranger, err := h.Begin("en")
	if err != nil {
		t.Fatal(err)
	}
	h.send(t, stranger, "I am somebody else")
	if err := stranger.Destroy(t.Context(), reply1); !errors.Is(err, fault.NotFound) {
		t.Errorf("a stranger destroys it: %v; want not found", err)
	}
	if _, _, err := stranger.Attachment(t.Context(), reply1, 0); !errors.Is(err, fault.NotFound) {
		t.Errorf("a stranger opens it: %v; want not found", err)
	}
	if err := back.Destroy(t.Context(), reply1); err != nil {
		t.Fatal(err)
	}
	h.answer(t, got[0].Address(), reply1, "the same reply, carried twice")
	if letters, err := back.Inbox(t.Context()); err != nil || len(letters) != 0 {
		t.Errorf("%d letters, %v; want none, also when the courier repeats itself", len(letters), err)
	}
}

// late lists a reply that is destroyed before it is opened.
type late struct{ intake.Store }

func (late) OpenReply(_ context.Context, _ courier.MailboxID, id courier.ReplyID) (io.ReadCloser, error) {
	return nil, fault.NotFound
}

func TestAReplyThatIsGoneMeanwhileIsNoFault(t *testing.T) {
	h := newHouse(t, func(o *intake.Options) { o.Store = late{o.Store} })
	s, words := h.begin(t)
	h.send(t, s, "hello")
	h.answer(t, h.fetch(t)[0].Address(), reply1, "It was here.", "attached")
	back, err := h.Return(t.Context(), words)
	if err != nil {
		t.Fatal(err)
	}
	if letters, err := back.Inbox(t.Context()); err != nil || len(letters) != 0 {
		t.Errorf("%d letters, %v; want an empty inbox", len(letters), err)
	}
}

func TestEveryCodenameOpensAnInbox(t *testing.T) {
	h := newHouse(t, nil)
	words, _ := codename.New("en").AppendText(nil)
	s, err := h.Return(t.Context(), words)
	if err != nil {
		t.Fatal(err)
	}
	if letters, err := s.Inbox(t.Context()); err != nil || len(letters) != 0 {
		t.Errorf("%d letters, %v; want an empty inbox", len(letters), err)
	}
	var wrong *codename.Error
	if _, err := h.Return(t.Context(), []byte("no such words")); !errors.As(err, &wrong) || !errors.Is(err, fault.Invalid) {
		t.Errorf("words that are no codename: %v", err)
	}
}

func TestNothingIsKeptOfAVisitThatSendsNothing(t *testing.T) {
	h := newHouse(t, nil)
	s, _ := h.begin(t)
	sub, err := h.Submit(s)
	if err != nil {
		t.Fatal(err)
	}
	sub.Text(strings.NewReader(""))
	sub.File("", strings.NewReader(""))
	if _, err := sub.Finish(); !errors.Is(err, fault.Invalid) {
		t.Errorf("an empty submission: %v; want not valid", err)
	}
	if got := h.fetch(t); len(got) != 0 {
		t.Errorf("%d envelopes; want none", len(got))
	}
}

func TestAVisitEnds(t *testing.T) {
	for name, wait := range map[string]struct{ step, n int }{"idle": {30, 1}, "longest": {20, 12}} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, nil)
			s, _ := h.begin(t)
			for range wait.n {
				if _, err := h.Session(s.Token()); err != nil {
					t.Fatal(err)
				}
				h.pass(time.Duration(wait.step) * time.Minute)
			}
			if _, err := h.Session(s.Token()); !errors.Is(err, fault.Unknown) {
				t.Errorf("after %d times %d minutes: %v; want unknown", wait.n, wait.step, err)
			}
		})
	}
	h := newHouse(t, nil)
	s, _ := h.begin(t)
	sub, err := h.Submit(s)
	if err != nil {
		t.Fatal(err)
	}
	h.pass(5 * time.Hour)
	if _, err := h.Session(s.Token()); err != nil {
		t.Errorf("while an upload is under way: %v", err)
	}
	sub.Finish()
}

func TestTheCodenameIsShownUntilItIsKept(t *testing.T) {
	h := newHouse(t, nil)
	s, _ := h.begin(t)
	if _, err := s.Codename(); !errors.Is(err, fault.Gone) {
		t.Errorf("after it was kept: %v; want gone", err)
	}
}

func TestTooManyAtOnceIsBusy(t *testing.T) {
	h := newHouse(t, func(o *intake.Options) { o.Limits = intake.Limits{Uploads: 1, Sessions: 2} })
	s, _ := h.begin(t)
	first, err := h.Submit(s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Submit(s); !errors.Is(err, fault.Busy) {
		t.Errorf("a second submission: %v; want busy", err)
	}
	first.Finish()
	if again, err := h.Submit(s); err != nil {
		t.Errorf("after the first has ended: %v", err)
	} else {
		again.Finish()
	}
}

// TestReturnsDoNotHoldUpSubmissions fills the lane of returns, and sends.
func TestReturnsDoNotHoldUpSubmissions(t *testing.T) {
	h := newHouse(t, func(o *intake.Options) { o.Limits = intake.Limits{Returns: 1} })
	words, _ := codename.New("en").AppendText(nil)
	results := make(chan error)
	for range 6 {
		go func() {
			_, err := h.Return(t.Context(), words)
			results <- err
		}()
	}
	s, _ := h.begin(t)
	if arrival := h.send(t, s, "hello"); !arrival.Answerable {
		t.Error("the newsroom cannot answer")
	}
	busy := 0
	for range 6 {
		if err := <-results; errors.Is(err, fault.Busy) {
			busy++
		} else if err != nil {
			t.Error(err)
		}
	}
	if busy == 0 {
		t.Error("six returns at once, with one at work and one waiting, and none was told to come later")
	}
}

func TestKeysOfTheNewsroomOnly(t *testing.T) {
	h := newHouse(t, nil)
	stranger := newHouse(t, nil)
	c := h.Courier()
	if err := c.PutKeys(t.Context(), stranger.signed(t, stranger.list)); !errors.Is(err, fault.Unverified) {
		t.Errorf("a stranger's list: %v; want unverified", err)
	}
	newer, moved := h.list, h.list
	newer.Serial, moved.Serial = 2, 3
	moved.Newsroom[0]++
	if err := c.PutKeys(t.Context(), h.signed(t, newer)); err != nil {
		t.Fatal(err)
	}
	for name, l := range map[string]envelope.KeyList{"an older list": h.list, "another newsroom": moved} {
		if err := c.PutKeys(t.Context(), h.signed(t, l)); !errors.Is(err, fault.Conflict) {
			t.Errorf("%s: %v; want a conflict", name, err)
		}
	}
	if err := c.PutReply(t.Context(), courier.MailboxID(strings.Repeat("ab", 32)), reply1, strings.NewReader("plain")); !errors.Is(err, fault.Invalid) {
		t.Errorf("a reply that is not sealed: %v; want not valid", err)
	}
	h.opts.Keys = nil
	again, err := intake.Open(t.Context(), h.opts)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if got := again.Keys().Serial; got != 2 {
		t.Errorf("list %d after a restart; want 2", got)
	}
}

func TestCourier(t *testing.T) {
	couriertest.Run(t, func(t *testing.T) couriertest.Intake {
		h := newHouse(t, nil)
		second := h.list
		second.Serial = 2
		return couriertest.Intake{
			Intake: h.Courier(),
			Arrive: func(sealed []byte, day string) courier.EnvelopeID {
				before, _ := h.store.Envelopes(t.Context())
				slot, err := h.store.Create(t.Context(), day, "2026-12-23")
				if err != nil {
					t.Fatal(err)
				}
				slot.Write(sealed)
				if err := slot.Keep(t.Context()); err != nil {
					t.Fatal(err)
				}
				after, _ := h.store.Envelopes(t.Context())
				for _, e := range after {
					if !slices.Contains(before, e) {
						return e.ID
					}
				}
				t.Fatal("the envelope is not listed")
				return ""
			},
			Replies: func(box courier.MailboxID) map[courier.ReplyID][]byte {
				all := map[courier.ReplyID][]byte{}
				ids, _ := h.store.Replies(t.Context(), box)
				for _, id := range ids {
					r, err := h.store.OpenReply(t.Context(), box, id)
					if err != nil {
						t.Fatal(err)
					}
					all[id], _ = io.ReadAll(r)
					r.Close()
				}
				return all
			},
			Keys: func() []byte {
				list, _ := h.store.KeyList(t.Context())
				return list
			},
			Lists: [2][]byte{h.signed(t, h.list), h.signed(t, second)},
		}
	})
}
