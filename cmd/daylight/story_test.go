package main

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/rogpeppe/go-internal/testscript"

	"daylight/sample"
	"daylight/sandbox"
)

func TestMain(m *testing.M) {
	sandbox.Child(handlers)
	if os.Getenv(ingestHere) != "" { // it will be killed, and could not take away what Main makes
		os.Exit(m.Run())
	}
	testscript.Main(m, programs)
}

// programs are what testdata/script can run, and tests as processes.
var programs = map[string]func(){"daylight": main, "leak": leak}

// house is a trial that runs: the three sites, and where their state lies.
type house struct {
	dir                   string
	intake, desk, archive string   // addresses
	links                 []string // sign-in secrets, in the order of trialUsers
	log                   *lockedBuffer
	stop                  func()
}

// lockedBuffer collects a log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startHouse runs what `daylight try` runs.
func startHouse(t *testing.T, withSample bool) *house {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	h := &house{dir: filepath.Join(t.TempDir(), "try"), log: &lockedBuffer{}}
	a := &app{ctx: ctx, data: h.dir, stdout: io.Discard, stderr: h.log,
		log: slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{ReplaceAttr: withoutTime}))}
	tr, err := a.openTrial(withSample)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	var ls [3]net.Listener
	if ls, err = listenLoopback(0); err != nil {
		cancel()
		t.Fatal(err)
	}
	ready, done := make(chan []string, 1), make(chan error, 1)
	go func() { done <- tr.run(ls, func(links []string) { ready <- links }) }()
	select {
	case h.links = <-ready:
	case err := <-done:
		cancel()
		t.Fatal(err)
	}
	h.intake, h.desk, h.archive = siteURL("intake", ls[0]), siteURL("desk", ls[1]), siteURL("archive", ls[2])
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the house ended: %v", err)
		}
		if err := tr.closers.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	t.Cleanup(h.stop)
	return h
}

// story keeps what the people of the story know.
type story struct {
	*testing.T
	*house
	browser  *browser
	files    []string // paths of what the source sends
	codename string
	began    time.Time // sending, after everything was started
	ended    time.Time
}

const (
	storyMessage = "The minister saw zibelline letters. I keep ropes now."
	storyAnswer  = "Thank you. Is camera 47 still there?"
	storyTitle   = "Ropes and cameras"
)

// What becomes of the seven files, as the desk says it and as the ledger does. The zip
// that holds the withheld one is listed only.
var (
	releaseNumbers = map[string]string{"Published": "4", "Redacted": "2 (1 listed only)", "Withheld": "1"}
	ledgerNumbers  = map[string]string{"published": "4", "redacted": "2", "withheld": "1"}
)

// TestStory is one story, from a source to a reader, in a real browser: without
// scripts where the source and the reader are.
func TestStory(t *testing.T) {
	s := &story{T: t, browser: newBrowser(t)}
	s.house = startHouse(t, true)
	s.began = time.Now()
	dir := t.TempDir()
	for name, body := range sample.Story() {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
		s.files = append(s.files, path)
	}
	s.sourceSends()
	handler := s.handlerAnswers()
	s.sourceReads()
	s.handlerMakesCase(handler)
	s.editorsRelease(handler)
	s.readerReads()
	s.readerAsks()
	s.ended = time.Now()
	time.Sleep(20 * time.Millisecond) // a file system's clock is coarse
	s.stop()
	s.nothingAtIntake()
}

// 1. The source reads what is protected, gets a codename, sends, and leaves.
func (s *story) sourceSends() {
	p := s.browser.person(false)
	p.open(s.intake)
	p.sees("What is protected", "What is not protected", "Nothing here has been independently audited", "Demonstration")
	p.press("Get a codename")
	s.codename = p.text(".codename")
	p.press("I have kept it. Go on")
	p.fill("Message", storyMessage)
	p.attach("Files", s.files...)
	p.press("Send")
	p.sees("It has arrived", "Files: 3", "letter-from-the-port.eml")
	p.press("Leave now")
	p.sees("New Identity")
	p.do("go back in", chromedp.Navigate(s.intake+"/send"))
	p.sees("Your visit has ended")
	p.seesNo(s.codename)
}

// signIn opens the desk as one of trialUsers.
func (s *story) signIn(user int) *tab {
	p := s.browser.person(true)
	p.open(signInURL(s.desk, s.links[user]))
	p.press("Sign in to the desk")
	return p
}

