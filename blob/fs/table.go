package fs

import (
	"encoding/binary"
	"hash"
	"hash/crc32"

	"daylight/blob"
)

// A commit in a pack is a head, the bytes of its small blobs, and a table of all
// its blobs. FORMAT.md has the layout.
const (
	headSize  = 32
	entrySize = 32 + 8 + 4 + 1
	headMagic = 0x444c_4253 // "DLBS"
)

// flags of one blob in a table. They are outside of the table's sum, because a
// deletion sets one where it stands.
type flags byte

const (
	flagNamed   flags = 1 << iota // its user chose the name
	flagLarge                     // it has a file of its own; no bytes of it are here
	flagDeleted                   // it is gone
)

// entry is one blob in a table.
type entry struct {
	ref  blob.Ref
	size int64
	sum  uint32
	kind flags
}

// head begins a commit.
type head struct {
	data  int64  // bytes of small blobs
	count uint32 // blobs
	table uint32 // CRC-32C of the table, but for the deletion flags
	own   bool   // it was complete before its pack had a name
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func newSum() hash.Hash { return crc32.New(castagnoli) }

func sumBytes(sum uint32) []byte { return binary.BigEndian.AppendUint32(nil, sum) }

func (h head) tableSize() int64 { return int64(h.count) * entrySize }
func (h head) size() int64      { return headSize + h.data + h.tableSize() }

func (h head) encode() []byte {
	b := binary.BigEndian.AppendUint32(make([]byte, 0, headSize), headMagic)
	b = binary.BigEndian.AppendUint32(b, 0) // version
	b = binary.BigEndian.AppendUint64(b, uint64(h.data))
	b = binary.BigEndian.AppendUint32(b, h.count)
	b = binary.BigEndian.AppendUint32(b, h.table)
	own := uint32(0)
	if h.own {
		own = 1
	}
	b = binary.BigEndian.AppendUint32(b, own)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// parseHead reports false for anything that encode did not write.
func parseHead(b []byte) (head, bool) {
	if len(b) < headSize || binary.BigEndian.Uint32(b) != headMagic ||
		crc32.Checksum(b[:headSize-4], castagnoli) != binary.BigEndian.Uint32(b[headSize-4:]) {
		return head{}, false
	}
	h := head{
		data:  int64(binary.BigEndian.Uint64(b[8:])),
		count: binary.BigEndian.Uint32(b[16:]),
		table: binary.BigEndian.Uint32(b[20:]),
		own:   binary.BigEndian.Uint32(b[24:]) == 1,
	}
	return h, binary.BigEndian.Uint32(b[4:]) == 0 && h.data >= 0 && h.data < 1<<50
}

// encodeTable gives the table and its sum.
func encodeTable(entries []entry) ([]byte, uint32) {
	b := make([]byte, 0, len(entries)*entrySize)
	for _, e := range entries {
		b = append(b, e.ref[:]...)
		b = binary.BigEndian.AppendUint64(b, uint64(e.size))
		b = binary.BigEndian.AppendUint32(b, e.sum)
		b = append(b, byte(e.kind))
	}
	return b, tableSum(b)
}

// tableSum covers all but the deletion flag.
func tableSum(table []byte) uint32 {
	sum := uint32(0)
	for ; len(table) >= entrySize; table = table[entrySize:] {
		sum = crc32.Update(sum, castagnoli, table[:entrySize-1])
		sum = crc32.Update(sum, castagnoli, []byte{table[entrySize-1] &^ byte(flagDeleted)})
	}
	return sum
}

func parseTable(b []byte) []entry {
	entries := make([]entry, 0, len(b)/entrySize)
	for ; len(b) >= entrySize; b = b[entrySize:] {
		entries = append(entries, entry{
			ref:  blob.Ref(b[:32]),
			size: int64(binary.BigEndian.Uint64(b[32:])),
			sum:  binary.BigEndian.Uint32(b[40:]),
			kind: flags(b[44]),
		})
	}
	return entries
}

// places gives each entry of a commit its place. It reports false when the sizes
// do not add up to the head's.
func places(pack uint32, at int64, h head, entries []entry) ([]place, bool) {
	off, mark := at+headSize, at+headSize+h.data+entrySize-1
	end := at + headSize + h.data
	list := make([]place, len(entries))
	for i, e := range entries {
		p := place{pack: pack, off: off, mark: mark, size: e.size, sum: e.sum, kind: e.kind}
		mark += entrySize
		if e.kind&flagLarge == 0 {
			if e.size < 0 || e.size > end-off {
				return nil, false
			}
			off += e.size
		}
		list[i] = p
	}
	return list, off == end
}
