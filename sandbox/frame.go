package sandbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Messages between pool and child are frames: kind (1 byte), length (4 bytes,
// little endian), that many bytes.
//
//	pool → child   setup     JSON of setup, once
//	child → pool   ready     JSON of Report, once
//	pool → child   request   JSON of request, NUL, the first bytes of the body
//	child → pool   message   kind of the handler (1 byte), data; any number
//	child → pool   read      offset, length (8 bytes each): a piece of the body
//	pool → child   piece     0 and the bytes, or 1 when they cannot be read
//	child → pool   done      empty, or a reason (1 byte) why there was no good end
//
// A child writes and then waits, or waits; the pool writes only when a child
// waits. So neither can block the other.
const (
	frameSetup byte = iota + 1
	frameReady
	frameRequest
	frameMessage
	frameRead
	framePiece
	frameDone
)

// MaxMessage is the most that one message may hold.
const MaxMessage = 1 << 20

const (
	headerSize = 5
	maxFrame   = MaxMessage + 1<<16
	pieceSize  = 256 << 10 // of the body, as it is fetched
	inlineSize = 64 << 10  // of the body, sent with the request
)

var errGarbled = errors.New("sandbox: no such frame")

func writeFrame(w io.Writer, kind byte, parts ...[]byte) error {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	if n > maxFrame {
		return fmt.Errorf("sandbox: frame of %d bytes", n)
	}
	var h [headerSize]byte
	h[0] = kind
	binary.LittleEndian.PutUint32(h[1:], uint32(n))
	if _, err := w.Write(h[:]); err != nil {
		return err
	}
	for _, p := range parts {
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	return nil
}

// readFrame reads into buf, which it grows as bytes arrive and gives back.
func readFrame(r io.Reader, buf []byte) (kind byte, data []byte, err error) {
	var h [headerSize]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return 0, buf, err
	}
	n := int(binary.LittleEndian.Uint32(h[1:]))
	if n > maxFrame {
		return 0, buf, errGarbled
	}
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	_, err = io.ReadFull(r, buf[:n])
	return h[0], buf[:n], err
}
