package codename

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"unicode/utf8"

	"daylight/fault"
)

// marked is how many words in a row betray a codename: with four known, the other
// four are 39 bits.
const marked = 4

// MarksLen is how many bytes AppendBinary of Marks appends.
const MarksLen = (Length - marked + 1) * 10

// Marks tell whether a text holds a codename, after its words were wiped: a hash of
// each run of four words. The key of the hash is this process's own: elsewhere, and
// after a restart, they say nothing.
type Marks struct {
	runs [Length - marked + 1]struct {
		n   uint16 // bytes of the four words, folded and without what parts them
		sum uint64
	}
}

var markSeed = maphash.MakeSeed()

// Marks makes the marks of a codename.
func (c *Codename) Marks() Marks {
	var m Marks
	text, _ := c.AppendText(nil) // never fails
	defer clear(text)
	letters, starts := letters(text)
	defer clear(letters)
	for i := range m.runs {
		end := len(letters)
		if i+marked < len(starts) {
			end = starts[i+marked]
		}
		run := letters[starts[i]:end]
		m.runs[i].n, m.runs[i].sum = uint16(len(run)), maphash.Bytes(markSeed, run)
	}
	return m
}

// In reports whether four words of the codename stand in a row in the text: in any
// case, with anything or nothing between them that is no letter.
func (m *Marks) In(text []byte) bool {
	letters, _ := letters(text)
	defer clear(letters)
	for _, run := range m.runs {
		if run.n == 0 {
			continue
		}
		for i := 0; i+int(run.n) <= len(letters); i++ {
			if utf8.RuneStart(letters[i]) && maphash.Bytes(markSeed, letters[i:i+int(run.n)]) == run.sum {
				return true
			}
		}
	}
	return false
}

// letters are the letters of a text as split folds them, run together, and where
// each run of them begins.
func letters(text []byte) (out []byte, starts []int) {
	out = make([]byte, 0, 2*len(text)) // no letter becomes more than two: it is not grown, which would leave copies
	for _, run := range split(text) {
		starts = append(starts, len(out))
		out = append(out, run...)
		clear(run)
	}
	return out, starts
}

// AppendBinary appends what LoadMarks reads, in the same process.
func (m *Marks) AppendBinary(b []byte) ([]byte, error) {
	for _, run := range m.runs {
		b = binary.BigEndian.AppendUint16(b, run.n)
		b = binary.BigEndian.AppendUint64(b, run.sum)
	}
	return b, nil
}

// LoadMarks reads what AppendBinary wrote. Anything else is fault.Damaged.
func LoadMarks(b []byte) (Marks, error) {
	var m Marks
	if len(b) != MarksLen {
		return m, fmt.Errorf("load marks of a codename: %w", fault.Damaged)
	}
	for i := range m.runs {
		m.runs[i].n, m.runs[i].sum = binary.BigEndian.Uint16(b), binary.BigEndian.Uint64(b[2:])
		b = b[10:]
	}
	return m, nil
}

// Format keeps marks out of logs, whatever the verb.
func (m Marks) Format(f fmt.State, _ rune) { f.Write([]byte("[marks]")) }
