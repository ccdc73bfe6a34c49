package search

import (
	"fmt"
	"slices"
	"strings"
)

// Values are the values of a document in a facet, each once, in order: what
// Is matches and what facets count. There is always one, if only Unknown.
func (d *Document) Values(facet string) []string {
	var values []string
	switch facet {
	case Collection:
		values = []string{string(d.Collection)}
	case Domain:
		values = []string{d.Domain}
	case Language:
		values = []string{d.Language}
	case Languages:
		values = append(slices.Clone(d.Languages), d.Language)
	case Origin:
		values = []string{d.Origin}
	case Recipient:
		values = slices.Clone(d.Recipients)
	case Sender:
		values = slices.Clone(d.Senders)
	case Type:
		values = []string{d.Type}
	case Year:
		if !d.Date.IsZero() {
			values = []string{fmt.Sprintf("%04d", d.Date.UTC().Year())}
		}
	}
	slices.Sort(values)
	values = slices.Compact(values)
	values = slices.DeleteFunc(values, func(s string) bool { return s == "" })
	if len(values) == 0 {
		return []string{Unknown}
	}
	return values
}

// Field is the text of a field; see the constants of fields.
func (d *Document) Field(name string) string {
	switch name {
	case FieldText:
		return d.Text
	case FieldTitle:
		return d.Title
	case FieldName:
		return d.Name
	case FieldFrom:
		return d.From
	case FieldTo:
		return d.To
	case FieldAttachment:
		return d.Attachment
	}
	return ""
}

// Has reports whether a value of the facet is one of those asked for.
func (is Is) Has(value string) bool {
	for _, v := range is.Values {
		if v == value {
			return true
		}
		if begin, ok := strings.CutSuffix(v, "/*"); ok && is.Facet == Type {
			if kind, _, ok := strings.Cut(value, "/"); ok && kind == begin {
				return true
			}
		}
	}
	return false
}

// Has reports whether a document of this DateKey is in the range.
func (d Dates) Has(key int64) bool {
	return key != NoDate &&
		(d.From.IsZero() || d.From.Unix() <= key) &&
		(d.To.IsZero() || key < d.To.Unix())
}