// until opens a page again and again until it shows a text: what another machine
// does takes its time.
func (p *tab) until(url, text string) {
	p.t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		p.open(url)
		if strings.Contains(p.text("body"), text) {
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("never showed %q:\n%s", text, p.where())
		}
	}
}

// 2. The handler reads the message and the files' text under a pseudonym, and
// answers.
func (s *story) handlerAnswers() *tab {
	p := s.signIn(0)
	p.until(s.desk+"/conversations", "waits for an answer")
	p.load("open the conversation", clickFirst(`//ul[@class='hits']//a`))
	p.sees(storyMessage, "letter-from-the-port.eml", "Протокол испытаний.pdf", "minutes.zip")
	p.seesNo(s.codename)
	p.follow("Протокол испытаний.pdf")
	p.sees("рецепт пирога") // read in the sandbox
	p.follow("back to the conversation")
	p.follow("letter-from-the-port.eml")
	p.sees("What the cameras were for", "bachour", "2014-06-29") // and who wrote to whom, when
	p.follow("back to the conversation")
	p.fill("Your words", storyAnswer)
	p.press("Seal and send")
	p.sees("Your answer is sealed", storyAnswer)
	return p
}

// 3. The source comes back, reads, and destroys.
func (s *story) sourceReads() {
	typed := strings.ToUpper(s.codename[:1]) + s.codename[1:]
	typed = strings.Replace(typed, "-", " ", 1)
	if typed == s.codename {
		s.Fatalf("codename %q has nothing to type wrongly", s.codename)
	}
	for end := time.Now().Add(time.Minute); ; {
		p := s.browser.person(false)
		p.open(s.intake + "/return")
		p.fill("Your eight words", typed)
		p.press("Come back")
		if strings.Contains(p.text("body"), storyAnswer) {
			p.press("Destroy this answer")
			p.sees("Destroyed on intake; the newsroom may already hold a copy.", "There is no answer here")
			p.press("Leave now")
			return
		}
		if time.Now().After(end) {
			s.Fatalf("the answer never came:\n%s", p.where())
		}
	}
}

// The material becomes a case that editors see, without the conversation.
func (s *story) handlerMakesCase(p *tab) {
	p.open(s.desk + "/conversations")
	p.load("open the conversation", clickFirst(`//ul[@class='hits']//a`))
	p.follow("Make a case of it")
	p.fill("Title of a new case", storyTitle)
	p.press("Make the case")
	p.sees(storyTitle, "The case is made")
}

