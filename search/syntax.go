package search

import (
	"fmt"

	"daylight/fault"
)

// What a query may be at most.
const (
	MaxQuery = 8 << 10 // bytes
	MaxDepth = 50      // levels of a tree
	MaxNodes = 1000    // words, operators and values of a tree
)

// SyntaxError says what Parse could not read, and where. It is fault.Invalid, and
// its Words are what fault.Words gives.
type SyntaxError struct {
	Pos   int    // bytes from the beginning of the query
	Words string // for people: what is wrong and what to do, without a full stop

	Sentence string // Words without what they were filled with: one of Sentences
	With     []any
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("query at byte %d: %s", e.Pos, e.Words)
}

// Unwrap makes it fault.Invalid, and its Words public.
func (e *SyntaxError) Unwrap() error { return fault.Say(e.Words, fault.Invalid) }
