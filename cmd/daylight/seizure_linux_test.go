package main

import (
	"bufio"
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"maps"
	"math"
	mrand "math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"daylight/codename"
	"daylight/envelope"
	"daylight/internal/onion/oniontest"
	"daylight/internal/secret/secrettest"
)

// scripted is a day: what ten sources and two handlers did, and all that must not be told of it.
type scripted struct {
	*testing.T
	*onionHouse
	newsroom [16]byte
	head     int64   // of what is sealed to one key, in bytes
	sizes    []int64 // for files; none is in the memory of intake by chance
	sources  []*sender
	cutNow   bool // the power was cut, and intake was not started again
}

// sender is one of the sources.
type sender struct {
	d        *scripted
	name     string
	language string // of pages and words; "" is English
	codename string
	said     canaries
	visits   []*visit
	runs     []secrettest.Moment // of a program of theirs
	waits    bool                // a reply that they have not destroyed
}

// visit is what a source does in one browser.
type visit struct {
	*person
	of    *sender
	token string
	sent  int64
	stays bool // its source does not end it, but closes the browser
}

// startDay opens everything, and draws the sizes.
func startDay(t *testing.T, network *oniontest.Network) *scripted {
	d := &scripted{T: t, onionHouse: startOnionHouse(t, network)}
	in, err := openInstance(d.intakeDir)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := in.newsroomVerifier()
	if err != nil {
		t.Fatal(err)
	}
	list, err := in.public(pubSources)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := envelope.ParseKeyList(list, verifier)
	if err != nil {
		t.Fatal(err)
	}
	d.newsroom = keys.Newsroom
	var empty bytes.Buffer
	sealer, err := keys.Seal(&empty, envelope.Head{}, "")
	if err == nil {
		err = sealer.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	d.head = int64(empty.Len()) - envelope.Floor - tag*envelope.Floor/chunk
	d.person(d.onionHouse.source, d.pages).reach("/")
	there := canaries{}
	for range 50 {
		n := 1_000_000 + mrand.Int64N(3_100_000)
		d.sizes = append(d.sizes, n)
		there[fmt.Sprint(n)] = asInt(n)
	}
	for _, f := range d.inMemory(there) {
		d.sizes = slices.DeleteFunc(d.sizes, func(n int64) bool { return fmt.Sprint(n) == f.what })
	}
	return d
}

// As memory has a number.
func asInt(n int64) []byte   { return binary.LittleEndian.AppendUint64(nil, uint64(n)) }
func asFloat(n int64) []byte { return asInt(int64(math.Float64bits(float64(n)))) }

// mark is a word that stands in no binary.
func mark(kind string) string { return kind + rand.Text()[:12] }

func (d *scripted) comes(name, language string) *sender {
	s := &sender{d: d, name: name, language: language, said: canaries{}}
	d.sources = append(d.sources, s)
	return s
}

func (s *sender) says(words string) string {
	maps.Copy(s.said, canariesOf(words, "", "", nil))
	return words
}

// text is a message.
func (s *sender) text() string {
	return "They keep " + s.says(mark("quicksilver")) + " in the harbour. I saw it: " + s.says(mark("hollyhock")) + "."
}

// file has a name, a word and a size that nothing else has.
func (s *sender) file() (name string, body []byte) {
	name = mark("periwinkle") + ".pdf"
	s.said.named(name)
	word, size := s.says(mark("sassafras"))+" ", s.d.sizes[0]
	s.d.sizes = s.d.sizes[1:]
	s.said.sized(size)
	s.said[fmt.Sprintf("exact size %d as an int64", size)] = asInt(size)
	return name, bytes.Repeat([]byte(word), int(size)/len(word)+1)[:size]
}

// opens opens a browser.
func (s *sender) opens() *visit {
	v := &visit{person: s.d.person(s.d.onionHouse.source, s.d.pages), of: s}
	s.visits = append(s.visits, v)
	return v
}

func (v *visit) path(path string) string {
	if v.of.language == "" {
		return path
	}
	return "/" + v.of.language + path
}

// begins gets a codename.
func (v *visit) begins() {
	v.t.Helper()
	v.get(v.path("/"))
	v.of.codename = html.UnescapeString(find(v.t, v.post(v.path("/begin")), `class="codename"[^>]*>([^<]+)<`))
	v.keepToken()
}

func (v *visit) keepToken() {
	v.t.Helper()
	u, _ := url.Parse(v.base)
	for _, c := range v.http.Jar.Cookies(u) {
		v.token = c.Value
	}
	if v.token == "" {
		v.t.Fatal("no cookie")
	}
}

// sends sends a message, and a file when it has a name.
func (v *visit) sends(message, name string, body []byte) string {
	v.t.Helper()
	v.sent += int64(len(message) + len(body))
	var r io.Reader
	if name != "" {
		r = bytes.NewReader(body)
	}
	return v.send(v.path("/send"), "message", message, name, r)
}

// first is all of a first visit in which something is sent.
func (s *sender) first(withFile bool) *visit {
	s.d.Helper()
	v := s.opens()
	v.begins()
	v.post(v.path("/codename"))
	name, body := "", []byte(nil)
	if withFile {
		name, body = s.file()
	}
	page := v.sends(s.text(), name, body)
	if !strings.Contains(page, `<p class="lead">`) || strings.Contains(page, `role="alert"`) || !strings.Contains(page, name) {
		v.t.Fatalf("after sending:\n%s", page)
	}
	return v
}

// returns comes back, and waits for an answer that has a word.
func (s *sender) returns(v *visit, answer string) string {
	s.d.Helper()
	v.get(v.path("/return"))
	page := v.post(v.path("/return"), "codename", strings.ReplaceAll(s.codename, "-", " "))
	v.keepToken()
	if !strings.Contains(page, answer) {
		page = v.await(v.path("/inbox"), answer)
	}
	return page
}

func (v *visit) leaves() {
	v.post(v.path("/leave"))
	v.http.CloseIdleConnections()
}

// closes closes the browser, with the visit open.
func (v *visit) closes() {
	v.stays = true
	v.http.CloseIdleConnections()
}

// command runs a command of the program as a source does, at their own machine.
func (s *sender) command(typed string, args ...string) string {
	s.d.Helper()
	keys, err := instance{dir: s.d.intakeDir}.public(pubNewsroom)
	if err != nil {
		s.d.Fatal(err)
	}
	words, err := envelope.Fingerprint(s.d.newsroom, string(keys))
	if err != nil {
		s.d.Fatal(err)
	}
	c := exec.Command("daylight", append(args, "--to", s.d.pages, "--words", words, "--socks", s.d.onionHouse.source.Socks)...)
	c.Stdin, c.Env = strings.NewReader(typed), append(os.Environ(), "TMPDIR="+s.d.TempDir())
	began := time.Now()
	out, err := c.CombinedOutput()
	if err != nil {
		s.d.Fatalf("%s: %v\n%s", args[0], err, out)
	}
	s.runs = append(s.runs, secrettest.Moment{What: "daylight " + args[0], From: began, To: time.Now()})
	return string(out)
}

// handler signs in as an editor does, through the editors' onion service.
func (d *scripted) handler(id string, tor *oniontest.Tor) *person {
	d.Helper()
	d.authorize(tor, d.editors, d.handlers[id].key)
	p := d.person(tor, d.editors)
	p.reach("/sign-in/" + d.handlers[id].link)
	p.post("/sign-in", "link", d.handlers[id].link)
	return p
}

// answers answers a source, whose conversation is known by a word in it.
func (d *scripted) answers(p *person, s *sender, withFile bool) (answer, name, word string) {
	d.Helper()
	answer = s.says(mark("marmalade"))
	var body io.Reader
	if withFile {
		name, word = mark("quince")+".pdf", s.says(mark("hyssop"))
		s.said.named(name)
		body = strings.NewReader(strings.Repeat(word+" ", 10_000))
	}
	p.send(d.reads(p, s)+"/reply", "text", answer, name, body)
	return answer, name, word
}

// reads waits for the conversation with a source, and says where it is.
func (d *scripted) reads(p *person, s *sender) string {
	d.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		for _, m := range regexp.MustCompile(`href="(/conversation/[0-9a-f]+)"`).FindAllStringSubmatch(p.get("/conversations"), -1) {
			if s.wrote(p.get(m[1])) {
				return m[1]
			}
		}
	}
	d.Fatalf("what source %s sent never reached the desk", s.name)
	return ""
}

