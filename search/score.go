package search

import (
	"math"
	"math/bits"
)

// Parameters of BM25 (Robertson, Zaragoza: The Probabilistic Relevance Framework,
// 2009): how soon repetition stops to count, and how much length counts.
const (
	k1 = 1.2
	b  = 0.75
)

// Unit is one point of score.
const Unit = 1 << 16

// FieldWeight is what one occurrence in a field counts.
func FieldWeight(field string) int {
	switch field {
	case FieldTitle:
		return 3
	case FieldName:
		return 2
	}
	return 1
}

// LengthClass rounds the number of tokens in a document's bare fields to 256
// classes, with 4 bits after the leading one: a byte a document is enough for BM25.
func LengthClass(tokens int) uint8 {
	t := uint32(min(max(tokens, 0), 1<<19))
	if t < 16 {
		return uint8(t)
	}
	n := bits.Len32(t)
	return uint8((n-4)*16 + int(t>>(n-5)&15))
}

// ClassLength is the smallest length of a class.
func ClassLength(class uint8) int {
	if class < 16 {
		return int(class)
	}
	return (int(class)&15 | 16) << (class/16 - 1)
}

// Scorer scores by the statistics of a whole index.
type Scorer struct {
	documents float64
	norm      [256]float64 // of each length class
}

// NewScorer takes the number of documents that can be found and the sum of
// ClassLength over them.
func NewScorer(documents int, length int64) *Scorer {
	s := &Scorer{documents: float64(documents)}
	average := 1.0
	if documents > 0 && length > 0 {
		average = float64(length) / float64(documents)
	}
	// A conversion keeps the compiler from fusing operations, which rounds
	// differently from one machine to the next.
	for c := range s.norm {
		relative := float64(ClassLength(uint8(c))) / average
		s.norm[c] = k1 * float64(1-b+float64(b*relative))
	}
	return s
}

// Weight is the weight of a word that stands in so many documents.
func (s *Scorer) Weight(documents int) float64 {
	df := float64(documents)
	return math.Log(1 + float64((s.documents-df+0.5)/(df+0.5)))
}

// Units is the score of a document in which a word of this weight has this
// frequency.
func (s *Scorer) Units(weight float64, frequency int, class uint8) int64 {
	f := float64(frequency)
	return int64(math.Round(float64(weight*float64(f*(k1+1))) / float64(f+s.norm[class]) * Unit))
}
