package desk

import (
	"fmt"
	"slices"
	"strings"

	"daylight/blob"
	"daylight/corpus"
	"daylight/fault"
)

// Act is what is to become of a document with the next release.
type Act string

const (
	Undecided Act = ""
	Publish   Act = "publish"
	Redact    Act = "redact"
	Withhold  Act = "withhold"
)

// Acts are what can be chosen.
var Acts = []Act{Publish, Redact, Withhold}

// Disposition is a decision about one document, made by one person.
type Disposition struct {
	Act    Act           `json:"act"`
	Reason corpus.Reason `json:"reason,omitempty"` // of Withhold; one of corpus.Reasons, and nothing else
	Note   string        `json:"note,omitempty"`   // why, in the editors' words; stays on the desk
	Forms  []string      `json:"forms,omitempty"`  // of Redact: each form of what is taken out
	Public string        `json:"public,omitempty"` // of Redact: what kind of thing that was, for the public record
	By     EditorID      `json:"by,omitempty"`
}

// Check says what is wrong with it, or nil.
func (d Disposition) Check() error {
	bad := func(f Field, words string) error {
		return in(f, fault.Say(words, fmt.Errorf("disposition %q: %w", d.Act, fault.Invalid)))
	}
	switch {
	case d.Act != Undecided && !slices.Contains(Acts, d.Act):
		return bad("", "This cannot be chosen.")
	case d.Act == Withhold && !d.Reason.Valid():
		return bad(FieldReason, "Holding a document back needs one of the five reasons: "+reasonWords()+". Nothing else can be chosen.")
	case d.Act == Withhold && strings.TrimSpace(d.Note) == "":
		return bad(FieldNote, "Say in a sentence why this document is held back.")
	case d.Act != Withhold && d.Reason != "":
		return bad(FieldReason, "A reason belongs to a document that is held back.")
	case d.Act == Redact && len(d.Forms) == 0:
		return bad(FieldForms, "List at least one form of what is to be taken out.")
	case d.Act != Redact && len(d.Forms) > 0:
		return bad(FieldForms, "Forms to take out belong to a redaction.")
	case d.Act != Redact && d.Public != "":
		return bad("", "What was taken out belongs to a redaction.")
	}
	for _, f := range d.Forms {
		// A form of one letter would black out a text and find itself everywhere.
		if len([]rune(strings.TrimSpace(f))) < 2 {
			return bad(FieldForms, "A form to take out needs at least two characters.")
		}
	}
	return nil
}

// Role is the role that may choose it.
func (d Disposition) Role() Role {
	if d.Act == Redact {
		return Redactor
	}
	return Editor
}

func reasonWords() string {
	var s []string
	for _, r := range corpus.Reasons {
		s = append(s, string(r))
	}
	return strings.Join(s, ", ")
}

// Item is one received item of a collection, at any level of nesting.
type Item struct {
	Path   string
	Level  int
	Size   int64
	Hash   blob.Ref
	State  corpus.State
	Reason corpus.Reason // of a withheld document

	Document *corpus.Document  // nil for a duplicate
	Of       corpus.DocumentID // of a duplicate: the document with the same bytes
	Holder   string            // the path of the item that it was found in; "" at level 0
	Holds    bool              // something was found in it

	Plan Disposition // for the next release
}

// ID is the document's id, or zero for a duplicate.
func (i *Item) ID() corpus.DocumentID {
	if i.Document == nil {
		return corpus.DocumentID{}
	}
	return i.Document.ID
}

// Dispose sets what is to become of the document. What is public cannot be planned
// again: only a withdrawal takes it back.
func (i *Item) Dispose(d Disposition) error {
	if err := d.Check(); err != nil {
		return err
	}
	refuse := func(words string) error {
		return fault.Say(words, fmt.Errorf("dispose of an item that is %s: %w", i.State, fault.Conflict))
	}
	switch i.State {
	case corpus.Pending, corpus.Withheld:
		i.Plan = d
		return nil
	case corpus.Published, corpus.Redacted:
		return refuse("This document is public already. It can only be withdrawn.")
	case corpus.Duplicate:
		return refuse("The same bytes are another document of this collection: decide there.")
	case corpus.Quarantined:
		return refuse("This document could not be read at all, so nobody can decide to publish it.")
	}
	return refuse("This document was destroyed.")
}

// Destroy notes that the bytes were destroyed without anybody having looked. What
// remains is a line in the ledger: that there was something, and its size.
func (i *Item) Destroy(by EditorID, why string) error {
	if strings.TrimSpace(why) == "" {
		return in(FieldWhy, fault.Say("Say in a sentence why this is destroyed unseen.", fmt.Errorf("destroy: no reason: %w", fault.Invalid)))
	}
	switch i.State {
	case corpus.Published, corpus.Redacted:
		return fault.Say("This document is public. It can only be withdrawn.", fmt.Errorf("destroy: %w", fault.Conflict))
	case corpus.Duplicate:
		return fault.Say("The same bytes are another document of this collection: destroy that one.", fmt.Errorf("destroy: %w", fault.Conflict))
	}
	i.State, i.Reason = corpus.Destroyed, ""
	i.Plan = Disposition{Note: why, By: by}
	if d := i.Document; d != nil {
		i.Document = &corpus.Document{ID: d.ID, Collection: d.Collection, Parent: d.Parent, Size: d.Size,
			Title: "Destroyed unseen", Type: "application/octet-stream"}
	}
	return nil
}

// Released gives the document the state that its plan has led to. whole says that
// its bytes went out as they were received.
func (i *Item) Released(whole bool) {
	if i.State != corpus.Pending && i.State != corpus.Withheld {
		return
	}
	i.Reason = ""
	switch {
	case i.Plan.Act == Publish && whole:
		i.State = corpus.Published
	case i.Plan.Act == Publish, i.Plan.Act == Redact:
		i.State = corpus.Redacted
	case i.Plan.Act == Withhold:
		i.State, i.Reason = corpus.Withheld, i.Plan.Reason
	case i.Plan.Act == Undecided:
		i.State = corpus.Pending
	}
}

// Settle gives the document the state that its release had for it. What is public by
// another one, or was destroyed meanwhile, stays so.
func (i *Item) Settle(o Outcome) {
	if i.State == corpus.Pending || i.State == corpus.Withheld {
		i.State, i.Reason = o.State, o.Reason
	}
}
