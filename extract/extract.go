// Package extract turns one file into text, facts and parts. It runs inside the
// sandbox; what it returns of damaged input is what could be read, with an error
// that says what could not.
package extract

import (
	"context"
	"io"
	"time"

	"daylight/corpus"
)

// File is what is to be read. Name is a hint for the type; it is never a path to
// anything.
type File struct {
	Name string
	Type string // what the container said, or ""
	Body io.ReaderAt
	Size int64
}

// Limits are per file. The zero value of a field means DefaultLimits'.
type Limits struct {
	Text      int64 // bytes of text that are kept; more is cut, with an error
	Parts     int   // parts of one container
	PartBytes int64 // bytes of all parts of one container, unpacked
	Ratio     int64 // unpacked bytes per packed byte of one container, once past 1 MiB
}

// DefaultLimits are what ingest uses.
var DefaultLimits = Limits{Text: 64 << 20, Parts: 1 << 20, PartBytes: 64 << 30, Ratio: 1000}

// Result is what one file contains, without its parts.
type Result struct {
	Type      string          `json:"type"` // media type; application/octet-stream when unknown
	Title     string          `json:"title,omitempty"`
	Text      string          `json:"text,omitempty"`
	Date      time.Time       `json:"date,omitzero"`
	Facts     []corpus.Fact   `json:"facts,omitempty"`
	Message   *corpus.Message `json:"message,omitempty"`
	Container bool            `json:"container,omitempty"` // has parts, or would if it could be read
	Error     string          `json:"error,omitempty"`     // damaged: what could not be read
	Unread    bool            `json:"unread,omitempty"`    // nothing at all could be read: quarantine
}

// Part is a file inside a file. The callback reads Body before it returns; what
// it does not read is skipped.
type Part struct {
	Name  string // as found; text for people, never a path
	Type  string // as declared, or ""
	Error string // the bytes are damaged or cut: what is wrong with them

	// Body gives the bytes. It may end with an error other than io.EOF: what was
	// read before it is what could be read, and the error says what is wrong with
	// the rest, as Error does where that is known beforehand. A part without one
	// byte and with an error could not be read at all.
	Body io.Reader
}

// Func reads one file. It calls part for each part in the order found. Only an
// error of part, or of ctx, is returned as an error: what is wrong with the file
// is in the Result.
type Func func(ctx context.Context, f File, l Limits, part func(Part) error) (Result, error)
