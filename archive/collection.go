package archive

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"daylight/corpus"
	"daylight/fault"
	"daylight/release"
	"daylight/search"
)

// Collections are all collections with their counts.
func (a *Archive) Collections(ctx context.Context) ([]Collection, error) {
	return list(ctx, a, "collections", release.KindCollection, func(s state, c corpus.Collection, n int) (Collection, error) {
		v := Collection{Collection: c, Release: n}
		for _, f := range []func(context.Context, state, *Collection) error{a.collectionCounts, a.collectionRecords, a.collectionChanges} {
			if err := f(ctx, s, &v); err != nil {
				return v, err
			}
		}
		return v, nil
	}, func(a, b Collection) int { return cmp.Compare(a.Title, b.Title) })
}

// Collection is one collection.
func (a *Archive) Collection(ctx context.Context, id corpus.CollectionID) (Collection, error) {
	all, err := a.Collections(ctx)
	return pick(all, err, "collection", func(c Collection) bool { return c.ID == id })
}

func (a *Archive) collectionCounts(ctx context.Context, s state, c *Collection) error {
	query := Narrow("", search.Collection, string(c.ID))
	t, err := a.tally(ctx, s, query)
	if err != nil {
		return err
	}
	origins, err := a.originTitles(ctx, s)
	if err != nil {
		return err
	}
	c.ByYear = t.shares(query, search.Year, nil)
	c.ByOrigin = t.shares(query, search.Origin, origins)
	c.ByLanguage = t.shares(query, search.Language, nil)
	c.ByType = t.shares(query, search.Type, nil)
	if c.Files, err = a.count(ctx, s, query, corpus.MeasureFiles); err != nil {
		return err
	}
	c.Messages, err = a.count(ctx, s, query, corpus.MeasureMessages)
	return err
}

// collectionRecords fills in the ledger and the decisions.
func (a *Archive) collectionRecords(ctx context.Context, s state, c *Collection) error {
	var err error
	if c.Day, err = a.dayOf(ctx, c.Release); err != nil {
		return err
	}
	e, err := a.o.Catalog.Entry(ctx, release.KindLedger, string(c.ID))
	if err == nil {
		l, err := release.Decode[release.Ledger](e.Record)
		if err != nil {
			return err
		}
		c.Ledger = &l.Ledger
	} else if !errors.Is(err, fault.NotFound) {
		return err
	}
	all, err := remember(a, s, "decisions", func() ([]Decision, error) {
		return decode(ctx, a.o.Catalog, release.KindDecision, func(d release.Decision, n int) Decision { return Decision{d, n} })
	})
	for _, d := range all {
		if d.Collection == c.ID {
			c.Decisions = append(c.Decisions, d)
		}
	}
	slices.SortStableFunc(c.Decisions, func(a, b Decision) int { return cmp.Compare(b.Release, a.Release) })
	return err
}

// collectionChanges fills in what was corrected and withdrawn. A withdrawal does
// not say of which collection the document was, and the catalogue forgot it: so
// withdrawals stand on the page of the log, not here.
func (a *Archive) collectionChanges(ctx context.Context, s state, c *Collection) error {
	all, err := a.corrections(ctx, s)
	for _, k := range all {
		if k.Collection == c.ID {
			c.Corrections = append(c.Corrections, k)
		}
	}
	if err != nil {
		return err
	}
	brought, err := a.o.Catalog.Brought(ctx, c.ID)
	for number, files := range brought {
		day, err := a.dayOf(ctx, number)
		if err != nil {
			return err
		}
		c.History = append(c.History, Step{number, day, files})
	}
	slices.SortFunc(c.History, func(a, b Step) int { return cmp.Compare(b.Release, a.Release) })
	return err
}
