package mail

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// walker reads the structure of one message in a single pass. Boundaries of all
// the multiparts that are open are known at any line, so a line is looked at once
// however deep and however unfinished the nesting is.
type walker struct {
	win      window
	src      io.ReaderAt
	limits   Limits
	part     func(Part) error
	bounds   []string // open multiparts, the outermost first, each "--" and its boundary
	closed   bool     // the boundary line read last was a closing one
	raw      string   // charset of bytes in headers that are not encoded
	text     int64    // bytes of text read so far
	again    int      // how often a multipart was read again with another boundary
	unread   []body   // alternatives that were not chosen
	mail     Mail
	problems problems
}

// problems is what could not be read, each said once, in the order found.
type problems struct{ list []string }

func (p *problems) add(what string) {
	if what != "" && len(p.list) < 16 && !slices.Contains(p.list, what) {
		p.list = append(p.list, what)
	}
}

func (p *problems) String() string { return strings.Join(p.list, "; ") }

// message reads the outermost entity.
func (w *walker) message() error {
	h := w.readHeader(true)
	_, p := params(h.get("content-type"), "")
	w.raw = headerCharset(h, p["charset"])
	w.describe(h)
	bodies, _, err := w.entity(h, "text/plain", 0)
	if err != nil {
		return err
	}
	if w.win.err != nil && !errors.Is(w.win.err, io.EOF) && !errors.Is(w.win.err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("read message: %w", w.win.err)
	}
	w.mail.bodies = append(bodies, w.unread...)
	w.mail.Text = w.textOf(bodies)
	return nil
}

// boundary returns the index in bounds of the multipart that a line divides or
// closes, or -1. The innermost wins, for some programs use one boundary twice.
func (w *walker) boundary(line []byte) int {
	if len(w.bounds) == 0 || len(line) < 3 || line[0] != '-' || line[1] != '-' {
		return -1
	}
	line = bytes.TrimRight(line, " \t\r\n")
	for i := len(w.bounds) - 1; i >= 0; i-- {
		b := w.bounds[i]
		if !bytes.HasPrefix(line, []byte(b)) {
			continue
		}
		if len(line) == len(b) {
			w.closed = false
			return i
		}
		if len(line) == len(b)+2 && string(line[len(b):]) == "--" {
			w.closed = true
			return i
		}
	}
	return -1
}

// skip reads on to the next boundary line and takes it. It returns the offset at
// which what stands before ends, and the index of the multipart, or -1 at the end
// of the file. RFC 2046, 5.1.1: the line end before a boundary belongs to it.
func (w *walker) skip() (end int64, level int) {
	if len(w.bounds) == 0 {
		return w.win.size, -1
	}
	eol := int64(0)
	for start := true; ; {
		at := w.win.offset()
		line, ok := w.win.line()
		if !ok {
			return at, -1
		}
		if start {
			if i := w.boundary(line); i >= 0 {
				return at - eol, i
			}
		}
		start = line[len(line)-1] == '\n'
		eol = int64(len(line) - len(trimEOL(line)))
	}
}

// entity reads what comes after a header: a multipart, or a leaf. It returns the
// bodies that make up its text and the level of the boundary at which it ended.
func (w *walker) entity(h header, kind string, depth int) ([]body, int, error) {
	meta := w.meta(h, kind)
	if !strings.HasPrefix(meta.kind, "multipart/") {
		return w.leaf(meta, depth)
	}
	if depth >= w.limits.Depth {
		meta.problem = "multiparts are nested too deep; this one is kept as it stands"
		meta.forced = true
		return w.leaf(meta, depth)
	}
	return w.multipart(meta, depth)
}

