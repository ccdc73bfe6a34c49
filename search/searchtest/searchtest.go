package searchtest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"daylight/corpus"
	"daylight/fault"
	"daylight/search"
)

// Run checks the contract of search.Index. open returns an empty index, which the
// test does not close.
func Run(t *testing.T, open func(t *testing.T) search.Index) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, x search.Index)
	}{
		{"empty", empty},
		{"words", words},
		{"facets", facets},
		{"order", order},
		{"parts", parts},
		{"pages", pages},
		{"cursors", cursors},
		{"replace and delete", replaceAndDelete},
		{"messages", distinctMessages},
		{"refuses", refuses},
		{"cancelled", cancelled},
		{"batches are whole", wholeBatches},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
	t.Run("oracle", func(t *testing.T) { compare(t, open) })
}

// id makes the id of a number.
func id(n int) corpus.DocumentID {
	var id corpus.DocumentID
	id[0], id[14], id[15] = 1, byte(n>>8), byte(n)
	return id
}

func apply(t *testing.T, x search.Index, b search.Batch) {
	t.Helper()
	if err := x.Apply(context.Background(), b); err != nil {
		t.Fatalf("Apply: %v", err)
	}
}

func find(t *testing.T, x search.Index, r search.Request) search.Result {
	t.Helper()
	res, err := x.Search(context.Background(), r)
	if err != nil {
		t.Fatalf("Search(%v): %v", r.Query, err)
	}
	return res
}

func parse(t *testing.T, s string) search.Query {
	t.Helper()
	q, err := search.Parse(s)
	if err != nil {
		t.Fatalf("Parse(%q): %v", s, err)
	}
	return q
}

// numbers are the hits of a query by the numbers of their ids, in order of number.
func numbers(t *testing.T, x search.Index, query string) []int {
	t.Helper()
	res := find(t, x, search.Request{Query: parse(t, query), Limit: 1000})
	var ns []int
	for _, h := range res.Hits {
		ns = append(ns, int(h.ID[14])<<8|int(h.ID[15]))
	}
	slices.Sort(ns)
	if len(ns) != res.Total {
		t.Errorf("%q: total %d; %d hits", query, res.Total, len(ns))
	}
	return ns
}

func empty(t *testing.T, x search.Index) {
	if n := x.Len(); n != 0 {
		t.Errorf("Len = %d; want 0", n)
	}
	res := find(t, x, search.Request{Facets: []search.FacetRequest{{Name: search.Year}}, Limit: 10})
	if res.Total != 0 || len(res.Hits) != 0 || res.Next != "" || len(res.Facets) != 1 || len(res.Facets[0].Values) != 0 {
		t.Errorf("an empty index answers %+v", res)
	}
	apply(t, x, search.Batch{})
	apply(t, x, search.Batch{Delete: []corpus.DocumentID{id(1)}})
}

