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
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"daylight/internal/onion"
	"daylight/internal/onion/oniontest"
	"daylight/internal/secret/secrettest"
)

// onionHouse is an intake and a desk as newsrooms run them, which meet through a
// private Tor network. Each has a tor of its own, and so has the source.
type onionHouse struct {
	t                        testing.TB
	network                  *oniontest.Network
	atIntake, atDesk, source *oniontest.Tor
	intakeDir, deskDir       string
	pages, forDesks, editors string // hosts
	handlers                 map[string]handler
	log                      *lockedBuffer
	intake, desk             *process
}

// handler is what an editor was given.
type handler struct {
	key  onion.ClientKey
	link string // sign-in secret
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
func startOnionHouse(t testing.TB, network *oniontest.Network) *onionHouse {
	t.Helper()
	h := &onionHouse{t: t, network: network, handlers: map[string]handler{}, log: &lockedBuffer{}}
	name := strings.ToLower(path.Base(t.Name()))
	tors := h.network.Join(t, name+"-intake", name+"-desk", name+"-source")
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
	for _, id := range []string{"hanna", "ivo"} {
		h.admit(id)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the roles said:\n%s", h.log)
			for _, tor := range tors {
				b, _ := os.ReadFile(tor.Log)
				t.Logf("%s said:\n%s", tor.Dir, b)
			}
		}
	})
	h.intake = h.serve("intake", h.intakeDir)
	h.desk = h.serve("desk", h.deskDir)
	return h
}

// admit makes a handler, who may come through the editors' onion service.
func (h *onionHouse) admit(id string) {
	h.t.Helper()
	var admitted struct{ Key string }
	if err := json.Unmarshal([]byte(printed(h.t, h.deskDir, (&onionAdmitCmd{Name: id}).Run)), &admitted); err != nil {
		h.t.Fatal(err)
	}
	key, err := onion.ParseClientKey(admitted.Key)
	if err != nil {
		h.t.Fatal(err)
	}
	var linked struct{ Link string }
	if err := json.Unmarshal([]byte(printed(h.t, h.deskDir, (&userAddCmd{ID: id, Name: id, Roles: []string{"handler"}}).Run)), &linked); err != nil {
		h.t.Fatal(err)
	}
	link, ok := strings.CutPrefix(linked.Link, "http://"+h.editors+"/sign-in/")
	if !ok {
		h.t.Errorf("sign-in link %s; want one to the editors' onion service", linked.Link)
	}
	h.handlers[id] = handler{key, link}
}

