package text

import (
	"strings"
	"unicode/utf8"
)

// arena makes short strings, many in one allocation.
type arena struct {
	chunk strings.Builder
	buf   []byte
}

const chunkSize = 4 << 10

// room makes sure that n bytes fit without moving what was given out.
func (a *arena) room(n int) {
	if a.chunk.Cap()-a.chunk.Len() < n {
		a.chunk = strings.Builder{}
		a.chunk.Grow(max(n, chunkSize))
	}
}

// lower returns an ASCII string in lower case.
func (a *arena) lower(s string) string {
	a.room(len(s))
	from := a.chunk.Len()
	for i := range len(s) {
		c := s[i]
		if upper(c) {
			c += 'a' - 'A'
		}
		a.chunk.WriteByte(c)
	}
	return a.chunk.String()[from:]
}

// fold returns the form of a token. When whole is false, no character of it
// composes with another, and each has its form in the table.
func (a *arena) fold(t *folding, s string, whole bool) string {
	b := a.buf[:0]
	if whole {
		b = appendFold(b, s)
	} else {
		for _, r := range s {
			if r < utf8.RuneSelf {
				b = append(b, byte(lower(r)))
			} else {
				b = t.append(b, r)
			}
			if len(b) > MaxForm+utf8.UTFMax {
				break
			}
		}
	}
	a.buf = b
	if len(b) > MaxForm {
		b = b[:len(Cut(string(b), MaxForm))]
	}
	a.room(len(b))
	from := a.chunk.Len()
	a.chunk.Write(b)
	return a.chunk.String()[from:]
}
