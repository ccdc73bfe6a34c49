package ingest

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"daylight/corpus"
)

// Files yields the files at the paths and in the folders below them, in a fixed
// order: the paths as given, folders by name. An item's path begins with the last
// element of the path that was given, so that moving the whole changes nothing.
//
// Symbolic links are not followed; they and what is neither file nor folder come
// as *Skipped. What cannot be read comes as an item that cannot be opened.
func Files(paths ...string) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		var roots Namer
		for _, p := range paths {
			abs, err := filepath.Abs(p)
			if err == nil {
				_, err = os.Stat(abs) // a path that was asked for must be there
			}
			if err != nil {
				yield(Item{}, err)
				return
			}
			if to, err := filepath.EvalSymlinks(abs); err == nil {
				abs = to // the person who named a link means what it points to
			}
			if !walk(abs, roots.Name(filepath.Base(abs), ""), yield) {
				return
			}
		}
	}
}

func walk(root, as string, yield func(Item, error) bool) bool {
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(root, p)
		if relErr != nil {
			return relErr
		}
		path := as
		if rel != "." {
			path += "/" + onDisk(filepath.ToSlash(rel))
		}
		if e == nil || err != nil { // a folder that cannot be read
			return stopUnless(yield(unreadable(path+"/", 0, err), nil))
		}
		info, err := e.Info()
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // gone since the folder was read
		case err != nil:
			return stopUnless(yield(unreadable(path, 0, err), nil))
		case info.IsDir():
			return nil
		case info.Mode()&fs.ModeSymlink != 0:
			return stopUnless(yield(Item{}, &Skipped{path, "symbolic link, not followed"}))
		case !info.Mode().IsRegular():
			return stopUnless(yield(Item{}, &Skipped{path, "not a file: " + kindOf(info.Mode())}))
		}
		open := func(context.Context) (Body, error) { return os.Open(p) }
		return stopUnless(yield(Item{Path: path, Size: info.Size(), Open: open}, nil))
	})
	return err == nil
}

// onDisk is a path of a file system as text. Where it is no text, a number made of
// its bytes keeps it apart from others that look the same then.
func onDisk(rel string) string {
	s := printable(rel)
	if s == rel {
		return s
	}
	h := fnv.New64a()
	h.Write([]byte(rel))
	return fmt.Sprintf("%s (%016x)", s, h.Sum64())
}

var errStop = errors.New("stop")

func stopUnless(goOn bool) error {
	if goOn {
		return nil
	}
	return errStop
}

// unreadable is an item of which nothing but the name can be had.
func unreadable(path string, size int64, err error) Item {
	return Item{Path: path, Size: size, Open: func(context.Context) (Body, error) { return nil, err }}
}

func kindOf(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return fmt.Sprintf("mode %v", m.Type())
}

// Measure counts what Files will yield, for Ingester.Total. It opens no file.
func Measure(paths ...string) (corpus.Tally, error) {
	var t corpus.Tally
	for item, err := range Files(paths...) {
		var s *Skipped
		if errors.As(err, &s) {
			continue
		}
		if err != nil {
			return t, err
		}
		t.Files++
		t.Bytes += item.Size
	}
	return t, nil
}