func words(t *testing.T, x search.Index) {
	apply(t, x, search.Batch{Put: []search.Document{
		{ID: id(1), Language: "en", Title: "The tender", Text: "Cameras were installed at the port."},
		{ID: id(2), Language: "en", Title: "Re: camera", Text: "We install a camera; port the contract."},
		{ID: id(3), Language: "ru", Title: "Контракт", Text: "Камеры установлены в порту. Port. cameras"},
		{ID: id(4), Language: "ru", Text: "Камера стоит в порту, ещё одна на крыше."},
		{ID: id(5), Language: "ar", Text: "وقعت الوزارة العقد", From: "Layla <layla@ministry.example>"},
		{ID: id(6), Text: "cameras, camera-ready", Name: "cameras_2011.pdf", To: "Anna Berg <anna@port.example>"},
		{ID: id(7), Language: "zh", Text: "監控攝像頭合同"},
		{ID: id(8), Language: "en", Text: "unrelated", Attachment: "the secret contract"},
		{ID: id(9), Language: "en", Title: "end of the title", Text: "beginning of the text"},
	}})
	for _, c := range []struct {
		query string
		want  []int
	}{
		{"*", []int{1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{"camera", []int{1, 2, 6}},      // stems in English; in no language only the form
		{"cameras", []int{1, 2, 3, 6}},  // the form in any language
		{"CAMERA port", []int{1, 2, 6}}, // one of them by its address
		{"install camera", []int{1, 2}},
		{`"camera"`, []int{2, 6}},
		{`"cameras"`, []int{1, 3, 6}},
		{"камера", []int{3, 4}},
		{`"камера"`, []int{4}},
		{"еще", []int{4}},
		{"العقد", []int{5}},
		{"攝像頭", []int{7}},
		{"像攝", nil},
		{"camera-ready", []int{6}},
		{"ready-camera", nil},
		{`"installed at the port"`, []int{1}},
		{`"port at the"`, nil},
		{`"title beginning"`, nil}, // inside one field
		{"camera OR контракт", []int{1, 2, 3, 6}},
		{"camera -text:port", []int{6}},
		{"-camera", []int{3, 4, 5, 7, 8, 9}},
		{"camera (port OR ready) -contract", []int{1, 6}},
		{"cam*", []int{1, 2, 3, 6}},
		{"порт*", []int{3, 4}},
		{"camera-rea*", []int{6}},
		{"at-the-po*", []int{1}},
		{"title:tender", []int{1}},
		{"text:tender", nil},
		{"subject:camera", []int{2}},
		{"name:cameras", []int{6}},
		{"from:layla", []int{5}},
		{"to:layla", nil},
		{`to:"anna berg"`, []int{6}},
		{`to:anna@port.example`, []int{6}},
		{"secret", nil}, // attachments only when asked
		{"attachment:secret", []int{8}},
		{`attachment:"secret contract"`, []int{8}},
		{"attachment:contracts", []int{8}},
		{"text:(camera port)", []int{1, 2}},
		{"language:ru", []int{3, 4}},
		{"language:(ru OR ar) порту", []int{3, 4}},
		{"-language:unknown camera", []int{1, 2}},
		{"nothingofthesort", nil},
		{"nothingofthesort OR tender", []int{1}},
		{"nothingofthesort tender", nil},
		{"-nothingofthesort tender", []int{1}},
	} {
		if got := numbers(t, x, c.query); !slices.Equal(got, c.want) {
			t.Errorf("%q found %v; want %v", c.query, got, c.want)
		}
	}
	// Trees that Parse does not make.
	for _, c := range []struct {
		q    search.Query
		want int
	}{
		{nil, 9}, {search.And{}, 9}, {search.Or{}, 0}, {search.Not{Of: search.All{}}, 0},
		{search.Word{Text: "…"}, 0}, {search.Phrase{}, 0}, {search.Prefix{}, 0}, {search.Is{Facet: search.Language}, 0},
		{search.And{Of: []search.Query{search.Word{Text: "tender"}}}, 1},
	} {
		if got := find(t, x, search.Request{Query: c.q}).Total; got != c.want {
			t.Errorf("%#v found %d; want %d", c.q, got, c.want)
		}
	}
}

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

func facets(t *testing.T, x search.Index) {
	apply(t, x, search.Batch{Put: []search.Document{
		{ID: id(1), Collection: "port", Date: day(2011, 3, 1), Language: "en", Languages: []string{"en", "ru"}, Domain: "port.example",
			Type: "message/rfc822", Origin: "ministry", Senders: []string{"a@port.example", "a@port.example"}, Recipients: []string{"b@x.example", "c@x.example"}},
		{ID: id(2), Collection: "port", Date: day(2011, 12, 31).Add(24*time.Hour - time.Second), Language: "ru", Languages: []string{"ru"},
			Type: "application/pdf", Recipients: []string{"b@x.example"}},
		{ID: id(3), Collection: "wire", Date: day(2012, 1, 1), Language: "ru", Type: "image/png"},
		{ID: id(4), Collection: "wire", Type: "image/jpeg", Languages: []string{"", "de"}},
	}})
	all := make([]search.FacetRequest, len(search.FacetNames))
	for i, name := range search.FacetNames {
		all[i].Name = name
	}
	res := find(t, x, search.Request{Facets: all})
	got := map[string]string{}
	for _, f := range res.Facets {
		got[f.Name] = fmt.Sprint(f.Distinct, f.Values)
	}
	want := map[string]string{
		search.Collection: "2 [{port 2} {wire 2}]",
		search.Domain:     "1 [{unknown 3} {port.example 1}]",
		search.Language:   "2 [{ru 2} {en 1} {unknown 1}]",
		search.Languages:  "3 [{ru 3} {de 1} {en 1}]",
		search.Origin:     "1 [{unknown 3} {ministry 1}]",
		search.Recipient:  "2 [{b@x.example 2} {unknown 2} {c@x.example 1}]",
		search.Sender:     "1 [{unknown 3} {a@port.example 1}]",
		search.Type:       "4 [{application/pdf 1} {image/jpeg 1} {image/png 1} {message/rfc822 1}]",
		search.Year:       "2 [{2011 2} {2012 1} {unknown 1}]",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("facets\n %v; want\n %v", got, want)
	}
	res = find(t, x, search.Request{Query: parse(t, "language:ru"), Facets: []search.FacetRequest{{Name: search.Type, Limit: 1}}})
	if s := fmt.Sprint(res.Facets); s != "[{type [{application/pdf 1}] 2}]" {
		t.Errorf("limited facet %s", s)
	}
	for query, want := range map[string][]int{
		"year:2011": {1, 2}, "year:unknown": {4}, "year:2011..2012": {1, 2, 3}, "date:2011-12-31": {2}, "date:2012-01": {3},
		"date:..2011": {1, 2}, "date:..": {1, 2, 3}, "date:2011-03-01T00:00:00Z": {1}, "type:image": {3, 4}, "type:pdf": {2},
		"languages:ru": {1, 2, 3}, "language:unknown": {4}, "sender:a@port.example": {1}, "recipient:(b@x.example c@x.example)": {1},
		"recipient:(b@x.example OR unknown)": {1, 2, 3, 4}, "origin:unknown": {2, 3, 4}, "collection:wire -type:image/png": {4},
	} {
		if got := numbers(t, x, query); !slices.Equal(got, want) {
			t.Errorf("%q found %v; want %v", query, got, want)
		}
	}
}

func order(t *testing.T, x search.Index) {
	apply(t, x, search.Batch{Put: []search.Document{
		{ID: id(1), Text: "tender tender tender and others", Date: day(2010, 1, 1)},
		{ID: id(2), Text: "tender and some others", Date: day(2012, 1, 1)},
		{ID: id(3), Text: "some others and tender"},
		{ID: id(4), Text: "and tender some others", Date: day(2012, 1, 1)},
		{ID: id(5), Title: "tender", Text: "and some others", Date: day(2001, 1, 1)},
	}})
	for sort, want := range map[search.Sort][]int{
		"": {5, 1, 2, 4, 3}, search.ByRelevance: {5, 1, 2, 4, 3}, search.ByNewest: {2, 4, 1, 5, 3}, search.ByOldest: {5, 1, 2, 4, 3},
	} {
		var got []int
		res := find(t, x, search.Request{Query: parse(t, "tender"), Sort: sort, Limit: 10})
		for _, h := range res.Hits {
			got = append(got, int(h.ID[15]))
		}
		if !slices.Equal(got, want) {
			t.Errorf("order %q: %v; want %v", sort, got, want)
		}
		if first := res.Hits[0].Score; (first > 0) != (sort == "" || sort == search.ByRelevance) {
			t.Errorf("order %q: score %v", sort, first)
		}
	}
}

// parts checks that a part of a query which a document does not match adds nothing
// to its score, though words of that part stand in it.
func parts(t *testing.T, x search.Index) {
	put := []search.Document{{ID: id(1), Text: "delta alpha beta"}, {ID: id(2), Text: "delta other other"}, {ID: id(3), Text: "xray gamma"}}
	for i := range 5 {
		put = append(put, search.Document{ID: id(10 + i), Text: "xray"})
	}
	apply(t, x, search.Batch{Put: put})
	res := find(t, x, search.Request{Query: parse(t, "(xray ((alpha beta) OR gamma)) OR delta"), Limit: 10})
	if res.Total != 3 {
		t.Fatalf("total %d; want 3", res.Total)
	}
	score := map[corpus.DocumentID]float64{}
	for _, h := range res.Hits {
		score[h.ID] = h.Score
	}
	if score[id(1)] != score[id(2)] || score[id(1)] == 0 {
		t.Errorf("scores %v and %v; want them equal", score[id(1)], score[id(2)])
	}
}

func pages(t *testing.T, x search.Index) {
	const n = 3000
	var b search.Batch
	for i := range n {
		b.Put = append(b.Put, search.Document{ID: id(i), Text: strings.Repeat("word ", 1+i%7), Date: day(2000+i%5, 1, 1)})
	}
	apply(t, x, b)
	for _, sort := range []search.Sort{search.ByRelevance, search.ByNewest, search.ByOldest} {
		all := find(t, x, search.Request{Query: parse(t, "word"), Sort: sort, Limit: n})
		if all.Total != n || len(all.Hits) != n || all.Next != "" {
			t.Fatalf("all at once: total %d, %d hits, next %q", all.Total, len(all.Hits), all.Next)
		}
		var got []search.Hit
		r := search.Request{Query: parse(t, "word"), Sort: sort, Limit: 700}
		for {
			res := find(t, x, r)
			got = append(got, res.Hits...)
			if res.Total != n {
				t.Errorf("total on a later page: %d", res.Total)
			}
			if r.After = res.Next; r.After == "" {
				break
			}
		}
		if !slices.Equal(got, all.Hits) {
			t.Errorf("order %q: pages joined differ from all at once", sort)
		}
	}
}

func cursors(t *testing.T, x search.Index) {
	apply(t, x, search.Batch{Put: []search.Document{{ID: id(1), Text: "word"}, {ID: id(2), Text: "word"}}})
	first := search.Request{Query: parse(t, "word"), Limit: 1}
	next := find(t, x, first).Next
	if next == "" {
		t.Fatal("no cursor after the first of two")
	}
	for _, r := range []search.Request{
		{Query: parse(t, "other"), Limit: 1, After: next},
		{Query: parse(t, "word"), Sort: search.ByNewest, Limit: 1, After: next},
		{Query: parse(t, "word"), Limit: 1, After: "nonsense"},
		{Query: parse(t, "word"), Limit: 1, After: next[:len(next)-1] + "_"},
	} {
		if _, err := x.Search(context.Background(), r); !errors.Is(err, fault.Invalid) {
			t.Errorf("cursor of another query: %v; want fault.Invalid", err)
		}
	}
	// A cursor stays good when documents come and go.
	apply(t, x, search.Batch{Delete: []corpus.DocumentID{id(1)}})
	first.After = next
	if res := find(t, x, first); len(res.Hits) > 1 {
		t.Errorf("after a delete, the page has %d hits", len(res.Hits))
	}
}

func replaceAndDelete(t *testing.T, x search.Index) {
	check := func(query string, want ...int) {
		t.Helper()
		if got := numbers(t, x, query); !slices.Equal(got, want) {
			t.Errorf("%q found %v; want %v", query, got, want)
		}
	}
	apply(t, x, search.Batch{Put: []search.Document{{ID: id(1), Text: "first"}, {ID: id(2), Text: "second"}, {ID: id(3), Text: "third"}}})
	apply(t, x, search.Batch{Put: []search.Document{{ID: id(1), Text: "other"}}})
	check("first")
	check("other", 1)
	check("*", 1, 2, 3)
	apply(t, x, search.Batch{Delete: []corpus.DocumentID{id(2), id(9)}, Put: []search.Document{{ID: id(4), Text: "fourth"}}})
	check("*", 1, 3, 4)
	// It deletes, then puts; and of the same id twice, the last one stays.
	apply(t, x, search.Batch{Delete: []corpus.DocumentID{id(5)}, Put: []search.Document{{ID: id(5), Text: "old"}, {ID: id(5), Text: "new"}}})
	check("new", 5)
	check("old")
	if n := x.Len(); n != 4 {
		t.Errorf("Len = %d; want 4", n)
	}
	apply(t, x, search.Batch{Delete: []corpus.DocumentID{id(1), id(3), id(4), id(5)}})
	check("*")
	apply(t, x, search.Batch{Put: []search.Document{{ID: id(1), Text: "again"}}})
	check("again", 1)
}

func distinctMessages(t *testing.T, x search.Index) {
	m := func(n byte) [16]byte { return [16]byte{n} }
	put := func(ds ...search.Document) { apply(t, x, search.Batch{Put: ds}) }
	put(search.Document{ID: id(1), Text: "a word", Message: m(1), Collection: "one"},
		search.Document{ID: id(2), Text: "a word", Message: m(2), Collection: "one"},
		search.Document{ID: id(3), Text: "a word"},
		search.Document{ID: id(4), Text: "a word", Message: m(3), Bulk: true})
	put(search.Document{ID: id(5), Text: "a word", Message: m(1), Collection: "two"},
		search.Document{ID: id(6), Text: "another", Message: m(4)},
		search.Document{ID: id(7), Text: "another", Message: m(2)})
	for query, want := range map[string][2]int{"word": {5, 2}, "*": {7, 3}, "another": {2, 2}, "collection:two": {1, 1}} {
		res := find(t, x, search.Request{Query: parse(t, query)})
		if got := [2]int{res.Total, res.DistinctMessages}; got != want {
			t.Errorf("%q: total and messages %v; want %v", query, got, want)
		}
	}
	apply(t, x, search.Batch{Delete: []corpus.DocumentID{id(2)}})
	if n := find(t, x, search.Request{}).DistinctMessages; n != 3 {
		t.Errorf("after a copy was deleted: %d messages; want 3", n)
	}
}

func refuses(t *testing.T, x search.Index) {
	deep := search.Query(search.All{})
	for range 1000 {
		deep = search.Not{Of: deep}
	}
	for _, r := range []search.Request{
		{Facets: []search.FacetRequest{{Name: "colour"}}},
		{Facets: []search.FacetRequest{{Name: search.Year, Limit: -1}}},
		{Sort: "colour"},
		{Limit: -1},
		{Query: search.Word{Field: "colour", Text: "red"}},
		{Query: search.Is{Facet: "colour", Values: []string{"red"}}},
		{Query: deep},
	} {
		if _, err := x.Search(context.Background(), r); !errors.Is(err, fault.Invalid) {
			t.Errorf("Search(%.60v): %v; want fault.Invalid", r, err)
		}
	}
}

func cancelled(t *testing.T, x search.Index) {
	apply(t, x, search.Batch{Put: []search.Document{{ID: id(1), Text: "word"}}})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := x.Search(ctx, search.Request{Query: parse(t, "word")}); !errors.Is(err, context.Canceled) {
		t.Errorf("Search: %v; want context.Canceled", err)
	}
	if err := x.Apply(ctx, search.Batch{Put: []search.Document{{ID: id(2), Text: "word"}}}); err == nil {
		t.Error("Apply of a cancelled context succeeded")
	}
	if n := x.Len(); n != 1 {
		t.Errorf("Len = %d; want 1", n)
	}
}

// wholeBatches searches while batches come, each of which replaces all of the one
// before: a search sees one batch, whole.
func wholeBatches(t *testing.T, x search.Index) {
	const size, rounds = 40, 25
	batch := func(round int) (b search.Batch) {
		for i := range size {
			b.Put = append(b.Put, search.Document{
				ID: id(i), Text: fmt.Sprintf("all round%d", round), Origin: fmt.Sprint("r", round), Date: day(2000, 1, 1),
			})
		}
		return b
	}
	apply(t, x, batch(0))
	done := make(chan struct{})
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for {
				res, err := x.Search(context.Background(), search.Request{
					Query: search.Word{Text: "all"}, Facets: []search.FacetRequest{{Name: search.Origin}}, Limit: size,
				})
				if err != nil {
					t.Errorf("Search while applying: %v", err)
					return
				}
				if res.Total != size || len(res.Hits) != size || len(res.Facets[0].Values) != 1 {
					t.Errorf("a search saw %d documents, %d hits, %v", res.Total, len(res.Hits), res.Facets[0].Values)
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for round := 1; round <= rounds; round++ {
		apply(t, x, batch(round))
	}
	close(done)
	all.Wait()
	if got := numbers(t, x, fmt.Sprintf("round%d", rounds)); len(got) != size {
		t.Errorf("of the last round %d found; want %d", len(got), size)
	}
}
