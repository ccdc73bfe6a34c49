package mail

import (
	"bytes"
	"io"
)

// windowSize is how much of a message is in memory while its structure is read.
const windowSize = 128 << 10

// window reads lines of a file with their offsets.
type window struct {
	src  io.ReaderAt
	size int64
	buf  []byte
	base int64 // offset of buf[0] in src
	pos  int   // the next line begins at buf[pos]
	err  error // of src; the file seems to end there
}

func (w *window) offset() int64 { return w.base + int64(w.pos) }

// line returns the next line with its line end, or false at the end of the file.
// Of a line longer than the window it returns what fits. The bytes are good until
// the next call.
func (w *window) line() ([]byte, bool) {
	if i := bytes.IndexByte(w.buf[w.pos:], '\n'); i >= 0 {
		line := w.buf[w.pos : w.pos+i+1]
		w.pos += i + 1
		return line, true
	}
	w.fill()
	rest := w.buf[w.pos:]
	if len(rest) == 0 {
		return nil, false
	}
	if i := bytes.IndexByte(rest, '\n'); i >= 0 {
		rest = rest[:i+1]
	}
	w.pos += len(rest)
	return rest, true
}

// fill moves the window so that it begins at pos, and reads as much as there is.
func (w *window) fill() {
	at := w.offset()
	have := len(w.buf) - w.pos
	left := w.size - at - int64(have)
	if w.err != nil || left <= 0 && have > 0 || have == windowSize {
		return
	}
	if w.buf == nil {
		w.buf = make([]byte, min(int64(windowSize), max(left, 0)))
	} else {
		full := w.buf[:cap(w.buf)]
		copy(full, w.buf[w.pos:])
		w.buf = full
	}
	room := w.buf[have:]
	room = room[:min(int64(len(room)), max(left, 0))]
	n, err := w.src.ReadAt(room, at+int64(have))
	if n < len(room) {
		w.err = err
		if err == nil {
			w.err = io.ErrUnexpectedEOF
		}
	}
	w.buf, w.base, w.pos = w.buf[:have+n], at, 0
}

// seek goes to an offset.
func (w *window) seek(at int64) {
	if at >= w.base && at <= w.base+int64(len(w.buf)) {
		w.pos = int(at - w.base)
		return
	}
	w.base, w.pos, w.buf = at, 0, w.buf[:0]
}

// peek returns the line that comes next without taking it.
func (w *window) peek() ([]byte, bool) {
	line, ok := w.line()
	w.pos -= len(line)
	return line, ok
}
