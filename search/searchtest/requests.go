package searchtest

import (
	"math/rand/v2"
	"strings"

	"daylight/search"
	"daylight/text"
)

// Requests makes n requests out of what documents hold, always the same ones of the
// same seed: words, phrases, prefixes, fields and filters, joined. Most match
// something. Compare asks them of an index and of an oracle.
func Requests(docs []search.Document, n int, seed uint64) []search.Request {
	m := maker{docs, rand.New(rand.NewPCG(seed, 0))}
	requests := make([]search.Request, n)
	for i := range requests {
		r := &requests[i]
		r.Query = m.query(2)
		r.Limit = 1 + m.rng.IntN(50)
		r.Sort = []search.Sort{search.ByRelevance, search.ByRelevance, search.ByNewest, search.ByOldest}[m.rng.IntN(4)]
		for _, name := range search.FacetNames {
			r.Facets = append(r.Facets, search.FacetRequest{Name: name, Limit: m.rng.IntN(3) * 10})
		}
	}
	return requests
}

type maker struct {
	docs []search.Document
	rng  *rand.Rand
}

func (m maker) query(depth int) search.Query {
	if depth > 0 {
		of := make([]search.Query, 1+m.rng.IntN(3))
		for i := range of {
			of[i] = m.query(depth - 1)
		}
		switch m.rng.IntN(8) {
		case 0, 1, 2:
			return search.And{Of: of}
		case 3, 4:
			return search.Or{Of: of}
		case 5:
			return search.And{Of: append(of, search.Not{Of: m.query(depth - 1)})}
		}
	}
	return m.leaf()
}

// leaf asks for something that stands in one of the documents.
func (m maker) leaf() search.Query {
	d := &m.docs[m.rng.IntN(len(m.docs))]
	field := append([]string{search.FieldAttachment, search.FieldText, search.FieldText}, search.BareFields...)[m.rng.IntN(8)]
	forms := text.Forms(text.Cut(d.Field(field), 64<<10))
	if field != search.FieldAttachment && m.rng.IntN(2) == 0 {
		field = ""
	}
	kind := m.rng.IntN(8)
	if len(forms) == 0 {
		kind = 6 + m.rng.IntN(2)
	}
	switch kind {
	case 3, 4:
		from := m.rng.IntN(len(forms))
		to := min(len(forms), from+1+m.rng.IntN(3))
		return search.Phrase{Field: field, Text: strings.Join(forms[from:to], " ")}
	case 5:
		form := []rune(forms[m.rng.IntN(len(forms))])
		return search.Prefix{Field: field, Text: string(form[:1+m.rng.IntN(len(form))])}
	case 6:
		name := search.FacetNames[m.rng.IntN(len(search.FacetNames))]
		values := d.Values(name)
		return search.Is{Facet: name, Values: values[:1+m.rng.IntN(len(values))]}
	case 7:
		q := search.Dates{From: d.Date.UTC()}
		if !q.From.IsZero() && m.rng.IntN(2) == 0 {
			q.To = q.From.AddDate(0, m.rng.IntN(30), 1)
		}
		return q
	}
	return search.Word{Field: field, Text: forms[m.rng.IntN(len(forms))]}
}
