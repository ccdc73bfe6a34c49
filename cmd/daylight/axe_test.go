package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"daylight/desk"
)

// axeSHA256 is the hash that testdata/axe/README.md names.
const axeSHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"

// checkPage waits for axe and gives one line for each barrier that it finds, with
// the first elements that have it. Only colours depend on light and dark, so that the
// dark page is asked about contrast alone.
const checkPage = `(async (dark, strict) => {
	const options = {resultTypes: ["violations"]};
	if (strict) options.rules = Object.fromEntries(["color-contrast-enhanced", "identical-links-same-purpose", "target-size"].map(r => [r, {enabled: true}]));
	if (dark) options.runOnly = {type: "rule", values: ["color-contrast", "link-in-text-block"].concat(strict ? ["color-contrast-enhanced"] : [])};
	const found = (await axe.run(document, options)).violations.map(v => v.id + ": " + v.help + "\n" +
		v.nodes.slice(0, 3).map(n => "\t" + n.html.slice(0, 200) + "\n\t" + n.failureSummary.replace(/\s+/g, " ")).join("\n"));
	const spill = document.documentElement.scrollWidth - innerWidth;
	if (spill > 0) found.push("the page is " + spill + " px wider than the window");
	return found.join("\n");
})`

// looker is a person whose pages axe looks at.
type looker struct {
	*tab
	axe   string
	quick bool // narrow and light only

	strict bool // also by the rules of AAA that axe knows, and for the size of what is pressed
}

// look wants the page that is open to have no barrier, narrow and wide, in light and
// in dark.
func (l *looker) look(name string) {
	l.t.Helper()
	read(l.tab, "load axe", chromedp.Evaluate[bool](l.axe+"; true"))
	for _, w := range []struct {
		name          string
		width, height int64
	}{{"wide", 1280, 860}, {"narrow", 390, 844}} {
		for _, scheme := range []string{"light", "dark"} {
			if l.quick && (w.name == "wide" || scheme == "dark") {
				continue
			}
			l.do("resize", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
				if _, err := cdp.Call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
					Width: w.width, Height: w.height, DeviceScaleFactor: 1}); err != nil {
					return err
				}
				_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
					Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
				return err
			}))
			run := fmt.Sprintf("%s(%v, %v)", checkPage, scheme == "dark", l.strict)
			if found := read(l.tab, "run axe", chromedp.Evaluate[string](run, chromedp.EvalAwaitPromise)); found != "" {
				l.t.Errorf("%s, %s, %s (%s):\n%s", name, w.name, scheme, l.url(), found)
			}
		}
	}
}

// visit opens a page and looks at it.
func (l *looker) visit(address string) { l.t.Helper(); l.open(address); l.look(address) }

// printed wants the page on paper to have nothing but what the selector names.
func (l *looker) printed(selector string) {
	l.t.Helper()
	media := func(m string) {
		l.do("print", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: m})
			return err
		}))
	}
	media("print")
	if got, want := strings.TrimSpace(l.text("body")), l.text(selector); got != want {
		l.t.Errorf("on paper there is %d bytes of text; want the %d of %s", len(got), len(want), selector)
	}
	media("")
}

// first is where the first element that a selector finds leads; "" where there is none.
func (l *looker) first(selector string) string {
	l.t.Helper()
	return read(l.tab, "find "+selector, chromedp.Evaluate[string](`document.querySelector(`+"`"+selector+"`"+`)?.href ?? ""`))
}

// push clicks what a selector finds, in whatever language its words are.
func (l *looker) push(selector string) {
	l.t.Helper()
	l.load("push "+selector, chromedp.Click(chromedp.CSS(selector)))
}

