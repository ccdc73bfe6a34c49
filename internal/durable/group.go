package durable

import (
	"fmt"
	"os"
	"path/filepath"
)

// Group writes many files and makes them durable together. Each stands under its
// name, whole, as soon as it is written; a crash before Sync may lose any of them
// or leave one without its bytes. So nothing durable may point to a file of the
// group before Sync has returned. The zero value is ready.
type Group struct {
	files map[string]bool
	dirs  map[string]bool
}

// Write writes one file. The folders above it are made.
func (g *Group) Write(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := MkdirAll(dir); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, temporary)
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	_, err = f.Write(data)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("write: %w", err)
	}
	if g.files == nil {
		g.files, g.dirs = map[string]bool{}, map[string]bool{}
	}
	g.files[path], g.dirs[dir] = true, true
	return nil
}

// Sync makes everything written so far durable. After an error it may be called
// again.
func (g *Group) Sync() error {
	for path := range g.files {
		if err := syncFile(path); err != nil {
			return err
		}
		delete(g.files, path)
	}
	for dir := range g.dirs {
		if err := SyncDir(dir); err != nil {
			return err
		}
		delete(g.dirs, dir)
	}
	return nil
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	err = f.Sync()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	return nil
}
