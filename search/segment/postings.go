package segment

import (
	"encoding/binary"
	"math"
	"sort"
)

// The postings of a term, in the section of postings, at the offset that the
// dictionary gives:
//
//	uvarint  number of documents
//	uvarint  length of skips, blocks and tail
//	uvarint  length of positions
//	skips    for each full block of 128 documents: last document u32, end of the block
//	         u32 (after the skips), beginning of its positions u32, greatest frequency
//	         u16 (or 65535), smallest length class u8, 0 u8
//	blocks   width of gaps u8, width of frequencies u8, gaps (less 1), frequencies
//	         (less 1), packed
//	tail     where there are blocks, uvarint beginning of its positions; then for each
//	         document uvarint gap (less 1) × 2 + 1 when the frequency is 1, else
//	         uvarint the frequency
//	positions for each document, uvarint gaps between tokens, the first one from 0
//
// Most terms stand in one document only. They have no lengths: 1, the tail, positions.
//
// Greatest frequency and smallest length class bound the score of a block.
const skipSize = 16

// encoder writes postings.
type encoder struct {
	skips, blocks []byte
}

// encode appends the postings of a term. pos is the positions as they are stored.
func (e *encoder) encode(b []byte, docs, tfs []uint32, pos []byte, classes []uint8) []byte {
	e.skips, e.blocks = e.skips[:0], e.blocks[:0]
	prev := uint32(math.MaxUint32) // so that the gap before document 0 is 0
	at := uint32(0)                // in pos
	full := len(docs) / blockSize * blockSize
	for i := 0; i < full; i += blockSize {
		var gaps, freqs [blockSize]uint32
		start, most, shortest := at, uint32(0), uint8(math.MaxUint8)
		for j := range gaps {
			d, tf := docs[i+j], tfs[i+j]
			gaps[j], freqs[j] = d-prev-1, tf-1
			prev, most, shortest = d, max(most, tf), min(shortest, classes[d])
			at += varints(pos[at:], tf)
		}
		gw, fw := width(gaps[:]), width(freqs[:])
		e.blocks = append(e.blocks, byte(gw), byte(fw))
		e.blocks = pack(e.blocks, &gaps, gw)
		e.blocks = pack(e.blocks, &freqs, fw)
		e.skips = binary.LittleEndian.AppendUint32(e.skips, prev)
		e.skips = binary.LittleEndian.AppendUint32(e.skips, uint32(len(e.blocks)))
		e.skips = binary.LittleEndian.AppendUint32(e.skips, start)
		e.skips = binary.LittleEndian.AppendUint16(e.skips, uint16(min(most, math.MaxUint16)))
		e.skips = append(e.skips, shortest, 0)
	}
	if full > 0 {
		e.blocks = binary.AppendUvarint(e.blocks, uint64(at))
	}
	for i := full; i < len(docs); i++ {
		gap := uint64(docs[i]-prev-1) << 1
		prev = docs[i]
		if tfs[i] == 1 {
			e.blocks = binary.AppendUvarint(e.blocks, gap|1)
			continue
		}
		e.blocks = binary.AppendUvarint(e.blocks, gap)
		e.blocks = binary.AppendUvarint(e.blocks, uint64(tfs[i]))
	}
	b = binary.AppendUvarint(b, uint64(len(docs)))
	if len(docs) > 1 {
		b = binary.AppendUvarint(b, uint64(len(e.skips)+len(e.blocks)))
		b = binary.AppendUvarint(b, uint64(len(pos)))
	}
	b = append(b, e.skips...)
	b = append(b, e.blocks...)
	return append(b, pos...)
}

// varints is the length of n varints at the beginning of b.
func varints(b []byte, n uint32) uint32 {
	i := uint32(0)
	for ; n > 0; n-- {
		for b[i] >= 0x80 {
			i++
		}
		i++
	}
	return i
}

// end is the document after all others.
const end = math.MaxUint32

// postings reads the documents of a term in order.
type postings struct {
	df     int
	full   int // blocks
	skips  []byte
	blocks []byte
	source section // of positions, read when first asked for
	posOff uint64
	posLen uint64
	pos    []byte

	block int // loaded
	n, i  int // documents in it, and where we are
	docs  [blockSize]uint32
	freqs [blockSize]uint32
	packd []byte // frequencies of the block, not yet unpacked
	fw    uint
	at    uint32 // positions of document j of the block begin there
	j     int
	read  uint32 // positions of document j-1 begin there, when they were read
}

// open goes to the first document of the term at an offset.
func (p *postings) open(s section, off uint64) {
	head := s.bytes(off, min(3*binary.MaxVarintLen64, s.size-min(off, s.size)))
	at := uint64(0)
	next := func() uint64 {
		v, n := binary.Uvarint(head[at:])
		if n <= 0 {
			panic(damage{"postings"})
		}
		at += uint64(n)
		return v
	}
	p.df = int(min(next(), math.MaxUint32))
	p.full = p.df / blockSize
	p.source, p.pos = s, nil
	if p.df == 1 {
		tail := at
		if next()&1 == 0 {
			next()
		}
		p.blocks = head[tail:at]
		p.load(0)
		// A position below 2²⁸ has 4 bytes, a larger one 5.
		p.posOff = off + at
		p.posLen = min(5*uint64(p.freqs[0]), s.size-p.posOff)
		return
	}
	size, positions := next(), next()
	body := s.bytes(off+at, size)
	if p.full*skipSize > len(body) {
		panic(damage{"skips"})
	}
	p.skips, p.blocks = body[:p.full*skipSize], body[p.full*skipSize:]
	p.posOff, p.posLen = off+at+size, positions
	p.load(0)
}

