package lang

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
)

// packed is fastText's model for 176 languages; MODEL.md says where it is from.
//
//go:embed lid.176.ftz
var packed []byte

// loaded is the model, unpacked when first needed.
var loaded = sync.OnceValue(func() *model {
	m, err := parseModel(packed)
	if err != nil {
		panic("lang: the embedded model: " + err.Error()) // the tests load it; only a broken build gets here
	}
	return m
})

// model is what inference needs of a fastText classifier: a vector for each known
// word and each kept n-gram, and a binary tree over the labels.
type model struct {
	dim        int
	minn, maxn int // length of n-grams in characters
	buckets    uint32
	words      map[string]int32 // index of the vector of a word
	grams      []uint16         // 1 + index of the vector of an n-gram, by its bucket; 0 for one that was not kept
	input      []float32        // the vectors, one after the other
	nodes      []node
	output     []float32 // a vector for each inner node
	labels     []string
}

// node of the tree of labels. The first len(labels) nodes are the leaves; the last
// one is the root.
type node struct{ left, right int }

// The model file, little-endian, as fastText 0.2 and later writes it (version 12):
// header, arguments, dictionary, quantised input matrix, output matrix.
const (
	magic       = 793712314
	version     = 12
	lossTree    = 1
	modelLabels = 3 // supervised
	centroids   = 256
	maxBuckets  = 1 << 22 // a bound of ours: a table is made of them
	maxRows     = 1<<16 - 1
)

func parseModel(b []byte) (*model, error) {
	r := &reader{b: b}
	if r.i32() != magic || r.i32() != version {
		return nil, errors.New("not a fastText model of version 12")
	}
	m := &model{dim: r.count()}
	r.skip(4 * 4) // window, epochs, least count, negatives
	wordNgrams, loss, kind := r.i32(), r.i32(), r.i32()
	m.buckets = uint32(r.i32())
	m.minn, m.maxn = r.count(), r.count()
	r.skip(4 + 8) // learning rate, sampling
	if r.err == nil && (kind != modelLabels || loss != lossTree || wordNgrams != 1 || m.dim == 0 || m.buckets == 0 || m.buckets > maxBuckets) {
		return nil, fmt.Errorf("model %d, loss %d, %d words at once: want a classifier with a tree of labels", kind, loss, wordNgrams)
	}
	counts := m.readDictionary(r)
	m.readInput(r)
	m.readOutput(r)
	if r.err != nil {
		return nil, r.err
	}
	if len(r.b) != 0 {
		return nil, fmt.Errorf("%d bytes too many", len(r.b))
	}
	m.nodes = tree(counts)
	return m, nil
}

// readDictionary returns how often each label was seen; the tree is made of that.
func (m *model) readDictionary(r *reader) (counts []int64) {
	size, words, labels := r.count(), r.count(), r.count()
	r.skip(8) // tokens
	kept := r.i64()
	if r.err == nil && (words+labels != size || kept < 0 || labels == 0) {
		r.err = errors.New("dictionary does not add up")
	}
	m.words = map[string]int32{}
	for i := 0; i < size && r.err == nil; i++ {
		text, count, isLabel := r.text(), r.i64(), r.byte() == 1
		switch {
		case !isLabel && i < words:
			m.words[text] = int32(i)
		case isLabel && i >= words && len(text) > len(labelPrefix):
			m.labels = append(m.labels, text[len(labelPrefix):])
			counts = append(counts, count)
		default:
			r.err = errors.New("words and labels out of order")
		}
	}
	m.grams = make([]uint16, m.buckets)
	for ; kept > 0 && r.err == nil; kept-- {
		bucket, at := r.i32(), int(r.i32())
		if bucket < 0 || uint32(bucket) >= m.buckets || at < 0 || words+at >= maxRows {
			r.err = errors.New("an n-gram outside of the table")
			break
		}
		m.grams[bucket] = uint16(words + at + 1)
	}
	return counts
}

const labelPrefix = "__label__"

