package text_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"daylight/text"
)

func TestStem(t *testing.T) {
	for _, c := range []struct{ lang, a, b string }{
		{"en", "contracts", "contract"},
		{"en", "surveilling", "surveilled"},
		{"en-GB", "ministers", "minister"},
		{"ru", "министра", "министр"},
		{"ru", "документов", "документы"},
		{"ar", "والكتاب", "كتاب"},
		{"ar", "الوزارة", "وزارة"},
		{"ar", "للوزارة", "والوزارة"},
		{"ar", "الوزراء", "وزراء"},
		{"ar", "مهندسون", "المهندسين"},
		{"de", "vertrage", "vertrag"},
		{"fr", "contrats", "contrat"},
		{"es", "cámaras", "cámara"},
		{"es", "instalación", "instalaciones"},
		{"fr", "installée", "installation"},
		{"pt", "informação", "informações"},
		{"it", "possibilità", "possibile"},
	} {
		a, b := text.Stem(c.lang, text.Fold(c.a)), text.Stem(c.lang, text.Fold(c.b))
		if a != b {
			t.Errorf("%s: stems of %s and %s are %s and %s; want the same", c.lang, c.a, c.b, a, b)
		}
	}
	for _, lang := range []string{"", "zh", "xx", "-"} {
		if got := text.Stem(lang, "contracts"); got != "contracts" {
			t.Errorf("stem in language %q is %q; want the form", lang, got)
		}
	}
}

func TestStemmed(t *testing.T) {
	all := text.Stemmed()
	if !slices.IsSorted(all) || len(all) < 18 {
		t.Errorf("Stemmed() = %q; want at least 18 in order", all)
	}
	for _, lang := range all {
		if !text.Stems(lang) || !text.Stems(strings.ToUpper(lang)+"-XX") {
			t.Errorf("Stems(%q) is false", lang)
		}
	}
	if text.Stems("zh") || text.Stems("") {
		t.Error("Stems is true of a language without stems")
	}
}

// FuzzStem holds the stemmers, which others wrote, to what we need of them: they
// end, do not panic, and give UTF-8 of bounded length.
func FuzzStem(f *testing.F) {
	for _, s := range []string{"a", "ss", "yyyyy", "والكتاب", "министерствами", "ß", "í", "ççç", "qu", "وو", "اا", "நாட்டின்", "'"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for form := range text.Tokens(s) {
			for _, lang := range text.Stemmed() {
				stem := text.Stem(lang, form.Form)
				if stem == "" || !utf8.ValidString(stem) || len(stem) > 2*text.MaxForm {
					t.Errorf("%s: stem of %+q is %+q", lang, form.Form, stem)
				}
			}
		}
	})
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		in   string
		max  int
		want string
	}{
		{"abc", 5, "abc"}, {"abc", 3, "abc"}, {"abc", 2, "ab"}, {"abc", 0, ""}, {"abc", -1, ""},
		{"мир", 3, "м"}, {"мир", 1, ""}, {"a👍", 4, "a"}, {"\xff\xff\xff", 2, "\xff\xff"},
		{"\x80\x80\x80\x80\x80\x80", 5, "\x80\x80\x80\x80\x80"},
	} {
		if got := text.Cut(c.in, c.max); got != c.want {
			t.Errorf("Cut(%q, %d) = %q; want %q", c.in, c.max, got, c.want)
		}
	}
}

func TestMark(t *testing.T) {
	s := "the мир ends"
	for _, c := range []struct {
		name   string
		ranges []text.Range
		want   string
	}{
		{"none", nil, "the мир ends"},
		{"one", []text.Range{{4, 10}}, "the [мир] ends"},
		{"any order, touching, overlapping", []text.Range{{11, 15}, {0, 2}, {2, 3}, {1, 2}}, "[the] мир [ends]"},
		{"a wide one first", []text.Range{{0, 10}, {2, 3}}, "[the мир] ends"},
		{"cut characters", []text.Range{{5, 7}}, "the [ми]р ends"},
		{"beyond", []text.Range{{-5, 1}, {12, 99}, {50, 60}, {3, 3}, {9, 2}}, "[t]he мир e[nds]"},
		{"all", []text.Range{{0, 99}}, "[the мир ends]"},
	} {
		var got strings.Builder
		for _, span := range text.Mark(s, c.ranges) {
			if span.Marked {
				got.WriteString("[" + span.Text + "]")
			} else {
				got.WriteString(span.Text)
			}
		}
		if got.String() != c.want {
			t.Errorf("%s: %s; want %s", c.name, got.String(), c.want)
		}
	}
	if spans := text.Mark("", []text.Range{{0, 1}}); len(spans) != 0 {
		t.Errorf("spans of nothing: %v", spans)
	}
}

func TestMarkKeepsTheText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyText(t)
		var ranges []text.Range
		for range rapid.IntRange(0, 6).Draw(t, "n") {
			ranges = append(ranges, text.Range{
				Start: rapid.IntRange(-2, len(s)+2).Draw(t, "start"), End: rapid.IntRange(-2, len(s)+2).Draw(t, "end")})
		}
		var joined strings.Builder
		last := -1
		for _, span := range text.Mark(s, ranges) {
			if span.Text == "" {
				t.Errorf("an empty span")
			}
			now := 0
			if span.Marked {
				now = 1
			}
			if now == last {
				t.Errorf("two spans in a row that are marked alike")
			}
			last = now
			joined.WriteString(span.Text)
		}
		if joined.String() != s {
			t.Errorf("spans are %+q; want %+q", joined.String(), s)
		}
	})
}
