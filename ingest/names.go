package ingest

import (
	"fmt"
	"path"
	"strings"
	"unicode"
)

// maxName bounds one name, in bytes. Longer ones are cut.
const maxName = 1024

// Namer gives the parts of one container names that are unique as paths: two parts
// of the same name, or a part "a/b" beside a container "a" that holds a "b", must
// not become one place.
type Namer struct {
	files   map[string]bool
	folders map[string]bool
	n       int
}

// Name gives the next part its name. Kind is its media type as declared.
func (m *Namer) Name(found, kind string) string {
	if m.files == nil {
		m.files, m.folders = map[string]bool{}, map[string]bool{}
	}
	m.n++
	s := clean(found)
	switch {
	case s == "" && kind == "message/rfc822":
		s = fmt.Sprintf("%d.eml", m.n)
	case s == "":
		s = fmt.Sprintf("part %d", m.n)
	}
	if m.folders[s] || m.insideFile(s) {
		s = strings.ReplaceAll(s, "/", "∕") // U+2215 looks the same and divides nothing
	}
	for first, try := s, 2; m.files[s] || m.folders[s]; try++ {
		s = numbered(first, try)
	}
	m.files[s] = true
	for i := range len(s) {
		if s[i] == '/' {
			m.folders[s[:i]] = true
		}
	}
	return s
}

// numbered is "report (2).pdf" for "report.pdf".
func numbered(name string, n int) string {
	ext := path.Ext(name)
	if strings.Contains(ext, " ") {
		ext = "" // "Mr. Smith" has none
	}
	return fmt.Sprintf("%s (%d)%s", strings.TrimSuffix(name, ext), n, ext)
}

func (m *Namer) insideFile(s string) bool {
	for i := range len(s) {
		if s[i] == '/' && m.files[s[:i]] {
			return true
		}
	}
	return false
}

// clean makes a name of what was found: valid text on one line, of bounded length.
// It is never used as a path of a file system, so "../" is only text.
func clean(s string) string {
	s = strings.Trim(printable(s), " /")
	if len(s) > maxName {
		s = strings.ToValidUTF8(s[:maxName], "")
	}
	return s
}

// printable puts a mark in the place of what would break a line or is no text.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return '\ufffd'
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// base is a name without its folders, of this system or of Windows.
func base(s string) string {
	return strings.TrimSpace(s[strings.LastIndexAny(s, `/\`)+1:])
}

// title is a text as a title: on one line, not long, or "".
func title(s string) string {
	const most = 400
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
