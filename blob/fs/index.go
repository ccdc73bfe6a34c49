package fs

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"daylight/blob"
	"daylight/internal/durable"
)

// index is a file that repeats the packs' tables and the deletions, in the order in
// which they happened. It is written after the packs and mostly without a sync:
// what it lacks at the next start is read from the packs.
type index struct {
	f   *os.File
	end int64
}

// Blocks of the index: kind, length of the content, content, CRC-32C of all that.
const (
	blockCommit   = 'C' // pack, offset in it, the commit's head and table
	blockDeleting = 'D' // a ref: from here on the blob is not there
	blockDeleted  = 'W' // a ref: its bytes are overwritten
	blockHead     = 5
	commitHead    = 4 + 8 + headSize
)

// openIndex reads an index and gives its blocks to apply, as far as they are whole.
// What follows is cut off.
func openIndex(path string, apply func(kind byte, content []byte) bool) (*index, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	x := &index{f: f}
	st, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	r := bufio.NewReaderSize(f, 1<<20)
	for {
		kind, content, ok := readBlock(r, st.Size()-x.end)
		if !ok || !apply(kind, content) {
			break
		}
		x.end += blockHead + int64(len(content)) + 4
	}
	if x.end < st.Size() {
		if err := f.Truncate(x.end); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	return x, nil
}

func readBlock(r io.Reader, left int64) (kind byte, content []byte, ok bool) {
	var head [blockHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, false
	}
	size := int64(binary.BigEndian.Uint32(head[1:]))
	if size+blockHead+4 > left {
		return 0, nil, false
	}
	b := make([]byte, size+4)
	if _, err := io.ReadFull(r, b); err != nil {
		return 0, nil, false
	}
	content = b[:size]
	sum := crc32.Update(crc32.Checksum(head[:], castagnoli), castagnoli, content)
	return head[0], content, sum == binary.BigEndian.Uint32(b[size:])
}

// add appends a block.
func (x *index) add(d disk, kind byte, content []byte) error {
	b := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(content)))
	b = append(b, content...)
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	if err := d.WriteAt(x.f, b, x.end); err != nil {
		return err
	}
	x.end += int64(len(b))
	return nil
}

func (x *index) close() error {
	if x == nil {
		return nil
	}
	return x.f.Close()
}

// record appends a block to the index of the store. An index that cannot be
// written is given up: the packs tell the same at the next start.
func (s *Store) record(kind byte, content []byte, sync bool) error {
	if s.index == nil {
		return nil
	}
	err := s.index.add(s.disk, kind, content)
	if err == nil && sync {
		err = s.disk.Sync(s.index.f)
	}
	if err == nil {
		return nil
	}
	s.index.close()
	s.index = nil
	if err := os.Remove(s.indexPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return durable.SyncDir(filepath.Dir(s.indexPath()))
}

func encodeCommit(pack uint32, at int64, h head, table []byte) []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, commitHead+len(table)), pack)
	b = binary.BigEndian.AppendUint64(b, uint64(at))
	return append(append(b, h.encode()...), table...)
}

func parseCommit(b []byte) (pack uint32, at int64, h head, entries []entry, ok bool) {
	if len(b) < commitHead {
		return
	}
	pack, at = binary.BigEndian.Uint32(b), int64(binary.BigEndian.Uint64(b[4:]))
	h, ok = parseHead(b[12:commitHead])
	if !ok || int64(len(b)-commitHead) != h.tableSize() {
		return 0, 0, head{}, nil, false
	}
	return pack, at, h, parseTable(b[commitHead:]), true
}

func parseRef(b []byte) (blob.Ref, bool) {
	if len(b) != len(blob.Ref{}) {
		return blob.Ref{}, false
	}
	return blob.Ref(b), true
}
