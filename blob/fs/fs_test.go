package fs_test

import (
	"testing"

	"daylight/blob"
	"daylight/blob/blobtest"
	"daylight/blob/fs"
)

func open(t testing.TB, dir string) *fs.Store {
	t.Helper()
	s, err := fs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store { return open(t, t.TempDir()) })
}

func TestNames(t *testing.T) {
	blobtest.RunNamed(t, func(t *testing.T) blob.Namer { return open(t, t.TempDir()) })
}

func TestCrash(t *testing.T) {
	blobtest.RunCrash(t, func(dir string) (blob.Store, error) { return fs.Open(dir) })
}
