package main

import (
	"os"
	"testing"

	"daylight/corpus"
	"daylight/relate"
	"daylight/search"
	"daylight/search/searchtest"
	"daylight/search/segment"
)

// oracle checks the desk's index in two steps, since the oracle reads everything
// for each query: the index answers as one that is made anew of what the ledgers
// hold, over all documents; and an index of up to 1,200 of these documents answers
// as the oracle does. With DAYLIGHT_SOAK the oracle is asked about all.
func (f *filled) oracle(t *testing.T) {
	f.open(t, func(d *deskRole) {
		docs := f.documents(t, d)
		if d.index.Len() != len(docs) {
			t.Errorf("the index has %d documents; the ledgers %d", d.index.Len(), len(docs))
		}
		queries := 1000
		if testing.Short() {
			queries = 50
		}
		same(t, d.index, indexOf(t, docs), docs, queries/4, 1)

		few := docs
		if most := 1200; len(docs) > most && !soak() {
			few = nil
			for n := range most {
				few = append(few, docs[n*len(docs)/most])
			}
		}
		x := searchtest.NewOracle()
		apply(t, x, few)
		same(t, indexOf(t, few), x, few, queries, 2)
		t.Logf("%d documents; %d compared with the oracle", len(docs), len(few))
	})
}

// soak says that time does not matter: `make soak`.
func soak() bool { return os.Getenv("DAYLIGHT_SOAK") != "" }

// same asks two indexes the same, and that most of it finds something.
func same(t *testing.T, got, want search.Index, docs []search.Document, n int, seed uint64) {
	t.Helper()
	found := 0
	for _, r := range searchtest.Requests(docs, n, seed) {
		searchtest.Compare(t, got, want, r)
		if res, err := got.Search(t.Context(), r); err == nil && res.Total > 0 {
			found++
		}
	}
	if 2*found < n {
		t.Errorf("only %d of %d queries find something", found, n)
	}
}

// documents are what an index must hold, made of the ledgers only.
func (f *filled) documents(t *testing.T, d *deskRole) (docs []search.Document) {
	t.Helper()
	for _, s := range f.sources {
		attached := map[corpus.DocumentID]*search.Attachments{}
		items := itemsOf(t, d, corpus.CollectionID(s.name()), true)
		for _, i := range items {
			if i.State != corpus.Pending || i.Document.Parent.IsZero() {
				continue
			}
			a := attached[i.Document.Parent]
			if a == nil {
				a = &search.Attachments{}
				attached[i.Document.Parent] = a
			}
			a.Add(i.Document)
		}
		for _, i := range items {
			if i.State != corpus.Pending {
				continue
			}
			with := ""
			if a := attached[i.ID()]; a != nil {
				with = a.String()
			}
			docs = append(docs, search.From(i.Document, with, relate.MessageKey(i.Document.Message, i.Document.Text)))
		}
	}
	return docs
}

func indexOf(t *testing.T, docs []search.Document) *segment.Index {
	t.Helper()
	x, err := segment.Open(t.TempDir(), segment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	apply(t, x, docs)
	return x
}

func apply(t *testing.T, x search.Index, docs []search.Document) {
	t.Helper()
	for len(docs) > 0 {
		n := min(len(docs), 2000)
		if err := x.Apply(t.Context(), search.Batch{Put: docs[:n]}); err != nil {
			t.Fatal(err)
		}
		docs = docs[n:]
	}
}
