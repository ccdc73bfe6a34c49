package corpus

import (
	"fmt"
	"slices"
)

// State is where a received item stands. Every item has exactly one.
type State string

const (
	Pending     State = "pending"          // a document, not decided yet
	Published   State = "published"        // its bytes are public
	Redacted    State = "redacted"         // a part of it is public
	Withheld    State = "withheld"         // held back, with a reason
	Duplicate   State = "duplicate"        // the same bytes as a document of the collection
	Quarantined State = "quarantined"      // could not be read at all
	Destroyed   State = "destroyed unseen" // destroyed by a handler, with a reason
)

// States are all of them, in the order in which pages show them.
var States = []State{Published, Redacted, Withheld, Duplicate, Quarantined, Destroyed, Pending}

// Reason says why a document is held back. Nothing else can be chosen: in
// particular neither who a source may be nor why they act.
type Reason string

const (
	ReasonAccuracy       Reason = "accuracy"
	ReasonNewsworthiness Reason = "newsworthiness"
	ReasonPublicInterest Reason = "public interest"
	ReasonHarm           Reason = "harm to a person"
	ReasonLegal          Reason = "legal duty"
)

// Reasons are all of them.
var Reasons = []Reason{ReasonAccuracy, ReasonNewsworthiness, ReasonPublicInterest, ReasonHarm, ReasonLegal}

// Valid reports whether r is one of Reasons.
func (r Reason) Valid() bool { return slices.Contains(Reasons, r) }

// Tally is a number of items and of their bytes.
type Tally struct {
	Files int64 `json:"files"`
	Bytes int64 `json:"bytes"`
}

func (t Tally) plus(o Tally) Tally { return Tally{t.Files + o.Files, t.Bytes + o.Bytes} }

// Balance is one side and the other of the equation: received = the sum of the
// states. The zero value is balanced.
type Balance struct {
	Received Tally            `json:"received"`
	States   map[State]Tally  `json:"states"`
	Reasons  map[Reason]Tally `json:"reasons,omitempty"` // of what is withheld
}

// Check returns an error that names the difference when the two sides differ, in
// files or in bytes, or when the reasons do not add up to what is withheld.
func (b Balance) Check() error {
	var states, reasons Tally
	for s, t := range b.States {
		if !slices.Contains(States, s) {
			return fmt.Errorf("ledger: unknown state %q", s)
		}
		states = states.plus(t)
	}
	for r, t := range b.Reasons {
		if !r.Valid() {
			return fmt.Errorf("ledger: unknown reason %q", r)
		}
		reasons = reasons.plus(t)
	}
	if states != b.Received {
		return fmt.Errorf("ledger: received %d files, %d bytes; accounted for %d files, %d bytes",
			b.Received.Files, b.Received.Bytes, states.Files, states.Bytes)
	}
	if reasons != b.States[Withheld] {
		return fmt.Errorf("ledger: withheld %d files, %d bytes; with a reason %d files, %d bytes",
			b.States[Withheld].Files, b.States[Withheld].Bytes, reasons.Files, reasons.Bytes)
	}
	return nil
}

// Ledger is the balance of a collection at every level of nesting: level 0 is
// what was handed in, level 1 what was inside of that, and so on.
type Ledger struct {
	Levels []Balance `json:"levels"`
}

// Receive counts one item at a level. A reason belongs to Withheld only.
func (l *Ledger) Receive(level int, state State, reason Reason, bytes int64) {
	for len(l.Levels) <= level {
		l.Levels = append(l.Levels, Balance{States: map[State]Tally{}, Reasons: map[Reason]Tally{}})
	}
	b, one := &l.Levels[level], Tally{1, bytes}
	b.Received = b.Received.plus(one)
	b.States[state] = b.States[state].plus(one)
	if state == Withheld {
		b.Reasons[reason] = b.Reasons[reason].plus(one)
	}
}

// Total is the sum of all levels.
func (l Ledger) Total() Balance {
	sum := Balance{States: map[State]Tally{}, Reasons: map[Reason]Tally{}}
	for _, b := range l.Levels {
		sum.Received = sum.Received.plus(b.Received)
		for s, t := range b.States {
			sum.States[s] = sum.States[s].plus(t)
		}
		for r, t := range b.Reasons {
			sum.Reasons[r] = sum.Reasons[r].plus(t)
		}
	}
	return sum
}

// Check checks every level and the sum.
func (l Ledger) Check() error {
	for i, b := range l.Levels {
		if err := b.Check(); err != nil {
			return fmt.Errorf("level %d: %w", i, err)
		}
	}
	return l.Total().Check()
}
