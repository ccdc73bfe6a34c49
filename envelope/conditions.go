package envelope

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"daylight/fault"
)

// Conditions are what a source asks of the newsroom. They travel inside of the
// envelope, and nothing enforces them but people who read them.
type Conditions struct {
	// Before is the day before which nothing of it shall be published: YYYY-MM-DD, or
	// the source's own words where it is not written so.
	Before   string `json:"before,omitempty"`
	Unquoted bool   `json:"unquoted,omitempty"` // what the source writes is for the newsroom only
}

// MaxBefore is how many bytes of words for a day are kept.
const MaxBefore = 200

// IsZero reports whether nothing is asked.
func (c Conditions) IsZero() bool { return c == Conditions{} }

// tidy makes one short line of the words for a day.
func (c Conditions) tidy() Conditions {
	c.Before = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(c.Before, "\uFFFD"))
	if c.Before = strings.TrimSpace(c.Before); len(c.Before) > MaxBefore {
		n := MaxBefore
		for !utf8.RuneStart(c.Before[n]) {
			n--
		}
		c.Before = strings.TrimSpace(c.Before[:n])
	}
	return c
}

// Conditions says what the source asks for. It may come at any time before Close,
// once; nothing asked is nothing written.
func (s *Sealer) Conditions(c Conditions) error {
	if c = c.tidy(); c.IsZero() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked {
		return fmt.Errorf("seal: there are conditions already: %w", fault.Conflict)
	}
	s.asked = true
	s.record(frameConditions, c)
	return s.err
}

// Conditions are what the source asks for. They are known for certain once Next has
// returned nil.
func (r *Reader) Conditions() Conditions { return r.conditions }

// ask takes conditions. Those that cannot be read are passed over, as any frame in
// small letters; of several the first count.
func (r *Reader) ask(n int64) error {
	b := make([]byte, n)
	if _, err := io.ReadFull(r.r, b); err != nil {
		return noEOF(err)
	}
	var c Conditions
	if r.conditions.IsZero() && json.Unmarshal(b, &c) == nil {
		r.conditions = c.tidy()
	}
	return nil
}
