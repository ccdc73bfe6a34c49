package search

import (
	"reflect"
	"strings"

	"daylight/text"
)

func (All) String() string { return "*" }

func (w Word) String() string {
	plain := inField(w.Field, w.Text)
	if readsAs(plain, w) {
		return plain
	}
	// Parse cannot have made this one. What is searched is its tokens.
	switch forms := text.Forms(w.Text); len(forms) {
	case 0:
		return Or{}.String()
	case 1:
		return inField(w.Field, forms[0])
	}
	return Phrase(w).String()
}

func (p Phrase) String() string {
	if !hasToken(p.Text) {
		return Or{}.String()
	}
	return inField(p.Field, quote(strings.ToValidUTF8(p.Text, " ")))
}

func (p Prefix) String() string {
	plain := inField(p.Field, p.Text+"*")
	if readsAs(plain, p) {
		return plain
	}
	forms := text.Forms(p.Text)
	if len(forms) == 0 {
		return Or{}.String()
	}
	return inField(p.Field, strings.Join(forms, "-")+"*")
}

func inField(field, s string) string {
	if field == "" {
		return s
	}
	return field + ":" + s
}

// readsAs reports whether Parse makes q of s.
func readsAs(s string, q Query) bool {
	got, err := parse(s)
	return err == nil && reflect.DeepEqual(got, q)
}

func (is Is) String() string {
	values := make([]string, len(is.Values))
	for i, v := range is.Values {
		if values[i] = v; !readsAs(is.Facet+":"+v, Is{is.Facet, []string{v}}) || wordEnd(v) < len(v) || operator(v) {
			values[i] = quote(strings.ToValidUTF8(v, " "))
		}
	}
	switch len(values) {
	case 0:
		return Or{}.String()
	case 1:
		return is.Facet + ":" + values[0]
	}
	return is.Facet + ":(" + strings.Join(values, " OR ") + ")"
}

// operator reports what would be no value inside of parentheses.
func operator(v string) bool {
	return v == "AND" || v == "OR" || v == "NOT" || strings.HasPrefix(v, "-")
}

func (d Dates) String() string {
	if !d.From.IsZero() && !d.To.IsZero() && d.To.Unix() <= d.From.Unix() {
		return Or{}.String()
	}
	var from, to string
	if !d.From.IsZero() {
		from = writeUnit(d.From, false)
	}
	if !d.To.IsZero() {
		to = writeUnit(d.To, true)
	}
	if from != "" && from == to {
		return "date:" + from
	}
	return "date:" + from + ".." + to
}

func (a And) String() string { return join(a.Of, " ", All{}.String()) }
func (o Or) String() string  { return join(o.Of, " OR ", "-*") }
func (n Not) String() string { return "-" + operand(n.Of) }

// join writes the parts of And and Or. AND binds closer, so And needs no parentheses
// inside of Or.
func join(of []Query, by, none string) string {
	switch len(of) {
	case 0:
		return none
	case 1:
		return operand(of[0])
	}
	parts := make([]string, len(of))
	for i, q := range of {
		if a, ok := q.(And); ok && by != " " {
			parts[i] = a.String()
		} else {
			parts[i] = operand(q)
		}
	}
	return strings.Join(parts, by)
}

// operand writes a query so that it can stand among others.
func operand(q Query) string {
	var of []Query
	switch q := q.(type) {
	case nil:
		return All{}.String()
	case And:
		of = q.Of
	case Or:
		of = q.Of
	}
	switch len(of) {
	case 0:
		return q.String()
	case 1:
		return operand(of[0])
	}
	return "(" + q.String() + ")"
}
