package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"daylight/blob"
	"daylight/corpus"
	"daylight/fault"
	"daylight/release"
)

// WithdrawnError is what asking for something withdrawn gives: fault.Legal or
// fault.Gone, with the notice that takes its place.
type WithdrawnError struct {
	release.Withdrawal
	Release int
}

func (e *WithdrawnError) Error() string {
	return "document withdrawn in release " + fmt.Sprint(e.Release)
}

func (e *WithdrawnError) Unwrap() error { return e.Fault() }

// Document is one document with everything around it.
func (a *Archive) Document(ctx context.Context, id corpus.DocumentID) (Document, error) {
	e, err := a.entry(ctx, release.KindDocument, id, "")
	if err != nil {
		return Document{}, err
	}
	s, err := a.state(ctx)
	if err != nil {
		return Document{}, err
	}
	d := Document{Release: e.Release}
	if d.Document, err = decodeDocument(e); err != nil {
		return d, err
	}
	fill := []func(context.Context, state, *Document) error{a.within, a.renditions, a.thread, a.copies, a.correctionsOf}
	for _, f := range fill {
		if err := f(ctx, s, &d); err != nil {
			return d, fmt.Errorf("document %s: %w", id, err)
		}
	}
	return d, nil
}

// entry finds the entry of a document, or of its rendition, or the withdrawal that
// stands in its place.
func (a *Archive) entry(ctx context.Context, kind release.Kind, id corpus.DocumentID, name string) (Entry, error) {
	full := id.String()
	if kind == release.KindRendition {
		full += "/" + name
	}
	e, err := a.o.Catalog.Entry(ctx, kind, full)
	if !errors.Is(err, fault.NotFound) {
		return e, err
	}
	for _, of := range slices.Compact([]string{full, id.String()}) {
		w, err := a.o.Catalog.Entry(ctx, release.KindWithdrawal, of)
		if errors.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return e, err
		}
		notice := &WithdrawnError{Release: w.Release}
		if notice.Withdrawal, err = release.Decode[release.Withdrawal](w.Record); err != nil {
			return e, err
		}
		return e, notice
	}
	return e, err
}

// within fills in the collection, the origin, the container and the parts.
func (a *Archive) within(ctx context.Context, s state, d *Document) error {
	names, err := a.collectionNames(ctx, s)
	if err != nil {
		return err
	}
	d.In = names[d.Document.Collection]
	if d.Day, err = a.dayOf(ctx, d.Release); err != nil {
		return err
	}
	origins, err := a.originTitles(ctx, s)
	if err != nil {
		return err
	}
	d.OriginTitle = origins[string(d.Origin)]
	if !d.Parent.IsZero() {
		rows, err := a.o.Catalog.Rows(ctx, []corpus.DocumentID{d.Parent})
		if err != nil {
			return err
		}
		if row, ok := rows[d.Parent]; ok {
			d.Container = &row
		}
	}
	d.Parts, d.PartsTotal, err = a.o.Catalog.Parts(ctx, d.ID, MaxParts)
	return err
}

func (a *Archive) renditions(ctx context.Context, _ state, d *Document) error {
	entries, err := a.o.Catalog.Renditions(ctx, d.ID)
	for _, e := range entries {
		r, err := rendition(e)
		if err != nil {
			return err
		}
		d.Renditions = append(d.Renditions, r)
	}
	return err
}

func rendition(e Entry) (Rendition, error) {
	body, err := release.Decode[release.Rendition](e.Record)
	if err != nil {
		return Rendition{}, err
	}
	if e.Payload == nil {
		return Rendition{}, fmt.Errorf("rendition %s has no bytes: %w", e.ID, fault.Damaged)
	}
	return Rendition{body, e.Payload.Size, e.Payload.SHA256, body.Name == release.NameOriginal}, nil
}

// thread gathers the conversation of an e-mail. It is a query, so that it is always
// that of what is released: from the message to all that it cites or that cite it,
// and so on, until nothing is added.
func (a *Archive) thread(ctx context.Context, _ state, d *Document) error {
	links := linksOf(d.Message)
	ask := links.Cites
	if links.MessageID != "" {
		ask = append(ask, links.MessageID)
	}
	asked, rows := map[string]bool{}, map[corpus.DocumentID]Row{}
	for len(ask) > 0 && len(rows) < MaxParts {
		linked, err := a.o.Catalog.Linked(ctx, ask, MaxParts)
		if err != nil {
			return err
		}
		for _, id := range ask {
			asked[id] = true
		}
		ask = nil
		for _, l := range linked {
			rows[l.ID] = l.Row
			for _, id := range append(l.Cites, l.MessageID) {
				if id != "" && !asked[id] && !slices.Contains(ask, id) {
					ask = append(ask, id)
				}
			}
		}
	}
	if len(rows) < 2 {
		return nil
	}
	for _, r := range rows {
		d.Thread = append(d.Thread, r)
	}
	slices.SortFunc(d.Thread, func(a, b Row) int {
		if c := a.Date.Compare(b.Date); c != 0 {
			return c
		}
		return strings.Compare(a.ID.String(), b.ID.String())
	})
	return nil
}

func (a *Archive) copies(ctx context.Context, _ state, d *Document) error {
	for _, r := range d.Renditions {
		if r.Original {
			var err error
			d.Copies, err = a.o.Catalog.SameBytes(ctx, d.ID, r.SHA256, MaxParts)
			return err
		}
	}
	return nil
}

func (a *Archive) correctionsOf(ctx context.Context, s state, d *Document) error {
	all, err := a.corrections(ctx, s)
	for _, c := range all {
		if c.Document == d.ID {
			d.Corrections = append(d.Corrections, c)
		}
	}
	return err
}

// Rendition opens the bytes of a rendition.
func (a *Archive) Rendition(ctx context.Context, id corpus.DocumentID, name string) (Rendition, blob.Reader, error) {
	e, err := a.entry(ctx, release.KindRendition, id, name)
	if err != nil {
		return Rendition{}, nil, err
	}
	r, err := rendition(e)
	if err != nil {
		return r, nil, err
	}
	b, err := a.o.Blobs.Open(ctx, r.SHA256)
	if err != nil {
		// The catalogue names it, so that it is missing is damage.
		return r, nil, fmt.Errorf("rendition %s: %w: %w", e.ID, fault.Damaged, err)
	}
	return r, b, nil
}

// Proof makes the proof of a document or of one of its renditions.
func (a *Archive) Proof(ctx context.Context, id corpus.DocumentID, name string) ([]byte, error) {
	kind := release.KindDocument
	if name != "" {
		kind = release.KindRendition
	}
	e, err := a.entry(ctx, kind, id, name)
	if err != nil {
		return nil, err
	}
	log, err := a.openLog(ctx)
	if err != nil {
		return nil, err
	}
	p, err := release.Prove(e.Record, log)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	return p.MarshalText()
}

// decode reads all entries of a kind.
func decode[B release.Body, V any](ctx context.Context, c Catalog, kind release.Kind, make func(B, int) V) ([]V, error) {
	entries, err := c.Entries(ctx, kind)
	if err != nil {
		return nil, err
	}
	var all []V
	for _, e := range entries {
		var b B
		if err := json.Unmarshal(e.Body, &b); err != nil {
			return nil, fmt.Errorf("%s %s: %w: %w", kind, e.ID, fault.Damaged, err)
		}
		all = append(all, make(b, e.Release))
	}
	return all, nil
}
