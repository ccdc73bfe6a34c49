package publog_test

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"daylight/fault"
	"daylight/publog"
)

const origin = "example.org/daylight"

// newsroom has a key pair and makes updates.
type newsroom struct {
	signer publog.Signer
	keys   publog.Keys
}

func newNewsroom(t testing.TB) newsroom {
	t.Helper()
	private, public, err := publog.GenerateKey("example.org/desk")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := publog.ParseSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := publog.ParseKeys("# the desk\n\n" + public + "\n")
	if err != nil {
		t.Fatal(err)
	}
	return newsroom{signer, keys}
}

func (n newsroom) update(t testing.TB, from publog.Frontier, leaves []publog.Leaf) publog.Update {
	t.Helper()
	to := from
	for _, l := range leaves {
		to.Append(l)
	}
	signed, err := publog.Checkpoint{Origin: origin, Size: to.Size(), Root: to.Root()}.Sign(n.signer)
	if err != nil {
		t.Fatal(err)
	}
	return publog.Update{From: from, Leaves: each(leaves), Checkpoint: signed}
}

func each(leaves []publog.Leaf) iter.Seq2[publog.Leaf, error] {
	return func(yield func(publog.Leaf, error) bool) {
		for _, l := range leaves {
			if !yield(l, nil) {
				return
			}
		}
	}
}

func leaf(n int) publog.Leaf { return sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n))) }

func leaves(from, to int) []publog.Leaf {
	var l []publog.Leaf
	for ; from < to; from++ {
		l = append(l, leaf(from))
	}
	return l
}

func open(t testing.TB, s publog.Store, keys publog.Keys) *publog.Log {
	t.Helper()
	l, err := publog.Open(s, keys)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// reference computes the tree with package tlog's own storage, as an oracle.
type reference struct{ hashes []tlog.Hash }

func (r *reference) add(t testing.TB, n int) {
	l := leaf(n)
	more, err := tlog.StoredHashes(int64(n), l[:], r)
	if err != nil {
		t.Fatal(err)
	}
	r.hashes = append(r.hashes, more...)
}

func (r *reference) ReadHashes(index []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(index))
	for i, n := range index {
		out[i] = r.hashes[n]
	}
	return out, nil
}

func TestFrontierAgreesWithReference(t *testing.T) {
	var f publog.Frontier
	var ref reference
	for n := range 1100 {
		want, err := tlog.TreeHash(int64(n), &ref)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Root(); got != want {
			t.Fatalf("root of %d leaves: %v; want %v", n, got, want)
		}
		again, err := publog.NewFrontier(f.Size(), f.Roots())
		if err != nil || !again.Equal(f) {
			t.Fatalf("frontier of %d from its parts: %v", n, err)
		}
		f.Append(leaf(n))
		ref.add(t, n)
	}
}

// The sizes end before, at and after the edges of bundles and of the second level.
func TestLogGrowsAndProves(t *testing.T) {
	stores := map[string]publog.Store{"memory": publog.Memory(), "folder": publog.Folder(t.TempDir())}
	for name, store := range stores {
		t.Run(name, func(t *testing.T) {
			desk := newNewsroom(t)
			log := open(t, store, desk.keys)
			var earlier []publog.Checkpoint
			size := 0
			for _, next := range []int{1, 2, 255, 256, 257, 511, 512, 513, 65535, 65536, 65537, 66000} {
				if err := log.Apply(desk.update(t, log.Frontier(), leaves(size, next))); err != nil {
					t.Fatalf("grow from %d to %d: %v", size, next, err)
				}
				size = next
				now, _ := log.Checkpoint()
				for _, old := range earlier {
					proof, err := log.ProveGrowth(old.Size)
					if err != nil {
						t.Fatal(err)
					}
					if err := publog.CheckGrowth(proof, old, now); err != nil {
						t.Errorf("growth %d to %d: %v", old.Size, now.Size, err)
					}
				}
				earlier = append(earlier, now)
				for _, i := range []int{0, size / 2, size - 1} {
					proveAndCheck(t, log, desk, i)
				}
				log = open(t, store, desk.keys) // from the tiles alone
				if got, _ := log.Checkpoint(); got != now {
					t.Fatalf("opened again: %v; want %v", got, now)
				}
			}
		})
	}
}

