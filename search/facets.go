package search

import (
	"slices"
	"strings"
)

// fields are the names of fields in the query language.
var fields = map[string]string{
	"text": FieldText, "title": FieldTitle, "subject": FieldTitle, "name": FieldName,
	"from": FieldFrom, "to": FieldTo, "attachment": FieldAttachment,
}

// BareFields are those that a word without a field is searched in.
var BareFields = []string{FieldText, FieldTitle, FieldName, FieldFrom, FieldTo}

// types are names for media types, as people say them.
var types = map[string][]string{
	"archive": {"application/zip", "application/x-tar", "application/gzip", "application/x-7z-compressed", "application/vnd.rar", "application/x-rar-compressed"},
	"audio":   {"audio/*"},
	"csv":     {"text/csv"},
	"email":   {"message/rfc822"},
	"excel":   {"application/vnd.ms-excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
	"html":    {"text/html"},
	"image":   {"image/*"},
	"pdf":     {"application/pdf"},
	"powerpoint": {"application/vnd.ms-powerpoint",
		"application/vnd.openxmlformats-officedocument.presentationml.presentation"},
	"rtf":   {"application/rtf", "text/rtf"},
	"text":  {"text/plain"},
	"video": {"video/*"},
	"word":  {"application/msword", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
	"zip":   {"application/zip"},
}

// fieldOf recognises "from:" and the like at the beginning of a word, and returns
// the scope it opens and its length with the colon. A name of letters that is no
// field is an error, because ignoring it would find too much; "10:30" is a word.
func (p *parser) fieldOf(outer scope, w string) (scope, int, bool, error) {
	if outer.facet != "" || outer.date {
		return scope{}, 0, false, nil
	}
	name, _, colon := strings.Cut(w, ":")
	if !colon || name == "" || strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		return scope{}, 0, false, nil
	}
	sc := scope{name: strings.ToLower(name)}
	switch {
	case fields[sc.name] != "":
		sc.field = fields[sc.name]
	case slices.Contains(FacetNames, sc.name):
		sc.facet = sc.name
	case sc.name == "date":
		sc.date = true
	default:
		return scope{}, 0, false, refuse(p.pos, noField, name)
	}
	if outer.field != "" {
		return scope{}, 0, false, refuse(p.pos, fieldInField, sc.name, outer.name)
	}
	return sc, len(name) + 1, true, nil
}

// value makes the node of one value of a facet. A value in quotes is taken as it
// is; all values that we write are in lower case.
func (p *parser) value(sc scope, pos int, w string, quoted bool) (Query, error) {
	v := w
	if v == "" {
		return nil, refuse(pos, noValue, sc.name)
	}
	if quoted {
		return Is{sc.facet, []string{v}}, nil
	}
	v = strings.ToLower(v)
	if head, rest, ok := strings.Cut(w, "-"); ok && (sc.facet == Language || sc.facet == Languages) {
		// BCP 47: only the first subtag is in lower case ("zh-Hant").
		v = strings.ToLower(head) + "-" + rest
	}
	switch {
	case sc.facet == Year && strings.Contains(v, ".."):
		return p.dates(pos, v)
	case sc.facet == Year && v != Unknown && !isYear(v):
		return nil, refuse(pos, noYear, Unknown)
	case sc.facet == Type && types[v] != nil:
		is := Is{Type, slices.Clone(types[v])}
		return is, p.count(pos, len(is.Values)-1)
	case sc.facet == Type && v != Unknown && !strings.Contains(v, "/"):
		return nil, refuse(pos, noType, v, typeNames())
	}
	return Is{sc.facet, []string{v}}, nil
}

func typeNames() string {
	names := make([]string, 0, len(types))
	for name := range types {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func isYear(s string) bool {
	return len(s) == 4 && strings.Trim(s, "0123456789") == ""
}
