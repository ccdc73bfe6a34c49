package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"daylight/blob"
	"daylight/corpus"
	"daylight/fault"
	"daylight/search"
)

// Listing is one page of the documents of a case.
type Listing struct {
	Items []Item
	Total int
}

// Documents lists the documents of a case: those that match words in the query
// language of package search (all, where it is ""), and the filter.
func (d *Desk) Documents(ctx context.Context, by EditorID, id CaseID, f Filter, query string, skip, n int) (Listing, error) {
	c, err := d.Case(ctx, by, id)
	if err != nil {
		return Listing{}, err
	}
	if query != "" {
		if f.IDs, err = d.matches(ctx, c.Collection.ID, query); err != nil {
			return Listing{}, err
		}
	}
	items, total, err := d.o.Stores.Documents.Page(ctx, c.Collection.ID, f, skip, n)
	return Listing{items, total}, err
}

// MaxMatches is how many documents a search at the desk can hand to a filter.
const MaxMatches = 50_000

// matches returns the ids of the collection's documents that match. It is never
// nil, since a filter without ids chooses everything.
func (d *Desk) matches(ctx context.Context, c corpus.CollectionID, query string) ([]corpus.DocumentID, error) {
	q, err := search.Parse(query)
	if err != nil {
		return nil, err
	}
	q = search.And{Of: []search.Query{q, search.Is{Facet: search.Collection, Values: []string{string(c)}}}}
	ids := []corpus.DocumentID{}
	r := search.Request{Query: q, Limit: 1000}
	for {
		page, err := d.o.Index.Search(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("search documents: %w", err)
		}
		if page.Total > MaxMatches {
			return nil, fault.Say(fmt.Sprintf("%d documents match; the most that a search here can choose are %d. Add a word or a filter.", page.Total, MaxMatches),
				fmt.Errorf("search documents: %w", fault.TooLarge))
		}
		for _, h := range page.Hits {
			ids = append(ids, h.ID)
		}
		if r.After = page.Next; r.After == "" {
			return ids, nil
		}
	}
}

// Count counts the documents of a case by the values of "state", "act",
// "language" or "type".
func (d *Desk) Count(ctx context.Context, by EditorID, id CaseID, facet string) (map[string]int, error) {
	c, err := d.Case(ctx, by, id)
	if err != nil {
		return nil, err
	}
	return d.o.Stores.Documents.Count(ctx, c.Collection.ID, facet)
}

// Years are the first and the last year of the documents of a case, as they claim; ""
// where none has a date.
func (d *Desk) Years(ctx context.Context, by EditorID, id CaseID) (first, last string, err error) {
	c, err := d.Case(ctx, by, id)
	if err != nil {
		return "", "", err
	}
	found, err := d.o.Index.Search(ctx, search.Request{Query: search.Is{Facet: search.Collection, Values: []string{string(c.Collection.ID)}},
		Facets: []search.FacetRequest{{Name: search.Year}}})
	if err != nil {
		return "", "", fmt.Errorf("years: %w", err)
	}
	for _, v := range found.Facets[0].Values {
		if v.Value == search.Unknown {
			continue
		}
		if first == "" || v.Value < first {
			first = v.Value
		}
		last = max(last, v.Value)
	}
	return first, last, nil
}

// Document is one document as its page shows it.
type Document struct {
	Item   Item // with its text
	Parts  []Item
	Places []string
}

// Document opens one.
func (d *Desk) Document(ctx context.Context, by EditorID, id CaseID, doc corpus.DocumentID) (Document, error) {
	c, err := d.Case(ctx, by, id)
	if err != nil {
		return Document{}, err
	}
	item, err := d.o.Stores.Documents.Get(ctx, c.Collection.ID, doc)
	if err != nil {
		return Document{}, fmt.Errorf("document: %w", err)
	}
	parts, err := d.o.Stores.Documents.Parts(ctx, c.Collection.ID, item.Path)
	if err != nil {
		return Document{}, fmt.Errorf("document: %w", err)
	}
	places, err := d.o.Stores.Documents.Places(ctx, c.Collection.ID, doc)
	if err != nil {
		return Document{}, fmt.Errorf("document: %w", err)
	}
	return Document{item, parts, places}, nil
}

