package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"daylight/blob"
	"daylight/fault"
	"daylight/publog"
	"daylight/release"
	"daylight/search"
)

// Importer takes releases into an archive. It is for one goroutine of one process;
// archives that serve may read meanwhile.
//
// Import can be killed at any moment. Until Catalog.Switch readers see nothing of
// the release; importing it again goes on where it was.
type Importer struct {
	Catalog  Store
	Blobs    blob.Store
	Index    search.Index
	Log      publog.Store // nil for a preview of one release, which has no proofs
	Keys     publog.Keys
	Progress func(Progress) // called now and then; may be nil
}

// Progress is how far an import is.
type Progress struct {
	Entries, Of   int // staged
	Indexed, Docs int // in the index by now, and to be there in the end; Docs is 0 while not known
}

// Imported says what an import did.
type Imported struct {
	Release   Release
	Already   bool // the release was here before; nothing was done but to end an import cut off
	Documents int
	Withdrawn int
	Indexed   int

	// Missing is how many entries this copy of the release does not hold: an archive
	// that has forgotten documents passes on such copies, and they verify. What stood
	// there cannot be told; a hostile mirror can leave out a withdrawal as well.
	Missing int
}

const (
	stageEntries = 2000      // at most, in one transaction
	stageBytes   = 16 << 20  // of bodies, likewise
	batchBytes   = 256 << 20 // of payloads in one batch of blobs
)

// ImportFile verifies the release in src and imports it. A release that is here
// already is not an error.
//
// Errors, each with words for people: fault.Damaged and fault.Unverified as
// release.Open has them; fault.Conflict for a release before whose time others
// have to come. After an error readers see what they saw.
func (im *Importer) ImportFile(ctx context.Context, src io.ReaderAt, size int64) (Imported, error) {
	log, err := im.openLog()
	if err != nil {
		return Imported{}, err
	}
	r, err := release.Open(src, size, im.Keys, log)
	if errors.Is(err, fault.Conflict) {
		r, err = im.openKnown(ctx, src, size, log, err)
	}
	if err != nil {
		return Imported{}, err
	}
	return im.Import(ctx, r)
}

// openKnown opens a release that does not continue the log because the log has it:
// an import was cut off after that, or it was imported long ago. For any other
// release it returns the conflict.
func (im *Importer) openKnown(ctx context.Context, src io.ReaderAt, size int64, log *publog.Log, conflict error) (*release.Reader, error) {
	r, err := release.Open(src, size, im.Keys, nil)
	if err != nil {
		return nil, err
	}
	known, err := im.known(ctx, r, log)
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, conflict
	}
	return r, nil
}

// known reports whether a release is the newest of the log or is switched on. The
// log may be nil.
func (im *Importer) known(ctx context.Context, r *release.Reader, log *publog.Log) (bool, error) {
	if log != nil {
		if _, now := log.Checkpoint(); bytes.Equal(now, r.Checkpoint()) {
			return true, nil
		}
	}
	releases, err := im.Catalog.Releases(ctx)
	if err != nil {
		return false, fmt.Errorf("import: %w", err)
	}
	for _, have := range releases {
		if have.Number == r.Header.Number && have.Checkpoint == sha256.Sum256(r.Checkpoint()) {
			return true, nil
		}
	}
	return false, nil
}

func (im *Importer) openLog() (*publog.Log, error) {
	if im.Log == nil {
		return nil, nil
	}
	log, err := publog.Open(im.Log, im.Keys)
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	return log, nil
}

// Import imports a release that was opened with the archive's log, or alone where
// the Importer has none.
func (im *Importer) Import(ctx context.Context, r *release.Reader) (Imported, error) {
	done := Imported{Release: Release{
		Number: r.Header.Number, Newsroom: r.Header.Newsroom, Day: r.Header.Day,
		Checkpoint: sha256.Sum256(r.Checkpoint()), Entries: int(r.Len() - r.Removed()),
	}, Missing: int(r.Removed())}
	head, err := im.Catalog.Head(ctx)
	if err != nil {
		return done, fmt.Errorf("import: %w", err)
	}
	if head.Release >= done.Release.Number {
		known, err := im.known(ctx, r, nil)
		if err != nil {
			return done, err
		}
		if !known {
			return done, conflict(done.Release, head)
		}
		done.Already = true
	} else if err := im.stage(ctx, r, &done); err != nil {
		return done, fmt.Errorf("import release %d: %w", done.Release.Number, err)
	}
	done.Indexed, err = im.Finish(ctx)
	return done, err
}

