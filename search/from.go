package search

import (
	"strings"

	"daylight/corpus"
)

// From is what an index holds of a document. Attachments is the text of its parts
// as Attachments joins it; key is equal for copies of one message (see
// Document.Message), zero for what is not a message.
func From(d *corpus.Document, attachments string, key [16]byte) Document {
	s := Document{
		ID: d.ID, Collection: d.Collection,
		Title: d.Title, Text: d.Text, Name: d.Name, Attachment: attachments,
		Date: d.Date, Language: d.Language(), Languages: d.Languages, Type: d.Type, Origin: string(d.Origin),
	}
	if m := d.Message; m != nil {
		s.From, s.Senders = mailboxes(m.From)
		s.To, s.Recipients = mailboxes(m.To, m.Cc, m.Bcc)
		s.Domain, s.Bulk, s.Message = m.Domain, m.Bulk, key
	}
	return s
}

// mailboxes gives addresses as words and as values of a facet.
func mailboxes(lists ...[]corpus.Address) (words string, values []string) {
	var all []string
	for _, list := range lists {
		for _, a := range list {
			if s := a.String(); s != "" {
				all = append(all, s)
			}
			if a.Addr != "" {
				values = append(values, strings.ToLower(a.Addr))
			}
		}
	}
	return strings.Join(all, ", "), values
}

// Bounds of what "attachment:" searches, in bytes: of one part, and of all parts
// of a document. A mailbox of a million messages is found by its messages.
const (
	maxAttachment  = 1 << 20
	maxAttachments = 8 << 20
)

// Attachments joins names, titles and texts of the documents that were first found
// in another one, in the order of Add. The zero value is empty.
type Attachments struct{ b strings.Builder }

// Add adds a part, unless there is enough already.
func (a *Attachments) Add(d *corpus.Document) {
	if a.Full() {
		return
	}
	t := d.Text
	if len(t) > maxAttachment {
		t = strings.ToValidUTF8(t[:maxAttachment], "")
	}
	for _, s := range []string{d.Name, d.Title, t} {
		a.b.WriteString(s)
		a.b.WriteByte('\n')
	}
}

// Full reports whether Add takes no more.
func (a *Attachments) Full() bool { return a.b.Len() > maxAttachments }

// String is the joined text.
func (a *Attachments) String() string { return a.b.String() }
