package publog

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"daylight/fault"
)

const checkpointPath = "checkpoint"

// Log is a publication log in a store. The desk and every archive keep one, by the
// same means: each release is an Update, and Apply takes it or refuses it whole. It
// is safe for concurrent use; the store belongs to one writing process at a time.
type Log struct {
	store Store
	keys  Keys

	mu     sync.RWMutex
	edge   *edge
	signed []byte // the checkpoint as a signed note, nil while the log is empty
	now    Checkpoint
}

// Update is what one release does to the log.
type Update struct {
	From       Frontier               // the log that it continues
	Leaves     iter.Seq2[Leaf, error] // what it adds, in order
	Checkpoint []byte                 // the signed note over the result
}

// Open reads the log of a store; an empty store is an empty log. It returns
// fault.Unverified when the checkpoint is not signed by one of the keys and
// fault.Damaged when the tiles' edge does not give the checkpoint's root.
func Open(s Store, keys Keys) (*Log, error) {
	l := &Log{store: s, keys: keys, edge: &edge{}}
	signed, err := s.Get(checkpointPath)
	if errors.Is(err, fault.NotFound) {
		return l, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open publication log: %w", err)
	}
	if l.now, _, err = OpenCheckpoint(signed, keys); err != nil {
		return nil, fmt.Errorf("open publication log: %w", err)
	}
	if l.edge, err = readEdge(s, l.now.Size); err != nil {
		return nil, fmt.Errorf("open publication log: %w", err)
	}
	if l.edge.frontier().Root() != l.now.Root {
		return nil, fmt.Errorf("open publication log: the tiles do not give the root of the checkpoint: %w", fault.Damaged)
	}
	l.signed = signed
	return l, nil
}

// Frontier is what the next update has to continue.
func (l *Log) Frontier() Frontier {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.edge.frontier()
}

// Checkpoint is the last one, and as the signed note that it came in. The note is
// nil while the log is empty.
func (l *Log) Checkpoint() (Checkpoint, []byte) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.now, slices.Clone(l.signed)
}

// Apply continues the log, durably. It returns
//
//   - fault.Conflict when the update continues another size than the log has: the
//     release is old, or one before it is missing;
//   - fault.Unverified when the update continues a log with other leaves, when its
//     checkpoint is not signed by a known key, belongs to another log, or is not
//     what the leaves give.
//
// After an error the log is what it was.
func (l *Log) Apply(u Update) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	next, _, err := OpenCheckpoint(u.Checkpoint, l.keys)
	if err != nil {
		return fmt.Errorf("apply to publication log: %w", err)
	}
	if err := Follows(l.now.Origin, l.edge.frontier(), u.From, next); err != nil {
		return fmt.Errorf("apply to publication log: %w", err)
	}
	grown, err := l.write(u.Leaves)
	if err != nil {
		return fmt.Errorf("apply to publication log: %w", err)
	}
	if f := grown.frontier(); f.Size() != next.Size || f.Root() != next.Root {
		return fmt.Errorf("apply to publication log: the leaves do not give the root of the checkpoint: %w", fault.Unverified)
	}
	// The order makes it safe: a crash before the checkpoint leaves tiles that no
	// checkpoint names, and the next Apply writes over them.
	if err := l.store.Sync(); err != nil {
		return fmt.Errorf("apply to publication log: %w", err)
	}
	if err := l.store.Put(checkpointPath, u.Checkpoint); err != nil {
		return fmt.Errorf("apply to publication log: %w", err)
	}
	if err := l.store.Sync(); err != nil {
		return fmt.Errorf("apply to publication log: %w", err)
	}
	l.edge, l.now, l.signed = grown, next, slices.Clone(u.Checkpoint)
	return nil
}

// Follows says why a checkpoint cannot be the next of a log that has the frontier
// have and the name origin ("" before its first checkpoint), when the update says
// that it continues from. It is everything that can be said before the leaves.
func Follows(origin string, have, from Frontier, next Checkpoint) error {
	switch {
	case origin != "" && origin != next.Origin:
		return fmt.Errorf("the checkpoint belongs to the log %q, this is %q: %w", next.Origin, origin, fault.Unverified)
	case from.Size() > have.Size():
		return fmt.Errorf("it continues a log of %d leaves and this one has %d, so a release before it is missing: %w",
			from.Size(), have.Size(), fault.Conflict)
	case from.Size() < have.Size():
		return fmt.Errorf("it continues a log of %d leaves and this one has %d already: %w",
			from.Size(), have.Size(), fault.Conflict)
	case !from.Equal(have):
		return fmt.Errorf("it continues another history of %d leaves than the one known here: %w", from.Size(), fault.Unverified)
	case next.Size < from.Size():
		return fmt.Errorf("the checkpoint has %d leaves after %d: %w", next.Size, from.Size(), fault.Unverified)
	}
	return nil
}

