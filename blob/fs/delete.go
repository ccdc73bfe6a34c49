package fs

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"daylight/blob"
)

// Delete removes a blob and overwrites its bytes. Once it returns, they are gone
// after a crash as well; when a crash comes first, the blob is there whole, or the
// next Open completes the deletion.
func (s *Store) Delete(ctx context.Context, ref blob.Ref) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.broken != nil {
		return fmt.Errorf("delete blob: %w", s.broken)
	}
	s.mu.RLock()
	p, ok := s.blobs[ref]
	s.mu.RUnlock()
	if !ok {
		return nil
	}
	// First it is durably not there, then its bytes go: the other way around a crash
	// would leave a blob that seems to be there and is zeros.
	if err := s.record(blockDeleting, ref[:], true); err != nil {
		s.broken = err
		return fmt.Errorf("delete blob: %w", err)
	}
	s.mu.Lock()
	delete(s.blobs, ref)
	s.mu.Unlock()
	if err := s.erase(ref, p); err != nil {
		// The next Open tries again; until then nobody may put it anew.
		s.broken = err
		return fmt.Errorf("delete blob: %w", err)
	}
	if err := s.record(blockDeleted, ref[:], false); err != nil {
		s.broken = err
		return fmt.Errorf("delete blob: %w", err)
	}
	return nil
}

// erase marks a blob as deleted in its pack's table, durably, and then overwrites
// its bytes.
func (s *Store) erase(ref blob.Ref, p place) error {
	pack := s.packs[p.pack]
	if pack != nil {
		if err := s.disk.WriteAt(pack, []byte{byte(p.kind | flagDeleted)}, p.mark); err != nil {
			return err
		}
		if err := s.disk.Sync(pack); err != nil {
			return err
		}
	}
	if p.kind&flagLarge != 0 {
		return s.eraseLarge(ref)
	}
	if pack == nil || p.size == 0 {
		return nil
	}
	if err := s.zero(pack, p.off, p.size); err != nil {
		return err
	}
	if err := s.disk.Sync(pack); err != nil {
		return err
	}
	punch(pack, p.off, p.size)
	return nil
}

func (s *Store) eraseLarge(ref blob.Ref) error {
	f, err := os.OpenFile(s.largePath(ref), os.O_WRONLY, 0o600)
	if errors.Is(err, iofs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if err := s.zero(f, 0, st.Size()); err != nil {
		return err
	}
	if err := s.disk.Sync(f); err != nil {
		return err
	}
	if err := os.Remove(s.largePath(ref)); err != nil {
		return err
	}
	return s.disk.SyncDir(filepath.Dir(s.largePath(ref)))
}

func (s *Store) zero(f *os.File, off, size int64) error {
	zeros := make([]byte, min(size, 1<<20))
	for size > 0 {
		n := min(size, int64(len(zeros)))
		if err := s.disk.WriteAt(f, zeros[:n], off); err != nil {
			return err
		}
		off, size = off+n, size-n
	}
	return nil
}

// punch gives the blocks back to the file system. It reads as zeros before and
// after, so it does not matter where that is not possible.
func punch(f *os.File, off, size int64) {
	unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, size)
}
