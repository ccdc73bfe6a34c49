package intake

import (
	"context"
	"fmt"
	"io"

	"daylight/courier"
	"daylight/fault"
)

// A mailbox's name is known to who has its codename, and to the desk. Who names it may
// have what lies there, sealed: the source's own program opens it.

// Replies lists the sealed replies of a mailbox, in an order that tells nothing. One
// that nobody wrote to is empty. fault.Invalid for what is no name of a mailbox.
func (in *Intake) Replies(ctx context.Context, box courier.MailboxID) ([]courier.ReplyID, error) {
	if !box.Valid() {
		return nil, fmt.Errorf("mailbox: %w", fault.Invalid)
	}
	return in.store.Replies(ctx, box)
}

// OpenReply reads one as it is sealed: fault.NotFound when the mailbox has none of
// that name.
func (in *Intake) OpenReply(ctx context.Context, box courier.MailboxID, id courier.ReplyID) (io.ReadCloser, error) {
	return in.store.OpenReply(ctx, box, id)
}

// DestroyReply makes one unreadable: fault.NotFound when the mailbox has none of that
// name.
func (in *Intake) DestroyReply(ctx context.Context, box courier.MailboxID, id courier.ReplyID) error {
	return in.store.DestroyReply(ctx, box, id, in.until())
}
