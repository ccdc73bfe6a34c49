package extract

import (
	"bytes"
	"image"
	_ "image/gif"  // sizes of images are facts
	_ "image/jpeg" // likewise
	_ "image/png"  // likewise
	"io"
	"strconv"
	"strings"

	"daylight/internal/charset"
	"daylight/internal/htmltext"
)

// plain reads text in any charset.
func (j *job) plain() error {
	b, err := j.text()
	if err != nil {
		return err
	}
	text, used := charset.Decode(b, declaredCharset(j.file.Type))
	if used != charset.ASCII && used != charset.UTF8 {
		j.fact("Charset", used)
	}
	j.result.Text = unixLines(text)
	return nil
}

// declaredCharset reads the charset of "text/plain; charset=koi8-r".
func declaredCharset(kind string) string {
	_, label, _ := strings.Cut(strings.ToLower(kind), "charset=")
	label, _, _ = strings.Cut(label, ";")
	return strings.Trim(label, "\" ")
}

// unixLines ends lines in \n and drops controls that lay out nothing.
func unixLines(s string) string {
	if strings.IndexFunc(s, oddControl) < 0 {
		return s
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r' || r == '\f':
			return '\n'
		case oddControl(r):
			return -1
		}
		return r
	}, s)
}

func oddControl(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }

// page reads HTML.
func (j *job) page() error {
	b, err := j.text()
	if err != nil {
		return err
	}
	label := declaredCharset(j.file.Type)
	if !charset.Known(label) || label == "" {
		label = htmltext.Charset(b)
	}
	text, _ := charset.Decode(b, label)
	p := htmltext.Read([]byte(text))
	j.result.Title, j.result.Text = p.Title, unixLines(p.Text)
	if p.Language != "" {
		j.fact("Language", p.Language)
	}
	for _, m := range p.Meta {
		switch m.Name {
		case "viewport", "content-type", "x-ua-compatible":
		default:
			j.fact(m.Name, m.Content)
		}
		switch strings.ToLower(m.Name) {
		case "date", "dc.date", "dcterms.created", "article:published_time", "created":
			if j.result.Date.IsZero() {
				j.result.Date = parseTime(m.Content)
			}
		}
	}
	return nil
}

// image notes the size of a picture.
func (j *job) image() error {
	c, _, err := image.DecodeConfig(io.NewSectionReader(j.file.Body, 0, j.file.Size))
	if err != nil {
		b, _ := head(j.file, 512)
		if len(bytes.TrimSpace(b)) > 0 {
			j.problem("the picture is damaged: %v", err)
		}
		return nil
	}
	j.fact("Width", strconv.Itoa(c.Width))
	j.fact("Height", strconv.Itoa(c.Height))
	return nil
}
