package desk

import (
	"context"
	"fmt"
	"strings"

	"daylight/corpus"
	"daylight/fault"
	"daylight/redact"
)

// Taken is what a redaction would leave of a document.
type Taken struct {
	Document corpus.Document // as it would be released
	Text     string          // its rendition
	Hits     int             // places where something is taken out
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
	clean, hits := redact.Document(*shown.Item.Document, forms)
	return Taken{clean, rendition(clean), hits}, nil
}

// SuggestForms lists ways in which a name is commonly written, for the redactor to
// add to and strike from.
func SuggestForms(name string) []string { return redact.Forms(name) }

// rendition is a document as plain text that ends with a line.
func rendition(d corpus.Document) string {
	text := redact.Message(d)
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text
}
