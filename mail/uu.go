package mail

import (
	"bytes"
	"errors"
	"io"
)

// takeFiles hands out the files that stand uuencoded in a text, as programs did
// before MIME, and returns the text without them.
func (w *walker) takeFiles(text []byte) ([]byte, error) {
	if !bytes.Contains(text, []byte("begin ")) {
		return text, nil
	}
	var kept []byte
	found := false
	for rest := text; len(rest) > 0; {
		line := nextLine(rest)
		name, ok := uuBegin(line)
		if !ok || !uuLine(nextLine(rest[len(line):])) {
			kept = append(kept, line...)
			rest = rest[len(line):]
			continue
		}
		found = true
		file, problem, n := uuDecode(rest[len(line):])
		rest = rest[len(line)+n:]
		if err := w.hand(Part{Name: oneLine(decodeWords(name, w.raw)), Error: problem, Body: bytes.NewReader(file)}); err != nil {
			return nil, err
		}
	}
	if !found {
		return text, nil
	}
	return kept, nil
}

func nextLine(b []byte) []byte {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[:i+1]
	}
	return b
}

// uuBegin reads "begin 644 name": three or four octal digits and the rest.
func uuBegin(line []byte) (name []byte, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte("begin "))
	if !ok {
		return nil, false
	}
	n := 0
	for n < len(rest) && rest[n] >= '0' && rest[n] <= '7' {
		n++
	}
	if n < 3 || n > 4 || len(rest) <= n || rest[n] != ' ' {
		return nil, false
	}
	name = bytes.TrimSpace(rest[n:])
	return name, len(name) > 0
}

// uuLine reports whether a line holds what its first character promises. Some
// programs drop the spaces at its end, some add a character.
func uuLine(line []byte) bool {
	line = trimEOL(line)
	if len(line) == 0 || line[0] < ' ' || line[0] > '`' {
		return false
	}
	want := (int(line[0]-' ')&63 + 2) / 3 * 4
	if len(line)-1 > want+2 || want > 0 && len(line) < want/2 {
		return false
	}
	for _, c := range line {
		if c < ' ' || c > '`' {
			return false
		}
	}
	return true
}

// uuDecode reads up to and with the line "end", and says how much it took.
func uuDecode(b []byte) (file []byte, problem string, n int) {
	for n < len(b) {
		line := nextLine(b[n:])
		if string(bytes.TrimSpace(line)) == "end" {
			return file, "", n + len(line)
		}
		if !uuLine(line) {
			return file, "uuencode: the end is missing", n
		}
		file = appendUU(file, trimEOL(line))
		n += len(line)
	}
	return file, "uuencode: the end is missing", n
}

func appendUU(out, line []byte) []byte {
	want := int(line[0]-' ') & 63
	line = line[1:]
	at := func(i int) byte {
		if i < len(line) {
			return (line[i] - ' ') & 63
		}
		return 0
	}
	for i := 0; want > 0; i += 4 {
		three := [3]byte{at(i)<<2 | at(i+1)>>4, at(i+1)<<4 | at(i+2)>>2, at(i+2)<<6 | at(i+3)}
		out = append(out, three[:min(3, want)]...)
		want -= 3
	}
	return out
}

// uuReader reads a whole part whose transfer encoding is uuencode.
type uuReader struct {
	pieces
	room        []byte
	begun, done bool
}

func (r *uuReader) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	return r.read(b, r.next)
}

func (r *uuReader) next(line []byte, last bool) {
	r.room = r.room[:0]
	_, begins := uuBegin(line)
	switch {
	case begins:
		r.begun = true
	case string(bytes.TrimSpace(line)) == "end":
		r.done = true
	case r.begun && !r.done && uuLine(line):
		r.room = appendUU(r.room, trimEOL(line))
	}
	r.out = r.room
	if last && errors.Is(r.err, io.EOF) && !r.done {
		r.err = errors.New("uuencode: the end is missing")
	}
}
