// Package codename makes and reads the words that let a source come back: seven
// random words and an eighth that checks them. It derives the source's keys from
// them. It stores nothing, and no error or formatted value of it holds a word.
package codename

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"daylight/fault"
)

const (
	// Random is how many words are random: log2(7772^7) = 90 bits.
	Random = 7
	// Length is how many words a codename has; the last is the checksum.
	Length = Random + 1
)

// Codename is the words, as places in the list. The last is always the checksum
// of the others.
type Codename struct{ words [Length]uint16 }

// New picks a codename at random.
func New() *Codename {
	c := new(Codename)
	for i := range c.words[:Random] {
		c.words[i] = draw()
	}
	c.words[Random] = checksum(c.words[:Random])
	return c
}

// draw picks one place in the list, every one as likely: what lies beyond the
// last whole multiple of the list's length is drawn again.
func draw() uint16 {
	n := uint32(len(list().words))
	var b [2]byte
	for {
		rand.Read(b[:]) // never fails, see crypto/rand
		if v := uint32(binary.BigEndian.Uint16(b[:])); v < (1<<16)/n*n {
			return uint16(v % n)
		}
	}
}

// checksum is the place of the checksum word for the random words. One wrong
// reading in 7,772 passes it.
func checksum(words []uint16) uint16 {
	sum := sha256.Sum256(append([]byte("daylight/codename/0/checksum\x00"), encode(words)...))
	return uint16(binary.BigEndian.Uint64(sum[:8]) % uint64(len(list().words)))
}

// encode is what checksum and keys are made of: the name of the list, a zero
// byte, and each word's place in two bytes, big-endian. With the name in it, the
// same places in another list give other keys.
func encode(words []uint16) []byte {
	b := append([]byte(listID), 0)
	for _, w := range words {
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
		b = append(b, list().words[w]...)
	}
	return b, nil
}

// AppendBinary appends the 16 bytes that Load reads, for keeping a codename in
// memory while its owner is here.
func (c *Codename) AppendBinary(b []byte) ([]byte, error) {
	for _, w := range c.words {
		b = binary.BigEndian.AppendUint16(b, w)
	}
	return b, nil
}

// Load reads what AppendBinary wrote. Anything else is fault.Damaged.
func Load(b []byte) (*Codename, error) {
	if len(b) != 2*Length {
		return nil, fmt.Errorf("load codename: %d bytes: %w", len(b), fault.Damaged)
	}
	c := new(Codename)
	for i := range c.words {
		c.words[i] = binary.BigEndian.Uint16(b[2*i:])
		if int(c.words[i]) >= len(list().words) {
			return nil, fmt.Errorf("load codename: no such word: %w", fault.Damaged)
		}
	}
	if c.words[Random] != checksum(c.words[:Random]) {
		return nil, fmt.Errorf("load codename: checksum: %w", fault.Damaged)
	}
	return c, nil
}

// Wipe overwrites the words.
func (c *Codename) Wipe() { clear(c.words[:]) }

// Format keeps a codename out of logs and errors, whatever the verb.
func (c Codename) Format(f fmt.State, _ rune) { f.Write([]byte("[codename]")) }
