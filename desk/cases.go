package desk

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"daylight/blob"
	"daylight/corpus"
	"daylight/fault"
	"daylight/ingest"
)

// Cases lists the cases, the newest first. Those who see material may.
func (d *Desk) Cases(ctx context.Context, by EditorID) ([]Case, error) {
	if _, err := d.may(ctx, by, append(material, operator)...); err != nil {
		return nil, err
	}
	return d.o.Stores.Cases.All(ctx)
}

// Case opens one.
func (d *Desk) Case(ctx context.Context, by EditorID, id CaseID) (Case, error) {
	if _, err := d.may(ctx, by, append(material, operator)...); err != nil {
		return Case{}, err
	}
	c, err := d.o.Stores.Cases.Get(ctx, id)
	if err != nil {
		return c, fmt.Errorf("case: %w", err)
	}
	return c, nil
}

// NewCase begins a case without material, for answers, topics, corrections and
// withdrawals, or to be filled by Import.
func (d *Desk) NewCase(ctx context.Context, by EditorID, title string) (Case, error) {
	if _, err := d.may(ctx, by, Editor, operator); err != nil {
		return Case{}, err
	}
	c, err := NewCase(title)
	if err != nil {
		return c, err
	}
	return c, d.addCase(ctx, by, c)
}

func (d *Desk) addCase(ctx context.Context, by EditorID, c Case) error {
	taken := in(FieldTitle, fault.Say("There is a collection of this title already. Choose another title.", fmt.Errorf("new case: %w", fault.Conflict)))
	switch _, err := d.o.Stores.Cases.Of(ctx, c.Collection.ID); {
	case err == nil:
		return taken
	case !errors.Is(err, fault.NotFound):
		return fmt.Errorf("new case: %w", err)
	}
	if err := d.note(ctx, by, "make case", string(c.ID)); err != nil {
		return err
	}
	err := d.o.Stores.Cases.Add(ctx, c)
	if errors.Is(err, fault.Conflict) { // somebody was quicker
		return taken
	}
	if err != nil {
		return fmt.Errorf("new case: %w", err)
	}
	return nil
}

// Made says what of a conversation becomes material.
type Made struct {
	Title     string   // of a new case
	Into      CaseID   // or a case that there is
	Messages  []string // ids: all their files are taken
	Statement bool     // take the text of these messages too, as the source's statement, where it may be quoted
}

