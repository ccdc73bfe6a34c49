package web_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"daylight/codename"
	"daylight/courier"
	"daylight/envelope"
	"daylight/intake"
	"daylight/intake/sqlite"
	"daylight/intake/web"
	"daylight/internal/sqlkit"
)

// house is an intake with its pages, its newsroom, and what it leaves behind.
type house struct {
	in     *intake.Intake
	store  intake.Store
	signer note.Signer
	public string // the newsroom's key
	key    envelope.PrivateKey
	dir    string
	log    *lines
	pages  http.Handler
	url    string
	dial   func(ctx context.Context, network, address string) (net.Conn, error) // nil: as usual
	now    time.Time                                                            // when it was opened
	passed *atomic.Int64                                                        // since then

	began, ended time.Time // of the story, by the clock of the file system
}

// lines is a log that may be written to from anywhere.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newHouse(t testing.TB, change func(*house, *intake.Options)) *house {
	t.Helper()
	h := build(t, change)
	server := httptest.NewServer(h.pages)
	server.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(h.log, nil), slog.LevelError)
	t.Cleanup(server.Close)
	h.url = server.URL
	return h
}

// inBubble serves one where time passes as in a bubble of synctest, whose connections
// must be made of nothing but Go.
func inBubble(t testing.TB, change func(*house, *intake.Options)) *house {
	t.Helper()
	h := build(t, change)
	l := listener{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: h.pages, ErrorLog: slog.NewLogLogger(slog.NewTextHandler(h.log, nil), slog.LevelError)}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	h.url = "http://intake.example"
	h.dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		select {
		case l.conns <- theirs:
			return ours, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return h
}

// listener hands over connections that need no network.
type listener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l listener) Close() error   { close(l.closed); return nil }
func (l listener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// later lets time pass, as intake sees it.
func (h *house) later(d time.Duration) { h.passed.Add(int64(d)) }

func build(t testing.TB, change func(*house, *intake.Options)) *house {
	t.Helper()
	secret, public, err := note.GenerateKey(nil, "newsroom.example")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{passed: new(atomic.Int64), dir: t.TempDir(), log: &lines{}, now: time.Date(2026, 11, 23, 4, 17, 43, 123456789, time.UTC)}
	if h.key, err = envelope.NewKey("desk"); err != nil {
		t.Fatal(err)
	}
	list, err := envelope.KeyList{Newsroom: [16]byte{7}, Serial: 1, Channels: []envelope.Channel{
		{ID: "newsroom", Names: []envelope.Words{{Language: "en", Text: "The newsroom"}}, Keys: []envelope.PublicKey{h.key.Public()}}}}.Sign(signer)
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(t.Context(), h.dir, sqlkit.Key{1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	o := intake.Options{Store: store, Verifier: verifier, Keys: list, Now: func() time.Time { return h.now.Add(time.Duration(h.passed.Load())) }, Beat: 1000 * time.Hour}
	h.signer, h.public = signer, public
	if change != nil {
		change(h, &o)
	}
	h.store = o.Store
	if o.Limits.First == 0 {
		o.Limits.First = -1 // most tests have little to say
	}
	if h.in, err = intake.Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.in.Close() })
	h.pages, err = web.New(h.in, web.Options{Clearnet: true, Signer: public, Log: slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// source is somebody with a browser.
type source struct {
	t *testing.T
	h *house
	c *http.Client
}

const agent = "Vermilion/117.0 (canary)"

func (h *house) source(t *testing.T) *source {
	jar, _ := cookiejar.New(nil)
	way := http.DefaultTransport
	if h.dial != nil {
		own := &http.Transport{DialContext: h.dial}
		t.Cleanup(own.CloseIdleConnections)
		way = own
	}
	return &source{t, h, &http.Client{Jar: jar, Transport: withAgent{way}}}
}

type withAgent struct{ http.RoundTripper }

func (w withAgent) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("User-Agent", agent)
	return w.RoundTripper.RoundTrip(r)
}

// answer is a page as it came.
type answer struct {
	*http.Response
	body string
}

func (s *source) read(r *http.Response, err error) answer {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if len(b) >= 30<<10 && strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
		s.t.Errorf("%s has %d bytes; the most is 30 kB", r.Request.URL.Path, len(b))
	}
	return answer{r, string(b)}
}

func (s *source) get(path string) answer {
	s.t.Helper()
	return s.read(s.c.Get(s.h.url + path))
}

func (s *source) post(path string, fields ...string) answer {
	s.t.Helper()
	form := url.Values{"way": {s.h.way()}}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return s.read(s.c.PostForm(s.h.url+path, form))
}

type file struct{ name, body string }

// send fills in the form for sending.
func (s *source) send(message string, files ...file) answer {
	s.t.Helper()
	return s.sendAt("", message, files...)
}

// sendAt does so in the language that lies at a path.
func (s *source) sendAt(at, message string, files ...file) answer {
	s.t.Helper()
	body, typ := s.h.multipartBody(message, files...)
	return s.read(s.c.Post(s.h.url+at+"/send", typ, body))
}

// way is what each form says of the way that it came.
func (h *house) way() string {
	return `href="http://` + strings.TrimPrefix(h.url, "http://") + `/" href="fake.onion" href="https://` + strings.Repeat("a", 56) + `.onion/"`
}

func (h *house) urlWay() string { return url.Values{"way": {h.way()}}.Encode() }

func (h *house) multipartBody(message string, files ...file) (io.Reader, string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	w.WriteField("way", h.way())
	w.WriteField("message", message)
	for _, f := range files {
		p, _ := w.CreateFormFile("files", f.name)
		io.WriteString(p, f.body)
	}
	w.Close()
	return &b, w.FormDataContentType()
}

var shown = regexp.MustCompile(`<p class="codename" lang="([a-z]+)" dir="([a-z]+)"[^>]*>([^<]+)</p>`)

// begin gets a codename and keeps it.
func (s *source) begin() string {
	s.t.Helper()
	return s.beginIn("en")
}

// beginIn gets one of words in a language.
func (s *source) beginIn(language string) string {
	s.t.Helper()
	page := s.post("/begin", "words", language)
	m := shown.FindStringSubmatch(page.body)
	if m == nil {
		s.t.Fatalf("no codename on %s", page.Request.URL.Path)
	}
	if after := s.post("/codename"); after.Request.URL.Path != "/send" {
		s.t.Fatalf("after the codename comes %s; want /send", after.Request.URL.Path)
	}
	return m[3]
}

func (a answer) wants(t *testing.T, status int, words ...string) {
	t.Helper()
	if a.StatusCode != status {
		t.Errorf("%s %s: %d; want %d", a.Request.Method, a.Request.URL.Path, a.StatusCode, status)
	}
	for _, w := range words {
		if !strings.Contains(a.body, w) {
			t.Errorf("%s %s: %q is not on the page", a.Request.Method, a.Request.URL.Path, w)
		}
	}
}

// received is an envelope as the desk opens it.
type received struct {
	*envelope.Reader
	id    courier.EnvelopeID
	text  string
	files []file
	ends  []envelope.End
}

// names are the names and sizes of all files that intake keeps, without what is random
// in a name, and without those of the database, which grow as they like.
func (h *house) names(t testing.TB) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Dir(path) == h.dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		all = append(all, fmt.Sprint(filepath.Base(filepath.Dir(path)), len(d.Name()), info.Size()))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (h *house) fetch(t testing.TB) []received {
	t.Helper()
	c, ctx := h.in.Courier(), context.Background()
	list, err := c.Envelopes(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var all []received
	for _, e := range list {
		sealed, err := c.Open(ctx, e.ID)
		if err != nil {
			t.Fatal(err)
		}
		r, err := envelope.Open(sealed, h.key)
		if err != nil {
			t.Fatal(err)
		}
		got := received{Reader: r, id: e.ID}
		for e := range r.Entries() {
			b, _ := io.ReadAll(e)
			if e.Type == envelope.Text {
				got.text = string(b)
			} else {
				got.files = append(got.files, file{e.Name, string(b)})
			}
			got.ends = append(got.ends, e.End())
		}
		sealed.Close()
		all = append(all, got)
	}
	return all
}

var replies int

// answer leaves a reply for the source of an envelope.
func (h *house) answer(t testing.TB, to *envelope.Address, text string, files ...file) {
	t.Helper()
	if to == nil {
		t.Fatal("no address in the envelope")
		return // for the checker, which does not know that Fatal ends it
	}
	var b bytes.Buffer
	s, err := envelope.SealReply(&b, envelope.Head{Time: h.now}, *to)
	if err != nil {
		t.Fatal(err)
	}
	s.Text(strings.NewReader(text))
	for _, f := range files {
		s.File(f.name, strings.NewReader(f.body))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	replies++
	if err := h.in.Courier().PutReply(t.Context(), mailbox(to), replyID(replies), &b); err != nil {
		t.Fatal(err)
	}
}

func replyName(n int) string { return fmt.Sprintf("%032x", n) }

func (h *house) acknowledge(t testing.TB, ids ...courier.EnvelopeID) {
	t.Helper()
	if err := h.in.Courier().Acknowledge(t.Context(), ids); err != nil {
		t.Fatal(err)
	}
}

// key32 is a key that comes of a codename, in hex, as programs say it.
func (h *house) key32(t testing.TB, words, label string) string {
	t.Helper()
	c, err := codename.Parse([]byte(words))
	if err != nil {
		t.Fatal(err)
	}
	newsroom := h.in.Keys().Newsroom
	key := c.Seed(newsroom[:]).Key(label)
	return hex.EncodeToString(key[:])
}
