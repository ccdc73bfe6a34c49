package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"daylight/corpus"
	"daylight/entity"
	"daylight/fault"
	"daylight/release"
	"daylight/search"
)

// Everything that the newsroom wrote is little beside the documents: it is read
// whole, once for each state of the archive.

// collectionNames are the collections without counts.
func (a *Archive) collectionNames(ctx context.Context, s state) (map[corpus.CollectionID]corpus.Collection, error) {
	return remember(a, s, "collection names", func() (map[corpus.CollectionID]corpus.Collection, error) {
		all, err := decode(ctx, a.o.Catalog, release.KindCollection, func(c corpus.Collection, _ int) corpus.Collection { return c })
		names := map[corpus.CollectionID]corpus.Collection{}
		for _, c := range all {
			names[c.ID] = c
		}
		return names, err
	})
}

func (a *Archive) originTitles(ctx context.Context, s state) (map[string]string, error) {
	return remember(a, s, "origin titles", func() (map[string]string, error) {
		all, err := decode(ctx, a.o.Catalog, release.KindOrigin, func(o corpus.Origin, _ int) corpus.Origin { return o })
		titles := map[string]string{}
		for _, o := range all {
			titles[string(o.ID)] = o.Title
		}
		return titles, err
	})
}

func (a *Archive) corrections(ctx context.Context, s state) ([]Correction, error) {
	return remember(a, s, "corrections", func() ([]Correction, error) {
		all, err := decode(ctx, a.o.Catalog, release.KindCorrection, func(c release.Correction, n int) Correction { return Correction{c, n} })
		slices.SortStableFunc(all, func(a, b Correction) int { return cmp.Compare(b.Release, a.Release) })
		return all, err
	})
}

func (a *Archive) withdrawals(ctx context.Context, s state) ([]WithdrawnError, error) {
	return remember(a, s, "withdrawals", func() ([]WithdrawnError, error) {
		return decode(ctx, a.o.Catalog, release.KindWithdrawal, func(w release.Withdrawal, n int) WithdrawnError { return WithdrawnError{w, n} })
	})
}

// dayOf is the day of a release.
func (a *Archive) dayOf(ctx context.Context, number int) (string, error) {
	status, err := a.Status(ctx)
	for _, r := range status.Releases {
		if r.Number == number {
			return r.Day, err
		}
	}
	return "", err
}

// counted is what entities, topics and origins show of their query.
func (a *Archive) counted(ctx context.Context, s state, query string) (files, messages Count, years []Share, err error) {
	if files, err = a.count(ctx, s, query, corpus.MeasureFiles); err != nil {
		return
	}
	if messages, err = a.count(ctx, s, query, corpus.MeasureMessages); err != nil {
		return
	}
	t, err := a.tally(ctx, s, query)
	return files, messages, t.shares(query, search.Year, nil), err
}

// mentions is the query that counts the mentions of an entity. One whose names have
// no letter is mentioned nowhere: the empty query would find everything.
func mentions(e corpus.Entity) string {
	if q := entity.Query(e); q != "" {
		return q
	}
	return search.Or{}.String()
}

// Entities are all entities with their counts.
func (a *Archive) Entities(ctx context.Context) ([]Entity, error) {
	return list(ctx, a, "entities", release.KindEntity, func(s state, e corpus.Entity, n int) (v Entity, err error) {
		v = Entity{Entity: e, Query: mentions(e), Release: n}
		v.Files, v.Messages, v.ByYear, err = a.counted(ctx, s, v.Query)
		return v, err
	}, func(a, b Entity) int { return cmp.Compare(a.Title, b.Title) })
}

// Topics are all topics with their counts.
func (a *Archive) Topics(ctx context.Context) ([]Topic, error) {
	return list(ctx, a, "topics", release.KindTopic, func(s state, t corpus.Topic, n int) (v Topic, err error) {
		v = Topic{Topic: t, Release: n}
		v.Files, v.Messages, v.ByYear, err = a.counted(ctx, s, t.Query)
		return v, err
	}, func(a, b Topic) int { return cmp.Compare(a.Title, b.Title) })
}

// Origins are all origins with their counts.
func (a *Archive) Origins(ctx context.Context) ([]Origin, error) {
	return list(ctx, a, "origins", release.KindOrigin, func(s state, o corpus.Origin, n int) (v Origin, err error) {
		v = Origin{Origin: o, Release: n}
		v.Files, v.Messages, v.ByYear, err = a.counted(ctx, s, Narrow("", search.Origin, string(o.ID)))
		return v, err
	}, func(a, b Origin) int { return cmp.Compare(a.Title, b.Title) })
}

