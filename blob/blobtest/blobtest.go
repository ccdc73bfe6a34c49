// Package blobtest proves that a store keeps the contract of package blob. Every
// backend and every wrapper calls Run; one that keeps bytes over a restart calls
// RunCrash as well, and one that takes names calls RunNamed.
package blobtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/iotest"

	"daylight/blob"
	"daylight/fault"
)

// sizes stand at the edges where stores change their mind: nothing, chunks of
// 64 KiB, what is small and what is large, what fits in a buffer.
var sizes = []int{0, 1, 100, 64<<10 - 1, 64 << 10, 64<<10 + 1, 1<<20 - 1, 1 << 20, 1<<20 + 1, 5<<20 + 7}

// Run runs the suite. Each call of open gives an empty store; Run closes it.
func Run(t *testing.T, open func(t *testing.T) blob.Store) {
	for name, test := range map[string]func(*testing.T, blob.Store){
		"what is put is read":          putIsRead,
		"nothing before commit":        nothingBeforeCommit,
		"abort":                        abort,
		"twice is not an error":        twice,
		"an error of the reader":       readerFails,
		"not there":                    notThere,
		"delete":                       deletes,
		"put again after delete":       putAfterDelete,
		"delete while a batch is open": deleteDuringBatch,
		"all":                          all,
		"seek and read at":             seekAndReadAt,
		"a batch of many":              many,
		"several at once":              severalAtOnce,
		"a context that has ended":     contextEnded,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			defer func() {
				if err := s.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			}()
			test(t, s)
		})
	}
}

// Bytes are n bytes that look random and depend on seed alone.
func Bytes(seed uint64, n int) []byte {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	b := make([]byte, n)
	rand.NewChaCha8(key).Read(b)
	return b
}

// Put commits contents in one batch and returns their refs.
func Put(t testing.TB, s blob.Store, contents ...[]byte) []blob.Ref {
	t.Helper()
	b := begin(t, s)
	defer b.Abort()
	var refs []blob.Ref
	for _, c := range contents {
		refs = append(refs, put(t, b, c))
	}
	if err := b.Commit(); err != nil {
		t.Fatalf("commit: %v", err)
	}
	return refs
}

func begin(t testing.TB, s blob.Store) blob.Batch {
	t.Helper()
	b, err := s.Begin(context.Background())
	if err != nil {
		t.Fatalf("begin: %v", err)
	}
	return b
}

func put(t testing.TB, b blob.Batch, content []byte) blob.Ref {
	t.Helper()
	ref, n, err := b.Put(bytes.NewReader(content))
	if err != nil || n != int64(len(content)) || ref != sha256.Sum256(content) {
		t.Fatalf("put %d bytes: %s, %d, %v", len(content), ref, n, err)
	}
	return ref
}

// Read reads a blob to its end, or says why it cannot.
func Read(s blob.Store, ref blob.Ref) ([]byte, error) {
	r, err := s.Open(context.Background(), ref)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err == nil && r.Size() != int64(len(b)) {
		err = fmt.Errorf("%d bytes; size says %d", len(b), r.Size())
	}
	return b, err
}

func wantContent(t testing.TB, s blob.Store, want []byte) {
	t.Helper()
	ref := blob.Ref(sha256.Sum256(want))
	if has, err := s.Has(context.Background(), ref); !has || err != nil {
		t.Errorf("has %d bytes: %t, %v; want true", len(want), has, err)
	}
	if got, err := Read(s, ref); err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %d bytes: %d bytes, equal: %t, %v", len(want), len(got), bytes.Equal(got, want), err)
	}
}

func wantNothing(t testing.TB, s blob.Store, ref blob.Ref) {
	t.Helper()
	if has, err := s.Has(context.Background(), ref); has || err != nil {
		t.Errorf("has: %t, %v; want false", has, err)
	}
	if _, err := s.Open(context.Background(), ref); !errors.Is(err, fault.NotFound) {
		t.Errorf("open: %v; want fault.NotFound", err)
	}
}

func refs(t testing.TB, s blob.Store) map[blob.Ref]int {
	t.Helper()
	got := map[blob.Ref]int{}
	for ref, err := range s.All(context.Background()) {
		if err != nil {
			t.Fatalf("all: %v", err)
		}
		got[ref]++
	}
	return got
}

func putIsRead(t *testing.T, s blob.Store) {
	var contents [][]byte
	for i, n := range sizes {
		contents = append(contents, Bytes(uint64(i), n))
	}
	Put(t, s, contents...)
	for _, c := range contents {
		wantContent(t, s, c)
	}
	for i, n := range sizes { // and each in a batch of its own
		c := Bytes(uint64(100+i), n+3)
		Put(t, s, c)
		wantContent(t, s, c)
	}
}

