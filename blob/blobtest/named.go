package blobtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"testing"

	"daylight/blob"
)

// RunNamed proves what blob.Namer adds.
func RunNamed(t *testing.T, open func(t *testing.T) blob.Namer) {
	ctx := context.Background()
	t.Run("a name after the bytes", func(t *testing.T) {
		s := open(t)
		defer s.Close()
		for i, n := range sizes {
			name := blob.Ref{0xee, byte(i)}
			content := bytes.NewReader(Bytes(uint64(i), n))
			b, err := s.BeginNamed(ctx)
			if err != nil {
				t.Fatal(err)
			}
			got, err := b.PutNamed(content, func() blob.Ref {
				if content.Len() != 0 {
					t.Errorf("asked for the name with %d bytes unread", content.Len())
				}
				return name
			})
			if err != nil || got != int64(n) {
				t.Fatalf("put: %d, %v; want %d", got, err, n)
			}
			wantNothing(t, s, name)
			if err := b.Commit(); err != nil {
				t.Fatal(err)
			}
			if back, err := Read(s, name); err != nil || !bytes.Equal(back, Bytes(uint64(i), n)) {
				t.Errorf("read %d bytes back: %v", n, err)
			}
			wantNothing(t, s, sha256.Sum256(Bytes(uint64(i), n)))
			if err := s.Delete(ctx, name); err != nil {
				t.Fatal(err)
			}
			wantNothing(t, s, name)
		}
	})
	t.Run("a name twice", func(t *testing.T) {
		s := open(t)
		defer s.Close()
		for seed := range uint64(2) {
			b, err := s.BeginNamed(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if _, err := b.PutNamed(bytes.NewReader(Bytes(seed, 100)), func() blob.Ref { return blob.Ref{1} }); err != nil {
					t.Fatal(err)
				}
			}
			if err := b.Commit(); err != nil {
				t.Fatal(err)
			}
		}
		got, err := Read(s, blob.Ref{1})
		if err != nil || !bytes.Equal(got, Bytes(0, 100)) && !bytes.Equal(got, Bytes(1, 100)) {
			t.Errorf("read: %v; want one of the two, whole", err)
		}
		if n := len(refs(t, s)); n != 1 {
			t.Errorf("%d blobs; want 1", n)
		}
	})
}
