package archive

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"slices"

	"daylight/corpus"
	"daylight/release"
	"daylight/search"
)

// Overview is the totals and the coverage of everything.
func (a *Archive) Overview(ctx context.Context) (Overview, error) {
	s, err := a.state(ctx)
	if err != nil {
		return Overview{}, err
	}
	return remember(a, s, "overview", func() (Overview, error) { return a.overview(ctx, s) })
}

func (a *Archive) overview(ctx context.Context, s state) (Overview, error) {
	var o Overview
	t, err := a.tally(ctx, s, "")
	if err != nil {
		return o, err
	}
	if o.Status, err = a.Status(ctx); err != nil {
		return o, err
	}
	for _, c := range []struct {
		to      *Count
		measure corpus.Measure
	}{
		{&o.Files, corpus.MeasureFiles}, {&o.Messages, corpus.MeasureMessages},
		{&o.Origins, corpus.MeasureOrigins}, {&o.Years, corpus.MeasureYears},
	} {
		if *c.to, err = a.count(ctx, s, "", c.measure); err != nil {
			return o, err
		}
	}
	o.Languages = t.facet(search.Language).Distinct
	return o, a.coverage(ctx, s, t, &o)
}

// coverage fills in what there is on what, from whom, in which language, from when.
func (a *Archive) coverage(ctx context.Context, s state, t tally, o *Overview) error {
	origins, err := a.originTitles(ctx, s)
	if err != nil {
		return err
	}
	names, err := a.collectionNames(ctx, s)
	if err != nil {
		return err
	}
	titles := map[string]string{}
	for id, c := range names {
		titles[string(id)] = c.Title
	}
	o.ByOrigin = t.shares("", search.Origin, origins)
	o.ByLanguage = t.shares("", search.Language, nil)
	o.ByCollection = t.shares("", search.Collection, titles)
	o.ByYear = t.shares("", search.Year, nil)
	o.ByType = t.shares("", search.Type, nil)
	topics, err := a.Topics(ctx)
	for _, p := range topics {
		o.ByTopic = append(o.ByTopic, Share{string(p.ID), p.Title, p.Files.N, p.Query})
	}
	slices.SortStableFunc(o.ByTopic, func(a, b Share) int { return b.N - a.N })
	return err
}

// Log is the publication log as this archive holds it.
func (a *Archive) Log(ctx context.Context) (Log, error) {
	log, err := a.openLog(ctx)
	if err != nil {
		return Log{}, err
	}
	s, err := a.state(ctx)
	if err != nil {
		return Log{}, err
	}
	now, signed := log.Checkpoint()
	l := Log{Size: now.Size, Origin: now.Origin, Checkpoint: signed, Keys: a.o.Keys.Names()}
	if now.Size > 0 {
		l.Root = base64.StdEncoding.EncodeToString(now.Root[:])
	}
	status, err := a.Status(ctx)
	if err != nil {
		return l, err
	}
	l.Releases = status.Releases
	if l.Withdrawals, err = a.withdrawals(ctx, s); err != nil {
		return l, err
	}
	l.KeyEvents, err = a.keyEvents(ctx)
	return l, err
}

func (a *Archive) keyEvents(ctx context.Context) ([]Key, error) {
	entries, err := a.o.Catalog.Entries(ctx, release.KindKey)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	var keys []Key
	for _, e := range entries {
		k, err := release.Decode[release.Key](e.Record)
		if err != nil {
			return nil, fmt.Errorf("archive: %w", err)
		}
		keys = append(keys, Key{k, e.Release})
	}
	slices.SortFunc(keys, func(a, b Key) int { return cmp.Or(b.Release-a.Release, cmp.Compare(a.Name, b.Name)) })
	return keys, nil
}