func nothingBeforeCommit(t *testing.T, s blob.Store) {
	b := begin(t, s)
	defer b.Abort()
	small, large := put(t, b, Bytes(1, 1000)), put(t, b, Bytes(2, 3<<20))
	wantNothing(t, s, small)
	wantNothing(t, s, large)
	if n := len(refs(t, s)); n != 0 {
		t.Errorf("all before commit: %d; want 0", n)
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	wantContent(t, s, Bytes(1, 1000))
	wantContent(t, s, Bytes(2, 3<<20))
	if err := b.Abort(); err != nil {
		t.Errorf("abort after commit: %v", err)
	}
	wantContent(t, s, Bytes(1, 1000))
}

func abort(t *testing.T, s blob.Store) {
	b := begin(t, s)
	small, large := put(t, b, Bytes(1, 1000)), put(t, b, Bytes(2, 3<<20))
	if err := b.Abort(); err != nil {
		t.Fatalf("abort: %v", err)
	}
	wantNothing(t, s, small)
	wantNothing(t, s, large)
	if err := b.Commit(); err == nil {
		t.Error("commit after abort was accepted")
	}
	if _, _, err := b.Put(bytes.NewReader(nil)); err == nil {
		t.Error("put after abort was accepted")
	}
	if err := b.Abort(); err != nil {
		t.Errorf("abort twice: %v", err)
	}
}

func twice(t *testing.T, s blob.Store) {
	small, large := Bytes(1, 1000), Bytes(2, 3<<20)
	Put(t, s, small, small, large, large)
	Put(t, s, large, small)
	first, second := begin(t, s), begin(t, s)
	other := Bytes(3, 2<<20)
	put(t, first, other)
	put(t, second, other)
	put(t, second, small)
	if err := errors.Join(first.Commit(), second.Commit()); err != nil {
		t.Fatalf("the same bytes in two batches: %v", err)
	}
	for _, c := range [][]byte{small, large, other} {
		wantContent(t, s, c)
	}
	for ref, n := range refs(t, s) {
		if n != 1 {
			t.Errorf("all: %s %d times; want once", ref, n)
		}
	}
}

func readerFails(t *testing.T, s blob.Store) {
	b := begin(t, s)
	defer b.Abort()
	broken := errors.New("the line went dead")
	for _, n := range []int{0, 10, 100 << 10, 3 << 20} {
		r := io.MultiReader(bytes.NewReader(Bytes(9, n)), iotest.ErrReader(broken))
		if _, _, err := b.Put(r); !errors.Is(err, broken) {
			t.Errorf("put of a reader that fails after %d bytes: %v; want its error", n, err)
		}
		put(t, b, Bytes(uint64(n), 500))
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	if got := refs(t, s); len(got) != 4 {
		t.Errorf("%d blobs; want the 4 whose readers did not fail", len(got))
	}
	wantContent(t, s, Bytes(3<<20, 500))
	wantNothing(t, s, sha256.Sum256(Bytes(9, 10)))
}

func notThere(t *testing.T, s blob.Store) {
	wantNothing(t, s, blob.Ref{1})
	if err := s.Delete(context.Background(), blob.Ref{1}); err != nil {
		t.Errorf("delete of what is not there: %v", err)
	}
	if n := len(refs(t, s)); n != 0 {
		t.Errorf("all of an empty store: %d", n)
	}
	if err := begin(t, s).Commit(); err != nil {
		t.Errorf("commit of an empty batch: %v", err)
	}
}

func deletes(t *testing.T, s blob.Store) {
	keep := [][]byte{Bytes(1, 1000), Bytes(2, 3<<20), Bytes(5, 0)}
	gone := Put(t, s, Bytes(3, 1000), Bytes(4, 3<<20))
	Put(t, s, keep...)
	open, err := s.Open(context.Background(), gone[0])
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	for range 2 {
		for _, ref := range gone {
			if err := s.Delete(context.Background(), ref); err != nil {
				t.Fatalf("delete: %v", err)
			}
			wantNothing(t, s, ref)
		}
	}
	for _, c := range keep {
		wantContent(t, s, c)
	}
	if n := len(refs(t, s)); n != len(keep) {
		t.Errorf("all: %d; want %d", n, len(keep))
	}
	// A reader from before may give the bytes or an error, never others.
	if b, err := io.ReadAll(open); err == nil && !bytes.Equal(b, Bytes(3, 1000)) {
		t.Error("a reader opened before the deletion gives other bytes without an error")
	}
}

func putAfterDelete(t *testing.T, s blob.Store) {
	for _, n := range []int{1000, 3 << 20} {
		c := Bytes(7, n)
		ref := Put(t, s, c)[0]
		for range 2 {
			if err := s.Delete(context.Background(), ref); err != nil {
				t.Fatal(err)
			}
			Put(t, s, c)
			wantContent(t, s, c)
		}
	}
}

// What a batch has taken is there after Commit, even when the same bytes were
// deleted in between.
func deleteDuringBatch(t *testing.T, s blob.Store) {
	small, large := Bytes(1, 1000), Bytes(2, 3<<20)
	before := Put(t, s, small, large)
	b := begin(t, s)
	defer b.Abort()
	put(t, b, small)
	put(t, b, large)
	for _, ref := range before {
		if err := s.Delete(context.Background(), ref); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	wantContent(t, s, small)
	wantContent(t, s, large)
}

func all(t *testing.T, s blob.Store) {
	want := map[blob.Ref]bool{}
	for i := range 50 {
		for _, ref := range Put(t, s, Bytes(uint64(i), i), Bytes(uint64(i), 2000)) {
			want[ref] = true
		}
	}
	got := refs(t, s)
	if len(got) != len(want) {
		t.Errorf("all: %d; want %d", len(got), len(want))
	}
	for ref := range want {
		if got[ref] != 1 {
			t.Errorf("all: %s %d times; want once", ref, got[ref])
		}
	}
	for range s.All(context.Background()) {
		break // stopping early is allowed
	}
	for ref, err := range s.All(context.Background()) { // so is changing the store on the way
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(context.Background(), ref); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(refs(t, s)); n != 0 {
		t.Errorf("all after deleting all: %d", n)
	}
}

func seekAndReadAt(t *testing.T, s blob.Store) {
	for i, n := range []int{0, 1000, 64 << 10, 200<<10 + 11, 3<<20 + 5} {
		c := Bytes(uint64(i), n)
		r, err := s.Open(context.Background(), Put(t, s, c)[0])
		if err != nil {
			t.Fatal(err)
		}
		// iotest reads, seeks and reads at many places and compares.
		if n < 100<<10 {
			if err := iotest.TestReader(r, c); err != nil {
				t.Errorf("%d bytes: %v", n, err)
			}
		}
		rng := rand.New(rand.NewPCG(1, uint64(n)))
		for range 50 {
			off := rng.Int64N(int64(n) + 1)
			buf := make([]byte, rng.IntN(150<<10))
			got, err := r.ReadAt(buf, off)
			want := c[off:min(int(off)+len(buf), n)]
			if !bytes.Equal(buf[:got], want) || (got < len(buf)) != (err == io.EOF) && got != len(want) {
				t.Fatalf("read %d at %d of %d: %d bytes, %v", len(buf), off, n, got, err)
			}
		}
		if _, err := r.Seek(-int64(n)/2, io.SeekEnd); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, c[n-n/2:]) {
			t.Errorf("second half of %d: %d bytes, %v", n, len(got), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

func many(t *testing.T, s blob.Store) {
	b := begin(t, s)
	defer b.Abort()
	for i := range 3000 {
		put(t, b, Bytes(uint64(i), 6000))
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 3000; i += 97 {
		wantContent(t, s, Bytes(uint64(i), 6000))
	}
}

func severalAtOnce(t *testing.T, s blob.Store) {
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 30 {
				// Half of it is the same in all of them.
				own, shared := Bytes(uint64(1000*g+i), 700), Bytes(uint64(i), 900)
				b, err := s.Begin(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				_, _, err1 := b.Put(bytes.NewReader(own))
				_, _, err2 := b.Put(bytes.NewReader(shared))
				if err := errors.Join(err1, err2, b.Commit()); err != nil {
					t.Error(err)
					return
				}
				wantContent(t, s, own)
				wantContent(t, s, shared)
				if i%10 == 0 {
					if err := s.Delete(context.Background(), sha256.Sum256(own)); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	if n := len(refs(t, s)); n != 4*27+30 {
		t.Errorf("%d blobs; want %d", n, 4*27+30)
	}
}

func contextEnded(t *testing.T, s blob.Store) {
	ctx, cancel := context.WithCancel(context.Background())
	b, err := s.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	put(t, b, Bytes(1, 10))
	cancel()
	if err := b.Commit(); !errors.Is(err, context.Canceled) {
		t.Errorf("commit after its context ended: %v; want context.Canceled", err)
	}
	b.Abort()
	wantNothing(t, s, sha256.Sum256(Bytes(1, 10)))
	if _, err := s.Begin(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("begin: %v; want context.Canceled", err)
	}
}
