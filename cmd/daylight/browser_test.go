package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// browser is a real Chromium with an empty profile.
type browser struct {
	t   *testing.T
	ctx context.Context
}

// newBrowser starts the Chromium that DAYLIGHT_CHROMIUM names. It talks to nothing
// but this machine.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	path := os.Getenv("DAYLIGHT_CHROMIUM")
	if path == "" {
		t.Skip("DAYLIGHT_CHROMIUM does not name a Chromium; `make test` does")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP *.localhost 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 900))
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return &browser{t, ctx}
}

// userAgent is what the story's browsers call themselves: a canary.
const userAgent = "Mozilla/5.0 (CanaryAgent; zibeline)"

// person opens a tab with cookies of its own.
func (b *browser) person(scripts bool) *tab {
	b.t.Helper()
	ctx, stop := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	b.t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil { // the tab lives as long as the context of the first call
		b.t.Fatalf("open a tab: %v", err)
	}
	p := &tab{t: b.t, ctx: ctx}
	p.do("set up", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: userAgent}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts})
		return err
	}))
	return p
}

// tab is one person's window.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// step is something a person does.
type step = chromedp.Action[chromedp.Void]

func (p *tab) do(what string, steps ...step) {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.ctx, 30*time.Second)
	defer stop()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("%s: %v\non page:\n%s", what, err, p.where())
	}
}

// read asks the page for something.
func read[T any](p *tab, what string, a chromedp.Action[T]) T {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.ctx, 30*time.Second)
	defer stop()
	v, err := chromedp.Run(ctx, a)
	for err != nil && strings.Contains(err.Error(), "No node with given id") && ctx.Err() == nil {
		v, err = chromedp.Run(ctx, a) // the page was just replaced by the next one
	}
	if err != nil {
		p.t.Fatalf("%s: %v\non page:\n%s", what, err, p.where())
	}
	return v
}

// where is what the person sees, for a failure.
func (p *tab) where() string {
	ctx, stop := context.WithTimeout(p.ctx, 5*time.Second)
	defer stop()
	url, _ := chromedp.Run(ctx, chromedp.Location())
	text, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("body")))
	if err != nil {
		return url + ": " + err.Error()
	}
	if len(text) > 3000 {
		text = text[:3000] + "…"
	}
	return url + "\n" + text
}

// load does what loads a page, and wants its status to be good.
func (p *tab) load(what string, s step) {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.ctx, 2*time.Minute)
	defer stop()
	r, err := chromedp.RunResponse(ctx, s)
	if err != nil {
		p.t.Fatalf("%s: %v\non page:\n%s", what, err, p.where())
	}
	if r != nil && r.Status >= http.StatusBadRequest {
		p.t.Fatalf("%s: status %d\n%s", what, r.Status, p.where())
	}
}

func (p *tab) open(url string) { p.t.Helper(); p.load("open "+url, chromedp.Navigate(url)) }

// press clicks the button with this text; within, where it is given, is a text of
// the form that it belongs to.
func (p *tab) press(text string, within ...string) {
	p.t.Helper()
	in := ""
	for _, w := range within {
		in = fmt.Sprintf(`//form[contains(., %s)]`, quote(w))
	}
	p.load("press "+text, chromedp.Click(fmt.Sprintf(`%s//button[normalize-space()=%s]`, in, quote(text))))
}

// follow clicks the first link of the page's content whose text has this in it.
func (p *tab) follow(text string) {
	p.t.Helper()
	p.load("follow "+text, chromedp.Click(link(text)))
}

func link(text string) string {
	return fmt.Sprintf(`(//main//a[contains(normalize-space(), %s)])[1]`, quote(text))
}

// field is the control that a label with this text belongs to.
func field(label string) string {
	l := fmt.Sprintf(`//label[starts-with(normalize-space(), %s)]`, quote(label))
	return fmt.Sprintf(`(//*[@id=%s/@for] | %s//input | %s//textarea | %s//select)[1]`, l, l, l, l)
}

// fill types over what the field of a label has.
func (p *tab) fill(label, value string) {
	p.t.Helper()
	p.do("fill "+label, chromedp.SetValue(field(label), value))
}

func (p *tab) attach(label string, files ...string) {
	p.t.Helper()
	p.do("attach to "+label, chromedp.SetUploadFiles(field(label), files))
}

// text is what stands in the first element of the page that a selector finds.
func (p *tab) text(selector string) string {
	p.t.Helper()
	return read(p, "read "+selector, chromedp.Text(chromedp.CSS(selector)))
}

