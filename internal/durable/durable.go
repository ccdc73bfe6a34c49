// Package durable writes files so that they are there after a crash, whole or not
// at all. It is plumbing: it knows the file system and nothing of Daylight.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// temporary is the beginning of the name of every file that is not finished. What
// a crash leaves under such a name was never promised to anybody.
const temporary = ".tmp-"

// File is a file being written. It appears under its name on Commit, not before.
type File struct {
	*os.File
	path string
	done bool
}

// Create starts a file that will stand at path. Permissions are 0600.
func Create(path string) (*File, error) {
	f, err := os.CreateTemp(filepath.Dir(path), temporary)
	if err != nil {
		return nil, fmt.Errorf("create: %w", err)
	}
	return &File{File: f, path: path}, nil
}

// Commit makes the bytes durable, gives the file its name, and makes the name
// durable. An existing file of that name is replaced. After an error the old file
// is there or the new one is, each of them whole.
func (f *File) Commit() error {
	if err := f.place(); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(f.path))
}

// place is Commit without the folder.
func (f *File) place() error {
	if f.done {
		return fmt.Errorf("commit: %w", fs.ErrClosed)
	}
	f.done = true
	err := errors.Join(f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), f.path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// Abort drops what was written. After Commit it does nothing.
func (f *File) Abort() error {
	if f.done {
		return nil
	}
	f.done = true
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// WriteFile is Create, Write and Commit.
func WriteFile(path string, data []byte) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	defer f.Abort()
	if _, err := f.Write(data); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return f.Commit()
}

// SyncDir makes names that were added to or taken from a folder durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// MkdirAll makes a folder and those above it, all of them durable. Permissions are
// 0700.
func MkdirAll(dir string) error {
	if st, err := os.Stat(dir); err == nil && st.IsDir() {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := MkdirAll(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make folder: %w", err)
	}
	return SyncDir(parent)
}

// Sweep removes what a crash left unfinished in a folder. Call it while nobody
// else writes there.
func Sweep(dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, temporary+"*"))
	for _, name := range names {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}
