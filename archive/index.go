package archive

import (
	"context"
	"encoding/json"
	"fmt"

	"daylight/blob"
	"daylight/corpus"
	"daylight/fault"
	"daylight/relate"
	"daylight/release"
	"daylight/search"
)

const (
	indexDocs  = 20000    // in one batch; a release of no more is searchable in one step
	indexBytes = 64 << 20 // of text in one batch
)

// Finish ends what an import that was cut off left: the index, and what was
// withdrawn. It returns how many documents it indexed. Doing it twice does no harm.
func (im *Importer) Finish(ctx context.Context) (int, error) {
	head, err := im.Catalog.Head(ctx)
	if err != nil {
		return 0, fmt.Errorf("finish import: %w", err)
	}
	n := 0
	if head.Indexed < head.Release {
		w := indexer{im: im, ctx: ctx}
		if n, err = w.all(head.Indexed); err != nil {
			return n, fmt.Errorf("finish import: %w", err)
		}
		if err := im.Catalog.Indexed(ctx, head.Release); err != nil {
			return n, fmt.Errorf("finish import: %w", err)
		}
	}
	refs, err := im.Catalog.Forget(ctx)
	if err == nil {
		err = im.forget(ctx, refs)
	}
	if err != nil {
		return n, fmt.Errorf("forget what was withdrawn: %w", err)
	}
	return n, nil
}

// Rebuild makes the index of the catalogue, which is the truth. The index is empty, or
// what a Rebuild that was stopped has left, with no import between: it goes on there.
func (im *Importer) Rebuild(ctx context.Context) error {
	w := indexer{im: im, ctx: ctx, skip: im.Index.Len()}
	for ch, err := range im.Catalog.Changed(ctx, 0) {
		if err != nil {
			return fmt.Errorf("rebuild index: %w", err)
		}
		if !ch.Gone {
			w.docs++
		}
	}
	head, err := im.Catalog.Head(ctx)
	if err == nil {
		_, err = w.all(0)
	}
	if err == nil {
		err = im.Catalog.Indexed(ctx, head.Release)
	}
	if err != nil {
		return fmt.Errorf("rebuild index: %w", err)
	}
	_, err = im.Finish(ctx)
	return err
}

func (im *Importer) forget(ctx context.Context, refs []blob.Ref) error {
	for _, ref := range refs {
		if err := im.Blobs.Delete(ctx, ref); err != nil {
			return err
		}
	}
	return im.Catalog.Forgotten(ctx, refs)
}

// all brings the index from a release to the newest, in the order of ids. It returns
// how many documents are in it by then that were not before.
func (w *indexer) all(since int) (int, error) {
	for ch, err := range w.im.Catalog.Changed(w.ctx, since) {
		if err != nil {
			return w.n, err
		}
		if ch.Gone {
			w.batch.Delete = append(w.batch.Delete, ch.ID)
			continue
		}
		if w.skip > 0 {
			w.skip--
			continue
		}
		w.waiting = append(w.waiting, ch.ID)
		if len(w.waiting) == 200 {
			if err := w.load(); err != nil {
				return w.n, err
			}
		}
	}
	if err := w.load(); err != nil {
		return w.n, err
	}
	err := w.apply()
	return w.n, err
}

type indexer struct {
	im      *Importer
	ctx     context.Context
	waiting []corpus.DocumentID
	batch   search.Batch
	bytes   int
	n       int
	skip    int // of the first documents, which are in the index
	docs    int // in all; 0 while not known
}

// load reads the waiting documents into the batch.
func (w *indexer) load() error {
	bodies, err := w.im.Catalog.Bodies(w.ctx, w.waiting)
	if err != nil {
		return err
	}
	containers, err := w.im.Catalog.Containers(w.ctx, w.waiting)
	if err != nil {
		return err
	}
	for _, id := range w.waiting {
		e, ok := bodies[id]
		if !ok {
			return fmt.Errorf("index %s: %w", id, fault.NotFound)
		}
		d, err := decodeDocument(e)
		if err != nil {
			return err
		}
		attached := ""
		if containers[id] {
			if attached, err = w.attached(id); err != nil {
				return err
			}
		}
		w.batch.Put = append(w.batch.Put, search.From(&d.Document, attached, relate.MessageKey(d.Message, d.Text)))
		w.bytes += len(d.Text) + len(attached)
		if len(w.batch.Put) >= indexDocs || w.bytes >= indexBytes {
			if err := w.apply(); err != nil {
				return err
			}
		}
	}
	w.waiting = w.waiting[:0]
	return nil
}

func (w *indexer) apply() error {
	if len(w.batch.Put) == 0 && len(w.batch.Delete) == 0 {
		return nil
	}
	if err := w.im.Index.Apply(w.ctx, w.batch); err != nil {
		return err
	}
	w.n += len(w.batch.Put)
	w.batch, w.bytes = search.Batch{}, 0
	w.im.progress(Progress{Indexed: w.im.Index.Len(), Docs: w.docs})
	return nil
}

// attached joins the names and texts of all parts of a document, until there is
// enough.
func (w *indexer) attached(id corpus.DocumentID) (string, error) {
	var all search.Attachments
	for e, err := range w.im.Catalog.PartBodies(w.ctx, id) {
		if err != nil {
			return "", err
		}
		d, err := decodeDocument(e)
		if err != nil {
			return "", err
		}
		if all.Add(&d.Document); all.Full() {
			break
		}
	}
	return all.String(), nil
}

func decodeDocument(e Entry) (release.Document, error) {
	var d release.Document
	if err := json.Unmarshal(e.Body, &d); err != nil {
		return d, fmt.Errorf("document of release %d: %w: %w", e.Release, fault.Damaged, err)
	}
	return d, nil
}
