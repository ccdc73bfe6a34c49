package sqlite

import (
	"context"
	"fmt"
	"syscall"
)

// Free implements intake.Envelopes: what the pool has, and what the file system has
// left for this user, by which it can grow.
func (s *Store) Free(context.Context) (int64, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(s.dir, &fs); err != nil {
		return 0, fmt.Errorf("free space: %w", err)
	}
	return int64(fs.Bavail)*fs.Bsize + int64(s.pool.vacant())*blockSize, nil
}