// wrote reports whether a page has a word of the source.
func (s *sender) wrote(page string) bool {
	for what, b := range s.said {
		if strings.Contains(what, "quicksilver") && bytes.Contains([]byte(page), b) {
			return true
		}
	}
	return false
}

// errGone ends an upload whose sender goes away.
var errGone = errors.New("gone")

// live is the day, from its morning to its evening.
func (d *scripted) live() {
	one := d.comes("1, who reads, destroys and leaves", "")
	one.first(true).leaves()
	two := d.comes("2, who does not come back", "ru")
	two.first(false).leaves()
	three := d.comes("3, who sends twice and closes the browser", "ar")
	v := three.first(true)
	name, body := three.file()
	v.sends(three.text(), name, body)
	v.closes()
	four := d.comes("4, who reads and closes the browser", "es")
	four.first(true).leaves()
	five := d.comes("5, who mistypes the codename", "fr")
	five.first(false).leaves()

	hanna, ivo := d.handler("hanna", d.onionHouse.source), d.handler("ivo", d.atDesk)
	six := d.comes("6, whose upload breaks off", "de")
	v = six.opens()
	v.begins()
	name, body = six.file()
	v.sent = int64(len(body) / 2)
	if _, err := v.upload(v.path("/send"), "message", six.text(), name, io.MultiReader(bytes.NewReader(body[:v.sent]), iotest.ErrReader(errGone))); !errors.Is(err, errGone) {
		d.Errorf("an upload that broke off: %v", err)
	}
	d.reads(hanna, six) // until then it was under way
	v.does.acts[len(v.does.acts)-1].to = time.Now()
	v.closes()

	seven := d.comes("7, who is refused", "")
	v = seven.opens()
	v.begins()
	v.wants = http.StatusUnprocessableEntity
	if page := v.sends(seven.text()+" "+strings.ReplaceAll(seven.codename, "-", " "), "", nil); !strings.Contains(page, "Your codename, or a part of it") {
		d.Errorf("a message with the codename gets:\n%s", page)
	}
	if page := v.sends(seven.says(mark("saffron")), "", nil); !strings.Contains(page, "very short") {
		d.Errorf("a short message gets:\n%s", page)
	}
	v.wants = http.StatusNotFound // somebody pastes it where the address belongs
	v.get("/" + url.PathEscape(seven.codename) + "?q=" + url.QueryEscape(seven.codename))
	v.leaves()

	eight := d.comes("8, who has a program", "")
	name, body = eight.file()
	path := filepath.Join(d.TempDir(), name)
	if err := os.WriteFile(path, body, 0o600); err != nil {
		d.Fatal(err)
	}
	eight.codename = find(d.T, eight.command(eight.text(), "send", "--message", "-", path), eightWords.String())

	nine := d.comes("9, who only gets a codename, and goes away from the computer", "ru")
	v = nine.opens()
	v.begins()
	v.get(v.path("/guide")) // which leaves the connection open
	v.stays = true

	answer1, name1, word1 := d.answers(hanna, one, true)
	d.answers(ivo, two, false)
	answer4, _, word4 := d.answers(ivo, four, true)
	answer5, _, _ := d.answers(hanna, five, false)
	answer8, _, _ := d.answers(ivo, eight, false)
	two.waits, four.waits, five.waits = true, true, true

	v = one.opens()
	page := one.returns(v, answer1)
	if file := v.get(find(d.T, page, `href="(/inbox/[0-9a-f]+/0)"`)); !strings.Contains(file, word1) || !strings.Contains(page, name1) {
		d.Errorf("the file of an answer has %d bytes; the page:\n%s", len(file), page)
	}
	if page = v.post(find(d.T, page, `action="(/inbox/[0-9a-f]+/delete)"`)); !strings.Contains(page, "Destroyed on intake") {
		d.Errorf("after destroying:\n%s", page)
	}
	v.leaves()
	v = four.opens()
	page = four.returns(v, answer4)
	if file := v.get(find(d.T, page, `href="(/es/inbox/[0-9a-f]+/0)"`)); !strings.Contains(file, word4) {
		d.Errorf("the file of an answer has %d bytes", len(file))
	}
	v.closes()
	v = five.opens()
	v.get("/return")
	v.wants = http.StatusUnprocessableEntity
	v.post(v.path("/return"), "codename", "zzzz"+five.codename)
	five.returns(v, answer5)
	v.leaves()
	for end := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		said := eight.command(eight.codename, "replies", "--destroy")
		if strings.Contains(said, answer8) && strings.Contains(said, "Destroyed on intake") {
			break
		}
		if time.Now().After(end) {
			d.Fatalf("replies says:\n%s", said)
		}
	}

	d.desk.stop() // what comes now waits
	d.comes("10, whose envelope nobody has fetched", "es").first(true).closes()
}

