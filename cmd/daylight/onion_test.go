package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"daylight/internal/onion"
	"daylight/internal/onion/oniontest"
)

// onionHouse is an intake and a desk as newsrooms run them, which meet through a
// private Tor network. Each has a tor of its own, and so has the source.
type onionHouse struct {
	t                        testing.TB
	network                  *oniontest.Network
	atIntake, atDesk, source *oniontest.Tor
	intakeDir, deskDir       string
	pages, forDesks, editors string // hosts
	editorKey                onion.ClientKey
	link                     string // sign-in secret of a handler
	log                      *lockedBuffer
	stopIntake, stopDesk     func()
}

// printed runs a command of the program in an instance and returns what it printed.
func printed(t testing.TB, dir string, run func(*app) error) string {
	t.Helper()
	var out bytes.Buffer
	if err := run(&app{ctx: t.Context(), data: dir, stdout: &out, stderr: &out, json: true}); err != nil {
		t.Fatalf("%s: %v", words(err), err)
	}
	return out.String()
}

// startOnionHouse makes the keys as an operator does, and serves.
func startOnionHouse(t testing.TB) *onionHouse {
	t.Helper()
	h := &onionHouse{t: t, network: oniontest.Start(t), log: &lockedBuffer{}}
	tors := h.network.Join(t, "intake", "desk", "source")
	h.atIntake, h.atDesk, h.source = tors[0], tors[1], tors[2]
	dir, err := os.MkdirTemp("", "house") // names of sockets are short; 0700
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	h.intakeDir, h.deskDir = filepath.Join(dir, "intake"), filepath.Join(dir, "desk")
	printed(t, h.deskDir, (&keysMakeCmd{Role: "desk", Name: "The Harbour Post"}).Run)
	printed(t, h.intakeDir, (&keysMakeCmd{Role: "intake", Newsroom: filepath.Join(h.deskDir, "public")}).Run)
	h.configure(h.intakeDir, fmt.Sprintf("[intake]\nlisten = \"unix:%s/intake.sock\"\nonion = \"control\"\ncourier = \"onion\"\n[tor]\ncontrol = %q\n",
		dir, h.atIntake.Control))
	h.pages, h.forDesks = h.addresses(h.intakeDir)
	h.configure(h.deskDir, fmt.Sprintf("[desk]\nlisten = \"unix:%s/desk.sock\"\nonion = \"control\"\ncourier = \"onion:%s\"\nfetch_every = \"1s\"\n[tor]\ncontrol = %q\nsocks = %q\n",
		dir, h.forDesks, h.atDesk.Control, h.atDesk.Socks))
	h.editors, _ = h.addresses(h.deskDir)
	var admitted struct{ Key string }
	if err := json.Unmarshal([]byte(printed(t, h.deskDir, (&onionAdmitCmd{Name: "hanna"}).Run)), &admitted); err != nil {
		t.Fatal(err)
	}
	if h.editorKey, err = onion.ParseClientKey(admitted.Key); err != nil {
		t.Fatal(err)
	}
	var linked struct{ Link string }
	if err := json.Unmarshal([]byte(printed(t, h.deskDir, (&userAddCmd{ID: "hanna", Name: "Hanna", Roles: []string{"handler"}}).Run)), &linked); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(linked.Link, "http://"+h.editors+"/sign-in/") {
		t.Errorf("sign-in link %s; want one to the editors' onion service", linked.Link)
	}
	h.link = linked.Link[strings.LastIndex(linked.Link, "/")+1:]
	h.stopIntake = h.serve("intake", h.intakeDir)
	h.stopDesk = h.serve("desk", h.deskDir)
	return h
}

func (h *onionHouse) configure(dir, text string) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "daylight.toml"), []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// addresses are those that the program prints for an operator.
func (h *onionHouse) addresses(dir string) (pages, courier string) {
	h.t.Helper()
	var shown struct{ Pages, Courier string }
	if err := json.Unmarshal([]byte(printed(h.t, dir, onionShowCmd{}.Run)), &shown); err != nil {
		h.t.Fatal(err)
	}
	return shown.Pages, shown.Courier
}

// serve runs daylight serve, as a process of its own, until stop is called or the
// test ends.
func (h *onionHouse) serve(role, dir string) (stop func()) {
	h.t.Helper()
	c := exec.Command("daylight", "serve", "--role", role, "--data", dir)
	c.Stderr = h.log
	if err := c.Start(); err != nil {
		h.t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		c.Process.Signal(os.Interrupt)
		if err := c.Wait(); err != nil {
			h.t.Errorf("the %s ended: %v", role, err)
		}
	})
	h.t.Cleanup(stop)
	return stop
}

// person is somebody with a browser that knows no script, behind a tor.
type person struct {
	t    testing.TB
	base string
	http *http.Client
	way  string // a field of the last page's forms, which intake wants back as it was
}

