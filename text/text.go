// Package text decides what a word is, and when two words are the same: folding,
// tokens, stems, cutting and marking. The search engine, the matching of names,
// redaction and the pages all use it, so that a word found is a word shown is a
// word taken out.
//
// # Words
//
// A token is a run of letters, digits and the marks that belong to them. All
// else parts words, which decides the cases that people ask about:
//
//   - "anna.b@mail.example" is anna, b, mail, example; "wire-tap" is wire, tap;
//     "report_2011.pdf" is report, 2011, pdf. Written as a query such a word is a
//     phrase, so it still finds what it says.
//   - An apostrophe parts: "minister's" is minister, s, and "l'homme" is l, homme.
//     So "minister" finds the genitive without a stemmer, and "homme" the article.
//   - Scripts that write no spaces (Han, Hiragana, Katakana, Thai, Lao, Khmer,
//     Myanmar) give one token a character, with its marks; several in a row are a
//     phrase. Hangul is written with spaces, and gives words.
//   - A form longer than MaxForm bytes is cut there; the token still covers the
//     whole run. Only encoded data is that long, and equal data stays equal.
//   - Bytes that are no UTF-8 part words.
//
// # Forms
//
// Fold says which words are written the same. It is deliberately forgiving, as
// people who search do not type marks, and people who write leave them out.
package text

import "unicode/utf8"

// MaxForm is the length in bytes after which the form of a token is cut.
const MaxForm = 64

// Cut returns the longest beginning of s of at most max bytes that does not end
// inside a character.
func Cut(s string, max int) string {
	if len(s) <= max {
		return s
	}
	if max <= 0 {
		return ""
	}
	// A character has at most four bytes; bytes that are no UTF-8 end anywhere.
	for end := max; end > max-utf8.UTFMax && end >= 0; end-- {
		if utf8.RuneStart(s[end]) {
			return s[:end]
		}
	}
	return s[:max]
}
