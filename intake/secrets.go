package intake

import (
	"encoding/binary"
	"runtime"

	"daylight/codename"
)

// secrets is what a session knows: a codename that is not used yet, or the keys
// that came of one. It lies in a secret.Box.
type secrets struct {
	shown   bool // the owner has said that the codename is kept
	derived bool
	words   [codename.Size]byte // until derived; the list that they are of is among them
	reply   [32]byte
	mailbox [32]byte
	visits  [32]byte // of use once, when the keys are derived: it is not kept
	last    uint16   // see visits
	today   uint16
	marks   codename.Marks // by which the words are known in a text
}

const secretsLen = 2 + codename.Size + 64 + 4 + codename.MarksLen

// opened is a session's secrets in the open, and their bytes.
type opened struct {
	secrets
	plain [secretsLen]byte
}

func (s *secrets) appendTo(b []byte) []byte {
	b = append(b, bit(s.shown), bit(s.derived))
	b = append(b, s.words[:]...)
	b = append(b, s.reply[:]...)
	b = append(b, s.mailbox[:]...)
	b = binary.BigEndian.AppendUint16(b, s.last)
	b = binary.BigEndian.AppendUint16(b, s.today)
	b, _ = s.marks.AppendBinary(b) // never fails
	return b
}

func (s *secrets) decode(b []byte) {
	s.shown, s.derived = b[0] == 1, b[1] == 1
	b = b[2:]
	b = b[copy(s.words[:], b):]
	b = b[copy(s.reply[:], b):]
	b = b[copy(s.mailbox[:], b):]
	s.last, s.today = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	b = b[4:]
	s.marks, _ = codename.LoadMarks(b) // its length is that of appendTo
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// take derives the keys from the words. It is what a lane is for. Of what Argon2
// worked with, all keys can be had: 64 MiB, which are garbage now, and which the
// collector overwrites.
func (s *secrets) take(c *codename.Codename, newsroom [16]byte) {
	defer runtime.GC()
	seed := c.Seed(newsroom[:])
	defer seed.Wipe()
	s.reply, s.mailbox, s.visits = seed.Key(codename.LabelReply), codename.Mailbox(seed.Key(codename.LabelOpens)), seed.Key(codename.LabelVisits)
	s.derived, s.shown = true, true
	clear(s.words[:])
}
