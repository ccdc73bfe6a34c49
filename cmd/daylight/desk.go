package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"time"

	blobfs "daylight/blob/fs"
	"daylight/blob/seal"
	"daylight/corpus"
	"daylight/courier"
	"daylight/desk"
	"daylight/desk/sqlite"
	"daylight/extract"
	"daylight/ingest"
	"daylight/internal/durable"
	"daylight/publog"
	"daylight/render"
	"daylight/sandbox"
	"daylight/search/segment"
)

// handlers are what a sandbox child of this program can do.
var handlers = map[string]sandbox.Handler{
	ingest.Handler: ingest.Serve,
	render.Handler: render.Serve,
}

// deskRole is a desk that is open, with what commands need beside it.
type deskRole struct {
	*desk.Desk
	in      instance
	stores  desk.Stores
	index   *segment.Index
	pool    *sandbox.Pool
	extract extract.Func
	ingest  ingest.Ingester // without collection and ledger
	signer  publog.Signer   // of releases, and of word that the desk leaves on a stick
	closers
}

// openDesk opens the desk of an instance, which the caller has locked.
func (a *app) openDesk(in instance, c config, published func(context.Context, desk.Release) error) (_ *deskRole, err error) {
	d := &deskRole{in: in}
	defer func() {
		if err != nil {
			d.closers.Close()
		}
	}()
	key, err := in.databaseKey()
	if err != nil {
		return nil, err
	}
	store, err := sqlite.Open(a.ctx, in.path("desk.db"), key)
	if err != nil {
		return nil, err
	}
	d.closers, d.stores = append(d.closers, store), store.Stores()

	blobKey, err := in.secret32(keyBlobs)
	if err != nil {
		return nil, err
	}
	raw, err := blobfs.Open(in.path("blobs"))
	if err != nil {
		return nil, err
	}
	blobs, err := seal.New(raw, blobKey[:])
	if err != nil {
		return nil, err
	}
	d.closers = append(d.closers, blobs)

	if d.index, err = segment.Open(in.path("index"), segment.Options{}); err != nil {
		return nil, err
	}
	d.closers = append(d.closers, d.index)
	if d.pool, err = sandbox.NewPool(c.Desk.Workers, sandbox.Options{}); err != nil {
		return nil, err
	}
	d.closers = append(d.closers, d.pool)
	d.extract = ingest.Sandboxed(d.pool)
	d.ingest = ingest.Ingester{Extract: d.extract, Blobs: blobs, Index: d.index, Workers: c.Desk.Workers}

	o := desk.Options{Newsroom: c.Newsroom, Stores: d.stores, Blobs: blobs, Index: d.index, Extract: d.extract, Ingest: d.take,
		Unopened: orNone(c.Desk.Unopened)}
	if err := in.deskKeys(&o); err != nil {
		return nil, err
	}
	dir := in.path("preview")
	if err := os.RemoveAll(dir); err != nil { // of a desk that was killed
		return nil, err
	}
	if err := durable.MkdirAll(dir); err != nil {
		return nil, err
	}
	o.Preview = previewer{a, dir, c}.preview
	// Called by releases and HandOver only: who opens a desk to look at it hands on
	// nothing.
	o.Published = func(ctx context.Context, r desk.Release) error { return d.publish(ctx, r, published) }
	if d.Desk, err = desk.Open(a.ctx, o); err != nil {
		return nil, err
	}
	d.closers, d.signer = append(d.closers, d.Desk), o.Signers[0]
	return d, nil
}

// deskKeys reads the keys of a desk, and opens its log.
func (in instance) deskKeys(o *desk.Options) error {
	if _, err := in.keyring(); err != nil { // better now than at the first round
		return err
	}
	o.Keyring = in.keyring
	words, err := in.fingerprint()
	if err != nil {
		return err
	}
	o.Fingerprint = words
	if o.Intakes, err = in.intakes(); err != nil {
		return err
	}
	private, err := in.secret(keyReleases)
	if err != nil {
		return err
	}
	signer, err := publog.ParseSigner(string(private))
	if err != nil {
		return fmt.Errorf("key %s: %w", keyReleases, err)
	}
	o.Signers, o.LogName = []publog.Signer{signer}, signer.Name()+"/log"
	if o.Keys, err = in.newsroomKeys(); err != nil {
		return err
	}
	o.Log, err = publog.Open(publog.Folder(in.path("log")), o.Keys)
	return err
}

// take runs an ingest for the desk.
func (d *deskRole) take(ctx context.Context, c corpus.CollectionID, l ingest.Ledger, m iter.Seq2[desk.Material, error]) error {
	run := d.ingest
	run.Collection, run.Ledger = c, l
	_, err := run.Run(ctx, func(yield func(ingest.Item, error) bool) {
		for file, err := range m {
			item := ingest.Item{Path: file.Path, Size: file.Size, Open: func(ctx context.Context) (ingest.Body, error) { return file.Open(ctx) }}
			if !yield(item, err) {
				return
			}
		}
	})
	return err
}

// releasePath is where a release lies for archives to fetch.
func (in instance) releasePath(number int) string {
	return in.path("releases", fmt.Sprintf("%06d.daylight", number))
}

// publish writes a release as a file, and hands it on. Both can be repeated.
func (d *deskRole) publish(ctx context.Context, r desk.Release, next func(context.Context, desk.Release) error) error {
	_, body, err := d.OpenRelease(ctx, desk.Operator, r.Number)
	if err != nil {
		return err
	}
	defer body.Close()
	path := d.in.releasePath(r.Number)
	if err := durable.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	f, err := durable.Create(path)
	if err != nil {
		return err
	}
	defer f.Abort()
	if _, err := io.Copy(f, body); err != nil {
		return err
	}
	if err := f.Commit(); err != nil {
		return err
	}
	if next == nil {
		return nil
	}
	return next(ctx, r)
}

// round is one of the desk at intake.
type round func(context.Context) (desk.Fetched, error)

// at meets an intake that needs nothing before a round, or after.
func (d *deskRole) at(in courier.Intake) round {
	return func(ctx context.Context) (desk.Fetched, error) { return d.Fetch(ctx, in) }
}

// fetch meets intake now and then, until ctx is done, and hands on the releases that
// still wait for it.
func (a *app) fetch(ctx context.Context, d *deskRole, meet round, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	left, refused, failed := 0, "", ""
	for {
		if err := d.noteKeys(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("note what happened to keys", "err", err)
		}
		// Said once, not with every round, as all here: it stays true until somebody sees
		// to it.
		switch err := d.HandOver(ctx); {
		case ctx.Err() != nil:
		case err == nil:
			refused = ""
		case err.Error() != refused:
			refused = err.Error()
			a.log.Error("releases are made, but not handed on; the desk tries again", "err", err)
		}
		got, err := meet(ctx)
		switch {
		case ctx.Err() != nil:
		case err == nil:
			failed = ""
		case err.Error() != failed:
			failed = err.Error()
			a.log.Error("fetch from intake; the desk tries again", "err", err)
		}
		if got.Unopened > 0 {
			a.log.Warn("no key of this desk opens some envelopes, or they are damaged; they are kept here, and handlers see how many", "count", got.Unopened)
		}
		if got.Left != left && (err == nil || got.Left > 0) {
			left = got.Left
			a.log.Warn("envelopes that do not open stay at intake: there is no room for them here (unopened, in the settings)", "count", left)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
