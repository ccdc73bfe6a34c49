package release

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"daylight/fault"
	"daylight/publog"
)

// frames reads a release from its start, frame by frame. It never holds a payload.
type frames struct {
	src io.ReaderAt
	r   *bufio.Reader
	off int64 // where in the file r stands
	end int64
}

// frame is one of them: an entry, a removed entry's leaf, or the end.
type frame struct {
	kind    byte
	rec     Record // of an entry; the body only when asked for
	body    [sha256.Size]byte
	payload int64 // where in the file the payload's bytes begin
	leaf    publog.Leaf
	notes   [2][]byte // checkpoint and statement
}

const buffer = 256 << 10

func newFrames(src io.ReaderAt, size, off int64) *frames {
	f := &frames{src: src, off: off, end: size}
	f.r = bufio.NewReaderSize(io.NewSectionReader(src, off, size-off), buffer)
	return f
}

func (f *frames) read(n int) ([]byte, error) {
	if int64(n) > f.end-f.off {
		return nil, io.ErrUnexpectedEOF
	}
	b := make([]byte, n)
	_, err := io.ReadFull(f.r, b)
	f.off += int64(n)
	return b, err
}

func (f *frames) name() (string, error) {
	n, err := f.read(2)
	if err != nil {
		return "", err
	}
	size := int(binary.BigEndian.Uint16(n))
	if size > maxName {
		return "", fmt.Errorf("name of %d bytes: %w", size, fault.Damaged)
	}
	b, err := f.read(size)
	return string(b), err
}

func (f *frames) note() ([]byte, error) {
	n, err := f.read(4)
	if err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(n)
	if size > maxLine {
		return nil, fmt.Errorf("note of %d bytes: %w", size, fault.Damaged)
	}
	return f.read(int(size))
}

// hash feeds the next n bytes to h.
func (f *frames) hash(h hash.Hash, n int64) error {
	got, err := io.CopyN(h, f.r, n)
	f.off += got
	return err
}

// skip goes forward without reading what the buffer does not hold already.
func (f *frames) skip(n int64) error {
	f.off += n
	if n <= int64(f.r.Buffered()) {
		_, err := f.r.Discard(int(n))
		return err
	}
	f.r.Reset(io.NewSectionReader(f.src, f.off, f.end-f.off))
	return nil
}

// next reads a frame. With check it verifies the payload's bytes against the hash
// that follows them; without, it keeps the body. An error tells the offset.
func (f *frames) next(check bool) (*frame, error) {
	start := f.off
	fr, err := f.frame(check)
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("the file is cut off: %w", fault.Damaged)
		}
		return nil, fmt.Errorf("at byte %d: %w", start, err)
	}
	return fr, nil
}

func (f *frames) frame(check bool) (*frame, error) {
	kind, err := f.read(1)
	if err != nil {
		return nil, err
	}
	fr := &frame{kind: kind[0]}
	switch fr.kind {
	case frameEntry:
		return fr, f.entry(fr, check)
	case frameRemoved:
		b, err := f.read(len(fr.leaf))
		copy(fr.leaf[:], b)
		return fr, err
	case frameEnd:
		for i := range fr.notes {
			if fr.notes[i], err = f.note(); err != nil {
				return nil, err
			}
		}
		if f.off != f.end {
			return nil, fmt.Errorf("bytes after the signatures: %w", fault.Damaged)
		}
		return fr, nil
	}
	return nil, fmt.Errorf("frame of unknown kind %#x: %w", fr.kind, fault.Damaged)
}

func (f *frames) entry(fr *frame, check bool) error {
	kind, err := f.name()
	if err != nil {
		return err
	}
	fr.rec.Kind = Kind(kind)
	if fr.rec.ID, err = f.name(); err != nil {
		return err
	}
	head, err := f.read(len(fr.rec.Salt) + 4)
	if err != nil {
		return err
	}
	copy(fr.rec.Salt[:], head)
	if err := f.body(fr, binary.BigEndian.Uint32(head[len(fr.rec.Salt):]), check); err != nil {
		return err
	}
	has, err := f.read(1)
	if err != nil {
		return err
	}
	switch has[0] {
	case 0:
	case 1:
		err = f.payload(fr, check)
	default:
		err = fmt.Errorf("payload mark %#x: %w", has[0], fault.Damaged)
	}
	fr.leaf = commit(fr.rec.Kind, fr.rec.ID, fr.rec.Salt, fr.body, fr.rec.Payload)
	return err
}

func (f *frames) body(fr *frame, size uint32, check bool) error {
	if size > maxBody {
		return fmt.Errorf("body of %d bytes: %w", size, fault.Damaged)
	}
	if check {
		h := sha256.New()
		err := f.hash(h, int64(size))
		h.Sum(fr.body[:0])
		return err
	}
	body, err := f.read(int(size))
	fr.rec.Body, fr.body = body, sha256.Sum256(body)
	return err
}

func (f *frames) payload(fr *frame, check bool) error {
	n, err := f.read(8)
	if err != nil {
		return err
	}
	size := binary.BigEndian.Uint64(n)
	if size > uint64(f.end-f.off) {
		return io.ErrUnexpectedEOF
	}
	fr.payload = f.off
	h := sha256.New()
	if check {
		err = f.hash(h, int64(size))
	} else {
		err = f.skip(int64(size))
	}
	if err != nil {
		return err
	}
	want, err := f.read(sha256.Size)
	if err != nil {
		return err
	}
	fr.rec.Payload = &Payload{Size: int64(size), SHA256: [32]byte(want)}
	if check && [32]byte(h.Sum(nil)) != fr.rec.Payload.SHA256 {
		return fmt.Errorf("%s %s: its bytes do not have their hash: %w", fr.rec.Kind, fr.rec.ID, fault.Damaged)
	}
	return nil
}
