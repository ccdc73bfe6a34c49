// Package fault has the kinds of error that callers ask for, and the text that a
// stranger may see. It holds no other text: what an operator reads is the chain
// around it.
package fault

import "errors"

// Kinds. Ask with errors.Is; wrap with %w.
var (
	NotFound   = errors.New("not found")
	Gone       = errors.New("gone")             // was there, withdrawn by a decision of ours: 410
	Legal      = errors.New("legal duty")       // was there, withdrawn under a legal duty: 451
	Invalid    = errors.New("not valid")        // what was asked makes no sense as it stands
	Conflict   = errors.New("conflict")         // somebody else was quicker, or the state forbids it
	Forbidden  = errors.New("not allowed")      // known who asks, and the answer is no
	Unknown    = errors.New("not signed in")    // not known who asks
	TooLarge   = errors.New("too large")        //
	Full       = errors.New("no space left")    // nothing was lost that was kept before
	Busy       = errors.New("too much at once") // try again later
	Damaged    = errors.New("damaged")          // bytes are not what was written
	Unverified = errors.New("not verified")     // a signature or proof does not hold
)

// PublicError carries two texts: Words for the stranger, the rest of the chain
// for the operator. Words say what happened, what was kept and what to do; they
// hold no secret, no file name and nothing that a source sent.
type PublicError struct {
	Words string
	Err   error // kind and cause; may be nil
}

func (e *PublicError) Error() string {
	if e.Err == nil {
		return e.Words
	}
	return e.Err.Error()
}

func (e *PublicError) Unwrap() error { return e.Err }

// Say wraps err with words for the stranger.
func Say(words string, err error) error { return &PublicError{Words: words, Err: err} }

// Words returns the text for the stranger, or "" when there is none.
func Words(err error) string {
	var p *PublicError
	if errors.As(err, &p) {
		return p.Words
	}
	return ""
}