// told is all that must not be, and when it was.
func (d *scripted) told() (canaries, []secrettest.Moment) {
	all, moments := canaries{}, []secrettest.Moment{}
	for _, s := range d.sources {
		add := func(c canaries) {
			for what, b := range c {
				all["source "+s.name+": "+what] = b
			}
		}
		add(s.said)
		if s.codename != "" {
			add(canariesOf("", s.codename, "", nil))
			add(secretsOf(d, s.codename, d.newsroom))
		}
		for i, v := range s.visits {
			token, _ := hex.DecodeString(v.token)
			name, err := hkdf.Key(sha256.New, token, nil, "daylight/intake/session/name", 32)
			if err != nil {
				d.Fatal(err)
			}
			c := canaries{"the agent": []byte(v.does.agent), "the token": token, "the token in hex": []byte(v.token), "its name": name}
			if v.sent > 1_000_000 {
				c["how much it sent"] = asFloat(v.sent)
			}
			visit := fmt.Sprintf("visit %d: ", i+1)
			for what, b := range c {
				add(canaries{visit + what: b})
			}
			for n, a := range v.does.acts {
				moments = append(moments, secrettest.Moment{What: "source " + s.name + ": " + visit + v.asked(n), From: a.from, To: a.to})
			}
		}
		for _, m := range s.runs {
			m.What = "source " + s.name + ": " + m.What
			moments = append(moments, m)
		}
	}
	return all, moments
}

