// Package mail reads e-mail as it is found: RFC 5322 and MIME as the standards
// have them, and as thirty years of programs have written them. It returns what
// can be read and says what cannot. Every input ends in time linear in its size:
// nesting, parts, headers and text are bounded.
//
// The text of a message is its own: attachments, inline images and messages that
// it carries are parts, each a file of its own. The alternatives of a
// multipart/alternative are one text in several dresses, and not parts.
package mail

import (
	"io"
	"strings"
	"time"

	"daylight/corpus"
	"daylight/internal/htmltext"
)

// Limits bound one message. The zero value of a field means the default.
type Limits struct {
	Text  int64 // bytes of text, transfer-encoded, that are read: 64 MiB
	Parts int   // parts that are handed out: 1 << 20
	Depth int   // multiparts inside each other; a deeper one is handed out as a part: 32
}

func (l Limits) orDefault() Limits {
	if l.Text <= 0 {
		l.Text = 64 << 20
	}
	if l.Parts <= 0 {
		l.Parts = 1 << 20
	}
	if l.Depth <= 0 {
		l.Depth = 32
	}
	return l
}

// maxHeader bounds the header of a message or part, maxFields the fields in it.
const (
	maxHeader = 1 << 20
	maxFields = 10_000
)

// Mail is one message without its parts.
type Mail struct {
	corpus.Message
	Date   time.Time     // UTC; zero when the message does not say
	Header []corpus.Fact // every field in the order found, decoded, unfolded
	Text   string        // UTF-8, lines end in \n
	Parts  int           // how many were found
	Error  string        // what could not be read, for people; "" when all could

	bodies []body
}

// Part is a file inside a message.
type Part struct {
	Name      string // as found, decoded; text for people, never a path
	Type      string // media type in lower case, "" when not declared
	ContentID string // without angle brackets
	Inline    bool   // shown in the text, as an image is
	Error     string // what is known to be wrong before reading

	// Body gives the decoded bytes. Damage that shows while reading comes as the
	// error at the end, after what could be read.
	Body io.Reader
}

// Read reads one message of size bytes and calls part for each of its parts in
// the order found. What the callback leaves unread of Body is skipped. The error
// is the callback's or that of r; what is wrong with the message is in Mail.Error.
//
// A leading From_ line, as single messages cut from a mailbox have it, is
// reported as the field "From_".
func Read(r io.ReaderAt, size int64, l Limits, part func(Part) error) (*Mail, error) {
	w := &walker{win: window{src: r, size: size}, src: r, limits: l.orDefault(), part: part}
	err := w.message()
	w.mail.Error = w.problems.String()
	return &w.mail, err
}

// HTML is the HTML of the message's body in UTF-8, as found and as dangerous; ""
// when the message has none. It has to be called while r of Read can be read.
func (m *Mail) HTML() string {
	for _, b := range m.bodies {
		if b.html {
			page, _ := b.decode()
			return page
		}
	}
	return ""
}

// textOf is the text of the bodies that make up a message, one after the other.
func (w *walker) textOf(bodies []body) string {
	var out strings.Builder
	for _, b := range bodies {
		text := b.text
		if b.html {
			page, problem := b.decode()
			w.problems.add(problem)
			text = htmltext.Text([]byte(page))
		}
		if text = tidy(text); text == "" {
			continue
		}
		if out.Len() > 0 {
			out.WriteString("\n\n")
		}
		out.WriteString(text)
	}
	return out.String()
}
