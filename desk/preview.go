package desk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"daylight/blob"
	"daylight/fault"
	"daylight/publog"
)

// previews are the candidates that are open, one a case: opening one takes as long
// as an import, and pages come one by one.
type previews struct {
	mu   sync.Mutex
	open map[CaseID]*candidate
}

// candidate is an imported candidate release, and what it was made of.
type candidate struct {
	Candidate
	manifest Manifest
	number   int
	file     blob.Reader
	keys     publog.Keys
	drop     func() error
}

func (c *candidate) close() error { return errors.Join(c.Candidate.Close(), c.file.Close(), c.drop()) }

func (p *previews) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all error
	for id, c := range p.open {
		all = errors.Join(all, c.close())
		delete(p.open, id)
	}
	return all
}

// previewKey is the name of keys that sign candidates. No archive but a throw-away
// one ever knows such a key, so a candidate that gets out is worth nothing.
const previewKey = "candidate-not-released"

// candidate returns the candidate of what the case would release now. It continues
// no log, so that the publication log knows nothing of what was only tried. It has the
// number that the release will have, and names the origins that its documents are of.
func (d *Desk) candidate(ctx context.Context, c Case, p planned) (*candidate, error) {
	d.previews.mu.Lock()
	defer d.previews.mu.Unlock()
	before, err := d.o.Stores.Releases.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("preview: %w", err)
	}
	number := len(before) + 1
	if old := d.previews.open[c.ID]; old != nil {
		if old.manifest == p.manifest && old.number == number {
			return old, nil
		}
		delete(d.previews.open, c.ID)
		if err := old.close(); err != nil {
			return nil, fmt.Errorf("close preview: %w", err)
		}
	}
	if d.o.Preview == nil {
		return nil, fault.Say("This desk has no archive to preview with.", fmt.Errorf("preview: %w", fault.Conflict))
	}
	private, public, err := publog.GenerateKey(previewKey)
	if err != nil {
		return nil, fmt.Errorf("preview: %w", err)
	}
	signer, err := publog.ParseSigner(private)
	if err != nil {
		return nil, fmt.Errorf("preview: %w", err)
	}
	keys, err := publog.ParseKeys(public)
	if err != nil {
		return nil, fmt.Errorf("preview: %w", err)
	}
	c.Decision.Opinions = nil // it stays open while editors approve, and shows none of them
	p.alone = true
	ref, err := d.write(ctx, func(w io.Writer) error {
		_, err := d.build(ctx, c, p, number, publog.Frontier{}, []publog.Signer{signer}, w)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("preview: %w", err)
	}
	drop := func() error { return d.o.Blobs.Delete(context.WithoutCancel(ctx), ref) }
	file, err := d.o.Blobs.Open(ctx, ref)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("preview: %w", err), drop())
	}
	shown, err := d.o.Preview(ctx, file, file.Size(), keys)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("preview: %w", err), file.Close(), drop())
	}
	if d.previews.open == nil {
		d.previews.open = map[CaseID]*candidate{}
	}
	made := &candidate{shown, p.manifest, number, file, keys, drop}
	d.previews.open[c.ID] = made
	return made, nil
}

// write streams what f writes into a blob of its own.
func (d *Desk) write(ctx context.Context, f func(io.Writer) error) (blob.Ref, error) {
	batch, err := d.o.Blobs.Begin(ctx)
	if err != nil {
		return blob.Ref{}, err
	}
	defer batch.Abort()
	r, w := io.Pipe()
	go func() { w.CloseWithError(f(w)) }()
	ref, _, err := batch.Put(r)
	r.CloseWithError(errors.New("the release could not be kept")) // ends f where Put gave up
	if err != nil {
		return blob.Ref{}, err
	}
	return ref, batch.Commit()
}

// Preview shows the public pages as the release of a case would make them.
func (d *Desk) Preview(ctx context.Context, by EditorID, id CaseID) (http.Handler, error) {
	c, err := d.Case(ctx, by, id)
	if err != nil {
		return nil, err
	}
	p, err := d.planSoon(ctx, c)
	if err != nil {
		return nil, err
	}
	// Background: the preview outlives the page that first asked for it.
	made, err := d.candidate(context.WithoutCancel(ctx), c, p)
	if err != nil {
		return nil, err
	}
	return made.Handler(), nil
}
