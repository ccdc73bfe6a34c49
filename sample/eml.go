package sample

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"mime/quotedprintable"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"
)

// eml is the message as a file in the keeper's folder: the copies of sender and
// receiver differ in their trace (Received), as real ones do.
func (m *mail) eml(keeper string) []byte {
	var b bytes.Buffer
	if keeper != m.from.body {
		at := m.date.Add(47e9)
		fmt.Fprintf(&b, "Return-Path: <%s>\r\n", m.from.addr)
		fmt.Fprintf(&b, "Received: from mx.%s by mail.%s with ESMTP id %s; %s\r\n",
			m.from.domain(), m.receiver(keeper), m.messageID()[:8], at.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	}
	m.write(&b)
	return b.Bytes()
}

// receiver is the domain of the first addressee who belongs to a body.
func (m *mail) receiver(body string) string {
	for _, p := range append(append([]person{}, m.to...), m.cc...) {
		if p.body == body {
			return p.domain()
		}
	}
	return m.from.domain()
}

// mbox is the message as an entry of an mbox file (mboxrd: From lines in the text
// get a sign in front), with bare line feeds.
func (m *mail) mbox() []byte {
	var b bytes.Buffer
	m.write(&b)
	out := []byte(fmt.Sprintf("From %s %s\n", m.from.addr, m.date.UTC().Format("Mon Jan _2 15:04:05 2006")))
	for line := range bytes.Lines(bytes.ReplaceAll(b.Bytes(), []byte("\r\n"), []byte("\n"))) {
		if bytes.HasPrefix(bytes.TrimLeft(line, ">"), []byte("From ")) {
			out = append(out, '>')
		}
		out = append(out, line...)
	}
	return append(out, '\n')
}

func (m *mail) write(b *bytes.Buffer) {
	p := m.from.program
	header := func(name, value string) { fmt.Fprintf(b, "%s: %s\r\n", name, value) }
	header("From", m.from.header(p.charset))
	header("To", headers(m.to, p.charset))
	if len(m.cc) > 0 {
		header("Cc", headers(m.cc, p.charset))
	}
	header("Subject", word(m.subject, p.charset))
	header("Date", m.date.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	header("Message-ID", "<"+m.messageID()+">")
	if refs := m.references(); len(refs) > 0 {
		header("In-Reply-To", "<"+refs[len(refs)-1]+">")
		header("References", "<"+strings.Join(refs, ">\r\n <")+">")
	}
	for _, h := range m.headers {
		name, value, _ := strings.Cut(h, ": ")
		header(name, value)
	}
	if p.mailer != "" {
		header("X-Mailer", p.mailer)
	}
	header("MIME-Version", "1.0")
	m.body(b, header)
}

// body writes the headers of the content and the content.
func (m *mail) body(b *bytes.Buffer, header func(name, value string)) {
	p := m.from.program
	boundary := "=_" + m.messageID()[:12]
	if len(m.attached) == 0 {
		m.words(b, header, boundary)
		return
	}
	header("Content-Type", fmt.Sprintf("multipart/mixed; boundary=%q", boundary))
	fmt.Fprintf(b, "\r\n--%s\r\n", boundary)
	part := func(name, value string) { fmt.Fprintf(b, "%s: %s\r\n", name, value) }
	m.words(b, part, boundary+"a")
	for _, name := range m.attached {
		fmt.Fprintf(b, "\r\n--%s\r\n", boundary)
		part("Content-Type", mediaType(name)+";\r\n "+parameter("name", name, p.charset))
		part("Content-Disposition", "attachment;\r\n "+parameter("filename", name, p.charset))
		part("Content-Transfer-Encoding", "base64")
		b.WriteString("\r\n")
		writeBase64(b, paper(name))
	}
	fmt.Fprintf(b, "\r\n--%s--\r\n", boundary)
}

// words writes the text, plain or plain and HTML.
func (m *mail) words(b *bytes.Buffer, header func(name, value string), boundary string) {
	p, text := m.from.program, m.full()
	if !p.html {
		content(b, header, "text/plain", p, text)
		return
	}
	header("Content-Type", fmt.Sprintf("multipart/alternative; boundary=%q", boundary))
	for _, kind := range []string{"text/plain", "text/html"} {
		if kind == "text/html" {
			text = page(text)
		}
		fmt.Fprintf(b, "\r\n--%s\r\n", boundary)
		content(b, func(name, value string) { fmt.Fprintf(b, "%s: %s\r\n", name, value) }, kind, p, text)
	}
	fmt.Fprintf(b, "\r\n--%s--\r\n", boundary)
}

// page is a text as HTML, as a mail program makes it.
func page(text string) string {
	var b strings.Builder
	b.WriteString("<html><body style=\"font-family: Calibri, sans-serif; font-size: 11pt\">\n")
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		b.WriteString("<p>" + strings.ReplaceAll(html.EscapeString(paragraph), "\n", "<br>\n") + "</p>\n")
	}
	b.WriteString("</body></html>\n")
	return b.String()
}

// content writes the three headers of a text and the text, encoded.
func content(b *bytes.Buffer, header func(name, value string), kind string, p program, text string) {
	charset, encoded := encode(text, p.charset)
	header("Content-Type", kind+"; charset="+charset)
	header("Content-Transfer-Encoding", p.encoding)
	b.WriteString("\r\n")
	encoded = strings.ReplaceAll(encoded, "\n", "\r\n")
	switch p.encoding {
	case "base64":
		writeBase64(b, []byte(encoded))
	case "quoted-printable":
		w := quotedprintable.NewWriter(b)
		w.Write([]byte(encoded)) // a buffer does not fail
		w.Close()
	default:
		b.WriteString(encoded)
	}
	b.WriteString("\r\n")
}

// encode gives a text in a charset, or in UTF-8 where the charset lacks a letter
// of it, as mail programs do.
func encode(text, charset string) (used, encoded string) {
	if charset == "utf-8" {
		return charset, text
	}
	e, err := htmlindex.Get(charset)
	if err != nil {
		panic("sample: charset " + charset) // of the table in people.go
	}
	if encoded, err = e.NewEncoder().String(text); err != nil {
		return "utf-8", text
	}
	return charset, encoded
}

func writeBase64(b *bytes.Buffer, content []byte) {
	text := base64.StdEncoding.EncodeToString(content)
	for len(text) > 76 {
		b.WriteString(text[:76] + "\r\n")
		text = text[76:]
	}
	b.WriteString(text + "\r\n")
}

// word is a header's text in encoded words (RFC 2047) where it needs them, each of
// at most 75 characters.
func word(s, charset string) string {
	ascii := true
	for i := range len(s) {
		ascii = ascii && s[i] < utf8.RuneSelf
	}
	if ascii {
		return s
	}
	var words []string
	runes := []rune(s)
	for len(runes) > 0 {
		n := min(len(runes), 20)
		used, encoded := encode(string(runes[:n]), charset)
		words = append(words, "=?"+used+"?B?"+base64.StdEncoding.EncodeToString([]byte(encoded))+"?=")
		runes = runes[n:]
	}
	return strings.Join(words, "\r\n ")
}

func (p person) header(charset string) string {
	name := word(p.name, charset)
	if strings.ContainsAny(name, ".,") && !strings.Contains(name, "=?") {
		name = `"` + name + `"`
	}
	return name + " <" + p.addr + ">"
}

func headers(all []person, charset string) string {
	var list []string
	for _, p := range all {
		list = append(list, p.header(charset))
	}
	return strings.Join(list, ",\r\n ")
}

// parameter is a file name in a header. Programs that write UTF-8 do as RFC 2231
// has it; older ones put encoded words in quotes, which RFC 2047, 5 forbids and
// half the world's mail has.
func parameter(key, name, charset string) string {
	encoded := word(name, charset)
	if encoded != name && charset == "utf-8" {
		return key + "*=utf-8''" + url.PathEscape(name)
	}
	return key + `="` + encoded + `"`
}

func mediaType(name string) string {
	switch path.Ext(name) {
	case ".docx":
		return "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	case ".pdf":
		return "application/pdf"
	case ".zip":
		return "application/zip"
	case ".txt":
		return "text/plain; charset=utf-8"
	case ".csv":
		return "text/csv; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	}
	return "application/octet-stream"
}