// list reads and counts all entries of a kind, once for a state of the archive.
func list[B release.Body, V any](ctx context.Context, a *Archive, key string, kind release.Kind,
	count func(state, B, int) (V, error), order func(a, b V) int) ([]V, error) {
	s, err := a.state(ctx)
	if err != nil {
		return nil, err
	}
	return remember(a, s, key, func() ([]V, error) {
		type body struct {
			b B
			n int
		}
		bodies, err := decode(ctx, a.o.Catalog, kind, func(b B, n int) body { return body{b, n} })
		if err != nil {
			return nil, err
		}
		var all []V
		for _, b := range bodies {
			v, err := count(s, b.b, b.n)
			if err != nil {
				return nil, err
			}
			all = append(all, v)
		}
		slices.SortStableFunc(all, order)
		return all, nil
	})
}

// pick finds one of a list.
func pick[V any](all []V, err error, what string, is func(V) bool) (V, error) {
	var none V
	if err != nil {
		return none, err
	}
	if i := slices.IndexFunc(all, is); i >= 0 {
		return all[i], nil
	}
	return none, notFound(what)
}

// Entity is one entity.
func (a *Archive) Entity(ctx context.Context, id corpus.EntityID) (Entity, error) {
	all, err := a.Entities(ctx)
	return pick(all, err, "entity", func(e Entity) bool { return e.ID == id })
}

// Topic is one topic.
func (a *Archive) Topic(ctx context.Context, id corpus.TopicID) (Topic, error) {
	all, err := a.Topics(ctx)
	return pick(all, err, "topic", func(t Topic) bool { return t.ID == id })
}

// Origin is one origin.
func (a *Archive) Origin(ctx context.Context, id corpus.OriginID) (Origin, error) {
	all, err := a.Origins(ctx)
	return pick(all, err, "origin", func(o Origin) bool { return o.ID == id })
}

// Answers are all answers with their counts run.
func (a *Archive) Answers(ctx context.Context) ([]Answer, error) {
	return list(ctx, a, "answers", release.KindAnswer, func(s state, b corpus.Answer, n int) (Answer, error) {
		return a.run(ctx, s, Answer{Answer: b, Release: n})
	}, func(a, b Answer) int { return cmp.Compare(a.ID, b.ID) })
}

// Answer is one answer.
func (a *Archive) Answer(ctx context.Context, id corpus.AnswerID) (Answer, error) {
	all, err := a.Answers(ctx)
	return pick(all, err, "answer", func(b Answer) bool { return b.ID == id })
}

// run counts what an answer's claims count, and looks whether its evidence stands.
func (a *Archive) run(ctx context.Context, s state, b Answer) (Answer, error) {
	var err error
	if b.Day, err = a.dayOf(ctx, b.Release); err != nil {
		return b, err
	}
	corrections, err := a.corrections(ctx, s)
	if err != nil {
		return b, err
	}
	b.Counts, b.Evidence = make([]*Count, len(b.Claims)), make([]Evidence, len(b.Claims))
	for i, c := range b.Claims {
		if c.Kind == corpus.ClaimCount {
			n, err := a.count(ctx, s, c.Query, c.Measure)
			if err != nil {
				return b, fmt.Errorf("answer %s, claim %d: %w", b.ID, i+1, err)
			}
			b.Counts[i] = &n
		}
		id := c.Document
		if id.IsZero() {
			id = c.KeptCopy
		}
		if b.Evidence[i], err = a.evidence(ctx, id, b.Release, corrections); err != nil {
			return b, err
		}
	}
	return b, nil
}

// evidence says how the document that a claim names stands today.
func (a *Archive) evidence(ctx context.Context, id corpus.DocumentID, since int, corrections []Correction) (Evidence, error) {
	if id.IsZero() {
		return Evidence{}, nil
	}
	ev := Evidence{Named: true}
	e, err := a.entry(ctx, release.KindDocument, id, "")
	switch {
	case errors.Is(err, fault.NotFound):
		ev.Missing = true
		return ev, nil
	case errors.Is(err, fault.Gone), errors.Is(err, fault.Legal):
		ev.Withdrawn = true
		return ev, nil
	case err != nil:
		return ev, err
	}
	d, err := decodeDocument(e)
	if err != nil {
		return ev, err
	}
	ev.Row = *rowOf(d)
	ev.Corrected = slices.ContainsFunc(corrections, func(c Correction) bool { return c.Document == id && c.Release > since })
	ev.Changed = e.Release > since
	return ev, nil
}
