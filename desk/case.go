package desk

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"daylight/corpus"
	"daylight/fault"
	"daylight/release"
)

// CaseID names a case: random, 16 bytes in hex.
type CaseID string

// Status says whether a case is worked on.
type Status string

const (
	StatusOpen   Status = "open"
	StatusParked Status = "parked"
	StatusClosed Status = "closed"
)

// Bar says why somebody cannot approve what a case releases. It tells that a
// person took part, never in which conversation.
type Bar string

const (
	BarWrote    Bar = "wrote"    // wrote with the source, or made the case of what the source sent
	BarRedacted Bar = "redacted" // took something out of a document
)

// Case is material under work: the draft of a collection, what was decided, and
// what is written to go out with it. Its documents are in the store of documents,
// under the id of the collection. A case does not know of which conversation it
// was made.
//
// Every method that changes what a release would say voids the approvals.
type Case struct {
	ID         CaseID            `json:"id"`
	Title      string            `json:"title"` // a working title; stays on the desk
	Status     Status            `json:"status"`
	Collection corpus.Collection `json:"collection"`
	Authored   Authored          `json:"authored"`
	Decision   Decision          `json:"decision"`
	Exceptions []Exception       `json:"exceptions,omitempty"`
	Conditions []Condition       `json:"conditions,omitempty"` // that sources asked for
	Barred     map[EditorID]Bar  `json:"barred,omitempty"`
	Gate       *GateReport       `json:"gate,omitempty"` // of the manifest that it names
	Edits      int               `json:"edits"`          // counts every change of what a release would say
	Releases   []int             `json:"releases,omitempty"`
	Destroying []Destruction     `json:"destroying,omitempty"` // begun, and not ended
}

// Destruction is of a document and all that is inside of it.
type Destruction struct {
	Of  corpus.DocumentID `json:"of"`
	By  EditorID          `json:"by"`
	Why string            `json:"why"`
}

// Authored is what the desk writes itself and signs into a release.
type Authored struct {
	Entities    []corpus.Entity      `json:"entities,omitempty"`
	Topics      []corpus.Topic       `json:"topics,omitempty"`
	Origins     []corpus.Origin      `json:"origins,omitempty"`
	Answers     []corpus.Answer      `json:"answers,omitempty"`
	Corrections []release.Correction `json:"corrections,omitempty"`
	Withdrawals []release.Withdrawal `json:"withdrawals,omitempty"`
	Keys        []release.Key        `json:"keys,omitempty"`
}

// Len is the number of entries.
func (a Authored) Len() int {
	return len(a.Entities) + len(a.Topics) + len(a.Origins) + len(a.Answers) +
		len(a.Corrections) + len(a.Withdrawals) + len(a.Keys)
}

// without is what is left of it when what went out is done: a thing that was written
// anew meanwhile is another thing, and stays.
func (a Authored) without(out Authored) Authored {
	return Authored{
		Entities: without(a.Entities, out.Entities), Topics: without(a.Topics, out.Topics),
		Origins: without(a.Origins, out.Origins), Answers: without(a.Answers, out.Answers),
		Corrections: without(a.Corrections, out.Corrections), Withdrawals: without(a.Withdrawals, out.Withdrawals),
		Keys: without(a.Keys, out.Keys),
	}
}

// without compares things as they are kept: nil and empty are the same there.
func without[T any](list, out []T) (left []T) {
	kept := func(thing T) string {
		b, err := json.Marshal(thing)
		if err != nil {
			panic(err) // strings, numbers and lists of them
		}
		return string(b)
	}
	gone := map[string]bool{}
	for _, thing := range out {
		gone[kept(thing)] = true
	}
	for _, thing := range list {
		if !gone[kept(thing)] {
			left = append(left, thing)
		}
	}
	return left
}

// Exception lets one form of what was taken out stand in one document: the name
// that is a victim's here may be a minister's there. It goes into the manifest, so
// two editors approve it.
type Exception struct {
	Document corpus.DocumentID `json:"document"`
	Form     string            `json:"form"`
	Reason   string            `json:"reason"`
	By       EditorID          `json:"by"`
}

// NewCase begins one with the draft of a collection of the same title.
func NewCase(title string) (Case, error) {
	title = strings.TrimSpace(title)
	id := Slug(title)
	if id == "" {
		return Case{}, in(FieldTitle, fault.Say("A case needs a title with at least one letter a-z or digit: its address is made of it.", fmt.Errorf("new case: %w", fault.Invalid)))
	}
	return Case{
		ID: CaseID(newID()), Title: title, Status: StatusOpen,
		Collection: corpus.Collection{ID: corpus.CollectionID(id), Title: title},
		Barred:     map[EditorID]Bar{},
	}, nil
}

// Edited voids the approvals. Whoever changes documents of the case, which live
// outside of it, calls it before.
func (c *Case) Edited() {
	c.Edits++
	c.Gate = nil
	c.Decision.void()
}

