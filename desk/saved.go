package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"daylight/fault"
)

// SavedReply is a text that handlers keep, to put it into an answer. It is the
// newsroom's, and says nothing of any source.
type SavedReply struct {
	ID    string `json:"id"` // random, 16 bytes in hex
	Title string `json:"title"`
	Text  string `json:"text"`
}

// Limits of saved replies, in characters and in number.
const (
	MaxSavedTitle = 100
	MaxSavedText  = 20_000
	MaxSaved      = 200
)

// Check says what is wrong with it, or nil.
func (s SavedReply) Check() error {
	if n := utf8.RuneCountInString(s.Title); strings.TrimSpace(s.Title) == "" || n > MaxSavedTitle {
		return in(FieldTitle, fault.Say(fmt.Sprintf("A saved reply needs a title, of %d characters at most.", MaxSavedTitle), fmt.Errorf("saved reply: title: %w", fault.Invalid)))
	}
	if n := utf8.RuneCountInString(s.Text); strings.TrimSpace(s.Text) == "" || n > MaxSavedText {
		return in(FieldText, fault.Say(fmt.Sprintf("A saved reply needs a text, of %d characters at most.", MaxSavedText), fmt.Errorf("saved reply: text: %w", fault.Invalid)))
	}
	return nil
}

// SavedReplies lists them for a handler, by title.
func (d *Desk) SavedReplies(ctx context.Context, by EditorID) ([]SavedReply, error) {
	if _, err := d.may(ctx, by, Handler); err != nil {
		return nil, err
	}
	return d.o.Stores.Saved.All(ctx)
}

// SaveReply keeps a text, or replaces the one with its id; without an id it is a new one.
func (d *Desk) SaveReply(ctx context.Context, by EditorID, s SavedReply) error {
	all, err := d.SavedReplies(ctx, by)
	if err != nil {
		return err
	}
	if err := s.Check(); err != nil {
		return err
	}
	known := slices.ContainsFunc(all, func(old SavedReply) bool { return old.ID == s.ID })
	switch {
	case s.ID == "" && len(all) >= MaxSaved:
		return fault.Say("There are too many saved replies. Delete one first.", fmt.Errorf("save reply: %w", fault.Conflict))
	case s.ID == "":
		s.ID = newID()
	case !known:
		return fault.Say("Somebody has deleted this saved reply. Nothing was saved.", fmt.Errorf("save reply: %w", fault.NotFound))
	}
	if err := d.note(ctx, by, "save reply text", s.ID); err != nil {
		return err
	}
	return d.o.Stores.Saved.Put(ctx, s)
}

// DeleteSavedReply deletes one; that it is gone already is no error.
func (d *Desk) DeleteSavedReply(ctx context.Context, by EditorID, id string) error {
	all, err := d.SavedReplies(ctx, by)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(s SavedReply) bool { return s.ID == id }) { // nobody writes into the audit log what they like
		return nil
	}
	if err := d.note(ctx, by, "delete reply text", id); err != nil {
		return err
	}
	return d.o.Stores.Saved.Drop(ctx, id)
}
