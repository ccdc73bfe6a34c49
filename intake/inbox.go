package intake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"daylight/courier"
	"daylight/envelope"
	"daylight/fault"
	"daylight/internal/secret"
)

// Letter is a reply as its owner reads it, in memory only.
type Letter struct {
	ID    courier.ReplyID
	Time  time.Time // when the newsroom sealed it
	Text  string
	Files []Attachment
	End   envelope.End
}

// Attachment is a file of a reply. Its place is what Attachment asks for.
type Attachment struct {
	Place int
	Name  string
	Size  int64
}

// maxLetter bounds the text of one reply in memory.
const maxLetter = 1 << 20

// Inbox opens the replies of this visit's mailbox, oldest first. A mailbox that
// nobody wrote to, or that no source ever used, is empty and takes the same way.
// A visit with a new codename has no inbox yet: fault.NotFound.
func (s *Session) Inbox(ctx context.Context) ([]Letter, error) {
	box, key, err := s.keys()
	if err != nil {
		return nil, err
	}
	ids, err := s.in.store.Replies(ctx, box)
	if err != nil {
		return nil, fmt.Errorf("list replies: %w", err)
	}
	var letters []Letter
	for _, id := range ids {
		l, err := s.letter(ctx, box, key, id)
		if errors.Is(err, fault.NotFound) {
			continue // destroyed meanwhile, by its owner or by its day
		}
		if err != nil {
			return nil, err
		}
		letters = append(letters, l)
	}
	slices.SortFunc(letters, func(a, b Letter) int {
		return cmp.Or(a.Time.Compare(b.Time), strings.Compare(string(a.ID), string(b.ID)))
	})
	return letters, nil
}

// letter opens one reply. One that does not open is shown as damaged, so that its
// owner knows of it and can delete it.
func (s *Session) letter(ctx context.Context, box courier.MailboxID, key envelope.PrivateKey, id courier.ReplyID) (Letter, error) {
	l := Letter{ID: id, End: envelope.Damaged}
	sealed, err := s.in.store.OpenReply(ctx, box, id)
	if err != nil {
		return l, fmt.Errorf("open reply: %w", err)
	}
	defer sealed.Close()
	r, err := envelope.Open(sealed, key)
	if err != nil || r.Head.Kind != envelope.Reply {
		return l, nil
	}
	l.Time = r.Head.Time
	place := 0
	for e := range r.Entries() {
		if e.Type == envelope.Text {
			text, _ := io.ReadAll(io.LimitReader(e, int64(max(0, maxLetter-len(l.Text)))))
			l.Text += string(text)
			continue
		}
		n, _ := io.Copy(io.Discard, e)
		l.Files = append(l.Files, Attachment{place, e.Name, n})
		place++
	}
	l.End = r.End()
	return l, nil
}

// Attachment opens a file of a reply. Close it after use.
func (s *Session) Attachment(ctx context.Context, id courier.ReplyID, place int) (name string, _ io.ReadCloser, _ error) {
	box, key, err := s.keys()
	if err != nil {
		return "", nil, err
	}
	sealed, err := s.in.store.OpenReply(ctx, box, id)
	if err != nil {
		return "", nil, fmt.Errorf("open reply: %w", err)
	}
	r, err := envelope.Open(sealed, key)
	if err != nil {
		sealed.Close()
		return "", nil, fmt.Errorf("open reply: %w", err)
	}
	for e := range r.Entries() {
		if e.Type != envelope.File {
			continue
		}
		if place == 0 {
			return e.Name, attachment{e, sealed}, nil
		}
		place--
	}
	sealed.Close()
	return "", nil, fmt.Errorf("file of a reply: %w", fault.NotFound)
}

type attachment struct {
	io.Reader
	io.Closer
}

// Destroy makes a reply of this visit's mailbox unreadable, here. The newsroom may
// hold a copy.
func (s *Session) Destroy(ctx context.Context, id courier.ReplyID) error {
	box, _, err := s.keys()
	if err != nil {
		return err
	}
	if err := s.in.store.DestroyReply(ctx, box, id, s.in.until()); err != nil {
		return fmt.Errorf("destroy reply: %w", err)
	}
	return nil
}

// keys are the mailbox and the key that opens what lies in it.
func (s *Session) keys() (courier.MailboxID, envelope.PrivateKey, error) {
	now := secret.New[secrets]()
	defer now.Wipe()
	if err := s.use(func(open *secrets) { *now.V = *open }); err != nil {
		return "", envelope.PrivateKey{}, err
	}
	if !now.V.derived {
		return "", envelope.PrivateKey{}, fmt.Errorf("inbox of a new codename: %w", fault.NotFound)
	}
	key, err := envelope.FromSecret(now.V.reply)
	return courier.MailboxID(fmt.Sprintf("%x", now.V.mailbox)), key, err
}
