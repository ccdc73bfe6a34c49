package sqlite

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"

	"daylight/fault"
)

// keySize is that of AES-256.
const keySize = 32

func newKey() []byte { return random(keySize) }

func newIV() []byte { return random(aes.BlockSize) }

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// newCipher is what an item is encrypted with: AES-256 in counter mode, each block
// of the pool from a random beginning of its own. What lies inside is sealed and
// authenticated already; this layer is there to be destroyed with its key.
func newCipher(key []byte) (cipher.Block, error) {
	c, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("key of an item: %w", err)
	}
	return c, nil
}

// block is a piece of an item: where it lies, and what its encryption begins from.
type block struct {
	place int64
	iv    []byte
}

func places(blocks []block) []int64 {
	all := make([]int64, len(blocks))
	for i, b := range blocks {
		all[i] = b.place
	}
	return all
}

// errNoRoom is a mistake of ours: room is made before something is written.
var errNoRoom = errors.New("no room was made for what is written")

// writer encrypts what is written to it into blocks. It remembers only those that
// nothing was written to yet.
type writer struct {
	pool   *pool
	key    cipher.Block
	ahead  []block
	stream cipher.Stream // of the block under way
	at     int64         // where in the file the next byte goes
	left   int64         // what the block under way can still take
	size   int64
	err    error // of a write: the stream has gone on, and nothing can follow
	buf    []byte
}

func newWriter(p *pool, key []byte) (*writer, error) {
	c, err := newCipher(key)
	return &writer{pool: p, key: c, buf: make([]byte, 32<<10)}, err
}

func (w *writer) room() int64 { return w.size + w.left + int64(len(w.ahead))*blockSize }

func (w *writer) Write(p []byte) (written int, err error) {
	for len(p) > 0 && w.err == nil {
		if w.left == 0 {
			if len(w.ahead) == 0 {
				return written, errNoRoom
			}
			b := w.ahead[0]
			w.ahead = w.ahead[1:]
			w.stream, w.at, w.left = cipher.NewCTR(w.key, b.iv), b.place*blockSize, blockSize
		}
		b := w.buf[:min(int64(len(p)), w.left, int64(len(w.buf)))]
		w.stream.XORKeyStream(b, p[:len(b)])
		if _, err := w.pool.file.WriteAt(b, w.at); err != nil {
			w.err = fmt.Errorf("write block: %w", kind(err))
			break
		}
		p = p[len(b):]
		written, w.at, w.left, w.size = written+len(b), w.at+int64(len(b)), w.left-int64(len(b)), w.size+int64(len(b))
	}
	return written, w.err
}

// reader reads an item, a block at a time, wherever it lies by then.
type reader struct {
	store *Store
	item  string
	key   cipher.Block
	size  int64
	at    int64
	block []byte
	rest  []byte // of the block
}

func (r *reader) Read(p []byte) (int, error) {
	if r.at == r.size {
		return 0, io.EOF
	}
	if len(r.rest) == 0 {
		if err := r.load(); err != nil {
			return 0, fmt.Errorf("read item: %w", err)
		}
	}
	n := copy(p, r.rest)
	r.rest, r.at = r.rest[n:], r.at+int64(n)
	return n, nil
}

func (r *reader) load() error {
	var b block
	r.store.layout.RLock()
	defer r.store.layout.RUnlock()
	err := r.store.db.QueryRowContext(context.Background(), "SELECT place, iv FROM block WHERE item = ? AND seq = ?",
		r.item, r.at/blockSize).Scan(&b.place, &b.iv)
	if errors.Is(err, sql.ErrNoRows) {
		return fault.NotFound // destroyed meanwhile
	}
	if err != nil {
		return err
	}
	if r.block == nil {
		r.block = make([]byte, blockSize)
	}
	r.rest = r.block[:min(blockSize, r.size-r.at)]
	if _, err := r.store.pool.file.ReadAt(r.rest, b.place*blockSize); err != nil {
		return err
	}
	cipher.NewCTR(r.key, b.iv).XORKeyStream(r.rest, r.rest)
	return nil
}

func (r *reader) Close() error { return nil }
