package desk

import "time"

// SetTrying says how long a round tries keys on what did not open.
func SetTrying(d time.Duration) (restore func()) {
	old := trying
	trying = d
	return func() { trying = old }
}

// SetTaking says how long a round takes in what is small, and what is large.
func SetTaking(d time.Duration) (restore func()) {
	old := taking
	taking = d
	return func() { taking = old }
}

var FileName = fileName
