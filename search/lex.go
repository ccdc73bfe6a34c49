package search

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// closing returns the characters that close a quotation which r opens, or nil.
// People paste the quotation marks of their language.
func closing(r rune) []rune {
	switch r {
	case '"':
		return []rune{'"'}
	case '“', '„', '”':
		return []rune{'”', '“', '"'}
	case '«':
		return []rune{'»'}
	}
	return nil
}

// wordEnd returns where the word at the beginning of s ends: at a space, a
// parenthesis, a bar or a quotation mark.
func wordEnd(s string) int {
	for i, r := range s {
		if unicode.IsSpace(r) || r == '(' || r == ')' || r == '|' || closing(r) != nil {
			return i
		}
	}
	return len(s)
}

// quoted reads a quotation when one begins at p.pos. Inside of it, \" is a
// quotation mark and \\ a backslash.
func (p *parser) quoted() (string, bool, error) {
	start := p.pos
	open, size := utf8.DecodeRuneInString(p.s[start:])
	ends := closing(open)
	if size == 0 || ends == nil {
		return "", false, nil
	}
	var b strings.Builder
	escaped := false
	for i, r := range p.s[start+size:] {
		if escaped {
			if r != '"' && r != '\\' {
				b.WriteByte('\\')
			}
			b.WriteRune(r)
			escaped = false
			continue
		}
		if r == '\\' {
			escaped = true
			continue
		}
		for _, end := range ends {
			if r == end {
				p.pos = start + size + i + utf8.RuneLen(r)
				return b.String(), true, nil
			}
		}
		b.WriteRune(r)
	}
	return "", false, refuse(start, quoteNotClosed)
}

// quote is what quoted reads back as s.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
