package sqlite

import (
	"context"
	"fmt"
	"syscall"
)

// Space implements intake.Envelopes: what the pool has, and what the file system has
// left for this user, by which it can grow.
func (s *Store) Space(context.Context) (free, whole int64, err error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(s.dir, &fs); err != nil {
		return 0, 0, fmt.Errorf("free space: %w", err)
	}
	vacant, blocks := s.pool.vacant()
	left := max(0, int64(fs.Bavail)*fs.Bsize-s.pool.spare(blocks))
	return left + int64(vacant)*blockSize, left + int64(blocks)*blockSize, nil
}
