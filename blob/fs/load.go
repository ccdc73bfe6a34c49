package fs

import (
	"errors"
	"hash/crc32"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"

	"daylight/blob"
)

// loading is what is known while a store opens.
type loading struct {
	covered  map[uint32]int64   // how far the index tells each pack
	deleting map[blob.Ref]place // deletions that may not be complete
	remove   []place            // copies that nothing must find again
}

// load reads the index, then what the packs have beyond it, and completes what a
// crash interrupted.
func (s *Store) load() error {
	l := &loading{covered: map[uint32]int64{}, deleting: map[blob.Ref]place{}}
	if err := s.openPacks(); err != nil {
		return err
	}
	if st, err := os.Stat(s.indexPath()); err == nil {
		s.blobs = make(map[blob.Ref]place, st.Size()/entrySize)
	}
	x, err := openIndex(s.indexPath(), func(kind byte, content []byte) bool { return s.apply(l, kind, content) })
	if err != nil {
		return err
	}
	s.index = x
	if err := s.settleLarge(); err != nil {
		return err
	}
	for n := uint32(1); n <= s.last; n++ {
		if s.packs[n] != nil {
			if err := s.scan(l, n); err != nil {
				return err
			}
		}
	}
	return s.finishDeletions(l)
}

func (s *Store) openPacks() error {
	numbers, err := s.packNumbers()
	if err != nil {
		return err
	}
	for _, n := range numbers {
		f, err := os.OpenFile(s.packPath(n), os.O_RDWR, 0o600)
		if err != nil {
			return err
		}
		s.packs[n], s.last = f, n
	}
	return nil
}

// apply takes one block of the index.
func (s *Store) apply(l *loading, kind byte, content []byte) bool {
	switch kind {
	case blockCommit:
		pack, at, h, entries, ok := parseCommit(content)
		if !ok {
			return false
		}
		list, ok := places(pack, at, h, entries)
		if !ok {
			return false
		}
		for i, e := range entries {
			if e.kind&flagDeleted == 0 {
				s.blobs[e.ref] = list[i]
			}
		}
		l.covered[pack] = max(l.covered[pack], at+h.size())
		return true
	case blockDeleting:
		ref, ok := parseRef(content)
		if p, there := s.blobs[ref]; there {
			l.deleting[ref] = p
			delete(s.blobs, ref)
		}
		return ok
	case blockDeleted:
		ref, ok := parseRef(content)
		delete(l.deleting, ref)
		return ok
	}
	return false
}

// newSuffix ends the name of a large blob whose commit is not known to be
// complete.
const newSuffix = ".new"

// newLarge are the large blobs in the folder whose commit is not known to be
// complete.
func (s *Store) newLarge() ([]blob.Ref, error) {
	names, err := filepath.Glob(filepath.Join(s.dir, "large", "*"+newSuffix))
	var refs []blob.Ref
	for _, name := range names {
		if ref, err := blob.ParseRef(strings.TrimSuffix(filepath.Base(name), newSuffix)); err == nil {
			refs = append(refs, ref)
		}
	}
	return refs, err
}

// settleLarge gives files their names whose commit the index knows. Others wait
// for the scan, which may still find it.
func (s *Store) settleLarge() error {
	refs, err := s.newLarge()
	for _, ref := range refs {
		if p := s.blobs[ref]; p.kind&flagLarge != 0 {
			err = errors.Join(err, s.adoptLarge(ref))
		}
	}
	return err
}

// adoptLarge gives a committed large blob its name if it does not have it yet.
func (s *Store) adoptLarge(ref blob.Ref) error {
	err := os.Rename(s.largePath(ref)+newSuffix, s.largePath(ref))
	if errors.Is(err, iofs.ErrNotExist) {
		return nil
	}
	return err
}

// scan reads the commits of a pack beyond what the index told. A commit is synced
// before the next is written, so only the last can be one that a crash cut, and its
// bytes are checked too. A pack with a rest that is no commit is not appended to
// again, and the rest is not cut off: it may be worth a look by a person.
func (s *Store) scan(l *loading, n uint32) error {
	f := s.packs[n]
	st, err := f.Stat()
	if err != nil {
		return err
	}
	at := l.covered[n]
	for at < st.Size() {
		h, table, ok := readCommit(f, at, st.Size())
		if !ok {
			return nil
		}
		entries := parseTable(table)
		list, ok := places(n, at, h, entries)
		if !ok {
			return nil
		}
		if _, _, more := readCommit(f, at+h.size(), st.Size()); !more && !h.own && !wholeData(f, list) {
			return nil
		}
		s.adopt(l, list, entries)
		if err := s.record(blockCommit, encodeCommit(n, at, h, table), false); err != nil {
			return err
		}
		at += h.size()
	}
	if at == st.Size() && at < packSize {
		s.pack, s.end = n, at
	}
	return nil
}

func readCommit(f *os.File, at, end int64) (head, []byte, bool) {
	b := make([]byte, headSize)
	if _, err := f.ReadAt(b, at); err != nil {
		return head{}, nil, false
	}
	h, ok := parseHead(b)
	if !ok || h.size() > end-at {
		return head{}, nil, false
	}
	table := make([]byte, h.tableSize())
	if _, err := f.ReadAt(table, at+headSize+h.data); err != nil && err != io.EOF {
		return head{}, nil, false
	}
	return h, table, tableSum(table) == h.table
}

// wholeData checks the bytes of small blobs.
func wholeData(f *os.File, list []place) bool {
	for _, p := range list {
		if p.kind&(flagLarge|flagDeleted) != 0 {
			continue
		}
		sum := crc32.New(castagnoli)
		if n, err := io.Copy(sum, io.NewSectionReader(f, p.off, p.size)); err != nil || n != p.size || sum.Sum32() != p.sum {
			return false
		}
	}
	return true
}

// adopt takes the blobs of a commit that a scan found.
func (s *Store) adopt(l *loading, list []place, entries []entry) {
	for i, e := range entries {
		p := list[i]
		_, there := s.blobs[e.ref]
		switch {
		case p.kind&flagDeleted != 0:
			if p.kind&flagLarge == 0 {
				l.remove = append(l.remove, p) // its overwriting may not have been complete
			}
		case there:
			if p.kind&flagLarge == 0 && s.blobs[e.ref] != p {
				l.remove = append(l.remove, p) // a second copy would outlive a deletion
			}
		case p.kind&flagLarge != 0:
			// Without its file it was never committed.
			if s.adoptLarge(e.ref) == nil {
				if _, err := os.Stat(s.largePath(e.ref)); err == nil {
					s.blobs[e.ref] = p
				}
			}
		default:
			s.blobs[e.ref] = p
		}
	}
}

// finishDeletions overwrites what was being deleted and removes large files whose
// commit never came.
func (s *Store) finishDeletions(l *loading) error {
	for ref, p := range l.deleting {
		if _, there := s.blobs[ref]; there && p.kind&flagLarge != 0 {
			continue // put again since
		}
		if err := s.erase(ref, p); err != nil {
			return err
		}
		if err := s.record(blockDeleted, ref[:], false); err != nil {
			return err
		}
	}
	for _, p := range l.remove {
		if err := s.erase(blob.Ref{}, p); err != nil {
			return err
		}
	}
	refs, err := s.newLarge()
	for _, ref := range refs {
		err = errors.Join(err, os.Remove(s.largePath(ref)+newSuffix))
	}
	return err
}
