package intake

import (
	"fmt"
	"io"

	"daylight/envelope"
	"daylight/fault"
)

// Before takes the day before which nothing shall be published, as the form has it. It
// is not checked: what is no day is words, which the newsroom reads. It comes before the
// files. Conditions of what is not taken are in the arrival, for its owner to ask again.
func (sub *Submission) Before(r io.Reader) error {
	day, err := io.ReadAll(io.LimitReader(r, envelope.MaxBefore))
	if err != nil {
		sub.Break()
		return errBroken
	}
	defer clear(day)
	if sub.s.gives(day) {
		return sub.condition(func(c *envelope.Conditions) { c.Before = hidden })
	}
	return sub.condition(func(c *envelope.Conditions) { c.Before = string(day) })
}

// hidden stands where the words for a day have the codename in them: nothing is lost but
// these words, and the newsroom sees that something was asked.
const hidden = "?"

// Unquoted takes the wish that messages are not quoted. It comes before the files.
func (sub *Submission) Unquoted() error {
	return sub.condition(func(c *envelope.Conditions) { c.Unquoted = true })
}

func (sub *Submission) condition(set func(*envelope.Conditions)) error {
	if sub.asked {
		return sub.stop(fmt.Errorf("condition named after the files: %w", fault.Invalid))
	}
	set(&sub.arrival.Conditions)
	return nil
}

// ask seals the conditions, once there are any.
func (sub *Submission) ask() error {
	if sub.asked || sub.arrival.Conditions.IsZero() {
		return nil
	}
	sub.asked = true
	if err := sub.sealer.Conditions(sub.arrival.Conditions); err != nil {
		sub.arrival.Conditions = envelope.Conditions{} // nobody shall be told that they are sealed
		return fmt.Errorf("keep conditions: %w", err)
	}
	return nil
}