func conflict(r Release, head Head) error {
	words := fmt.Sprintf("This archive is at release %d and has another release %d. Nothing was changed.", head.Release, r.Number)
	return fault.Say(words, fmt.Errorf("import release %d at release %d: %w", r.Number, head.Release, fault.Conflict))
}

// stage does everything that readers cannot see, then the switch.
func (im *Importer) stage(ctx context.Context, r *release.Reader, done *Imported) error {
	staging, err := im.Catalog.Begin(ctx, done.Release)
	if errors.Is(err, fault.Conflict) {
		return fault.Say("This release does not follow the last one that was imported: one before it is missing. Nothing was changed.", err)
	}
	if err != nil {
		return err
	}
	if err := im.entries(ctx, r, staging, done); err != nil {
		return err
	}
	if err := im.extendLog(r); err != nil {
		return err
	}
	return im.Catalog.Switch(ctx, done.Release.Number)
}

// extendLog applies the release to the log, where an import cut off did not.
func (im *Importer) extendLog(r *release.Reader) error {
	log, err := im.openLog()
	if err != nil || log == nil {
		return err
	}
	if _, now := log.Checkpoint(); bytes.Equal(now, r.Checkpoint()) {
		return nil
	}
	return log.Apply(r.Update())
}

// entries stages the entries in groups: first their payloads, durably, then they.
func (im *Importer) entries(ctx context.Context, r *release.Reader, staging Staging, done *Imported) error {
	g := group{im: im, ctx: ctx, staging: staging}
	defer g.close()
	skip := staging.Done()
	for e, err := range r.Entries() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		switch e.Kind {
		case release.KindDocument:
			done.Documents++
		case release.KindWithdrawal:
			done.Withdrawn++
		}
		if skip > 0 {
			skip--
			continue
		}
		if err := g.add(e); err != nil {
			return err
		}
		if g.full() {
			if err := g.flush(); err != nil {
				return err
			}
			im.progress(Progress{Entries: staging.Done(), Of: done.Release.Entries})
		}
	}
	return g.flush()
}

func (im *Importer) progress(p Progress) {
	if im.Progress != nil {
		im.Progress(p)
	}
}

// group is entries on their way into one transaction.
type group struct {
	im      *Importer
	ctx     context.Context
	staging Staging
	entries []Staged
	batch   blob.Batch
	bodies  int64
	bytes   int64
}

func (g *group) full() bool {
	return len(g.entries) >= stageEntries || g.bodies >= stageBytes || g.bytes >= batchBytes
}

func (g *group) add(e release.Entry) error {
	s, err := stageEntry(e.Record)
	if err != nil {
		return err
	}
	if e.Payload != nil {
		if g.batch == nil {
			if g.batch, err = g.im.Blobs.Begin(g.ctx); err != nil {
				return err
			}
		}
		ref, n, err := g.batch.Put(e.Open())
		if err != nil {
			return err
		}
		if ref != blob.Ref(e.Payload.SHA256) {
			return fmt.Errorf("%s: payload of %d bytes came out with another hash: %w", e.Kind, n, fault.Damaged)
		}
		g.bytes += n
	}
	g.bodies += int64(len(e.Body))
	g.entries = append(g.entries, s)
	return nil
}

func (g *group) flush() error {
	if g.batch != nil {
		if err := g.batch.Commit(); err != nil {
			return err
		}
	}
	if err := g.staging.Put(g.ctx, g.entries); err != nil {
		return err
	}
	g.batch, g.entries, g.bodies, g.bytes = nil, g.entries[:0], 0, 0
	return nil
}

func (g *group) close() {
	if g.batch != nil {
		g.batch.Abort()
	}
}
