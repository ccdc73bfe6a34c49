package blob

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"

	"daylight/fault"
)

// NewReader makes a Reader of size bytes of src that checks them against their
// ref whenever they are read to their end from the start. closer may be nil.
func NewReader(src io.ReaderAt, size int64, ref Ref, closer io.Closer) Reader {
	return NewSumReader(src, size, sha256.New(), ref[:], closer)
}

// NewSumReader is NewReader with another sum.
func NewSumReader(src io.ReaderAt, size int64, sum hash.Hash, want []byte, closer io.Closer) Reader {
	return &reader{SectionReader: io.NewSectionReader(src, 0, size), sum: sum, want: want, closer: closer}
}

type reader struct {
	*io.SectionReader
	sum    hash.Hash
	want   []byte
	pos    int64 // where the next Read begins
	summed int64 // how much of the beginning is in sum
	closer io.Closer
}

func (r *reader) Read(b []byte) (int, error) {
	n, err := r.SectionReader.Read(b)
	if r.pos == r.summed {
		r.sum.Write(b[:n])
		r.summed += int64(n)
	}
	r.pos += int64(n)
	if err == io.EOF && r.pos < r.Size() {
		return n, fmt.Errorf("read blob: it ends after %d of %d bytes: %w", r.pos, r.Size(), fault.Damaged)
	}
	// The sum is asked for on the read that completes the bytes, so that somebody
	// who reads exactly Size bytes is told as well.
	if r.summed == r.Size() && r.pos == r.summed && !bytes.Equal(r.sum.Sum(nil), r.want) {
		return n, fmt.Errorf("read blob: its bytes are not what was written: %w", fault.Damaged)
	}
	return n, err
}

func (r *reader) Seek(offset int64, whence int) (int64, error) {
	pos, err := r.SectionReader.Seek(offset, whence)
	if err != nil {
		return pos, err
	}
	if r.pos = pos; pos == 0 {
		r.sum.Reset()
		r.summed = 0
	}
	return pos, nil
}

// WriteTo exists so that io.Copy does not find that of the SectionReader, which
// checks nothing.
func (r *reader) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{r})
}

func (r *reader) Close() error {
	if r.closer == nil {
		return nil
	}
	return r.closer.Close()
}
