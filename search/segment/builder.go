package segment

import (
	"encoding/binary"
	"hash/maphash"
	"slices"

	"daylight/search"
	"daylight/text"
)

// The byte before a form in the dictionary says which field it stands in.
var fieldBytes = map[string]byte{
	search.FieldText: 't', search.FieldTitle: 's', search.FieldName: 'n',
	search.FieldFrom: 'f', search.FieldTo: 'r', search.FieldAttachment: 'a',
}

// builder inverts documents in memory: a hash table of terms, each with a chain of
// pieces in one arena, in which its occurrences are written one after the other.
type builder struct {
	seed  maphash.Seed
	slots []uint32 // index of a term + 1, open addressing; a power of two
	terms []term
	keys  []byte // field byte and form of all terms
	arena []byte
	table *table
}

// term is a form in a field. An occurrence is uvarint gap × 2 when it is in the
// document of the one before, with the gap between positions; else gap between
// documents × 2 + 1, and uvarint the position.
type term struct {
	hash            uint32
	key             uint32
	size            uint8
	level           uint8 // of the piece
	langs           uint32
	lastDoc, lastAt uint32
	head, cur, stop uint32 // of the chain: first piece, where to write, end of the piece
}

func newBuilder() *builder {
	return &builder{
		seed: maphash.MakeSeed(), slots: make([]uint32, 1<<14),
		arena: make([]byte, 1), // so that 0 is nowhere
		table: newTable(),
	}
}

// memory is roughly how many bytes the builder holds.
func (b *builder) memory() int { return len(b.arena) + len(b.keys) + 48*len(b.terms) + 4*len(b.slots) }

func (b *builder) add(d *search.Document) {
	doc := uint32(len(b.table.ids))
	var langs uint32
	if l := stemLanguage(d.Language); l != noStems {
		langs = 1 << l
	}
	length := 0
	for _, f := range search.BareFields {
		length += b.addField(doc, langs, fieldBytes[f], d.Field(f))
	}
	b.addField(doc, langs, fieldBytes[search.FieldAttachment], d.Attachment)
	b.table.add(d, search.LengthClass(length))
}

func (b *builder) addField(doc, langs uint32, field byte, s string) int {
	at := uint32(0)
	for t := range text.Tokens(s) {
		b.occur(b.term(field, t.Form), doc, at, langs)
		at++
	}
	return int(at)
}

// term returns the term of a form in a field.
func (b *builder) term(field byte, form string) *term {
	h := uint32(maphash.String(b.seed, form)) ^ uint32(field)*0x9E3779B1
	mask := uint32(len(b.slots) - 1)
	i := h & mask
	for ; b.slots[i] != 0; i = (i + 1) & mask {
		t := &b.terms[b.slots[i]-1]
		if t.hash == h && int(t.size) == len(form)+1 && b.keys[t.key] == field &&
			string(b.keys[t.key+1:t.key+uint32(t.size)]) == form {
			return t
		}
	}
	b.terms = append(b.terms, term{hash: h, key: uint32(len(b.keys)), size: uint8(len(form) + 1)})
	b.keys = append(append(b.keys, field), form...)
	b.slots[i] = uint32(len(b.terms))
	if 2*len(b.terms) > len(b.slots) {
		b.grow()
	}
	return &b.terms[len(b.terms)-1]
}

func (b *builder) grow() {
	b.slots = make([]uint32, 2*len(b.slots))
	mask := uint32(len(b.slots) - 1)
	for k := range b.terms {
		i := b.terms[k].hash & mask
		for b.slots[i] != 0 {
			i = (i + 1) & mask
		}
		b.slots[i] = uint32(k + 1)
	}
}

func (b *builder) occur(t *term, doc, at, langs uint32) {
	if t.head != 0 && t.lastDoc == doc {
		b.put(t, (at-t.lastAt)<<1)
	} else {
		b.put(t, (doc-t.lastDoc)<<1|1)
		b.put(t, at)
		t.langs |= langs
	}
	t.lastDoc, t.lastAt = doc, at
}

// put appends a uvarint to the chain of a term.
func (b *builder) put(t *term, v uint32) {
	for v >= 0x80 {
		b.putByte(t, byte(v)|0x80)
		v >>= 7
	}
	b.putByte(t, byte(v))
}

// A piece is 8 bytes, the next one twice as much, up to 4 KiB, and then the offset of
// the next piece in 4 bytes.
const smallestPiece, largestLevel = 8, 9

func (b *builder) putByte(t *term, c byte) {
	if t.cur == t.stop {
		size := smallestPiece << t.level
		t.level = min(t.level+1, largestLevel)
		start := uint32(len(b.arena))
		b.arena = slices.Grow(b.arena, size+4)[:len(b.arena)+size+4]
		if t.head == 0 {
			t.head = start
		} else {
			binary.LittleEndian.PutUint32(b.arena[t.stop:], start)
		}
		t.cur, t.stop = start, start+uint32(size)
	}
	b.arena[t.cur] = c
	t.cur++
}

// chain appends all bytes of a term's chain to to.
func (b *builder) chain(t *term, to []byte) []byte {
	at, size := t.head, uint32(smallestPiece)
	for level := uint8(0); ; {
		stop := at + size
		if stop == t.stop {
			return append(to, b.arena[at:t.cur]...)
		}
		to = append(to, b.arena[at:stop]...)
		at = binary.LittleEndian.Uint32(b.arena[stop:])
		level = min(level+1, largestLevel)
		size = smallestPiece << level
	}
}

// occurrences is the postings of a term, unpacked.
type occurrences struct {
	docs, tfs []uint32
	pos       []byte
	raw       []byte
}

// unroll reads the chain of a term.
func (b *builder) unroll(t *term, o *occurrences) {
	o.docs, o.tfs, o.pos = o.docs[:0], o.tfs[:0], o.pos[:0]
	o.raw = b.chain(t, o.raw[:0])
	doc := uint32(0)
	for raw := o.raw; len(raw) > 0; {
		v, n := binary.Uvarint(raw)
		raw = raw[n:]
		if v&1 == 1 {
			doc += uint32(v >> 1)
			o.docs, o.tfs = append(o.docs, doc), append(o.tfs, 0)
			v, n = binary.Uvarint(raw)
			raw = raw[n:]
		} else {
			v >>= 1
		}
		o.tfs[len(o.tfs)-1]++
		o.pos = binary.AppendUvarint(o.pos, v)
	}
}

// write makes a segment file of what was added.
func (b *builder) write(path string) (written, error) {
	w, err := newWriter(path, b.table)
	if err != nil {
		return written{}, err
	}
	key := func(t *term) string { return string(b.keys[t.key : t.key+uint32(t.size)]) }
	order := make([]uint32, len(b.terms))
	for i := range order {
		order[i] = uint32(i)
	}
	keyOf := func(i uint32) []byte { t := &b.terms[i]; return b.keys[t.key : t.key+uint32(t.size)] }
	slices.SortFunc(order, func(x, y uint32) int { return compareIDs(keyOf(x), keyOf(y)) })
	var forms []stemmedForm
	var o occurrences
	for _, i := range order {
		t := &b.terms[i]
		b.unroll(t, &o)
		w.term(keyOf(i), o.docs, o.tfs, o.pos)
		if t.langs == 0 {
			continue
		}
		form := key(t)[1:]
		for lang := range stemmed {
			if t.langs>>lang&1 == 1 {
				forms = append(forms, stemmedForm{uint8(lang), text.Stem(stemmed[lang], form), form})
			}
		}
	}
	return w.finish(forms)
}
