package searchtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"daylight/corpus"
	"daylight/search"
)

// compare applies random batches to an index and to the oracle, and asks both random
// queries: totals, messages, facets, hits, scores and cursors must be equal.
func compare(t *testing.T, open func(t *testing.T) search.Index) {
	rapid.Check(t, func(rt *rapid.T) {
		x, oracle := open(t), NewOracle()
		defer x.Close()
		for range rapid.IntRange(1, 6).Draw(rt, "batches") {
			b := batches.Draw(rt, "batch")
			for _, x := range []search.Index{x, oracle} {
				if err := x.Apply(context.Background(), b); err != nil {
					rt.Fatalf("Apply: %v", err)
				}
			}
			if x.Len() != oracle.Len() {
				rt.Fatalf("Len = %d; want %d", x.Len(), oracle.Len())
			}
			for range 4 {
				r := requests.Draw(rt, "request")
				Compare(rt, x, oracle, r)
				written(rt, oracle, r.Query)
			}
		}
	})
}

// written checks that a tree, as it is written, matches the same documents.
func written(rt *rapid.T, oracle *Oracle, q search.Query) {
	again, err := search.Parse(q.String())
	if err != nil {
		rt.Fatalf("%#v is written %q: %v", q, q, err)
	}
	a, err := oracle.Search(context.Background(), search.Request{Query: q, Limit: 100, Sort: search.ByNewest})
	if err != nil {
		rt.Fatal(err)
	}
	b, err := oracle.Search(context.Background(), search.Request{Query: again, Limit: 100, Sort: search.ByNewest})
	if err != nil {
		rt.Fatal(err)
	}
	if !slices.Equal(a.Hits, b.Hits) {
		rt.Fatalf("%#v is written %q, which matches %d documents; want %d", q, q, b.Total, a.Total)
	}
}

// Compare asks an index and an oracle that hold the same documents the same, page
// after page, and reports each difference.
func Compare(t interface {
	Helper()
	Errorf(format string, args ...any)
}, x, oracle search.Searcher, r search.Request) {
	t.Helper()
	for page := 1; page <= 4; page++ {
		got, err := x.Search(context.Background(), r)
		if err != nil {
			t.Errorf("Search(%s): %v", r.Query, err)
			return
		}
		want, err := oracle.Search(context.Background(), r)
		if err != nil {
			t.Errorf("oracle: Search(%s): %v", r.Query, err)
			return
		}
		if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
			t.Errorf("Search(%s), order %q, page %d\n %s\nwant\n %s", r.Query, r.Sort, page, g, w)
			return
		}
		if r.After = want.Next; r.After == "" {
			return
		}
	}
}

// vocabulary has words that share stems in their languages, forms that several
// languages share, and words that fold.
var vocabulary = map[string][]string{
	"en": {"run", "runs", "running", "Contract", "contracts", "contracted", "port", "ports", "the", "of", "camera"},
	"ru": {"контракт", "контракты", "Контракта", "порт", "порты", "ещё", "еще", "министр", "министра", "port"},
	"ar": {"عقد", "العقد", "عقود", "وزير", "الوزير", "أحمد", "احمد"},
	"fr": {"contrat", "contrats", "port", "ports", "été", "ete", "run"},
	"zh": {"合同", "監控", "中国"},
	"":   {"port", "ports", "contract", "x1", "running"},
}

var languages = []string{"en", "ru", "ar", "fr", "zh", "", "en-GB"}

func vocabularyOf(lang string) []string {
	lang, _, _ = strings.Cut(lang, "-")
	return vocabulary[lang]
}

var anyWord = rapid.Custom(func(t *rapid.T) string {
	return rapid.SampledFrom(vocabularyOf(rapid.SampledFrom(languages).Draw(t, "language"))).Draw(t, "word")
})

func sentence(lang string, most int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		own := rapid.SampledFrom(vocabularyOf(lang))
		return strings.Join(rapid.SliceOfN(rapid.OneOf(own, own, own, anyWord), 0, most).Draw(t, "words"), " ")
	})
}

var (
	addresses = []string{"anna@port.example", "boris@ministry.example", "layla@wire.example"}
	types     = []string{"message/rfc822", "application/pdf", "image/png", "image/jpeg", ""}
	dates     = []time.Time{{}, day(2010, 1, 1), day(2010, 12, 31), day(2011, 6, 15), day(2011, 6, 15).Add(time.Second), day(1969, 12, 31)}
)

