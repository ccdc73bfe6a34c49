package desk

import (
	"crypto/rand"
	"math/big"
	"strings"
)

// Pseudonyms are two words that say nothing about anybody: a colour or texture, and
// a thing of the landscape. Ours: 48 × 48 pairs are enough to speak by; where two
// conversations have the same one, their days tell them apart.
var (
	firstWords = strings.Fields(`amber ashen azure birch blue bronze calm chalk cobalt copper coral dusty early
		ebony even fallow fern flint frosty gentle golden granite green hazel indigo iron ivory jade late linen
		lunar maple mellow mild misty mossy narrow ochre olive opal pale pearl plain quiet russet sandy silver slate`)
	secondWords = strings.Fields(`anchor arbour basin bay beacon bridge brook canyon cape causeway cliff cove creek
		delta dune estuary fen field ford forest glade glen grove harbour heath hill island lagoon lake ledge marsh
		meadow mesa moor orchard pass pier plateau pond prairie quarry reef ridge river shore spring valley weir`)
)

func pseudonym() string { return pick(firstWords) + " " + pick(secondWords) }

func pick(words []string) string {
	n, err := rand.Int(rand.Reader, big.NewInt(int64(len(words))))
	if err != nil {
		panic(err) // crypto/rand does not fail; see its documentation
	}
	return words[n.Int64()]
}
