package mail

import (
	"bytes"
	"strings"

	"daylight/internal/charset"
)

// field is one header field as found: the value still folded and encoded.
type field struct {
	name  string
	key   string // the name in lower case
	value []byte
}

// header is the fields of a message or part in the order found.
type header []field

// get returns the value of the first field with a key, or nil.
func (h header) get(key string) []byte {
	for i := range h {
		if h[i].key == key {
			return h[i].value
		}
	}
	return nil
}

// readHeader reads fields up to the empty line. Where the empty line is missing,
// the first line that can be neither a field nor a continuation begins the body.
func (w *walker) readHeader(root bool) header {
	var h header
	used, last := 0, -1
	if line, _ := w.win.peek(); root && bytes.HasPrefix(line, []byte("\xef\xbb\xbf")) {
		w.win.pos += 3 // QUIRK: a byte order mark, from programs that took the message for a text
	}
	for first := true; ; first = false {
		line, ok := w.win.peek()
		if !ok {
			return h
		}
		if isBlank(line) {
			// QUIRK: programs that pass mail on put empty lines before it.
			if root && len(h) == 0 && used < 1024 {
				w.win.pos += len(line)
				used += len(line)
				continue
			}
			// RFC 5322, 4.2: a line of spaces may be a fold; it is, where another comes before.
			if last < 0 || len(trimEOL(line)) == 0 {
				w.win.pos += len(line)
				return h
			}
		}
		if w.boundary(line) >= 0 {
			return h // a part that ends inside its header
		}
		switch name, ok := fieldName(line); {
		case last >= 0 && (line[0] == ' ' || line[0] == '\t'):
			if used < maxHeader {
				h[last].value = append(h[last].value, line...)
			}
		case ok:
			if len(h) == maxFields || used >= maxHeader {
				w.problems.add("the header is too long; the rest of it is left out")
				break
			}
			h = append(h, field{name, lower(name), bytes.Clone(line[len(name)+1+padding(line[len(name):]):])})
			last = len(h) - 1
		case root && len(h) == 0 && bytes.HasPrefix(line, []byte("From ")):
			// QUIRK: the separator of the mailbox that the message was cut from.
			h = append(h, field{"From_", "from_", bytes.Clone(line[len("From "):])})
		case bytes.HasPrefix(line, []byte(">From ")):
			// QUIRK: a From_ line that a mailbox in between has quoted.
			h = append(h, field{"From_", "from_", bytes.Clone(line[len(">From "):])})
		default:
			if !first || root {
				w.problems.add("the header does not end in an empty line")
			}
			return h
		}
		used += len(line)
		w.win.pos += len(line)
	}
}

// keys are the commonest names as programs write them, so that most need no
// allocation to be put in lower case.
var keys = func() map[string]string {
	m := map[string]string{}
	for _, name := range []string{
		"Received", "Return-Path", "Delivered-To", "From", "To", "Cc", "Bcc", "Subject", "Date", "Message-ID", "Message-Id", "In-Reply-To",
		"References", "MIME-Version", "Mime-Version", "Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "Content-ID",
		"Reply-To", "Sender", "X-Mailer", "User-Agent", "List-Id", "List-Unsubscribe", "List-Post", "List-Help", "List-Archive",
		"List-Subscribe", "Precedence", "Errors-To", "DKIM-Signature", "Authentication-Results", "X-Priority", "Content-Language",
	} {
		m[name] = strings.ToLower(name)
	}
	return m
}()

func lower(name string) string {
	if key, ok := keys[name]; ok {
		return key
	}
	return strings.ToLower(name)
}

// fieldName returns the name of the field that a line begins, if it begins one.
// RFC 5322, 4.5.8: old mail may have white space before the colon.
func fieldName(line []byte) (string, bool) {
	i := 0
	for i < len(line) && line[i] > ' ' && line[i] < 0x7f && line[i] != ':' {
		i++
	}
	if i == 0 || i > 256 || i+padding(line[i:]) >= len(line) || line[i+padding(line[i:])] != ':' {
		return "", false
	}
	return string(line[:i]), true
}

// padding counts the spaces and tabs that b begins with.
func padding(b []byte) int {
	n := 0
	for n < len(b) && (b[n] == ' ' || b[n] == '\t') {
		n++
	}
	return n
}

func trimEOL(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r"))
}

func isBlank(line []byte) bool { return len(bytes.TrimSpace(line)) == 0 }

// unfold joins the lines of a value. RFC 5322, 2.2.3: the line end goes, the white
// space after it stays.
func unfold(value []byte) []byte {
	value = bytes.TrimSpace(value)
	if bytes.IndexByte(value, '\n') < 0 && bytes.IndexByte(value, '\r') < 0 {
		return value
	}
	out := make([]byte, 0, len(value))
	for _, c := range value {
		switch c {
		case '\r', '\n':
		case '\t':
			out = append(out, ' ')
		default:
			out = append(out, c)
		}
	}
	return out
}

// headerCharset says how to read bytes above ASCII that stand in a header without
// an encoding: all of them together are judged once, with the charset of the body
// as a hint, because the few in one field are too few to judge.
func headerCharset(h header, body string) string {
	var raw []byte
	for _, f := range h {
		for _, c := range f.value {
			if c >= 0x80 {
				raw = append(append(raw, f.value...), '\n')
				break
			}
		}
	}
	if raw == nil {
		return body
	}
	_, used := charset.Decode(raw, body)
	return used
}
