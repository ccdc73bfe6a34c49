package codename

import (
	"crypto/hkdf"
	"crypto/sha256"

	"golang.org/x/crypto/argon2"
)

// Cost of a seed: the second recommended setting of RFC 9106, section 4. A guess
// costs 64 MiB and three passes; with 90 bits to guess that is far beyond need,
// and it keeps a shortened or badly chosen codename of another program safe too.
const (
	passes  = 3
	memory  = 64 << 10 // KiB
	threads = 4
)

// Seed is the secret that all keys of one codename at one newsroom come of.
type Seed [32]byte

// Seed derives the secret: Argon2id over the name of the list and the seven
// random words, salted with the newsroom's id, so that the same words at another
// newsroom are other keys. It takes 64 MiB and a good part of a second of CPU:
// bound how many run at once.
func (c *Codename) Seed(newsroom []byte) *Seed {
	password := c.encode()
	defer clear(password)
	key := argon2.IDKey(password, newsroom, passes, memory, threads, uint32(len(Seed{})))
	defer clear(key)
	s := Seed(key) // a copy: the original is wiped
	return &s
}

// Labels of the keys that Daylight derives.
const (
	LabelReply  = "daylight/codename/0/reply"  // secret half of the key that replies are sealed to
	LabelOpens  = "daylight/codename/0/opens"  // has what lies in the mailbox listed, handed out and destroyed
	LabelVisits = "daylight/codename/0/visits" // by which visits are counted
)

// Mailbox is the name of the mailbox that a key of LabelOpens opens. The newsroom has it,
// and it stands beside each reply on its way to the source; the newsroom does not know the
// key, nor that of LabelVisits, nor does any disk.
func Mailbox(opens [32]byte) [32]byte {
	const label = "daylight/codename/0/mailbox\x00"
	var b [len(label) + len(opens)]byte
	defer clear(b[:])
	copy(b[copy(b[:], label):], opens[:])
	return sha256.Sum256(b[:])
}

// Key derives the 32 bytes for a label with HKDF-SHA256. Keys of different labels
// tell nothing of each other or of the seed.
func (s *Seed) Key(label string) [32]byte {
	// HKDF fails only on lengths beyond 255 hashes (RFC 5869, 2.3).
	b, err := hkdf.Key(sha256.New, s[:], nil, label, 32)
	if err != nil {
		panic("codename: " + err.Error())
	}
	defer clear(b)
	return [32]byte(b)
}

// Wipe overwrites the seed.
func (s *Seed) Wipe() { clear(s[:]) }
