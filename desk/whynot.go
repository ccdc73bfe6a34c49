package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"daylight/corpus"
)

// Readiness says where a case stands on its way out.
type Readiness struct {
	Manifest Manifest
	Asked    bool                       // the three questions must be answered
	Publish  int                        // documents, as received
	Redact   int                        // with parts taken out
	Listed   map[corpus.DocumentID]bool // planned to be published, and go out as a listing: they hold what is not
	Withhold int
	Pending  int
	Forms    int  // to take out
	Authored int  // entries
	Received int  // files that were handed in
	Inside   int  // with those inside of them
	Done     bool // it was released, and nothing waits

	Embargoes []Condition // that a source asked for, and that it must wait for

	Approve []EditorID // who approved this manifest
	Object  []EditorID // who said no to one of its questions
	WhyNot  []string   // why it cannot be released; empty when it can
}

// Redacted is how many the ledger will count so: also what is listed only, since no other
// state says that something is not there.
func (r Readiness) Redacted() int { return r.Redact + len(r.Listed) }

// Readiness answers "Why can't I release?", in plain words.
func (d *Desk) Readiness(ctx context.Context, by EditorID, id CaseID) (Readiness, error) {
	c, err := d.Case(ctx, by, id)
	if err != nil {
		return Readiness{}, err
	}
	p, err := d.planSoon(ctx, c)
	if err != nil {
		return Readiness{}, err
	}
	return d.ready(ctx, c, p)
}

// WhyNot is why a case cannot be released, each reason in a sentence; none when it
// can.
func (d *Desk) WhyNot(ctx context.Context, by EditorID, id CaseID) ([]string, error) {
	r, err := d.Readiness(ctx, by, id)
	return r.WhyNot, err
}

func (d *Desk) ready(ctx context.Context, c Case, p planned) (Readiness, error) {
	r := Readiness{Manifest: p.manifest, Asked: p.documents(), Publish: p.publish - len(p.listed), Redact: p.redact,
		Listed: p.listed, Withhold: p.withhold, Pending: p.pending, Forms: len(p.forms), Authored: c.Authored.Len()}
	l, err := d.o.Stores.Documents.Ledger(c.Collection.ID).Balance(ctx)
	if err != nil {
		return r, fmt.Errorf("ledger: %w", err)
	}
	r.Inside = int(l.Total().Received.Files)
	if len(l.Levels) > 0 {
		r.Received = int(l.Levels[0].Received.Files)
	}
	say := func(format string, args ...any) { r.WhyNot = append(r.WhyNot, fmt.Sprintf(format, args...)) }
	if c.Status != StatusOpen {
		say("The case is %s.", c.Status)
	}
	if p.publish+p.redact+p.withhold+r.Authored == 0 {
		if r.Done = len(c.Releases) > 0 && p.pending == 0; r.Done {
			say("It is released, and nothing waits.")
		} else {
			say("Nothing is chosen: choose what to publish, redact or withhold.")
		}
		return r, nil
	}
	if p.documents() || p.withhold > 0 {
		r.WhyNot = append(r.WhyNot, c.Lacks()...)
	}
	if p.documents() {
		r.WhyNot = append(r.WhyNot, c.Decision.Lacks()...)
	}
	r.WhyNot = append(r.WhyNot, c.Authored.lacks()...)
	if p.documents() || p.withhold > 0 || c.Authored.tells() {
		r.Embargoes = c.embargoes(day(d.o.Now()))
	}
	for _, one := range r.Embargoes {
		say("%s Wait, or write down under “Release” why not: two editors approve that too.", one.Words())
	}
	switch {
	case c.Gate == nil || c.Gate.Manifest != p.manifest:
		say("The gate has not searched this exact release yet.")
	case !c.Gate.Clean():
		say("%s", c.Gate.Words())
	}
	if err := l.Check(); err != nil {
		say("The ledger does not balance: something that was received is not accounted for.")
	}
	r.Approve, r.Object = c.Decision.approvers(p.manifest, c.Barred)
	if n := ApprovalsNeeded - len(r.Approve); n > 0 {
		may, err := d.mayStill(ctx, c, r, n)
		if err != nil {
			return r, err
		}
		say("%s must still approve exactly this: %s.", count(n, "editor", "editors"), may)
		if c.Decision.Voided > 0 {
			say("%s became void when something was changed afterwards.", count(c.Decision.Voided, "approval", "approvals"))
		}
	}
	if len(r.Object) > 0 {
		say("%s answered no. Talk, change the record, or let them answer again.", count(len(r.Object), "editor", "editors"))
	}
	return r, nil
}

