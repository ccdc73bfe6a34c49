package redact

import (
	"fmt"
	"strings"
	"time"

	"daylight/corpus"
)

// Document rebuilds a document from what may be seen of it, with the forms taken
// out, and returns how many Blocks it has now.
//
// What remains: title, name, places, text, and a message's fields. What does not,
// because nobody looks at it and it tells more than its text: facts, and the size of
// the original, which would tell how long the words were that are missing. Size is
// that of the text. A domain that holds a form is dropped. An e-mail's text should
// be shown by Message.
func Document(d corpus.Document, forms []string) (corpus.Document, int) {
	m := counter{matcher: newMatcher(forms)}
	d.Title, d.Name, d.Text = m.text(d.Title), m.text(d.Name), m.text(d.Text)
	d.Paths = m.texts(d.Paths)
	d.Error = m.text(d.Error)
	d.Facts = nil
	d.Size = int64(len(d.Text))
	if d.Message != nil {
		msg := *d.Message
		msg.ID, msg.Subject = m.text(msg.ID), m.text(msg.Subject)
		msg.InReplyTo, msg.References = m.texts(msg.InReplyTo), m.texts(msg.References)
		msg.From, msg.To = m.addresses(msg.From), m.addresses(msg.To)
		msg.Cc, msg.Bcc = m.addresses(msg.Cc), m.addresses(msg.Bcc)
		if domain := m.text(msg.Domain); domain != msg.Domain {
			msg.Domain = ""
		}
		d.Message = &msg
	}
	return d, m.n
}

type counter struct {
	*matcher
	n int
}

func (c *counter) text(s string) string {
	s, n := c.redact(s)
	c.n += n
	return s
}

func (c *counter) texts(list []string) []string {
	var out []string
	for _, s := range list {
		out = append(out, c.text(s))
	}
	return out
}

func (c *counter) addresses(list []corpus.Address) []corpus.Address {
	var out []corpus.Address
	for _, a := range list {
		out = append(out, corpus.Address{Name: c.text(a.Name), Addr: c.text(a.Addr)})
	}
	return out
}

// Message writes an e-mail as a text that a person can read: the fields that the
// document has, an empty line, the text. It is the rendition of an e-mail whose
// original is not published; give it what Document returned. A document without a
// message is its text.
func Message(d corpus.Document) string {
	if d.Message == nil {
		return d.Text
	}
	var b strings.Builder
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, oneLine(value))
		}
	}
	field("From", join(d.Message.From))
	field("To", join(d.Message.To))
	field("Cc", join(d.Message.Cc))
	field("Bcc", join(d.Message.Bcc))
	if !d.Date.IsZero() {
		field("Date", d.Date.UTC().Format(time.RFC1123))
	}
	field("Subject", d.Message.Subject)
	b.WriteByte('\n')
	b.WriteString(d.Text)
	return b.String()
}

// oneLine keeps a value from looking like another field.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func join(list []corpus.Address) string {
	var s []string
	for _, a := range list {
		s = append(s, a.String())
	}
	return strings.Join(s, ", ")
}
