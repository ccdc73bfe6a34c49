package segment

import (
	"encoding/binary"
	"math"
	"slices"

	"daylight/corpus"
	"daylight/search"
)

// The sections of a segment. All columns have one value a document, in the order of
// documents, unless it says otherwise.
const (
	sectionPostings   = 1
	sectionDictionary = 2  // FST: field byte and form → offset of postings
	sectionStems      = 3  // FST: language, 0, stem → offset in forms
	sectionForms      = 4  // see stems.go
	sectionIDs        = 5  // 16 bytes
	sectionOrder      = 6  // u32: documents in order of their ids
	sectionDates      = 7  // i64, search.DateKey
	sectionClasses    = 8  // u8, search.LengthClass
	sectionMessages   = 9  // 16 bytes; zero for what counts as no distinct message
	sectionFacets     = 32 // and on: four for each of facetNames

	facetValues   = 0 // the values in order, one after the other
	facetEnds     = 1 // u32 a value: where it ends
	facetOrdinals = 2 // see column
	facetStarts   = 3 // u32 a document and one more: its ordinals begin there; only of facets with several values
)

// facetNames gives each facet its number in the format.
var facetNames = [...]string{
	search.Collection, search.Domain, search.Language, search.Languages, search.Origin,
	search.Recipient, search.Sender, search.Type, search.Year,
}

func facetNumber(name string) int { return slices.Index(facetNames[:], name) }

func several(facet int) bool {
	switch facetNames[facet] {
	case search.Languages, search.Recipient, search.Sender:
		return true
	}
	return false
}

// table is the columns of a segment being made.
type table struct {
	ids      []corpus.DocumentID
	dates    []int64
	classes  []uint8
	messages [][16]byte
	facets   [len(facetNames)]facetTable
}

type facetTable struct {
	index    map[string]uint32
	values   []string
	ordinals []uint32
	starts   []uint32
}

func newTable() *table {
	t := &table{}
	for i := range t.facets {
		t.facets[i].index = map[string]uint32{}
	}
	return t
}

// add appends the columns of a document.
func (t *table) add(d *search.Document, class uint8) {
	message := d.Message
	if d.Bulk {
		message = [16]byte{}
	}
	t.addRow(d.ID, search.DateKey(d.Date), class, message)
	for i, name := range facetNames {
		f := &t.facets[i]
		f.starts = append(f.starts, uint32(len(f.ordinals)))
		for _, v := range d.Values(name) {
			f.ordinals = append(f.ordinals, f.ordinal(v))
		}
	}
}

func (t *table) addRow(id corpus.DocumentID, date int64, class uint8, message [16]byte) {
	t.ids = append(t.ids, id)
	t.dates = append(t.dates, date)
	t.classes = append(t.classes, class)
	t.messages = append(t.messages, message)
}

func (f *facetTable) ordinal(value string) uint32 {
	o, ok := f.index[value]
	if !ok {
		o = uint32(len(f.values))
		// A value may be part of a large text, which it must not keep in memory.
		value = string([]byte(value))
		f.index[value] = o
		f.values = append(f.values, value)
	}
	return o
}

// write writes all columns.
func (t *table) write(w *fileWriter) {
	le := binary.LittleEndian
	n := len(t.ids)
	b := make([]byte, 0, 16*n)
	for _, id := range t.ids {
		b = append(b, id[:]...)
	}
	w.section(sectionIDs, b)

	order := make([]uint32, n)
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return compareIDs(t.ids[a][:], t.ids[b][:]) })
	b = b[:0]
	for _, d := range order {
		b = le.AppendUint32(b, d)
	}
	w.section(sectionOrder, b)

	b = b[:0]
	for _, d := range t.dates {
		b = le.AppendUint64(b, uint64(d))
	}
	w.section(sectionDates, b)
	w.section(sectionClasses, t.classes)

	b = b[:0]
	for _, m := range t.messages {
		b = append(b, m[:]...)
	}
	w.section(sectionMessages, b)

	for i := range t.facets {
		t.facets[i].write(w, i)
	}
}

func (f *facetTable) write(w *fileWriter, facet int) {
	id := uint32(sectionFacets + 4*facet)
	le := binary.LittleEndian
	order := make([]uint32, len(f.values))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return compareStrings(f.values[a], f.values[b]) })
	rank := make([]uint32, len(order))
	var values, ends []byte
	for i, o := range order {
		rank[o] = uint32(i)
		values = append(values, f.values[o]...)
		ends = le.AppendUint32(ends, uint32(len(values)))
	}
	w.section(id+facetValues, values)
	w.section(id+facetEnds, ends)

	if several(facet) {
		starts := make([]byte, 0, 4*len(f.starts)+4)
		for i, s := range f.starts {
			starts = le.AppendUint32(starts, s)
			to := uint32(len(f.ordinals))
			if i+1 < len(f.starts) {
				to = f.starts[i+1]
			}
			for j := s; j < to; j++ {
				f.ordinals[j] = rank[f.ordinals[j]]
			}
			slices.Sort(f.ordinals[s:to]) // so that a segment does not depend on what was before
		}
		starts = le.AppendUint32(starts, uint32(len(f.ordinals)))
		w.section(id+facetStarts, starts)
	} else {
		for i, o := range f.ordinals {
			f.ordinals[i] = rank[o]
		}
	}
	w.section(id+facetOrdinals, packColumn(f.ordinals, len(f.values)))
}

// packColumn writes ordinals below n in 1, 2 or 4 bytes each, after a byte that says
// which.
func packColumn(ordinals []uint32, n int) []byte {
	le := binary.LittleEndian
	size := 4
	switch {
	case n <= math.MaxUint8+1:
		size = 1
	case n <= math.MaxUint16+1:
		size = 2
	}
	b := make([]byte, 1, 1+size*len(ordinals))
	b[0] = byte(size)
	for _, o := range ordinals {
		switch size {
		case 1:
			b = append(b, byte(o))
		case 2:
			b = le.AppendUint16(b, uint16(o))
		default:
			b = le.AppendUint32(b, o)
		}
	}
	return b
}
