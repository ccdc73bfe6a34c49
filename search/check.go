package search

import (
	"fmt"
	"slices"

	"daylight/fault"
)

// Check says why an index cannot answer a request, as fault.Invalid, or nil. Every
// index calls it; it also holds trees that Parse did not make to Parse's limits.
func Check(r Request) error {
	nodes := 0
	if err := checkTree(r.Query, 0, &nodes); err != nil {
		return fmt.Errorf("search: %w: %w", err, fault.Invalid)
	}
	for _, f := range r.Facets {
		if !slices.Contains(FacetNames, f.Name) {
			return fmt.Errorf("search: no facet %q: %w", f.Name, fault.Invalid)
		}
		if f.Limit < 0 {
			return fmt.Errorf("search: %d values of a facet: %w", f.Limit, fault.Invalid)
		}
	}
	if r.Limit < 0 {
		return fmt.Errorf("search: %d hits: %w", r.Limit, fault.Invalid)
	}
	switch r.Sort {
	case "", ByRelevance, ByNewest, ByOldest:
		return nil
	}
	return fmt.Errorf("search: no order %q: %w", r.Sort, fault.Invalid)
}

func checkTree(q Query, depth int, nodes *int) error {
	*nodes++
	if is, ok := q.(Is); ok {
		*nodes += len(is.Values)
	}
	// A tree has two levels, Or and And, where the text has one pair of parentheses.
	if depth > 3*MaxDepth {
		return fmt.Errorf("query is deeper than %d", 3*MaxDepth)
	}
	if *nodes > 2*MaxNodes {
		return fmt.Errorf("query has more than %d parts", 2*MaxNodes)
	}
	var field string
	var of []Query
	switch q := q.(type) {
	case Word:
		field = q.Field
	case Phrase:
		field = q.Field
	case Prefix:
		field = q.Field
	case Is:
		if !slices.Contains(FacetNames, q.Facet) {
			return fmt.Errorf("no facet %q", q.Facet)
		}
	case And:
		of = q.Of
	case Or:
		of = q.Of
	case Not:
		of = []Query{q.Of}
	}
	if field != "" && fields[field] != field {
		return fmt.Errorf("no field %q", field)
	}
	for _, q := range of {
		if err := checkTree(q, depth+1, nodes); err != nil {
			return err
		}
	}
	return nil
}
