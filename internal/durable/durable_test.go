package durable_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"daylight/fault"
	"daylight/internal/durable"
)

func TestFileAppearsOnCommitOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "name")
	if err := durable.WriteFile(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	f, err := durable.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("new")
	if got, _ := os.ReadFile(path); string(got) != "old" {
		t.Errorf("before commit: %q; want the old bytes", got)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := f.Abort(); err != nil {
		t.Errorf("abort after commit: %v", err)
	}
	if got, _ := os.ReadFile(path); string(got) != "new" {
		t.Errorf("after commit: %q; want the new bytes", got)
	}
	if err := f.Commit(); err == nil {
		t.Error("a second commit was accepted")
	}
}

func TestAbortAndSweepLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	f, err := durable.Create(filepath.Join(dir, "aborted"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Abort(); err != nil {
		t.Fatal(err)
	}
	left, err := durable.Create(filepath.Join(dir, "left by a crash"))
	if err != nil {
		t.Fatal(err)
	}
	left.Close()
	if err := durable.Sweep(dir); err != nil {
		t.Fatal(err)
	}
	if names, _ := os.ReadDir(dir); len(names) != 0 {
		t.Errorf("%d files left; want 0", len(names))
	}
}

func TestGroupMakesFolders(t *testing.T) {
	dir := t.TempDir()
	var g durable.Group
	for _, name := range []string{"a/b/c", "a/d", "e"} {
		if err := g.Write(filepath.Join(dir, name), []byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Sync(); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "a/b/c")); string(got) != "a/b/c" {
		t.Errorf("read %q, %v", got, err)
	}
	if err := os.Remove(filepath.Join(dir, "e")); err != nil {
		t.Fatal(err)
	}
	if err := g.Sync(); err != nil {
		t.Errorf("sync of what was synced: %v", err)
	}
}

func TestLockIsExclusive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	l, err := durable.TryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := durable.TryLock(path); !errors.Is(err, fault.Busy) {
		t.Errorf("second lock: %v; want fault.Busy", err)
	}
	if err := l.Unlock(); err != nil {
		t.Fatal(err)
	}
	again, err := durable.TryLock(path)
	if err != nil {
		t.Fatalf("after unlock: %v", err)
	}
	again.Unlock()
}
