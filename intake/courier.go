package intake

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"

	"daylight/courier"
	"daylight/fault"
)

// Courier is what the desk does here, in one process with it or behind an address
// of the desk's own.
func (in *Intake) Courier() courier.Intake { return forDesk{in} }

type forDesk struct{ in *Intake }

func (d forDesk) Envelopes(ctx context.Context) ([]courier.Envelope, error) {
	return d.in.store.Envelopes(ctx)
}

func (d forDesk) Open(ctx context.Context, id courier.EnvelopeID) (io.ReadCloser, error) {
	return d.in.store.OpenEnvelope(ctx, id)
}

func (d forDesk) Acknowledge(ctx context.Context, ids []courier.EnvelopeID) error {
	return d.in.store.DestroyEnvelopes(ctx, ids)
}

// ageHead begins every file of age, version 1.
const ageHead = "age-encryption.org/v1\n"

// PutReply refuses what is not sealed, and does not take anybody's word for it.
func (d forDesk) PutReply(ctx context.Context, box courier.MailboxID, id courier.ReplyID, sealed io.Reader) error {
	if !box.Valid() || !id.Valid() {
		return fmt.Errorf("put reply: mailbox or id: %w", fault.Invalid)
	}
	r := bufio.NewReader(sealed)
	if head, _ := r.Peek(len(ageHead)); !bytes.Equal(head, []byte(ageHead)) {
		return fmt.Errorf("put reply: not sealed: %w", fault.Invalid)
	}
	return d.in.store.PutReply(ctx, box, id, d.in.until(), &limited{r, d.in.limits.Reply})
}

func (d forDesk) PutKeys(ctx context.Context, list []byte) error { return d.in.putKeys(ctx, list) }

func (d forDesk) Close() error { return nil } // the intake is somebody else's to close

// limited is an error where io.LimitReader would end.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, fmt.Errorf("reply: %w", fault.TooLarge)
	}
	return n, err
}