// TestAxe has axe-core look at every kind of page of the three roles, in English and,
// where the role speaks it, in Arabic. Of the other languages of intake, a sample. Pages
// of intake also keep the rules of WCAG's level AAA that axe knows.
func TestAxe(t *testing.T) {
	script, err := os.ReadFile(filepath.Join("testdata", "axe", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(script); hex.EncodeToString(sum[:]) != axeSHA256 {
		t.Fatalf("axe.min.js has SHA-256 %x; want %s", sum, axeSHA256)
	}
	b := newBrowser(t)
	h := startHouse(t, true)
	// The pages of intake have no script. Axe needs one, and runs beside them.
	newLooker := func(t *testing.T) *looker {
		p := b.person(true)
		p.t = t
		return &looker{tab: p, axe: string(script)}
	}
	source := newLooker(t)
	sent := t.Run("intake", func(t *testing.T) {
		for _, language := range []string{"/es", "/fr", "/ru", "/de"} {
			l := newLooker(t)
			l.quick, l.strict = true, true
			axeWords(l, h.intake+language)
		}
		arabic := newLooker(t)
		arabic.strict = true
		axeSource(arabic, h.intake, "/ar")
		source.t, source.strict = t, true
		axeSource(source, h.intake, "")
	})
	if !sent || !t.Run("desk", func(t *testing.T) { axeDesk(t, h, newLooker) }) {
		return
	}
	t.Run("answer", func(t *testing.T) {
		source.t = t
		source.until(h.intake+"/inbox", axeAnswer)
		source.look("inbox with an answer")
		source.push(`form[action$="/leave"] button`)
		source.look("left")
		source.do("go back in", chromedp.Navigate(h.intake+"/send"))
		source.look("ended")
	})
	for _, language := range []string{"", "/ar"} {
		t.Run("archive"+language, func(t *testing.T) { axeArchive(newLooker(t), h.archive, language) })
	}
}

const axeAnswer = "Which quay do you mean?"

// axeSource goes the way of a source until its envelope has arrived.
func axeSource(l *looker, site, language string) {
	site += language
	for _, page := range []string{"/protection", "/guide", "/guide/device", "/guide/network", "/guide/metadata", "/guide/large", "/guide/returning",
		"/guide/address", "/guide/leaving", "/return"} {
		l.visit(site + page)
	}
	l.do("type a wrong codename", chromedp.SetValue(`//textarea[@id='codename']`, "one two"))
	if _, err := chromedp.RunResponse(l.ctx, chromedp.Click(chromedp.CSS(`main form button`))); err != nil {
		l.t.Fatal(err)
	}
	l.look("a wrong codename")
	l.visit(site + "/")
	read(l.tab, "change the form, as a gateway does", chromedp.Evaluate[bool](`document.querySelector("[name=way]").value += "."; true`))
	if _, err := chromedp.RunResponse(l.ctx, chromedp.Click(chromedp.CSS(`form[action$="/begin"] button`))); err != nil {
		l.t.Fatal(err)
	}
	l.sees(".onion")
	l.look("somebody in between")
	l.open(site + "/")
	l.push(`form[action$="/begin"] button`)
	l.look("codename")
	l.printed(".codename")
	l.push(`form[action$="/codename"] button`)
	l.do("open the conditions", chromedp.Click(chromedp.CSS(`form[enctype] summary`)))
	l.look("send")
	l.do("ask for them", chromedp.SetValue(`//input[@id='before']`, "2027-01-31"), chromedp.Click(chromedp.CSS(`input[name="unquoted"]`)))
	file := filepath.Join(l.t.TempDir(), "a list of cameras.txt")
	if err := os.WriteFile(file, []byte("1 north quay\n2 crane"), 0o600); err != nil {
		l.t.Fatal(err)
	}
	l.do("write", chromedp.SetValue(`//textarea[@id='message']`, "One more is not in the list."),
		chromedp.SetUploadFiles(`//input[@id='files']`, []string{file}))
	l.push(`form[enctype] button`)
	l.look("receipt")
	l.visit(site + "/inbox")
}

// axeWords looks at pages in one more language. What can go wrong there and nowhere
// else is the length of words, and in what language and direction they are marked.
func axeWords(l *looker, site string) {
	for _, page := range []string{"/guide/metadata", "/protection", "/return"} {
		l.visit(site + page)
	}
	l.do("type a wrong codename", chromedp.SetValue(`//textarea[@id='codename']`, "one two"))
	if _, err := chromedp.RunResponse(l.ctx, chromedp.Click(chromedp.CSS(`main form button`))); err != nil {
		l.t.Fatal(err)
	}
	l.look("a wrong codename")
	l.visit(site + "/")
	l.push(`form[action$="/begin"] button`)
	l.do("open the other languages", chromedp.Click(chromedp.CSS(`details summary`)))
	l.look("codename")
	l.push(`details button[value="ar"]`)
	l.look("codename in Arabic")
	l.push(`form[action$="/codename"] button`)
	l.look("send")
}

// axeDesk goes through the desk as its people, and answers the source.
func axeDesk(t *testing.T, h *house, newLooker func(*testing.T) *looker) {
	stranger := newLooker(t)
	stranger.do("open the desk", chromedp.Navigate(h.desk))
	stranger.look("sign in first")
	var people []*looker
	for _, link := range h.links {
		p := newLooker(t)
		p.open(signInURL(h.desk, link))
		if len(people) == 0 {
			p.look("sign in")
		}
		p.press("Sign in to the desk")
		people = append(people, p)
	}
	handler, redactor, editor := people[0], people[1], people[2]

	handler.until(h.desk+"/conversations", "waits for an answer")
	handler.look("conversations")
	conversation := handler.first(".hits a")
	handler.visit(h.desk + "/")
	// The two sources wrote in an order that nobody knows: answer both.
	handler.open(h.desk + "/conversations")
	for _, address := range read(handler.tab, "list", chromedp.Evaluate[[]string](`[...document.querySelectorAll(".hits a")].map(a => a.href)`)) {
		handler.open(address)
		handler.fill("Your words", axeAnswer)
		handler.press("Seal and send")
	}
	handler.look("conversation")
	handler.visit(h.desk + "/saved")
	handler.fill("Title", "Thanks")
	handler.fill("Text", "We have read it.")
	handler.press("Save")
	handler.look("saved replies")
	handler.open(conversation)
	handler.do("open the handover", chromedp.Click(chromedp.CSS(`#handover summary`)))
	handler.look("conversation with a handover")
	handler.visit(handler.first(".files a"))
	handler.visit(conversation + "/case")
	handler.visit(h.desk + "/conversations/unopened")
	client, err := (&newsroomFlags{To: h.intake}).client()
	if err != nil {
		t.Fatal(err)
	}
	junk := append([]byte("age-encryption.org/v1\njunk\n"), make([]byte, 300_000)...)
	if _, err := client.put(t.Context(), strings.Repeat("0a", 16), 0, int64(len(junk)), bytes.NewReader(junk), int64(len(junk))); err != nil {
		t.Fatal(err)
	}
	handler.until(h.desk+"/conversations/unopened", "1 envelope")
	handler.look("an envelope that did not open")

	editor.visit(h.desk + "/")
	editor.visit(h.desk + "/cases")
	c := editor.first("main td a")
	for _, page := range []string{"", "/files", "/files?q=xyzzyx", "/provenance", "/questions", "/release", "/ledger"} {
		editor.visit(c + page)
	}
	editor.open(c + "/files?type=" + url.QueryEscape("message/rfc822"))
	document := editor.first("table.files a")
	editor.visit(document)
	redactor.visit(document + "/redact")
	redactor.fill("2. Every form", "the")
	redactor.press("Try it")
	redactor.look("a trial of what would be taken out")
	editor.open(c + "/provenance")
	editor.fill("When", "in May")
	editor.refused("Save")
	editor.look("a refused form")
	editor.do("open what is not there", chromedp.Navigate(h.desk+"/nothing"))
	editor.look("nothing there")
	for _, page := range []string{"/releases", "/audit", "/about", "/account"} {
		editor.visit(h.desk + page)
	}
	axeTeams(h, editor, newLooker(t))
}

// axeTeams gives the newsroom a second team while everything runs, and looks at what
// that adds: the choice of a source, and what editors read of the keys.
func axeTeams(h *house, editor, source *looker) {
	daylight(source.t, "keys", "channel", "add", "--data", h.dir, "harbour", "--name", "en=The harbour", "--name", "ar=الميناء", "--about", "en=Two reporters who follow the port.")
	source.until(h.intake+"/keys", "serial 2")
	for _, language := range []string{"/ar", ""} {
		source.open(h.intake + language + "/")
		source.push(`form[action$="/begin"] button`)
		source.push(`form[action$="/codename"] button`)
		source.look("send to one of two teams")
	}
	editor.until(h.desk+"/cases", desk.KeysTitle)
	c := editor.first("main td a")
	editor.visit(c)
	editor.visit(c + "/release")
}

// redacted finds, among others, the e-mail of the sample that something was taken out
// of.
const redacted = "crane type:email year:2013"

// axeArchive goes through the archive as a reader.
func axeArchive(l *looker, site, language string) {
	site += language
	for _, page := range []string{"/", "/search", "/search?q=camera+language:en+year:2011", "/search?q=xyzzyx", "/log", "/send", "/harm", "/about", "/help"} {
		l.visit(site + page)
	}
	for _, wrong := range []string{"/search?q=(camera", "/nothing-here"} {
		l.do("open what is wrong", chromedp.Navigate(site+wrong))
		l.look(wrong)
	}
	for _, query := range []string{"type:email language:en", "type:email language:ru", "type:email language:ar", "type:pdf", "attachment:camera", redacted} {
		l.search(site, query)
		hit := l.first(".hits h2 a")
		if query == redacted {
			hit = l.first(".hits li:has(.tag.warn) h2 a")
		}
		if hit == "" {
			l.t.Errorf("%s finds nothing to look at", query)
			continue
		}
		l.visit(hit)
		if rendition := l.first(`aside a[href*="/documents/"]:not([download])`); query == "type:pdf" && strings.Contains(rendition, "/documents/") {
			l.visit(rendition)
		}
	}
	for _, list := range []string{"/collections", "/entities", "/topics", "/origins"} {
		l.visit(site + list)
		l.visit(l.first("main th a, main .card h2 a"))
	}
	l.visit(site + "/answers")
	for _, answer := range read(l.tab, "list", chromedp.Evaluate[[]string](`[...document.querySelectorAll("main h2 a")].map(a => a.href)`)) {
		l.visit(answer)
	}
}
