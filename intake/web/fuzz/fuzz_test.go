// Package fuzz_test has the pages of intake read whatever bytes. It is a program of
// its own, without a database: the fuzzer looks at all code that is linked in after
// each try, and SQLite is most of what the other tests are.
package fuzz_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"daylight/codename"
	"daylight/courier"
	"daylight/custody"
	"daylight/envelope"
	"daylight/fault"
	"daylight/intake"
	"daylight/intake/web"
)

// house is an intake in memory, with its pages and its newsroom.
type house struct {
	*memory
	in    *intake.Intake
	pages http.Handler
	key   envelope.PrivateKey
	log   *bytes.Buffer
	visit *http.Cookie // of somebody who came back
}

func newHouse(f *testing.F) *house {
	f.Helper()
	secret, public, err := note.GenerateKey(nil, "newsroom.example")
	if err != nil {
		f.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		f.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		f.Fatal(err)
	}
	h := &house{memory: &memory{sealed: map[courier.EnvelopeID][]byte{}}, log: &bytes.Buffer{}}
	if h.key, err = envelope.NewKey("desk"); err != nil {
		f.Fatal(err)
	}
	list, err := envelope.KeyList{Newsroom: [16]byte{7}, Serial: 1, Channels: []envelope.Channel{
		{ID: "newsroom", Names: []envelope.Words{{Language: "en", Text: "The newsroom"}}, Keys: []envelope.PublicKey{h.key.Public()}}}}.Sign(signer)
	if err != nil {
		f.Fatal(err)
	}
	text, err := custody.Generate("intake.example")
	if err != nil {
		f.Fatal(err)
	}
	receipts, err := custody.ParseSigner(text)
	if err != nil {
		f.Fatal(err)
	}
	many := intake.Rate{Burst: 1e15, Hour: 1}
	rates := intake.Rates{Begins: many, Returns: many, Submissions: many, Pages: many, Bytes: many}
	h.in, err = intake.Open(f.Context(), intake.Options{Store: h.memory, Verifier: verifier, Custody: receipts, Keys: list,
		Beat: 1000 * time.Hour, Limits: intake.Limits{All: rates, Visit: rates, First: -1}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { h.in.Close() })
	if h.pages, err = web.New(h.in, web.Options{Clearnet: true, Signer: public, Log: slog.New(slog.NewTextHandler(h.log, nil))}); err != nil {
		f.Fatal(err)
	}
	words, _ := codename.New("en").AppendText(nil)
	s, err := h.in.Return(f.Context(), words)
	if err != nil {
		f.Fatal(err)
	}
	h.visit = &http.Cookie{Name: "visit", Value: s.Token().String()}
	return h
}

const site = "http://intake.example"

// way is what each form says of the way that it came.
var way = `href="` + site + `/" href="fake.onion" href="https://` + strings.Repeat("a", 56) + `.onion/"`

// ask has the pages answer, and says how: nothing is a fault of ours, and nothing is
// logged.
func (h *house) ask(t *testing.T, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	r.AddCookie(h.visit)
	w := httptest.NewRecorder()
	h.pages.ServeHTTP(w, r)
	if w.Code >= 500 {
		t.Errorf("status %d", w.Code)
	}
	if h.log.Len() > 0 {
		t.Errorf("logged: %s", h.log)
	}
	return w
}

// FuzzMultipart sends whatever bytes, under whatever header, as the form for sending:
// what the desk opens is what the parts held.
func FuzzMultipart(f *testing.F) {
	h := newHouse(f)
	const form = "multipart/form-data; boundary=x"
	part := func(header, body string) string {
		return "--x\r\nContent-Disposition: form-data; " + header + "\r\n\r\n" + body + "\r\n"
	}
	for _, body := range []string{"", "--x--", "--x\r\n\r\n\r\n--x--", part(`name="files"; filename="../a"`, "body") + "--x--\r\n",
		part(`name="channel"`, "newsroom") + part(`name="message"`, "hello") + part(`name="files"; filename="a"`, "one\r\n--\r\n") + part(`name="files"; filename=""`, "") + "--x--",
		part(`name="files"; filename*=UTF-8''%e2%82%ac`, "two") + part(`name="message"`, "after") + "--x",
		"--x\r\nContent-Disposition: form-data; name=\"message\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=41\r\n--x"} {
		f.Add(form, []byte(body))
	}
	f.Add(`multipart/form-data; boundary="a b"`, []byte("--a b\nContent-Disposition: form-data; name=files; filename=a\n\nx\n--a b--"))
	f.Add("multipart/mixed", []byte("x"))
	f.Fuzz(func(t *testing.T, typ string, body []byte) {
		if _, with, err := mime.ParseMediaType(typ); err == nil { // what no form of ours begins with goes nowhere
			body = append([]byte("--"+with["boundary"]+"\r\nContent-Disposition: form-data; name=\"way\"\r\n\r\n"+way+"\r\n"), body...)
		}
		r := httptest.NewRequest("POST", site+"/send", bytes.NewReader(body))
		r.Header.Set("Content-Type", typ)
		status := h.ask(t, r).Code
		sent := held(typ, body)
		for _, b := range h.sealed {
			got := h.open(t, b)
			if got.message != sent.message && status == http.StatusOK || len(got.files) > len(sent.files) || len(got.files) < len(sent.files) && status == http.StatusOK {
				t.Errorf("status %d: the desk has %q; want %q", status, got, sent)
				continue
			}
			for i, f := range got.files {
				if f.body != sent.files[i].body || !strings.HasPrefix(strings.ToValidUTF8(sent.files[i].name, "\uFFFD"), f.name) {
					t.Errorf("file %d: the desk has %q; want %q", i, f, sent.files[i])
				}
			}
		}
		clear(h.sealed)
	})
}

// form is what one has for us: a message, and files up to the first fault.
type form struct {
	message string
	files   []file
}

type file struct{ name, body string }

// held reads a form as it was sent.
func held(typ string, body []byte) (f form) {
	_, with, err := mime.ParseMediaType(typ)
	if err != nil {
		return f
	}
	parts := multipart.NewReader(bytes.NewReader(body), with["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err != nil {
			return f
		}
		b, err := io.ReadAll(part)
		switch name := part.FileName(); {
		case part.FormName() == "message" && f.message == "":
			f.message = string(b)
		case part.FormName() == "files" && (name != "" || len(b) > 0):
			f.files = append(f.files, file{name, string(b)})
		}
		if err != nil {
			return f
		}
	}
}

// open reads an envelope as the desk does.
func (h *house) open(t *testing.T, sealed []byte) (f form) {
	t.Helper()
	r, err := envelope.Open(bytes.NewReader(sealed), h.key)
	if err != nil {
		t.Fatal(err)
	}
	for e := range r.Entries() {
		b, _ := io.ReadAll(e)
		if e.Type == envelope.Text {
			f.message = string(b)
		} else {
			f.files = append(f.files, file{e.Name, string(b)})
		}
	}
	if r.Err() != nil || r.Address() == nil {
		t.Errorf("the desk cannot read or answer it: %v", r.Err())
	}
	return f
}

// FuzzForms sends whatever bytes as each of the other forms.
func FuzzForms(f *testing.F) {
	h := newHouse(f)
	begin := url.Values{"way": {way}}.Encode()
	for _, path := range []string{"/begin", "/return", "/codename", "/inbox/" + strings.Repeat("0", 32) + "/delete", "/sealed/replies", "/sealed/reply", "/sealed/destroy", "//x/../return"} {
		for _, body := range []string{"", "&codename=%zz+%41&&=&words=ru", strings.Repeat("0", 64) + " " + strings.Repeat("0", 32)} {
			f.Add(path, []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, path string, body []byte) {
		to, err := url.Parse(site + "/" + strings.TrimPrefix(path, "/"))
		if err != nil || strings.Trim(to.Path, "/") == "leave" {
			return // it would be the last of this visit
		}
		if !strings.HasPrefix(to.Path, "/sealed/") {
			body = append([]byte(begin), body...)
		}
		r := httptest.NewRequest("POST", site+"/", bytes.NewReader(body))
		r.URL.Path, r.URL.RawPath, r.URL.RawQuery = to.Path, to.RawPath, to.RawQuery
		h.ask(t, r)
	})
}

// FuzzParcels sends pieces of what sources' own programs seal: what arrived is what
// was sent, from where it was said to begin.
func FuzzParcels(f *testing.F) {
	h := newHouse(f)
	piece := append([]byte("age-encryption.org/v1\n"), make([]byte, 8<<10)...)
	f.Add("0", strconv.FormatInt(envelope.Floor, 10), piece)
	f.Add("0", "8192", piece)
	f.Add("-1", "9999999999999999999", []byte("age-encryption.org/v1\n"))
	n := 0
	f.Fuzz(func(t *testing.T, at, size string, piece []byte) {
		n++
		id := fmt.Sprintf("%032x", n)
		put := func(at string, b []byte) *httptest.ResponseRecorder {
			r := httptest.NewRequest("PUT", site+"/sealed/"+id, bytes.NewReader(b))
			r.Header.Set("Upload-Offset", at)
			r.Header.Set("Upload-Length", size)
			return h.ask(t, r)
		}
		half := len(piece) / 2
		w := put(at, piece[:half])
		if got := w.Header().Get("Upload-Offset"); w.Code == http.StatusNoContent {
			w = put(got, piece[half:])
		} else if got != "0" {
			t.Errorf("status %d, and %s have arrived", w.Code, got)
		}
		// What was sent before, and is in part, may be kept meanwhile too.
		whole, err := strconv.Atoi(size)
		if w.Code == http.StatusNoContent && err == nil && w.Header().Get("Upload-Offset") == strconv.Itoa(whole) {
			if !slices.ContainsFunc(slices.Collect(maps.Values(h.sealed)), func(b []byte) bool { return whole <= len(piece) && bytes.Equal(b, piece[:whole]) }) {
				t.Errorf("%d of %d bytes have arrived, and are not kept", whole, len(piece))
			}
		}
		clear(h.sealed)
	})
}

// memory is a store in memory.
type memory struct {
	mu     sync.Mutex
	n      int
	sealed map[courier.EnvelopeID][]byte
}

func (m *memory) Create(context.Context, string, string) (intake.Slot, error) {
	return &slot{m: m}, nil
}

func (m *memory) Envelopes(context.Context) ([]courier.Envelope, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []courier.Envelope
	for _, id := range slices.Sorted(maps.Keys(m.sealed)) {
		list = append(list, courier.Envelope{ID: id, Day: "2026-11-23", Size: int64(len(m.sealed[id]))})
	}
	return list, nil
}

func (m *memory) OpenEnvelope(_ context.Context, id courier.EnvelopeID) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b, ok := m.sealed[id]; ok {
		return io.NopCloser(bytes.NewReader(b)), nil
	}
	return nil, fault.NotFound
}

func (m *memory) DestroyEnvelopes(context.Context, []courier.EnvelopeID) error { return nil }
func (m *memory) Space(context.Context) (int64, int64, error)                  { return 1 << 40, 1 << 40, nil }

func (m *memory) PutReply(context.Context, courier.MailboxID, courier.ReplyID, string, io.Reader) error {
	return nil
}

func (m *memory) Replies(context.Context, courier.MailboxID) ([]courier.ReplyID, error) {
	return nil, nil
}

func (m *memory) OpenReply(context.Context, courier.MailboxID, courier.ReplyID) (io.ReadCloser, error) {
	return nil, fault.NotFound
}

func (m *memory) DestroyReply(context.Context, courier.MailboxID, courier.ReplyID, string) error {
	return fault.NotFound
}

func (m *memory) KeyList(context.Context) ([]byte, error)   { return nil, fault.NotFound }
func (m *memory) PutKeyList(context.Context, []byte) error  { return nil }
func (m *memory) Rewrite(context.Context, string) error     { return nil }
func (m *memory) Rewritten(context.Context) (string, error) { return "", nil }
func (m *memory) Beat(context.Context) error                { return nil }
func (m *memory) Close() error                              { return nil }

type slot struct {
	bytes.Buffer
	m *memory
}

func (s *slot) Room(n int64) (int64, error) { return max(n, 1<<30), nil }

func (s *slot) Keep(context.Context) error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.m.n++
	s.m.sealed[courier.EnvelopeID(fmt.Sprintf("%032x", s.m.n))] = s.Bytes()
	return nil
}

func (s *slot) Drop() {}
