package desk

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"sync"

	"daylight/blob"
	"daylight/corpus"
)

// manifests remembers the last manifest of each case, by the number of its edits:
// pages ask for it often. A release never asks here.
type manifests struct {
	mu   sync.Mutex
	last map[CaseID]planned
}

// planned is what a release of a case would do, in figures.
type planned struct {
	edits    int
	manifest Manifest
	publish  int
	redact   int
	withhold int
	pending  int
	forms    []string // everything that is taken out, each once

	listed map[corpus.DocumentID]bool // containers to publish that go out as a listing; planSoon knows
	alone  bool                       // nothing else will be read with it: a candidate
}

// documents reports whether documents go out, so that the three questions must be
// answered. A withdrawal, an answer or a topic needs two approvals only.
func (p planned) documents() bool { return p.publish+p.redact > 0 }

// plan computes the manifest of a case: everything that a release would say, and
// for each document what happens to it. A change of any of it is another manifest.
func (d *Desk) plan(ctx context.Context, c Case) (planned, error) {
	p := planned{edits: c.Edits}
	h := sha256.New()
	enc := json.NewEncoder(h)
	h.Write([]byte("daylight manifest 0\n"))
	if err := enc.Encode(struct {
		Case       CaseID
		Collection corpus.Collection
		Authored   Authored
		Records    map[Question]Evidence
		Harm       Harm
		Exceptions []Exception
		Conditions []Condition `json:",omitempty"`
	}{c.ID, c.Collection, c.Authored, c.Decision.Records, c.Decision.Harm, c.Exceptions, c.Conditions}); err != nil {
		return p, fmt.Errorf("manifest: %w", err)
	}
	seen := map[string]bool{}
	for i, err := range d.o.Stores.Documents.Outline(ctx, c.Collection.ID) {
		if err != nil {
			return p, fmt.Errorf("manifest: %w", err)
		}
		if err := enc.Encode(struct {
			ID     corpus.DocumentID
			Of     corpus.DocumentID
			Path   string
			Hash   blob.Ref
			State  corpus.State
			Reason corpus.Reason
			Act    Act
			Why    corpus.Reason
			Forms  []string
			Public string
		}{i.ID(), i.Of, i.Path, i.Hash, i.State, i.Reason, i.Plan.Act, i.Plan.Reason, i.Plan.Forms, i.Plan.Public}); err != nil {
			return p, fmt.Errorf("manifest: %w", err)
		}
		p.count(&i)
		for _, form := range i.Plan.Forms {
			if !seen[form] && (i.State == corpus.Pending || i.State == corpus.Withheld || i.State == corpus.Redacted) {
				seen[form] = true
				p.forms = append(p.forms, form)
			}
		}
	}
	h.Sum(p.manifest[:0])
	return p, nil
}

func (p *planned) count(i *Item) {
	if i.State != corpus.Pending && i.State != corpus.Withheld {
		return
	}
	switch i.Plan.Act {
	case Publish:
		p.publish++
	case Redact:
		p.redact++
	case Withhold:
		if i.State == corpus.Pending { // else an earlier release has done it
			p.withhold++
		}
	case Undecided:
		p.pending++
	}
}

// planSoon is plan, remembered while the case is not edited.
func (d *Desk) planSoon(ctx context.Context, c Case) (planned, error) {
	d.sums.mu.Lock()
	last, ok := d.sums.last[c.ID]
	d.sums.mu.Unlock()
	if ok && last.edits == c.Edits {
		return last, nil
	}
	p, err := d.plan(ctx, c)
	if err != nil {
		return p, err
	}
	if p.listed, err = d.listed(ctx, c.Collection.ID); err != nil {
		return p, err
	}
	d.sums.mu.Lock()
	defer d.sums.mu.Unlock()
	if d.sums.last == nil {
		d.sums.last = map[CaseID]planned{}
	}
	d.sums.last[c.ID] = p
	return p, nil
}

// listed are the documents that are planned to be published, and go out as a listing
// because something in them does not go out whole. Readers find them among the redacted.
func (d *Desk) listed(ctx context.Context, c corpus.CollectionID) (map[corpus.DocumentID]bool, error) {
	f, err := d.fatesOf(ctx, c)
	if err != nil {
		return nil, err
	}
	ids := map[corpus.DocumentID]bool{}
	for i, err := range d.o.Stores.Documents.Outline(ctx, c) {
		if err != nil {
			return nil, fmt.Errorf("read collection: %w", err)
		}
		if i.Holds && i.Plan.Act == Publish && (i.State == corpus.Pending || i.State == corpus.Withheld) && f.of[i.ID()] == part {
			ids[i.ID()] = true
		}
	}
	return ids, nil
}
