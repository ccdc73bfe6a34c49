package segment

import (
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/blevesearch/vellum"

	"daylight/search"
)

// segment is an open segment file. It never changes; what is deleted of it is in the
// view.
type segment struct {
	number   uint64
	path     string
	file     *file
	postings section
	dict     *vellum.FST
	stems    *vellum.FST
	forms    []byte
	columns
	langs []uint8 // ordinal of language → number of its stems

	messageOnce     sync.Once
	messageOrdinals []uint32 // by document, in the index's messages
	facetOnce       [len(facetNames)]sync.Once
	facetOrdinals   [len(facetNames)][]uint32 // ordinal here → ordinal in the index's values

	refs    atomic.Int64
	garbage atomic.Bool // no manifest names it any more
}

func segmentName(number uint64) string { return fmt.Sprintf("%08d.seg", number) }

// openSegment maps a segment that a manifest names. All but postings is checked now.
func openSegment(dir string, e entry) (s *segment, err error) {
	path := filepath.Join(dir, segmentName(e.Number))
	f, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.close()
		}
	}()
	defer catch(&err)
	defer guard()()
	if f.check != e.Check || int64(len(f.data)) != e.Size {
		return nil, damaged("segment %d: not the file that the manifest names", e.Number)
	}
	s = &segment{number: e.Number, path: path, file: f}
	s.postings = f.get(sectionPostings)
	s.columns = readColumns(f, uint32(e.Docs))
	s.forms = f.get(sectionForms).all()
	if s.dict, err = vellum.Load(f.get(sectionDictionary).all()); err != nil {
		return nil, damaged("segment %d: dictionary: %v", e.Number, err)
	}
	if s.stems, err = vellum.Load(f.get(sectionStems).all()); err != nil {
		return nil, damaged("segment %d: stems: %v", e.Number, err)
	}
	langs := &s.facets[facetNumber(search.Language)]
	s.langs = make([]uint8, langs.size())
	for i := range s.langs {
		s.langs[i] = stemLanguage(string(langs.value(uint32(i))))
	}
	s.refs.Store(1)
	return s, nil
}

// release lets go of a segment. The last one to do so unmaps it.
func (s *segment) release() error {
	if s.refs.Add(-1) > 0 {
		return nil
	}
	if s.garbage.Load() {
		removeFile(s.path)
	}
	return s.file.close()
}

// discard removes the file of a segment that no manifest names. A mapped file stays
// readable after that, for other processes too; where it does not, the file goes
// when the last reader of this process is gone, or at the next Open.
func (s *segment) discard() {
	s.garbage.Store(true)
	removeFile(s.path)
}

// lookup returns where the postings of a form in a field are.
func (s *segment) lookup(key []byte) (uint64, bool) {
	off, ok, err := s.dict.Get(key)
	if err != nil {
		panic(damage{"dictionary"})
	}
	return off, ok
}

// language is the number of the stems of a document's main language.
func (s *segment) language(d uint32) uint8 {
	return s.langs[s.facets[facetLanguage].ordinals.at(d)]
}

var facetLanguage = facetNumber(search.Language)
