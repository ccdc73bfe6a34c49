package envelope

import "math/bits"

// Floor is the least size of what is sealed. All requests that hold a message and
// no more than a few small files have the same size.
const Floor = 128 << 10

// Padded is the size that n bytes are padded to: Padmé (Nikitin and others,
// "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs",
// 2019), from Floor up. It adds at most 12 percent, and of the size it tells no
// more than its magnitude and a few leading bits.
func Padded(n int64) int64 {
	if n <= Floor {
		return Floor
	}
	e := bits.Len64(uint64(n)) - 1 // floor(log2 n)
	s := bits.Len64(uint64(e))     // bits that e is written in
	mask := int64(1)<<(e-s) - 1    // the last e-s bits become zero
	return (n + mask) &^ mask
}
