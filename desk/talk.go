package desk

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"daylight/blob"
	"daylight/envelope"
	"daylight/fault"
)

// MaxReply is the size of a reply with its files, in bytes, before it is padded
// and sealed. Sources read replies in a browser that keeps them in memory.
const MaxReply = 25_000_000

// Conversations lists them for a handler: those with something new first, then those
// that wait for an answer, then by the day of the last message, the newest first; then
// those that were put aside, in the same order.
func (d *Desk) Conversations(ctx context.Context, by EditorID) ([]Conversation, error) {
	u, err := d.may(ctx, by, Handler)
	if err != nil {
		return nil, err
	}
	whole, err := d.o.Stores.Conversations.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read conversations: %w", err)
	}
	people, err := d.o.Stores.Users.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	var all []Conversation
	for _, c := range whole {
		if seen, ok := c.For(u); ok {
			all = append(all, seen.shown(c).with(people, c))
		}
	}
	first := func(a, b bool) int { // what is so comes before what is not
		switch {
		case a == b:
			return 0
		case a:
			return -1
		}
		return 1
	}
	slices.SortStableFunc(all, func(a, b Conversation) int {
		return cmp.Or(first(!a.Aside, !b.Aside), first(a.New() > 0, b.New() > 0), first(a.Waits, b.Waits),
			strings.Compare(b.Last(), a.Last()), strings.Compare(string(a.ID), string(b.ID)))
	})
	return all, nil
}

// with says that nobody looks after a conversation whose handler no longer can: they
// left, or something came that is for others.
func (c Conversation) with(people []User, whole Conversation) Conversation {
	if c.With != "" && !slices.ContainsFunc(people, func(u User) bool { return u.ID == c.With && whole.lookedAfter(u) }) {
		c.With = ""
	}
	return c
}

// talk is a conversation as a handler may see it.
func (d *Desk) talk(ctx context.Context, by EditorID, id ConversationID) (Conversation, error) {
	u, err := d.may(ctx, by, Handler)
	if err != nil {
		return Conversation{}, err
	}
	whole, err := d.o.Stores.Conversations.Get(ctx, id)
	if err != nil {
		return Conversation{}, fmt.Errorf("conversation: %w", err)
	}
	c, ok := whole.For(u)
	if !ok {
		return Conversation{}, fmt.Errorf("conversation of other channels: %w", fault.NotFound)
	}
	return c, nil
}

// Conversation opens one for a handler.
func (d *Desk) Conversation(ctx context.Context, by EditorID, id ConversationID) (Conversation, error) {
	c, err := d.talk(ctx, by, id)
	if err != nil {
		return c, err
	}
	whole, err := d.o.Stores.Conversations.Get(ctx, id)
	if err != nil {
		return c, fmt.Errorf("conversation: %w", err)
	}
	people, err := d.o.Stores.Users.All(ctx)
	if err != nil {
		return c, fmt.Errorf("read accounts: %w", err)
	}
	if err := d.note(ctx, by, talkAct+"open", string(id)); err != nil {
		return c, err
	}
	return c.shown(whole).with(people, whole), d.opened(ctx, by, c)
}

// PutAside puts a conversation out of the way, or takes it back.
func (d *Desk) PutAside(ctx context.Context, by EditorID, id ConversationID, aside bool) error {
	seen, err := d.talk(ctx, by, id)
	if err != nil {
		return err
	}
	act := "take back"
	if aside {
		act = "put aside"
	}
	if err := d.note(ctx, by, talkAct+act, string(id)); err != nil {
		return err
	}
	return d.o.Stores.Conversations.Update(ctx, id, func(c *Conversation) error {
		if len(seen.Messages) < len(c.Messages) {
			return errNotAll("put aside")
		}
		c.PutAside(aside)
		return nil
	})
}

// talkAct begins the acts of the audit log that only handlers read.
const talkAct = "conversation: "

// Attachment is a file that goes out with a reply.
type Attachment struct {
	Name string
	Body io.Reader
}

