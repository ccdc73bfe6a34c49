package intake

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"daylight/envelope"
	"daylight/fault"
)

// Text takes a message. An empty one is nothing. One that is too long is cut, and
// the error is fault.TooLarge; the submission goes on. There is one message: no form
// of ours has more, and a million of them would each be small enough. One that has
// the codename in it is ErrTold, and is not sealed.
func (sub *Submission) Text(r io.Reader) error {
	if sub.stopped != nil {
		return sub.stopped
	}
	if sub.message != nil || len(sub.arrival.Parts) > sub.files() {
		return sub.stop(fmt.Errorf("more than one message: %w", fault.Invalid))
	}
	text, err := readMessage(r, sub.s.in.limits.Message+1)
	if len(text) == 0 {
		if err != nil {
			sub.Break()
		}
		return err
	}
	if sub.s.gives(text) {
		sub.message = text
		return sub.stop(ErrTold)
	}
	if err == nil && sub.short(text) {
		sub.message = text
		return nil
	}
	err = sub.sealMessage(text, err)
	if errors.Is(err, errMessage) {
		sub.arrival.Err = err
		return err
	}
	return sub.stop(err)
}

// short reports whether a message is too little to begin with.
func (sub *Submission) short(text []byte) bool {
	return sub.sealer == nil && !sub.s.proven() && utf8.RuneCount(bytes.TrimSpace(text)) < sub.s.in.limits.First
}

// readMessage reads up to n bytes, and leaves no copy of them behind. The error is
// errBroken.
func readMessage(r io.Reader, n int64) ([]byte, error) {
	b := make([]byte, 0, min(4<<10, n))
	for int64(len(b)) < n {
		if len(b) == cap(b) {
			larger := make([]byte, len(b), min(4*int64(cap(b)), n))
			copy(larger, b)
			clear(b)
			b = larger
		}
		m, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+m]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, errBroken
		}
	}
	return b, nil
}

// sealMessage puts a message into the envelope. broken is why there is not all of it.
func (sub *Submission) sealMessage(text []byte, broken error) error {
	defer clear(text)
	if limit := sub.s.in.limits.Message; int64(len(text)) > limit {
		text, broken = text[:limit], errMessage
	}
	if err := sub.start(); err != nil {
		return err
	}
	if err := sub.room(int64(len(text))); err != nil {
		return err
	}
	w, err := sub.sealer.BeginText()
	if err != nil {
		return err
	}
	n, err := w.Write(text)
	if err != nil {
		err = fmt.Errorf("keep message: %w", err)
	} else {
		err = broken
	}
	got := Received{Type: envelope.Text, Size: int64(n), Cut: err != nil}
	if got.Cut {
		err = errors.Join(err, w.Cut())
	} else if err = w.Close(); err == nil {
		said := bytes.TrimSpace(text)
		sub.note(sub.s.in.repeats.head(sub.s.in.day(), said), int64(len(said)))
	}
	sub.arrived(n)
	sub.arrival.Parts = append(sub.arrival.Parts, got)
	return err
}

// settle seals a short message, once something came with it.
func (sub *Submission) settle() error {
	if sub.message == nil {
		return nil
	}
	text := sub.message
	sub.message = nil
	return sub.sealMessage(text, nil)
}
