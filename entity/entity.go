// Package entity knows how somebody or something is named: it turns the names of
// an entity into the query that finds its mentions, and reads lists of entities
// that others keep. It also says which body a document comes from.
package entity

import (
	"slices"
	"strings"
	"unicode"

	"daylight/corpus"
	"daylight/text"
)

// Query is the query whose matches are the mentions of e: one of its names as an
// exact phrase. Names that are the same when folded are asked for once; a name
// without a letter or digit is left out; without any, Query is "".
func Query(e corpus.Entity) string {
	var phrases, seen []string
	for _, name := range e.Names {
		form := strings.Join(text.Forms(name), " ")
		if form == "" || slices.Contains(seen, form) {
			continue
		}
		seen = append(seen, form)
		phrases = append(phrases, `"`+plain(name)+`"`)
	}
	return strings.Join(phrases, " OR ")
}

// plain is a name without what a phrase of the query language cannot hold.
func plain(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == '"' || r == '\\' || unicode.IsControl(r) {
			return ' '
		}
		return r
	}, name)
	return strings.Join(strings.Fields(name), " ")
}

// Slug makes a valid id of a name or of somebody else's id; "" when nothing of it
// can stand in one.
func Slug(s string) string {
	var b strings.Builder
	for form := range text.Tokens(s) {
		part := strings.Map(func(r rune) rune {
			if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
				return r
			}
			return -1
		}, form.Form)
		if part == "" {
			continue
		}
		if b.Len() > 0 {
			part = "-" + part
		}
		if b.Len()+len(part) > 64 {
			break
		}
		b.WriteString(part)
	}
	return b.String()
}
