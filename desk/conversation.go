package desk

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"daylight/blob"
	"daylight/courier"
	"daylight/envelope"
	"daylight/fault"
)

// ConversationID names a conversation at the desk: random, 16 bytes in hex.
type ConversationID string

// Conversation is a source and the handlers who write with them. There is no
// field for who the source is or why they act, and none may be added.
type Conversation struct {
	ID        ConversationID    `json:"id"`
	Pseudonym string            `json:"pseudonym"`         // two random words, for people to speak by
	Mailbox   courier.MailboxID `json:"mailbox,omitempty"` // where replies go; "" when the source left no way back
	ReplyKey  string            `json:"reply_key,omitempty"`
	Messages  []Message         `json:"messages"` // oldest first
	Writers   []EditorID        `json:"writers,omitempty"`
	Cases     []CaseID          `json:"cases,omitempty"` // made from it
	Waits     bool              `json:"waits,omitempty"` // the last word is the source's
	Aside     bool              `json:"aside,omitempty"` // put out of the way; it can be opened, and taken back
	With      EditorID          `json:"with,omitempty"`  // the handler who looks after it; "" is nobody
	Handovers []Handover        `json:"handovers,omitempty"`
}

// Message is one message of a conversation, in either direction.
type Message struct {
	ID    string   `json:"id"`  // random, 16 bytes in hex; of a reply also its name at intake
	Day   string   `json:"day"` // YYYY-MM-DD of arrival at intake, or of writing: nothing finer is kept
	By    EditorID `json:"by,omitempty"`
	Text  string   `json:"text,omitempty"`
	Files []File   `json:"files,omitempty"`
	Cut   bool     `json:"cut,omitempty"` // the upload broke off; this is what arrived
	New   bool     `json:"new,omitempty"` // from the source, and no handler has opened it yet

	Repeated bool `json:"repeated,omitempty"` // intake had the same on one day from several others
	Joined   bool `json:"joined,omitempty"`   // made here: its file is parts joined, by By

	// Channel is the one that the source chose; of a reply, that of what it answers. A
	// liar can name another than that whose key opened it: they choose who reads them.
	Channel string `json:"channel,omitempty"`

	// Conditions are what the source asked for with it.
	Conditions envelope.Conditions `json:"conditions,omitzero"`

	Sealed blob.Ref `json:"sealed,omitzero"` // of a reply that intake has not taken yet: its envelope
	Left   bool     `json:"left,omitempty"`  // intake has taken it, and Sealed is to be destroyed
}

// FromSource reports whether the source wrote it.
func (m Message) FromSource() bool { return m.By == "" }

// File is a file that came with a message.
type File struct {
	Name      string   `json:"name"`
	Size      int64    `json:"size"`
	Ref       blob.Ref `json:"ref"` // of what was destroyed: zero once the bytes are
	Cut       bool     `json:"cut,omitempty"`
	Words     bool     `json:"words,omitempty"`  // a message that is too long for Text
	Begins    string   `json:"begins,omitempty"` // of the first such file of a message: how it begins
	Destroyed bool     `json:"destroyed,omitempty"`
	Why       string   `json:"why,omitempty"` // it was destroyed, or is to be

	From []blob.Ref `json:"from,omitempty"` // of a file that was joined: its parts, which stay
}

func newID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// NewConversation begins one, under a fresh pseudonym.
func NewConversation() Conversation {
	return Conversation{ID: ConversationID(newID()), Pseudonym: pseudonym()}
}

// Channels are those that the source chose, in the order in which they did.
func (c Conversation) Channels() []string {
	var all []string
	for _, m := range c.Messages {
		if m.FromSource() && m.Channel != "" && !slices.Contains(all, m.Channel) {
			all = append(all, m.Channel)
		}
	}
	return all
}

// For is the conversation as a handler may see it: what the source wrote to their
// channels, and what was answered to it. false where that is nothing.
func (c Conversation) For(u User) (Conversation, bool) {
	all := len(c.Messages)
	c.Messages = slices.DeleteFunc(slices.Clone(c.Messages), func(m Message) bool { return !u.Reads(m.Channel) })
	if len(c.Messages) < all {
		c.Waits = c.waiting()
	}
	return c, all == 0 || len(c.Messages) > 0
}

// shown leaves out what tells of messages that this part of a conversation has not:
// which cases were made of it, who wrote in it, and what handlers told each other.
func (c Conversation) shown(whole Conversation) Conversation {
	if len(c.Messages) < len(whole.Messages) {
		c.Cases, c.Writers, c.With, c.Handovers = nil, nil, "", nil
	}
	return c
}

// waiting reports whether the last word in one of its channels is the source's.
func (c Conversation) waiting() bool {
	last := map[string]bool{}
	for _, m := range c.Messages {
		if !m.Joined {
			last[m.Channel] = m.FromSource()
		}
	}
	return slices.Contains(slices.Collect(maps.Values(last)), true)
}