// machine is what is searched of intake's.
func (d *scripted) machine() machine {
	return machine{dir: d.intakeDir, own: []string{temporary(d.intakeDir), filepath.Join(filepath.Dir(d.intakeDir), "intake.sock")},
		others: []string{d.atIntake.Dir, "/dev/shm"}, log: d.log.String()}
}

// inMemory searches the process of intake: its memory, and files that only it still
// has.
func (d *scripted) inMemory(c canaries, moments ...secrettest.Moment) []trace {
	d.Helper()
	return lookAtProcess(d, d.intake.Process.Pid, c, moments...)
}

func lookAtProcess(t testing.TB, pid int, c canaries, moments ...secrettest.Moment) (all []trace) {
	t.Helper()
	search, err := secrettest.For(c, moments...)
	if err != nil {
		t.Fatal(err)
	}
	found, looked, err := secrettest.Scan(pid, search)
	if err != nil || looked < 10<<20 {
		t.Fatalf("looked at %d bytes: %v", looked, err)
	}
	for _, f := range found {
		all = append(all, trace{f.What, fmt.Sprintf("the memory (%s, %x: %q)", f.Where, f.Address, f.Around)})
	}
	opened := fmt.Sprintf("/proc/%d/fd", pid)
	files, err := os.ReadDir(opened)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		path := filepath.Join(opened, f.Name())
		info, err := os.Stat(path)
		if name, _ := os.Readlink(path); err != nil || !info.Mode().IsRegular() || !strings.HasSuffix(name, " (deleted)") {
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		search.In(b, func(what string, _, _ int) { all = append(all, trace{what, "an open file that was removed"}) })
	}
	return all
}

