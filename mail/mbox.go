package mail

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Envelope is where one message of a mailbox stands: its bytes are those from
// Start to End, without the From_ line before and the empty line after.
type Envelope struct {
	From       string // the From_ line without "From ", as found; "" where there is none
	Start, End int64
}

// Mbox finds the messages of a mailbox file and calls each for every one, in
// order. It reads mboxo, mboxrd, mboxcl and mboxcl2 without being told which.
//
// The bytes of a message are as found: ">From " stays as it stands, because the
// formats cannot be told apart and undoing what was not done would change an
// original. A From_ line counts when it has a date and a header follows it, so
// that prose which begins with "From" does not cut a message in two; before it
// an empty line is usual and not required. Without a date it has to be "From -" or
// one address, and come after an empty line. Content-Length is believed only where
// it leads to the next From_ line or the end of the file. What stands before the
// first From_ line is a message too, if it is more than empty lines.
func Mbox(r io.ReaderAt, size int64, each func(Envelope) error) error {
	m := mbox{win: window{src: r, size: size}, atLineStart: true}
	for {
		line, ok := m.win.line()
		at := m.win.offset() - int64(len(line))
		if !ok {
			break
		}
		if m.atLineStart && bytes.HasPrefix(line, []byte("From ")) && m.separates(&line) {
			from := strings.ToValidUTF8(string(bytes.TrimSpace(line[len("From "):])), "\uFFFD")
			if err := m.give(at, each); err != nil {
				return err
			}
			m.open(from, at+int64(len(line)))
			continue
		}
		m.take(line)
	}
	if err := m.win.err; err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("read mailbox: %w", err)
	}
	return m.give(m.win.offset(), each)
}

// IsFromLine reports whether a line separates messages of a mailbox: "From ", an
// address, a date with a time.
func IsFromLine(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("From "))
	if !ok || len(rest) > 512 {
		return false
	}
	colon := bytes.IndexByte(rest, ':')
	if colon < 1 || colon+1 >= len(rest) || !digit(rest[colon-1]) || !digit(rest[colon+1]) {
		return false
	}
	if _, after, ok := bytes.Cut(bytes.TrimLeft(rest, " "), []byte{' '}); ok {
		rest = after // the address, in which there may be anything
	}
	_, ok = ParseDate(string(bytes.TrimSpace(rest)))
	return ok
}

// bareFromLine recognises separators without a date: "From -" of Mozilla and
// "From ID@xxx" of takeouts. They count only after an empty line.
func bareFromLine(line []byte) bool {
	words := bytes.Fields(line)
	return len(words) == 2 && (string(words[1]) == "-" || bytes.IndexByte(words[1], '@') > 0)
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

type mbox struct {
	win         window
	from        string
	start       int64
	opened      bool
	atLineStart bool
	inHeader    bool
	length      int64 // Content-Length, or -1
	blank       int64 // bytes of the empty line that was just read
	content     bool  // something but empty lines was read
}

func (m *mbox) open(from string, start int64) {
	m.from, m.start, m.opened = from, start, true
	m.inHeader, m.length, m.blank, m.content = true, -1, 0, false
}

// give hands out the message that ends before the line at an offset.
func (m *mbox) give(at int64, each func(Envelope) error) error {
	if !m.opened && !m.content {
		return nil
	}
	return each(Envelope{From: m.from, Start: m.start, End: max(m.start, at-m.blank)})
}

// separates reports whether the line just read begins a message. The line is read
// again, because looking at the next one may move the window.
func (m *mbox) separates(line *[]byte) bool {
	dated := IsFromLine(*line)
	if !dated && (!bareFromLine(*line) || m.content && m.blank == 0) {
		return false
	}
	kept := bytes.Clone(*line)
	next, ok := m.win.peek()
	*line = kept
	if !ok {
		return m.blank > 0 || !m.opened
	}
	_, isField := fieldName(next)
	if !dated {
		return ok && isField
	}
	return isField || bytes.HasPrefix(next, []byte(">From ")) || len(trimEOL(next)) == 0 && m.blank > 0
}

// take looks at a line of the message that is open.
func (m *mbox) take(line []byte) {
	m.atLineStart = line[len(line)-1] == '\n'
	if len(trimEOL(line)) > 0 {
		m.blank, m.content = 0, true
		if !m.inHeader {
			return
		}
		if name, ok := fieldName(line); ok && strings.EqualFold(name, "content-length") {
			if n, err := strconv.ParseInt(string(bytes.TrimSpace(line[len(name)+1:])), 10, 64); err == nil {
				m.length = n
			}
		}
		return
	}
	m.blank = int64(len(line))
	if m.inHeader {
		m.inHeader = false
		m.jump()
	}
}

// jump skips a body whose Content-Length can be believed.
func (m *mbox) jump() {
	here := m.win.offset()
	if m.length <= 0 || m.length > m.win.size-here {
		return
	}
	to := here + m.length
	peek := make([]byte, 600)
	n, _ := m.win.src.ReadAt(peek, to)
	after := bytes.TrimLeft(peek[:n], "\r\n")
	line, _, _ := bytes.Cut(after, []byte{'\n'})
	if to+int64(n) >= m.win.size && len(after) == 0 || IsFromLine(line) && n > len(after) {
		m.win.seek(to)
		m.blank, m.content, m.atLineStart = 0, true, true
	}
}
