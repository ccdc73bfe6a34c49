package intake

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"

	"daylight/codename"
	"daylight/courier"
	"daylight/fault"
)

// A source's own program says what opens its mailbox, and has what lies there, sealed:
// the program opens it. The mailbox's name would not do. It lies beside each reply here and
// on sticks, in backups, and at the desk: who saw it there could ask, every few seconds,
// until the source came and destroyed a reply.

// mailbox is the mailbox that 32 bytes in hex open. fault.Invalid for what is none.
func mailbox(opens string) (courier.MailboxID, error) {
	if !courier.MailboxID(opens).Valid() { // of the same form
		return "", fmt.Errorf("mailbox: %w", fault.Invalid)
	}
	var key [32]byte
	defer clear(key[:])
	hex.Decode(key[:], []byte(opens))
	box := codename.Mailbox(key)
	return courier.MailboxID(hex.EncodeToString(box[:])), nil
}

// Replies lists the sealed replies of a mailbox, in an order that tells nothing. One
// that nobody wrote to is empty. fault.Invalid for what can open none.
func (in *Intake) Replies(ctx context.Context, opens string) ([]courier.ReplyID, error) {
	box, err := mailbox(opens)
	if err != nil {
		return nil, err
	}
	return in.store.Replies(ctx, box)
}

// OpenReply reads one as it is sealed: fault.NotFound when the mailbox has none of
// that name.
func (in *Intake) OpenReply(ctx context.Context, opens string, id courier.ReplyID) (io.ReadCloser, error) {
	box, err := mailbox(opens)
	if err != nil {
		return nil, err
	}
	return in.store.OpenReply(ctx, box, id)
}

// DestroyReply makes one unreadable: fault.NotFound when the mailbox has none of that
// name.
func (in *Intake) DestroyReply(ctx context.Context, opens string, id courier.ReplyID) error {
	box, err := mailbox(opens)
	if err != nil {
		return err
	}
	return in.store.DestroyReply(ctx, box, id, in.until())
}
