package desk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"daylight/fault"
)

// Condition is something that a source asked for, as the case that was made of their
// material knows it: the wish, and nothing of the conversation.
//
// A release before the day of an embargo is refused, until an editor has written down
// why it need not wait. That goes into the manifest, like an exception, so two editors
// approve it with all else; it stays on the desk, for we do not comment on sources. A
// hold of a document would be the wrong word: its reasons are about the material, and
// nothing else can be chosen there. And a day that nobody may ever pass over would let
// whoever sends a thing first keep it from the public.
type Condition struct {
	Kind ConditionKind `json:"kind"`
	Day  string        `json:"day,omitempty"` // of an embargo: YYYY-MM-DD; "" where it is in words that only handlers read
	Of   string        `json:"of,omitempty"`  // of an embargo: tells one wish from another, and nothing else
	Why  string        `json:"why,omitempty"` // a release need not wait for it
	By   EditorID      `json:"by,omitempty"`  // who wrote that down
}

// ConditionKind is what is asked.
type ConditionKind string

const (
	Embargo  ConditionKind = "embargo"   // publish nothing before a day
	NoQuotes ConditionKind = "no quotes" // what the source wrote is for the newsroom only
)

// Words say it in a sentence.
func (c Condition) Words() string {
	switch {
	case c.Kind == NoQuotes:
		return "The source asked not to be quoted: what they wrote is for the newsroom only."
	case c.Day == "":
		return "The source asked to wait for a time that is given in words: handlers know them."
	}
	return "The source asked that nothing of it is published before " + c.Day + "."
}

// holds reports whether a release of this day must wait for it. A time in words holds
// until somebody has read them.
func (c Condition) holds(today string) bool {
	return c.Kind == Embargo && c.Why == "" && (c.Day == "" || today < c.Day)
}

// Asks are the conditions of all that the source wrote, each once.
func (c Conversation) Asks() []Condition {
	var all []Condition
	days, unquoted := map[string]bool{}, false
	for _, m := range c.Messages {
		if before := m.Conditions.Before; before != "" && !days[before] {
			days[before] = true
			e := Condition{Kind: Embargo, Of: wish(m)}
			if _, err := time.Parse(time.DateOnly, before); err == nil {
				e.Day = before
			}
			all = append(all, e)
		}
		if m.Conditions.Unquoted && !unquoted {
			unquoted = true
			all = append(all, Condition{Kind: NoQuotes})
		}
	}
	return all
}

// wish names what a message asks for, so that a reason why one need not be waited for
// does not count for another, of other words or another source. The id of the message is
// random: who sees the name does not find the message by it, nor the words.
func wish(m Message) string {
	sum := sha256.Sum256([]byte("wish " + m.ID + " " + m.Conditions.Before))
	return hex.EncodeToString(sum[:8])
}

// Ask notes what a source asked for, and reports whether that was news: then whoever
// approved did not know of it. A day that has come asks nothing.
func (c *Case) Ask(today string, list []Condition) (news bool) {
	for _, one := range list {
		if one.Kind == Embargo && !one.holds(today) {
			continue
		}
		if !slices.ContainsFunc(c.Conditions, func(k Condition) bool { return k.Kind == one.Kind && k.Of == one.Of }) {
			c.Conditions, news = append(slices.Clone(c.Conditions), one), true
		}
	}
	if news {
		c.Edited()
	}
	return news
}

// NeedNotWait writes down why a release need not wait for the embargoes that hold.
func (c *Case) NeedNotWait(today, why string, by EditorID) error {
	if len(c.embargoes(today)) == 0 {
		return fault.Say("There is nothing to wait for. Nothing was changed.", fmt.Errorf("need not wait: %w", fault.Conflict))
	}
	if why = strings.TrimSpace(why); why == "" {
		return in(FieldWhy, fault.Say("Say in a sentence why this need not wait.", fmt.Errorf("need not wait: %w", fault.Invalid)))
	}
	c.Conditions = slices.Clone(c.Conditions)
	for i, one := range c.Conditions {
		if one.holds(today) {
			c.Conditions[i].Why, c.Conditions[i].By = why, by
		}
	}
	c.Edited()
	return nil
}

// embargoes are those that a release of this day must wait for.
func (c *Case) embargoes(today string) []Condition {
	return slices.DeleteFunc(slices.Clone(c.Conditions), func(one Condition) bool { return !one.holds(today) })
}

// tells reports whether what the desk wrote says something of material. Corrections,
// withdrawals and events of keys do not: they wait for nobody.
func (a Authored) tells() bool {
	return len(a.Entities)+len(a.Topics)+len(a.Origins)+len(a.Answers) > 0
}

// NeedNotWait writes down why a release need not wait for what a source asked for.
func (d *Desk) NeedNotWait(ctx context.Context, by EditorID, id CaseID, why string) error {
	return d.edit(ctx, by, id, "need not wait", []Role{Editor}, func(c *Case) error { return c.NeedNotWait(day(d.o.Now()), why, by) })
}

// tell tells a case what a source asked for.
func (d *Desk) tell(ctx context.Context, id CaseID, list []Condition) error {
	if len(list) == 0 {
		return nil
	}
	err := d.o.Stores.Cases.Update(ctx, id, func(c *Case) error { c.Ask(day(d.o.Now()), list); return nil })
	if err != nil {
		return fmt.Errorf("conditions of a source: %w", err)
	}
	return nil
}

// quotable is a message without words that are not to be quoted: they do not become
// a file of a case.
func (m Message) quotable() Message {
	if m.Conditions.Unquoted {
		m.Text = ""
		m.Files = slices.DeleteFunc(slices.Clone(m.Files), func(f File) bool { return f.Words })
	}
	return m
}
