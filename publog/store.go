package publog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"daylight/fault"
	"daylight/internal/durable"
)

// Store keeps the files of one log, under the paths of C2SP tlog-tiles. It has one
// writer at a time and any number of readers beside it.
type Store interface {
	// Get returns the bytes of a file, or fault.NotFound.
	Get(path string) ([]byte, error)

	// Put writes a file, whole, in place of one that is there. It may be lost in a
	// crash until Sync has returned.
	Put(path string, data []byte) error

	// Sync makes durable everything that was put.
	Sync() error
}

// Folder keeps a log in a folder, ready to be served as it stands by any web
// server. The folder is made with the first file.
func Folder(dir string) Store { return &folder{dir: dir} }

type folder struct {
	dir   string
	mu    sync.Mutex
	group durable.Group
}

func (f *folder) Get(path string) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(f.dir, filepath.FromSlash(path)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("log file %s: %w", path, fault.NotFound)
	}
	return b, err
}

func (f *folder) Put(path string, data []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.group.Write(filepath.Join(f.dir, filepath.FromSlash(path)), data)
}

func (f *folder) Sync() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.group.Sync()
}

// Memory keeps a log while the program runs, for demonstrations and for previews
// that are thrown away.
func Memory() Store { return &memory{files: map[string][]byte{}} }

type memory struct {
	mu    sync.RWMutex
	files map[string][]byte
}

func (m *memory) Get(path string) ([]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	b, ok := m.files[path]
	if !ok {
		return nil, fmt.Errorf("log file %s: %w", path, fault.NotFound)
	}
	return append([]byte(nil), b...), nil
}

func (m *memory) Put(path string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[path] = append([]byte(nil), data...)
	return nil
}

func (m *memory) Sync() error { return nil }
