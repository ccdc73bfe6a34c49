// Package envelope is the format in which a request travels from a source to the
// newsroom, and a reply back: a stream of entries, padded, sealed with age to
// post-quantum hybrid keys as it is written. What arrived before a break opens.
// SPEC.md has the bytes. Everything that comes out of an envelope was written by
// a stranger: names above all.
package envelope

import (
	"time"
)

// Kind says which way an envelope goes.
type Kind string

const (
	Request Kind = "request" // from a source to the newsroom
	Reply   Kind = "reply"   // from the newsroom to a codename
)

// Head stands at the beginning of an envelope. Exact facts belong here, inside.
type Head struct {
	Kind Kind      `json:"kind"`
	Time time.Time `json:"time"`           // when sealing began, UTC, exact
	Path string    `json:"path,omitempty"` // how it was sealed: "web" by intake, "send" by the source

	// Of a request: which channel of which key list it was sealed to.
	Channel string `json:"channel,omitempty"`
	Serial  int    `json:"serial,omitempty"`
}

// Address says where and to whom replies go. A request has at most one; without
// one nobody can answer.
type Address struct {
	Mailbox string `json:"mailbox"` // 32 bytes in hex, derived from the codename
	Key     string `json:"key"`     // the codename's public key, "age1pq1…"
}

// End says how an entry or an envelope ended.
type End int

const (
	Whole   End = iota // all of it is here
	Cut                // the sender broke off or went over a limit; what is here is as it was sent
	Damaged            // the sealed bytes end or fail before their end: a crash, or somebody's hand
)

func (e End) String() string {
	switch e {
	case Whole:
		return "whole"
	case Cut:
		return "cut"
	}
	return "damaged"
}

// Type is what an entry holds.
type Type string

const (
	Text Type = "text" // a message in UTF-8
	File Type = "file"
)

// Limits of the format. A reader refuses what is beyond them.
const (
	MaxFrame = 64<<10 - frameHead // payload of a frame: with its head it fills one chunk of age
	MaxName  = 4 << 10            // bytes of a file's name; longer ones are shortened by the sealer

	MaxEntries = 1000 // of an envelope: each costs its reader far more than the 13 bytes that it has

	MaxStanzas = 64 // keys that an envelope is sealed to: a reader tries each of its own on each

	frameHead = 5
	magic     = "daylight envelope 0\n"
)

// Frames. An unknown capital letter is an error; an unknown small letter is passed
// over, so that later versions can add what older readers may miss.
const (
	frameHeader     = 'H' // Head, JSON; the first frame
	frameAddress    = 'A' // Address, JSON; anywhere after the header, once
	frameBegin      = 'B' // begin, JSON; starts an entry
	frameData       = 'D' // bytes of the entry
	frameEnd        = 'E' // end, JSON; ends the entry
	frameConditions = 'c' // Conditions, JSON; anywhere after the header, once
	frameReceipt    = 'r' // custody.Receipt, JSON; after the end of an entry: for its bytes
	frameLast       = 'Z' // end, JSON; ends the envelope: what follows is padding
)

// begin is the payload of frameBegin.
type begin struct {
	Type Type   `json:"type"`
	Name string `json:"name,omitempty"`
}

// end is the payload of frameEnd and frameLast: bytes of the entry, or number of
// entries of the envelope.
type end struct {
	Count    int64 `json:"n"`
	Cut      bool  `json:"cut,omitempty"`
	Repeated bool  `json:"repeated,omitempty"` // of the envelope only
}
