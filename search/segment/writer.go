package segment

import (
	"bytes"
	"fmt"

	"github.com/blevesearch/vellum"
)

// writer writes a segment: its terms in order, then all else.
type writer struct {
	file  *fileWriter
	table *table
	dict  *vellum.Builder
	fst   *bytes.Buffer
	enc   encoder
	buf   []byte
	err   error
}

// written says what stands in a segment file that was finished.
type written struct {
	docs  int
	size  int64
	check uint32
}

func newWriter(path string, t *table) (*writer, error) {
	f, err := createFile(path)
	if err != nil {
		return nil, err
	}
	w := &writer{file: f, table: t, fst: &bytes.Buffer{}}
	if w.dict, err = vellum.New(w.fst, nil); err != nil {
		f.f.Abort()
		return nil, fmt.Errorf("dictionary: %w", err)
	}
	f.begin()
	return w, nil
}

// term writes the postings of the next term. Terms without documents are left out.
func (w *writer) term(key []byte, docs, tfs []uint32, pos []byte) {
	if len(docs) == 0 || w.err != nil {
		return
	}
	w.err = w.dict.Insert(key, w.file.off-w.file.start)
	w.buf = w.enc.encode(w.buf[:0], docs, tfs, pos, w.table.classes)
	w.file.write(w.buf)
}

func (w *writer) finish(forms []stemmedForm) (written, error) {
	w.file.end(sectionPostings)
	if w.err == nil {
		w.err = w.dict.Close()
	}
	if w.err == nil {
		w.file.section(sectionDictionary, w.fst.Bytes())
		w.err = writeStems(w.file, forms)
	}
	if w.err != nil {
		w.file.f.Abort()
		return written{}, fmt.Errorf("dictionary: %w", w.err)
	}
	w.table.write(w.file)
	size, check, err := w.file.finish()
	return written{len(w.table.ids), size, check}, err
}

func (w *writer) abort() { w.file.f.Abort() }
