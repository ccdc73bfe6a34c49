package archive

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"daylight/corpus"
	"daylight/fault"
	"daylight/search"
)

// Search answers one request. A document that was withdrawn a moment ago may still
// be counted while the index follows; it is never shown.
func (a *Archive) Search(ctx context.Context, r SearchRequest) (Results, error) {
	began := time.Now()
	q, err := search.Parse(r.Query)
	if err != nil {
		return Results{}, err
	}
	res, err := a.o.Index.Search(ctx, search.Request{Query: q, Facets: r.Facets, Sort: r.Sort, Limit: r.Limit, After: r.After})
	if err != nil {
		return Results{}, fmt.Errorf("search: %w", err)
	}
	hits, err := a.hits(ctx, q, res.Hits, r.Snippet)
	if err != nil {
		return Results{}, fmt.Errorf("search: %w", err)
	}
	status, err := a.Status(ctx)
	return Results{Query: q, Result: res, Hits: hits, Status: status, Took: time.Since(began)}, err
}

// hits fetches what lists show.
func (a *Archive) hits(ctx context.Context, q search.Query, found []search.Hit, snippet int) ([]Hit, error) {
	ids := make([]corpus.DocumentID, len(found))
	for i, h := range found {
		ids[i] = h.ID
	}
	if snippet == 0 {
		rows, err := a.o.Catalog.Rows(ctx, ids)
		if err != nil {
			return nil, err
		}
		var hits []Hit
		for _, id := range ids {
			if row, ok := rows[id]; ok {
				hits = append(hits, Hit{Row: row})
			}
		}
		return hits, nil
	}
	bodies, err := a.o.Catalog.Bodies(ctx, ids)
	if err != nil {
		return nil, err
	}
	var hits []Hit
	for _, id := range ids {
		e, ok := bodies[id]
		if !ok {
			continue
		}
		d, err := decodeDocument(e)
		if err != nil {
			return nil, err
		}
		hits = append(hits, Hit{*rowOf(d), search.Snippet(q, d.Language(), d.Text, snippet)})
	}
	return hits, nil
}

// Count counts what a query matches.
func (a *Archive) Count(ctx context.Context, query string, measure corpus.Measure) (Count, error) {
	s, err := a.state(ctx)
	if err != nil {
		return Count{}, err
	}
	t, err := a.tallyNow(ctx, s, query)
	if err != nil {
		return Count{}, err
	}
	return a.countOf(ctx, s, t, query, measure)
}

// facetOf is the facet whose different values a measure counts.
var facetOf = map[corpus.Measure]string{
	corpus.MeasureOrigins: search.Origin, corpus.MeasureSenders: search.Sender, corpus.MeasureYears: search.Year,
}

// count counts for a query that the newsroom published.
func (a *Archive) count(ctx context.Context, s state, query string, measure corpus.Measure) (Count, error) {
	t, err := a.tally(ctx, s, query)
	if err != nil {
		return Count{}, err
	}
	return a.countOf(ctx, s, t, query, measure)
}

func (a *Archive) countOf(ctx context.Context, s state, r tally, query string, measure corpus.Measure) (Count, error) {
	c := Count{Measure: measure, Query: query, Release: s.head.Release, Of: r.of}
	switch measure {
	case "", corpus.MeasureFiles:
		c.N, c.Measure = r.Total, corpus.MeasureFiles
	case corpus.MeasureEmails:
		for _, v := range r.facet(search.Type).Values {
			if v.Value == "message/rfc822" {
				c.N = v.Count
			}
		}
	case corpus.MeasureMessages:
		c.N = r.DistinctMessages
	default:
		f := r.facet(facetOf[measure])
		if f == nil {
			return c, fmt.Errorf("count %q: there is no such measure: %w", measure, fault.Invalid)
		}
		c.N = f.Distinct
	}
	status, err := a.Status(ctx)
	c.Day = status.Day
	return c, err
}

// tally is everything that is counted for a published query, at once.
type tally struct {
	search.Result
	of []Version
}

