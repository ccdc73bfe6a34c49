package web_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"daylight/envelope"
	"daylight/intake"
)

// withTeams is an intake of two channels; harbour opens what the second gets.
func withTeams(t *testing.T) (h *house, harbour envelope.PrivateKey, put func(serial int, c ...envelope.Channel)) {
	t.Helper()
	var err error
	if harbour, err = envelope.NewKey("harbour"); err != nil {
		t.Fatal(err)
	}
	sign := func(serial int, c ...envelope.Channel) []byte {
		b, err := envelope.KeyList{Newsroom: [16]byte{7}, Serial: serial, Channels: c}.Sign(h.signer)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	h = newHouse(t, func(made *house, o *intake.Options) {
		h = made
		o.Keys = sign(1, teams(h.key, harbour)...)
	})
	return h, harbour, func(serial int, c ...envelope.Channel) {
		if err := h.in.Courier().PutKeys(t.Context(), sign(serial, c...)); err != nil {
			t.Fatal(err)
		}
	}
}

func teams(politics, harbour envelope.PrivateKey) []envelope.Channel {
	return []envelope.Channel{
		{ID: "politics", Names: []envelope.Words{{Language: "en", Text: "Politics <desk>"}, {Language: "ar", Text: "السياسة"}}, Keys: []envelope.PublicKey{politics.Public()}},
		{ID: "harbour", Names: []envelope.Words{{Language: "en", Text: "The harbour"}}, About: []envelope.Words{{Language: "en", Text: "Two people."}}, Keys: []envelope.PublicKey{harbour.Public()}},
	}
}

// sendTo fills in the form with a choice.
func (s *source) sendTo(channel, message string) answer {
	s.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	w.WriteField("way", s.h.way())
	w.WriteField("channel", channel)
	w.WriteField("message", message)
	w.Close()
	return s.read(s.c.Post(s.h.url+"/send", w.FormDataContentType(), &b))
}

func TestASourceChoosesATeam(t *testing.T) {
	h, harbour, put := withTeams(t)
	s := h.source(t)
	s.begin()
	page := s.get("/send")
	page.wants(t, 200, "Who shall read it?", "Politics &lt;desk&gt;", "Two people.", `value="politics" checked`, `value="harbour">`)
	if strings.Index(page.body, `name="channel"`) > strings.Index(page.body, `name="message"`) {
		t.Error("the choice comes after what is sealed for it")
	}
	s.get("/ar/send").wants(t, 200, "السياسة", "The harbour")
	s.sendTo("harbour", "for the harbour").wants(t, 200, "It has arrived")
	s.sendTo("nobody", "for nobody").wants(t, 422, "The team that you chose is no longer there. Nothing was kept.", "Who shall read it?")
	s.sendTo(strings.Repeat("x", 1<<20), "for nobody").wants(t, 422, "Nothing was kept.")

	list, err := h.in.Courier().Envelopes(t.Context())
	if err != nil || len(list) != 1 {
		t.Fatalf("%d envelopes, %v; want one", len(list), err)
	}
	sealed, err := h.in.Courier().Open(t.Context(), list[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(sealed)
	sealed.Close()
	if _, err := envelope.Open(bytes.NewReader(b), h.key); err == nil {
		t.Error("the other team opens it")
	}
	r, err := envelope.Open(bytes.NewReader(b), harbour)
	if err != nil || r.Head.Channel != "harbour" {
		t.Fatalf("channel %v, %v", r, err)
	}

	// A newsroom that is one team again offers no choice.
	put(2, teams(h.key, harbour)[:1]...)
	if list := s.get("/keys").body; !strings.Contains(list, "serial 2\n") || strings.Contains(list, "harbour") {
		t.Error("programs still get the old list")
	}
	if page := s.get("/send"); strings.Contains(page.body, `name="channel"`) {
		t.Error("a choice between one team")
	}
	s.sendTo("harbour", "too late").wants(t, 422, "is no longer there")
	s.send("hello").wants(t, 200, "It has arrived")
	if strings.Contains(h.log.String(), "harbour") {
		t.Error("the log tells a choice")
	}
}

func TestTheNewsroomsWords(t *testing.T) {
	h := newHouse(t, nil)
	s := h.source(t)
	s.begin()
	// A source's own program gets the key and the list, checks it, and works the words
	// out by itself.
	signer, signed := s.get("/keys/signer").body, s.get("/keys").body
	verifier, err := note.NewVerifier(signer)
	if err != nil {
		t.Fatal(err)
	}
	list, err := envelope.ParseKeyList([]byte(signed), verifier)
	if err != nil || list.Serial != 1 || list.Keys()[0].String() != h.key.Public().String() {
		t.Fatalf("list %+v, %v", list, err)
	}
	fingerprint, err := envelope.Fingerprint(list.Newsroom, signer)
	if err != nil || signer != h.public {
		t.Fatal(err)
	}
	for _, path := range []string{"/guide/address", "/send", "/ar/send", "/ar/guide/address"} {
		page := s.get(path)
		page.wants(t, 200)
		for word := range strings.FieldsSeq(fingerprint) {
			if !strings.Contains(page.body, word) {
				t.Errorf("%s lacks a word of the fingerprint", path)
			}
		}
	}
	s.get("/guide/address").wants(t, 200, "that alone does not make this page genuine")
	// Typed where a codename belongs, they open nothing.
	s.post("/return", "codename", fingerprint).wants(t, 422, "A codename has eight words. Counted here: 7.")
}
