package segment

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"daylight/corpus"
)

// commit makes a manifest with new segments and without the documents of these ids
// in the old ones. It is where a batch comes to be.
func (x *Index) commit(ctx context.Context, made []entry, gone map[corpus.DocumentID]bool) (err error) {
	x.write.Lock()
	defer x.write.Unlock()
	c, err := x.change()
	if err != nil {
		x.remove(made)
		return err
	}
	if err = c.bury(gone); err == nil {
		err = ctx.Err()
	}
	if err != nil {
		c.undo()
		x.remove(made)
		return err
	}
	if len(made) == 0 && !c.changed {
		return nil
	}
	c.next.Segments = append(c.next.Segments, made...)
	return c.write()
}

// change is a manifest being made of the one of the moment. x.write is held.
type change struct {
	x       *Index
	from    *snapshot
	next    *manifest
	changed bool
	written []string // files of tombstones
	old     []string // those that they replace
	dropped []*segment
}

func (x *Index) change() (*change, error) {
	if x.broken != nil {
		return nil, fmt.Errorf("an earlier write failed half way; open the index again: %w", x.broken)
	}
	if x.lock == nil {
		return nil, fs.ErrClosed
	}
	m := x.cur.manifest
	return &change{x: x, from: x.cur, next: &manifest{
		Analysis: analysis, Generation: m.Generation + 1, Next: x.next.Load(), Segments: slices.Clone(m.Segments),
	}}, nil
}

// bury deletes documents. A segment of which nothing is left is dropped.
func (c *change) bury(gone map[corpus.DocumentID]bool) (err error) {
	defer catch(&err)
	defer guard()()
	if len(gone) == 0 {
		return nil
	}
	ids := make([]corpus.DocumentID, 0, len(gone))
	for id := range gone {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b corpus.DocumentID) int { return compareIDs(a[:], b[:]) })
	kept := c.next.Segments[:0]
	for i, v := range c.from.views {
		e := c.next.Segments[i]
		var dead []uint32
		for _, id := range ids {
			if d, ok := v.find(id); ok && (v.alive == nil || v.alive.has(d)) {
				dead = append(dead, d)
			}
		}
		switch {
		case len(dead) == v.live:
			c.drop(v, e)
			continue
		case len(dead) > 0:
			if err := c.mark(&e, v.dead, dead); err != nil {
				return err
			}
		}
		kept = append(kept, e)
	}
	c.next.Segments = kept
	return nil
}

// mark writes tombstones for an entry: those before, and more.
func (c *change) mark(e *entry, before *roaring.Bitmap, more []uint32) error {
	all := roaring.BitmapOf(more...)
	if before != nil {
		all.Or(before)
	}
	d, err := writeTombstones(c.x.dir, e.Number, c.next.Generation, all)
	if err != nil {
		return err
	}
	c.written = append(c.written, tombstoneName(e.Number, d.Version))
	if e.Deleted != nil {
		c.old = append(c.old, tombstoneName(e.Number, e.Deleted.Version))
	}
	e.Deleted, c.changed = d, true
	return nil
}

func (c *change) drop(v *view, e entry) {
	c.dropped, c.changed = append(c.dropped, v.segment), true
	if e.Deleted != nil {
		c.old = append(c.old, tombstoneName(e.Number, e.Deleted.Version))
	}
}

// undo removes what was written for a manifest that will not be.
func (c *change) undo() {
	for _, name := range c.written {
		removeFile(filepath.Join(c.x.dir, name))
	}
}

// write makes the change durable and visible. When writing the manifest fails, it is
// not known which one is on disk, so the files of both stay, and nothing more is
// written: opening the index again finds out.
func (c *change) write() error {
	x := c.x
	if err := writeManifest(x.dir, c.next); err != nil {
		x.broken = err
		return err
	}
	s, err := loadSnapshot(x.dir, c.next, c.from)
	if err != nil {
		x.broken = err
		return err
	}
	for _, seg := range c.dropped {
		seg.discard()
	}
	for _, name := range c.old {
		removeFile(filepath.Join(x.dir, name))
	}
	return x.swap(s)
}