// admitted is what docs/threat-model.md lets be found, in its own words, under the
// heading that whatIsLetPass names: no more and no less.
var admitted = map[string]func(*scripted, trace) bool{
	"On the disk and in memory, of a reply that waits: the mailbox of its source.": func(d *scripted, f trace) bool {
		return (inMemory(f) || strings.HasPrefix(f.where, "what intake.db") || f.where == "the rows of the database") &&
			d.any(f, func(s *sender, what string) bool { return s.waits && what == theMailbox })
	},
	"In memory, of a visit that was not ended: its name, a hash of the token; when it began, when something was last sent in it and how much, and when its last page was asked for.": func(d *scripted, f trace) bool {
		return inMemory(f) && d.any(f, func(s *sender, what string) bool {
			return slices.ContainsFunc(s.visits, func(v *visit) bool { return v.stays && v.admits(what) })
		})
	},
	"In memory, of an envelope from a source's own program, for ten minutes after its last piece, and up to a minute more: when its program sent it. (Of one that is not whole it would be six hours: none of that day stays so.)": func(d *scripted, f trace) bool {
		return inMemory(f) && d.any(f, func(s *sender, what string) bool {
			return slices.ContainsFunc(s.runs, func(m secrettest.Moment) bool {
				return m.What == "daylight send" && what == "daylight send, as time.Now gives it" && time.Since(m.To) < 11*time.Minute
			})
		})
	},
	"In memory that nobody uses any more: when something happened, as package time has it, until the memory is used again.": func(d *scripted, f trace) bool {
		return inMemory(f) && (strings.HasSuffix(f.what, ", the second as time.Time has it") || strings.HasSuffix(f.what, ", as time.Now gives it"))
	},
	"On the disk of a machine whose power is cut while something arrives: that it does, at that second, by the times of the store's files.": func(d *scripted, f trace) bool {
		name, ok := strings.CutPrefix(f.where, "the time when ")
		name, _, _ = strings.Cut(name, " ")
		return ok && d.cutNow && f.what == cutOff && slices.Contains([]string{"state", "intake.db", "intake.db-wal", "pool", "root.key", "lock"}, name)
	},
}

const (
	whatIsLetPass = "## What the seizure test lets pass"
	cutOff        = "source 11: the upload that was under way"
)

func inMemory(f trace) bool { return strings.HasPrefix(f.where, "the memory") }

// any asks the source that a trace is of.
func (d *scripted) any(f trace, of func(s *sender, what string) bool) bool {
	return slices.ContainsFunc(d.sources, func(s *sender) bool {
		what, ok := strings.CutPrefix(f.what, "source "+s.name+": ")
		return ok && of(s, what)
	})
}

// admits says what memory may have of a visit that was not ended.
func (v *visit) admits(what string) bool {
	i := slices.Index(v.of.visits, v)
	what, ok := strings.CutPrefix(what, fmt.Sprintf("visit %d: ", i+1))
	if !ok {
		return false
	}
	if what == "its name" || what == "how much it sent" {
		return true
	}
	last := len(v.does.acts) - 1
	for n, a := range v.does.acts {
		posts := strings.HasPrefix(a.what, "POST") && (strings.HasSuffix(a.what, "/begin") || strings.HasSuffix(a.what, "/return") || strings.HasSuffix(a.what, "/send"))
		if (posts || n == last) && what == v.asked(n)+", as time.Now gives it" {
			return true
		}
	}
	return false
}

func (v *visit) asked(n int) string {
	return fmt.Sprintf("when it asked for page %d, %s", n+1, v.does.acts[n].what)
}

// sift leaves what is not admitted. When one visit was can be garbage that nobody uses
// any more; when each was is kept.
func (d *scripted) sift(found []trace) []trace {
	ended, told := 0, 0
	for _, s := range d.sources {
		for i, v := range s.visits {
			if v.stays {
				continue
			}
			ended++
			if slices.ContainsFunc(found, func(f trace) bool {
				return inMemory(f) && strings.HasPrefix(f.what, fmt.Sprintf("source %s: visit %d: when it asked", s.name, i+1))
			}) {
				told++
			}
		}
	}
	if told == ended {
		found = append(found, trace{"when each visit was that has ended", "the memory"})
	}
	return slices.DeleteFunc(found, func(f trace) bool {
		for _, of := range admitted {
			if of(d, f) {
				return true
			}
		}
		return false
	})
}