// readInput unpacks the quantised matrix: each row is a norm and a code for each
// group of dimensions.
func (m *model) readInput(r *reader) {
	quantised, norms := r.byte() == 1, r.byte() == 1
	rows, columns, size := int(r.i64()), int(r.i64()), r.count()
	if r.err == nil && (!quantised || columns != m.dim || rows < 0 || rows > len(r.b)) {
		r.err = errors.New("input matrix: not quantised, or of another size")
	}
	codes := r.bytes(size)
	values := readQuantiser(r)
	norm := func(int) float32 { return 1 }
	if norms {
		normCodes := r.bytes(rows)
		of := readQuantiser(r)
		norm = func(row int) float32 { return of.centroid(0, normCodes[row])[0] }
	}
	if r.err != nil {
		return
	}
	if values.dim != m.dim || rows*values.groups != len(codes) {
		r.err = errors.New("input matrix: codes do not fit")
		return
	}
	m.input = make([]float32, 0, rows*m.dim)
	for row := range rows {
		n := norm(row)
		for group := range values.groups {
			for _, x := range values.centroid(group, codes[row*values.groups+group]) {
				m.input = append(m.input, n*x)
			}
		}
	}
	last := int32(slices.Max(m.grams)) - 1
	for _, at := range m.words {
		last = max(last, at)
	}
	if int(last) >= rows {
		r.err = errors.New("dictionary points outside of the input matrix")
	}
}

func (m *model) readOutput(r *reader) {
	quantised := r.byte() == 1
	rows, columns := r.i64(), r.i64()
	if r.err == nil && (quantised || columns != int64(m.dim) || rows != int64(len(m.labels))) {
		r.err = errors.New("output matrix: quantised, or of another size")
	}
	m.output = r.floats(len(m.labels) * m.dim)
}

// quantiser holds 256 vectors for each group of dimensions.
type quantiser struct {
	dim, groups, width, last int
	vectors                  []float32
}

func readQuantiser(r *reader) quantiser {
	q := quantiser{dim: r.count(), groups: r.count(), width: r.count(), last: r.count()}
	if r.err == nil && (q.groups < 1 || (q.groups-1)*q.width+q.last != q.dim || q.last < 1) {
		r.err = errors.New("quantiser does not add up")
	}
	q.vectors = r.floats(q.dim * centroids)
	return q
}

func (q quantiser) centroid(group int, code byte) []float32 {
	width := q.width
	if group == q.groups-1 {
		width = q.last // the last group may be narrower
	}
	at := group*centroids*q.width + int(code)*width
	return q.vectors[at : at+width]
}

// tree is Huffman's over the labels, which come most frequent first, built as
// fastText builds it, since the output vectors belong to its inner nodes.
func tree(counts []int64) []node {
	n := len(counts)
	nodes, weight := make([]node, n, 2*n-1), make([]int64, n, 2*n-1)
	copy(weight, counts)
	leaf, inner := n-1, n
	lightest := func() int {
		if leaf >= 0 && (inner >= len(nodes) || weight[leaf] < weight[inner]) {
			leaf--
			return leaf + 1
		}
		inner++
		return inner - 1
	}
	for len(nodes) < 2*n-1 {
		left := lightest()
		right := lightest()
		nodes = append(nodes, node{left, right})
		weight = append(weight, weight[left]+weight[right])
	}
	return nodes
}

// reader reads the file; after the first error it gives zeros.
type reader struct {
	b   []byte
	err error
}

func (r *reader) bytes(n int) []byte {
	if r.err == nil && (n < 0 || n > len(r.b)) {
		r.err = errors.New("cut short")
	}
	if r.err != nil {
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) skip(n int) { r.bytes(n) }

func (r *reader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) i32() int32 {
	if b := r.bytes(4); b != nil {
		return int32(binary.LittleEndian.Uint32(b))
	}
	return 0
}

func (r *reader) i64() int64 {
	if b := r.bytes(8); b != nil {
		return int64(binary.LittleEndian.Uint64(b))
	}
	return 0
}

// count reads a number of things, of which there can be no more than bytes.
func (r *reader) count() int {
	n := int(r.i32())
	if r.err == nil && (n < 0 || n > len(packed)) {
		r.err = errors.New("a count that cannot be")
	}
	if r.err != nil {
		return 0
	}
	return n
}

func (r *reader) text() string {
	for i, c := range r.b {
		if c == 0 {
			text := string(r.b[:i])
			r.b = r.b[i+1:]
			return text
		}
	}
	r.skip(len(r.b) + 1)
	return ""
}

func (r *reader) floats(n int) []float32 {
	b := r.bytes(4 * n)
	if b == nil {
		return nil
	}
	floats := make([]float32, n)
	for i := range floats {
		floats[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return floats
}
