package search

import (
	"strings"
	"time"
)

// units are the ways to write a point in time, from coarse to fine, and what its
// last second is followed by.
var units = []struct {
	layout string
	next   func(time.Time) time.Time
}{
	{"2006", func(t time.Time) time.Time { return t.AddDate(1, 0, 0) }},
	{"2006-01", func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }},
	{"2006-01-02", func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }},
	{"2006-01-02t15:04:05z", func(t time.Time) time.Time { return t.Add(time.Second) }},
}

// dates reads "2011", "2011-03..2012-05-31", "..2012". Both ends are in.
func (p *parser) dates(pos int, w string) (Query, error) {
	w = strings.ToLower(strings.TrimSpace(w))
	first, last, ranged := strings.Cut(w, "..")
	if !ranged {
		last = first
	}
	var d Dates
	if first != "" {
		from, _, ok := unit(first)
		if !ok {
			return nil, refuse(pos, noDate, first)
		}
		d.From = from
	}
	if last != "" {
		_, to, ok := unit(last)
		if !ok {
			return nil, refuse(pos, noDate, last)
		}
		d.To = to
	}
	if w == "" || first != "" && last != "" && !d.From.Before(d.To) {
		return nil, refuse(pos, noRange)
	}
	return d, nil
}

// unit reads a year, month, day or second, and returns its beginning and its end.
func unit(s string) (from, to time.Time, ok bool) {
	for _, u := range units {
		if t, err := time.Parse(u.layout, s); err == nil && t.Year() > 0 && len(s) == len(u.layout) {
			to := u.next(t)
			// The year 1 begins at the zero time, which would leave the end open.
			return t, to, !t.IsZero() && to.Year() <= 9999
		}
	}
	return from, to, false
}

// writeUnit is the coarsest text whose beginning (or end) is t.
func writeUnit(t time.Time, end bool) string {
	t = t.UTC().Truncate(time.Second)
	for _, u := range units {
		s := t.Format(u.layout)
		if end {
			s = t.Add(-time.Second).Format(u.layout)
		}
		if from, to, ok := unit(s); ok && (!end && from.Equal(t) || end && to.Equal(t)) {
			return strings.ToUpper(s)
		}
	}
	return ""
}