// Reply seals an answer to the source's key. The next round of Fetch leaves it at
// intake. Whoever replies cannot approve what is made of the conversation.
func (d *Desk) Reply(ctx context.Context, by EditorID, id ConversationID, text string, files []Attachment) error {
	u, err := d.may(ctx, by, Handler)
	if err != nil {
		return err
	}
	c, err := d.talk(ctx, by, id)
	if err != nil {
		return err
	}
	channel := c.answering()
	// The rule is tried before anything is kept; Update below holds it.
	try := c
	if err := try.Reply(by, "", text, make([]File, len(files)), "", blob.Ref{}); err != nil {
		return err
	}
	if err := d.note(ctx, by, talkAct+"reply", string(id)); err != nil {
		return err
	}
	// The bar first: a crash in between bars somebody who did not write, which harms
	// nobody.
	for _, of := range c.Cases {
		if err := d.o.Stores.Cases.Update(ctx, of, func(c *Case) error { c.Bar(by, BarWrote); return nil }); err != nil {
			return fmt.Errorf("reply: %w", err)
		}
	}
	batch, err := d.o.Blobs.Begin(ctx)
	if err != nil {
		return fmt.Errorf("reply: %w", err)
	}
	defer batch.Abort()
	sealed, kept, err := d.seal(batch, c, text, files)
	if err != nil {
		return fmt.Errorf("reply: %w", err)
	}
	d.keeping.RLock()
	done := sync.OnceFunc(d.keeping.RUnlock)
	defer done()
	if err := batch.Commit(); err != nil {
		return fmt.Errorf("reply: %w", err)
	}
	err = d.o.Stores.Conversations.Update(ctx, id, func(c *Conversation) error {
		if err := c.Reply(by, day(d.o.Now()), text, kept, newID(), sealed); err != nil {
			return err
		}
		c.Messages[len(c.Messages)-1].Channel = channel
		if seen, _ := c.For(u); len(seen.Messages) < len(c.Messages) {
			c.Waits = c.waiting() // what others have to answer is not answered
		}
		return nil
	})
	if err != nil {
		refs := []blob.Ref{sealed}
		for _, f := range kept {
			refs = append(refs, f.Ref)
		}
		done()
		return fmt.Errorf("reply: %w", errors.Join(err, d.drop(ctx, refs)))
	}
	return d.barAgain(ctx, by, id)
}

// barAgain bars a writer from cases that were made of the conversation while the
// reply was under way.
func (d *Desk) barAgain(ctx context.Context, by EditorID, id ConversationID) error {
	c, err := d.o.Stores.Conversations.Get(ctx, id)
	if err != nil {
		return fmt.Errorf("reply: %w", err)
	}
	for _, of := range c.Cases {
		if err := d.o.Stores.Cases.Update(ctx, of, func(c *Case) error { c.Bar(by, BarWrote); return nil }); err != nil {
			return fmt.Errorf("reply: %w", err)
		}
	}
	return nil
}

// seal makes the envelope of a reply, and puts it and its files into a batch.
func (d *Desk) seal(batch blob.Batch, c Conversation, text string, files []Attachment) (blob.Ref, []File, error) {
	var sealed bytes.Buffer
	s, err := envelope.SealReply(&sealed, envelope.Head{Kind: envelope.Reply, Time: d.o.Now().UTC()},
		envelope.Address{Mailbox: string(c.Mailbox), Key: c.ReplyKey})
	if err != nil {
		return blob.Ref{}, nil, err
	}
	if _, err := s.Text(strings.NewReader(text)); err != nil {
		return blob.Ref{}, nil, err
	}
	var kept []File
	room := int64(MaxReply - len(text))
	for i, f := range files {
		name := fileName(f.Name, i+1)
		var b bytes.Buffer
		n, err := io.Copy(&b, io.LimitReader(f.Body, room+1))
		if err != nil {
			return blob.Ref{}, nil, err
		}
		if room -= n; room < 0 {
			return blob.Ref{}, nil, fault.Say("The files are too large for an answer: 25 MB in all. Nothing was sent.", fault.TooLarge)
		}
		if _, err := s.File(name, bytes.NewReader(b.Bytes())); err != nil {
			return blob.Ref{}, nil, err
		}
		ref, n, err := batch.Put(&b)
		if err != nil {
			return blob.Ref{}, nil, err
		}
		kept = append(kept, File{Name: name, Size: n, Ref: ref})
	}
	if err := s.Close(); err != nil {
		return blob.Ref{}, nil, err
	}
	ref, _, err := batch.Put(&sealed)
	return ref, kept, err
}