func (w *walker) multipart(meta meta, depth int) ([]body, int, error) {
	start, me := w.win.offset(), len(w.bounds)
	bound := meta.params["boundary"]
	if bound == "" {
		bound = w.firstBoundary()
	}
	if bound == "" {
		meta.kind = "text/plain"
		w.problems.add("a multipart without a boundary is read as text")
		return w.leaf(meta, depth)
	}
	w.bounds = append(w.bounds, "--"+strings.TrimRight(bound, " \t"))
	defer func() { w.bounds = w.bounds[:me] }()
	if meta.kind == "multipart/encrypted" {
		w.problems.add(encrypted)
	}
	child := "text/plain"
	if meta.kind == "multipart/digest" {
		child = "message/rfc822" // RFC 2046, 5.1.5
	}
	end, level := w.skip() // the preamble
	if level != me && w.again < 8 {
		// QUIRK: programs that declare one boundary and write another. Going back is
		// rationed, so that the time stays linear.
		w.again++
		w.win.seek(start)
		if other := w.firstBoundary(); other != "" {
			w.problems.add("a multipart is divided by another boundary than it says")
			w.bounds[me] = "--" + other
		}
		end, level = w.skip()
	}
	if level != me {
		// No part at all: the boundary was altered on the way, or all was cut.
		w.problems.add("no part of a multipart was found; it is read as text")
		meta.kind = "text/plain"
		w.bounds = w.bounds[:me]
		bodies, err := w.leafAt(meta, start, end, depth)
		return bodies, level, err
	}
	var children [][]body
	for level == me && !w.closed {
		var bodies []body
		var err error
		bodies, level, err = w.entity(w.readHeader(false), child, depth+1)
		if err != nil {
			return nil, -1, err
		}
		if len(bodies) > 0 {
			children = append(children, bodies)
		}
	}
	if level == me { // closed: the epilogue is nobody's text
		w.bounds = w.bounds[:me]
		_, level = w.skip()
	} else {
		w.problems.add("a multipart is not closed; its end may be cut")
	}
	if meta.kind == "multipart/alternative" {
		return w.choose(children), level, nil
	}
	return slices.Concat(children...), level, nil
}

// firstBoundary finds a boundary that the header does not give: the first line that
// looks like one and has a field of MIME after it. It looks at the next 4 KiB.
func (w *walker) firstBoundary() string {
	w.win.peek()
	rest := w.win.buf[w.win.pos:]
	for rest = rest[:min(len(rest), 4<<10)]; len(rest) > 0; {
		line, after, _ := bytes.Cut(rest, []byte{'\n'})
		line = bytes.TrimRight(line, " \t\r")
		if len(line) > 4 && len(line) <= 72 && bytes.HasPrefix(line, []byte("--")) && len(after) > 8 && bytes.EqualFold(after[:8], []byte("content-")) {
			return string(line[2:])
		}
		rest = after
	}
	return ""
}

// leaf reads an entity without parts of its own.
func (w *walker) leaf(m meta, depth int) ([]body, int, error) {
	start := w.win.offset()
	end, level := w.skip()
	if level < 0 && len(w.bounds) > 0 && m.problem == "" {
		m.problem = "the message ends inside of this part; its end may be cut"
	}
	bodies, err := w.leafAt(m, start, max(start, end), depth)
	return bodies, level, err
}

func (w *walker) leafAt(m meta, start, end int64, depth int) (bodies []body, err error) {
	if m.isText(w.mail.Parts == 0 && len(w.bounds) == 0) {
		return w.textLeaf(m, start, end)
	}
	if m.opaque() {
		if bodies, err = w.unwrap(m, start, end, depth); err != nil {
			return nil, err
		}
	}
	raw := io.NewSectionReader(w.src, start, end-start)
	return bodies, w.hand(Part{
		Name: m.name, Type: m.typeOfPart(), ContentID: m.id, Error: m.problem,
		Inline: m.inline || !m.attached && m.id != "",
		Body:   decoder(raw, m.encoding),
	})
}

// hand gives one part to the caller.
func (w *walker) hand(p Part) error {
	w.mail.Parts++
	if w.mail.Parts > w.limits.Parts {
		w.problems.add(fmt.Sprintf("more than %d parts; the rest is left out", w.limits.Parts))
		return nil
	}
	if w.part == nil {
		return nil
	}
	return w.part(p)
}
