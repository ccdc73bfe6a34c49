package fs_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"daylight/blob"
	"daylight/blob/blobtest"
	"daylight/blob/fs"
	"daylight/fault"
)

// failingDisk fails its nth operation and all after it, having done it or not.
type failingDisk struct {
	fs.RealDisk
	left *int
	done bool
}

func (d failingDisk) step(do func() error) error {
	*d.left--
	if *d.left >= 0 {
		return do()
	}
	if *d.left == -1 && d.done {
		do()
	}
	return fmt.Errorf("disk: %w", fault.Full)
}

func (d failingDisk) WriteAt(f *os.File, b []byte, off int64) error {
	return d.step(func() error { return d.RealDisk.WriteAt(f, b, off) })
}
func (d failingDisk) Sync(f *os.File) error {
	return d.step(func() error { return d.RealDisk.Sync(f) })
}
func (d failingDisk) Rename(from, to string) error {
	return d.step(func() error { return d.RealDisk.Rename(from, to) })
}
func (d failingDisk) SyncDir(dir string) error {
	return d.step(func() error { return d.RealDisk.SyncDir(dir) })
}

// Every operation of a commit fails once, with and without having been done. What
// was there stays, the batch is there whole or not at all, and it can be put again.
func TestCommitFailsAnywhere(t *testing.T) {
	small, large := blobtest.Bytes(1, 3000), blobtest.Bytes(2, 2<<20)
	var many [][]byte
	for i := range 250 { // more than fits into an appended commit here
		many = append(many, blobtest.Bytes(uint64(100+i), 500))
	}
	for name, contents := range map[string][][]byte{
		"a commit that is appended":     {small, blobtest.Bytes(3, 10), large},
		"a commit with its own pack":    append(many, large),
		"a commit of what is known too": append(many[:230:230], kept, small),
	} {
		t.Run(name, func(t *testing.T) {
			everyFailure(t, func(t *testing.T, dir string, d fs.Disk) error {
				s, err := fs.OpenOn(dir, d)
				if err != nil {
					return err
				}
				defer s.Close()
				err = commit(s, contents)
				wantAllOrNone(t, s, contents, err)
				for _, c := range contents {
					if err == nil {
						wantThere(t, s, c)
					}
				}
				return err
			}, func(t *testing.T, s *fs.Store) {
				wantAllOrNone(t, s, contents, nil)
				blobtest.Put(t, s, contents...)
				for _, c := range contents {
					wantThere(t, s, c)
				}
			})
		})
	}
}

// kept is in the store before anything fails.
var kept = blobtest.Bytes(50, 900)