func proveAndCheck(t *testing.T, log *publog.Log, desk newsroom, i int) {
	t.Helper()
	if got, err := log.Leaf(int64(i)); err != nil || got != leaf(i) {
		t.Errorf("leaf %d: %x, %v", i, got, err)
	}
	proof, err := log.Prove(int64(i))
	if err != nil {
		t.Fatal(err)
	}
	if _, by, err := proof.Check(leaf(i), desk.keys); err != nil || !slices.Equal(by.By, []string{"example.org/desk"}) {
		t.Errorf("proof of leaf %d: signed by %v, %v", i, by, err)
	}
	if _, _, err := proof.Check(leaf(i+1), desk.keys); !errors.Is(err, fault.Unverified) {
		t.Errorf("proof of leaf %d for another leaf: %v; want fault.Unverified", i, err)
	}
}

func TestTilePaths(t *testing.T) {
	store := recorder{publog.Memory(), map[string]int{}}
	desk := newNewsroom(t)
	log := open(t, store, desk.keys)
	if err := log.Apply(desk.update(t, log.Frontier(), leaves(0, 70000))); err != nil {
		t.Fatal(err)
	}
	// 70,000 = 273·256 + 112 and 273 = 1·256 + 17.
	want := map[string]int{
		"checkpoint":             -1,
		"tile/0/000":             256 * 32,
		"tile/0/272":             256 * 32,
		"tile/0/273.p/112":       112 * 32,
		"tile/1/000":             256 * 32,
		"tile/1/001.p/17":        17 * 32,
		"tile/2/000.p/1":         32,
		"tile/entries/000":       256 * 34,
		"tile/entries/273.p/112": 112 * 34,
	}
	for path, size := range want {
		if got, ok := store.sizes[path]; !ok || size >= 0 && got != size {
			t.Errorf("%s: %d bytes, there: %t; want %d", path, got, ok, size)
		}
	}
	if n := len(store.sizes); n != 274+2+1+274+1 {
		t.Errorf("%d files; want 552", n)
	}
}

type recorder struct {
	publog.Store
	sizes map[string]int
}

func (r recorder) Put(path string, data []byte) error {
	r.sizes[path] = len(data)
	return r.Store.Put(path, data)
}

func TestApplyRefuses(t *testing.T) {
	desk, other := newNewsroom(t), newNewsroom(t)
	base := func(t *testing.T) *publog.Log {
		log := open(t, publog.Memory(), desk.keys)
		if err := log.Apply(desk.update(t, log.Frontier(), leaves(0, 300))); err != nil {
			t.Fatal(err)
		}
		return log
	}
	fork := func(n int) (f publog.Frontier) {
		for i := range n {
			f.Append(leaf(i + 1))
		}
		return f
	}
	now := base(t).Frontier()
	short, lied := desk.update(t, now, leaves(300, 310)), desk.update(t, now, leaves(300, 310))
	short.Leaves, lied.Leaves = each(leaves(300, 309)), each(leaves(301, 311))
	broken := desk.update(t, now, leaves(300, 310))
	broken.Leaves = func(yield func(publog.Leaf, error) bool) { yield(publog.Leaf{}, errors.New("disk gone")) }
	renamed := desk.update(t, now, leaves(300, 310))
	renamed.Checkpoint, _ = publog.Checkpoint{Origin: "example.org/other", Size: now.Size(), Root: now.Root()}.Sign(desk.signer)
	shrunk := desk.update(t, now, nil)
	shrunk.Checkpoint, _ = publog.Checkpoint{Origin: origin, Size: 299, Root: fork(299).Root()}.Sign(desk.signer)

	for name, c := range map[string]struct {
		update publog.Update
		kind   error
	}{
		"a release again":         {desk.update(t, publog.Frontier{}, leaves(0, 300)), fault.Conflict},
		"a release missing":       {desk.update(t, fork(400), leaves(400, 410)), fault.Conflict},
		"another history":         {desk.update(t, fork(300), leaves(300, 310)), fault.Unverified},
		"another key":             {other.update(t, now, leaves(300, 310)), fault.Unverified},
		"another log":             {renamed, fault.Unverified},
		"a smaller log":           {shrunk, fault.Unverified},
		"a leaf less":             {short, fault.Unverified},
		"other leaves":            {lied, fault.Unverified},
		"leaves that do not come": {broken, nil},
	} {
		t.Run(name, func(t *testing.T) {
			log := base(t)
			err := log.Apply(c.update)
			if err == nil || c.kind != nil && !errors.Is(err, c.kind) {
				t.Errorf("apply: %v; want %v", err, c.kind)
			}
			if !log.Frontier().Equal(now) {
				t.Error("the log changed")
			}
			if err := log.Apply(desk.update(t, log.Frontier(), leaves(300, 600))); err != nil {
				t.Errorf("a good update afterwards: %v", err)
			}
			proveAndCheck(t, log, desk, 299)
		})
	}
}