// source is the page as it is, with what is not shown.
func (p *tab) source() string {
	p.t.Helper()
	return read(p, "read source", chromedp.OuterHTML(chromedp.CSS("html")))
}

// sees wants texts on the page, anywhere.
func (p *tab) sees(texts ...string) {
	p.t.Helper()
	body := p.text("body")
	for _, want := range texts {
		if !strings.Contains(body, want) {
			p.t.Fatalf("page does not show %q:\n%s", want, p.where())
		}
	}
}

// seesNo wants texts not to be on the page, also not in its source.
func (p *tab) seesNo(texts ...string) {
	p.t.Helper()
	source := p.source()
	for _, bad := range texts {
		if strings.Contains(source, bad) {
			p.t.Fatalf("page shows %q:\n%s", bad, p.where())
		}
	}
}

// href is where the first link whose text has this in it leads.
func (p *tab) href(text string) string {
	p.t.Helper()
	return read(p, "find link "+text, chromedp.AttributeValue(link(text), "href")).Value
}

// quote makes an XPath string of a text.
func quote(s string) string {
	if !strings.Contains(s, `'`) {
		return "'" + s + "'"
	}
	return `"` + s + `"`
}

// download gets a file as a reader without cookies does. localhost names are this
// machine, whatever the system's resolver thinks of them.
func download(t *testing.T, url string) []byte {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		return (&net.Dialer{}).DialContext(ctx, network, "127.0.0.1:"+port)
	}}}
	r, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, %v", url, r.StatusCode, err)
	}
	return b
}

// clickFirst clicks the first element that an XPath finds.
func clickFirst(path string) step { return chromedp.Click("(" + path + ")[1]") }

// url is where the person is, without a fragment.
func (p *tab) url() string {
	p.t.Helper()
	u, _, _ := strings.Cut(read(p, "read the address", chromedp.Location()), "#")
	return u
}

// absolute makes a whole address of a link on the page.
func (p *tab) absolute(href string) string {
	p.t.Helper()
	base, err := url.Parse(p.url())
	if err != nil {
		p.t.Fatal(err)
	}
	ref, err := base.Parse(href)
	if err != nil {
		p.t.Fatal(err)
	}
	return ref.String()
}

func (p *tab) search(site, query string) {
	p.t.Helper()
	p.open(site + "/search?q=" + url.QueryEscape(query))
}

// selectOption chooses the option with this text.
func (p *tab) selectOption(label, option string) {
	p.t.Helper()
	p.do("choose "+option, chromedp.SetValue(field(label), option))
}

// answer writes evidence for one of the three questions.
func (p *tab) answer(question int, texts [2]string) {
	p.t.Helper()
	p.do(fmt.Sprintf("answer question %d", question),
		chromedp.SetValue(fmt.Sprintf(`//textarea[@id='for%d']`, question), texts[0]),
		chromedp.SetValue(fmt.Sprintf(`//textarea[@id='against%d']`, question), texts[1]),
		chromedp.SetValue(fmt.Sprintf(`//input[@id='public%d']`, question), "Yes, as far as it can be checked."))
}

// harm writes of a slight intrusion and a considerable interest.
func (p *tab) harm() {
	p.t.Helper()
	p.do("record harm",
		chromedp.Click(`//input[@name='intrusion' and @value='2']`),
		chromedp.Click(`//input[@name='interest' and @value='3']`),
		chromedp.SetValue(`//input[@name='affected']`, "People who wrote letters."),
		chromedp.SetValue(`//input[@name='reduced']`, "The name of a receiver was taken out."))
}

// refused presses a button and wants the form again, with what was typed.
func (p *tab) refused(text string) {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.ctx, 30*time.Second)
	defer stop()
	r, err := chromedp.RunResponse(ctx, chromedp.Click(fmt.Sprintf(`//button[normalize-space()=%s]`, quote(text))))
	if err != nil || r == nil || r.Status != http.StatusBadRequest {
		p.t.Fatalf("press %s: %+v, %v; want it refused\n%s", text, r, err, p.where())
	}
	p.sees("This was not done.", "What you typed is still here.")
}

// address is where the person is, with everything.
func (p *tab) address() string {
	p.t.Helper()
	return read(p, "read the address", chromedp.Location())
}

// approve answers the three questions with yes.
func (p *tab) approve() {
	p.t.Helper()
	var steps []step
	for i := range 3 {
		steps = append(steps, chromedp.Click(fmt.Sprintf(`//input[@name='answer%d' and @value='yes']`, i)))
	}
	p.do("answer the questions", steps...)
	p.press("Record my answers")
	p.sees("approves", "Your answer is recorded")
}