// answering is the channel of the last thing that the source wrote.
func (c Conversation) answering() string {
	for _, m := range slices.Backward(c.Messages) {
		if m.FromSource() {
			return m.Channel
		}
	}
	return ""
}

// Receive adds what a source sent, in the order of days: what is large arrives in later
// rounds than what was sent after it. Somebody new of whom nothing came but what several
// others sent too is put aside, until something else comes or a handler looks.
func (c *Conversation) Receive(m Message) {
	c.Aside = m.Repeated && (len(c.Messages) == 0 || c.Aside)
	m.New = true
	at := len(c.Messages)
	for at > 0 && c.Messages[at-1].Day > m.Day {
		at--
	}
	c.Messages = slices.Insert(c.Messages, at, m)
	c.Waits = !c.Aside
}

// PutAside puts a conversation out of the way, or takes it back.
func (c *Conversation) PutAside(aside bool) {
	c.Aside, c.Waits = aside, false
	for _, m := range c.Messages {
		if !m.Joined {
			c.Waits = !aside && m.FromSource()
		}
	}
}

// Reply adds a handler's reply, sealed already. Whoever replies has written with
// the source.
func (c *Conversation) Reply(by EditorID, day, text string, files []File, id string, sealed blob.Ref) error {
	if c.Mailbox == "" || c.ReplyKey == "" {
		return fault.Say("This source left no way to answer.", fmt.Errorf("reply: no mailbox: %w", fault.Conflict))
	}
	if strings.TrimSpace(text) == "" && len(files) == 0 {
		return in(FieldText, fault.Say("The answer is empty. Nothing was sent.", fmt.Errorf("reply: empty: %w", fault.Invalid)))
	}
	c.Messages = append(c.Messages, Message{ID: id, Day: day, By: by, Text: text, Files: files, Sealed: sealed})
	c.Waits, c.Aside = false, false
	c.Wrote(by)
	return nil
}

// Wrote notes that somebody takes part in the conversation.
func (c *Conversation) Wrote(by EditorID) {
	if !slices.Contains(c.Writers, by) {
		c.Writers = append(c.Writers, by)
	}
}

// Message returns the message with an id.
func (c *Conversation) Message(id string) (*Message, bool) {
	i := slices.IndexFunc(c.Messages, func(m Message) bool { return m.ID == id })
	if i < 0 {
		return nil, false
	}
	return &c.Messages[i], true
}

// Last is the day of the last message, or "".
func (c Conversation) Last() string {
	if len(c.Messages) == 0 {
		return ""
	}
	return c.Messages[len(c.Messages)-1].Day
}

// words is how much text it has, in bytes.
func (c *Conversation) words() (n int) {
	for _, m := range c.Messages {
		n += len(m.Text)
	}
	return n
}

// holds reports whether a message has a file with these bytes, or is sealed in them.
func (c *Conversation) holds(ref blob.Ref) bool {
	return slices.ContainsFunc(c.Messages, func(m Message) bool {
		return m.Sealed == ref || slices.ContainsFunc(m.Files, func(f File) bool { return f.Ref == ref && !f.Destroyed })
	})
}

// kin are the other blobs that have bytes of this one: the file that was joined of
// it, or the parts that it was joined of.
func (c *Conversation) kin(ref blob.Ref) (refs []blob.Ref) {
	for _, m := range c.Messages {
		for _, f := range m.Files {
			switch {
			case f.Destroyed:
			case f.Ref == ref:
				refs = append(refs, f.From...)
			case slices.Contains(f.From, ref):
				refs = append(refs, f.Ref)
			}
		}
	}
	return refs
}

// destroyed notes that files with these bytes are gone. Their names go with them: they
// were part of what was sent. Which bytes they were stays until these are gone too.
func (m Message) destroyed(refs []blob.Ref, why string) {
	for i, f := range m.Files {
		if !f.Destroyed && slices.Contains(refs, f.Ref) {
			m.Files[i] = File{Name: "destroyed", Size: f.Size, Ref: f.Ref, Destroyed: true, Why: why}
		}
	}
}

// owed are the bytes of files that were destroyed, where these may be here still.
func (c *Conversation) owed() (refs []blob.Ref) {
	for _, m := range c.Messages {
		for _, f := range m.Files {
			if f.Destroyed && !f.Ref.IsZero() {
				refs = append(refs, f.Ref)
			}
		}
	}
	return refs
}

// settle notes that some of them are gone, or not for this conversation to destroy.
func (c *Conversation) settle(gone map[blob.Ref]bool) {
	for _, m := range c.Messages {
		for i, f := range m.Files {
			if f.Destroyed && gone[f.Ref] {
				m.Files[i].Ref = blob.Ref{}
			}
		}
	}
}
