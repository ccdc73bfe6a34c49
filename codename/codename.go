// Package codename makes and reads the words that let a source come back: seven
// random words of one language's list and an eighth that checks them. It derives the
// source's keys from them. It stores nothing, and no error or formatted value of it
// holds a word or tells the language.
package codename

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"daylight/fault"
)

const (
	// Random is how many words are random: log2(7500^7) = 90 bits in the shortest list.
	Random = 7
	// Length is how many words a codename has; the last is the checksum.
	Length = Random + 1
	// Size is how many bytes AppendBinary appends.
	Size = 1 + 2*Length
)

// Codename is the words, as places in their list. The last is always the checksum
// of the others.
type Codename struct {
	list  *list
	words [Length]uint16
}

// New picks a codename at random from the list of a language, or from the English one
// where the language has none.
func New(lang string) *Codename {
	c := &Codename{list: in(lang)}
	for i := range c.words[:Random] {
		c.words[i] = c.list.draw()
	}
	c.words[Random] = c.checksum()
	return c
}

// Language is that of the words.
func (c *Codename) Language() string { return c.list.lang }

// draw picks one place in the list, every one as likely: what lies beyond the
// last whole multiple of the list's length is drawn again.
func (l *list) draw() uint16 {
	n := uint32(len(l.words))
	var b [2]byte
	for {
		rand.Read(b[:]) // never fails, see crypto/rand
		if v := uint32(binary.BigEndian.Uint16(b[:])); v < (1<<16)/n*n {
			return uint16(v % n)
		}
	}
}

// checksum is the place of the checksum word for the random words. One wrong reading
// in as many as the list has words passes it.
func (c *Codename) checksum() uint16 {
	b := append([]byte("daylight/codename/0/checksum\x00"), c.encode()...)
	defer clear(b)
	sum := sha256.Sum256(b)
	return uint16(binary.BigEndian.Uint64(sum[:8]) % uint64(len(c.list.words)))
}

func (c *Codename) valid() bool { return c.words[Random] == c.checksum() }

// encode is what checksum and keys are made of: the name of the list, a zero byte,
// and the place of each random word in two bytes, big-endian. With the name in it,
// the same places in another list give other keys.
func (c *Codename) encode() []byte {
	b := append([]byte(c.list.id), 0)
	for _, w := range c.words[:Random] {
		b = binary.BigEndian.AppendUint16(b, w)
	}
	return b
}

// AppendText appends the words with hyphens between them, as pages show them.
func (c *Codename) AppendText(b []byte) ([]byte, error) {
	for i, w := range c.words {
		if i > 0 {
			b = append(b, '-')
		}
		b = append(b, c.list.words[w]...)
	}
	return b, nil
}

// AppendBinary appends the bytes that Load reads, for keeping a codename in memory
// while its owner is here: the number of the list, and the places.
func (c *Codename) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, byte(slices.Index(lists(), c.list)))
	for _, w := range c.words {
		b = binary.BigEndian.AppendUint16(b, w)
	}
	return b, nil
}

// Load reads what AppendBinary wrote. Anything else is fault.Damaged.
func Load(b []byte) (*Codename, error) {
	if len(b) != Size || int(b[0]) >= len(lists()) {
		return nil, fmt.Errorf("load codename: %d bytes: %w", len(b), fault.Damaged)
	}
	c := &Codename{list: lists()[b[0]]}
	for i := range c.words {
		c.words[i] = binary.BigEndian.Uint16(b[1+2*i:])
		if int(c.words[i]) >= len(c.list.words) {
			return nil, fmt.Errorf("load codename: no such word: %w", fault.Damaged)
		}
	}
	if !c.valid() {
		return nil, fmt.Errorf("load codename: checksum: %w", fault.Damaged)
	}
	return c, nil
}

// Wipe overwrites the words. Nothing else may be done with c after it.
func (c *Codename) Wipe() { *c = Codename{} }

// Format keeps a codename out of logs and errors, whatever the verb.
func (c Codename) Format(f fmt.State, _ rune) { f.Write([]byte("[codename]")) }
