package durable

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"daylight/fault"
)

// Lock is a file that one process holds at a time. The system lets go of it when
// the process ends, however it ends; the file stays and means nothing.
type Lock struct{ f *os.File }

// patience is how long TryLock waits. A process that was killed while it started a
// child leaves its open files to that child for a moment, and with them its locks.
const patience = time.Second

// TryLock takes the lock at path, or returns fault.Busy when somebody keeps it for
// a second, in this process or another.
func TryLock(path string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	for until := time.Now().Add(patience); ; time.Sleep(patience / 50) {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Now().After(until) {
			break
		}
	}
	if err != nil {
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