// 4. The editors decide; the redactor takes a name out; they release.
func (s *story) editorsRelease(handler *tab) {
	ana, bo, remy := s.signIn(2), s.signIn(3), s.signIn(1)
	ana.open(s.desk)
	ana.follow("Decide about its files") // what is next is named where one is
	ana.seesNo(storyMessage)
	ana.sees("3 files, 7 with what is inside")
	caseURL := strings.TrimSuffix(ana.url(), "/files")
	ana.press("Plan to publish all 7 that are undecided")
	ana.follow("read-me-first.txt")
	ana.selectOption("Or withhold for", "harm to a person")
	ana.fill("Why, in a sentence", "It tells who looked into a cupboard.")
	ana.press("Plan to withhold")
	ana.sees("planned: withhold: harm to a person")
	ana.follow("all files")
	ana.sees("will be listed without its bytes")

	ana.follow("Say where it comes from")
	ana.fill("Summary", "A letter from a port, and what came with it.")
	ana.fill("By what hands", "Through our submission system; before that, not known.")
	ana.fill("What of that is unknown", "Whether it passed through other hands.")
	ana.fill("How it was checked", "Compared with the Lantern papers.")
	if route := read(ana, "read the route", chromedp.Value(`//input[@name='route' and @checked]`)); route != "submission" {
		s.Errorf("route %q is chosen; want what is known", route)
	}
	ana.fill("By whom", "The Westmere Ledger")
	ana.fill("When", "24 May 2014")
	ana.refused("Save")
	if at := read(ana, "see where the cursor is", chromedp.Evaluate[string](`document.activeElement.id`)); at != "firstdate" {
		s.Errorf("after a wrong date the cursor is in %q", at)
	}
	ana.sees("A day is written as 2012")
	ana.fill("When", "2014-05-24") // all else is still there
	ana.press("Save")
	ana.sees("Provenance saved.", "Is it accurate?") // saving leads on

	for question, texts := range map[int][2]string{
		0: {"The camera list names the same unit.", "No mail server signed it."},
		1: {"A minister read private letters.", "A part was told before."},
		2: {"Public money was spent on it in secret.", "Private people are named."},
	} {
		ana.answer(question, texts)
	}
	ana.harm()
	ana.press("Save all of this page")
	ana.sees("Questions saved.", "a redactor may take something out")

	remy.open(s.desk)
	remy.follow("Open a file to take something out")
	remy.follow("What the cameras were for")
	remy.fill("1. A name", "Nadira Halabi")
	remy.press("Try it")
	remy.sees("Would take out", "of this document")
	if at := remy.address(); strings.Contains(at, "Nadira") || strings.Contains(at, "?") {
		s.Errorf("the name is in the address: %s", at)
	}
	remy.fill("2. Every form", "Nadira\nHalabi")
	remy.press("Try it")
	remy.sees("Would take out", "of this document")
	remy.press("Redact the document so")
	remy.sees("Redacted:")
	remy.press("Run the gate") // what is next stands where one is
	remy.sees("None of the 2 listed forms was found", "Context may still identify", "in this collection only")

	handler.open(caseURL + "/release")
	handler.sees("Only editors approve")
	remy.open(caseURL + "/release")
	remy.sees("Only editors approve")
	for i, editor := range []*tab{ana, bo} {
		editor.open(s.desk)
		editor.follow("Read it and approve")
		editor.approve()
		editor.sees([]string{"1 editor must still approve exactly this: Bo", "Everything is in place."}[i])
	}
	ana.open(caseURL + "/preview/collections/ropes-and-cameras")
	ana.sees("Approved by: nobody yet", "Back to the case")
	ana.open(caseURL + "/release")
	ana.sees("2 of 2")
	for state, n := range releaseNumbers {
		ana.sees(state + "\n" + n)
	}
	ana.press("Release now")
	ana.sees("Released. Nothing waits.")
	if to := ana.href("See it in the archive"); to != s.archive+"/collections/ropes-and-cameras" {
		s.Errorf("the link to the archive leads to %s", to)
	}
	ana.open(s.desk)
	ana.seesNo(storyTitle) // it waits for nobody
	ana.open(s.desk + "/releases")
	ana.sees(storyTitle)
}

// 5. and 6. A reader searches in three languages, filters, opens, downloads with
// the proof. What was withheld and taken out is nowhere.
func (s *story) readerReads() {
	p := s.browser.person(false)
	p.until(s.archive+"/search?q=collection:ropes-and-cameras", "What the cameras were for")
	for query, want := range map[string]string{
		"collection:ropes-and-cameras":                                       "6",
		"collection:ropes-and-cameras camera":                                "2",
		"collection:ropes-and-cameras протокол":                              "1",
		"collection:ropes-and-cameras اللجنة":                                "2",
		"collection:ropes-and-cameras language:ru":                           "1",
		"collection:ropes-and-cameras language:ar":                           "2",
		"collection:ropes-and-cameras type:message/rfc822 year:2014":         "1",
		"collection:ropes-and-cameras domain:port-rasmina.example":           "1",
		"collection:ropes-and-cameras origin:port type:message/rfc822":       "1",
		"collection:ropes-and-cameras type:application/pdf language:ru":      "1",
		"collection:ropes-and-cameras year:2011..2014 -type:application/pdf": "3",
	} {
		p.search(s.archive, query)
		if got := p.text(".total strong"); got != want {
			s.Errorf("%s: %s files; want %s", query, got, want)
		}
	}
	for _, gone := range []string{"Nadira", "Halabi", "cupboard", "envelope ropes", "read-me-first"} {
		p.search(s.archive, "collection:ropes-and-cameras "+gone)
		p.sees("Nothing matches all of this.")
	}
	p.search(s.archive, "collection:ropes-and-cameras type:email")
	p.follow("What the cameras were for")
	p.seesNo("Nadira", "Halabi")
	p.sees("redacted", "Attachments", "Camera 47")
	p.follow("Camera 47")
	p.sees("thermometer")

	p.search(s.archive, "collection:ropes-and-cameras language:ru")
	p.follow("Протокол")
	s.proves(download(s.T, p.absolute(p.href("Download with its proof"))))

	p.open(s.archive + "/collections/ropes-and-cameras")
	p.sees("The Westmere Ledger", "Through our submission system", "submission", "withheld", "Nothing is recorded beyond the files that the table below counts as withheld.")
	p.seesNo("Nadira", "cupboard")
	p.sees("redacted: 1 · A person’s name.", "redacted: 1 · Listed only: something inside is not published.")
	for state, n := range ledgerNumbers {
		if got := p.text("table.ledger tr." + state + " td.sum"); strings.Fields(got)[0] != n {
			s.Errorf("%s: the archive says %q; want %s", state, got, n)
		}
	}
}