// authorize gives a tor the key of a client.
func (h *onionHouse) authorize(tor *oniontest.Tor, host string, key onion.ClientKey) {
	h.t.Helper()
	c, err := onion.Dial(h.t.Context(), tor.Control)
	if err != nil {
		h.t.Fatal(err)
	}
	defer c.Close()
	if err := c.Authorize(h.t.Context(), onion.Client{Address: onionAddress(h.t, host), Key: key}); err != nil {
		h.t.Fatal(err)
	}
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

// process is a role that runs.
type process struct {
	*exec.Cmd
	t     testing.TB
	said  lockedBuffer // its log
	ended bool
}

// temporary is the folder for temporary files of the instance in dir.
func temporary(dir string) string { return dir + ".tmp" }

// serve runs daylight serve, as a process of its own, until it is stopped or the test
// ends. That of intake is one whose memory can be searched.
func (h *onionHouse) serve(role, dir string) *process {
	h.t.Helper()
	command := exec.Command
	if role == "intake" {
		command = secrettest.Command
	}
	p := &process{Cmd: command("daylight", "serve", "--role", role, "--data", dir), t: h.t}
	p.Stderr, p.Env = io.MultiWriter(h.log, &p.said), append(os.Environ(), "TMPDIR="+temporary(dir))
	if err := os.MkdirAll(temporary(dir), 0o700); err != nil {
		h.t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		if os.Getuid() != 0 {
			h.t.Skipf("this user may not look into another process, nor make a namespace: %v", err)
		}
		h.t.Fatal(err)
	}
	h.t.Cleanup(p.stop)
	return p
}

func (p *process) stop() {
	p.end(os.Interrupt, func(err error) bool { return err == nil })
}

// kill ends it as a power cut does.
func (p *process) kill() {
	p.end(os.Kill, func(err error) bool { return err != nil })
}

func (p *process) end(how os.Signal, fine func(error) bool) {
	if p.ended {
		return
	}
	p.ended = true
	p.Process.Signal(how)
	if err := p.Wait(); !fine(err) {
		p.t.Errorf("%v ended: %v", p.Args, err)
	}
}

// person is somebody with a browser that knows no script, behind a tor.
type person struct {
	t    testing.TB
	base string
	http *http.Client
	way  string // a field of the last forms, which intake wants back as it was
	does *transport

	wants int // a status that a page may have beside 200
}

// transport is a way to a site, by which a browser says what it is. It notes when it
// asked for what.
type transport struct {
	http.RoundTripper
	t     testing.TB
	agent string
	acts  []act
}

type act struct {
	what     string // method and path
	from, to time.Time
}

func (r *transport) RoundTrip(q *http.Request) (*http.Response, error) {
	q.Header.Set("User-Agent", r.agent)
	i := len(r.acts)
	r.acts = append(r.acts, act{what: q.Method + " " + q.URL.Path, from: time.Now()})
	resp, err := r.RoundTripper.RoundTrip(q)
	// A circuit of a network that is seconds old may break. A browser's person asks again
	// then; here for all that can be asked again.
	if errors.Is(err, io.EOF) && (q.Body == nil || q.GetBody != nil) {
		r.t.Logf("%s %s ended without an answer, after %v: once more", q.Method, q.URL.Path, time.Since(r.acts[i].from))
		if q = q.Clone(q.Context()); q.GetBody != nil {
			q.Body, _ = q.GetBody()
		}
		resp, err = r.RoundTripper.RoundTrip(q)
	}
	r.acts[i].to = time.Now()
	return resp, err
}

func (h *onionHouse) person(tor *oniontest.Tor, host string) *person {
	h.t.Helper()
	d, err := onion.Dialer(tor.Socks)
	if err != nil {
		h.t.Fatal(err)
	}
	jar, _ := cookiejar.New(nil)
	does := &transport{t: h.t, RoundTripper: &http.Transport{DialContext: d.DialContext}, agent: "Mozilla/5.0 (" + rand.Text() + ")"} // stands in no binary
	p := &person{t: h.t, base: "http://" + host, http: &http.Client{Jar: jar, Transport: does}, does: does}
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
	return p.read(p.upload(path, field, text, name, body))
}

func (p *person) upload(path, field, text, name string, body io.Reader) (*http.Response, error) {
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
	return p.http.Post(p.base+path, form.FormDataContentType(), r)
}

func (p *person) read(r *http.Response, err error) string {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if p.does != nil && len(p.does.acts) > 0 {
		p.does.acts[len(p.does.acts)-1].to = time.Now()
	}
	if err != nil || r.StatusCode != http.StatusOK && r.StatusCode != p.wants {
		p.t.Fatalf("%s: status %d, %v\n%s", r.Request.URL.Path, r.StatusCode, err, b)
	}
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

// TestOnion is what the program does in a private Tor network.
func TestOnion(t *testing.T) {
	t.Parallel() // most of its time it waits for tor
	network := oniontest.Start(t)
	for name, f := range map[string]func(*testing.T, *oniontest.Network){"Story": onionStory, "Seizure": seizure} {
		t.Run(name, func(t *testing.T) { t.Parallel(); f(t, network) })
	}
}

// onionStory is the story of a source, over what the program serves: pages, a large
// upload, the courier, an answer.
func onionStory(t *testing.T, network *oniontest.Network) {
	h := startOnionHouse(t, network)

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
	e := h.person(h.source, h.editors)
	h.refused(e, missingAuthorization)
	hanna := h.handlers["hanna"]
	h.authorize(h.source, h.editors, hanna.key)
	e.reach("/sign-in/" + hanna.link)
	e.post("/sign-in", "link", hanna.link)
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
	stranger := h.person(h.source, h.forDesks)
	h.refused(stranger, missingAuthorization)
	wrong, err := onion.NewClientKey()
	if err != nil {
		t.Fatal(err)
	}
	h.authorize(h.source, h.forDesks, wrong)
	h.refused(stranger, wrongAuthorization)
	right, err := instance{Role: "desk", dir: h.deskDir}.clientKey()
	if err != nil {
		t.Fatal(err)
	}
	h.authorize(h.source, h.forDesks, right)
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

	h.desk.stop()
	h.intake.stop()
	seek := canariesOf(storyMessage, words, s.does.agent, nil)
	seek.named("cargo.bin")
	seek.sized(size)
	for _, found := range (machine{dir: h.intakeDir, log: h.log.String()}).look(t, seek, secrettest.Moment{What: "the time of the upload", From: began, To: arrived}) {
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