// write appends leaves to a copy of the edge and writes their tiles.
func (l *Log) write(leaves iter.Seq2[Leaf, error]) (*edge, error) {
	e := &edge{size: l.edge.size, entries: slices.Clone(l.edge.entries)}
	for _, level := range l.edge.levels {
		e.levels = append(e.levels, slices.Clone(level))
	}
	for leaf, err := range leaves {
		if err != nil {
			return nil, err
		}
		if err := e.add(l.store, leaf); err != nil {
			return nil, err
		}
	}
	return e, e.flush(l.store)
}

// Proof says that a leaf stands at Index in the log of a checkpoint.
type Proof struct {
	Index      int64
	Path       []Hash // from the leaf's sibling up to the root's child
	Checkpoint []byte // signed note
}

// Prove returns the proof of one leaf under the last checkpoint, or
// fault.NotFound. The tiles are checked on the way.
func (l *Log) Prove(index int64) (Proof, error) {
	now, signed := l.Checkpoint()
	if index < 0 || index >= now.Size {
		return Proof{}, fmt.Errorf("prove leaf %d of %d: %w", index, now.Size, fault.NotFound)
	}
	path, err := tlog.ProveRecord(now.Size, index, l.hashes(now))
	if err != nil {
		return Proof{}, fmt.Errorf("prove leaf %d of %d: %w: %w", index, now.Size, fault.Damaged, err)
	}
	return Proof{index, path, signed}, nil
}

// ProveGrowth returns the proof that the log of the last checkpoint begins with
// the first size leaves of it, for somebody who holds a checkpoint of that size.
func (l *Log) ProveGrowth(size int64) ([]Hash, error) {
	now, _ := l.Checkpoint()
	if size < 1 || size > now.Size {
		return nil, fmt.Errorf("prove growth from %d to %d: %w", size, now.Size, fault.NotFound)
	}
	proof, err := tlog.ProveTree(now.Size, size, l.hashes(now))
	if err != nil {
		return nil, fmt.Errorf("prove growth from %d to %d: %w: %w", size, now.Size, fault.Damaged, err)
	}
	return proof, nil
}

// CheckGrowth checks what ProveGrowth gives. It returns fault.Unverified when the
// later log does not begin with the earlier one.
func CheckGrowth(proof []Hash, earlier, later Checkpoint) error {
	if earlier.Origin != later.Origin {
		return fmt.Errorf("growth: checkpoints of two logs: %w", fault.Unverified)
	}
	if err := tlog.CheckTree(proof, later.Size, later.Root, earlier.Size, earlier.Root); err != nil {
		return fmt.Errorf("growth from %d to %d: %w: %w", earlier.Size, later.Size, fault.Unverified, err)
	}
	return nil
}

// Leaf returns one leaf, or fault.NotFound.
func (l *Log) Leaf(index int64) (Leaf, error) {
	now, _ := l.Checkpoint()
	if index < 0 || index >= now.Size {
		return Leaf{}, fmt.Errorf("leaf %d of %d: %w", index, now.Size, fault.NotFound)
	}
	width := int(min(tileWidth, now.Size-index/tileWidth*tileWidth))
	leaves, err := getEntries(l.store, index/tileWidth, width)
	if err != nil {
		return Leaf{}, fmt.Errorf("leaf %d: %w", index, err)
	}
	return leaves[index%tileWidth], nil
}

func (l *Log) hashes(now Checkpoint) tlog.HashReader {
	return tlog.TileHashReader(tlog.Tree{N: now.Size, Hash: now.Root}, tileReader{l.store})
}

// Check checks a proof: that leaf stands in the log of the checkpoint, and that
// known keys signed that checkpoint. It returns fault.Unverified when not.
func (p Proof) Check(leaf Leaf, keys Keys) (Checkpoint, Signed, error) {
	c, by, err := OpenCheckpoint(p.Checkpoint, keys)
	if err != nil {
		return c, by, err
	}
	if p.Index < 0 || p.Index >= c.Size {
		return c, by, fmt.Errorf("leaf %d in a log of %d: %w", p.Index, c.Size, fault.Unverified)
	}
	if err := tlog.CheckRecord(p.Path, c.Size, c.Root, p.Index, leaf.hash()); err != nil {
		return c, by, fmt.Errorf("leaf %d in a log of %d: %w: %w", p.Index, c.Size, fault.Unverified, err)
	}
	return c, by, nil
}