// onDisk searches what intake has on the disk, and leaves what is admitted. Sizes of
// what is sealed are padded, or whole blocks where the power was cut.
func (d *scripted) onDisk(c canaries, moments []secrettest.Moment) []trace {
	d.Helper()
	found := d.sift(d.machine().look(d, c, moments...))
	for row := range bytes.Lines(d.machine().rows(d)) {
		n, err := strconv.ParseInt(string(bytes.TrimSpace(row)), 10, 64)
		if err != nil || n < envelope.Floor || n%(128<<10) == 0 {
			continue
		}
		sealed := n - d.head
		if plain := sealed - tag*((sealed+chunk+tag-1)/(chunk+tag)); plain != envelope.Padded(plain) {
			found = append(found, trace{fmt.Sprintf("a size that is not padded, %d", n), "the rows of the database"})
		}
	}
	return found
}

// What age adds: a tag to each chunk.
const chunk, tag = 64 << 10, 16

// TestSeizureAdmits: what the test lets pass is what the threat model says, word for
// word.
func TestSeizureAdmits(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "threat-model.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(b), whatIsLetPass+"\n")
	if !ok {
		t.Fatalf("docs/threat-model.md lacks %q", whatIsLetPass)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	said := map[string]bool{}
	for _, item := range strings.Split(section, "\n- ")[1:] {
		item, _, _ = strings.Cut(item, "\n\n")
		said[strings.Join(strings.Fields(item), " ")] = true
	}
	for item := range said {
		if admitted[item] == nil {
			t.Errorf("docs/threat-model.md admits what the test does not let pass: %s", item)
		}
	}
	for item := range admitted {
		if !said[item] {
			t.Errorf("the test lets pass what docs/threat-model.md does not admit: %s", item)
		}
	}
}

// seizure takes the machine of an intake at three moments after a day of ten sources
// and two handlers: while it runs and nobody is there, as its power is cut while
// something arrives, and switched off.
func seizure(t *testing.T, network *oniontest.Network) {
	d := startDay(t, network)
	began, said := time.Now(), d.intake.said.String()
	d.live()
	ended := time.Now()
	t.Logf("the day took %v", ended.Sub(began).Round(time.Second))
	d.sees()
	d.guarded()

	// It runs, and nobody is there. What was in use is overwritten once a minute, and a
	// beat comes once a minute on average: after five minutes all is as admitted, but for
	// a beat that comes late, as one in 20,000 does after ten.
	c, moments := d.told()
	var found []trace
	for first := true; first || len(found) > 0 && time.Since(ended) < 10*time.Minute; first = false {
		if !first {
			time.Sleep(5 * time.Second)
		}
		if found = d.sift(d.inMemory(c, moments...)); len(found) == 0 {
			found = d.onDisk(c, moments)
		}
		t.Logf("after %v there are %d traces", time.Since(ended).Round(time.Second), len(found))
		for _, f := range found[:min(len(found), 4)] {
			t.Logf("  among them: %v", f)
		}
	}
	for _, f := range found {
		t.Errorf("while it runs, %v", f)
	}
	// Whoever keeps a log notes when each line came.
	if now := d.intake.said.String(); now != said {
		t.Errorf("of a day with nothing but sources and desk, intake's log says:\n%s", strings.TrimPrefix(now, said))
	}

	// The power is cut while something arrives.
	c, moments = d.cut()
	for _, f := range d.onDisk(c, moments) {
		t.Errorf("when the power was cut, %v", f)
	}

	// It is started again, stopped as it should be, and switched off.
	logged := len(d.log.String())
	d.intake = d.serve("intake", d.intakeDir)
	d.cutNow = false
	for end := time.Now().Add(patience); !strings.Contains(d.log.String()[logged:], "Serving on"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not start again: %s", d.log)
		}
	}
	d.intake.stop()
	for _, f := range d.onDisk(c, moments) {
		t.Errorf("switched off, %v", f)
	}
	if n := d.machine().kept(t); n != 2 {
		t.Errorf("%d envelopes are kept; want the one that waits, and that which was cut off", n)
	}
}

// sees wants the search to find what must be there, as somebody is here just now. On a
// slow machine a collection can come between.
func (d *scripted) sees() {
	d.Helper()
	v := d.comes("12, who looks at pages", "").opens()
	v.begins()
	for range 20 {
		v.get("/send")
		if found := d.inMemory(canaries{"token": []byte(v.token)}); len(found) > 0 {
			v.leaves()
			return
		}
	}
	d.Error("nothing is found of a visit under way: the search looks in the wrong place")
}