var documents = rapid.Custom(func(t *rapid.T) search.Document {
	lang := rapid.SampledFrom(languages).Draw(t, "language")
	some := func(values []string) []string {
		return rapid.SliceOfN(rapid.SampledFrom(values), 0, 3).Draw(t, "values")
	}
	d := search.Document{
		ID:         id(rapid.IntRange(1, 60).Draw(t, "id")),
		Collection: corpus.CollectionID(rapid.SampledFrom([]string{"port", "wire"}).Draw(t, "collection")),
		Title:      sentence(lang, 4).Draw(t, "title"),
		Text:       sentence(lang, 30).Draw(t, "text"),
		Name:       sentence(lang, 2).Draw(t, "name"),
		Attachment: sentence(lang, 5).Draw(t, "attachment"),
		From:       strings.Join(some(addresses), ", "),
		To:         strings.Join(some(addresses), ", "),
		Date:       rapid.SampledFrom(dates).Draw(t, "date"),
		Language:   lang,
		Languages:  some(languages),
		Domain:     rapid.SampledFrom([]string{"", "port.example", "wire.example"}).Draw(t, "domain"),
		Type:       rapid.SampledFrom(types).Draw(t, "type"),
		Origin:     rapid.SampledFrom([]string{"", "ministry", "port"}).Draw(t, "origin"),
		Senders:    some(addresses),
		Recipients: some(addresses),
		Bulk:       rapid.IntRange(0, 4).Draw(t, "bulk") == 0,
	}
	if n := rapid.IntRange(0, 20).Draw(t, "message"); n > 0 {
		d.Message = [16]byte{byte(n)}
	}
	return d
})

var batches = rapid.Custom(func(t *rapid.T) (b search.Batch) {
	for _, n := range rapid.SliceOfN(rapid.IntRange(1, 60), 0, 10).Draw(t, "delete") {
		b.Delete = append(b.Delete, id(n))
	}
	b.Put = rapid.SliceOfN(documents, 0, 25).Draw(t, "put")
	return b
})

var fieldNames = []string{"", "", "", search.FieldText, search.FieldTitle, search.FieldName, search.FieldFrom, search.FieldTo, search.FieldAttachment}

// queries are random trees, most of which match something.
func queries(depth int) *rapid.Generator[search.Query] {
	field := rapid.SampledFrom(fieldNames)
	phrase := rapid.Custom(func(t *rapid.T) string {
		lang := rapid.SampledFrom(languages).Draw(t, "language")
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(vocabularyOf(lang)), 1, 3).Draw(t, "phrase"), " ")
	})
	leaf := rapid.Custom(func(t *rapid.T) search.Query {
		switch rapid.IntRange(0, 10).Draw(t, "kind") {
		case 0, 1, 2, 3:
			return search.Word{Field: field.Draw(t, "field"), Text: anyWord.Draw(t, "word")}
		case 4, 5:
			return search.Phrase{Field: field.Draw(t, "field"), Text: phrase.Draw(t, "text")}
		case 6:
			w := []rune(phrase.Draw(t, "word"))
			return search.Prefix{Field: field.Draw(t, "field"), Text: string(w[:1+rapid.IntRange(0, len(w)-1).Draw(t, "cut")])}
		case 7:
			name := rapid.SampledFrom(search.FacetNames).Draw(t, "facet")
			d := documents.Draw(t, "like")
			return search.Is{Facet: name, Values: append(d.Values(name), "image/*")}
		case 8:
			return search.Dates{From: rapid.SampledFrom(dates).Draw(t, "from"), To: rapid.SampledFrom(dates).Draw(t, "to")}
		case 9:
			return search.Word{Field: rapid.SampledFrom([]string{search.FieldFrom, search.FieldTo, ""}).Draw(t, "field"), Text: rapid.SampledFrom(addresses).Draw(t, "address")}
		}
		return search.All{}
	})
	if depth == 0 {
		return leaf
	}
	of := rapid.SliceOfN(queries(depth-1), 0, 4)
	return rapid.Custom(func(t *rapid.T) search.Query {
		switch rapid.IntRange(0, 6).Draw(t, "kind") {
		case 0, 1:
			return search.And{Of: of.Draw(t, "and")}
		case 2, 3, 4:
			return search.Or{Of: of.Draw(t, "or")}
		case 5:
			return search.Not{Of: queries(depth-1).Draw(t, "not")}
		}
		return leaf.Draw(t, "leaf")
	})
}

var requests = rapid.Custom(func(t *rapid.T) search.Request {
	r := search.Request{
		Query: queries(3).Draw(t, "query"),
		Sort:  rapid.SampledFrom([]search.Sort{"", search.ByRelevance, search.ByNewest, search.ByOldest}).Draw(t, "sort"),
		Limit: rapid.IntRange(0, 20).Draw(t, "limit"),
	}
	for _, name := range search.FacetNames {
		r.Facets = append(r.Facets, search.FacetRequest{Name: name, Limit: rapid.IntRange(0, 3).Draw(t, "values")})
	}
	return r
})