// OpenOriginal opens the bytes of a document, as they were received.
func (d *Desk) OpenOriginal(ctx context.Context, by EditorID, id CaseID, doc corpus.DocumentID) (Item, blob.Reader, error) {
	c, err := d.Case(ctx, by, id)
	if err != nil {
		return Item{}, nil, err
	}
	item, err := d.o.Stores.Documents.Get(ctx, c.Collection.ID, doc)
	if err != nil {
		return item, nil, fmt.Errorf("original: %w", err)
	}
	if item.State == corpus.Destroyed || item.Hash.IsZero() {
		return item, nil, fault.Say("The bytes of this document are not kept.", fmt.Errorf("original: %w", fault.Gone))
	}
	if err := d.note(ctx, by, "open original", doc.String()); err != nil {
		return item, nil, err
	}
	r, err := d.o.Blobs.Open(ctx, item.Hash)
	if err != nil {
		return item, nil, fmt.Errorf("original: %w", err)
	}
	return item, r, nil
}

// Dispose says what is to become of the documents of a case that a filter and a
// query choose, and returns how many these were. Publishing and withholding is for
// editors (and the operator, for imports), redacting for redactors; whoever redacts
// cannot approve.
func (d *Desk) Dispose(ctx context.Context, by EditorID, id CaseID, f Filter, query string, what Disposition) (int, error) {
	if err := what.Check(); err != nil {
		return 0, err
	}
	roles := []Role{what.Role()}
	if what.Act != Redact {
		roles = append(roles, operator)
	}
	if _, err := d.may(ctx, by, roles...); err != nil {
		return 0, err
	}
	c, err := d.o.Stores.Cases.Get(ctx, id)
	if err != nil {
		return 0, fmt.Errorf("dispose: %w", err)
	}
	if query != "" {
		if f.IDs, err = d.matches(ctx, c.Collection.ID, query); err != nil {
			return 0, err
		}
	}
	// What is refused is tried before it is noted, and voids nothing.
	none := fault.Say("No document was chosen. Nothing was changed.", fmt.Errorf("dispose: none: %w", fault.Invalid))
	f.Documents = true
	some, total, err := d.o.Stores.Documents.Page(ctx, c.Collection.ID, f, 0, 1)
	if err != nil {
		return 0, fmt.Errorf("dispose: %w", err)
	}
	if total == 0 {
		return 0, none
	}
	if len(f.IDs) == 1 {
		if err := some[0].Dispose(what); err != nil {
			return 0, fmt.Errorf("dispose: %w", err)
		}
	}
	if err := d.note(ctx, by, "dispose: "+string(what.Act), string(id)); err != nil {
		return 0, err
	}
	what.By = by
	n := 0
	err = d.change(ctx, id, func(c *Case) {
		if what.Act == Redact {
			c.Bar(by, BarRedacted)
		}
	}, func(c Case) (err error) {
		n, err = d.dispose(ctx, c.Collection.ID, f, what)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("dispose: %w", err)
	}
	if n == 0 {
		return 0, none
	}
	return n, nil
}

// dispose changes the chosen documents. One document that is named must take the
// disposition; of many, those that cannot (public already, unreadable) are passed
// over.
func (d *Desk) dispose(ctx context.Context, c corpus.CollectionID, f Filter, what Disposition) (int, error) {
	named := len(f.IDs) == 1
	changed := 0
	_, err := d.o.Stores.Documents.Update(ctx, c, f, func(i *Item) error {
		err := i.Dispose(what)
		if errors.Is(err, fault.Conflict) && !named {
			return nil
		}
		if err == nil {
			changed++
		}
		return err
	})
	return changed, err
}

// Destroy destroys a document and all that is inside of it, without anybody having
// to look. It is for handlers. What is only a part of a file cannot be destroyed
// alone, because the bytes of the whole hold it. Where it came to no end, it can be
// repeated; Open and the rounds end it too.
func (d *Desk) Destroy(ctx context.Context, by EditorID, id CaseID, doc corpus.DocumentID, why string) error {
	if _, err := d.may(ctx, by, Handler); err != nil {
		return err
	}
	done, err := d.destroying()
	if err != nil {
		return err
	}
	defer done()
	c, err := d.o.Stores.Cases.Get(ctx, id)
	if err != nil {
		return fmt.Errorf("destroy: %w", err)
	}
	all, err := d.inside(ctx, c.Collection.ID, doc)
	if err != nil {
		return err
	}
	for _, i := range all {
		if err := i.Destroy(by, why); i.Document != nil && err != nil { // tried before it is noted
			return fmt.Errorf("destroy: %w", err)
		}
	}
	if err := d.note(ctx, by, "destroy unseen", doc.String()); err != nil {
		return err
	}
	return d.destroy(ctx, id, Destruction{doc, by, why})
}

// destroying keeps who destroys from those who make something of the bytes that are here.
// These are not waited for, since no page would be shown for as long as that takes.
func (d *Desk) destroying() (done func(), err error) {
	if !d.making.TryLock() {
		return nil, fault.Say("Files are being taken into a case, joined, or destroyed at this moment. Nothing more was destroyed. Try again when that is done.",
			fmt.Errorf("destroy: others read what is here: %w", fault.Conflict))
	}
	d.keeping.Lock()
	return func() { d.keeping.Unlock(); d.making.Unlock() }, nil
}

// drop destroys bytes that were kept for something that could not be made of them.
func (d *Desk) drop(ctx context.Context, refs []blob.Ref) error {
	done, err := d.destroying()
	if err != nil {
		return err
	}
	defer done()
	return d.dropBlobs(context.WithoutCancel(ctx), refs)
}

// destroyRest ends what could not be destroyed before.
func (d *Desk) destroyRest(ctx context.Context) error {
	d.keeping.Lock()
	defer d.keeping.Unlock()
	if d.stays == nil || !d.making.TryLock() {
		return d.stays
	}
	defer d.making.Unlock()
	return d.endDestroying(ctx)
}

// endDestroying ends what cases and conversations say is to be destroyed.
func (d *Desk) endDestroying(ctx context.Context) (err error) {
	defer func() { d.stays = err }()
	cases, err := d.o.Stores.Cases.All(ctx)
	if err != nil {
		return fmt.Errorf("destroy: %w", err)
	}
	for _, c := range cases {
		for _, what := range c.Destroying {
			err = cmp.Or(err, d.destroy(ctx, c.ID, what))
		}
	}
	return cmp.Or(err, d.dropBlobs(ctx, nil))
}

// destroy takes items out of the catalogue and the index, then their bytes out of
// the blobs, so that a crash in between leaves bytes that nothing names rather than
// names of nothing. The case says what is to be destroyed until it is, or cannot be.
func (d *Desk) destroy(ctx context.Context, id CaseID, what Destruction) (err error) {
	defer func() { d.stays = cmp.Or(err, d.stays) }()
	return d.change(ctx, id, func(c *Case) {
		if !slices.Contains(c.Destroying, what) {
			c.Destroying = append(c.Destroying, what)
		}
	}, func(c Case) error {
		err := d.destroyItems(ctx, c, what)
		if err != nil && !errors.Is(err, fault.Conflict) {
			return err
		}
		return errors.Join(err, d.o.Stores.Cases.Update(ctx, id, func(c *Case) error {
			c.Destroying = slices.DeleteFunc(c.Destroying, func(d Destruction) bool { return d.Of == what.Of })
			return nil
		}))
	})
}

func (d *Desk) destroyItems(ctx context.Context, c Case, what Destruction) error {
	all, err := d.inside(ctx, c.Collection.ID, what.Of)
	if err != nil {
		return err
	}
	var ids []corpus.DocumentID
	var files, parts []blob.Ref
	for _, i := range all {
		switch {
		case i.Document == nil:
		case i.Holder == "":
			ids, files = append(ids, i.ID()), append(files, i.Hash)
		default:
			ids, parts = append(ids, i.ID()), append(parts, i.Hash)
		}
	}
	_, err = d.o.Stores.Documents.Update(ctx, c.Collection.ID, Filter{IDs: ids}, func(i *Item) error { return i.Destroy(what.By, what.Why) })
	if err != nil {
		return fmt.Errorf("destroy: %w", err)
	}
	if err := d.o.Index.Apply(ctx, search.Batch{Delete: ids}); err != nil {
		return fmt.Errorf("destroy: %w", err)
	}
	ours := func(talk Conversation, _ Message) bool { return slices.Contains(talk.Cases, c.ID) }
	return d.forget(ctx, files, parts, ours, what.Why)
}

// inside returns the item of a document and everything in it, and refuses where
// the same bytes lie in something that would stay.
func (d *Desk) inside(ctx context.Context, c corpus.CollectionID, doc corpus.DocumentID) ([]Item, error) {
	top, err := d.o.Stores.Documents.Get(ctx, c, doc)
	if err != nil {
		return nil, fmt.Errorf("destroy: %w", err)
	}
	if top.Holder != "" {
		return nil, fault.Say("This is a part of another file, whose bytes hold it. Destroy that file.", fmt.Errorf("destroy: a part: %w", fault.Conflict))
	}
	all := []Item{top}
	for n := 0; n < len(all); n++ {
		if !all[n].Holds {
			continue
		}
		parts, err := d.o.Stores.Documents.Parts(ctx, c, all[n].Path)
		if err != nil {
			return nil, fmt.Errorf("destroy: %w", err)
		}
		all = append(all, parts...)
	}
	within := map[string]bool{}
	for _, i := range all {
		within[i.Path] = true
	}
	for _, i := range all {
		if i.Document == nil {
			continue
		}
		places, err := d.o.Stores.Documents.Places(ctx, c, i.ID())
		if err != nil {
			return nil, fmt.Errorf("destroy: %w", err)
		}
		for _, p := range places {
			if !within[p] && i.Level > 0 {
				return nil, fault.Say("Something in this file lies in another file of the collection too. Destroy that one first.",
					fmt.Errorf("destroy: a part has other places: %w", fault.Conflict))
			}
		}
	}
	return all, nil
}

// forget notes in some messages that files are destroyed, and then destroys the bytes of
// these and of parts that nothing names any more: whoever sends what others sent too must
// not have theirs destroyed with it. With a part goes what was joined of it, and with
// what was joined its parts, unless a case needs them. The caller holds making and keeping.
func (d *Desk) forget(ctx context.Context, files, parts []blob.Ref, theirs func(Conversation, Message) bool, why string) error {
	all, err := d.o.Stores.Conversations.All(ctx)
	if err != nil {
		return fmt.Errorf("destroy: %w", err)
	}
	for _, talk := range all {
		if !slices.ContainsFunc(talk.Messages, func(m Message) bool { return theirs(talk, m) }) {
			continue
		}
		var gone []blob.Ref
		for _, ref := range files {
			for _, r := range append(talk.kin(ref), ref) {
				used, err := d.o.Stores.Documents.Needs(ctx, r)
				if err != nil {
					return fmt.Errorf("destroy: %w", err)
				}
				if !used {
					gone = append(gone, r)
				}
			}
		}
		if !slices.ContainsFunc(gone, talk.holds) {
			continue
		}
		err := d.o.Stores.Conversations.Update(ctx, talk.ID, func(c *Conversation) error {
			for _, m := range c.Messages {
				if theirs(talk, m) {
					m.destroyed(gone, why)
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("destroy: %w", err)
		}
	}
	return d.dropBlobs(ctx, slices.Concat(files, parts))
}

// dropBlobs destroys bytes, and those of files that conversations say are destroyed,
// which no case needs, no conversation shows and no release is made of. The caller holds
// making and keeping.
func (d *Desk) dropBlobs(ctx context.Context, refs []blob.Ref) (err error) {
	defer func() { d.stays = cmp.Or(err, d.stays) }()
	talks, err := d.o.Stores.Conversations.All(ctx)
	if err != nil {
		return fmt.Errorf("destroy: %w", err)
	}
	for _, c := range talks {
		refs = append(refs, c.owed()...)
	}
	if len(refs) == 0 {
		return nil
	}
	releases, err := d.o.Stores.Releases.All(ctx)
	if err != nil {
		return fmt.Errorf("destroy: %w", err)
	}
	drop := func(ref blob.Ref) error {
		used, err := d.o.Stores.Documents.Needs(ctx, ref)
		if err != nil || used || slices.ContainsFunc(talks, func(c Conversation) bool { return c.holds(ref) }) ||
			slices.ContainsFunc(releases, func(r Release) bool { return r.File == ref }) {
			return err
		}
		return errors.Join(d.o.Stores.Receipts.Drop(ctx, ref), d.o.Blobs.Delete(ctx, ref))
	}
	var first error // one that stays does not keep the others
	gone := map[blob.Ref]bool{}
	for _, ref := range refs {
		err := drop(ref)
		gone[ref], first = err == nil, cmp.Or(first, err)
	}
	for _, c := range talks {
		if slices.ContainsFunc(c.owed(), func(ref blob.Ref) bool { return gone[ref] }) {
			err := d.o.Stores.Conversations.Update(ctx, c.ID, func(c *Conversation) error { c.settle(gone); return nil })
			first = cmp.Or(first, err)
		}
	}
	if first != nil {
		return fmt.Errorf("destroy: %w", first)
	}
	return nil
}
