package mail

import (
	"bytes"
	"strings"
	"time"
)

// date is when a message says that it was written. Where Date is missing or means
// nothing, the first relay's stamp stands in for it, then the mailbox's.
func date(h header) time.Time {
	if t, ok := ParseDate(string(h.get("date"))); ok {
		return t
	}
	for i := len(h) - 1; i >= 0; i-- {
		if h[i].key == "received" {
			if semi := bytes.LastIndexByte(h[i].value, ';'); semi >= 0 {
				if t, ok := ParseDate(string(h[i].value[semi+1:])); ok {
					return t
				}
			}
		}
	}
	for _, name := range []string{"resent-date", "delivery-date", "from_"} {
		if t, ok := ParseDate(string(h.get(name))); ok {
			return t
		}
	}
	return time.Time{}
}

var months = map[string]time.Month{
	"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}

// zones are the names that RFC 5322, 4.3, gives a meaning, and some that mail has
// all the same, in minutes east of Greenwich. Military letters mean nothing.
var zones = map[string]int{
	"ut": 0, "utc": 0, "gmt": 0, "z": 0, "wet": 0,
	"est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420,
	"bst": 60, "cet": 60, "met": 60, "mez": 60, "west": 60, "cest": 120, "mest": 120, "mesz": 120, "eet": 120, "eest": 180,
	"msk": 180, "msd": 240, "ist": 330, "hkt": 480, "sgt": 480, "jst": 540, "kst": 540, "aest": 600, "aedt": 660, "nzst": 720, "nzdt": 780,
	"ast": -240, "adt": -180, "nst": -210, "ndt": -150, "akst": -540, "akdt": -480, "hst": -600,
}

// ParseDate reads a date as e-mail has it: RFC 5322 with its obsolete forms, RFC
// 850, asctime, ISO 8601, in any order that names the month, with or without
// weekday, seconds, zone (then UTC) and comments. It gives UTC to the second, and
// false for what is no date or not between 1970 and 2100.
func ParseDate(s string) (time.Time, bool) {
	d := dateParts{day: -1, year: -1, month: 0, hour: -1}
	for _, word := range strings.FieldsFunc(cutComments(s[:min(len(s), 256)]), func(r rune) bool { return r <= ' ' || r == ',' }) {
		d.take(strings.ToLower(word))
	}
	if d.month == 0 || d.day < 1 || d.day > 31 || d.year < 0 {
		return time.Time{}, false
	}
	switch { // RFC 5322, 4.3
	case d.year < 50:
		d.year += 2000
	case d.year < 1000:
		d.year += 1900
	}
	if d.hour < 0 {
		d.hour = 0
	}
	t := time.Date(d.year, d.month, d.day, d.hour, d.minute, min(d.second, 59), 0, time.UTC).Add(-time.Duration(d.zone) * time.Minute)
	if d.year < 1970 || d.year >= 2100 || d.hour > 24 || d.minute > 59 || t.Year() < 1970 {
		return time.Time{}, false
	}
	return t, true
}

func cutComments(s string) string {
	for strings.Contains(s, "(") {
		before, rest, _ := strings.Cut(s, "(")
		depth, i := 1, 0
		for ; i < len(rest) && depth > 0; i++ {
			switch rest[i] {
			case '(':
				depth++
			case ')':
				depth--
			}
		}
		s = before + " " + rest[i:]
	}
	return s
}

type dateParts struct {
	year, day            int
	month                time.Month
	hour, minute, second int
	zone                 int
}

// take reads one word of a date.
func (d *dateParts) take(word string) {
	if strings.Count(word, "-") == 2 && !strings.Contains(word, ":") || strings.Count(word, "/") == 2 {
		d.dashed(strings.FieldsFunc(word, func(r rune) bool { return r == '-' || r == '/' }))
		return
	}
	if date, clock, ok := strings.Cut(word, "t"); ok && strings.Count(date, "-") == 2 && strings.Contains(clock, ":") {
		d.take(date)
		word = clock // ISO 8601
	}
	if strings.Contains(word, ":") && word[0] != '+' && word[0] != '-' {
		d.clock(word)
		return
	}
	if m, ok := months[word[:min(3, len(word))]]; ok && d.month == 0 {
		d.month = m
		return
	}
	if offset, ok := zoneOffset(word); ok {
		d.zone = offset
		return
	}
	n, ok := number(word)
	switch {
	case !ok:
		switch word {
		case "pm":
			if d.hour >= 0 && d.hour < 12 {
				d.hour += 12
			}
		case "am":
			if d.hour == 12 {
				d.hour = 0
			}
		}
	case len(word) <= 2 && d.day < 0:
		d.day = n
	case d.year < 0:
		d.year = n
	}
}

// dashed reads 06-Nov-94, 2003-02-01 and 2003/02/01. A date all in numbers whose
// year is last could be read two ways, and so is not read.
func (d *dateParts) dashed(p []string) {
	if len(p) != 3 {
		return
	}
	if m, ok := months[p[1][:min(3, len(p[1]))]]; ok {
		d.month = m
		d.day, _ = number(p[0])
		d.year, _ = number(p[2])
		return
	}
	y, _ := number(p[0])
	m, _ := number(p[1])
	day, ok := number(p[2])
	if len(p[0]) == 4 && m >= 1 && m <= 12 && ok {
		d.year, d.month, d.day = y, time.Month(m), day
	}
}

// clock reads 10:11, 10:11:12, 10:11:12.345 and either with a zone behind it.
func (d *dateParts) clock(word string) {
	if i := strings.IndexAny(word, "+-z"); i > 0 {
		if offset, ok := zoneOffset(word[i:]); ok {
			d.zone = offset
		}
		word = word[:i]
	}
	word, _, _ = strings.Cut(word, ".")
	parts := strings.Split(word, ":")
	if d.hour >= 0 || len(parts) < 2 {
		return
	}
	d.hour, _ = number(parts[0])
	d.minute, _ = number(parts[1])
	if len(parts) > 2 {
		d.second, _ = number(parts[2])
	}
}

// zoneOffset reads +0100, -0500, +01:00, GMT+0100 and the names in zones.
func zoneOffset(word string) (minutes int, ok bool) {
	if m, ok := zones[word]; ok {
		return m, true
	}
	for _, name := range []string{"gmt", "utc"} {
		if rest, ok := strings.CutPrefix(word, name); ok && rest != "" {
			word = rest
		}
	}
	if len(word) < 2 || word[0] != '+' && word[0] != '-' {
		return 0, false
	}
	n, ok := number(strings.ReplaceAll(word[1:], ":", ""))
	if !ok {
		return 0, false
	}
	if len(word) <= 3 {
		n *= 100
	}
	minutes = n/100*60 + n%100
	if minutes > 24*60 {
		return 0, true // nonsense: the clock is taken as UTC
	}
	if word[0] == '-' {
		minutes = -minutes
	}
	return minutes, true
}

func number(s string) (int, bool) {
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' || n > 100_000 {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, s != ""
}
