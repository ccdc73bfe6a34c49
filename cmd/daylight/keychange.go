package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"daylight/desk"
	"daylight/envelope"
	"daylight/fault"
	"daylight/internal/durable"
	"daylight/publog"
	"daylight/release"
)

// keyChange is the next list of a desk's keys on its way.
type keyChange struct {
	in      instance
	was     envelope.KeyList
	list    envelope.KeyList
	private []envelope.PrivateKey
	events  []release.Key
	names   map[string]bool // that were ever given to a key
	added   bool            // there is a private key that no backup has yet
}

// changeKeys lets f change the list of a desk, which may be running, and signs it. What
// a crash leaves is either the list before, or all of it.
func (a *app) changeKeys(f func(*keyChange) error) error {
	in, err := roleInstance(a.data, "desk")
	if err != nil {
		return err
	}
	unlock, err := in.take(in.path("keys.lock"))
	if err != nil {
		return err
	}
	defer unlock()
	k, err := in.openKeys()
	if err != nil {
		return err
	}
	if err := f(k); err != nil {
		return err
	}
	if err := k.commit(); err != nil {
		return err
	}
	if a.json {
		return a.print(map[string]any{"serial": k.list.Serial, "events": k.events})
	}
	for _, e := range k.events {
		fmt.Fprintf(a.stdout, "%s: %s\n", e.Name, e.Event)
	}
	fmt.Fprintf(a.stdout, "List %d is signed. A running desk hands it to intake with its next round; where no courier goes, carry %s there, into the folder keys, and start intake anew.\n",
		k.list.Serial, in.path("public", pubSources))
	if len(k.events) > 0 {
		fmt.Fprintf(a.stdout, "What happened waits on the desk, in the case %q, until two editors let it go out.\n", desk.KeysTitle)
	}
	if k.added {
		fmt.Fprintln(a.stdout, "There is a new private key: print it (daylight keys paper) and make a backup, before anything is sealed to it.")
	}
	return nil
}

// openKeys reads what there is.
func (in instance) openKeys() (*keyChange, error) {
	_, list, err := in.keyList()
	if err != nil {
		return nil, err
	}
	private, err := in.privateKeys()
	if err != nil {
		return nil, err
	}
	k := &keyChange{in: in, was: list, list: list, private: private, names: map[string]bool{}}
	k.list.Channels = slices.Clone(list.Channels)
	for _, p := range private {
		k.names[p.Name] = true
	}
	for _, p := range list.Keys() {
		k.names[p.Name] = true
	}
	for _, dir := range []string{keyEvents, filepath.Join(keyEvents, "done")} {
		for _, path := range in.keyEventFiles(dir) {
			events, err := readKeyEvents(path)
			if err != nil {
				return nil, err
			}
			for _, e := range events {
				k.names[e.Name] = true
			}
		}
	}
	return k, nil
}

// commit writes private keys, then events, then the list that makes them true.
func (k *keyChange) commit() error {
	k.list.Serial++
	if err := k.list.Check(); err != nil {
		return fault.Say(fmt.Sprintf("The list of keys would not be valid: %v. Nothing was changed.", err), err)
	}
	secret, err := k.in.secret(keyReleases)
	if err != nil {
		return err
	}
	signer, err := publog.ParseSigner(string(secret))
	if err != nil {
		return fmt.Errorf("key %s: %w", keyReleases, err)
	}
	signed, err := k.list.Sign(signer)
	if err != nil {
		return err
	}
	if k.added {
		var text []byte
		for _, p := range k.private {
			one, err := p.MarshalText()
			if err != nil {
				return fmt.Errorf("write keys: %w", err)
			}
			text = append(text, one...)
		}
		if err := durable.WriteFile(k.in.path("keys", keyEnvelopes), text); err != nil {
			return fmt.Errorf("write keys: %w", err)
		}
	}
	if err := k.in.writeKeyEvents(k.list.Serial, k.events); err != nil {
		return err
	}
	return durable.WriteFile(k.in.path("public", pubSources), signed)
}

// channel finds the channel to change. With no name it is the only one.
func (k *keyChange) channel(id string) (*envelope.Channel, error) {
	if id == "" && len(k.list.Channels) > 1 {
		return nil, fault.Say("There are several channels: name one with --channel. Nothing was changed.", fault.Invalid)
	}
	for i := range k.list.Channels {
		if id == "" || k.list.Channels[i].ID == id {
			return &k.list.Channels[i], nil
		}
	}
	return nil, fault.Say(fmt.Sprintf("There is no channel %q. `daylight keys list` shows those that there are.", id), fault.NotFound)
}

// make makes a private key of this desk, and puts it into a channel.
func (k *keyChange) make(c *envelope.Channel, name string) error {
	if name == "" {
		name = c.ID + " " + today()
		for n := 2; k.names[name]; n++ {
			name = fmt.Sprintf("%s %s %d", c.ID, today(), n)
		}
	}
	key, err := envelope.NewKey(name)
	if err != nil {
		return err
	}
	k.private, k.added = append(k.private, key), true
	return k.put(c, key.Public())
}

