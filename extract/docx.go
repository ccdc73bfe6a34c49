package extract

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"sort"
	"strings"
	"time"
)

// docx reads a Word document (ECMA-376, part 1): the text of the body, then notes,
// comments, headers and footers; the properties as facts. Files embedded in
// word/embeddings are parts; pictures are part of the document.
func (j *job) docx() error {
	r, err := zip.NewReader(j.file.Body, j.file.Size)
	if err != nil {
		j.problem("the document is damaged; its parts are read as those of an archive")
		return j.zip()
	}
	var text strings.Builder
	for _, m := range storyFiles(r.File) {
		if err := j.ctx.Err(); err != nil {
			return err
		}
		j.story(m, &text)
	}
	j.result.Text = strings.TrimSpace(text.String())
	for _, m := range r.File {
		if m.Name == "docProps/core.xml" || m.Name == "docProps/app.xml" {
			j.properties(m)
		}
	}
	return j.embedded(r.File)
}

// storyFiles are the files of a document that have text, in reading order.
func storyFiles(files []*zip.File) []*zip.File {
	order := func(name string) int {
		dir, base := path.Split(name)
		if dir != "word/" || !strings.HasSuffix(base, ".xml") {
			return 0
		}
		for i, prefix := range []string{"document", "footnotes", "endnotes", "comments.", "header", "footer"} {
			if strings.HasPrefix(base, prefix) {
				return i + 1
			}
		}
		return 0
	}
	var list []*zip.File
	seen := map[string]bool{}
	for _, m := range files {
		if order(m.Name) > 0 && !seen[m.Name] {
			seen[m.Name] = true
			list = append(list, m)
		}
	}
	sort.SliceStable(list, func(a, b int) bool {
		if oa, ob := order(list[a].Name), order(list[b].Name); oa != ob {
			return oa < ob
		}
		return list[a].Name < list[b].Name
	})
	return list
}

// story appends the text of one file of the document.
func (j *job) story(m *zip.File, out *strings.Builder) {
	room := j.limits.Text - int64(out.Len())
	body, err := m.Open()
	if err != nil {
		j.problem("%s is damaged", m.Name)
		return
	}
	defer body.Close()
	if out.Len() > 0 {
		out.WriteByte('\n')
	}
	limited := &io.LimitedReader{R: body, N: max(1<<20, min(8*j.limits.Text, j.limits.Ratio*max(j.file.Size, 1<<20)))}
	if err := wordText(limited, out, room); err != nil {
		switch {
		case errors.Is(err, errTooLong) || limited.N <= 0:
			j.problem("the text is too long; the rest of it is left out")
		default:
			j.problem("%s is damaged; what stands after the damage is left out", m.Name)
		}
	}
}

var errTooLong = errors.New("too long")

// wordText writes the text of WordprocessingML: a line for a paragraph, tabs
// between the cells of a row. Deleted text (w:delText) and the instructions of
// fields are not the document's text.
func wordText(r io.Reader, out *strings.Builder, room int64) error {
	d := xml.NewDecoder(r)
	d.Strict = false
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	start, inText, fallback, cell := out.Len(), false, 0, 0
	for {
		token, err := d.RawToken()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "t":
				inText = true
			case "tab":
				out.WriteByte('\t')
			case "br", "cr":
				out.WriteByte('\n')
			case "noBreakHyphen":
				out.WriteByte('-')
			case "Fallback": // the same content again, for old programs
				fallback++
			case "tc":
				cell++
			}
		case xml.EndElement:
			switch t.Name.Local {
			case "t":
				inText = false
			case "p":
				if fallback > 0 {
					break
				}
				if cell > 0 {
					out.WriteByte(' ')
				} else {
					out.WriteByte('\n')
				}
			case "tc":
				cell = max(0, cell-1)
				out.WriteByte('\t')
			case "tr":
				out.WriteByte('\n')
			case "Fallback":
				fallback = max(0, fallback-1)
			}
		case xml.CharData:
			if inText && fallback == 0 {
				out.Write(t)
			}
		}
		if int64(out.Len()-start) > room {
			return errTooLong
		}
	}
}

// properties reads docProps: each element is a fact.
func (j *job) properties(m *zip.File) {
	body, err := m.Open()
	if err != nil {
		j.problem("%s is damaged", m.Name)
		return
	}
	defer body.Close()
	d := xml.NewDecoder(io.LimitReader(body, 1<<20))
	d.Strict = false
	name := ""
	for {
		token, err := d.RawToken()
		if err != nil {
			return // properties that end early say what they said
		}
		switch t := token.(type) {
		case xml.StartElement:
			name = t.Name.Local
		case xml.EndElement:
			name = ""
		case xml.CharData:
			j.property(name, string(t))
		}
	}
}

func (j *job) property(name, value string) {
	switch name {
	case "", "Properties", "coreProperties", "TitlesOfParts", "lpstr", "i4", "DocSecurity", "ScaleCrop", "LinksUpToDate", "SharedDoc", "HyperlinksChanged", "CharactersWithSpaces":
		return
	case "title":
		j.result.Title = value
	case "created":
		j.result.Date = parseTime(value)
	case "modified":
		if j.result.Date.IsZero() {
			j.result.Date = parseTime(value)
		}
	}
	j.fact(name, value)
}

// embedded hands out the files inside of the document.
func (j *job) embedded(files []*zip.File) error {
	return j.within(func() error {
		for _, m := range files {
			if dir, base := path.Split(m.Name); dir == "word/embeddings/" && base != "" {
				j.result.Container = true
				if err := j.zipMember(m, base); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// parseTime reads the times that documents hold: ISO 8601 in its shorter and
// longer forms, and those of e-mail. It is zero for what is none.
func parseTime(s string) time.Time {
	s = strings.TrimSpace(s)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02", "2006-01", "2006"} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() > 1900 && t.Year() < 2100 {
			return t.UTC().Truncate(time.Second)
		}
	}
	return mailTime(s)
}
