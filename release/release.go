// Package release is the format of what the desk publishes: one file of typed
// entries, with what they do to the publication log, signed. A writer streams it;
// a reader checks every hash, the signatures and the log before it hands out a
// single entry. SPEC.md describes the bytes.
//
// Every entry has a leaf in the publication log: a salted commitment. The salt
// travels in the entry. So the log tells nothing of an entry to who does not have
// it, and an entry can be taken out of a copy of a release, leaving its leaf,
// while the signatures still hold (see Strip).
//
// The package refuses what does not verify. It does not know what a collection
// looks like, and it never opens a payload.
package release

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"daylight/fault"
	"daylight/publog"
)

// Header says whose release it is and which.
type Header struct {
	Newsroom string // its name, for people
	Number   int    // 1 for the first, then one more each time
	Day      string // YYYY-MM-DD, of the signature
	Log      string // the publication log's name: publog.CheckOrigin
}

const (
	magic   = "daylight release 0\n"
	maxLine = 64 << 10  // the header and each note
	maxBody = 256 << 20 // one entry's JSON, most of it a document's text
	maxName = 1024      // a kind or an id
)

// wireHeader is the second line of the file.
type wireHeader struct {
	Newsroom string  `json:"newsroom"`
	Number   int     `json:"number"`
	Day      string  `json:"day"`
	Log      wireLog `json:"log"`
}

// wireLog is the log that the release continues.
type wireLog struct {
	Origin string        `json:"origin"`
	Size   int64         `json:"size"`
	Roots  []publog.Hash `json:"roots"`
}

func (h Header) encode(from publog.Frontier) ([]byte, error) {
	if err := h.check(); err != nil {
		return nil, err
	}
	line, err := json.Marshal(wireHeader{h.Newsroom, h.Number, h.Day, wireLog{h.Log, from.Size(), from.Roots()}})
	if err != nil {
		return nil, err
	}
	if len(line) >= maxLine {
		return nil, fmt.Errorf("release header: too long: %w", fault.Invalid)
	}
	return append([]byte(magic), append(line, '\n')...), nil
}

func (h Header) check() error {
	if h.Newsroom == "" || h.Number < 1 {
		return fmt.Errorf("release header: want a newsroom and a number from 1: %w", fault.Invalid)
	}
	if _, err := time.Parse(time.DateOnly, h.Day); err != nil {
		return fmt.Errorf("release header: day %q: want YYYY-MM-DD: %w", h.Day, fault.Invalid)
	}
	return publog.CheckOrigin(h.Log)
}

// statement is the text that the signers of a release sign. Its first line has
// spaces, so it can never be taken for a checkpoint.
func statement(header []byte, entries publog.Frontier, log publog.Frontier) string {
	return fmt.Sprintf("%s%s\n%d\n%s\n%d\n%s\n", magic,
		publog.Hash(sha256.Sum256(header)), entries.Size(), entries.Root(), log.Size(), log.Root())
}

// Salt makes a leaf tell nothing of its entry.
type Salt [32]byte

// Payload says which bytes an entry carries.
type Payload struct {
	Size   int64
	SHA256 [sha256.Size]byte
}

// Record is all of an entry but its payload's bytes. An archive that keeps it can
// prove the entry at any time (see Prove).
type Record struct {
	Kind    Kind
	ID      string
	Salt    Salt
	Body    []byte   // JSON; see Decode
	Payload *Payload // nil for an entry without
	Index   int64    // of its leaf in the publication log
}

// Leaf is the entry's commitment in the publication log: the SHA-256 of a tag,
// then kind and id with their lengths, the salt, the body's SHA-256, and the
// payload's size and SHA-256 where there is one. SPEC.md, "Leaves".
func (r *Record) Leaf() publog.Leaf {
	return commit(r.Kind, r.ID, r.Salt, sha256.Sum256(r.Body), r.Payload)
}

func commit(kind Kind, id string, salt Salt, body [sha256.Size]byte, payload *Payload) publog.Leaf {
	b := []byte("daylight entry 0\x00")
	b = binary.BigEndian.AppendUint16(b, uint16(len(kind)))
	b = append(b, kind...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(id)))
	b = append(b, id...)
	b = append(b, salt[:]...)
	b = append(b, body[:]...)
	if payload == nil {
		b = append(b, 0)
	} else {
		b = append(b, 1)
		b = binary.BigEndian.AppendUint64(b, uint64(payload.Size))
		b = append(b, payload.SHA256[:]...)
	}
	return sha256.Sum256(b)
}
