package sqlite

import (
	"errors"
	"os"
	"syscall"
)

// allocate makes sure that the disk has n bytes for the file from off, and leaves its
// length. On file systems that cannot, a full disk shows when it is written.
func allocate(f *os.File, off, n int64) error {
	const keepSize = 1 // FALLOC_FL_KEEP_SIZE
	err := syscall.Fallocate(int(f.Fd()), keepSize, off, n)
	if errors.Is(err, syscall.EOPNOTSUPP) {
		return nil
	}
	return err
}
