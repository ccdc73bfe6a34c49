package desk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"daylight/blob"
	"daylight/corpus"
	"daylight/fault"
	"daylight/publog"
	"daylight/release"
)

// Release is one release as the desk remembers it. Between the first and the last
// step it is not Published, and Open ends or undoes it after a crash.
type Release struct {
	Number     int                 `json:"number"`
	Day        string              `json:"day"`
	Case       CaseID              `json:"case"`
	Collection corpus.CollectionID `json:"collection,omitempty"`
	Title      string              `json:"title"`
	Manifest   Manifest            `json:"manifest"`
	File       blob.Ref            `json:"file"`
	Size       int64               `json:"size"`
	Entries    int                 `json:"entries"`
	Documents  int                 `json:"documents"`
	Approved   []EditorID          `json:"approved"` // stays on the desk
	Opinions   []Opinion           `json:"opinions"` // likewise, with objections that were lifted by talk
	Origins    []corpus.Origin     `json:"origins,omitempty"`
	Tree       int64               `json:"tree"` // leaves of the publication log after it
	Published  bool                `json:"published"`
	HandedOver bool                `json:"handed_over,omitempty"` // Options.Published took it

	// Until it is Published: what is in the file, and what follows from it, whatever is
	// planned and written meanwhile.
	Outcomes []Outcome `json:"outcomes,omitempty"`
	Authored *Authored `json:"authored,omitempty"`
}

// Outcome is a state that documents have once their release is public.
type Outcome struct {
	State  corpus.State        `json:"state"`
	Reason corpus.Reason       `json:"reason,omitempty"` // of withheld ones
	Of     []corpus.DocumentID `json:"of"`
}

// FileName is the name under which the release travels.
func (r Release) FileName() string { return release.Header{Number: r.Number}.FileName() }

// Approve records what an editor says of exactly what the case would release now.
// seen is the manifest of the page that the editor has read: when something was
// changed meanwhile, nothing is approved.
func (d *Desk) Approve(ctx context.Context, by EditorID, id CaseID, seen Manifest, answers map[Question]Answer, words string) error {
	u, err := d.may(ctx, by, material...) // mayApprove says in words who may
	if err != nil {
		return err
	}
	c, err := d.bars(ctx, id)
	if err != nil {
		return fmt.Errorf("approve: %w", err)
	}
	if err := mayApprove(u, c.Barred[by]); err != nil {
		return err
	}
	p, err := d.plan(ctx, c)
	if err != nil {
		return err
	}
	if p.manifest != seen {
		return fault.Say("Something was changed since you opened this page. Nothing was approved. Read it again.", fmt.Errorf("approve: %w", fault.Conflict))
	}
	o := Opinion{Manifest: seen, Answers: answers, Note: strings.TrimSpace(words), Day: day(d.o.Now())}
	try := c
	if err := try.Approve(u, p.documents(), o); err != nil { // before it is noted
		return fmt.Errorf("approve: %w", err)
	}
	if err := d.note(ctx, by, "approve", string(id)); err != nil {
		return err
	}
	err = d.o.Stores.Cases.Update(ctx, id, func(now *Case) error {
		if now.Edits != c.Edits {
			return fault.Say("Something was changed at this moment. Nothing was approved. Read it again.", fmt.Errorf("approve: %w", fault.Conflict))
		}
		for who, why := range c.Barred {
			now.Bar(who, why)
		}
		return now.Approve(u, p.documents(), o)
	})
	if err != nil {
		return fmt.Errorf("approve: %w", err)
	}
	return nil
}

// Release releases a case: it writes and signs the file, searches its exact bytes
// for everything that was taken out, enters it into the publication log, and gives
// each document its new state. Any editor may; what counts are the approvals.
//
// A release of the case that is in the log already, and failed on the way from there,
// is ended instead, and returned: its documents are public, and go out once. When
// handing over fails, the release is made all the same: it comes with the error, and
// HandOver repeats it.
func (d *Desk) Release(ctx context.Context, by EditorID, id CaseID) (Release, error) {
	if _, err := d.may(ctx, by, Editor, operator); err != nil {
		return Release{}, err
	}
	d.publish.Lock()
	defer d.publish.Unlock()
	ended, err := d.recover(context.WithoutCancel(ctx))
	if err != nil {
		return Release{}, fmt.Errorf("release: %w", err)
	}
	if i := slices.IndexFunc(ended, func(r Release) bool { return r.Case == id }); i >= 0 {
		return ended[i], d.handOver(ctx, ended[i])
	}
	c, err := d.bars(ctx, id)
	if err != nil {
		return Release{}, fmt.Errorf("release: %w", err)
	}
	p, err := d.plan(ctx, c)
	if err != nil {
		return Release{}, fmt.Errorf("release: %w", err)
	}
	ready, err := d.ready(ctx, c, p)
	if err != nil {
		return Release{}, fmt.Errorf("release: %w", err)
	}
	if len(ready.WhyNot) > 0 {
		return Release{}, fault.Say("This cannot be released yet. "+strings.Join(ready.WhyNot, " "), fmt.Errorf("release: %w", fault.Conflict))
	}
	if err := d.note(ctx, by, "release", string(id)); err != nil {
		return Release{}, err
	}
	// From here on the page may be closed: a release stops where it must, not where
	// somebody lost patience.
	ctx = context.WithoutCancel(ctx)
	r, err := d.prepare(ctx, c, p, ready)
	if err != nil {
		return Release{}, fmt.Errorf("release: %w", err)
	}
	if r, err = d.finish(ctx, r); err != nil {
		return Release{}, fmt.Errorf("release %d: %w", r.Number, err)
	}
	return r, d.handOver(ctx, r)
}

