package segment

import (
	"encoding/binary"
	"math/bits"
)

// blockSize is the number of documents in a block of postings.
const blockSize = 128

// width is the number of bits that the largest of values needs.
func width(values []uint32) uint {
	var all uint32
	for _, v := range values {
		all |= v
	}
	return uint(bits.Len32(all))
}

// pack appends a block of values of w bits each, the lowest bits first: 16 w bytes.
func pack(b []byte, values *[blockSize]uint32, w uint) []byte {
	var acc uint64
	var n uint
	for _, v := range values {
		acc |= uint64(v) << n
		for n += w; n >= 32; n -= 32 {
			b = binary.LittleEndian.AppendUint32(b, uint32(acc))
			acc >>= 32
		}
	}
	return b // 128 w bits are a multiple of 32
}

// unpack reads what pack wrote. It may read up to 7 bytes beyond it.
func unpack(values *[blockSize]uint32, b []byte, w uint) {
	if w > 32 {
		panic(damage{"width of a block"})
	}
	b = b[:16*w+padding]
	mask := uint64(1)<<w - 1
	var at uint
	for i := range values {
		values[i] = uint32(binary.LittleEndian.Uint64(b[at>>3:]) >> (at & 7) & mask)
		at += w
	}
}