// put lets a key open what a channel gets. A name belongs to one key for ever: the
// publication log knows keys by their names.
func (k *keyChange) put(c *envelope.Channel, key envelope.PublicKey) error {
	known := slices.ContainsFunc(k.list.Keys(), func(p envelope.PublicKey) bool { return p.Name == key.Name && p.String() == key.String() })
	if k.names[key.Name] && !known {
		return fault.Say(fmt.Sprintf("There is, or was, another key of the name %q. Choose another name. Nothing was changed.", key.Name), fault.Conflict)
	}
	c.Keys = append(slices.Clone(c.Keys), key)
	k.event(release.KeyAdded, key)
	return nil
}

// drop takes keys out of channels, and notes those that are in none any more.
func (k *keyChange) drop(from []*envelope.Channel, which func(envelope.PublicKey) bool, event string) (found bool, err error) {
	for _, c := range from {
		left := slices.DeleteFunc(slices.Clone(c.Keys), which)
		if len(left) == 0 {
			return false, fault.Say(fmt.Sprintf("The channel %s would be left without a key. `daylight keys rotate` makes a new one in its place. Nothing was changed.", c.ID), fault.Conflict)
		}
		found = found || len(left) < len(c.Keys)
		c.Keys = left
	}
	k.gone(event)
	return found, nil
}

// gone notes the keys that are in no channel any more.
func (k *keyChange) gone(event string) {
	for _, p := range k.was.Keys() {
		if !slices.ContainsFunc(k.list.Keys(), func(q envelope.PublicKey) bool { return q.Name == p.Name }) {
			k.event(event, p)
		}
	}
}

// event notes what happened to a key.
func (k *keyChange) event(what string, key envelope.PublicKey) {
	e := release.Key{Event: what, Use: release.KeyOpens, Name: key.Name, Public: key.String(), Date: today()}
	of := k.was // of a key that goes, those that it had
	if what == release.KeyAdded {
		of = k.list
	}
	for _, c := range of.Channels {
		if slices.ContainsFunc(c.Keys, func(p envelope.PublicKey) bool { return p.Name == key.Name }) {
			e.Channels = append(e.Channels, c.ID)
		}
	}
	k.events = append(k.events, e)
}

func (k *keyChange) all() []*envelope.Channel {
	var all []*envelope.Channel
	for i := range k.list.Channels {
		all = append(all, &k.list.Channels[i])
	}
	return all
}

func lost(compromised bool) string {
	if compromised {
		return release.KeyCompromised
	}
	return release.KeyRetired
}

// keyEvents is the folder in which the commands leave what happened to keys for the
// desk, a file for each list; below it, in done, is what the desk has taken.
const keyEvents = "key-events"

func (in instance) writeKeyEvents(serial int, events []release.Key) error {
	path := in.path(keyEvents, keyEventFile(serial))
	if len(events) == 0 { // a crash may have left those of a list that never came
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("write key events: %w", err)
		}
		return nil
	}
	if err := durable.MkdirAll(in.path(keyEvents, "done")); err != nil {
		return err
	}
	b, err := json.MarshalIndent(events, "", " ")
	if err != nil {
		return fmt.Errorf("write key events: %w", err)
	}
	return durable.WriteFile(path, append(b, '\n'))
}

// keyEventFile sorts as serial numbers do.
func keyEventFile(serial int) string { return fmt.Sprintf("%06d.json", serial) }

func readKeyEvents(path string) ([]release.Key, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("key events: %w", err)
	}
	var events []release.Key
	if err := json.Unmarshal(b, &events); err != nil {
		return nil, fmt.Errorf("key events %s: %w: %w", filepath.Base(path), fault.Damaged, err)
	}
	return events, nil
}

// keyEventFiles are in the order of lists.
func (in instance) keyEventFiles(dir string) []string {
	files, _ := filepath.Glob(filepath.Join(in.path(dir), "[0-9]*.json")) // the pattern is good
	return files
}

// noteKeys brings what happened to keys onto the desk. Each step can be repeated. A
// file without the list that makes it true was left by a crash.
func (d *deskRole) noteKeys(ctx context.Context) error {
	files := d.in.keyEventFiles(keyEvents)
	if len(files) == 0 {
		return nil
	}
	_, list, err := d.in.keyList()
	if err != nil {
		return err
	}
	for _, path := range files {
		if filepath.Base(path) > keyEventFile(list.Serial) {
			continue
		}
		events, err := readKeyEvents(path)
		if err != nil {
			return err
		}
		if err := d.NoteKeys(ctx, events); err != nil {
			return err
		}
		done := d.in.path(keyEvents, "done", filepath.Base(path))
		if err := errors.Join(os.Rename(path, done), durable.SyncDir(filepath.Dir(done))); err != nil {
			return fmt.Errorf("key events: %w", err)
		}
	}
	return nil
}
