package mail

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
)

// base64Value is the value of a character of the base64 alphabet; 0xff for others.
var base64Value = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" {
		t[c] = byte(i)
	}
	return t
}()

// decoder takes a transfer encoding (RFC 2045, 6) off r. An encoding that it does
// not know is none: "8-bit", "binary", misspellings.
func decoder(r *io.SectionReader, encoding string) io.Reader {
	lines := func() pieces {
		return pieces{src: bufio.NewReaderSize(r, int(min(r.Size(), 16<<10)))} // most parts are small
	}
	switch encoding {
	case "base64":
		return &base64Reader{pieces: lines()}
	case "quoted-printable":
		return &qpReader{pieces: lines()}
	case "x-uuencode", "x-uue", "uuencode", "uue", "x-uu":
		return &uuReader{pieces: lines()}
	}
	return r
}

// pieces turns a decoder of pieces into a Reader. A piece is a line, or as much
// of it as the buffer holds.
type pieces struct {
	src *bufio.Reader
	out []byte // decoded and not yet read
	err error
}

func (p *pieces) read(b []byte, next func(piece []byte, last bool)) (int, error) {
	for len(p.out) == 0 && p.err == nil {
		piece, err := p.src.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			p.err = err
		}
		p.out = p.out[:0]
		next(piece, p.err != nil)
	}
	if len(p.out) > 0 {
		n := copy(b, p.out)
		p.out = p.out[n:]
		return n, nil
	}
	return 0, p.err
}

// base64Reader reads base64 and whatever happened to it: characters of no
// alphabet are left out, a part that was padded in the middle goes on.
type base64Reader struct {
	pieces
	room  []byte
	carry [4]byte // characters of a quantum that is not complete
	held  int
	ended bool // padding was seen
	text  bool // plain text after the end is kept: it belongs to a text
	after bool // that text has begun
	bad   int
}

func (r *base64Reader) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	return r.read(b, r.next)
}

func (r *base64Reader) next(piece []byte, last bool) {
	line := bytes.TrimRight(piece, "\r\n \t")
	r.room = r.room[:0]
	if r.held == 0 && len(line)%4 == 0 && !r.ended && !r.after {
		if cap(r.room) < len(line) {
			r.room = make([]byte, 0, max(1<<10, len(line)))
		}
		n, err := base64.StdEncoding.Decode(r.room[:cap(r.room)], line)
		if err == nil {
			r.room = r.room[:n]
			r.ended = len(line) > 0 && line[len(line)-1] == '='
			r.give(last)
			return
		}
		r.room = r.room[:0]
	}
	// QUIRK: list servers put their footer, as plain text, under a base64 body.
	if r.after || r.ended && foreign(line) {
		if r.text {
			if !r.after {
				r.room = append(r.room, '\n')
			}
			r.after = true
			r.room = append(r.room, piece...)
		} else {
			r.bad += len(line)
		}
		r.give(last)
		return
	}
	for _, c := range line {
		switch v := base64Value[c]; {
		case v < 64:
			r.carry[r.held] = v
			if r.held++; r.held == 4 {
				r.flush()
			}
		case c == '=':
			r.flush()
			r.ended = true
		case c != ' ' && c != '\t' && c != '\r' && c != '\n':
			r.bad++
		}
	}
	r.give(last)
}

// foreign reports whether a line has a character that base64 has not.
func foreign(line []byte) bool {
	for _, c := range line {
		if base64Value[c] == 0xff && c != '=' {
			return true
		}
	}
	return false
}

func (r *base64Reader) flush() {
	c := r.carry
	switch r.held {
	case 4:
		r.room = append(r.room, c[0]<<2|c[1]>>4, c[1]<<4|c[2]>>2, c[2]<<6|c[3])
	case 3:
		r.room = append(r.room, c[0]<<2|c[1]>>4, c[1]<<4|c[2]>>2)
	case 2:
		r.room = append(r.room, c[0]<<2|c[1]>>4)
	}
	r.held = 0
}

func (r *base64Reader) give(last bool) {
	if last && errors.Is(r.err, io.EOF) {
		cut := r.held == 1
		r.flush()
		switch {
		case r.bad > 0:
			r.err = fmt.Errorf("base64: characters that are not of its alphabet are left out: %d", r.bad)
		case cut:
			r.err = errors.New("base64: the end is cut")
		}
	}
	r.out = r.room
}

// qpReader reads quoted-printable; an escape that is none stays as it stands.
type qpReader struct {
	pieces
	room []byte
	held []byte // the beginning of an escape that the next piece completes
}

func (r *qpReader) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	return r.read(b, r.next)
}

func (r *qpReader) next(piece []byte, last bool) {
	if len(r.held) > 0 {
		piece = append(r.held, piece...)
		r.held = nil
	}
	if i := len(piece) - 2; !last && i >= 0 && piece[len(piece)-1] != '\n' {
		if eq := bytes.LastIndexByte(piece[i:], '='); eq >= 0 {
			r.held = bytes.Clone(piece[i+eq:])
			piece = piece[:i+eq]
		}
	}
	r.room = appendQP(r.room[:0], piece)
	r.out = r.room
}

// appendQP decodes one line, or a piece of one that ends between characters.
// RFC 2045, 6.7: white space before the line end was put there on the way.
func appendQP(out, line []byte) []byte {
	text := bytes.TrimRight(line, "\r\n")
	eol := line[len(text):]
	if len(eol) > 0 {
		text = bytes.TrimRight(text, " \t")
		if n := len(text); n > 0 && text[n-1] == '=' {
			text, eol = text[:n-1], nil
		}
	} else if n := len(text); n > 0 && text[n-1] == '=' {
		text = text[:n-1]
	}
	for {
		i := bytes.IndexByte(text, '=')
		if i < 0 {
			break
		}
		out = append(out, text[:i]...)
		if i+2 < len(text) && hex(text[i+1]) >= 0 && hex(text[i+2]) >= 0 {
			out = append(out, byte(hex(text[i+1])<<4|hex(text[i+2])))
			text = text[i+3:]
			continue
		}
		out = append(out, '=')
		text = text[i+1:]
	}
	return append(append(out, text...), eol...)
}
