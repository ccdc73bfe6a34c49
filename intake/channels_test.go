package intake_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"daylight/envelope"
	"daylight/fault"
	"daylight/intake"
)

// channel makes one with keys of these names.
func channel(t testing.TB, id string, keys ...envelope.PrivateKey) envelope.Channel {
	t.Helper()
	c := envelope.Channel{ID: id, Names: []envelope.Words{{Language: "en", Text: id}}}
	for _, k := range keys {
		c.Keys = append(c.Keys, k.Public())
	}
	return c
}

func key(t testing.TB, name string) envelope.PrivateKey {
	t.Helper()
	k, err := envelope.NewKey(name)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// put makes intake take a list of these channels.
func (h *house) put(t testing.TB, channels ...envelope.Channel) {
	t.Helper()
	h.list.Serial++
	h.list.Channels = channels
	if err := h.Courier().PutKeys(t.Context(), h.signed(t, h.list)); err != nil {
		t.Fatal(err)
	}
}

// sealed are the bytes of all envelopes at intake.
func (h *house) sealed(t testing.TB) [][]byte {
	t.Helper()
	list, err := h.Courier().Envelopes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for _, e := range list {
		r, err := h.Courier().Open(t.Context(), e.ID)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		all = append(all, b)
	}
	return all
}

// opens reports what a key finds in an envelope: its message, or false.
func opens(t testing.TB, sealed []byte, k envelope.PrivateKey) (string, envelope.Head, bool) {
	t.Helper()
	r, err := envelope.Open(bytes.NewReader(sealed), k)
	if errors.Is(err, fault.Forbidden) {
		return "", envelope.Head{}, false
	}
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for e := range r.Entries() {
		if _, err := io.Copy(&text, e); err != nil {
			t.Fatal(err)
		}
	}
	if r.End() != envelope.Whole {
		t.Errorf("an envelope ends %v", r.End())
	}
	return text.String(), r.Head, true
}

// submitTo begins to submit to a channel; "" names none.
func (h *house) submitTo(t testing.TB, s *intake.Session, to string) *intake.Submission {
	t.Helper()
	sub, err := h.Submit(s)
	if err == nil && to != "" {
		err = sub.Channel(to)
	}
	if err != nil {
		t.Fatal(err)
	}
	return sub
}

// TestASourceChoosesWhoOpens: the chosen channel's keys do, a second one in a vault
// among them, and no other; what lies at intake has the same form for each.
func TestASourceChoosesWhoOpens(t *testing.T) {
	h := newHouse(t, nil)
	politics, harbour, vault := key(t, "politics"), key(t, "harbour"), key(t, "vault")
	h.put(t, channel(t, "politics", politics, vault), channel(t, "harbour", harbour))
	s, _ := h.begin(t)
	for _, to := range []string{"harbour", "politics", ""} {
		sub := h.submitTo(t, s, to)
		sub.Text(strings.NewReader("for " + to))
		if r, err := sub.Finish(); err != nil || !r.Kept || !r.Answerable {
			t.Fatalf("kept %v, %v", r.Kept, err)
		}
	}
	forms := map[string]int{}
	counts := map[string]int{}
	for _, sealed := range h.sealed(t) {
		head, _, _ := bytes.Cut(sealed, []byte("\n---"))
		forms[strings.Repeat("stanza ", bytes.Count(head, []byte("-> mlkem768x25519 ")))]++
		if len(forms) > 1 || bytes.Contains(sealed, []byte("harbour")) || bytes.Contains(sealed, []byte("politics")) {
			t.Error("an envelope at rest tells its channel")
		}
		_, _, a := opens(t, sealed, politics)
		_, _, b := opens(t, sealed, vault)
		text, head2, c := opens(t, sealed, harbour)
		if a != b || a == c {
			t.Errorf("politics %v, its second key %v, harbour %v", a, b, c)
		}
		if c && (text != "for harbour" || head2.Channel != "harbour" || head2.Serial != h.list.Serial) {
			t.Errorf("%q with the head %+v", text, head2)
		}
		counts[map[bool]string{true: "harbour", false: "politics"}[c]]++
	}
	if counts["harbour"] != 1 || counts["politics"] != 2 {
		t.Errorf("envelopes %v; want one for the harbour, and two for the first channel", counts)
	}
}

func TestAChannelThatIsNotThere(t *testing.T) {
	h := newHouse(t, nil)
	s, _ := h.begin(t)
	sub, err := h.Submit(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := sub.Channel("nobody"); !errors.Is(err, fault.NotFound) {
		t.Errorf("%v; want not found", err)
	}
	sub.Text(strings.NewReader("for nobody else"))
	if r, err := sub.Finish(); !errors.Is(err, fault.NotFound) || r.Kept {
		t.Errorf("kept %v, %v; want not found", r.Kept, err)
	}

	// Too late: what came before is for the first, and the rest for nobody.
	if sub, err = h.Submit(s); err != nil {
		t.Fatal(err)
	}
	sub.Text(strings.NewReader("first"))
	if err := sub.Channel("newsroom"); !errors.Is(err, fault.Invalid) {
		t.Errorf("named too late: %v; want not valid", err)
	}
	if err := sub.File("a", strings.NewReader("b")); err == nil {
		t.Error("a file is taken after that")
	}
	if r, err := sub.Finish(); err != nil || len(r.Parts) != 1 {
		t.Errorf("%d parts, %v; want the message", len(r.Parts), err)
	}
	if got := h.sealed(t); len(got) != 1 {
		t.Errorf("%d envelopes; want one", len(got))
	}
}

// TestRotationWhileUploadsRun: an upload that began before opens with the key that is
// retired meanwhile, whole; what begins after it opens with the new one alone.
func TestRotationWhileUploadsRun(t *testing.T) {
	h := newHouse(t, nil)
	s, _ := h.begin(t)
	old, next := h.key, key(t, "next")
	before, err := h.Submit(s)
	if err != nil {
		t.Fatal(err)
	}
	waiting, err := h.Submit(s) // nothing of it has come yet
	if err != nil {
		t.Fatal(err)
	}
	body, arrives := io.Pipe()
	done := make(chan error)
	go func() { done <- before.File("large", body) }()
	io.WriteString(arrives, strings.Repeat("before ", 20_000))
	h.put(t, channel(t, "newsroom", next))
	io.WriteString(arrives, strings.Repeat("after ", 20_000))
	arrives.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	waiting.Text(strings.NewReader("waiting"))
	for _, sub := range []*intake.Submission{before, waiting} {
		if r, err := sub.Finish(); err != nil || !r.Kept || r.Err != nil {
			t.Fatalf("kept %v, %v, %v", r.Kept, r.Err, err)
		}
	}
	h.send(t, s, "new")
	found := map[string]bool{}
	for _, sealed := range h.sealed(t) {
		text, head, byOld := opens(t, sealed, old)
		also, _, byNew := opens(t, sealed, next)
		if byOld == byNew {
			t.Errorf("old key %v, new key %v; want one of them", byOld, byNew)
		}
		if want := map[bool]int{true: 1, false: 2}[byOld]; byOld && head.Serial != want {
			t.Errorf("list %d; want %d", head.Serial, want)
		}
		if byNew {
			found["new: "+also] = true
		} else {
			found[text] = true
		}
	}
	if whole := strings.Repeat("before ", 20_000) + strings.Repeat("after ", 20_000); !found[whole] || !found["waiting"] || !found["new: new"] || len(found) != 3 {
		t.Errorf("%d of three are there, whole", len(found))
	}
}

// TestTheMarkOfRepetitionIsOfOneChannel: who reads one channel, and has a copy of a
// file, learns nothing of whether it came to another.
func TestTheMarkOfRepetitionIsOfOneChannel(t *testing.T) {
	for _, c := range []struct {
		to   []string // one visit each
		want int      // of those to the harbour, marked
	}{
		{[]string{"harbour", "harbour", "politics", "harbour"}, 0},
		{[]string{"harbour", "harbour", "", "harbour"}, 0}, // whoever names none writes to the first
		{[]string{"harbour", "harbour", "harbour", "harbour"}, 1},
	} {
		h := newHouse(t, func(o *intake.Options) { o.Limits.Repeats = 3 })
		politics, harbour := key(t, "politics"), key(t, "harbour")
		h.put(t, channel(t, "politics", politics), channel(t, "harbour", harbour))
		for _, to := range c.to {
			s, _ := h.begin(t)
			sub := h.submitTo(t, s, to)
			sub.Text(strings.NewReader("the letter"))
			sub.File("copy.pdf", strings.NewReader("the copy that one person was given"))
			if got, err := sub.Finish(); err != nil || got.Err != nil {
				t.Fatal(got.Err, err)
			}
		}
		marked := 0
		for _, b := range h.sealed(t) {
			r, err := envelope.Open(bytes.NewReader(b), harbour)
			if errors.Is(err, fault.Forbidden) {
				continue // of politics
			}
			if err != nil {
				t.Fatal(err)
			}
			for range r.Entries() {
			}
			if r.Repeated() {
				marked++
			}
		}
		if marked != c.want {
			t.Errorf("sent to %q: %d marked at the harbour; want %d", c.to, marked, c.want)
		}
	}
}

// TestTheFirstChannelByName: to name the first channel is the same as to name none.
func TestTheFirstChannelByName(t *testing.T) {
	h := newHouse(t, func(o *intake.Options) { o.Limits.Repeats = 1 })
	for i, to := range []string{"", "newsroom", ""} {
		s, _ := h.begin(t)
		sub, err := h.Submit(s)
		if err != nil {
			t.Fatal(err)
		}
		if to != "" {
			sub.Channel(to)
		}
		sub.Text(strings.NewReader("the same"))
		if _, err := sub.Finish(); err != nil {
			t.Fatal(err)
		}
		marked := 0
		for _, o := range h.fetch(t) {
			if o.Repeated() {
				marked++
			}
		}
		if marked != i {
			t.Errorf("after %d: %d marked; want %d", i+1, marked, i)
		}
	}
}
