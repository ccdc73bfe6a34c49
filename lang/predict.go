package lang

import (
	"math"
	"strings"
	"unicode/utf8"
)

// predict returns the likeliest label of a text and its probability; "" and 0 when
// nothing of the text is known to the model.
func (m *model) predict(text string) (label string, p float64) {
	hidden := make([]float32, m.dim)
	n := 0
	for word := range strings.FieldsSeq(text) {
		n += m.addWord(hidden, word)
	}
	if n == 0 {
		return "", 0
	}
	n += m.addRow(hidden, m.words, endOfLine)
	for i := range hidden {
		hidden[i] /= float32(n)
	}
	best, score := m.best(hidden, len(m.nodes)-1, 0, -1, math.Inf(-1))
	return m.labels[best], math.Exp(score)
}

const endOfLine = "</s>" // the word that ends a text; it was counted in training

func (m *model) addRow(hidden []float32, words map[string]int32, word string) int {
	at, ok := words[word]
	if !ok {
		return 0
	}
	m.add(hidden, at)
	return 1
}

func (m *model) add(hidden []float32, at int32) {
	row := m.input[int(at)*m.dim:][:len(hidden)]
	for i, x := range row {
		hidden[i] += x
	}
}

// addWord adds the vectors of a word and of its n-grams, and returns how many.
func (m *model) addWord(hidden []float32, word string) int {
	n := m.addRow(hidden, m.words, word)
	if word == endOfLine {
		return n
	}
	var buf [96]byte
	b := append(append(append(buf[:0], '<'), word...), '>') // so that the ends of a word are told from its middle
	for i := range b {
		if !utf8.RuneStart(b[i]) {
			continue
		}
		h := uint32(2166136261)
		for j, length := i, 1; j < len(b) && length <= m.maxn; length++ {
			h = hash(h, b[j])
			for j++; j < len(b) && !utf8.RuneStart(b[j]); j++ {
				h = hash(h, b[j])
			}
			if length < m.minn || length == 1 && (i == 0 || j == len(b)) {
				continue
			}
			if at := m.grams[h%m.buckets]; at > 0 {
				m.add(hidden, int32(at)-1)
				n++
			}
		}
	}
	return n
}

// hash is FNV-1a as fastText computes it: bytes are signed there.
func hash(h uint32, c byte) uint32 { return (h ^ uint32(int32(int8(c)))) * 16777619 }

// best goes down the tree and returns the leaf with the highest probability (its
// logarithm), leaving out branches that cannot beat what it has.
func (m *model) best(hidden []float32, at int, score float64, found int, record float64) (int, float64) {
	if score < record {
		return found, record
	}
	if at < len(m.labels) {
		return at, score
	}
	var dot float32
	for i, x := range m.output[(at-len(m.labels))*m.dim:][:len(hidden)] {
		dot += x * hidden[i]
	}
	right := 1 / (1 + math.Exp(-float64(dot)))
	// fastText adds 1e-5 in its logarithms, so that no score is infinite.
	found, record = m.best(hidden, m.nodes[at].left, score+math.Log(1-right+1e-5), found, record)
	return m.best(hidden, m.nodes[at].right, score+math.Log(right+1e-5), found, record)
}
