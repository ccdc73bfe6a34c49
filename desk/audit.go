package desk

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"daylight/fault"
)

// Entry is one line of the audit log: who did what, to which thing, when. Things
// are named by their ids; no content, no title and no name of a file is in it.
type Entry struct {
	Number int64 // 1 for the first
	At     time.Time
	By     EditorID
	Act    string // "approve", "open conversation"…
	On     string // an id, or ""
	Hash   [32]byte
}

// Chain gives the entry its number and its hash, which covers the entry before. So
// a line cannot be changed or taken out without changing every hash after it.
func (e Entry) chain(last Entry) Entry {
	e.Number = last.Number + 1
	e.At = e.At.UTC().Truncate(time.Second)
	e.Hash = e.sum(last.Hash)
	return e
}

func (e Entry) sum(last [32]byte) [32]byte {
	b := append([]byte("daylight audit 0\x00"), last[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Number))
	b = binary.BigEndian.AppendUint64(b, uint64(e.At.Unix()))
	for _, s := range []string{string(e.By), e.Act, e.On} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	return sha256.Sum256(b)
}

// note writes a line. It comes before the act, so that no act is without a line; a
// line whose act then failed is possible, and does no harm.
func (d *Desk) note(ctx context.Context, by EditorID, act, on string) error {
	err := d.o.Stores.Audit.Append(ctx, func(last Entry) Entry {
		return Entry{At: d.o.Now(), By: by, Act: act, On: on}.chain(last)
	})
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// CheckAudit reads the whole audit log and returns its length, or fault.Damaged
// with the number of the first line that does not follow from the one before.
func (d *Desk) CheckAudit(ctx context.Context) (int64, error) {
	var last Entry
	for e, err := range d.o.Stores.Audit.Each(ctx, 0) {
		if err != nil {
			return last.Number, fmt.Errorf("check audit log: %w", err)
		}
		if e.Number != last.Number+1 || e.Hash != e.sum(last.Hash) {
			return last.Number, fmt.Errorf("check audit log: line %d does not follow from line %d: %w", e.Number, last.Number, fault.Damaged)
		}
		last = e
	}
	return last.Number, nil
}

// AuditLog returns the last n entries, newest first, to editors and administrators.
// It has no content; but which conversation somebody worked on is for handlers only,
// and everybody else reads that there was one.
func (d *Desk) AuditLog(ctx context.Context, by EditorID, n int) ([]Entry, error) {
	u, err := d.may(ctx, by, Editor, Admin)
	if err != nil {
		return nil, err
	}
	var ring []Entry
	for e, err := range d.o.Stores.Audit.Each(ctx, 0) {
		if err != nil {
			return nil, fmt.Errorf("read audit log: %w", err)
		}
		if strings.HasPrefix(e.Act, talkAct) && !u.Is(Handler) {
			e.Act, e.On = "conversation", ""
		}
		ring = append(ring, e)
		if len(ring) > 2*n {
			ring = append(ring[:0], ring[len(ring)-n:]...)
		}
	}
	if len(ring) > n {
		ring = ring[len(ring)-n:]
	}
	slices.Reverse(ring)
	return ring, nil
}
