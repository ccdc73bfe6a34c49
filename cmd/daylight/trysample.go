package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"daylight/corpus"
	"daylight/desk"
	"daylight/entity"
	"daylight/fault"
	"daylight/ingest"
	"daylight/sample"
)

// publishSample takes the sample the way that any material goes: ingest, authored
// things, dispositions, the three questions, two approvals, release. It goes on
// where a stopped one was, and does nothing when the sample is public.
func (t *trial) publishSample(ctx context.Context) error {
	site, err := sample.ReadSite()
	if err != nil {
		return err
	}
	c, err := t.desk.stores.Cases.Of(ctx, corpus.CollectionID(desk.Slug(site.Collection.Title)))
	if err == nil && len(c.Releases) > 0 {
		return t.desk.HandOver(ctx) // a stopped trial may not have come to it
	}
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	fmt.Fprintln(t.app.stderr, "Making the sample collection…")
	s := sampleWork{t: t, site: site}
	for _, step := range []func(context.Context) error{s.ingest, s.author, s.edit, s.decide, s.release} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// sampleWork is what the people of the demonstration do.
type sampleWork struct {
	t    *trial
	site sample.Site
	id   desk.CaseID
	c    desk.Case
	docs map[string]corpus.DocumentID // by path
}

func (s *sampleWork) ingest(ctx context.Context) (err error) {
	d := s.t.desk
	s.id, err = d.Import(ctx, desk.Operator, s.site.Collection.Title, func(ctx context.Context, c corpus.CollectionID, l ingest.Ledger) error {
		run := d.ingest
		run.Collection, run.Ledger, run.Origin = c, l, entity.NewOrigins(s.site.Origins).Of
		_, err := run.Run(ctx, items(sample.Files()))
		return err
	})
	if err != nil {
		return err
	}
	if s.c, err = d.stores.Cases.Get(ctx, s.id); err != nil {
		return err
	}
	s.docs = map[string]corpus.DocumentID{}
	for item, err := range d.stores.Documents.Each(ctx, s.c.Collection.ID, desk.Filter{}, false) {
		if err != nil {
			return err
		}
		id := item.ID()
		if id.IsZero() {
			id = item.Of
		}
		s.docs[item.Path] = id
	}
	return nil
}

// items makes an ingest of files in memory.
func items(files iter.Seq2[string, []byte]) iter.Seq2[ingest.Item, error] {
	return func(yield func(ingest.Item, error) bool) {
		for path, body := range files {
			item := ingest.Item{Path: path, Size: int64(len(body)), Open: func(context.Context) (ingest.Body, error) {
				return memoryFile{bytes.NewReader(body)}, nil
			}}
			if !yield(item, nil) {
				return
			}
		}
	}
}

type memoryFile struct{ *bytes.Reader }

func (memoryFile) Close() error { return nil }

func (s *sampleWork) author(ctx context.Context) error {
	draft := s.site.Collection
	draft.ID = s.c.Collection.ID
	if err := s.t.desk.SetCollection(ctx, "ana", s.id, draft); err != nil {
		return err
	}
	a := desk.Authored{Entities: s.site.Entities, Topics: s.site.Topics, Origins: s.site.Origins}
	for _, answer := range s.site.Answers {
		resolved, err := answer.Resolve(func(path string) (corpus.DocumentID, bool) { id, ok := s.docs[path]; return id, ok })
		if err != nil {
			return err
		}
		a.Answers = append(a.Answers, resolved)
	}
	return s.t.desk.SetAuthored(ctx, "ana", s.id, a)
}

func (s *sampleWork) edit(ctx context.Context) error {
	if _, err := s.t.desk.Dispose(ctx, "ana", s.id, desk.Filter{Documents: true, States: []corpus.State{corpus.Pending}}, "",
		desk.Disposition{Act: desk.Publish}); err != nil {
		return err
	}
	one := func(by desk.EditorID, path string, what desk.Disposition) error {
		id, ok := s.docs[path]
		if !ok {
			return fmt.Errorf("no document at %q", path)
		}
		_, err := s.t.desk.Dispose(ctx, by, s.id, desk.Filter{IDs: []corpus.DocumentID{id}}, "", what)
		return err
	}
	for _, w := range s.site.Editing.Withheld {
		if err := one("bo", w.Path, desk.Disposition{Act: desk.Withhold, Reason: w.Reason, Note: w.Why}); err != nil {
			return err
		}
	}
	for _, r := range s.site.Editing.Redacted {
		if err := one("remy", r.Path, desk.Disposition{Act: desk.Redact, Forms: r.Forms, Note: r.Why}); err != nil {
			return err
		}
	}
	return nil
}

func (s *sampleWork) decide(ctx context.Context) error {
	records := map[desk.Question]desk.Evidence{}
	for _, q := range s.site.Editing.Questions {
		records[desk.Question(q.Asks)] = desk.Evidence{For: q.For, Against: q.Against, Public: q.Answer}
	}
	h := s.site.Editing.Harm
	return s.t.desk.Decide(ctx, "ana", s.id, records, desk.Harm{Intrusion: 3, Interest: 3, Affected: h.Intrusion, Reduced: h.Measures})
}

func (s *sampleWork) release(ctx context.Context) error {
	d := s.t.desk
	report, err := d.RunGate(ctx, "remy", s.id)
	if err != nil {
		return err
	}
	yes := map[desk.Question]desk.Answer{desk.Accurate: desk.Yes, desk.Newsworthy: desk.Yes, desk.PublicInterest: desk.Yes}
	for _, by := range []desk.EditorID{"ana", "bo"} {
		if err := d.Approve(ctx, by, s.id, report.Manifest, yes, ""); err != nil {
			return err
		}
	}
	why, err := d.WhyNot(ctx, "ana", s.id)
	if err != nil {
		return err
	}
	for _, f := range report.Found {
		why = append(why, f.Where+": "+f.What+".")
	}
	if len(why) > 0 {
		return fmt.Errorf("cannot be released: %s", strings.Join(why, " "))
	}
	_, err = d.Release(ctx, "ana", s.id)
	return err
}
