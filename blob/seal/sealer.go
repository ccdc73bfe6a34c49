package seal

import (
	"crypto/cipher"
	"hash"
	"io"

	"daylight/blob"
)

// sealer turns plain bytes into sealed ones as they are read. It is one chunk
// ahead, because the last one is sealed in another way.
type sealer struct {
	src        io.Reader
	aead       cipher.AEAD
	sum        hash.Hash
	this, next []byte // plain chunks
	begun      bool   // this has been read
	ended      bool   // the last chunk is in out
	number     int64
	out        []byte // sealed bytes that nobody has taken yet
	taken      int
	err        error

	ref  blob.Ref // of the plain bytes, once they are all read
	size int64
}

func (e *sealer) Read(b []byte) (int, error) {
	for e.taken == len(e.out) {
		if e.err != nil {
			return 0, e.err
		}
		if e.ended {
			return 0, io.EOF
		}
		e.out, e.taken = e.out[:0], 0
		e.err = e.advance()
	}
	n := copy(b, e.out[e.taken:])
	e.taken += n
	return n, nil
}

// advance seals the next chunk.
func (e *sealer) advance() (err error) {
	if !e.begun {
		e.begun = true
		if e.this, err = e.fill(e.this[:0]); err != nil {
			return err
		}
	}
	e.next = e.next[:0]
	if len(e.this) == chunkSize {
		if e.next, err = e.fill(e.next); err != nil {
			return err
		}
	}
	if len(e.next) > 0 {
		e.out = e.aead.Seal(e.out, nonce(e.number, false), e.this, nil)
		e.this, e.next = e.next, e.this
		e.number++
		return nil
	}
	e.sum.Sum(e.ref[:0])
	e.out = e.aead.Seal(e.out, nonce(e.number, true), e.this, e.ref[:])
	e.ended = true
	return nil
}

// fill reads a chunk; less than a whole one means the end.
func (e *sealer) fill(b []byte) ([]byte, error) {
	for len(b) < chunkSize {
		n, err := e.src.Read(b[len(b):chunkSize])
		e.sum.Write(b[len(b) : len(b)+n])
		b = b[:len(b)+n]
		e.size += int64(n)
		if err == io.EOF {
			break
		}
		if err != nil {
			return b, err
		}
	}
	return b, nil
}
