package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"daylight/fault"
)

// Handover says that a conversation went from one handler to another, and with which
// words. Handlers see it, and nobody else.
type Handover struct {
	By   EditorID `json:"by"`
	To   EditorID `json:"to,omitempty"` // "" is nobody: whoever comes first
	Day  string   `json:"day"`
	Note string   `json:"note,omitempty"`
	New  bool     `json:"new,omitempty"` // whom it went to has not opened the conversation since
}

// MaxNote is how long the note of a handover may be, in characters.
const MaxNote = 2000

// HandOver gives the conversation to a handler, or to nobody.
func (c *Conversation) HandOver(h Handover) error {
	if h.To == c.With {
		return fault.Say("Who looks after it would stay the same: choose another. Nothing was changed.", fmt.Errorf("hand over: %w", fault.Conflict))
	}
	if utf8.RuneCountInString(h.Note) > MaxNote {
		return in(FieldNote, fault.Say(fmt.Sprintf("The note is too long: %d characters are the most.", MaxNote), fmt.Errorf("hand over: note: %w", fault.Invalid)))
	}
	h.New = h.To != "" && h.To != h.By
	c.With = h.To
	c.Handovers = append(c.Handovers, h)
	return nil
}

// New is how many messages of the source no handler has opened yet.
func (c Conversation) New() int {
	n := 0
	for _, m := range c.Messages {
		if m.New {
			n++
		}
	}
	return n
}

// Handed is the handover by which somebody got the conversation, until they open it.
func (c Conversation) Handed(to EditorID) *Handover {
	if n := len(c.Handovers); n > 0 && c.Handovers[n-1].New && c.Handovers[n-1].To == to {
		return &c.Handovers[n-1]
	}
	return nil
}

// Queued reports whether it is for a handler to look at: it waits for an answer, has
// something that nobody has opened, or was handed to them; and nobody else looks after it.
func (c Conversation) Queued(by EditorID) bool {
	if c.Aside || c.With != "" && c.With != by {
		return false
	}
	return c.Waits || c.New() > 0 || c.Handed(by) != nil
}

// Opened notes that a handler has opened what they may see of it, and reports whether
// that was news.
func (c *Conversation) Opened(by EditorID, seen Conversation) (news bool) {
	for i, m := range c.Messages {
		if _, ok := seen.Message(m.ID); ok && m.New {
			c.Messages[i].New, news = false, true
		}
	}
	if h := c.Handed(by); h != nil {
		h.New, news = false, true
	}
	return news
}

// opened keeps what Opened says, where it is news.
func (d *Desk) opened(ctx context.Context, by EditorID, seen Conversation) error {
	try := seen
	try.Messages, try.Handovers = slices.Clone(seen.Messages), slices.Clone(seen.Handovers)
	if !try.Opened(by, seen) {
		return nil
	}
	return d.o.Stores.Conversations.Update(ctx, seen.ID, func(c *Conversation) error { c.Opened(by, seen); return nil })
}

// Handlers are those who can look after a conversation: they may see all of it.
func (d *Desk) Handlers(ctx context.Context, by EditorID, id ConversationID) ([]User, error) {
	seen, err := d.talk(ctx, by, id)
	if err != nil {
		return nil, err
	}
	whole, err := d.o.Stores.Conversations.Get(ctx, id)
	if err != nil || len(seen.Messages) < len(whole.Messages) {
		return nil, err
	}
	all, err := d.o.Stores.Users.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	return slices.DeleteFunc(all, func(u User) bool { return !whole.lookedAfter(u) }), nil
}

// lookedAfter reports whether somebody can look after the conversation.
func (c Conversation) lookedAfter(by User) bool {
	seen, ok := c.For(by)
	return by.Is(Handler) && ok && len(seen.Messages) == len(c.Messages)
}

// HandOverTalk gives a conversation to another handler, to oneself or to nobody, with a
// note. Like putting it aside, it is for who may see all of it, and so is getting it.
func (d *Desk) HandOverTalk(ctx context.Context, by EditorID, id ConversationID, to EditorID, words string) error {
	seen, err := d.talk(ctx, by, id)
	if err != nil {
		return err
	}
	may, err := d.Handlers(ctx, by, id)
	if err != nil {
		return err
	}
	if len(may) == 0 { // they see a part, and not who looks after it
		return errNotAll("hand over")
	}
	if to != "" && !slices.ContainsFunc(may, func(u User) bool { return u.ID == to }) {
		return fault.Say("Choose a handler who may read all of this conversation. Nothing was changed.", fmt.Errorf("hand over: %w", fault.Conflict))
	}
	h := Handover{By: by, To: to, Day: day(d.o.Now()), Note: strings.TrimSpace(words)}
	try := seen
	try.Handovers = slices.Clone(seen.Handovers)
	if err := try.HandOver(h); err != nil {
		return err
	}
	act := talkAct + "hand over to nobody"
	if to != "" {
		act = talkAct + "hand over to " + string(to)
	}
	if err := d.note(ctx, by, act, string(id)); err != nil {
		return err
	}
	return d.o.Stores.Conversations.Update(ctx, id, func(c *Conversation) error {
		if len(seen.Messages) < len(c.Messages) {
			return errNotAll("hand over")
		}
		return c.HandOver(h)
	})
}

// errNotAll refuses what is only for who sees all of a conversation.
func errNotAll(act string) error {
	return fault.Say("Something has just arrived, or only a handler of all teams can do this. Nothing was changed.", fmt.Errorf("%s: %w", act, fault.Conflict))
}
