package segment

import "math/bits"

// bitset is a set of documents of one segment.
type bitset []uint64

func newBitset(n uint32) bitset { return make(bitset, (n+63)/64) }

func (b bitset) set(d uint32)      { b[d>>6] |= 1 << (d & 63) }
func (b bitset) has(d uint32) bool { return b[d>>6]>>(d&63)&1 == 1 }

func (b bitset) count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

func (b bitset) and(o bitset) {
	for i := range b {
		b[i] &= o[i]
	}
}

func (b bitset) or(o bitset) {
	for i := range b {
		b[i] |= o[i]
	}
}

func (b bitset) andNot(o bitset) {
	for i := range b {
		b[i] &^= o[i]
	}
}

// fill sets the first n.
func (b bitset) fill(n uint32) {
	for i := range b {
		b[i] = ^uint64(0)
	}
	if n%64 != 0 {
		b[len(b)-1] = 1<<(n%64) - 1
	}
}

// each calls f for each document in order.
func (b bitset) each(f func(d uint32)) {
	for i, w := range b {
		for ; w != 0; w &= w - 1 {
			f(uint32(i<<6 + bits.TrailingZeros64(w)))
		}
	}
}

// list appends the documents in order.
func (b bitset) list(to []uint32) []uint32 {
	for i, w := range b {
		for ; w != 0; w &= w - 1 {
			to = append(to, uint32(i<<6+bits.TrailingZeros64(w)))
		}
	}
	return to
}
