package fs

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"daylight/blob"
	"daylight/fault"
	"daylight/internal/durable"
)

// batch collects blobs outside of what others can see: small ones in memory, and
// in a file once they are many; large ones in a file each.
type batch struct {
	ctx     context.Context
	s       *Store
	seen    map[blob.Ref]bool
	buf     []byte // room for a head, then small blobs that are not in the spill
	small   []entry
	large   []largeBlob
	spill   *os.File // will be a pack of its own
	spilled int64    // bytes in it, the room for its head included
	done    bool
}

type largeBlob struct {
	entry
	path string // of its temporary file
}

// Begin starts a batch.
func (s *Store) Begin(ctx context.Context) (blob.Batch, error) { return s.BeginNamed(ctx) }

// BeginNamed starts a batch that is also told names.
func (s *Store) BeginNamed(ctx context.Context) (blob.NamedBatch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return &batch{ctx: ctx, s: s, seen: map[blob.Ref]bool{}, buf: make([]byte, headSize)}, nil
}

func (b *batch) Put(r io.Reader) (blob.Ref, int64, error) {
	e, err := b.put(r, nil)
	return e.ref, e.size, err
}

func (b *batch) PutNamed(r io.Reader, name func() blob.Ref) (int64, error) {
	e, err := b.put(r, name)
	return e.size, err
}

func (b *batch) put(r io.Reader, name func() blob.Ref) (entry, error) {
	if b.done {
		return entry{}, fmt.Errorf("put blob: the batch has ended: %w", fault.Conflict)
	}
	if err := b.ctx.Err(); err != nil {
		return entry{}, fmt.Errorf("put blob: %w", err)
	}
	start := len(b.buf)
	end, err := b.fill(r, start+smallest)
	if err != nil {
		b.buf = b.buf[:start]
		return entry{}, fmt.Errorf("put blob: %w", err)
	}
	if !end {
		head := b.buf[start:]
		b.buf = b.buf[:start]
		return b.putLarge(head, r, name)
	}
	data := b.buf[start:]
	e := entry{size: int64(len(data)), sum: crc32.Checksum(data, castagnoli)}
	if name == nil {
		e.ref = sha256.Sum256(data)
	} else {
		e.ref, e.kind = name(), flagNamed
	}
	if b.seen[e.ref] {
		b.buf = b.buf[:start]
		return e, nil
	}
	b.seen[e.ref] = true
	b.small = append(b.small, e)
	if len(b.buf) > b.s.spill {
		return e, b.flush()
	}
	return e, nil
}