func (h *onionHouse) person(tor *oniontest.Tor, host string) *person {
	h.t.Helper()
	d, err := onion.Dialer(tor.Socks)
	if err != nil {
		h.t.Fatal(err)
	}
	jar, _ := cookiejar.New(nil)
	p := &person{t: h.t, base: "http://" + host, http: &http.Client{Jar: jar, Transport: &http.Transport{DialContext: d.DialContext}}}
	h.t.Cleanup(p.http.CloseIdleConnections)
	return p
}

// patience is how long anything may take: on a busy machine a tor takes its time.
const patience = 5 * time.Minute

// reach opens a page as soon as the onion service is there.
func (p *person) reach(path string) string {
	p.t.Helper()
	var last error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		r, err := p.http.Get(p.base + path)
		if last = err; err == nil {
			return p.read(r, nil)
		}
	}
	p.t.Fatalf("%s was never reached: %v", p.base, last)
	return ""
}

func (p *person) get(path string) string {
	p.t.Helper()
	return p.read(p.http.Get(p.base + path))
}

func (p *person) post(path string, form ...string) string {
	p.t.Helper()
	v := url.Values{}
	if p.way != "" {
		v.Set("way", p.way)
	}
	for i := 0; i+1 < len(form); i += 2 {
		v.Set(form[i], form[i+1])
	}
	return p.read(p.http.PostForm(p.base+path, v))
}

// send fills in a form with a text and perhaps a file, whose bytes come as they go.
func (p *person) send(path, field, text, name string, body io.Reader) string {
	p.t.Helper()
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() {
		var err error
		if p.way != "" {
			err = form.WriteField("way", p.way)
		}
		err = errors.Join(err, form.WriteField(field, text))
		if err == nil && body != nil {
			var part io.Writer
			if part, err = form.CreateFormFile("files", name); err == nil {
				_, err = io.Copy(part, body)
			}
		}
		w.CloseWithError(errors.Join(err, form.Close()))
	}()
	return p.read(p.http.Post(p.base+path, form.FormDataContentType(), r))
}

func (p *person) read(r *http.Response, err error) string {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		p.t.Fatalf("%s: status %d, %v\n%s", r.Request.URL.Path, r.StatusCode, err, b)
	}
	p.way = ""
	if m := regexp.MustCompile(`name="way" value='([^']*)'`).FindSubmatch(b); m != nil {
		p.way = html.UnescapeString(string(m[1]))
	}
	return string(b)
}

// find wants a pattern in a page and returns its first group.
func find(t testing.TB, page, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no %s in:\n%s", pattern, page)
	}
	return m[len(m)-1]
}

// await asks again and again until a page shows a text.
func (p *person) await(path, text string) string {
	p.t.Helper()
	page := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if page = p.get(path); strings.Contains(page, text) {
			return page
		}
	}
	p.t.Fatalf("%s never showed %q:\n%s", path, text, page)
	return ""
}

// TestOnionStory is the story of a source through a private Tor network, over what
// the program serves: pages, a large upload, the courier, an answer.
func TestOnionStory(t *testing.T) {
	t.Parallel() // most of its time it waits for tor
	h := startOnionHouse(t)

	// The source sends.
	s := h.person(h.source, h.pages)
	if page := s.reach("/"); !strings.Contains(page, "Nothing here has been independently audited") {
		t.Errorf("the first page says:\n%s", page)
	}
	words := find(t, s.post("/begin"), `class="codename"[^>]*>([a-z -]+)<`)
	s.post("/codename")
	const size = 200 << 20
	sum := sha256.New()
	began := time.Now()
	page := s.send("/send", "message", storyMessage, "cargo.bin", io.TeeReader(io.LimitReader(rand.Reader, size), sum))
	if !strings.Contains(page, "It has arrived") || !strings.Contains(page, "cargo.bin") {
		t.Fatalf("after sending:\n%s", page)
	}
	arrived := time.Now()
	t.Logf("uploaded 200 MiB in %v", arrived.Sub(began).Round(time.Second))
	s.post("/leave")

	// A handler reads it, through the editors' own onion service, and answers.
	c, err := onion.Dial(t.Context(), h.source.Control)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	editors := onionAddress(t, h.editors)
	e := h.person(h.source, h.editors)
	h.refused(e, missingAuthorization)
	if err := c.Authorize(t.Context(), onion.Client{Address: editors, Key: h.editorKey}); err != nil {
		t.Fatal(err)
	}
	e.reach("/sign-in/" + h.link)
	e.post("/sign-in", "link", h.link)
	e.await("/conversations", "/conversation/")
	talk := find(t, e.get("/conversations"), `href="(/conversation/[0-9a-f]+)"`)
	page = e.get(talk)
	if !strings.Contains(page, storyMessage) || !strings.Contains(page, "cargo.bin") {
		t.Errorf("the conversation:\n%s", page)
	}
	if strings.Contains(page, words) {
		t.Error("the desk knows the codename")
	}
	h.sameBytes(find(t, page, `href="(/conversation/[^"]+/0)"`)+"/download", h.atDeskSocket(e), size, sum.Sum(nil))
	e.send(talk+"/reply", "text", "Which berth?", "", nil)

	// The source comes back, reads and destroys.
	for end := time.Now().Add(patience); ; {
		s = h.person(h.source, h.pages)
		s.get("/return")
		if page = s.post("/return", "codename", words); strings.Contains(page, "Which berth?") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the answer never came:\n%s", page)
		}
	}
	page = s.post(find(t, page, `action="(/inbox/[0-9a-f]+/delete)"`))
	if !strings.Contains(page, "Destroyed on intake") || strings.Contains(page, "Which berth?") {
		t.Errorf("after destroying:\n%s", page)
	}

	// The courier's service lets in the desk, and nobody else.
	courier := onionAddress(t, h.forDesks)
	stranger := h.person(h.source, h.forDesks)
	h.refused(stranger, missingAuthorization)
	wrong, err := onion.NewClientKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Authorize(t.Context(), onion.Client{Address: courier, Key: wrong}); err != nil {
		t.Fatal(err)
	}
	h.refused(stranger, wrongAuthorization)
	right, err := instance{Role: "desk", dir: h.deskDir}.clientKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Authorize(t.Context(), onion.Client{Address: courier, Key: right}); err != nil {
		t.Fatal(err)
	}
	if list := stranger.reach("/envelopes"); list != "" {
		t.Errorf("after the desk fetched there is %q", list)
	}
	h.asksForWork()
	if out := printed(t, h.intakeDir, (&doctorCmd{}).Run); !strings.Contains(out, "is in the network") {
		t.Errorf("the doctor says %s", out)
	}

	// Tor goes down as in a crash, and all comes back under its address.
	h.atIntake.Restart(t)
	h.person(h.source, h.pages).reach("/")

	h.stopDesk()
	h.stopIntake()
	seek := canariesOf(storyMessage, words, "Go-http-client/1.1", nil, began, arrived)
	seek["name of the file"], seek["exact size"] = []byte("cargo.bin"), []byte(fmt.Sprint(size))
	for _, found := range lookAtIntake(t, h.intakeDir, h.log.String(), seek) {
		t.Error(found)
	}
	for _, tor := range []*oniontest.Tor{h.atIntake, h.atDesk, h.source} {
		b, err := os.ReadFile(tor.Log)
		if err != nil {
			t.Fatal(err)
		}
		for _, host := range []string{h.pages, h.forDesks, h.editors} {
			if bytes.Contains(b, []byte(host[:20])) {
				t.Errorf("a log of tor has the address %s", host)
			}
		}
	}
}

