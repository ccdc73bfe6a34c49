package durable

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"daylight/fault"
)

// Lock is a file that one process holds at a time. The system lets go of it when
// the process ends, however it ends; the file stays and means nothing.
type Lock struct{ f *os.File }

// TryLock takes the lock at path, or returns fault.Busy when somebody holds it,
// in this process or another.
func TryLock(path string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock: in use by another process: %w", fault.Busy)
		}
		return nil, fmt.Errorf("lock: %w", err)
	}
	return &Lock{f}, nil
}

// Unlock lets go.
func (l *Lock) Unlock() error { return l.f.Close() }
