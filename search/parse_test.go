package search_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"daylight/fault"
	"daylight/search"
)

func word(s string) search.Query { return search.Word{Text: s} }

func day(s string) time.Time {
	t, err := time.Parse("2006-01-02", s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestParse(t *testing.T) {
	tender, bid, draft := word("tender"), word("bid"), word("draft")
	and := func(of ...search.Query) search.Query { return search.And{Of: of} }
	or := func(of ...search.Query) search.Query { return search.Or{Of: of} }
	not := func(q search.Query) search.Query { return search.Not{Of: q} }
	is := func(facet string, values ...string) search.Query { return search.Is{Facet: facet, Values: values} }
	cases := []struct {
		in   string
		want search.Query
	}{
		{"", search.All{}},
		{" \t\n", search.All{}},
		{"*", search.All{}},
		{"tender", tender},
		{"tender bid", and(tender, bid)},
		{"tender AND bid", and(tender, bid)},
		{"tender and bid", and(tender, word("and"), bid)},
		{"tender OR bid draft", or(tender, and(bid, draft))},
		{"tender|bid", or(tender, bid)},
		{"(tender OR bid) draft", and(or(tender, bid), draft)},
		{"(tender bid) draft", and(tender, bid, draft)},
		{"-draft", not(draft)},
		{"NOT draft", not(draft)},
		{"tender -draft", and(tender, not(draft))},
		{"tender AND NOT (bid OR draft)", and(tender, not(or(bid, draft)))},
		{"--draft", not(not(draft))},
		{"wire-tap", word("wire-tap")},
		{"10:30", word("10:30")},
		{`"Wire Tap"`, search.Phrase{Text: "Wire Tap"}},
		{`„прослушка“ «камера порта»`, and(search.Phrase{Text: "прослушка"}, search.Phrase{Text: "камера порта"})},
		{`"a \"b\" \\ c"`, search.Phrase{Text: `a "b" \ c`}},
		{"surveil*", search.Prefix{Text: "surveil"}},
		{"мин*", search.Prefix{Text: "мин"}},
		{"from:anna", search.Word{Field: search.FieldFrom, Text: "anna"}},
		{"Subject:tender", search.Word{Field: search.FieldTitle, Text: "tender"}},
		{`to:"anna b"`, search.Phrase{Field: search.FieldTo, Text: "anna b"}},
		{"attachment:inv*", search.Prefix{Field: search.FieldAttachment, Text: "inv"}},
		{"from:(anna OR -boris)", or(search.Word{Field: search.FieldFrom, Text: "anna"}, not(search.Word{Field: search.FieldFrom, Text: "boris"}))},
		{"language:RU", is(search.Language, "ru")},
		{"language:zh-Hant", is(search.Language, "zh-Hant")},
		{"language:(ru OR en)", is(search.Language, "ru", "en")},
		{"language:ru OR language:en", or(is(search.Language, "ru"), is(search.Language, "en"))},
		{"recipient:(a@x.example b@x.example)", and(is(search.Recipient, "a@x.example"), is(search.Recipient, "b@x.example"))},
		{`sender:"odd one"`, is(search.Sender, "odd one")},
		{"type:email", is(search.Type, "message/rfc822")},
		{"type:image", is(search.Type, "image/*")},
		{"type:text/csv", is(search.Type, "text/csv")},
		{"-type:pdf", not(is(search.Type, "application/pdf"))},
		{"year:2012", is(search.Year, "2012")},
		{"year:unknown", is(search.Year, "unknown")},
		{"year:2010..2012", search.Dates{From: day("2010-01-01"), To: day("2013-01-01")}},
		{"year:2010..", search.Dates{From: day("2010-01-01")}},
		{"date:2011", search.Dates{From: day("2011-01-01"), To: day("2012-01-01")}},
		{"date:2011-03..2012-05-31", search.Dates{From: day("2011-03-01"), To: day("2012-06-01")}},
		{"date:..2012-02", search.Dates{To: day("2012-03-01")}},
		{"date:..", search.Dates{}},
		{"date:2011-03-01T12:00:00Z", search.Dates{From: day("2011-03-01").Add(12 * time.Hour), To: day("2011-03-01").Add(12*time.Hour + time.Second)}},
		{"date:(2011 OR 2013)", or(search.Dates{From: day("2011-01-01"), To: day("2012-01-01")}, search.Dates{From: day("2013-01-01"), To: day("2014-01-01")})},
		{"министр الوزير 部長", and(word("министр"), word("الوزير"), word("部長"))},
	}
	for _, c := range cases {
		got, err := search.Parse(c.in)
		if err != nil {
			t.Errorf("Parse(%q): %v", c.in, err)
			continue
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("Parse(%q) = %#v; want %#v", c.in, got, c.want)
		}
		again, err := search.Parse(got.String())
		if err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("Parse(%q) wrote %q, which reads as %#v, %v", c.in, got, again, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	cases := []struct {
		in    string
		pos   int
		words string
	}{
		{"(tender", 0, "not closed"},
		{"tender)", 6, "closes nothing"},
		{"()", 1, "missing"},
		{"tender OR", 9, "missing"},
		{"OR tender", 0, "missing"},
		{"tender AND OR bid", 11, "missing"},
		{"tender -", 8, "missing"},
		{"tender - bid", 7, "minus"},
		{"NOT", 3, "missing"},
		{`say "tender`, 4, "not closed"},
		{`"—"`, 0, "no letter"},
		{"tender & bid", 7, "no letter"},
		{"ten*er", 0, "asterisk"},
		{"-*x", 1, "asterisk"},
		{"from:*", 5, "before the asterisk"},
		{"tender-*", 0, "before the asterisk"},
		{"http://mail.example", 0, "no field"},
		{"body:tender", 0, "no field"},
		{"from: anna", 0, "right after"},
		{"Re:", 0, "no field"},
		{"to:", 0, "right after"},
		{"from:-anna", 5, "before the field"},
		{"from:(to:anna)", 6, "inside"},
		{`foo"bar"`, 3, "space"},
		{"type:letter", 5, "no type"},
		{"year:12", 5, "four digits"},
		{"year:2012..2010", 5, "before it begins"},
		{"date:2011-13", 5, "no date"},
		{"date:2011-02-30", 5, "no date"},
		{"date:yesterday", 5, "no date"},
		{"a\xff", 1, "UTF-8"},
		{strings.Repeat("(", 60) + "a" + strings.Repeat(")", 60), 50, "nested"},
		{strings.Repeat("a ", 1001), 2000, "1000 words"},
		{strings.Repeat("a", 9000), 8192, "8192 bytes"},
		{strings.Repeat("type:word ", 300), 3000, "written out"},
	}
	for _, c := range cases {
		q, err := search.Parse(c.in)
		var se *search.SyntaxError
		if !errors.As(err, &se) {
			t.Errorf("Parse(%.40q) = %v, %v; want a SyntaxError", c.in, q, err)
			continue
		}
		if se.Pos != c.pos || !strings.Contains(se.Words, c.words) {
			t.Errorf("Parse(%.40q): %d, %q; want %d and %q", c.in, se.Pos, se.Words, c.pos, c.words)
		}
		if !errors.Is(err, fault.Invalid) || fault.Words(err) != se.Words {
			t.Errorf("Parse(%.40q): not fault.Invalid with public words", c.in)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"tender OR (bid -draft)", `from:("a b" OR c*) language:(ru OR en)`, "year:2010..2012 type:word",
		"date:2011-03..2012-05-31", "--a|b", `«a» „b“ "c\""`, "sender:\"A\\\\\"", "to:(a (b c) OR d)",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q, err := search.Parse(s)
		if err != nil {
			var se *search.SyntaxError
			if !errors.As(err, &se) || se.Pos < 0 || se.Pos > len(s) {
				t.Fatalf("Parse(%q): %v", s, err)
			}
			return
		}
		again, err := search.Parse(q.String())
		if err != nil || !reflect.DeepEqual(again, q) {
			t.Fatalf("Parse(%q) wrote %q, which reads as %#v, %v; want %#v", s, q, again, err, q)
		}
		if err := search.Check(search.Request{Query: q}); err != nil {
			t.Fatalf("Check(%q): %v", s, err)
		}
	})
}
