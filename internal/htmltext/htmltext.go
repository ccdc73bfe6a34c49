// Package htmltext turns HTML, however broken, into the plain text that a reader
// would see: words in order, a line for each block, nothing of scripts and
// styles. It fetches nothing and keeps no state.
package htmltext

import (
	"bytes"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Page is what a page says.
type Page struct {
	Title    string
	Text     string
	Language string // of <html lang>, as written
	Meta     []Meta // in the order found
}

// Meta is a <meta> element with a name (or property) and content.
type Meta struct{ Name, Content string }

// Read reads a page of UTF-8. It cannot fail: whatever follows a place that it
// cannot read is left out, which only an element of more than limit bytes makes
// happen. Time and memory are linear in the size of page.
func Read(page []byte) Page {
	z := html.NewTokenizer(bytes.NewReader(page))
	w := writer{out: make([]byte, 0, len(page)/4)}
	var p Page
	var skip atom.Atom // the element whose text is nobody's to read
	var title, inTitle = []byte(nil), false
	for {
		kind := z.Next()
		switch kind {
		case html.ErrorToken:
			p.Title = strings.Join(strings.Fields(string(title)), " ")
			p.Text = w.text()
			return p
		case html.TextToken:
			switch {
			case inTitle:
				title = append(title, z.Text()...)
			case skip == 0:
				w.write(z.Text())
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			tag := atom.Lookup(name)
			switch {
			case skip != 0:
			case tag == atom.Script || tag == atom.Style || tag == atom.Template:
				if kind == html.StartTagToken {
					skip = tag
				}
			case tag == atom.Title && w.empty() && title == nil:
				inTitle, title = true, []byte{}
			case tag == atom.Meta && more:
				if m := readMeta(z); m.Name != "" && m.Content != "" && len(p.Meta) < 100 {
					p.Meta = append(p.Meta, m)
				}
			case tag == atom.Html && more:
				p.Language = attr(z, "lang")
			case tag == atom.Img && more:
				if alt := attr(z, "alt"); alt != "" {
					w.write([]byte(" " + alt + " "))
				}
			default:
				w.open(tag)
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			tag := atom.Lookup(name)
			switch {
			case tag == skip && skip != 0:
				skip = 0
			case tag == atom.Title:
				inTitle = false
			case skip == 0:
				w.close(tag)
			}
		}
	}
}

// Text is the text of a page alone.
func Text(page []byte) string { return Read(page).Text }

func attr(z *html.Tokenizer, want string) string {
	for {
		key, value, more := z.TagAttr()
		if string(key) == want {
			return strings.TrimSpace(string(value))
		}
		if !more {
			return ""
		}
	}
}

func readMeta(z *html.Tokenizer) (m Meta) {
	for {
		key, value, more := z.TagAttr()
		switch string(key) {
		case "name", "property", "http-equiv":
			m.Name = strings.ToLower(string(value))
		case "content":
			m.Content = strings.TrimSpace(string(value))
		}
		if !more {
			return m
		}
	}
}

// Charset returns what the page says of its own charset in the first 4 KiB, or "".
func Charset(page []byte) string {
	z := html.NewTokenizer(io.LimitReader(bytes.NewReader(page), 4<<10))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return ""
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			if atom.Lookup(name) != atom.Meta {
				continue
			}
			for more {
				var key, value []byte
				key, value, more = z.TagAttr()
				switch string(key) {
				case "charset":
					return string(value)
				case "content":
					// "text/html; charset=koi8-r"
					if _, after, ok := strings.Cut(strings.ToLower(string(value)), "charset="); ok {
						return strings.Trim(after, " \"';")
					}
				}
			}
		}
	}
}

// writer collects text and folds white space as a browser does.
type writer struct {
	out   []byte
	space bool // a space is due before the next word
	pre   int  // depth of <pre>
}

func (w *writer) empty() bool { return len(w.out) == 0 }

func (w *writer) write(text []byte) {
	if w.pre > 0 {
		w.out = append(w.out, text...)
		return
	}
	for len(text) > 0 {
		r, n := rune(text[0]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(text)
		}
		if unicode.IsSpace(r) || r == '\u200b' {
			w.space = true
			text = text[n:]
			continue
		}
		if w.space && len(w.out) > 0 && w.out[len(w.out)-1] != '\n' && w.out[len(w.out)-1] != '\t' {
			w.out = append(w.out, ' ')
		}
		w.space = false
		end := bytes.IndexFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == '\u200b' })
		if end < 0 {
			end = len(text)
		}
		w.out = append(w.out, text[:end]...)
		text = text[end:]
	}
}

// lines makes sure that the text ends in n line feeds, or is empty.
func (w *writer) lines(n int) {
	w.space = false
	if len(w.out) == 0 {
		return
	}
	w.out = bytes.TrimRight(w.out, " \t")
	have := len(w.out) - len(bytes.TrimRight(w.out, "\n"))
	for ; have < n; have++ {
		w.out = append(w.out, '\n')
	}
}

func (w *writer) open(tag atom.Atom) {
	switch tag {
	case atom.Br:
		w.space = false
		w.out = append(bytes.TrimRight(w.out, " "), '\n')
	case atom.Pre, atom.Listing, atom.Xmp:
		w.lines(1)
		w.pre++
	case atom.Td, atom.Th:
		w.cell()
	default:
		w.block(tag)
	}
}

func (w *writer) close(tag atom.Atom) {
	switch tag {
	case atom.Pre, atom.Listing, atom.Xmp:
		w.pre = max(0, w.pre-1)
		w.lines(1)
	case atom.Td, atom.Th, atom.Br:
	default:
		w.block(tag)
	}
}

// cell puts a tab between cells of a row.
func (w *writer) cell() {
	w.space = false
	if n := len(w.out); n > 0 && w.out[n-1] != '\n' && w.out[n-1] != '\t' {
		w.out = append(w.out, '\t')
	}
}

func (w *writer) block(tag atom.Atom) {
	switch tag {
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Table, atom.Ul, atom.Ol, atom.Dl, atom.Blockquote, atom.Hr:
		w.lines(2)
	case atom.Div, atom.Li, atom.Tr, atom.Dt, atom.Dd, atom.Section, atom.Article, atom.Header, atom.Footer,
		atom.Nav, atom.Aside, atom.Main, atom.Form, atom.Fieldset, atom.Address, atom.Figure, atom.Figcaption,
		atom.Center, atom.Body, atom.Head, atom.Caption, atom.Option, atom.Textarea, atom.Button, atom.Legend, atom.Thead, atom.Tbody:
		w.lines(1)
	}
}

func (w *writer) text() string {
	return strings.ToValidUTF8(string(bytes.TrimSpace(w.out)), "\uFFFD")
}
