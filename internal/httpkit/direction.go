package httpkit

import (
	"strings"
	"unicode"
)

// Direction is "rtl" for languages that are written so.
func Direction(lang string) string {
	switch lang {
	case "ar", "fa", "he", "ur", "ps", "ug", "yi", "sd", "ckb":
		return "rtl"
	}
	return "ltr"
}

// Run is whole lines of a text. Where RTL is false, each goes the way of its own first
// letter.
type Run struct {
	Text string
	RTL  bool
}

// maxRuns is how many a text is cut into at most; the last may hold all the rest.
const maxRuns = 10_000

// Runs cuts a text in a language so that a page can show each line in its direction. In a
// language that goes from right to left a line of it may begin with a name in another
// script ("Ivan Petrov: …"), which must not turn it round: what has letters of both
// is right to left. The runs joined are the text.
func Runs(lang, text string) []Run {
	if Direction(lang) == "ltr" {
		return []Run{{Text: text}}
	}
	var runs []Run
	start, pos, rtl := 0, 0, false
	for line := range strings.Lines(text) {
		if len(runs) == maxRuns-2 {
			break
		}
		ltr, has := scripts(line)
		if ltr && has != rtl { // the other lines are right in any run
			if pos > start {
				runs = append(runs, Run{text[start:pos], rtl})
			}
			start, rtl = pos, has
		}
		pos += len(line)
	}
	if start < pos {
		runs = append(runs, Run{text[start:pos], rtl})
	}
	if pos < len(text) {
		runs = append(runs, Run{Text: text[pos:]})
	}
	return runs
}

// scripts says whether the first letter of a line goes from left to right, and whether
// any goes from right to left.
func scripts(line string) (ltr, rtl bool) {
	for _, c := range line {
		if !unicode.IsLetter(c) {
			continue
		}
		if unicode.In(c, unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Thaana) {
			return ltr, true
		}
		ltr = true
	}
	return ltr, false
}
