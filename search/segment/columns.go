package segment

import (
	"bytes"
	"encoding/binary"
	"sort"
	"strings"

	"daylight/corpus"
)

func compareIDs(a, b []byte) int         { return bytes.Compare(a, b) }
func compareStrings(a, b string) int     { return strings.Compare(a, b) }
func uint32At(b []byte, i uint32) uint32 { return binary.LittleEndian.Uint32(b[4*uint64(i):]) }

// columns are the columns of an open segment, as they lie in the file.
type columns struct {
	n        uint32 // documents
	ids      []byte
	order    []byte
	dates    []byte
	classes  []byte
	messages []byte
	facets   [len(facetNames)]facetColumns
}

type facetColumns struct {
	values   []byte
	ends     []byte
	ordinals column
	starts   []byte // nil when a document has one value
}

// column is ordinals of 1, 2 or 4 bytes.
type column struct {
	size uint8
	b    []byte
}

func (c column) at(i uint32) uint32 {
	switch c.size {
	case 1:
		return uint32(c.b[i])
	case 2:
		return uint32(binary.LittleEndian.Uint16(c.b[2*uint64(i):]))
	}
	return uint32At(c.b, i)
}

// readColumns opens the columns of n documents, and checks all lengths.
func readColumns(f *file, n uint32) columns {
	c := columns{n: n}
	docs := uint64(n)
	c.ids = f.need(sectionIDs, 16*docs)
	c.order = f.need(sectionOrder, 4*docs)
	c.dates = f.need(sectionDates, 8*docs)
	c.classes = f.need(sectionClasses, docs)
	c.messages = f.need(sectionMessages, 16*docs)
	for i := range c.facets {
		c.facets[i] = readFacet(f, i, n)
	}
	return c
}

func readFacet(f *file, facet int, docs uint32) facetColumns {
	id := uint32(sectionFacets + 4*facet)
	c := facetColumns{values: f.get(id + facetValues).all(), ends: f.get(id + facetEnds).all()}
	if len(c.ends)%4 != 0 || c.size() > 0 && int(uint32At(c.ends, c.size()-1)) != len(c.values) {
		panic(damage{"values of a facet"})
	}
	n := docs
	if several(facet) {
		c.starts = f.need(id+facetStarts, 4*uint64(docs)+4)
		n = uint32At(c.starts, docs)
	}
	ordinals := f.get(id + facetOrdinals).all()
	if len(ordinals) == 0 {
		panic(damage{"ordinals of a facet"})
	}
	c.ordinals = column{ordinals[0], ordinals[1:]}
	if s := c.ordinals.size; s != 1 && s != 2 && s != 4 || uint64(len(c.ordinals.b)) != uint64(s)*uint64(n) {
		panic(damage{"ordinals of a facet"})
	}
	return c
}

func (c *columns) id(d uint32) (id corpus.DocumentID) {
	copy(id[:], c.ids[16*uint64(d):])
	return id
}

func (c *columns) message(d uint32) (m [16]byte) {
	copy(m[:], c.messages[16*uint64(d):])
	return m
}

func (c *columns) date(d uint32) int64 {
	return int64(binary.LittleEndian.Uint64(c.dates[8*uint64(d):]))
}

// find returns the document of an id.
func (c *columns) find(id corpus.DocumentID) (uint32, bool) {
	at := func(i int) []byte {
		d := 16 * uint64(uint32At(c.order, uint32(i)))
		return c.ids[d : d+16]
	}
	i := sort.Search(int(c.n), func(i int) bool { return bytes.Compare(at(i), id[:]) >= 0 })
	if i == int(c.n) || !bytes.Equal(at(i), id[:]) {
		return 0, false
	}
	return uint32At(c.order, uint32(i)), true
}

// size is the number of values.
func (f *facetColumns) size() uint32 { return uint32(len(f.ends) / 4) }

// value is the value of an ordinal; it lies in the file.
func (f *facetColumns) value(ordinal uint32) []byte {
	from := uint32(0)
	if ordinal > 0 {
		from = uint32At(f.ends, ordinal-1)
	}
	return f.values[from:uint32At(f.ends, ordinal)]
}

// from returns the first ordinal whose value is not before v.
func (f *facetColumns) from(v string) uint32 {
	return uint32(sort.Search(int(f.size()), func(i int) bool { return string(f.value(uint32(i))) >= v }))
}

// span returns where the ordinals of a document lie in f.ordinals.
func (f *facetColumns) span(d uint32) (from, to uint32) {
	if f.starts == nil {
		return d, d + 1
	}
	return uint32At(f.starts, d), uint32At(f.starts, d+1)
}

// count gives the ordinals of documents, one after the other.
func (f *facetColumns) count(docs []uint32, add func(ordinal uint32)) {
	if f.starts == nil {
		for _, d := range docs {
			add(f.ordinals.at(d))
		}
		return
	}
	for _, d := range docs {
		from, to := f.span(d)
		for i := from; i < to; i++ {
			add(f.ordinals.at(i))
		}
	}
}