// mayStill names the editors who can approve what waits, for the desk's own pages.
func (d *Desk) mayStill(ctx context.Context, c Case, r Readiness, n int) (string, error) {
	all, err := d.o.Stores.Users.All(ctx)
	if err != nil {
		return "", fmt.Errorf("read accounts: %w", err)
	}
	var names []string
	for _, u := range all {
		if mayApprove(u, c.Barred[u.ID]) == nil && !slices.Contains(r.Approve, u.ID) {
			names = append(names, u.Name)
		}
	}
	switch {
	case len(names) == 0:
		return "nobody here may, so an administrator has to add one", nil
	case len(names) < n:
		return "only " + strings.Join(names, " and ") + " may, so an administrator has to add another", nil
	case len(names) == n:
		return strings.Join(names, " and "), nil
	}
	return strings.Join(names, " or "), nil
}

// bars reads a case, and bars in this copy whoever wrote in a conversation that it
// was made of. The case should know of them, and of what the source asked for; they
// are looked up again where it counts, because a release cannot be taken back.
func (d *Desk) bars(ctx context.Context, id CaseID) (Case, error) {
	c, err := d.o.Stores.Cases.Get(ctx, id)
	if err != nil {
		return c, err
	}
	all, err := d.o.Stores.Conversations.Of(ctx, id)
	if err != nil {
		return c, fmt.Errorf("read conversations: %w", err)
	}
	var writers []EditorID
	for _, talk := range all {
		writers = append(writers, talk.Writers...)
		asks := talk.Asks()
		if try := c; try.Ask(day(d.o.Now()), asks) { // this changes what is approved, so it is kept
			if err := d.tell(ctx, id, asks); err != nil {
				return c, err
			}
			if c, err = d.o.Stores.Cases.Get(ctx, id); err != nil {
				return c, err
			}
		}
	}
	for _, w := range writers {
		c.Bar(w, BarWrote)
	}
	return c, nil
}

// lacks says what is wrong with what the desk wrote, each in a sentence.
func (a Authored) lacks() []string {
	var lacks []string
	slug := func(kind, id string) {
		if err := corpus.CheckSlug(id); err != nil {
			lacks = append(lacks, fmt.Sprintf("A %s has a name that cannot stand in an address: use letters a-z, digits and single hyphens.", kind))
		}
	}
	for _, e := range a.Entities {
		slug("person or body", string(e.ID))
		if e.Title == "" || len(e.Names) == 0 {
			lacks = append(lacks, "A person or body needs a title and at least one name.")
		}
	}
	for _, t := range a.Topics {
		slug("topic", string(t.ID))
		if t.Title == "" || t.Query == "" {
			lacks = append(lacks, "A topic needs a title and a query.")
		}
	}
	for _, o := range a.Origins {
		slug("origin", string(o.ID))
		if o.Title == "" {
			lacks = append(lacks, "An origin needs a title.")
		}
	}
	for _, x := range a.Answers {
		slug("question", string(x.ID))
		if x.Question == "" || len(x.Claims) == 0 {
			lacks = append(lacks, "A published answer needs its question and at least one claim.")
		}
	}
	slices.Sort(lacks)
	return slices.Compact(lacks)
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
