package codename

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf8"

	"daylight/fault"
)

// maxTyped bounds what Parse looks at: eight words of nine letters are 79 bytes.
const maxTyped = 1 << 10

// Error says why typed words are no codename, in positions and numbers only. It
// is fault.Invalid.
type Error struct {
	Reason Reason
	Words  int   // how many words there were
	Wrong  []int // positions, from 1, of the words that are not in the list
}

// Reason is the kind of an Error.
type Reason int

const (
	Count    Reason = iota // there are not eight words
	NotAWord               // some words are not in the list
	Mismatch               // all are words, but not these together or not in this order
)

func (e *Error) Error() string {
	switch e.Reason {
	case Count:
		return fmt.Sprintf("codename: %d words; want %d", e.Words, Length)
	case NotAWord:
		return fmt.Sprintf("codename: words %v are not in the list", e.Wrong)
	}
	return "codename: the words do not belong together"
}

func (e *Error) Unwrap() error { return fault.Invalid }

// Parse reads words as people type them. Case, spaces, hyphens, line ends and
// punctuation are forgiven, and so are words run together. A word with one letter
// wrong, missing, added or swapped with its neighbour is corrected, in up to two
// words, where the checksum leaves exactly one reading. Everything else is an
// *Error. Parse consults nothing but the list.
func Parse(typed []byte) (*Codename, error) {
	if len(typed) > maxTyped {
		return nil, &Error{Reason: Count, Words: len(bytes.Fields(typed))}
	}
	tokens := split(typed)
	defer func() {
		for _, t := range tokens {
			clear(t)
		}
	}()
	if len(tokens) != Length {
		return nil, &Error{Reason: Count, Words: len(tokens)}
	}
	c := new(Codename)
	var wrong []int
	for i, t := range tokens {
		w, ok := list().place[string(t)]
		if c.words[i] = w; !ok {
			wrong = append(wrong, i+1)
		}
	}
	if len(wrong) == 0 && c.valid() {
		return c, nil
	}
	if found := correct(c, tokens, wrong); len(found) == 1 {
		return &found[0], nil
	}
	c.Wipe()
	if len(wrong) > 0 {
		return nil, &Error{Reason: NotAWord, Words: Length, Wrong: wrong}
	}
	return nil, &Error{Reason: Mismatch, Words: Length}
}

func (c *Codename) valid() bool { return c.words[Random] == checksum(c.words[:Random]) }

// split cuts what was typed into words in lower case. What is no letter parts
// words, except marks that nobody sees (soft hyphens, joiners, direction marks),
// which come with copied text and are passed over.
func split(typed []byte) [][]byte {
	var tokens [][]byte
	word := make([]byte, 0, len(typed))
	end := func() {
		if len(word) > 0 {
			tokens = append(tokens, apart(bytes.Clone(word))...)
			clear(word)
			word = word[:0]
		}
	}
	for len(typed) > 0 {
		r, n := utf8.DecodeRune(typed)
		typed = typed[n:]
		switch {
		case unicode.IsLetter(r) || unicode.IsMark(r):
			word = utf8.AppendRune(word, unicode.ToLower(r))
		case unicode.Is(unicode.Cf, r):
		default:
			end()
		}
	}
	end()
	return tokens
}

// apart parts words that were run together. No word of the list begins another,
// so there is at most one way. What cannot be parted stays whole.
func apart(run []byte) [][]byte {
	var words [][]byte
	for rest := run; len(rest) > 0; {
		n := 0
		for i := 1; i <= len(rest); i++ {
			if _, ok := list().place[string(rest[:i])]; ok {
				n = i
				break
			}
		}
		if n == 0 {
			return [][]byte{run}
		}
		words, rest = append(words, rest[:n]), rest[n:]
	}
	return words
}
