// Package courier is the contract of what the desk does at intake: fetch sealed
// envelopes, acknowledge them, leave replies and public keys. Only the desk calls;
// intake never reaches the desk. couriertest proves every implementation.
package courier

import (
	"context"
	"encoding/hex"
	"io"
)

// EnvelopeID is the name of a sealed envelope at intake: random, 16 bytes in hex.
type EnvelopeID string

// Envelope is a sealed request as it lies at intake. Nothing here tells a time
// finer than a day, or an exact size: Size is padded.
type Envelope struct {
	ID   EnvelopeID
	Day  string // YYYY-MM-DD of arrival, UTC
	Size int64  // bytes of the sealed, padded envelope
}

// MailboxID says where replies for one source lie: derived from the codename, and
// told to the desk inside the sealed envelope. 32 bytes in hex.
type MailboxID string

// ReplyID names one sealed reply: random, 16 bytes in hex.
type ReplyID string

// Valid reports whether it can be one: strangers and other machines say names too, and
// they become names of files and parts of addresses.
func (id EnvelopeID) Valid() bool { return isHex(string(id), 16) }

// Valid reports whether it can be one.
func (id MailboxID) Valid() bool { return isHex(string(id), 32) }

// Valid reports whether it can be one.
func (id ReplyID) Valid() bool { return isHex(string(id), 16) }

// isHex reports whether s is n bytes in hex, in lower case.
func isHex(s string, n int) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == n && hex.EncodeToString(b) == s
}

// Intake is what the desk may do at intake. Calls may be repeated: each is
// idempotent. Implementations are safe for concurrent use.
type Intake interface {
	// Envelopes lists what has arrived and was not acknowledged, in no order that
	// tells of time.
	Envelopes(ctx context.Context) ([]Envelope, error)

	// Open reads a sealed envelope. One that is not there is fault.NotFound.
	Open(ctx context.Context, id EnvelopeID) (io.ReadCloser, error)

	// Acknowledge tells intake that the desk holds these envelopes safely; intake
	// destroys them. Unknown ids are not an error.
	Acknowledge(ctx context.Context, ids []EnvelopeID) error

	// PutReply leaves a sealed reply in a mailbox. The same id again is not an error.
	PutReply(ctx context.Context, box MailboxID, id ReplyID, sealed io.Reader) error

	// PutKeys replaces the public keys that intake seals to. The bytes are a key
	// list as package envelope writes it.
	PutKeys(ctx context.Context, list []byte) error

	Close() error
}
