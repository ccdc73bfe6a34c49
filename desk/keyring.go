package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"filippo.io/age"

	"daylight/corpus"
	"daylight/courier"
	"daylight/envelope"
	"daylight/fault"
	"daylight/release"
)

// Keyring is what opens envelopes, those of keys that are retired among it, and what
// intake seals to. It may change while the desk runs.
type Keyring struct {
	Identities []age.Identity
	List       envelope.KeyList
	Signed     []byte // the list as intake takes it; nil: nothing is handed over
}

// given remembers what was done with the keyring of the last round.
type given struct {
	mu     sync.Mutex
	serial int // of the list that intake has; 0 is not known
}

// handKeys gives intake the list where it may have another.
func (d *Desk) handKeys(ctx context.Context, in courier.Intake, ring Keyring) error {
	d.given.mu.Lock()
	defer d.given.mu.Unlock()
	if ring.Signed == nil || d.given.serial == ring.List.Serial {
		return nil
	}
	err := in.PutKeys(ctx, ring.Signed)
	refused := errors.Is(err, fault.Conflict) || errors.Is(err, fault.Unverified) || errors.Is(err, fault.Damaged)
	if err == nil || refused { // what is refused now is refused tomorrow: it is said once
		d.given.serial = ring.List.Serial
	}
	if err != nil {
		return fmt.Errorf("hand list %d of keys to intake: %w", ring.List.Serial, err)
	}
	return nil
}

// sealedTo learns from an envelope with which list intake works: a stick with a newer
// one may have got lost on its way.
func (d *Desk) sealedTo(serial int) {
	d.given.mu.Lock()
	defer d.given.mu.Unlock()
	if serial > 0 && serial < d.given.serial {
		d.given.serial = 0
	}
}

// Channel is a team of the newsroom that a source may choose.
type Channel struct{ ID, Name string }

// Channels are those that sources can choose now. One is no choice.
func (d *Desk) Channels() ([]Channel, error) {
	ring, err := d.o.Keyring()
	if err != nil {
		return nil, fmt.Errorf("channels: %w", err)
	}
	var all []Channel
	for _, c := range ring.List.Channels {
		all = append(all, Channel{c.ID, c.Name("en")})
	}
	return all, nil
}

// KeysTitle is the title of the case in which key events wait for two editors.
const KeysTitle = "Keys of the newsroom"

// NoteKeys puts events of keys into a case of their own, from where they go into the
// publication log like anything else that the desk writes: when two editors approve.
// The keys themselves do not wait for that. Noting an event twice is noting it once.
func (d *Desk) NoteKeys(ctx context.Context, events []release.Key) error {
	c, err := d.o.Stores.Cases.Of(ctx, corpus.CollectionID(Slug(KeysTitle)))
	if errors.Is(err, fault.NotFound) {
		if c, err = NewCase(KeysTitle); err == nil {
			err = d.addCase(ctx, Operator, c)
		}
	}
	if err != nil {
		return fmt.Errorf("note keys: %w", err)
	}
	err = d.o.Stores.Cases.Update(ctx, c.ID, func(c *Case) error {
		a := c.Authored
		a.Keys = slices.Clone(a.Keys)
		for _, e := range events {
			same := func(k release.Key) bool { return k.Name == e.Name && k.Event == e.Event && k.Public == e.Public }
			if !slices.ContainsFunc(a.Keys, same) {
				a.Keys = append(a.Keys, e)
			}
		}
		if len(a.Keys) > len(c.Authored.Keys) {
			c.Status = StatusOpen
			c.SetAuthored(a)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note keys: %w", err)
	}
	return nil
}
