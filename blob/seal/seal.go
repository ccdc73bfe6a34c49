// Package seal encrypts blobs on their way to another store, which then holds
// neither their bytes nor their hashes: it learns how many there are, about how
// long each is, and when they are used.
//
// Each blob is cut into chunks of 64 KiB, each sealed with AES-256-GCM under a key
// that belongs to the blob alone, as in the STREAM construction (Hoang, Reyhanitabar,
// Rogaway, Vizár 2015): the nonce is the chunk's number and a mark on the last one.
// The last chunk also binds the blob's ref, so that nobody can exchange two blobs,
// cut one, or put an old one in its place. FORMAT.md describes the bytes.
//
// Names at the inner store are the refs, encrypted with Adiantum: the same ref
// gives the same name, and nothing else can be told without the key.
package seal

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"sync"

	"lukechampine.com/adiantum"
	"lukechampine.com/adiantum/hbsh"

	"daylight/blob"
	"daylight/fault"
)

const (
	chunkSize  = 64 << 10
	overhead   = 16 // of a chunk, by GCM
	saltSize   = 32
	headerSize = 1 + saltSize
	version    = 0
)

// KeySize is the number of bytes of a key.
const KeySize = 32

// New returns a store that keeps its blobs sealed in inner. The key is KeySize
// random bytes; without it nothing can be read back. Close closes inner too.
func New(inner blob.Namer, key []byte) (blob.Store, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("seal blobs: key of %d bytes; want %d: %w", len(key), KeySize, fault.Invalid)
	}
	blobs, err := hkdf.Key(sha256.New, key, nil, "daylight blob seal 0", KeySize)
	if err != nil {
		return nil, fmt.Errorf("seal blobs: %w", err)
	}
	names, err := hkdf.Key(sha256.New, key, nil, "daylight blob name 0", KeySize)
	if err != nil {
		return nil, fmt.Errorf("seal blobs: %w", err)
	}
	return &store{inner: inner, key: blobs, names: adiantum.New(names)}, nil
}

type store struct {
	inner blob.Namer
	key   []byte

	mu    sync.Mutex // the cipher keeps state while it works
	names *hbsh.HBSH
}

// name is what a ref is called in the inner store.
func (s *store) name(ref blob.Ref) blob.Ref {
	s.mu.Lock()
	defer s.mu.Unlock()
	return blob.Ref(s.names.Encrypt(bytes.Clone(ref[:]), nil))
}

// ref is the other way.
func (s *store) ref(name blob.Ref) blob.Ref {
	s.mu.Lock()
	defer s.mu.Unlock()
	return blob.Ref(s.names.Decrypt(bytes.Clone(name[:]), nil))
}

func (s *store) Has(ctx context.Context, ref blob.Ref) (bool, error) {
	return s.inner.Has(ctx, s.name(ref))
}

func (s *store) Delete(ctx context.Context, ref blob.Ref) error {
	return s.inner.Delete(ctx, s.name(ref))
}

func (s *store) All(ctx context.Context) iter.Seq2[blob.Ref, error] {
	return func(yield func(blob.Ref, error) bool) {
		for name, err := range s.inner.All(ctx) {
			ref := blob.Ref{}
			if err == nil {
				ref = s.ref(name)
			}
			if !yield(ref, err) {
				return
			}
		}
	}
}

func (s *store) Close() error { return s.inner.Close() }

// aead makes the cipher of one blob.
func (s *store) aead(salt []byte) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, s.key, salt, "daylight sealed blob 0", KeySize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// nonce numbers a chunk; the last byte marks the last one.
func nonce(chunk int64, last bool) []byte {
	n := make([]byte, 12)
	binary.BigEndian.PutUint64(n[3:], uint64(chunk))
	if last {
		n[11] = 1
	}
	return n
}

func (s *store) Begin(ctx context.Context) (blob.Batch, error) {
	inner, err := s.inner.BeginNamed(ctx)
	if err != nil {
		return nil, err
	}
	return &batch{inner: inner, store: s}, nil
}

// batch seals what goes into an inner batch.
type batch struct {
	inner      blob.NamedBatch
	store      *store
	this, next []byte // buffers of a chunk, kept from blob to blob
}

func (b *batch) Commit() error { return b.inner.Commit() }
func (b *batch) Abort() error  { return b.inner.Abort() }

func (b *batch) Put(r io.Reader) (blob.Ref, int64, error) {
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails
	aead, err := b.store.aead(salt)
	if err != nil {
		return blob.Ref{}, 0, fmt.Errorf("put blob: %w", err)
	}
	if b.this == nil {
		b.this, b.next = make([]byte, 0, chunkSize), make([]byte, 0, chunkSize)
	}
	e := &sealer{src: r, aead: aead, sum: sha256.New(), this: b.this[:0], next: b.next[:0]}
	e.out = append(append(e.out, version), salt...)
	_, err = b.inner.PutNamed(e, func() blob.Ref { return b.store.name(e.ref) })
	if err != nil {
		return blob.Ref{}, 0, err
	}
	return e.ref, e.size, nil
}
