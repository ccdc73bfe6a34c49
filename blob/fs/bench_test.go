package fs_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"testing"

	"daylight/blob/blobtest"
	"daylight/blob/fs"
)

// BenchmarkPut commits blobs of 4 KiB in groups of a thousand.
func BenchmarkPut(b *testing.B) {
	s, err := fs.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	fill(b, s, b.N, 4096)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "blobs/s")
}

func fill(b *testing.B, s *fs.Store, n, size int) {
	content := blobtest.Bytes(1, size)
	for i := 0; i < n; {
		batch, err := s.Begin(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		for range min(1000, n-i) {
			binary.BigEndian.PutUint64(content, uint64(i))
			if _, _, err := batch.Put(bytes.NewReader(content)); err != nil {
				b.Fatal(err)
			}
			i++
		}
		if err := batch.Commit(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpen opens a store of a million blobs.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s, err := fs.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	fill(b, s, 1_000_000, 40)
	s.Close()
	for b.Loop() {
		s, err := fs.Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}