// everyFailure gives act a folder with one blob and a disk that fails at the nth
// operation, for each n, and then look the folder opened on a good disk.
func everyFailure(t *testing.T, act func(*testing.T, string, fs.Disk) error, look func(*testing.T, *fs.Store)) {
	for n := 0; n < 200; n++ {
		var err error
		for _, done := range []bool{false, true} {
			dir := t.TempDir()
			s := open(t, dir)
			blobtest.Put(t, s, kept)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			left := n
			err = act(t, dir, failingDisk{left: &left, done: done})
			for range 2 {
				s = open(t, dir)
				look(t, s)
				wantThere(t, s, kept)
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				// And the same from the packs alone.
				if err := os.Remove(filepath.Join(dir, "index")); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err == nil {
			t.Logf("%d operations failed one by one", n)
			return
		}
	}
	t.Error("it never succeeded")
}

func commit(s blob.Store, contents [][]byte) error {
	b, err := s.Begin(context.Background())
	if err != nil {
		return err
	}
	defer b.Abort()
	for _, c := range contents {
		if _, _, err := b.Put(bytes.NewReader(c)); err != nil {
			return err
		}
	}
	return b.Commit()
}

// wantAllOrNone looks for what was not there before: all of it is there, or nothing.
func wantAllOrNone(t *testing.T, s *fs.Store, contents [][]byte, err error) {
	t.Helper()
	there, all := 0, 0
	for _, c := range contents {
		if bytes.Equal(c, kept) {
			continue
		}
		all++
		has, herr := s.Has(context.Background(), sha256.Sum256(c))
		if herr != nil {
			t.Fatal(herr)
		}
		if has {
			wantThere(t, s, c)
			there++
		}
	}
	if there != 0 && there != all {
		t.Errorf("%d of %d new blobs are there after %v", there, all, err)
	}
}

func wantThere(t *testing.T, s *fs.Store, want []byte) {
	t.Helper()
	if got, err := blobtest.Read(s, sha256.Sum256(want)); err != nil || !bytes.Equal(got, want) {
		t.Errorf("a blob of %d bytes: read %d, %v", len(want), len(got), err)
	}
}

// A deletion that fails leaves the blob whole or away, and once it is away it does
// not come back, not even from the packs alone.
func TestDeleteFailsAnywhere(t *testing.T) {
	for _, size := range []int{3000, 2 << 20} {
		c := blobtest.Bytes(1, size)
		everyFailure(t, func(t *testing.T, dir string, d fs.Disk) error {
			s := open(t, dir)
			blobtest.Put(t, s, c)
			s.Close()
			s, err := fs.OpenOn(dir, d)
			if err != nil {
				return err
			}
			defer s.Close()
			return s.Delete(context.Background(), sha256.Sum256(c))
		}, func(t *testing.T, s *fs.Store) {
			has, err := s.Has(context.Background(), sha256.Sum256(c))
			if err != nil {
				t.Fatal(err)
			}
			if has {
				wantThere(t, s, c)
			}
			if err := s.Delete(context.Background(), sha256.Sum256(c)); err != nil {
				t.Errorf("delete again: %v", err)
			}
		})
	}
}

// Bytes that were deleted are not in any file of the folder.
func TestDeletedBytesAreOverwritten(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	var contents [][]byte
	for i := range 700 {
		contents = append(contents, blobtest.Bytes(uint64(i), 15000))
	}
	victims := [][]byte{contents[20], contents[600], blobtest.Bytes(9009, 2<<20), blobtest.Bytes(8008, 500)}
	blobtest.Put(t, s, victims[0], victims[3])                      // in the first pack
	blobtest.Put(t, s, append(contents, victims[2], victims[0])...) // the same again in a pack of its own
	for _, v := range victims {
		if err := s.Delete(context.Background(), sha256.Sum256(v)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		all, err := os.ReadFile(path)
		for i, v := range victims {
			if bytes.Contains(all, v[100:130]) {
				t.Errorf("%s still holds bytes of deleted blob %d", filepath.Base(path), i)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(filepath.Join(dir, "index"))
	s = open(t, dir)
	defer s.Close()
	for _, v := range victims {
		if has, _ := s.Has(context.Background(), sha256.Sum256(v)); has {
			t.Error("a deleted blob came back with the packs alone")
		}
	}
	wantThere(t, s, contents[300])
}

func TestDamageIsSeen(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.Close()
	blobtest.Put(t, s, blobtest.Bytes(1, 3000), blobtest.Bytes(2, 4000))
	files, offsets, _ := s.Places()
	for i := range files {
		if _, err := files[i].WriteAt([]byte("damage"), offsets[i]+17); err != nil {
			t.Fatal(err)
		}
	}
	for ref := range s.All(context.Background()) {
		if _, err := blobtest.Read(s, ref); !errors.Is(err, fault.Damaged) {
			t.Errorf("read: %v; want fault.Damaged", err)
		}
	}
}

// A damaged index costs nothing, and a damaged pack no more than what it held.
func TestDamagedIndexIsRebuilt(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for i := range 20 {
		blobtest.Put(t, s, blobtest.Bytes(uint64(i), 1000))
	}
	s.Close()
	path := filepath.Join(dir, "index")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(whole); at += 37 {
		changed := bytes.Clone(whole)
		changed[at] ^= 0x10
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, dir)
		for i := range 20 {
			wantThere(t, s, blobtest.Bytes(uint64(i), 1000))
		}
		s.Close()
	}
}

func TestOneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	defer s.Close()
	if _, err := fs.Open(dir); !errors.Is(err, fault.Busy) {
		t.Errorf("open twice: %v; want fault.Busy", err)
	}
}
