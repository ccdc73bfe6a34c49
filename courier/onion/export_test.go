package onion

import "time"

// Hurry makes a client wait less, for tests.
func (c *Client) Hurry(wait, silence time.Duration) *Client {
	c.wait, c.silence = wait, silence
	return c
}

const (
	MaxTries = maxTries
	Enough   = enough
)

var (
	ReadList = readList
	ErrSlow  = errSlow
)
