// Package mem keeps blobs in memory: for tests, and for previews that are thrown
// away. Nothing of it survives the process.
package mem

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"iter"
	"maps"
	"sync"

	"daylight/blob"
	"daylight/fault"
)

// New returns an empty store.
func New() blob.Namer { return &store{blobs: map[blob.Ref]content{}} }

type store struct {
	mu    sync.RWMutex
	blobs map[blob.Ref]content
}

// content is bytes and their own sum, which is the ref unless the name was chosen.
type content struct {
	bytes []byte
	sum   [sha256.Size]byte
}

func (s *store) Open(ctx context.Context, ref blob.Ref) (blob.Reader, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c, ok := s.blobs[ref]
	if !ok {
		return nil, fmt.Errorf("open blob: %w", fault.NotFound)
	}
	return blob.NewReader(bytes.NewReader(c.bytes), int64(len(c.bytes)), c.sum, nil), ctx.Err()
}

func (s *store) Has(ctx context.Context, ref blob.Ref) (bool, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, ok := s.blobs[ref]
	return ok, ctx.Err()
}

func (s *store) Delete(ctx context.Context, ref blob.Ref) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.blobs, ref)
	return ctx.Err()
}

func (s *store) All(ctx context.Context) iter.Seq2[blob.Ref, error] {
	return func(yield func(blob.Ref, error) bool) {
		s.mu.RLock()
		refs := maps.Clone(s.blobs)
		s.mu.RUnlock()
		for ref := range refs {
			if err := ctx.Err(); err != nil {
				yield(blob.Ref{}, err)
				return
			}
			if !yield(ref, nil) {
				return
			}
		}
	}
}

func (s *store) Close() error { return nil }

func (s *store) Begin(ctx context.Context) (blob.Batch, error) { return s.BeginNamed(ctx) }

func (s *store) BeginNamed(ctx context.Context) (blob.NamedBatch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return &batch{ctx: ctx, store: s, blobs: map[blob.Ref]content{}}, nil
}

type batch struct {
	ctx   context.Context
	store *store
	blobs map[blob.Ref]content
	done  bool
}

func (b *batch) Put(r io.Reader) (blob.Ref, int64, error) {
	c, err := b.read(r)
	if err != nil {
		return blob.Ref{}, 0, err
	}
	b.blobs[c.sum] = c
	return c.sum, int64(len(c.bytes)), nil
}

func (b *batch) PutNamed(r io.Reader, name func() blob.Ref) (int64, error) {
	c, err := b.read(r)
	if err != nil {
		return 0, err
	}
	b.blobs[name()] = c
	return int64(len(c.bytes)), nil
}

func (b *batch) read(r io.Reader) (content, error) {
	if b.done {
		return content{}, fmt.Errorf("put blob: the batch has ended: %w", fault.Conflict)
	}
	if err := b.ctx.Err(); err != nil {
		return content{}, fmt.Errorf("put blob: %w", err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return content{}, fmt.Errorf("put blob: %w", err)
	}
	return content{data, sha256.Sum256(data)}, nil
}

func (b *batch) Commit() error {
	if b.done {
		return fmt.Errorf("commit blobs: the batch has ended: %w", fault.Conflict)
	}
	if err := b.ctx.Err(); err != nil {
		return fmt.Errorf("commit blobs: %w", err)
	}
	b.done = true
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	maps.Copy(b.store.blobs, b.blobs)
	return nil
}

func (b *batch) Abort() error {
	b.done, b.blobs = true, nil
	return nil
}
