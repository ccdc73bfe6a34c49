package search_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"daylight/search"
)

func mustParse(t testing.TB, s string) search.Query {
	t.Helper()
	q, err := search.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// show writes marks as [ ].
func show(spans []search.Span) string {
	var b strings.Builder
	for _, s := range spans {
		if s.Marked {
			b.WriteString("[" + s.Text + "]")
		} else {
			b.WriteString(s.Text)
		}
	}
	return b.String()
}

func TestHighlight(t *testing.T) {
	for _, c := range []struct{ query, lang, text, want string }{
		{"contract", "en", "Contracts, contracted; a CONTRACT.", "[Contracts], [contracted]; a [CONTRACT]."},
		{"contract", "", "Contracts, a CONTRACT.", "Contracts, a [CONTRACT]."},
		{`"contract"`, "en", "Contracts, a CONTRACT.", "Contracts, a [CONTRACT]."},
		{"контракт", "ru", "Контракты и ещё контракта", "[Контракты] и ещё [контракта]"},
		{"еще", "ru", "Контракты и ещё контракта", "Контракты и [ещё] контракта"},
		{`"the port"`, "en", "port of the port, the Port", "port of [the port], [the Port]"},
		{`"a a b"`, "en", "a a a b", "a [a a b]"},
		{"wire-tap", "en", "a wire tap, tap wire", "a [wire tap], tap wire"},
		{"surveil*", "en", "surveillance of Surveillors", "[surveillance] of [Surveillors]"},
		{"in-sur*", "en", "in surveys; sur in", "[in surveys]; sur in"},
		{"contract -port", "en", "contract port", "[contract] port"},
		{"title:port from:port text:tender", "en", "port tender", "port [tender]"},
		{"(a OR b) c", "en", "a b c d", "[a] [b] [c] d"},
		{"攝像", "zh", "監控攝像頭", "監控[攝像]頭"},
		{"language:en *", "en", "a b", "a b"},
		{"العقد", "ar", "وقعت العَقْد", "وقعت [العَقْد]"},
	} {
		ranges := search.Highlight(mustParse(t, c.query), c.lang, c.text)
		if got := show(mark(c.text, ranges)); got != c.want {
			t.Errorf("%q in %q: %s; want %s", c.query, c.text, got, c.want)
		}
	}
}

func mark(s string, ranges []search.Range) []search.Span {
	var spans []search.Span
	at := 0
	for _, r := range ranges {
		spans = append(spans, search.Span{Text: s[at:r.Start]}, search.Span{Text: s[r.Start:r.End], Marked: true})
		at = r.End
	}
	return append(spans, search.Span{Text: s[at:]})
}

func TestSnippet(t *testing.T) {
	filler := strings.Repeat("nothing of note here ", 50)
	long := filler + "the port, " + filler + "a contract for\n\n the  port was signed " + filler
	for _, c := range []struct {
		query, text string
		max         int
		want        string
	}{
		{"contract port", long, 60, "… here a [contract] for the [port] was signed nothing of note …"},
		{"none", "A beginning that is\tlong enough to cut.", 20, "A beginning that is …"},
		{"none", "Short.", 100, "Short."},
		{"short", "Short.", 100, "[Short]."},
		{"x", "", 100, ""},
		{"end", "one two three four end", 12, "… [end]"},
	} {
		if got := show(search.Snippet(mustParse(t, c.query), "en", c.text, c.max)); got != c.want {
			t.Errorf("%q: %q; want %q", c.query, got, c.want)
		}
	}
}

// Of a huge text without a match, and of one word as long as a book, a snippet is
// short, and does not take long.
func TestSnippetOfHugeText(t *testing.T) {
	for _, s := range []string{strings.Repeat("word ", 20<<20), strings.Repeat("x", 50<<20), strings.Repeat("port ", 10<<20)} {
		spans := search.Snippet(mustParse(t, `port "a port"`), "en", s, 200)
		if n := len(show(spans)); n == 0 || n > 2000 {
			t.Errorf("a snippet of %d bytes", n)
		}
	}
}

func FuzzSnippet(f *testing.F) {
	f.Add("contract -port", "en", "a contract for the port", 10)
	f.Add(`"a b" c*`, "ru", "a b c\xffd", 3)
	f.Add("攝像", "", "監控攝像頭", 2)
	f.Fuzz(func(t *testing.T, query, lang, s string, max int) {
		q, err := search.Parse(query)
		if err != nil {
			return
		}
		for _, r := range search.Highlight(q, lang, s) {
			if r.Start < 0 || r.End > len(s) || r.Start >= r.End {
				t.Fatalf("range %v of %d bytes", r, len(s))
			}
		}
		spans := search.Snippet(q, lang, s, max%500)
		for _, sp := range spans {
			if sp.Text == "" || utf8.ValidString(s) && !utf8.ValidString(sp.Text) {
				t.Fatalf("span %q of %q", sp.Text, s)
			}
		}
	})
}