// OpenFile opens a file of a message for a handler. index counts from 0.
func (d *Desk) OpenFile(ctx context.Context, by EditorID, id ConversationID, message string, index int) (File, blob.Reader, error) {
	f, err := d.file(ctx, by, id, message, index)
	if err == nil && f.Destroyed {
		err = errDestroyed
	}
	if err != nil {
		return File{}, nil, err
	}
	if err := d.note(ctx, by, talkAct+"open file", string(id)); err != nil {
		return File{}, nil, err
	}
	r, err := d.o.Blobs.Open(ctx, f.Ref)
	if err != nil {
		return File{}, nil, fmt.Errorf("open file: %w", err)
	}
	return f, r, nil
}

// NextFile is the file of a message that comes after one; its index is 0 where there is
// none. No message is opened by it.
func (d *Desk) NextFile(ctx context.Context, by EditorID, id ConversationID, message string, index int) (next int, f File, err error) {
	c, err := d.talk(ctx, by, id)
	if err != nil {
		return 0, File{}, err
	}
	if m, ok := c.Message(message); ok {
		for i, f := range m.Files {
			if i > index && !f.Destroyed {
				return i, f, nil
			}
		}
	}
	return 0, File{}, nil
}

func (d *Desk) file(ctx context.Context, by EditorID, id ConversationID, message string, index int) (File, error) {
	c, err := d.talk(ctx, by, id)
	if err != nil {
		return File{}, err
	}
	m, ok := c.Message(message)
	if !ok || index < 0 || index >= len(m.Files) {
		return File{}, fmt.Errorf("file of a conversation: %w", fault.NotFound)
	}
	return m.Files[index], nil
}

var errDestroyed = fault.Say("This file was destroyed.", fmt.Errorf("file of a conversation: %w", fault.Gone))

// DestroyFile destroys a file of a message, unseen where the handler has not looked, and
// wherever else they read it in the conversation; what others sent stays. A file that a
// case has taken in must be destroyed there. Where it came to no end, it can be repeated;
// Open and the rounds end it too.
func (d *Desk) DestroyFile(ctx context.Context, by EditorID, id ConversationID, message string, index int, why string) error {
	u, err := d.may(ctx, by, Handler)
	if err != nil {
		return err
	}
	if strings.TrimSpace(why) == "" {
		return in(FieldWhy, fault.Say("Say in a sentence why this is destroyed.", fmt.Errorf("destroy file: %w", fault.Invalid)))
	}
	done, err := d.destroying()
	if err != nil {
		return err
	}
	defer done()
	f, err := d.file(ctx, by, id, message, index)
	if err == nil && f.Destroyed && f.Ref.IsZero() {
		err = errDestroyed
	}
	if err != nil {
		return err
	}
	if used, err := d.o.Stores.Documents.Needs(ctx, f.Ref); err != nil || used {
		return errors.Join(err, fault.Say("A case has taken this file in. Destroy it there.", fmt.Errorf("destroy file: %w", fault.Conflict)))
	}
	c, err := d.o.Stores.Conversations.Get(ctx, id)
	if err != nil {
		return fmt.Errorf("destroy file: %w", err)
	}
	for _, ref := range c.kin(f.Ref) {
		if used, err := d.o.Stores.Documents.Needs(ctx, ref); err != nil || used {
			return errors.Join(err, fault.Say("A case has taken in a file that has these bytes: one that was joined of this, or a part of it. Destroy it there first.", fmt.Errorf("destroy file: %w", fault.Conflict)))
		}
	}
	if err := d.note(ctx, by, talkAct+"destroy file", string(id)); err != nil {
		return err
	}
	theirs := func(talk Conversation, m Message) bool { return talk.ID == id && u.Reads(m.Channel) }
	return d.forget(ctx, []blob.Ref{f.Ref}, nil, theirs, why)
}
