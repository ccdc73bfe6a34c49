package sqlite_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"daylight/fault"
	"daylight/intake/sqlite"
	"daylight/internal/sqlkit"
)

// photo is all that can be seen of a folder: names, bytes, and times of change.
func photo(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	if err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		var b []byte
		if !e.IsDir() {
			if b, err = os.ReadFile(path); err != nil {
				return err
			}
		}
		all[path] = fmt.Sprintf("%v %v %x", info.ModTime(), info.Sys().(*syscall.Stat_t).Ctim, sha256.Sum256(b))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestLookChangesNothing, and sees what is damaged.
func TestLookChangesNothing(t *testing.T) {
	dir := t.TempDir()
	key := sqlkit.Key{1}
	if _, err := sqlite.Look(t.Context(), dir, key); !errors.Is(err, fault.NotFound) {
		t.Errorf("an empty folder: %v; want not found", err)
	}
	s := open(t, dir)
	arrive(t, s, noise(1, 300_000), "2026-11-23", "2026-12-23")
	const rewritten = "2026-11-24"
	if err := s.Rewrite(t.Context(), rewritten); err != nil {
		t.Fatal(err)
	}
	s.Close()
	look := func(what string, want error) {
		t.Helper()
		before := photo(t, dir)
		day, err := sqlite.Look(t.Context(), dir, key)
		if !errors.Is(err, want) || err == nil && day != rewritten {
			t.Errorf("%s: %q, %v; want %v", what, day, err, want)
		}
		if after := photo(t, dir); !maps.Equal(before, after) {
			t.Errorf("%s: looking at it changed it:\n%v\n%v", what, before, after)
		}
	}
	look("a store that was closed", nil)
	spoil := func(name string, f func(path string, b []byte) error) (mend func()) {
		t.Helper()
		path := filepath.Join(dir, name)
		b, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		there := err == nil
		if err := f(path, b); err != nil {
			t.Fatal(err)
		}
		return func() {
			os.Remove(path)
			if there {
				os.WriteFile(path, b, 0o600)
			}
		}
	}
	for _, c := range []struct {
		what, name string
		f          func(path string, b []byte) error
		want       error
	}{
		{"no database", "intake.db", func(path string, _ []byte) error { return os.Remove(path) }, fault.Damaged},
		{"no root key", "root.key", func(path string, _ []byte) error { return os.Remove(path) }, fault.Damaged},
		{"another root key", "root.key", func(path string, b []byte) error { return os.WriteFile(path, noise(9, len(b)), 0o600) }, fault.Damaged},
		{"a short pool", "pool", func(path string, _ []byte) error { return os.Truncate(path, 1<<10) }, fault.Damaged},
		{"a spoiled database", "intake.db", func(path string, b []byte) error { return os.WriteFile(path, noise(9, len(b)), 0o600) }, fault.Damaged},
		{"a log that was left", "intake.db-wal", func(path string, _ []byte) error { return os.WriteFile(path, noise(9, 5000), 0o600) }, fault.Conflict},
	} {
		mend := spoil(c.name, c.f)
		look(c.what, c.want)
		mend()
	}
	look("mended", nil)
	key = sqlkit.Key{2}
	look("a wrong key", fault.Damaged)
}