func (p *postings) skip(k, field int) uint32 {
	return binary.LittleEndian.Uint32(p.skips[k*skipSize+4*field:])
}

// load goes to the first document of block k; block p.full is the tail.
func (p *postings) load(k int) {
	p.block, p.i, p.j = k, 0, 0
	prev, start := uint32(math.MaxUint32), uint32(0)
	if k > 0 {
		prev, start = p.skip(k-1, 0), p.skip(k-1, 1)
	}
	if k == p.full {
		p.loadTail(p.blocks[start:], prev)
		return
	}
	b := p.blocks[start:p.skip(k, 1)]
	p.at = p.skip(k, 2)
	gw, fw := uint(b[0]), uint(b[1])
	unpack(&p.docs, b[2:], gw)
	p.packd, p.fw = b[2+16*gw:], fw
	for i, gap := range p.docs {
		prev += gap + 1
		p.docs[i] = prev
	}
	if prev != p.skip(k, 0) {
		panic(damage{"block"})
	}
	p.n = blockSize
}

func (p *postings) loadTail(b []byte, prev uint32) {
	p.n = p.df - p.full*blockSize
	p.packd, p.at = nil, 0
	next := func() uint32 {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			panic(damage{"tail"})
		}
		b = b[n:]
		return uint32(v)
	}
	if p.full > 0 {
		p.at = next()
	}
	for i := range p.n {
		v := next()
		prev += v>>1 + 1
		p.docs[i], p.freqs[i] = prev, 1
		if v&1 == 0 {
			p.freqs[i] = next()
		}
	}
}

// doc is the document we are at, or end.
func (p *postings) doc() uint32 {
	if p.i < p.n {
		return p.docs[p.i]
	}
	return end
}

// nextBlock goes to the next block, and returns false when there is none.
func (p *postings) nextBlock() bool {
	if p.block >= p.full {
		p.i = p.n
		return false
	}
	p.load(p.block + 1)
	return p.n > 0
}

// advance goes to the first document that is not before d, and returns it. It never
// goes back.
func (p *postings) advance(d uint32) uint32 {
	if p.i >= p.n {
		return end
	}
	if p.docs[p.n-1] < d {
		if p.block >= p.full {
			p.i = p.n
			return end
		}
		p.load(p.seek(d))
		if p.n == 0 || p.docs[p.n-1] < d {
			p.i = p.n
			return end
		}
	}
	for p.docs[p.i] < d {
		p.i++
	}
	return p.docs[p.i]
}

// seek returns the block, after the one loaded, in which d would be. Steps grow, so
// that a near block is found at once and a far one in the logarithm.
func (p *postings) seek(d uint32) int {
	low, step := p.block+1, 1
	for low+step < p.full && p.skip(low+step, 0) < d {
		low += step
		step *= 2
	}
	n := max(min(low+step+1, p.full)-low, 0)
	return low + sort.Search(n, func(i int) bool { return p.skip(low+i, 0) >= d })
}

// frequency is the number of times that the term stands in this document.
func (p *postings) frequency() uint32 {
	p.unpackFrequencies()
	return p.freqs[p.i]
}

func (p *postings) unpackFrequencies() {
	if p.packd == nil {
		return
	}
	unpack(&p.freqs, p.packd, p.fw)
	for i := range p.freqs {
		p.freqs[i]++
	}
	p.packd = nil
}

// positions appends where the term stands in this document.
func (p *postings) positions(to []uint32) []uint32 {
	all := p.rawPositions()
	b := all
	at := uint32(0)
	for range p.freqs[p.i] {
		c := b[0]
		b = b[1:]
		v := uint32(c & 0x7f)
		for shift := 7; c >= 0x80; shift += 7 {
			c = b[0]
			b = b[1:]
			v |= uint32(c&0x7f) << shift
		}
		at += v
		to = append(to, at)
	}
	if p.j == p.i { // so that the next document need not go over them again
		p.read, p.at, p.j = p.at, p.at+uint32(len(all)-len(b)), p.j+1
	}
	return to
}

// rawPositions is the positions of this document and what follows, as stored.
func (p *postings) rawPositions() []byte {
	if p.pos == nil {
		p.pos = p.source.bytes(p.posOff, p.posLen)
	}
	p.unpackFrequencies()
	if p.j > p.i {
		return p.pos[p.read:] // asked for again: a phrase may have a word twice
	}
	for p.j < p.i {
		p.at += varints(p.pos[p.at:], p.freqs[p.j])
		p.j++
	}
	return p.pos[p.at:]
}
