// Package searchtest proves an index: Run is the contract of search.Index as a
// suite, and Oracle is an index that only scans, so plain that it can be checked by
// reading it, which property tests compare every other index with.
package searchtest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"daylight/corpus"
	"daylight/search"
	"daylight/text"
)

// Oracle is a search.Index in memory that answers every query by looking at every
// document. It survives nothing.
type Oracle struct {
	mu    sync.RWMutex
	docs  map[corpus.DocumentID]*scanned
	stems map[[2]string]token // language, form; so that each is stemmed once
}

// scanned is a document with its tokens.
type scanned struct {
	search.Document
	tokens map[string][]token // by field
	class  uint8
}

// token is a form with its stem in the document's main language; without stems in
// that language, the form again.
type token struct{ form, stem string }

// NewOracle returns an empty one.
func NewOracle() *Oracle {
	return &Oracle{docs: map[corpus.DocumentID]*scanned{}, stems: map[[2]string]token{}}
}

// Apply fulfils search.Index.
func (o *Oracle) Apply(ctx context.Context, b search.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, id := range b.Delete {
		delete(o.docs, id)
	}
	for _, d := range b.Put {
		s := &scanned{Document: d, tokens: map[string][]token{search.FieldAttachment: o.tokens(d.Language, d.Attachment)}}
		length := 0
		for _, f := range search.BareFields {
			s.tokens[f] = o.tokens(d.Language, d.Field(f))
			length += len(s.tokens[f])
		}
		s.class = search.LengthClass(length)
		o.docs[s.ID] = s
	}
	return nil
}

func (o *Oracle) tokens(lang, s string) []token {
	var tokens []token
	for _, form := range text.Forms(s) {
		t, ok := o.stems[[2]string{lang, form}]
		if !ok {
			t = token{form, text.Stem(lang, form)}
			o.stems[[2]string{lang, form}] = t
		}
		tokens = append(tokens, t)
	}
	return tokens
}

// Len fulfils search.Index.
func (o *Oracle) Len() int {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return len(o.docs)
}

// Close fulfils search.Index.
func (o *Oracle) Close() error { return nil }

// Search fulfils search.Searcher.
func (o *Oracle) Search(ctx context.Context, r search.Request) (search.Result, error) {
	if err := search.Check(r); err != nil {
		return search.Result{}, err
	}
	after, paged, err := r.Key()
	if err != nil {
		return search.Result{}, err
	}
	if err := ctx.Err(); err != nil {
		return search.Result{}, err
	}
	if r.Query == nil {
		r.Query = search.All{}
	}
	o.mu.RLock()
	defer o.mu.RUnlock()
	sc := o.scan()

	var res search.Result
	var keys []search.Key
	var found []*scanned
	messages := map[[16]byte]bool{}
	for _, d := range o.docs {
		units, ok := sc.match(r.Query, d)
		if !ok {
			continue
		}
		found = append(found, d)
		if !d.Bulk && d.Message != [16]byte{} {
			messages[d.Message] = true
		}
		key := search.Key{Units: units, Date: search.DateKey(d.Date), ID: d.ID}
		if r.Sort == search.ByNewest || r.Sort == search.ByOldest {
			key.Units = 0
		}
		if !paged || r.Sort.Compare(after, key) < 0 {
			keys = append(keys, key)
		}
	}
	res.Total, res.DistinctMessages = len(found), len(messages)
	for _, f := range r.Facets {
		res.Facets = append(res.Facets, count(f, found))
	}
	slices.SortFunc(keys, r.Sort.Compare)
	for i, k := range keys[:min(len(keys), r.Limit)] {
		res.Hits = append(res.Hits, search.Hit{ID: k.ID, Score: float64(k.Units) / search.Unit})
		if i == r.Limit-1 && i < len(keys)-1 {
			res.Next = r.Cursor(k)
		}
	}
	return res, nil
}

