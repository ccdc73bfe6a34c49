package desk

import "time"

// SetTrying says how long a round tries keys on what did not open.
func SetTrying(d time.Duration) (restore func()) {
	old := trying
	trying = d
	return func() { trying = old }
}