// A store that stops at any point of an update, with and without having written,
// opens as the old log or as the new one.
func TestApplySurvivesAnyFailure(t *testing.T) {
	desk := newNewsroom(t)
	for stop := 0; ; stop++ {
		for _, written := range []bool{false, true} {
			store := publog.Memory()
			log := open(t, store, desk.keys)
			if err := log.Apply(desk.update(t, log.Frontier(), leaves(0, 300))); err != nil {
				t.Fatal(err)
			}
			update := desk.update(t, log.Frontier(), leaves(300, 800))
			err := open(t, &failing{store, stop, written}, desk.keys).Apply(update)
			after := open(t, store, desk.keys)
			if size := after.Frontier().Size(); size != 300 && size != 800 {
				t.Fatalf("stopped at %d: %d leaves", stop, size)
			} else if size == 300 {
				if err := after.Apply(update); err != nil {
					t.Fatalf("stopped at %d: apply again: %v", stop, err)
				}
			}
			for _, i := range []int{0, 299, 300, 799} {
				proveAndCheck(t, after, desk, i)
			}
			if err == nil {
				return // it had no more to do
			}
		}
	}
}

// failing fails at the nth write and at all that follow.
type failing struct {
	publog.Store
	left    int
	written bool
}

func (f *failing) Put(path string, data []byte) error {
	f.left--
	if f.left >= 0 {
		return f.Store.Put(path, data)
	}
	if f.left == -1 && f.written {
		f.Store.Put(path, data)
	}
	return fmt.Errorf("disk: %w", fault.Full)
}

func TestDamagedTilesAreSeen(t *testing.T) {
	desk := newNewsroom(t)
	for _, path := range []string{"tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "checkpoint"} {
		store := publog.Memory()
		log := open(t, store, desk.keys)
		if err := log.Apply(desk.update(t, log.Frontier(), leaves(0, 300))); err != nil {
			t.Fatal(err)
		}
		b, err := store.Get(path)
		if err != nil {
			t.Fatal(err)
		}
		b[20] ^= 1
		store.Put(path, b)
		again, err := publog.Open(store, desk.keys)
		if err == nil {
			_, err = again.Prove(5)
		}
		if !errors.Is(err, fault.Damaged) && !errors.Is(err, fault.Unverified) {
			t.Errorf("%s damaged: %v", path, err)
		}
	}
}

func TestKeysAreParsedStrictly(t *testing.T) {
	if _, err := publog.ParseKeys("example.org+12345678+nonsense"); !errors.Is(err, fault.Invalid) {
		t.Errorf("a wrong key: %v; want fault.Invalid", err)
	}
	private, public, err := publog.GenerateKey("desk")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := publog.ParseSigner(private[:60]); err == nil || strings.Contains(err.Error(), private[20:50]) {
		t.Errorf("a cut private key: %v; want an error that does not show it", err)
	}
	keys, err := publog.ParseKeys(public + "\n" + public)
	if err != nil || keys.Len() != 1 {
		t.Errorf("a key twice: %d keys, %v; want 1", keys.Len(), err)
	}
	if _, _, err := publog.GenerateKey("two words"); !errors.Is(err, fault.Invalid) {
		t.Errorf("a name with a space: %v; want fault.Invalid", err)
	}
}