// handOver is HandOver after a release, with words for whoever made it.
func (d *Desk) handOver(ctx context.Context, r Release) error {
	d.handing.Lock()
	d.owes = true
	d.handing.Unlock()
	if err := d.HandOver(context.WithoutCancel(ctx)); err != nil {
		return fault.Say(fmt.Sprintf("Release %d is made. It could not be handed on to the archive yet; that is tried again. Do not release it again.", r.Number), err)
	}
	return nil
}

// HandOver gives Options.Published every release that it has not taken yet, oldest
// first, and stops at the first that it refuses. Whoever serves the desk calls it
// after Open, and now and then: where nothing waits it costs nothing.
func (d *Desk) HandOver(ctx context.Context) error {
	d.handing.Lock()
	defer d.handing.Unlock()
	if d.o.Published == nil || !d.owes {
		return nil
	}
	err := d.handAll(ctx)
	d.owes = err != nil
	return err
}

func (d *Desk) handAll(ctx context.Context) error {
	all, err := d.o.Stores.Releases.All(ctx)
	if err != nil {
		return fmt.Errorf("hand over: %w", err)
	}
	for _, r := range all {
		if !r.Published || r.HandedOver {
			continue
		}
		if err := d.o.Published(ctx, r); err != nil {
			return fmt.Errorf("hand over release %d: %w", r.Number, err)
		}
		r.HandedOver = true
		if err := d.o.Stores.Releases.Put(ctx, r); err != nil {
			return fmt.Errorf("hand over release %d: %w", r.Number, err)
		}
	}
	return nil
}

// prepare writes the file and notes that it is about to be published. Until the
// publication log has it, it can be dropped without a trace.
func (d *Desk) prepare(ctx context.Context, c Case, p planned, ready Readiness) (Release, error) {
	all, err := d.o.Stores.Releases.All(ctx)
	if err != nil {
		return Release{}, err
	}
	r := Release{Number: len(all) + 1, Day: day(d.o.Now()), Case: c.ID, Title: c.Collection.Title, Manifest: p.manifest,
		Documents: p.publish + p.redact, Approved: ready.Approve, Opinions: c.Decision.Opinions, Origins: c.Authored.Origins, Authored: &c.Authored}
	if p.documents() || p.withhold > 0 {
		r.Collection = c.Collection.ID
	}
	var out []Outcome
	r.File, err = d.write(ctx, func(w io.Writer) (err error) {
		out, err = d.build(ctx, c, p, r.Number, d.o.Log.Frontier(), d.o.Signers, w)
		return err
	})
	if err != nil {
		return r, err
	}
	r.Outcomes = out
	if err := d.inspect(ctx, c, p, &r); err != nil {
		return r, errors.Join(err, d.o.Blobs.Delete(ctx, r.File))
	}
	return r, d.o.Stores.Releases.Put(ctx, r)
}

// inspect verifies the finished file like an archive would, and searches its exact
// bytes.
func (d *Desk) inspect(ctx context.Context, c Case, p planned, r *Release) error {
	file, err := d.o.Blobs.Open(ctx, r.File)
	if err != nil {
		return err
	}
	defer file.Close()
	read, err := release.Open(file, file.Size(), d.o.Keys, d.o.Log)
	if err != nil {
		return err
	}
	g := GateReport{Manifest: p.manifest, Forms: len(p.forms)}
	if r.Entries, err = searchEntries(ctx, read, c, p, &g); err != nil {
		return err
	}
	if !g.Clean() {
		return fault.Say(g.Words(), fmt.Errorf("gate over the finished file: %d findings: %w", len(g.Found)+g.More, fault.Conflict))
	}
	now, err := d.plan(ctx, c)
	if err != nil {
		return err
	}
	again, err := d.o.Stores.Cases.Get(ctx, c.ID)
	if err != nil {
		return err
	}
	// The edits are asked too: what was changed and changed back may be in the file.
	if now.manifest != p.manifest || again.Edits != c.Edits {
		return fault.Say("Something was changed while the release was written. Nothing was released.", fmt.Errorf("release: %w", fault.Conflict))
	}
	check, _, err := publog.OpenCheckpoint(read.Checkpoint(), d.o.Keys)
	r.Size, r.Tree = file.Size(), check.Size
	return err
}

