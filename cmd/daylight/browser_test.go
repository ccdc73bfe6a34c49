package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
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
	if err := chromedp.Run(ctx); err != nil {
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
	p := &tab{t: b.t, ctx: ctx}
	p.do("set up", network.Enable(), emulation.SetUserAgentOverride(userAgent), emulation.SetScriptExecutionDisabled(!scripts))
	return p
}

// tab is one person's window.
type tab struct {
	t   *testing.T
	ctx context.Context
}

func (p *tab) do(what string, actions ...chromedp.Action) {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.ctx, time.Minute)
	defer stop()
	if err := chromedp.Run(ctx, actions...); err != nil {
		p.t.Fatalf("%s: %v\non page:\n%s", what, err, p.where())
	}
}

// where is what the person sees, for a failure.
func (p *tab) where() string {
	var url, text string
	ctx, stop := context.WithTimeout(p.ctx, 5*time.Second)
	defer stop()
	if err := chromedp.Run(ctx, chromedp.Location(&url), chromedp.Text("body", &text, chromedp.ByQuery)); err != nil {
		return err.Error()
	}
	if len(text) > 3000 {
		text = text[:3000] + "…"
	}
	return url + "\n" + text
}

// go_ does what loads a page, and wants its status to be good.
func (p *tab) load(what string, action chromedp.Action) {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.ctx, 2*time.Minute)
	defer stop()
	r, err := chromedp.RunResponse(ctx, action)
	if err != nil {
		p.t.Fatalf("%s: %v\non page:\n%s", what, err, p.where())
	}
	if r != nil && r.Status >= http.StatusBadRequest {
		p.t.Fatalf("%s: status %d\n%s", what, r.Status, p.where())
	}
}

func (p *tab) open(url string) { p.t.Helper(); p.load("open "+url, chromedp.Navigate(url)) }

// press clicks the button with this text. Where there are several, within is the
// start of the text of the card, row or form that it stands in.
func (p *tab) press(text string) {
	p.t.Helper()
	p.load("press "+text, chromedp.Click(fmt.Sprintf(`//button[normalize-space()=%s]`, quote(text)), chromedp.BySearch))
}

// follow clicks the first link whose text has this in it.
func (p *tab) follow(text string) {
	p.t.Helper()
	p.load("follow "+text, chromedp.Click(fmt.Sprintf(`//a[contains(normalize-space(), %s)]`, quote(text)), chromedp.BySearch))
}

// field is the control that a label with this text belongs to.
func field(label string) string {
	l := fmt.Sprintf(`//label[starts-with(normalize-space(), %s)]`, quote(label))
	return fmt.Sprintf(`(//*[@id=%s/@for] | %s//input | %s//textarea | %s//select)[1]`, l, l, l, l)
}

// fill types over what the field of a label has.
func (p *tab) fill(label, value string) {
	p.t.Helper()
	p.do("fill "+label, chromedp.SetValue(field(label), value, chromedp.BySearch))
}

// choose clicks the radio button, check box or label with this text.
func (p *tab) choose(label string) {
	p.t.Helper()
	p.do("choose "+label, chromedp.Click(field(label), chromedp.BySearch))
}

func (p *tab) attach(label string, files ...string) {
	p.t.Helper()
	p.do("attach to "+label, chromedp.SetUploadFiles(field(label), files, chromedp.BySearch))
}

// text is what stands in an element of the page.
func (p *tab) text(selector string) string {
	p.t.Helper()
	var s string
	p.do("read "+selector, chromedp.Text(selector, &s, chromedp.ByQuery, chromedp.NodeReady))
	return s
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
	var source string
	p.do("read source", chromedp.OuterHTML("html", &source, chromedp.ByQuery))
	for _, bad := range texts {
		if strings.Contains(source, bad) {
			p.t.Fatalf("page shows %q:\n%s", bad, p.where())
		}
	}
}

// count is how many elements a selector finds.
func (p *tab) count(selector string) int {
	p.t.Helper()
	var nodes []*cdp.Node
	p.do("count "+selector, chromedp.Nodes(selector, &nodes, chromedp.ByQueryAll, chromedp.AtLeast(0)))
	return len(nodes)
}

// href is where the first link whose text has this in it leads.
func (p *tab) href(text string) string {
	p.t.Helper()
	var href string
	p.do("find link "+text, chromedp.AttributeValue(fmt.Sprintf(`//a[contains(normalize-space(), %s)]`, quote(text)), "href", &href, nil, chromedp.BySearch))
	return href
}

// fetch downloads a file with the person's cookies.
func (p *tab) fetch(url string) []byte {
	p.t.Helper()
	var jar []*network.Cookie
	p.do("read cookies", chromedp.ActionFunc(func(ctx context.Context) (err error) {
		jar, err = network.GetCookies().WithURLs([]string{url}).Do(ctx)
		return err
	}))
	return download(p.t, url, jar)
}

// quote makes an XPath string of a text.
func quote(s string) string {
	if !strings.Contains(s, `'`) {
		return "'" + s + "'"
	}
	return `"` + s + `"`
}
