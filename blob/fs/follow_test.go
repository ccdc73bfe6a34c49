package fs_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"daylight/blob"
	"daylight/blob/fs"
	"daylight/fault"
)

// A follower sees what the writer commits and deletes while both have it open.
func TestFollow(t *testing.T) {
	dir := t.TempDir()
	if _, err := fs.OpenReadOnly(dir + "/none"); !errors.Is(err, fault.NotFound) {
		t.Errorf("no folder: %v; want not found", err)
	}
	w, err := fs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	f, err := fs.OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{0, 10, 70_000, 3 << 20} {
		want := bytes.Repeat([]byte("daylight\n"), size/9+1)[:size]
		ref := put(t, w, want)
		r, err := f.Open(t.Context(), ref)
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: got %d, %v", size, len(got), err)
		}
		r.Close()
		if err := w.Delete(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Open(t.Context(), ref); !errors.Is(err, fault.NotFound) {
			t.Errorf("%d bytes, deleted: %v; want not found", size, err)
		}
	}
	if _, err := f.Begin(t.Context()); !errors.Is(err, fault.Forbidden) {
		t.Errorf("begin: %v; want forbidden", err)
	}
}

func put(t *testing.T, s blob.Store, b []byte) blob.Ref {
	t.Helper()
	batch, err := s.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer batch.Abort()
	ref, _, err := batch.Put(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if err := batch.Commit(); err != nil {
		t.Fatal(err)
	}
	return ref
}
