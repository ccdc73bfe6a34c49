package render_test

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"os"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"daylight/fault"
	"daylight/render"
	"daylight/sandbox"
)

func TestMain(m *testing.M) {
	sandbox.Child(map[string]sandbox.Handler{render.Handler: render.Serve})
	os.Exit(m.Run())
}

func sandboxed(t testing.TB) render.Func {
	t.Helper()
	p, err := sandbox.NewPool(1, sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return render.Sandboxed(p)
}

func all(t testing.TB, f render.Func, data, kind string, o render.Options) (list []render.Rendition, err error) {
	t.Helper()
	err = f(t.Context(), strings.NewReader(data), int64(len(data)), kind, o, func(r render.Rendition) error {
		list = append(list, r)
		return nil
	})
	return list, err
}

// attacks are ways to act, to fetch, to follow or to hide. Each holds the word
// "kept", which stays.
var attacks = []string{
	`<script>alert(1)</script>kept`,
	`<img src="http://spy.example/pixel.gif" onerror="alert(1)">kept`,
	`<p style="background:url(http://spy.example/a)">kept</p>`,
	`<p style="text-align:left;background-image:url(//spy.example)">kept</p>`,
	`<a href="javascript:alert(1)">kept</a>`,
	`<a href="https://spy.example/?who=you">kept</a>`,
	`<svg><script>alert(1)</script></svg>kept`,
	`<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>kept`,
	`<iframe src="http://spy.example"></iframe>kept`,
	`<form action="http://spy.example"><input name="x"></form>kept`,
	`<link rel="stylesheet" href="http://spy.example/a.css">kept`,
	`<meta http-equiv="refresh" content="0;url=http://spy.example">kept`,
	`<base href="http://spy.example/">kept`,
	`<object data="http://spy.example/a.swf"></object>kept`,
	`<video poster="http://spy.example/a.png"></video>kept`,
	`<table background="http://spy.example/a.png"><tr><td>kept</td></tr></table>`,
	`<style>@import url(http://spy.example/a.css);</style>kept`,
	`<!--[if mso]><v:rect href="http://spy.example"/><![endif]-->kept`,
	`<div id="a" class="b" onclick="alert(1)">kept</div>`,
	`<noscript><p title="</noscript><img src=x onerror=alert(1)>">kept</p></noscript>kept`,
	`<body onload=alert(1)>kept`,
	`<font color="white">kept</font>`,
}

func TestSafeHTML(t *testing.T) {
	for _, attack := range attacks {
		got := string(render.SafeHTML(attack))
		if why := unsafe(t, got); why != "" {
			t.Errorf("%s: %s", attack, why)
		}
		if !strings.Contains(got, "kept") {
			t.Errorf("%s: the text is gone", attack)
		}
	}
	kept := `<h1>Title</h1><p dir="rtl" lang="ar"><b>bold</b> <em>text</em></p><table><tr><td>cell</td></tr></table>`
	if got := string(render.SafeHTML(kept)); !strings.Contains(got, kept) {
		t.Errorf("harmless HTML changed: %s", got)
	}
}

// unsafe says what a page has that it may not have. It knows nothing of how pages
// are made safe.
func unsafe(t testing.TB, page string) string {
	t.Helper()
	body := page[strings.Index(page, "<body>"):]
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "script", "style", "link", "meta", "base", "iframe", "object", "embed", "img", "video", "audio", "svg", "math", "form", "input", "a":
			return "element " + n.Data
		}
		for _, a := range n.Attr {
			switch v := strings.ToLower(a.Val); {
			case strings.HasPrefix(a.Key, "on"), strings.Contains(v, "url("), strings.Contains(v, "://"), strings.Contains(v, "javascript:"):
				return "attribute " + a.Key + "=" + a.Val
			case a.Key == "href", a.Key == "src", a.Key == "background", a.Key == "action", a.Key == "color", a.Key == "id":
				return "attribute " + a.Key
			}
		}
	}
	return ""
}

