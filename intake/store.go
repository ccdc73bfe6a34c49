package intake

import (
	"context"
	"io"

	"daylight/courier"
)

// Store is what intake keeps on disk, all of it sealed by others' keys.
// Implementations are safe for concurrent use; couriertest, by way of
// Intake.Courier, and the tests of this package prove them.
type Store interface {
	Envelopes
	Mailboxes
	KeyLists
	Upkeep
	Close() error
}

// Envelopes holds what has arrived and was not fetched.
type Envelopes interface {
	// Create makes room for one envelope. The day, YYYY-MM-DD, is all that is kept
	// of its time; until is the day of the rewrite that destroys it, fetched or not.
	// After a crash the slot counts as kept, with what it held.
	Create(ctx context.Context, day, until string) (Slot, error)

	// Envelopes lists what was kept, in an order that tells nothing.
	Envelopes(ctx context.Context) ([]courier.Envelope, error)

	// OpenEnvelope reads one that was kept: fault.NotFound when it is not there.
	OpenEnvelope(ctx context.Context, id courier.EnvelopeID) (io.ReadCloser, error)

	// Space is how many bytes there is room for, and how many there were with nothing
	// held. Where that cannot be told it is many.
	Space(ctx context.Context) (free, whole int64, err error)

	// DestroyEnvelopes makes them unreadable, also for who holds the disk. Unknown
	// ids are not an error.
	DestroyEnvelopes(ctx context.Context, ids []courier.EnvelopeID) error
}

// Slot takes the bytes of one envelope. It is for one goroutine at a time. When
// the disk fails in a Write nothing follows: all others fail, and Keep, which keeps
// what came before.
type Slot interface {
	io.Writer

	// Room makes sure that the slot can hold n bytes in all, and returns how many
	// it can hold now. When the disk has not as many left the error is fault.Full,
	// and what there was room for is still good.
	Room(n int64) (int64, error)

	// Keep makes the envelope durable and lets it be fetched. After an error it may
	// be listed all the same, now or after a start, with what the disk has of it.
	Keep(ctx context.Context) error

	// Drop forgets it. After Keep it does nothing.
	Drop()
}

// Mailboxes holds sealed replies under names that only a codename or the desk can
// tell.
type Mailboxes interface {
	// PutReply leaves a reply, until the rewrite of a day. An id that is there, or
	// was destroyed lately, is not an error, and changes nothing.
	PutReply(ctx context.Context, box courier.MailboxID, id courier.ReplyID, until string, sealed io.Reader) error

	// Replies lists a mailbox. One that nobody ever wrote to is empty: there is no
	// other difference between a mailbox that is in use and one that is not.
	Replies(ctx context.Context, box courier.MailboxID) ([]courier.ReplyID, error)

	// OpenReply reads one: fault.NotFound when this mailbox has none of that name.
	OpenReply(ctx context.Context, box courier.MailboxID, id courier.ReplyID) (io.ReadCloser, error)

	// DestroyReply makes a reply unreadable, also for who holds the disk. Until the
	// rewrite of a day it is known that it was there. fault.NotFound when this
	// mailbox has none of that name.
	DestroyReply(ctx context.Context, box courier.MailboxID, id courier.ReplyID, until string) error
}

// KeyLists holds the newsroom's public keys, signed by it.
type KeyLists interface {
	// KeyList returns the list in use: fault.NotFound before the first.
	KeyList(ctx context.Context) ([]byte, error)
	PutKeyList(ctx context.Context, list []byte) error
}

// Upkeep is what a store does at times that do not hang on anything that happens.
type Upkeep interface {
	// Rewrite destroys all whose day has come, but for what is still arriving, which
	// stays a week more. It writes everything that is held, and all room that holds
	// nothing, anew. What is read, arrives or is destroyed meanwhile is not disturbed.
	// After a crash all is there, old or new. A day that does not follow on the last may
	// be a wrong clock's: what the days between ended is destroyed with the next.
	Rewrite(ctx context.Context, day string) error

	// Rewritten is the day of the last rewrite; at first, that of the store.
	Rewritten(ctx context.Context) (string, error)

	// Beat does to all files, and to their times, what the end of an arrival does.
	Beat(ctx context.Context) error
}