// guarded wants of intake's process that no crash writes its memory down, that it can gain
// no rights, and that all of it stays out of swap, unless it says that this cannot be.
func (d *scripted) guarded() {
	d.Helper()
	wants := map[string]string{"limits": `Max core file size +0 +0 `, "status": `(?s)VmLck:\s+[1-9]\d{4}.*NoNewPrivs:\t1`}
	if strings.Contains(d.intake.said.String(), "can be written to swap") {
		wants["status"] = `NoNewPrivs:\t1`
	}
	for file, want := range wants {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", d.intake.Process.Pid, file))
		if err != nil || !regexp.MustCompile(want).Match(b) {
			d.Errorf("intake's %s lacks %s: %v\n%s", file, want, err, b)
		}
	}
}

// cut lets an eleventh source send, and ends intake in the middle, when its memory
// shows that what it sends arrives.
func (d *scripted) cut() (canaries, []secrettest.Moment) {
	d.Helper()
	s, began := d.comes("11, whose upload is under way", "ar"), time.Now()
	v := s.opens()
	v.begins()
	name, body := s.file()
	text := s.text()
	hold := make(chan struct{})
	half := io.MultiReader(bytes.NewReader(body[:len(body)/2]), readerFunc(func([]byte) (int, error) { <-hold; return 0, errGone }))
	sent := make(chan error)
	go func() {
		_, err := v.upload(v.path("/send"), "message", text, name, half)
		sent <- err
	}()
	word := canaries{"word": body[:strings.IndexByte(string(body), ' ')]}
	for end := time.Now().Add(patience); len(d.inMemory(word)) == 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			d.Fatal("what is sent is never in memory")
		}
	}
	d.intake.kill()
	d.cutNow = true
	close(hold)
	if err := <-sent; err == nil {
		d.Error("an upload to a machine without power was answered")
	}
	ended := time.Now()
	v.does.acts = nil // all of it is one moment, in which a beat may fall too
	c, moments := d.told()
	return c, append(moments, secrettest.Moment{What: cutOff, From: began, To: ended})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// The search of a process must be able to fail too: everything that must not be in
// memory is put there once.
func TestMemoryCanFail(t *testing.T) {
	words, _ := codename.New("ar").AppendText(nil)
	text, name, agent := mark("quicksilver"), mark("periwinkle")+".pdf", "Mozilla/5.0 ("+rand.Text()+")"
	c := canariesOf(text, string(words), agent, nil)
	c.named(name)
	c.sized(2_718_281)
	c["its size as an int64"], c["its size as a float64"] = asInt(2_718_281), asFloat(2_718_281)
	maps.Copy(c, secretsOf(t, string(words), [16]byte{9}))
	var all []byte
	for _, b := range c {
		if !bytes.Contains(b, []byte("\n")) {
			all = append(append(all, 0xff), b...)
		} else {
			t.Logf("by chance a key has the end of a line")
		}
	}
	inFile := mark("sassafras")
	c["what lies in a file"] = []byte(inFile)
	from := time.Now()
	p := secrettest.Command("leak")
	p.Env = append(os.Environ(), "TMPDIR="+t.TempDir(), "IN_A_FILE="+inFile)
	in, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		if os.Getuid() != 0 {
			t.Skipf("this user may not look into another process, nor make a namespace: %v", err)
		}
		t.Fatal(err)
	}
	defer p.Wait()
	defer in.Close()
	in.Write(append(all, '\n'))
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("it says %q, %v", line, err)
	}
	found := map[string]bool{}
	for _, f := range lookAtProcess(t, p.Process.Pid, c, secrettest.Moment{What: "now", From: from, To: time.Now()}) {
		found[f.what] = true
		if f.where == "an open file that was removed" {
			found[f.where] = true
		}
	}
	want := slices.Collect(maps.Keys(c))
	for _, how := range []string{"as time.Now gives it", "in nanoseconds", "the second as an int64", "the second as time.Time has it", "the day and time", "the second"} {
		want = append(want, "now, "+how)
	}
	for _, what := range append(want, "an open file that was removed") {
		if !found[what] && !bytes.Contains(c[what], []byte("\n")) {
			t.Errorf("not found: %s", what)
		}
	}
}
