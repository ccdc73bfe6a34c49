package fs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"sync"

	"daylight/blob"
	"daylight/fault"
)

// Follower reads a folder of blobs beside the process that has it open as a Store.
// It sees what that one has committed: it follows the index. Nothing can be
// written through it.
type Follower struct {
	s *Store

	mu   sync.Mutex
	l    *loading
	end  int64 // how far the index was read
	seen os.FileInfo
}

var _ blob.Store = (*Follower)(nil)

// OpenReadOnly opens a folder of blobs for reading. One that is not there is
// fault.NotFound.
func OpenReadOnly(dir string) (*Follower, error) {
	if _, err := os.Stat(filepath.Join(dir, "packs")); err != nil {
		return nil, fmt.Errorf("follow blob store: %w: %w", fault.NotFound, err)
	}
	f := &Follower{
		s: &Store{dir: dir, blobs: map[blob.Ref]place{}, packs: map[uint32]*os.File{}},
		l: &loading{covered: map[uint32]int64{}, deleting: map[blob.Ref]place{}},
	}
	if err := f.follow(); err != nil {
		f.Close()
		return nil, fmt.Errorf("follow blob store: %w", err)
	}
	return f, nil
}

// follow reads what the index has grown by.
func (f *Follower) follow() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	file, err := os.Open(f.s.indexPath())
	if errors.Is(err, os.ErrNotExist) {
		return nil // nothing was ever put
	}
	if err != nil {
		return err
	}
	defer file.Close()
	st, err := file.Stat()
	if err != nil {
		return err
	}
	if st.Size() < f.end || f.seen != nil && !os.SameFile(f.seen, st) {
		return fmt.Errorf("the index was replaced: open the store anew: %w", fault.Conflict)
	}
	f.seen = st
	if st.Size() == f.end {
		return nil
	}
	r := bufio.NewReaderSize(io.NewSectionReader(file, f.end, st.Size()-f.end), 1<<20)
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	for {
		kind, content, ok := readBlock(r, st.Size()-f.end)
		if !ok || !f.s.apply(f.l, kind, content) {
			break // the block is being written
		}
		f.end += blockHead + int64(len(content)) + 4
	}
	return f.openNewPacks()
}

func (f *Follower) openNewPacks() error {
	numbers, err := f.s.packNumbers()
	if err != nil {
		return err
	}
	for _, n := range numbers {
		if f.s.packs[n] != nil {
			continue
		}
		if f.s.packs[n], err = os.Open(f.s.packPath(n)); err != nil {
			delete(f.s.packs, n)
			return err
		}
	}
	return nil
}

// Open returns a reader of a blob.
func (f *Follower) Open(ctx context.Context, ref blob.Ref) (blob.Reader, error) {
	if err := f.follow(); err != nil {
		return nil, fmt.Errorf("open blob: %w", err)
	}
	return f.s.Open(ctx, ref)
}

// Has reports whether a blob is there.
func (f *Follower) Has(ctx context.Context, ref blob.Ref) (bool, error) {
	if err := f.follow(); err != nil {
		return false, fmt.Errorf("look for blob: %w", err)
	}
	return f.s.Has(ctx, ref)
}

// All yields the names of what is there when it is called.
func (f *Follower) All(ctx context.Context) iter.Seq2[blob.Ref, error] {
	if err := f.follow(); err != nil {
		return func(yield func(blob.Ref, error) bool) { yield(blob.Ref{}, err) }
	}
	return f.s.All(ctx)
}

var errReadOnly = fmt.Errorf("this store is open for reading: %w", fault.Forbidden)

// Begin fails with fault.Forbidden.
func (f *Follower) Begin(context.Context) (blob.Batch, error) { return nil, errReadOnly }

// Delete fails with fault.Forbidden.
func (f *Follower) Delete(context.Context, blob.Ref) error { return errReadOnly }

// Close ends the readers of small blobs.
func (f *Follower) Close() error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	var errs []error
	for n, p := range f.s.packs {
		errs = append(errs, p.Close())
		delete(f.s.packs, n)
	}
	return errors.Join(errs...)
}
