// Package redact takes things out of documents, and searches what is to be
// released for what was taken out.
//
// What is taken out is given as forms: the ways in which a name, a number or an
// address is written, each listed by a person. Case, marks, hyphenation and line
// breaks need no forms of their own (see Text); another script does, and so does
// every nickname. Redaction rebuilds a document from what remains and never edits
// bytes that it does not understand. Nothing here can tell whether the context
// still identifies somebody.
package redact

import (
	"slices"
	"strings"
	"unicode/utf8"

	"daylight/text"
)

// Block stands for whatever was taken out. It is always as wide, so that it does
// not tell the length.
const Block = "█████"

// Text replaces every word that belongs to one of the forms by a Block, and
// returns how many there are now.
//
// A form matches regardless of case, marks and what stands between its words, also
// when its words are written as one ("ivanpetrov"), when a word is hyphenated or
// broken at the end of a line or page, when its letters are spaced apart, and when
// some of them were typed in another alphabet where they look the same. A form of
// five characters or more is found inside of longer words too, with endings and in
// compounds, and then the whole word goes; a shorter one only as a word.
func Text(s string, forms []string) (redacted string, n int) {
	return newMatcher(forms).redact(s)
}

func (m *matcher) redact(s string) (string, int) {
	spans := m.find(s, forward)
	if len(spans) == 0 {
		return s, 0
	}
	slices.SortFunc(spans, func(a, b span) int { return a.start - b.start })
	var b strings.Builder
	last, n := 0, 0
	for _, sp := range spans {
		if sp.start < last { // overlaps the one before
			last = max(last, sp.end)
			continue
		}
		b.WriteString(s[last:sp.start])
		b.WriteString(Block)
		last = sp.end
		n++
	}
	b.WriteString(s[last:])
	return b.String(), n
}

// Forms lists ways in which a person's name is commonly written, for an editor to
// add to and strike from: the name, its words in the other order, with initials,
// and the longer words alone. Forms that Text takes for the same come once.
func Forms(name string) []string {
	words := strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == ',' || r == '\t' || r == '\n' })
	if len(words) == 0 {
		return nil
	}
	first, last := words[0], words[len(words)-1]
	list := []string{strings.Join(words, " ")}
	if len(words) > 1 {
		list = append(list, last+" "+strings.Join(words[:len(words)-1], " "), first+" "+last, last+" "+first)
		r, _ := utf8.DecodeRuneInString(first)
		list = append(list, string(r)+" "+last, last+" "+string(r))
		for _, w := range words {
			if utf8.RuneCountInString(w) >= 3 {
				list = append(list, w)
			}
		}
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(form string) bool {
		key := strings.Join(text.Forms(form), " ")
		twice := seen[key] || key == ""
		seen[key] = true
		return twice
	})
}
