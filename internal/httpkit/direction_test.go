package httpkit

import (
	"reflect"
	"strings"
	"testing"
)

// TestRuns: in a language that goes from right to left, a line that has letters of it does,
// whatever it begins with; a line of other letters alone goes its own way.
func TestRuns(t *testing.T) {
	for _, c := range []struct {
		lang, text string
		want       []Run
	}{
		{"en", "Ivan: نعم\nno\n", []Run{{"Ivan: نعم\nno\n", false}}},
		{"", "Ivan: نعم", []Run{{"Ivan: نعم", false}}},
		{"ar", "", nil},
		{"ar", "محضر الاجتماع\n\n2012\n", []Run{{"محضر الاجتماع\n\n2012\n", false}}},
		{"ar", "نعم\nIvan Petrov: بعد أسبوعين.\n\nسلوى: لا\n12: Ivan: نعم\nRe: minutes\n\nنعم", []Run{
			{"نعم\n", false}, {"Ivan Petrov: بعد أسبوعين.\n\nسلوى: لا\n12: Ivan: نعم\n", true}, {"Re: minutes\n\nنعم", false}}},
		{"he", "Dan: כן", []Run{{"Dan: כן", true}}},
	} {
		if got := Runs(c.lang, c.text); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s %q:\n got %+v\nwant %+v", c.lang, c.text, got, c.want)
		}
	}
}

// TestRunsAreBounded: a text of a megabyte that turns at each line stays one page.
func TestRunsAreBounded(t *testing.T) {
	text := strings.Repeat("a ن\na\n", 200_000)
	runs := Runs("ar", text)
	var joined strings.Builder
	for _, r := range runs {
		joined.WriteString(r.Text)
	}
	if len(runs) != maxRuns || joined.String() != text {
		t.Errorf("%d runs; want %d that are the text when they are joined: %t", len(runs), maxRuns, joined.String() == text)
	}
}

func FuzzRuns(f *testing.F) {
	f.Add("Ivan: نعم\nno\r\n\xff\n")
	f.Fuzz(func(t *testing.T, text string) {
		var joined strings.Builder
		for i, r := range Runs("ar", text) {
			joined.WriteString(r.Text)
			if r.Text == "" || i > 0 && !strings.HasSuffix(strings.TrimSuffix(joined.String(), r.Text), "\n") {
				t.Errorf("run %d is empty or begins inside of a line: %q", i, r.Text)
			}
		}
		if joined.String() != text {
			t.Error("the runs joined are another text")
		}
	})
}
