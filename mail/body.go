package mail

import (
	"bytes"
	"io"
	"strings"
	"unicode"

	"daylight/internal/charset"
	"daylight/internal/htmltext"
)

// body is a piece of the message's own text. Plain text is decoded when it is
// found, because files may hide in it; HTML only when it is needed, for of most
// messages it is the dress of a text that is there in plain.
type body struct {
	text       string
	html       bool
	src        io.ReaderAt
	start, end int64
	encoding   string
	label      string
}

// textLeaf reads a leaf that is text.
func (w *walker) textLeaf(m meta, start, end int64) ([]body, error) {
	if room := w.limits.Text - w.text; end-start > room {
		end = start + max(room, 0)
		w.problems.add("the text is too long; the rest of it is left out")
	}
	w.text += end - start
	b := body{src: w.src, start: start, end: end, encoding: m.encoding, label: m.params["charset"], html: m.kind == "text/html"}
	if b.html {
		return []body{b}, nil
	}
	raw, problem := b.read()
	w.problems.add(problem)
	if looksHTML(raw) { // QUIRK: HTML that nobody labelled
		b.html = true
		return []body{b}, nil
	}
	raw, err := w.takeFiles(raw)
	if err != nil {
		return nil, err
	}
	b.text, _ = charset.Decode(raw, b.label)
	if strings.EqualFold(m.params["format"], "flowed") {
		b.text = unflow(b.text, strings.EqualFold(m.params["delsp"], "yes"))
	}
	return []body{b}, nil
}

// read takes the transfer encoding off the bytes of a body.
func (b *body) read() (raw []byte, problem string) {
	raw = make([]byte, 0, b.end-b.start+bytes.MinRead) // decoded is never longer
	buf := bytes.NewBuffer(raw)
	r := decoder(io.NewSectionReader(b.src, b.start, b.end-b.start), b.encoding)
	if r, ok := r.(*base64Reader); ok {
		r.text = true
	}
	_, err := buf.ReadFrom(r)
	if err != nil {
		problem = "text: " + err.Error()
	}
	return buf.Bytes(), problem
}

// decode returns the body in UTF-8.
func (b *body) decode() (text, problem string) {
	raw, problem := b.read()
	label := b.label
	if b.html && !charset.Known(label) {
		label = htmltext.Charset(raw)
	}
	text, _ = charset.Decode(raw, label)
	return text, problem
}

// looksHTML reports whether text begins as a page does.
func looksHTML(raw []byte) bool {
	raw = bytes.TrimLeft(raw[:min(len(raw), 512)], " \t\r\n")
	if len(raw) == 0 || raw[0] != '<' {
		return false
	}
	start := strings.ToLower(string(raw[:min(len(raw), 15)]))
	return strings.HasPrefix(start, "<html") || strings.HasPrefix(start, "<!doctype html")
}

// choose picks the one of several alternatives that is read: plain text, because
// nothing hides in it, unless it only says that there is HTML.
func (w *walker) choose(children [][]body) []body {
	var plain, rich []body
	for _, c := range children {
		switch {
		case c[0].html || len(c) > 1 && c[len(c)-1].html:
			rich = c
		case plain == nil && strings.TrimSpace(c[0].text) != "":
			plain = c
		}
	}
	switch {
	case plain == nil && rich == nil:
		if len(children) > 0 {
			return children[0]
		}
		return nil
	case rich == nil:
		return plain
	case plain == nil:
		return rich
	}
	// "Your program cannot show this message": a stub beside a text of many words.
	const stub, many = 200, 2000
	if have := countLetters(plain[0].text); have < stub && rich[0].end-rich[0].start > many {
		if countLetters(w.textOf(rich)) > 10*max(have, 50) {
			return rich
		}
	}
	// The HTML stays with the message, for a page that shows it.
	w.unread = append(w.unread, rich...)
	return plain
}

func countLetters(s string) (n int) {
	for _, r := range s {
		if unicode.IsLetter(r) {
			n++
		}
	}
	return n
}

// unflow joins the lines of format=flowed (RFC 3676): a line that ends in a space
// goes on in the next of the same quote depth, except the signature's "-- ".
func unflow(text string, delsp bool) string {
	var out strings.Builder
	out.Grow(len(text))
	open, depth := false, 0
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		quoted := 0
		for quoted < len(line) && line[quoted] == '>' {
			quoted++
		}
		rest := line[quoted:]
		content := strings.TrimPrefix(rest, " ") // space-stuffing
		signature := content == "-- " || rest == "-- "
		if open && (quoted != depth || signature) {
			out.WriteByte('\n')
			open = false
		}
		if !open && quoted > 0 {
			out.WriteString(line[:quoted])
			out.WriteByte(' ')
		}
		depth, open = quoted, strings.HasSuffix(content, " ") && !signature
		if open && delsp {
			content = content[:len(content)-1]
		}
		out.WriteString(content)
		if !open {
			out.WriteByte('\n')
		}
	}
	return out.String()
}

// tidy makes text of what was decoded: lines end in \n, and no controls but those
// that lay text out.
func tidy(s string) string {
	s = strings.TrimRight(s, " \t\r\n\x00")
	s = strings.TrimLeft(s, "\r\n\x00")
	if !hasControl(s) {
		return s
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	if !hasControl(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return '\n'
		case control(r):
			return -1
		}
		return r
	}, s)
}

func hasControl(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

func control(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }

// plainASCII reports whether s has nothing but ASCII without controls.
func plainASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// oneLine makes a line of a decoded value: nothing in it can end it.
func oneLine(s string) string {
	if plainASCII(s) {
		return strings.TrimSpace(s)
	}
	if strings.IndexFunc(s, unicode.IsControl) >= 0 {
		s = strings.Map(func(r rune) rune {
			switch {
			case r == '\n' || r == '\t' || r == '\r':
				return ' '
			case unicode.IsControl(r):
				return -1
			}
			return r
		}, s)
	}
	return strings.TrimSpace(s)
}