func TestMessage(t *testing.T) {
	mail := "Subject: news\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=x\n\n" +
		"--x\nContent-Type: text/plain\n\nplain\n--x\nContent-Type: text/html; charset=koi8-r\n\n" +
		"<p>\xf0\xd2\xc9\xd7\xc5\xd4, <b>rich</b><img src=http://spy.example/a></p>\n--x--\n"
	list, err := all(t, sandboxed(t), mail, "message/rfc822", render.Options{})
	if err != nil || len(list) != 1 {
		t.Fatalf("%d renditions, %v; want 1", len(list), err)
	}
	got := list[0]
	if !strings.Contains(string(got.Data), "<p>Привет, <b>rich</b>") || got.Name != "html" || !strings.Contains(got.Label, "made safe by the desk") {
		t.Errorf("%s, %s: %s", got.Name, got.Label, got.Data)
	}
	if why := unsafe(t, string(got.Data)); why != "" {
		t.Error(why)
	}
	list, err = all(t, render.File, "Subject: news\n\nplain only\n", "message/rfc822", render.Options{})
	if err != nil || len(list) != 0 {
		t.Errorf("a message without HTML: %d renditions, %v; want none", len(list), err)
	}
}

// twoPages is a PDF whose second page has no size that could be drawn.
func twoPages(second string) string {
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	for i, o := range []string{"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R 4 0 R]/Count 2>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 36]>>", "<</Type/Page/Parent 2 0 R/MediaBox[" + second + "]>>"} {
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	b.WriteString("trailer<</Size 5/Root 1 0 R>>\n%%EOF\n")
	return b.String()
}

func TestPages(t *testing.T) {
	f := sandboxed(t)
	list, err := all(t, f, twoPages("0 0 36 72"), "application/pdf", render.Options{DPI: 144})
	if err != nil || len(list) != 2 {
		t.Fatalf("%d pages, %v; want 2", len(list), err)
	}
	img, err := png.Decode(bytes.NewReader(list[0].Data))
	if err != nil || img.Bounds().Dx() != 144 || img.Bounds().Dy() != 72 {
		t.Errorf("picture %v, %v; want 144 × 72", img.Bounds(), err)
	}
	if list[1].Name != "page-0002" || list[1].Label != "page 2 of 2 as a picture, made by the desk" || list[1].Type != "image/png" {
		t.Errorf("%s, %s, %s", list[1].Name, list[1].Label, list[1].Type)
	}
	list, err = all(t, f, twoPages("0 0 36 72"), "application/pdf", render.Options{Pages: 1})
	if len(list) != 1 || !errors.Is(err, fault.Damaged) {
		t.Errorf("the first of two: %d pages, %v", len(list), err)
	}
	list, err = all(t, f, twoPages("0 0 14400 14400"), "application/pdf", render.Options{DPI: 600})
	if len(list) != 1 || !errors.Is(err, fault.Damaged) || !strings.Contains(err.Error(), "page 2 cannot be drawn") {
		t.Errorf("a giant page: %d pages, %v; want the other one and damaged", len(list), err)
	}
	if _, err := all(t, f, "%PDF-1.4 nothing", "application/pdf", render.Options{}); !errors.Is(err, fault.Damaged) {
		t.Errorf("no PDF: %v; want damaged", err)
	}
	if list, err := all(t, f, "MZ", "application/x-dosexec", render.Options{}); len(list) != 0 || err != nil {
		t.Errorf("a type without renditions: %d, %v", len(list), err)
	}
}

func FuzzSafeHTML(f *testing.F) {
	for _, a := range attacks {
		f.Add(a)
	}
	f.Fuzz(func(t *testing.T, page string) {
		if why := unsafe(t, string(render.SafeHTML(page))); why != "" {
			t.Errorf("%q: %s", page, why)
		}
	})
}
