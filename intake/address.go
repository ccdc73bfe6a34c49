package intake

import (
	"context"
	"fmt"

	"daylight/codename"
	"daylight/envelope"
	"daylight/internal/secret"
)

// addAddress puts into the envelope where replies go. The keys of a new codename
// are derived while the rest arrives: whoever sends need not wait for it.
func (sub *Submission) addAddress(newsroom [16]byte) error {
	box := secret.New[secrets]()
	defer box.Wipe()
	now := box.V
	if err := sub.s.use(func(open *secrets) { *now = *open }); err != nil {
		return err
	}
	if !now.derived {
		if err := sub.derive(now, newsroom); err != nil {
			return err
		}
	}
	key, err := envelope.FromSecret(now.reply)
	if err != nil {
		return err
	}
	return sub.sealer.Address(envelope.Address{Mailbox: fmt.Sprintf("%x", now.mailbox), Key: key.Recipient().String()})
}

func (sub *Submission) derive(s *secrets, newsroom [16]byte) error {
	c, err := codename.Load(s.words[:])
	if err != nil {
		return err
	}
	defer c.Wipe()
	if err := sub.s.in.firsts.do(context.Background(), func() { s.take(c, newsroom) }); err != nil {
		return err
	}
	s.last, s.today = sub.s.in.visits.count(sub.s.in.day(), s.visits)
	// The visit may be over by now: the envelope gets its address all the same.
	sub.s.use(func(open *secrets) { *open = *s })
	return nil
}