// What tor's SOCKS port says, in the words of golang.org/x/net (socks-extensions,
// "Extended errors").
const (
	missingAuthorization = "unknown code: 244"
	wrongAuthorization   = "unknown code: 245"
)

// refused wants a service to be out of reach for a reason.
func (h *onionHouse) refused(p *person, reason string) {
	h.t.Helper()
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		var r *http.Response
		if r, err = p.http.Get(p.base + "/"); err == nil {
			r.Body.Close()
			h.t.Errorf("%s lets in somebody: status %d", p.base, r.StatusCode)
			return
		}
		if strings.Contains(err.Error(), reason) {
			return
		}
	}
	h.t.Errorf("%v; want %s", err, reason)
}

func onionAddress(t testing.TB, host string) onion.Address {
	t.Helper()
	a, err := onion.ParseAddress(host)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// atDeskSocket is the same person at the desk itself, for what would take long
// through Tor a second time.
func (h *onionHouse) atDeskSocket(e *person) *person {
	socket := filepath.Join(filepath.Dir(h.deskDir), "desk.sock")
	c := *e.http
	c.Transport = &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	return &person{t: h.t, base: e.base, http: &c}
}

func (h *onionHouse) sameBytes(path string, p *person, size int64, want []byte) {
	h.t.Helper()
	r, err := p.http.Get(p.base + path)
	if err != nil {
		h.t.Fatal(err)
	}
	defer r.Body.Close()
	sum := sha256.New()
	if n, err := io.Copy(sum, r.Body); err != nil || n != size || !bytes.Equal(sum.Sum(nil), want) {
		h.t.Errorf("the desk has %d bytes, %v, hash %x; want %d, %x", n, err, sum.Sum(nil), size, want)
	}
}

// asksForWork looks for proof of work in what the service tells its clients.
func (h *onionHouse) asksForWork() {
	h.t.Helper()
	c, err := onion.Dial(h.t.Context(), h.atIntake.Control)
	if err != nil {
		h.t.Fatal(err)
	}
	defer c.Close()
	for host, want := range map[string]bool{h.pages: true, h.forDesks: false} {
		a := onionAddress(h.t, host)
		sealed, err := c.Info(h.t.Context(), "hs/service/desc/id/"+string(a))
		if err != nil {
			h.t.Fatal(err)
		}
		text, err := oniontest.OpenDescriptor(a, sealed)
		if want && (err != nil || !strings.Contains(text, "\npow-params v1 ")) {
			h.t.Errorf("the description of the pages' service says nothing of proof of work: %v\n%s", err, text)
		}
		if !want && !errors.Is(err, oniontest.ErrAuthorization) {
			h.t.Errorf("the description of the courier's service opens without a key: %v", err)
		}
	}
}
