package desk

import (
	"fmt"
	"time"

	"daylight/fault"
)

// day is how the desk writes when something was: nothing finer is kept but in the
// audit log.
func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// checkDay takes "", YYYY, YYYY-MM and YYYY-MM-DD.
func checkDay(s string) error {
	for _, layout := range []string{"2006", "2006-01", time.DateOnly} {
		if _, err := time.Parse(layout, s); err == nil {
			return nil
		}
	}
	if s == "" {
		return nil
	}
	return fault.Say("A day is written as 2012, 2012-05 or 2012-05-31.", fmt.Errorf("day: %w", fault.Invalid))
}
