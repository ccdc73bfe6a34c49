package htmltext_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"daylight/internal/htmltext"
)

func TestRead(t *testing.T) {
	for _, c := range []struct{ page, title, text string }{
		{"<p>one  \n two<p>three", "", "one two\n\nthree"},
		{"<title>A &amp;\n B</title><body>text", "A & B", "text"},
		{"a<br>b<br/>c", "", "a\nb\nc"},
		{"<b>bo</b>ld <i>word</i>s", "", "bold words"},
		{"<style>x{}</style><script>if (a<b) '</p>'</script>seen", "", "seen"},
		{"<table><tr><td>1<td>2<tr><td>3</td><td> 4</table>", "", "1\t2\n3\t4"},
		{"<pre>a\n  b</pre>c", "", "a\n  b\nc"},
		{"<img alt='a sign'>text &nbsp;&eacute;", "", "a sign text é"},
		{"<!-- hidden -->text<!-- open", "", "text"},
		{"<p>cut in a t<a href=", "", "cut in a t"},
		{"", "", ""},
	} {
		got := htmltext.Read([]byte(c.page))
		if got.Title != c.title || got.Text != c.text {
			t.Errorf("%q: title %q, text %q; want %q, %q", c.page, got.Title, got.Text, c.title, c.text)
		}
	}
}

func TestMeta(t *testing.T) {
	p := htmltext.Read([]byte(`<html lang=ru><meta name=Author content="A. Nowhere"><meta property="og:title" content="t">`))
	if p.Language != "ru" || len(p.Meta) != 2 || p.Meta[0] != (htmltext.Meta{Name: "author", Content: "A. Nowhere"}) {
		t.Errorf("got %+v", p)
	}
}

func TestCharset(t *testing.T) {
	for page, want := range map[string]string{
		`<meta charset="koi8-r">`: "koi8-r",
		`<META http-equiv=Content-Type content="text/html; charset=Windows-1251">`: "windows-1251",
		`<p>charset=utf-8`: "",
	} {
		if got := htmltext.Charset([]byte(page)); got != want {
			t.Errorf("%s: %q; want %q", page, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("<table><tr><td>1<pre>\xff<script>"))
	f.Add([]byte(strings.Repeat("<div><pre>", 100)))
	f.Fuzz(func(t *testing.T, page []byte) {
		p := htmltext.Read(page)
		if !utf8.ValidString(p.Text) || !utf8.ValidString(p.Title) {
			t.Errorf("not UTF-8")
		}
		htmltext.Charset(page)
	})
}
