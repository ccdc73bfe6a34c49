package codename

import (
	"math/big"
	"strings"
)

// Spell writes the first digits of a hash in English words, for people to compare by
// eye and ear: the hash as a number, big-endian, in base 7,772, the lowest digit first.
// The words are no codename, and nothing secret. One hash has the same words for
// everybody, whatever language they read.
func Spell(hash [32]byte, digits int) string {
	list := in("en").words
	n, base, digit := new(big.Int).SetBytes(hash[:]), big.NewInt(int64(len(list))), new(big.Int)
	words := make([]string, digits)
	for i := range words {
		n.DivMod(n, base, digit)
		words[i] = list[digit.Int64()]
	}
	return strings.Join(words, " ")
}
