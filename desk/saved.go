package desk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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

// Mark tells one state of it from another. A form carries the mark of what it shows, so
// that nobody overwrites what they have not seen.
func (s SavedReply) Mark() string {
	sum := sha256.Sum256([]byte(s.Title + "\x00" + s.Text))
	return hex.EncodeToString(sum[:16])
}

// SavedReplies lists them for a handler, by title.
func (d *Desk) SavedReplies(ctx context.Context, by EditorID) ([]SavedReply, error) {
	if _, err := d.may(ctx, by, Handler); err != nil {
		return nil, err
	}
	return d.o.Stores.Saved.All(ctx)
}

// SaveReply keeps a text, or replaces the one with its id if that still has the mark that
// was shown; without an id it is a new one.
func (d *Desk) SaveReply(ctx context.Context, by EditorID, s SavedReply, shown string) error {
	d.saving.Lock()
	defer d.saving.Unlock()
	all, err := d.SavedReplies(ctx, by)
	if err != nil {
		return err
	}
	if err := s.Check(); err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(old SavedReply) bool { return old.ID == s.ID })
	switch {
	case s.ID == "" && len(all) >= MaxSaved:
		return fault.Say("There are too many saved replies. Delete one first.", fmt.Errorf("save reply: %w", fault.Conflict))
	case s.ID == "":
		s.ID = newID()
	case i < 0:
		return fault.Say("Somebody has deleted this saved reply. Nothing was saved.", fmt.Errorf("save reply: %w", fault.NotFound))
	case all[i].Mark() != shown:
		return fault.Say("Somebody has changed this saved reply since you opened this page. Nothing was saved.", fmt.Errorf("save reply: %w", fault.Conflict))
	}
	if err := d.note(ctx, by, "save reply text", s.ID); err != nil {
		return err
	}
	return d.o.Stores.Saved.Put(ctx, s)
}

// DeleteSavedReply deletes one, if it still has the mark that was shown; that it is gone
// already is no error.
func (d *Desk) DeleteSavedReply(ctx context.Context, by EditorID, id, shown string) error {
	d.saving.Lock()
	defer d.saving.Unlock()
	all, err := d.SavedReplies(ctx, by)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(s SavedReply) bool { return s.ID == id })
	if i < 0 { // nobody writes into the audit log what they like
		return nil
	}
	if all[i].Mark() != shown {
		return fault.Say("Somebody has changed this saved reply since you opened this page. Nothing was deleted.", fmt.Errorf("delete saved reply: %w", fault.Conflict))
	}
	if err := d.note(ctx, by, "delete reply text", id); err != nil {
		return err
	}
	return d.o.Stores.Saved.Drop(ctx, id)
}
