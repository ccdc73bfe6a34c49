package seal

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"sync"

	"daylight/blob"
	"daylight/fault"
)

// Open opens a sealed blob. The last chunk is opened at once: it proves the length
// and that it is this blob.
func (s *store) Open(ctx context.Context, ref blob.Ref) (blob.Reader, error) {
	inner, err := s.inner.Open(ctx, s.name(ref))
	if err != nil {
		return nil, err
	}
	o, err := s.opener(inner, ref)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open sealed blob: %w", err), inner.Close())
	}
	return blob.NewReader(o, o.size, ref, inner), nil
}

func (s *store) opener(inner blob.Reader, ref blob.Ref) (*opener, error) {
	header := make([]byte, headerSize)
	if _, err := inner.ReadAt(header, 0); err != nil {
		return nil, fmt.Errorf("header: %w: %w", fault.Damaged, err)
	}
	body := inner.Size() - headerSize
	chunks := max(1, (body+chunkSize+overhead-1)/(chunkSize+overhead))
	o := &opener{inner: inner, ref: ref, chunks: chunks, size: body - chunks*overhead, have: -1}
	if header[0] != version || o.size < 0 || o.size <= (chunks-1)*chunkSize && chunks > 1 {
		return nil, fmt.Errorf("its length or its version is impossible: %w", fault.Damaged)
	}
	var err error
	if o.aead, err = s.aead(header[1:]); err != nil {
		return nil, err
	}
	_, err = o.chunk(chunks - 1)
	return o, err
}

// opener reads plain bytes at any place. It keeps the chunk that it opened last.
type opener struct {
	inner  blob.Reader
	aead   cipher.AEAD
	ref    blob.Ref
	chunks int64
	size   int64 // plain

	mu     sync.Mutex
	have   int64 // the number of the chunk in plain, -1 for none
	plain  []byte
	sealed []byte
}

func (o *opener) ReadAt(b []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, fmt.Errorf("read blob at %d: %w", off, fault.Invalid)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for n < len(b) {
		if off >= o.size {
			return n, io.EOF
		}
		plain, err := o.chunk(off / chunkSize)
		if err != nil {
			return n, err
		}
		m := copy(b[n:], plain[off%chunkSize:])
		n, off = n+m, off+int64(m)
	}
	return n, nil
}

// chunk opens one chunk.
func (o *opener) chunk(number int64) ([]byte, error) {
	if number == o.have {
		return o.plain, nil
	}
	last := number == o.chunks-1
	size := int64(chunkSize + overhead)
	if last {
		size = o.inner.Size() - headerSize - number*size
	}
	if int64(cap(o.sealed)) < size {
		o.sealed = make([]byte, size)
	}
	o.sealed = o.sealed[:size]
	if n, err := o.inner.ReadAt(o.sealed, headerSize+number*(chunkSize+overhead)); int64(n) < size {
		return nil, fmt.Errorf("read sealed blob: %w: %w", fault.Damaged, err)
	}
	var bind []byte
	if last {
		bind = o.ref[:]
	}
	plain, err := o.aead.Open(o.plain[:0], nonce(number, last), o.sealed, bind)
	if err != nil {
		o.have = -1
		return nil, fmt.Errorf("read sealed blob: a chunk is not what was sealed, or the key is another: %w", fault.Damaged)
	}
	o.have, o.plain = number, plain
	return plain, nil
}