func count(f search.FacetRequest, found []*scanned) search.Facet {
	counts := map[string]int{}
	for _, d := range found {
		for _, v := range d.Values(f.Name) {
			counts[v]++
		}
	}
	facet := search.Facet{Name: f.Name, Distinct: len(counts)}
	if counts[search.Unknown] > 0 {
		facet.Distinct--
	}
	for _, v := range slices.Sorted(maps.Keys(counts)) {
		facet.Values = append(facet.Values, search.Count{Value: v, Count: counts[v]})
	}
	slices.SortStableFunc(facet.Values, func(a, b search.Count) int { return cmp.Compare(b.Count, a.Count) })
	if f.Limit > 0 && len(facet.Values) > f.Limit {
		facet.Values = facet.Values[:f.Limit]
	}
	return facet
}

// scan is one search: the statistics of the moment.
type scan struct {
	docs   map[corpus.DocumentID]*scanned
	scorer *search.Scorer
	df     map[[2]string]int // field, form → documents
}

func (o *Oracle) scan() *scan {
	var length int64
	for _, d := range o.docs {
		length += int64(search.ClassLength(d.class))
	}
	return &scan{o.docs, search.NewScorer(len(o.docs), length), map[[2]string]int{}}
}

// match says whether a document matches, and its score.
func (s *scan) match(q search.Query, d *scanned) (units int64, ok bool) {
	switch q := q.(type) {
	case search.All:
		return 0, true
	case search.Is:
		return 0, slices.ContainsFunc(d.Values(q.Facet), q.Has)
	case search.Dates:
		return 0, q.Has(search.DateKey(d.Date))
	case search.Not:
		_, ok := s.match(q.Of, d)
		return 0, !ok
	case search.And:
		for _, q := range q.Of {
			u, ok := s.match(q, d)
			if !ok {
				return 0, false
			}
			units += u
		}
		return units, true
	case search.Or:
		for _, q := range q.Of {
			if u, yes := s.match(q, d); yes {
				units, ok = units+u, true
			}
		}
		return units, ok
	case search.Word:
		forms := text.Forms(q.Text)
		if len(forms) != 1 {
			return s.phrase(q.Field, forms, d, sameForm)
		}
		stem := text.Stem(d.Language, forms[0])
		return s.phrase(q.Field, forms, d, func(have token, want string) bool {
			return have.form == want || have.stem == stem && text.Stems(d.Language)
		})
	case search.Phrase:
		return s.phrase(q.Field, text.Forms(q.Text), d, sameForm)
	case search.Prefix:
		_, ok := s.phrase(q.Field, text.Forms(q.Text), d, func(have token, want string) bool {
			return strings.HasPrefix(have.form, want)
		})
		if ok {
			units = search.Unit
		}
		return units, ok
	case nil:
		return 0, true
	}
	return 0, false
}

func sameForm(have token, want string) bool { return have.form == want }

// phrase matches forms in order, the last one by a rule of its own.
func (s *scan) phrase(field string, forms []string, d *scanned, last func(have token, want string) bool) (int64, bool) {
	fields := []string{field}
	if field == "" {
		fields = search.BareFields
	}
	frequency := 0
	for _, f := range fields {
		frequency += search.FieldWeight(f) * occurrences(d.tokens[f], forms, last)
	}
	if frequency == 0 {
		return 0, false
	}
	weight := 0.0
	for _, form := range forms {
		most := 0
		for _, f := range fields {
			most = max(most, s.documents(f, form))
		}
		weight += s.scorer.Weight(most)
	}
	return s.scorer.Units(weight, frequency, d.class), true
}

// occurrences is how often forms stand in order.
func occurrences(have []token, want []string, last func(have token, want string) bool) int {
	n, end := 0, len(want)-1
	for i := 0; end >= 0 && i+end < len(have); i++ {
		if slices.EqualFunc(have[i:i+end], want[:end], sameForm) && last(have[i+end], want[end]) {
			n++
		}
	}
	return n
}

// documents is the number of documents that hold a form in a field.
func (s *scan) documents(field, form string) int {
	n, ok := s.df[[2]string{field, form}]
	if !ok {
		for _, d := range s.docs {
			if slices.ContainsFunc(d.tokens[field], func(t token) bool { return t.form == form }) {
				n++
			}
		}
		s.df[[2]string{field, form}] = n
	}
	return n
}