// fill reads r to the end of the buffer until it is full long or r has ended.
func (b *batch) fill(r io.Reader, full int) (end bool, err error) {
	for len(b.buf) < full {
		if len(b.buf) == cap(b.buf) {
			b.buf = append(b.buf, 0)[:len(b.buf)]
		}
		n, err := r.Read(b.buf[len(b.buf):min(cap(b.buf), full)])
		b.buf = b.buf[:len(b.buf)+n]
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// flush moves the buffer to the spill file.
func (b *batch) flush() error {
	err := b.flushTo()
	if err != nil { // what was put is not whole any more
		return fmt.Errorf("put blob: %w", errors.Join(err, b.Abort()))
	}
	return nil
}

func (b *batch) flushTo() (err error) {
	if b.spill == nil {
		if b.spill, err = os.CreateTemp(filepath.Join(b.s.dir, "packs"), ".tmp-"); err != nil {
			return err
		}
	} else {
		b.buf = b.buf[headSize:] // only the first piece has room for the head
	}
	if err := b.s.disk.WriteAt(b.spill, b.buf, b.spilled); err != nil {
		return err
	}
	b.spilled += int64(len(b.buf))
	b.buf = make([]byte, headSize, spillSize+smallest)
	return nil
}

func (b *batch) putLarge(start []byte, r io.Reader, name func() blob.Ref) (entry, error) {
	f, err := os.CreateTemp(filepath.Join(b.s.dir, "large"), ".tmp-")
	if err != nil {
		return entry{}, fmt.Errorf("put blob: %w", err)
	}
	ref, sum := sha256.New(), newSum()
	w := io.MultiWriter(f, ref)
	if name != nil {
		w = io.MultiWriter(f, sum)
	}
	n, err := w.Write(start)
	e := entry{size: int64(n), kind: flagLarge}
	if err == nil {
		var more int64
		more, err = io.Copy(w, r)
		e.size += more
	}
	if err == nil {
		err = b.s.disk.Sync(f)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(f.Name())
		return entry{}, fmt.Errorf("put blob: %w", err)
	}
	if name == nil {
		ref.Sum(e.ref[:0])
	} else {
		e.ref, e.kind = name(), flagLarge|flagNamed
		e.sum = sum.(interface{ Sum32() uint32 }).Sum32()
	}
	if b.seen[e.ref] {
		return e, os.Remove(f.Name())
	}
	b.seen[e.ref] = true
	b.large = append(b.large, largeBlob{e, f.Name()})
	return e, nil
}

// Abort drops the batch.
func (b *batch) Abort() error {
	if b.done {
		return nil
	}
	b.done = true
	return b.clean()
}

func (b *batch) clean() error {
	var errs []error
	if b.spill != nil {
		errs = append(errs, b.spill.Close())
		if err := os.Remove(b.spill.Name()); !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	for _, l := range b.large {
		if err := os.Remove(l.path); !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	b.spill, b.large, b.buf, b.small = nil, nil, nil, nil
	return errors.Join(errs...)
}

// Commit makes the batch visible and durable.
func (b *batch) Commit() error {
	if b.done {
		return fmt.Errorf("commit blobs: the batch has ended: %w", fault.Conflict)
	}
	if err := b.ctx.Err(); err != nil {
		return fmt.Errorf("commit blobs: %w", err)
	}
	b.done = true
	b.s.writing.Lock()
	defer b.s.writing.Unlock()
	err := b.s.broken
	if err == nil {
		err = b.commit()
	}
	if b.s.broken != nil {
		b.large = nil // the next Open may find the commit, and then it wants them
	}
	if err = errors.Join(err, b.clean()); err != nil {
		return fmt.Errorf("commit blobs: %w", err)
	}
	return nil
}

func (b *batch) commit() error {
	if err := b.dropKnown(); err != nil {
		return err
	}
	if len(b.small)+len(b.large) == 0 {
		return nil
	}
	if err := b.placeLarge(); err != nil {
		return err
	}
	entries := b.small
	for _, l := range b.large {
		entries = append(entries, l.entry)
	}
	table, sum := encodeTable(entries)
	h := head{data: int64(len(b.buf)) - headSize, count: uint32(len(entries)), table: sum}
	pack, at := uint32(0), int64(0)
	var err error
	if b.spill == nil {
		pack, at, err = b.s.appendCommit(b.buf, h, table)
	} else {
		h.data, h.own = h.data+b.spilled-headSize, true
		pack, err = b.ownPack(h, table)
	}
	if err != nil {
		return err
	}
	list, _ := places(pack, at, h, entries)
	b.s.mu.Lock()
	for i, e := range entries {
		if e.kind&flagDeleted == 0 {
			b.s.blobs[e.ref] = list[i]
		}
	}
	b.s.mu.Unlock()
	for _, l := range b.large {
		// Lost in a crash, the next Open does it again.
		if err := b.s.adoptLarge(l.ref); err != nil {
			return err
		}
	}
	b.large = nil
	if err := b.s.record(blockCommit, encodeCommit(pack, at, h, table), false); err != nil {
		b.s.broken = err // an index that is wrong and cannot be removed
	}
	return nil
}

// dropKnown takes out of the batch what the store has already. From the spill it
// cannot be taken, so it is overwritten there and marked: a second copy would
// outlive the deletion of the first.
func (b *batch) dropKnown() error {
	known := func(ref blob.Ref) bool { _, ok := b.s.blobs[ref]; return ok } // only we write to the map
	var large []largeBlob
	for _, l := range b.large {
		if !known(l.ref) {
			large = append(large, l)
		} else if err := os.Remove(l.path); err != nil {
			return err
		}
	}
	b.large = large
	if b.spill != nil {
		return b.markKnown(known)
	}
	keep, from, to := b.small[:0], headSize, headSize
	for _, e := range b.small {
		if !known(e.ref) {
			to += copy(b.buf[to:], b.buf[from:from+int(e.size)])
			keep = append(keep, e)
		}
		from += int(e.size)
	}
	b.small, b.buf = keep, b.buf[:to]
	return nil
}

func (b *batch) markKnown(known func(blob.Ref) bool) error {
	if len(b.buf) > headSize {
		if err := b.flushTo(); err != nil {
			return err
		}
	}
	off := int64(headSize)
	for i, e := range b.small {
		if known(e.ref) {
			b.small[i].kind |= flagDeleted
			if err := b.s.zero(b.spill, off, e.size); err != nil {
				return err
			}
			punch(b.spill, off, e.size)
		}
		off += e.size
	}
	return nil
}

// placeLarge puts large blobs under names at which Open finds them if the commit
// completes, and removes them if it does not.
func (b *batch) placeLarge() error {
	for i, l := range b.large {
		path := b.s.largePath(l.ref) + newSuffix
		if err := b.s.disk.Rename(l.path, path); err != nil {
			return err
		}
		b.large[i].path = path
	}
	if len(b.large) == 0 {
		return nil
	}
	return b.s.disk.SyncDir(filepath.Join(b.s.dir, "large"))
}

// appendCommit writes a commit to the current pack, durably. buf has room for the
// head at its beginning.
func (s *Store) appendCommit(buf []byte, h head, table []byte) (pack uint32, at int64, err error) {
	if s.pack == 0 || s.end >= packSize {
		if err := s.newPack(); err != nil {
			return 0, 0, err
		}
	}
	copy(buf, h.encode())
	buf = append(buf, table...)
	f := s.packs[s.pack]
	err = s.disk.WriteAt(f, buf, s.end)
	if err == nil {
		err = s.disk.Sync(f)
	}
	if err != nil {
		return 0, 0, errors.Join(err, s.takeBack(f))
	}
	at = s.end
	s.end += int64(len(buf))
	return s.pack, at, nil
}

// takeBack cuts off a commit that failed: half of it, or all, may be on the disk,
// and a later start must not find it. When that fails as well, nothing more may be
// written.
func (s *Store) takeBack(f *os.File) error {
	err := f.Truncate(s.end)
	if err == nil {
		err = f.Sync()
	}
	return s.breakOn(err)
}

// takeBackPack removes a pack whose commit failed.
func (s *Store) takeBackPack(path string) error {
	err := os.Remove(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = durable.SyncDir(filepath.Dir(path))
	}
	return s.breakOn(err)
}

func (s *Store) breakOn(err error) error {
	if err != nil {
		s.broken = fmt.Errorf("an earlier commit failed and could not be taken back; open the store again: %w", err)
	}
	return err
}

func (s *Store) newPack() error {
	f, err := os.OpenFile(s.packPath(s.last+1), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := s.disk.SyncDir(filepath.Join(s.dir, "packs")); err != nil {
		return errors.Join(err, f.Close(), os.Remove(s.packPath(s.last+1)))
	}
	s.addPack(f)
	s.pack, s.end = s.last, 0
	return nil
}

// addPack makes an open file the pack after the last.
func (s *Store) addPack(f *os.File) {
	s.last++
	s.mu.Lock()
	s.packs[s.last] = f
	s.mu.Unlock()
}

// ownPack makes the spill a pack.
func (b *batch) ownPack(h head, table []byte) (uint32, error) {
	s, f := b.s, b.spill
	if err := s.disk.WriteAt(f, table, b.spilled); err != nil {
		return 0, err
	}
	if err := s.disk.WriteAt(f, h.encode(), 0); err != nil {
		return 0, err
	}
	if err := s.disk.Sync(f); err != nil {
		return 0, err
	}
	path := s.packPath(s.last + 1)
	err := s.disk.Rename(f.Name(), path)
	if err == nil {
		err = s.disk.SyncDir(filepath.Dir(path))
	}
	if err != nil { // it may have its name or not
		return 0, errors.Join(err, s.takeBackPack(path))
	}
	b.spill = nil
	s.addPack(f)
	return s.last, nil
}
