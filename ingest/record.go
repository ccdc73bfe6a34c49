package ingest

import (
	"bytes"
	"context"
	"fmt"

	"daylight/blob"
	"daylight/corpus"
	"daylight/relate"
	"daylight/search"
)

// A group is what is made durable together.
const (
	groupRecords = 2000 // where Ingester.Group is 0
	groupBytes   = 64 << 20
	groupIndexed = 1000 // documents that catchUp takes at once
)

type group struct {
	records []Record
	done    []string
	batch   blob.Batch
	puts    []search.Document
	again   []int // of puts: documents of an earlier group or run
	bytes   int64
}

func (g *group) abort() {
	if g.batch != nil {
		g.batch.Abort()
	}
}

// record adds a node to the group. It returns the id of the document with its
// bytes, and the document itself when it is a new one.
func (r *run) record(ctx context.Context, n *node, in holder) (corpus.DocumentID, *corpus.Document, error) {
	rec := Record{Path: n.path, Level: n.level, Size: n.size, Hash: n.hash}
	rec.Message = n.res.Message != nil && n.carrier == nil
	if rec.Message {
		r.messages++
	}
	of, known, err := r.find(ctx, n.hash)
	if err != nil {
		return of, nil, err
	}
	if known {
		rec.State, rec.Of = corpus.Duplicate, of
		r.group.add(rec)
		return of, nil, nil
	}
	doc := r.document(n, in.id)
	rec.State, rec.Document = corpus.Pending, doc
	if n.res.Unread || n.empty {
		rec.State = corpus.Quarantined
	}
	if !n.hash.IsZero() {
		r.known[n.hash] = doc.ID
		if err := r.putBlob(ctx, n); err != nil {
			return doc.ID, nil, err
		}
	}
	r.group.add(rec)
	if rec.State == corpus.Quarantined {
		return doc.ID, nil, nil
	}
	if in.attached != nil {
		in.attached.Add(doc)
		*in.fresh = true
	}
	return doc.ID, doc, nil
}

func (g *group) add(rec Record) {
	g.records = append(g.records, rec)
	if rec.Document != nil {
		g.bytes += int64(len(rec.Document.Text))
	}
}

// find gives the document that has these bytes, in this group or the ledger.
func (r *run) find(ctx context.Context, hash blob.Ref) (corpus.DocumentID, bool, error) {
	if hash.IsZero() {
		return corpus.DocumentID{}, false, nil
	}
	if id, ok := r.known[hash]; ok {
		return id, true, nil
	}
	return r.in.Ledger.Find(ctx, hash)
}

func (r *run) putBlob(ctx context.Context, n *node) (err error) {
	if n.stored {
		return nil
	}
	if r.group.batch == nil {
		if r.group.batch, err = r.in.Blobs.Begin(ctx); err != nil {
			return err
		}
	}
	ref, _, err := r.group.batch.Put(bytes.NewReader(n.data))
	if err == nil && ref != n.hash {
		err = fmt.Errorf("blob has another hash than its bytes")
	}
	r.group.bytes += n.size
	if !n.open {
		n.data = nil
	}
	return err
}

// document makes a document of what was read.
func (r *run) document(n *node, parent corpus.DocumentID) *corpus.Document {
	d := &corpus.Document{
		ID:         corpus.NewDocumentID(),
		Collection: r.in.Collection,
		Parent:     parent,
		Name:       base(n.name),
		Paths:      []string{n.path},
		Type:       n.res.Type,
		Size:       n.size,
		Date:       n.res.Date,
		Languages:  n.langs,
		Text:       n.res.Text,
		Facts:      n.res.Facts,
		Message:    n.res.Message,
		Error:      join(n.problem, n.res.Error),
	}
	d.Title = title(n.res.Title)
	if d.Title == "" && d.Message != nil {
		d.Title = title(d.Message.Subject)
	}
	if d.Title == "" && d.Message != nil {
		d.Title = "(no subject)"
	}
	if d.Title == "" {
		d.Title = title(d.Name)
	}
	if d.Title == "" {
		d.Title = "(no name)"
	}
	if r.in.Origin != nil {
		m := n.carrier
		if m == nil {
			m = n.res.Message
		}
		d.Origin = r.in.Origin(m, n.path)
	}
	return d
}

// index puts a document into the group's part of the index: once all that is
// inside of it is recorded. doc is nil when the document was recorded before and
// got new parts; the bytes are the same, and so is what the index holds of it.
func (r *run) index(n *node, id corpus.DocumentID, doc *corpus.Document, attached *search.Attachments) {
	if r.in.Index == nil {
		return
	}
	if doc == nil {
		doc = r.document(n, corpus.DocumentID{})
		doc.ID = id
		r.group.again = append(r.group.again, len(r.group.puts))
	}
	r.group.puts = append(r.group.puts, search.From(doc, attached.String(), n.key))
}

func (r *run) flushIfFull(ctx context.Context) error {
	most := r.in.Group
	if most == 0 {
		most = groupRecords
	}
	if len(r.group.records) < most && r.group.bytes < groupBytes {
		return nil
	}
	return r.flush(ctx)
}

// flush makes the group durable: blobs, ledger, index, ledger. It is called only
// between units, so that a message and its attachments come together.
func (r *run) flush(ctx context.Context) error {
	g := r.group
	r.group = group{}
	clear(r.known)
	if g.batch != nil {
		defer g.batch.Abort()
		if err := g.batch.Commit(); err != nil {
			return err
		}
	}
	if len(g.records) > 0 || len(g.done) > 0 {
		if err := r.in.Ledger.Commit(ctx, g.records, g.done); err != nil {
			return err
		}
	}
	for _, i := range g.again {
		attached, err := r.attached(ctx, g.puts[i].ID)
		if err != nil {
			return err
		}
		if attached != "" {
			g.puts[i].Attachment = attached
		}
	}
	return r.apply(ctx, g.puts)
}

// attached is what the ledger knows of the parts of a document, those of earlier
// runs too.
func (r *run) attached(ctx context.Context, id corpus.DocumentID) (string, error) {
	if a, ok := r.in.Ledger.(Attacher); ok {
		return a.Attached(ctx, id)
	}
	return "", nil
}

func (r *run) apply(ctx context.Context, puts []search.Document) error {
	if len(puts) == 0 {
		return nil
	}
	if err := r.in.Index.Apply(ctx, search.Batch{Put: puts}); err != nil {
		return err
	}
	ids := make([]corpus.DocumentID, len(puts))
	for i, p := range puts {
		ids[i] = p.ID
	}
	return r.in.Ledger.Indexed(ctx, ids)
}

// catchUp indexes what a run recorded and did not live to index.
func (r *run) catchUp(ctx context.Context) error {
	if r.in.Index == nil {
		return nil
	}
	for {
		docs, err := r.in.Ledger.Unindexed(ctx, groupIndexed)
		if err != nil || len(docs) == 0 {
			return err
		}
		puts := make([]search.Document, len(docs))
		for i := range docs {
			attached, err := r.attached(ctx, docs[i].ID)
			if err != nil {
				return err
			}
			puts[i] = search.From(&docs[i], attached, relate.MessageKey(docs[i].Message, docs[i].Text))
		}
		if err := r.apply(ctx, puts); err != nil {
			return err
		}
		r.report(false)
	}
}
