// Package fs keeps blobs in a folder of one machine.
//
// Small blobs stand together in packs, large ones in files of their own. A commit
// writes its small blobs as one piece, with a table of what they are, and makes it
// durable with one fsync; each large blob costs one more. An index beside the packs
// repeats the tables, so that a store opens without reading what it holds. It may
// be lost: the packs tell the same. FORMAT.md describes the bytes.
//
// A folder belongs to one process at a time. Deleting overwrites the bytes with
// zeros and gives their space back; what the disk itself keeps of overwritten
// blocks (flash, journals, snapshots) only disk encryption and blob/seal answer.
package fs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"daylight/blob"
	"daylight/fault"
	"daylight/internal/durable"
)

const (
	smallest  = 1 << 20   // a blob from this size on has a file of its own
	spillSize = 8 << 20   // a batch with more than this of small blobs becomes a pack of its own
	packSize  = 256 << 20 // a pack that has reached this is not appended to
)

// Store is a folder of blobs. It is a blob.Namer.
type Store struct {
	dir   string
	lock  *durable.Lock
	disk  disk
	spill int // spillSize, less in tests

	writing sync.Mutex // one commit or deletion at a time; holds what follows
	pack    uint32     // the one that is appended to; 0 for none
	end     int64      // of it
	last    uint32     // the highest number in use
	index   *index
	broken  error // why nothing can be written any more

	mu     sync.RWMutex // never held during I/O
	blobs  map[blob.Ref]place
	packs  map[uint32]*os.File
	closed bool
}

// place is where a blob stands.
type place struct {
	pack uint32 // the one whose table names it
	off  int64  // of its bytes in the pack, unless it has a file of its own
	mark int64  // of its flags in the pack
	size int64
	sum  uint32 // CRC-32C of its bytes
	kind flags
}

// disk is what the store asks of the operating system where a failure must not
// lose anything, so that tests can fail it.
type disk interface {
	WriteAt(f *os.File, b []byte, off int64) error
	Sync(f *os.File) error
	Rename(from, to string) error
	SyncDir(dir string) error
}

type realDisk struct{}

func (realDisk) Sync(f *os.File) error        { return f.Sync() }
func (realDisk) Rename(from, to string) error { return os.Rename(from, to) }
func (realDisk) SyncDir(dir string) error     { return durable.SyncDir(dir) }
func (realDisk) WriteAt(f *os.File, b []byte, off int64) error {
	_, err := f.WriteAt(b, off)
	return err
}

// Open opens the store in a folder, which is made if it is not there. It returns
// fault.Busy when another process has it open. After a crash it removes what no
// commit completed, and completes deletions.
func Open(dir string) (*Store, error) { return open(dir, realDisk{}, spillSize) }

func open(dir string, d disk, spill int) (*Store, error) {
	s := &Store{dir: dir, disk: d, spill: spill, blobs: map[blob.Ref]place{}, packs: map[uint32]*os.File{}}
	if err := s.open(); err != nil {
		s.closeFiles()
		return nil, fmt.Errorf("open blob store: %w", err)
	}
	return s, nil
}

func (s *Store) open() (err error) {
	for _, sub := range []string{"packs", "large"} {
		if err := durable.MkdirAll(filepath.Join(s.dir, sub)); err != nil {
			return err
		}
	}
	if s.lock, err = durable.TryLock(filepath.Join(s.dir, "lock")); err != nil {
		return err
	}
	for _, sub := range []string{"packs", "large"} {
		if err := durable.Sweep(filepath.Join(s.dir, sub)); err != nil {
			return err
		}
	}
	return s.load()
}

// Open returns a reader of a blob.
func (s *Store) Open(ctx context.Context, ref blob.Ref) (blob.Reader, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	p, ok := s.blobs[ref]
	pack := s.packs[p.pack]
	s.mu.RUnlock()
	if !ok {
		return nil, fmt.Errorf("open blob: %w", fault.NotFound)
	}
	if p.kind&flagLarge == 0 {
		if pack == nil {
			return nil, fmt.Errorf("open blob: its pack is missing: %w", fault.Damaged)
		}
		return checked(io.NewSectionReader(pack, p.off, p.size), ref, p, nil), nil
	}
	f, err := os.Open(s.largePath(ref))
	if err != nil {
		return nil, fmt.Errorf("open blob: its file is missing: %w: %w", fault.Damaged, err)
	}
	return checked(f, ref, p, f), nil
}

func checked(src io.ReaderAt, ref blob.Ref, p place, c io.Closer) blob.Reader {
	if p.kind&flagNamed == 0 {
		return blob.NewReader(src, p.size, ref, c)
	}
	return blob.NewSumReader(src, p.size, newSum(), sumBytes(p.sum), c)
}

// Has reports whether a blob is there.
func (s *Store) Has(ctx context.Context, ref blob.Ref) (bool, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, ok := s.blobs[ref]
	return ok, ctx.Err()
}

// All yields the names of what was committed when it was called.
func (s *Store) All(ctx context.Context) iter.Seq2[blob.Ref, error] {
	return func(yield func(blob.Ref, error) bool) {
		s.mu.RLock()
		refs := make([]blob.Ref, 0, len(s.blobs))
		for ref := range s.blobs {
			refs = append(refs, ref)
		}
		s.mu.RUnlock()
		for _, ref := range refs {
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

// Close closes the store. Readers of small blobs end with it.
func (s *Store) Close() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.closeFiles()
}

func (s *Store) closeFiles() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.broken = fmt.Errorf("the store is closed: %w", fault.Conflict)
	var errs []error
	for _, f := range s.packs {
		errs = append(errs, f.Close())
	}
	errs = append(errs, s.index.close())
	if s.lock != nil {
		errs = append(errs, s.lock.Unlock())
	}
	return errors.Join(errs...)
}

func (s *Store) packPath(n uint32) string {
	return filepath.Join(s.dir, "packs", fmt.Sprintf("%08d.pack", n))
}

func (s *Store) largePath(ref blob.Ref) string { return filepath.Join(s.dir, "large", ref.String()) }

func (s *Store) indexPath() string { return filepath.Join(s.dir, "index") }

// packNumbers are the packs in the folder, in order.
func (s *Store) packNumbers() ([]uint32, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, "packs"))
	if err != nil {
		return nil, err
	}
	var numbers []uint32
	for _, e := range entries {
		var n uint32
		if _, err := fmt.Sscanf(e.Name(), "%08d.pack", &n); err == nil && filepath.Base(s.packPath(n)) == e.Name() {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}