// proves checks a downloaded bundle by the program, without a network, and that
// one changed byte fails.
func (s *story) proves(bundle []byte) {
	z, err := zip.NewReader(bytes.NewReader(bundle), int64(len(bundle)))
	if err != nil {
		s.Fatalf("bundle: %v", err)
	}
	dir := s.TempDir()
	var file, proof string
	middle := 0 // of the document, in the zip: not every byte between its members is read
	for _, f := range z.File {
		path := filepath.Join(dir, filepath.Base(f.Name))
		r, err := f.Open()
		if err != nil {
			s.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			s.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			s.Fatal(err)
		}
		switch {
		case strings.HasSuffix(path, ".proof"):
			proof = path
		case bytes.HasPrefix(b, []byte("%PDF")):
			file = path
			from, err := f.DataOffset()
			if err != nil {
				s.Fatal(err)
			}
			middle = int(from) + int(f.CompressedSize64)/2
		}
	}
	if file == "" || proof == "" {
		s.Fatalf("the bundle lacks the file or its proof: %d files", len(z.File))
	}
	key := filepath.Join(s.dir, "archive", "keys", pubNewsroom)
	var out, errs bytes.Buffer
	whole := filepath.Join(dir, "bundle.zip")
	for at, want := range map[int]int{-1: 0, middle: exitUnverified, len(bundle) - 22: exitUnverified} { // 22: the record that ends a zip
		b := slices.Clone(bundle)
		if at >= 0 {
			b[at] ^= 1
		}
		if err := os.WriteFile(whole, b, 0o600); err != nil {
			s.Fatal(err)
		}
		if code := run([]string{"verify", "--key", key, whole}, &out, &errs); code != want {
			s.Errorf("verify of the download, byte %d changed: exit code %d; want %d: %s", at, code, want, errs.String())
		}
	}
	out.Reset()
	if code := run([]string{"verify", "--key", key, file, proof}, &out, &errs); code != 0 {
		s.Fatalf("verify: exit code %d: %s", code, errs.String())
	}
	for _, want := range []string{"proven", "not proven", "submission system (daylight-demonstration-intake) signed for exactly these bytes"} {
		if !strings.Contains(strings.ToLower(out.String()), want) {
			s.Errorf("verify does not say what is %s:\n%s", want, out.String())
		}
	}
	b, _ := os.ReadFile(file)
	b[len(b)/2] ^= 1
	if err := os.WriteFile(file, b, 0o600); err != nil {
		s.Fatal(err)
	}
	if code := run([]string{"verify", "--key", key, file, proof}, &out, &errs); code != exitUnverified {
		s.Errorf("verify of a changed byte: exit code %d; want %d", code, exitUnverified)
	}
}

// number finds the first number of a text.
var number = regexp.MustCompile(`[0-9][0-9,]*`)

// 7. The answers: each count is live, and the page that its link opens counts the
// same.
func (s *story) readerAsks() {
	p := s.browser.person(false)
	p.open(s.archive)
	p.sees("files")
	for _, question := range []string{"How many files mention", "How many of these e-mails are in Russian", "From how many bodies", "anything critical of"} {
		p.open(s.archive + "/answers")
		p.follow(question)
		claim := number.FindString(p.text(".claim:has(a[href*='search']) .claimtext"))
		if claim == "" || claim == "0" {
			s.Errorf("%s: no count", question)
		}
		p.sees("release")
		p.load("run the count again", clickFirst(`//li[contains(@class,'claim')]//a[contains(@href,'/search')]`))
		if !strings.Contains(p.text("main"), claim) {
			s.Errorf("%s: the claim counts %s, the page that runs it does not:\n%s", question, claim, p.where())
		}
	}
	p.open(s.archive + "/answers")
	all := ""
	for _, question := range []string{"How many files mention", "anything critical of"} {
		p.open(s.archive + "/answers")
		p.follow(question)
		all += p.text("main")
	}
	for _, kind := range []string{"count", "document", "on record", "report", "our statement"} {
		if !strings.Contains(all, kind) {
			s.Errorf("no claim of the kind %q", kind)
		}
	}
}