// finish publishes a prepared release. Every step can be repeated, so recover runs
// it again after a crash. It returns the release as it is then.
func (d *Desk) finish(ctx context.Context, r Release) (Release, error) {
	file, err := d.o.Blobs.Open(ctx, r.File)
	if err != nil {
		return r, err
	}
	defer file.Close()
	if now, _ := d.o.Log.Checkpoint(); now.Size < r.Tree {
		read, err := release.Open(file, file.Size(), d.o.Keys, d.o.Log)
		if err != nil {
			return r, err
		}
		if err := d.o.Log.Apply(read.Update()); err != nil {
			return r, err
		}
	}
	// From here on it is public: the states follow, and the case is told.
	if r.Collection != "" {
		if err := d.settle(ctx, r); err != nil {
			return r, err
		}
	}
	err = d.o.Stores.Cases.Update(ctx, r.Case, func(c *Case) error {
		if !slices.Contains(c.Releases, r.Number) {
			c.released(r)
		}
		return nil
	})
	if err != nil {
		return r, err
	}
	r.Published, r.Outcomes, r.Authored = true, nil, nil
	return r, d.o.Stores.Releases.Put(ctx, r)
}

// settleByID is up to how many documents are asked for by their ids; beyond it, going
// through the whole collection once is quicker.
const settleByID = 5000

// settle gives the documents of a release the states that its file has for them. What
// is planned now may be something else: it was set after the file was written, and is
// for the next release.
func (d *Desk) settle(ctx context.Context, r Release) error {
	f := Filter{States: []corpus.State{corpus.Pending, corpus.Withheld}, Documents: true}
	of := map[corpus.DocumentID]Outcome{}
	for _, o := range r.Outcomes {
		for _, id := range o.Of {
			of[id] = o
		}
	}
	if len(of) <= settleByID {
		f.IDs = slices.AppendSeq([]corpus.DocumentID{}, maps.Keys(of))
	}
	_, err := d.o.Stores.Documents.Update(ctx, r.Collection, f, func(i *Item) error {
		if o, ok := of[i.ID()]; ok {
			i.Settle(o)
		}
		return nil
	})
	return err
}

// released notes a release in its case: what went out with it is no longer to be
// done, and the next one needs a decision of its own.
func (c *Case) released(r Release) {
	c.Releases = append(c.Releases, r.Number)
	if r.Collection != "" {
		c.Collection.Version++
	}
	if r.Authored != nil {
		c.Authored = c.Authored.without(*r.Authored)
	}
	c.Edited()
	c.Decision.Voided = 0
}

// recover ends or undoes releases that a crash or a failure has left half way, and
// returns those that it has ended.
func (d *Desk) recover(ctx context.Context) (ended []Release, err error) {
	all, err := d.o.Stores.Releases.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("recover: %w", err)
	}
	for _, r := range all {
		if r.Published {
			continue
		}
		if now, _ := d.o.Log.Checkpoint(); now.Size >= r.Tree {
			if r, err = d.finish(ctx, r); err == nil {
				ended = append(ended, r)
			}
		} else {
			err = errors.Join(d.o.Stores.Releases.Drop(ctx, r.Number), d.o.Blobs.Delete(ctx, r.File))
		}
		if err != nil {
			return ended, fmt.Errorf("recover release %d: %w", r.Number, err)
		}
	}
	return ended, nil
}

// Releases lists the published ones, the newest first.
func (d *Desk) Releases(ctx context.Context, by EditorID) ([]Release, error) {
	if _, err := d.may(ctx, by, append(material, operator)...); err != nil {
		return nil, err
	}
	all, err := d.o.Stores.Releases.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("releases: %w", err)
	}
	all = slices.DeleteFunc(all, func(r Release) bool { return !r.Published })
	slices.Reverse(all)
	return all, nil
}

// OpenRelease opens the file of a release: it is public.
func (d *Desk) OpenRelease(ctx context.Context, by EditorID, number int) (Release, blob.Reader, error) {
	all, err := d.Releases(ctx, by)
	if err != nil {
		return Release{}, nil, err
	}
	for _, r := range all {
		if r.Number == number {
			file, err := d.o.Blobs.Open(ctx, r.File)
			if err != nil {
				return r, nil, fmt.Errorf("release %d: %w", number, err)
			}
			return r, file, nil
		}
	}
	return Release{}, nil, fmt.Errorf("release %d: %w", number, fault.NotFound)
}

// Checkpoint is the state of the publication log, and as the signed note.
func (d *Desk) Checkpoint() (publog.Checkpoint, []byte) { return d.o.Log.Checkpoint() }