// MakeCase makes a case of what a source sent. The case does not know of which
// conversation; whoever wrote in it, or makes the case, cannot approve.
func (d *Desk) MakeCase(ctx context.Context, by EditorID, id ConversationID, m Made) (CaseID, error) {
	d.making.RLock()
	defer d.making.RUnlock()
	talk, err := d.talk(ctx, by, id)
	if err != nil {
		return "", fmt.Errorf("make case: %w", err)
	}
	parts, err := d.taken(ctx, talk, m)
	if err != nil {
		return "", err
	}
	of := m.Into
	if of != "" {
		if _, err := d.o.Stores.Cases.Get(ctx, of); err != nil {
			return "", fmt.Errorf("make case: add to a case: %w", err)
		}
	} else {
		c, err := NewCase(m.Title)
		if err != nil {
			return "", err
		}
		c.Collection.Route, c.Collection.Unknown = corpus.RouteSubmission, "Through whose hands it came before it reached us."
		if err := d.addCase(ctx, by, c); err != nil {
			return "", err
		}
		of = c.ID
	}
	if err := d.note(ctx, by, talkAct+"make case", string(id)); err != nil {
		return "", err
	}
	// First the link, so that whoever writes from now on is barred; then the bars of
	// those who have.
	var writers []EditorID
	var asks []Condition
	err = d.o.Stores.Conversations.Update(ctx, id, func(c *Conversation) error {
		c.Wrote(by)
		if !slices.Contains(c.Cases, of) {
			c.Cases = append(c.Cases, of)
		}
		writers, asks = slices.Clone(c.Writers), c.Asks()
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("make case: %w", err)
	}
	err = d.o.Stores.Cases.Update(ctx, of, func(c *Case) error {
		for _, w := range writers {
			c.Bar(w, BarWrote)
		}
		c.Ask(day(d.o.Now()), asks)
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("make case: %w", err)
	}
	return of, d.fill(ctx, of, func(ctx context.Context, c corpus.CollectionID, l ingest.Ledger) error {
		return d.o.Ingest(ctx, c, l, parts)
	})
}

// taken lists the chosen files. Two of the same name get different paths.
func (d *Desk) taken(ctx context.Context, talk Conversation, m Made) (iter.Seq2[Material, error], error) {
	var list []Material
	used, tried := map[string]bool{}, map[string]int{} // tried: numbers that others of the name have
	path := func(name string) string {
		stem, ext, first := name, "", name
		if i := strings.LastIndexByte(name, '.'); i > 0 {
			stem, ext = name[:i], name[i:]
		}
		for used[name] {
			tried[first]++
			name = fmt.Sprintf("%s (%d)%s", stem, tried[first]+1, ext)
		}
		used[name] = true
		return name
	}
	batch, err := d.o.Blobs.Begin(ctx)
	if err != nil {
		return nil, fmt.Errorf("make case: %w", err)
	}
	defer batch.Abort()
	open := func(ref blob.Ref) func(context.Context) (blob.Reader, error) {
		return func(ctx context.Context) (blob.Reader, error) { return d.o.Blobs.Open(ctx, ref) }
	}
	// What was joined is taken in the place of its parts, which stay in the conversation.
	inWhole := map[blob.Ref]bool{}
	for _, id := range m.Messages {
		if msg, ok := talk.Message(id); ok {
			for _, f := range msg.Files {
				for _, part := range f.From {
					inWhole[part] = !f.Destroyed
				}
			}
		}
	}
	for _, id := range m.Messages {
		msg, ok := talk.Message(id)
		if !ok || !msg.FromSource() && !msg.Joined {
			return nil, fmt.Errorf("make case: message: %w", fault.NotFound)
		}
		quotable := msg.quotable()
		msg = &quotable
		if m.Statement && msg.Text != "" {
			ref, n, err := batch.Put(strings.NewReader(msg.Text))
			if err != nil {
				return nil, fmt.Errorf("make case: %w", err)
			}
			list = append(list, Material{Path: path("statement.txt"), Size: n, Open: open(ref)})
		}
		for _, f := range msg.Files {
			if !f.Destroyed && !inWhole[f.Ref] {
				list = append(list, Material{Path: path(f.Name), Size: f.Size, Open: open(f.Ref)})
			}
		}
	}
	if len(list) == 0 {
		return nil, fault.Say("Choose at least one message with files, or take its text as a statement.", fmt.Errorf("make case: nothing chosen: %w", fault.Invalid))
	}
	if err := batch.Commit(); err != nil {
		return nil, fmt.Errorf("make case: %w", err)
	}
	return func(yield func(Material, error) bool) {
		for _, p := range list {
			if !yield(p, nil) {
				return
			}
		}
	}, nil
}

// fill runs an ingest into a case.
func (d *Desk) fill(ctx context.Context, id CaseID, run func(context.Context, corpus.CollectionID, ingest.Ledger) error) error {
	return d.change(ctx, id, nil, func(c Case) error {
		return run(ctx, c.Collection.ID, d.o.Stores.Documents.Ledger(c.Collection.ID))
	})
}

// change changes the documents of a case. They do not live in it, so the approvals
// are voided before, lest a crash leave them, and after, for what was approved in
// the middle. first, which may be nil, is done with the case itself.
func (d *Desk) change(ctx context.Context, id CaseID, first func(*Case), f func(Case) error) error {
	var c Case
	err := d.o.Stores.Cases.Update(ctx, id, func(now *Case) error {
		if first != nil {
			first(now)
		}
		now.Edited()
		c = *now
		return nil
	})
	if err != nil {
		return fmt.Errorf("case: %w", err)
	}
	failed := f(c)
	err = d.o.Stores.Cases.Update(context.WithoutCancel(ctx), id, func(c *Case) error { c.Edited(); return nil })
	if err != nil {
		return errors.Join(failed, fmt.Errorf("case: %w", err))
	}
	return failed
}

// Import makes or continues the case of a collection by its title, and runs an
// ingest into its ledger: what "daylight ingest --collection NAME" does.
func (d *Desk) Import(ctx context.Context, by EditorID, title string, run func(context.Context, corpus.CollectionID, ingest.Ledger) error) (CaseID, error) {
	if _, err := d.may(ctx, by, Editor, operator); err != nil {
		return "", err
	}
	fresh, err := NewCase(title)
	if err != nil {
		return "", err
	}
	d.making.RLock()
	defer d.making.RUnlock()
	c, err := d.o.Stores.Cases.Of(ctx, fresh.Collection.ID)
	if errors.Is(err, fault.NotFound) {
		c, err = fresh, d.addCase(ctx, by, fresh)
	}
	if err != nil {
		return "", fmt.Errorf("import: %w", err)
	}
	if err := d.note(ctx, by, "import", string(c.ID)); err != nil {
		return "", err
	}
	return c.ID, d.fill(ctx, c.ID, run)
}

// edit changes a case in one of the roles.
func (d *Desk) edit(ctx context.Context, by EditorID, id CaseID, act string, roles []Role, f func(*Case) error) error {
	if _, err := d.may(ctx, by, roles...); err != nil {
		return err
	}
	// The rule is tried before it is noted, so that the audit log tells of no act that
	// was refused; Update below holds it.
	try, err := d.o.Stores.Cases.Get(ctx, id)
	if err == nil {
		err = f(&try)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", act, err)
	}
	if err := d.note(ctx, by, act, string(id)); err != nil {
		return err
	}
	if err := d.o.Stores.Cases.Update(ctx, id, f); err != nil {
		return fmt.Errorf("%s: %w", act, err)
	}
	return nil
}

var editing = []Role{Editor, operator}

// SetCollection replaces the draft of the collection: title, description,
// provenance, first publication.
func (d *Desk) SetCollection(ctx context.Context, by EditorID, id CaseID, draft corpus.Collection) error {
	return d.edit(ctx, by, id, "edit collection", editing, func(c *Case) error { return c.SetCollection(draft) })
}

// SetAuthored replaces what the desk writes to go out with the case. Two editors
// approve it like everything else.
func (d *Desk) SetAuthored(ctx context.Context, by EditorID, id CaseID, a Authored) error {
	return d.edit(ctx, by, id, "edit authored", editing, func(c *Case) error { c.SetAuthored(a); return nil })
}

// Decide sets the evidence to the three questions and the harm record, in one act.
func (d *Desk) Decide(ctx context.Context, by EditorID, id CaseID, records map[Question]Evidence, h Harm) error {
	return d.edit(ctx, by, id, "record evidence", editing, func(c *Case) error { return c.Decide(records, h) })
}

// Except lets a form of what was taken out stand in one document.
func (d *Desk) Except(ctx context.Context, by EditorID, id CaseID, e Exception) error {
	e.By = by
	return d.edit(ctx, by, id, "make exception", []Role{Editor}, func(c *Case) error { return c.Except(e) })
}

// SetStatus parks, closes or opens a case.
func (d *Desk) SetStatus(ctx context.Context, by EditorID, id CaseID, s Status) error {
	if s != StatusOpen && s != StatusParked && s != StatusClosed {
		return fmt.Errorf("status %q: %w", s, fault.Invalid)
	}
	return d.edit(ctx, by, id, "set status", []Role{Editor}, func(c *Case) error { c.Status = s; return nil })
}