// SetCollection replaces the draft. The id is fixed from the beginning, because
// documents hang on it; the version is counted by releases.
func (c *Case) SetCollection(draft corpus.Collection) error {
	draft.ID, draft.Version = c.Collection.ID, c.Collection.Version
	if strings.TrimSpace(draft.Title) == "" {
		return in(FieldTitle, fault.Say("A collection needs a title.", fmt.Errorf("collection: %w", fault.Invalid)))
	}
	if err := cmp.Or(in(FieldFrom, checkDay(draft.From)), in(FieldTo, checkDay(draft.To))); err != nil {
		return err
	}
	if draft.Route != "" && !slices.Contains(Routes, draft.Route) {
		return fmt.Errorf("collection: route %q: %w", draft.Route, fault.Invalid)
	}
	if draft.First != nil {
		if strings.TrimSpace(draft.First.By) == "" {
			return in(FieldFirstBy, fault.Say("Say who published it first, or leave all fields of the first publication empty.", fmt.Errorf("first publication: %w", fault.Invalid)))
		}
		if err := in(FieldFirstDate, checkDay(draft.First.Date)); err != nil {
			return err
		}
	}
	if reflect.DeepEqual(c.Collection, draft) { // saving the same again is no edit
		return nil
	}
	c.Collection = draft
	c.Edited()
	return nil
}

// Routes are the ways in which material can have come.
var Routes = []corpus.Route{corpus.RouteSubmission, corpus.RoutePartner, corpus.RoutePublicRecord, corpus.RouteRepublication}

// SetAuthored replaces what goes out beside the documents.
func (c *Case) SetAuthored(a Authored) {
	c.Authored = a
	c.Edited()
}

// Decide sets what the editors wrote down: the evidence to the three questions, and
// the harm record. Saving the same again is no edit.
func (c *Case) Decide(records map[Question]Evidence, h Harm) error {
	if h.Intrusion < 0 || h.Intrusion > 4 || h.Interest < 0 || h.Interest > 4 {
		return fmt.Errorf("harm record: %w", fault.Invalid)
	}
	for q := range records {
		if !slices.Contains(Questions, q) {
			return fmt.Errorf("question %q: %w", q, fault.Invalid)
		}
	}
	if h == c.Decision.Harm && maps.Equal(records, c.Decision.Records) {
		return nil
	}
	c.Decision.Records, c.Decision.Harm = maps.Clone(records), h
	c.Edited()
	return nil
}

// Except lets a form stand in a document, with a reason.
func (c *Case) Except(e Exception) error {
	if strings.TrimSpace(e.Reason) == "" || strings.TrimSpace(e.Form) == "" || e.Document.IsZero() {
		return fault.Say("An exception needs the document, the form, and the reason in a sentence.", fmt.Errorf("exception: %w", fault.Invalid))
	}
	c.Exceptions = append(slices.Clone(c.Exceptions), e)
	c.Edited()
	return nil
}

// Bar keeps a person from approving, from now on and for what they approved
// before.
func (c *Case) Bar(id EditorID, why Bar) {
	if c.Barred[id] == BarWrote { // the graver of the two stays
		return
	}
	c.Barred = maps.Clone(c.Barred)
	if c.Barred == nil {
		c.Barred = map[EditorID]Bar{}
	}
	c.Barred[id] = why
	c.Decision.Opinions = slices.DeleteFunc(slices.Clone(c.Decision.Opinions), func(o Opinion) bool { return o.By == id })
}

// Approve records what an editor says of a manifest: see Decision.
func (c *Case) Approve(by User, asked bool, o Opinion) error {
	if c.Status != StatusOpen {
		return fault.Say("This case is "+string(c.Status)+". Open it first.", fmt.Errorf("approve: %w", fault.Conflict))
	}
	return c.Decision.approve(by, c.Barred[by.ID], asked, o)
}

// Lacks says what the draft of the collection lacks before documents of it can go
// out, each in a sentence.
func (c *Case) Lacks() []string {
	var lacks []string
	col := c.Collection
	for _, need := range []struct {
		have bool
		say  string
	}{
		{strings.TrimSpace(col.Title) != "", "The collection has no title."},
		{strings.TrimSpace(col.Summary) != "", "The collection has no summary of one or two sentences."},
		{col.Route != "", "The provenance does not say how the material was received."},
		{strings.TrimSpace(col.Hands) != "" || strings.TrimSpace(col.Unknown) != "", "The provenance says neither by what hands it came nor what of that is unknown."},
		{strings.TrimSpace(col.Checked) != "", "The collection does not say how it was checked."},
		{col.Route != corpus.RouteRepublication || col.First != nil, "A republication must say who published it first."},
	} {
		if !need.have {
			lacks = append(lacks, need.say)
		}
	}
	return lacks
}

// Slug makes an id of a title: its letters a to z and digits, with hyphens for
// everything between. Titles without any give "".
func Slug(title string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(title) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			b.WriteRune(r)
			gap = false
		} else {
			gap = true
		}
		if b.Len() >= 60 {
			break
		}
	}
	return strings.Trim(b.String(), "-")
}
