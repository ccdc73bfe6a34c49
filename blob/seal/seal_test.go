package seal_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"daylight/blob"
	"daylight/blob/blobtest"
	"daylight/blob/fs"
	"daylight/blob/mem"
	"daylight/blob/seal"
	"daylight/fault"
)

var key = blobtest.Bytes(77, seal.KeySize)

func sealed(t testing.TB, inner blob.Namer, key []byte) blob.Store {
	t.Helper()
	s, err := seal.New(inner, key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func folder(t testing.TB, dir string) *fs.Store {
	t.Helper()
	s, err := fs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store { return sealed(t, mem.New(), key) })
}

func TestStoreOverFolder(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store { return sealed(t, folder(t, t.TempDir()), key) })
}

// Neither the bytes nor the hash of a blob are in the folder, in any file or name.
func TestFolderTellsNothing(t *testing.T) {
	dir := t.TempDir()
	s := sealed(t, folder(t, dir), key)
	contents := [][]byte{
		bytes.Repeat([]byte("the minister's letter "), 30),
		bytes.Repeat([]byte("the minister's ledger "), 100_000),
	}
	var needles [][]byte
	for _, ref := range blobtest.Put(t, s, contents...) {
		needles = append(needles, ref[:], []byte(hex.EncodeToString(ref[:8])))
	}
	needles = append(needles, []byte("minister"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		for _, n := range needles {
			if bytes.Contains(b, n) || bytes.Contains([]byte(d.Name()), n) {
				t.Errorf("%s tells %q", d.Name(), n)
			}
		}
		return err
	})
	if err != nil || files < 4 {
		t.Errorf("%d files, %v; want the pack, the large blob, index and lock", files, err)
	}
}

func TestAnotherKeyFindsNothing(t *testing.T) {
	inner := mem.New()
	ref := blobtest.Put(t, sealed(t, inner, key), []byte("text"))[0]
	other := sealed(t, inner, blobtest.Bytes(78, seal.KeySize))
	if _, err := other.Open(context.Background(), ref); !errors.Is(err, fault.NotFound) {
		t.Errorf("open with another key: %v; want fault.NotFound", err)
	}
	if _, err := seal.New(inner, key[:31]); !errors.Is(err, fault.Invalid) {
		t.Errorf("a short key: %v; want fault.Invalid", err)
	}
}

// Whatever somebody does to the sealed bytes, no wrong byte comes out.
func TestTampering(t *testing.T) {
	ctx := context.Background()
	plain := blobtest.Bytes(5, 150_000) // three chunks
	inner := mem.New()
	s := sealed(t, inner, key)
	refs := blobtest.Put(t, s, plain, blobtest.Bytes(6, 150_000))
	var names []blob.Ref
	for name := range inner.All(ctx) {
		names = append(names, name)
	}
	first, err := blobtest.Read(inner, names[0])
	if err != nil {
		t.Fatal(err)
	}
	second, err := blobtest.Read(inner, names[1])
	if err != nil {
		t.Fatal(err)
	}
	const header, chunk = 33, 64<<10 + 16
	swapped := append(append(bytes.Clone(first[:header]), first[header+chunk:header+2*chunk]...), first[header:header+chunk]...)
	swapped = append(swapped, first[header+2*chunk:]...)
	cases := map[string][]byte{
		"the other blob":       second,
		"chunks exchanged":     swapped,
		"cut after a chunk":    first[:header+2*chunk],
		"cut in a chunk":       first[:header+chunk+100],
		"cut in the header":    first[:10],
		"nothing":              {},
		"longer":               append(bytes.Clone(first), 0),
		"another version":      append([]byte{1}, first[1:]...),
		"a chunk of the other": append(append(bytes.Clone(first[:header]), second[header:header+chunk]...), first[header+chunk:]...),
	}
	for i := 0; i < len(first); i += 997 {
		changed := bytes.Clone(first)
		changed[i] ^= 4
		wantDamaged(t, inner, s, names[0], refs, changed, "a changed byte")
	}
	for name, c := range cases {
		wantDamaged(t, inner, s, names[0], refs, c, name)
	}
}

// wantDamaged puts other sealed bytes under a name and reads both blobs.
func wantDamaged(t *testing.T, inner blob.Namer, s blob.Store, name blob.Ref, refs []blob.Ref, bytes []byte, what string) {
	t.Helper()
	replace(t, inner, name, bytes)
	damaged := 0
	for _, ref := range refs {
		r, err := s.Open(context.Background(), ref)
		if err == nil {
			_, err = io.ReadAll(r)
			r.Close()
		}
		if errors.Is(err, fault.Damaged) {
			damaged++
		} else if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if damaged != 1 {
		t.Errorf("%s: %d blobs damaged; want that one", what, damaged)
	}
}

func replace(t *testing.T, inner blob.Namer, name blob.Ref, content []byte) {
	t.Helper()
	ctx := context.Background()
	if err := inner.Delete(ctx, name); err != nil {
		t.Fatal(err)
	}
	b, err := inner.BeginNamed(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.PutNamed(bytes.NewReader(content), func() blob.Ref { return name }); err != nil {
		t.Fatal(err)
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkPut(b *testing.B) {
	s := sealed(b, mem.New(), key)
	content := blobtest.Bytes(1, 64<<20)
	b.SetBytes(int64(len(content)))
	for i := 0; b.Loop(); i++ {
		content[0] = byte(i)
		ref := blobtest.Put(b, s, content)[0]
		b.StopTimer()
		s.Delete(context.Background(), ref)
		b.StartTimer()
	}
}

func BenchmarkPutSmall(b *testing.B) {
	s := sealed(b, mem.New(), key)
	content := blobtest.Bytes(1, 4096)
	batch, err := s.Begin(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	defer batch.Abort()
	for b.Loop() {
		if _, _, err := batch.Put(bytes.NewReader(content)); err != nil {
			b.Fatal(err)
		}
	}
}
