package sqlite

import (
	"errors"
	"os"
	"syscall"
)

// allocate reserves n bytes from off, which read as zero. File systems that cannot
// reserve only make the file longer: a full disk then shows when it is written.
func allocate(f *os.File, off, n int64) error {
	err := syscall.Fallocate(int(f.Fd()), 0, off, n)
	if errors.Is(err, syscall.EOPNOTSUPP) {
		return f.Truncate(off + n)
	}
	return err
}
