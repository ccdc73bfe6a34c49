package codename

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"

	"daylight/fault"
)

// maxTyped bounds what Parse looks at: eight words of nineteen letters, all with
// marks of their own, are less.
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

// Parse reads words as people type them, of whichever list they are: that of their
// page may be another. Case, accents, spaces, hyphens, line ends and punctuation are
// forgiven, and so are words run together. A word with one letter wrong, missing,
// added or swapped with its neighbour is corrected, in up to two words, where the
// checksums leave exactly one reading in all lists. Everything else is an *Error,
// which tells of the list that knows most of the words. Parse consults nothing but
// the lists.
func Parse(typed []byte) (*Codename, error) {
	if len(typed) > maxTyped {
		return nil, &Error{Reason: Count, Words: len(bytes.Fields(typed))}
	}
	runs := split(typed)
	var readings []*reading
	defer func() {
		for _, r := range readings {
			r.Wipe()
		}
		for _, run := range runs {
			clear(run) // the words of the readings lie in it
		}
	}()
	for _, l := range lists() {
		readings = append(readings, l.read(runs))
	}
	for _, find := range []func(*reading) []Codename{(*reading).exact, (*reading).correct} {
		var found []Codename
		for _, r := range readings {
			found = append(found, find(r)...)
		}
		if len(found) == 1 {
			return &found[0], nil
		}
	}
	return nil, slices.MinFunc(readings, closer).err()
}

// reading is what was typed, as words of one list.
type reading struct {
	Codename
	tokens [][]byte
	wrong  []int // positions, from 1, of tokens that are no words of the list
}

func (l *list) read(runs [][]byte) *reading {
	r := &reading{Codename: Codename{list: l}}
	for _, run := range runs {
		r.tokens = append(r.tokens, l.apart(run)...)
	}
	for i, t := range r.tokens {
		w, ok := l.place[string(t)]
		if !ok {
			r.wrong = append(r.wrong, i+1)
		} else if i < Length {
			r.words[i] = w
		}
	}
	return r
}

// exact is the reading, where it is a codename as it stands.
func (r *reading) exact() []Codename {
	if len(r.tokens) == Length && len(r.wrong) == 0 && r.valid() {
		return []Codename{r.Codename}
	}
	return nil
}

// closer compares how much of what was typed is of the list: how few words are not,
// and then whether there are eight.
func closer(a, b *reading) int {
	off := func(r *reading) int {
		if len(r.tokens) == Length {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(len(a.wrong), len(b.wrong)), cmp.Compare(off(a), off(b)))
}

func (r *reading) err() *Error {
	e := &Error{Reason: Mismatch, Words: len(r.tokens)}
	switch {
	case e.Words != Length:
		e.Reason = Count
	case len(r.wrong) > 0:
		e.Reason, e.Wrong = NotAWord, r.wrong
	}
	return e
}

// split cuts what was typed at everything that is no letter, and folds the rest.
// Marks that nobody sees (soft hyphens, joiners, direction marks), which come with
// copied text, are passed over.
func split(typed []byte) [][]byte {
	var runs [][]byte
	word := make([]byte, 0, len(typed))
	defer func() { clear(word[:cap(word)]) }()
	end := func() {
		if run := fold(make([]byte, 0, 2*len(word)), word); len(run) > 0 {
			runs = append(runs, run)
		}
		word = word[:0]
	}
	for len(typed) > 0 {
		r, n := utf8.DecodeRune(typed)
		switch {
		case unicode.IsLetter(r) || unicode.IsMark(r):
			word = append(word, typed[:n]...)
		case unicode.Is(unicode.Cf, r):
		default:
			end()
		}
		typed = typed[n:]
	}
	end()
	return runs
}

// apart parts words that were run together. No word of the list begins another,
// so there is at most one way. What cannot be parted stays whole.
func (l *list) apart(run []byte) [][]byte {
	var words [][]byte
	for rest := run; len(rest) > 0; {
		n := 0
		for i := 1; i <= len(rest); i++ {
			if _, ok := l.place[string(rest[:i])]; ok {
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