// tallied are the facets of a tally.
var tallied = []search.FacetRequest{
	{Name: search.Collection}, {Name: search.Language}, {Name: search.Origin}, {Name: search.Type}, {Name: search.Year},
	{Name: search.Sender, Limit: 1}, {Name: search.Languages, Limit: 1},
}

// tally runs a query and keeps the answer for as long as the archive stays as it
// is. Only for queries that the newsroom published: what readers ask is not kept.
func (a *Archive) tally(ctx context.Context, s state, query string) (tally, error) {
	return remember(a, s, "tally "+query, func() (tally, error) { return a.tallyNow(ctx, s, query) })
}

func (a *Archive) tallyNow(ctx context.Context, s state, query string) (tally, error) {
	q, err := search.Parse(query)
	if err != nil {
		return tally{}, fmt.Errorf("count: %w", err)
	}
	res, err := a.o.Index.Search(ctx, search.Request{Query: q, Facets: tallied})
	if err != nil {
		return tally{}, fmt.Errorf("count: %w", err)
	}
	t := tally{Result: res}
	names, err := a.collectionNames(ctx, s)
	for _, v := range t.facet(search.Collection).Values {
		c := names[corpus.CollectionID(v.Value)]
		t.of = append(t.of, Version{corpus.CollectionID(v.Value), c.Title, c.Version, v.Count})
	}
	slices.SortFunc(t.of, func(a, b Version) int { return strings.Compare(a.Title, b.Title) })
	return t, err
}

func (t tally) facet(name string) *search.Facet {
	for i := range t.Facets {
		if t.Facets[i].Name == name {
			return &t.Facets[i]
		}
	}
	return nil
}

// shares gives the values of a facet as shares, each with the query that counts it
// again within the given one.
func (t tally) shares(within, facet string, titles map[string]string) []Share {
	f := t.facet(facet)
	if f == nil {
		return nil
	}
	var all []Share
	for _, v := range f.Values {
		all = append(all, Share{Value: v.Value, Title: titles[v.Value], N: v.Count, Query: Narrow(within, facet, v.Value)})
	}
	if facet == search.Year {
		slices.SortFunc(all, func(a, b Share) int { return strings.Compare(a.Value, b.Value) })
	}
	// What is not known comes last, however much it is.
	slices.SortStableFunc(all, func(a, b Share) int { return rank(a) - rank(b) })
	return all
}

func rank(s Share) int {
	if s.Value == search.Unknown {
		return 1
	}
	return 0
}

// Narrow adds a filter to a query. A query that cannot be read stays as it is.
func Narrow(query, facet, value string) string {
	q, err := search.Parse(query)
	if err != nil {
		return query
	}
	is := search.Is{Facet: facet, Values: []string{value}}
	switch q := q.(type) {
	case search.All:
		return is.String()
	case search.And:
		return search.And{Of: append(slices.Clone(q.Of), is)}.String()
	}
	return search.And{Of: []search.Query{q, is}}.String()
}

// Widen takes a filter out of a query: the first that is just this value of this
// facet and stands beside the rest.
func Widen(query, facet, value string) string {
	q, err := search.Parse(query)
	if err != nil {
		return query
	}
	is := func(q search.Query) bool {
		is, ok := q.(search.Is)
		return ok && is.Facet == facet && slices.Equal(is.Values, []string{value})
	}
	if is(q) {
		return ""
	}
	and, ok := q.(search.And)
	if !ok {
		return query
	}
	i := slices.IndexFunc(and.Of, is)
	if i < 0 {
		return query
	}
	return search.And{Of: slices.Delete(slices.Clone(and.Of), i, i+1)}.String()
}

// Filters are the filters of a query that stand beside the rest and have one value.
func Filters(q search.Query) []search.Is {
	var all []search.Is
	add := func(q search.Query) {
		if is, ok := q.(search.Is); ok && len(is.Values) == 1 {
			all = append(all, is)
		}
	}
	add(q)
	if and, ok := q.(search.And); ok {
		for _, q := range and.Of {
			add(q)
		}
	}
	return all
}
