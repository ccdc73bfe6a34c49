package desk

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"daylight/corpus"
	"daylight/fault"
)

// redacted is a document without the forms: its title, name, places, text, facts
// and what an e-mail says of itself. Size and date stay.
func redacted(d corpus.Document, forms []string) corpus.Document {
	out := func(s string) string { return takeOut(s, forms) }
	d.Title, d.Name, d.Text, d.Error = out(d.Title), out(d.Name), out(d.Text), out(d.Error)
	d.Paths = each(d.Paths, out)
	d.Facts = slices.Clone(d.Facts)
	for i := range d.Facts {
		d.Facts[i].Value = out(d.Facts[i].Value)
	}
	if d.Message != nil {
		m := *d.Message
		m.ID, m.Subject, m.Domain = out(m.ID), out(m.Subject), out(m.Domain)
		m.InReplyTo, m.References = each(m.InReplyTo, out), each(m.References, out)
		for _, list := range []*[]corpus.Address{&m.From, &m.To, &m.Cc, &m.Bcc} {
			*list = slices.Clone(*list)
			for i, a := range *list {
				(*list)[i] = corpus.Address{Name: out(a.Name), Addr: out(a.Addr)}
			}
		}
		d.Message = &m
	}
	return d
}

func each(list []string, f func(string) string) []string {
	list = slices.Clone(list)
	for i := range list {
		list[i] = f(list[i])
	}
	return list
}

// rendition is a document as plain text: for an e-mail its headers, then the text.
func rendition(d *corpus.Document) string {
	var b strings.Builder
	if m := d.Message; m != nil {
		for _, h := range []struct {
			name string
			list []corpus.Address
		}{{"From", m.From}, {"To", m.To}, {"Cc", m.Cc}, {"Bcc", m.Bcc}} {
			if len(h.list) > 0 {
				var s []string
				for _, a := range h.list {
					s = append(s, a.String())
				}
				fmt.Fprintf(&b, "%s: %s\n", h.name, strings.Join(s, ", "))
			}
		}
		if !d.Date.IsZero() {
			fmt.Fprintf(&b, "Date: %s\n", d.Date.UTC().Format("2006-01-02 15:04:05 UTC"))
		}
		fmt.Fprintf(&b, "Subject: %s\n\n", cmp.Or(m.Subject, d.Title))
	}
	b.WriteString(d.Text)
	if !strings.HasSuffix(d.Text, "\n") {
		b.WriteByte('\n')
	}
	return b.String()
}

// Taken is what a redaction would leave of a document.
type Taken struct {
	Document corpus.Document // as it would be released
	Text     string          // its rendition
	Hits     int             // places where something was taken out of the rendition
}

// TryRedaction shows a redaction without deciding it.
func (d *Desk) TryRedaction(ctx context.Context, by EditorID, id CaseID, doc corpus.DocumentID, forms []string) (Taken, error) {
	if _, err := d.may(ctx, by, Redactor, Editor); err != nil {
		return Taken{}, err
	}
	shown, err := d.Document(ctx, by, id, doc)
	if err != nil {
		return Taken{}, err
	}
	if shown.Item.Document == nil {
		return Taken{}, fmt.Errorf("redact: %w", fault.NotFound)
	}
	before := rendition(shown.Item.Document)
	_, hits := takeOutCounted(before, forms)
	clean := redacted(*shown.Item.Document, forms)
	return Taken{clean, rendition(&clean), hits}, nil
}
