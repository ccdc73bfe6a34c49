package text

import (
	"iter"
	"unicode/utf8"
)

// Token is a word of a text: s[Start:End] is how it is written, Form how it is
// compared. Form may share memory with s and with other forms: who keeps a few of
// many clones them.
type Token struct {
	Start, End int // bytes
	Form       string
}

// Tokens gives the tokens of s in order. They do not overlap.
func Tokens(s string) iter.Seq[Token] {
	return func(yield func(Token) bool) {
		z := tokenizer{s: s}
		for z.pos < len(s) {
			t, ok := z.next()
			if ok && !yield(t) {
				return
			}
		}
	}
}

// What a byte of ASCII does.
const (
	asciiParts = iota
	asciiLower // letters and digits that are their own form
	asciiUpper
)

var ascii = func() (c [utf8.RuneSelf]uint8) {
	for b := range c {
		switch {
		case 'a' <= b && b <= 'z', '0' <= b && b <= '9':
			c[b] = asciiLower
		case 'A' <= b && b <= 'Z':
			c[b] = asciiUpper
		}
	}
	return c
}()

type tokenizer struct {
	s     string
	pos   int
	table *folding
	arena arena
}

// next goes on, and returns a token if it came upon one.
func (z *tokenizer) next() (Token, bool) {
	s, i := z.s, z.pos
	for i < len(s) && s[i] < utf8.RuneSelf && ascii[s[i]] == asciiParts {
		i++
	}
	start, capitals := i, false
	for i < len(s) && s[i] < utf8.RuneSelf && ascii[s[i]] != asciiParts {
		capitals = capitals || ascii[s[i]] == asciiUpper
		i++
	}
	z.pos = i
	if i < len(s) && s[i] >= utf8.RuneSelf {
		return z.foreign(start)
	}
	if i == start {
		return Token{}, false
	}
	form := s[start:min(i, start+MaxForm)]
	if capitals {
		form = z.arena.lower(form)
	}
	return Token{start, i, form}, true
}

// foreign goes on with a token that began at start (which may be where z.pos is)
// and meets a character beyond ASCII at z.pos.
func (z *tokenizer) foreign(start int) (Token, bool) {
	if z.table == nil {
		z.table = table()
	}
	s, i := z.s, z.pos
	open := i > start // a token has begun
	single := false   // it is a character alone, and takes only marks
	whole := false    // its form has to be folded as a whole
scan:
	for i < len(s) {
		r, size := rune(s[i]), 1
		var k kind
		var joining bool
		if r < utf8.RuneSelf {
			k = parts
			if ascii[r] != asciiParts {
				k = letter
			}
		} else {
			r, size = utf8.DecodeRuneInString(s[i:])
			k, joining = z.table.kind(r)
		}
		switch k {
		case parts:
			if open {
				break scan
			}
			if i += size; i < len(s) && s[i] < utf8.RuneSelf {
				z.pos = i // next is quicker there
				return Token{}, false
			}
			start = i
			continue
		case letter, alone:
			if open && (single || k == alone) {
				break scan
			}
			open, single = true, k == alone
		case mark:
			open = true
		case gone:
			if !open {
				i += size
				start = i
				continue
			}
		}
		whole = whole || joining
		i += size
	}
	z.pos = i
	if !open {
		return Token{}, false
	}
	return Token{start, i, z.arena.fold(z.table, s[start:i], whole)}, true
}
