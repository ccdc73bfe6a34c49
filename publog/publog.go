// Package publog is the publication log: the append-only, signed list of every act
// of publication. Each entry of each release puts one leaf into it, a salted
// commitment that tells nothing without the entry. Who holds the same releases
// computes the same log; who shows somebody another log can be caught with two
// checkpoints.
//
// The tree is that of RFC 6962, the files are laid out as C2SP tlog-tiles, the
// checkpoints are C2SP tlog-checkpoints, signed with Ed25519; SPEC.md has the
// details. The package promises that a log only ever grows, and refuses a
// checkpoint that does not follow from the one before. It does not know what an
// entry is; package release does.
package publog

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"daylight/fault"
)

// Hash is a node of the tree.
type Hash = tlog.Hash

// Leaf is what the log holds for one entry: a commitment, never the entry.
type Leaf [sha256.Size]byte

// hash is the leaf's node in the tree. RFC 6962, 2.1.
func (l Leaf) hash() Hash { return tlog.RecordHash(l[:]) }

// Frontier is what one has to know of a log to continue it: its size and the
// roots of the full subtrees that it consists of, the largest first. The zero
// value is the empty log. A copy shares nothing that Append changes.
type Frontier struct {
	size  int64
	roots []Hash
}

// NewFrontier makes a frontier of its parts. It returns fault.Invalid when the
// number of roots is not the number of ones in the binary form of size.
func NewFrontier(size int64, roots []Hash) (Frontier, error) {
	ones := 0
	for n := size; n > 0; n &= n - 1 {
		ones++
	}
	if size < 0 || len(roots) != ones {
		return Frontier{}, fmt.Errorf("frontier of size %d with %d roots: %w", size, len(roots), fault.Invalid)
	}
	return Frontier{size, append([]Hash(nil), roots...)}, nil
}

// Size is the number of leaves.
func (f Frontier) Size() int64 { return f.size }

// Roots are the subtrees' roots, the largest subtree first.
func (f Frontier) Roots() []Hash { return append([]Hash(nil), f.roots...) }

// Append adds a leaf.
func (f *Frontier) Append(leaf Leaf) {
	h := leaf.hash()
	roots := f.roots
	for n := f.size; n&1 == 1; n >>= 1 {
		last := len(roots) - 1
		h = tlog.NodeHash(roots[last], h)
		roots = roots[:last]
	}
	// A full copy of at most 63 hashes: cheaper than a rule about sharing.
	f.roots = append(roots[:len(roots):len(roots)], h)
	f.size++
}

// Root is the root of the whole tree. RFC 6962, 2.1: that of the empty tree is
// the hash of nothing.
func (f Frontier) Root() Hash { return fold(f.roots) }

// Equal reports whether both are the same log.
func (f Frontier) Equal(g Frontier) bool { return f.size == g.size && f.Root() == g.Root() }

// fold joins subtrees of falling size, which stand from left to right.
func fold(roots []Hash) Hash {
	if len(roots) == 0 {
		return sha256.Sum256(nil)
	}
	h := roots[len(roots)-1]
	for i := len(roots) - 2; i >= 0; i-- {
		h = tlog.NodeHash(roots[i], h)
	}
	return h
}

// ParseHash reads the base64 form of a hash and nothing that merely decodes to it.
func ParseHash(s string) (Hash, error) {
	h, err := tlog.ParseHash(s)
	if err != nil || base64.StdEncoding.EncodeToString(h[:]) != s {
		return Hash{}, fmt.Errorf("hash %q: want 44 characters of base64: %w", s, fault.Damaged)
	}
	return h, nil
}
