package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"daylight/envelope"
	"daylight/fault"
	"daylight/internal/durable"
	"daylight/release"
)

type keysFingerprintCmd struct{}

func (keysFingerprintCmd) Help() string {
	return `Example: daylight keys fingerprint --data /srv/desk

The words stand for the newsroom's id and the key that signs. They stay when keys that open are rotated.
Make them known where sources look: in print, on the newsroom's site. Whoever works them out on a machine
of their own, and finds the same, has the newsroom's key. A page that shows them proves nothing by that.`
}

func (keysFingerprintCmd) Run(a *app) error {
	in, err := openInstance(a.data)
	if err != nil {
		return err
	}
	if in.Role == "trial" {
		if in, err = openInstance(in.path("desk")); err != nil {
			return err
		}
	}
	words, err := in.fingerprint()
	if err != nil {
		return err
	}
	if a.json {
		return a.print(map[string]string{"fingerprint": words})
	}
	for i, w := range strings.Fields(words) {
		fmt.Fprintf(a.stdout, "%d  %s\n", i+1, w)
	}
	return nil
}

type keysNewRecipientCmd struct {
	Name string `required:"" help:"What people call it: \"vault 2026\"."`
	Out  string `arg:"" type:"path" help:"File for the private key; the public one lies beside it, with .pub." placeholder:"FILE"`
}

func (keysNewRecipientCmd) Help() string {
	return `Example, on a machine without a network:

    daylight keys new-recipient --name "vault 2026" /media/stick/vault.key
    daylight keys paper /media/stick/vault.key

Carry vault.key.pub to the desk (daylight keys add). The private key opens what sources send from then on, with
the age command or with a desk: it stays here, and on paper.`
}

func (c *keysNewRecipientCmd) Run(a *app) error {
	for _, path := range []string{c.Out, c.Out + ".pub"} {
		if _, err := os.Lstat(path); err == nil {
			return fault.Say(path+" is there already. Nothing was changed.", fault.Conflict)
		}
	}
	key, err := envelope.NewKey(c.Name)
	if err != nil {
		return fault.Say("A key's name is one short line.", err)
	}
	text, err := key.MarshalText()
	if err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	public, err := key.Public().MarshalText()
	if err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	if err := errors.Join(durable.WriteFile(c.Out, text), durable.WriteFile(c.Out+".pub", public)); err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	fmt.Fprintf(a.stdout, "Made %s, which only its owner may have, and %s.pub for the desk.\n", c.Out, c.Out)
	return nil
}

type keysAddCmd struct {
	Public  string `arg:"" type:"path" help:"The public key, as new-recipient made it." placeholder:"FILE.pub"`
	Channel string `help:"Which channel it is for; needed where there are several."`
}

func (keysAddCmd) Help() string {
	return "Example: daylight keys add --data /srv/desk --channel politics /media/stick/vault.key.pub"
}

func (c *keysAddCmd) Run(a *app) error {
	text, err := os.ReadFile(c.Public)
	if err != nil {
		return fmt.Errorf("public key: %w", err)
	}
	key, err := envelope.ParsePublicKey(text)
	if err != nil {
		return fault.Say(c.Public+" is no public key as `daylight keys new-recipient` makes it. Nothing was changed.", err)
	}
	return a.changeKeys(func(k *keyChange) error {
		to, err := k.channel(c.Channel)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(to.Keys, func(p envelope.PublicKey) bool { return p.Name == key.Name }) {
			return fault.Say(fmt.Sprintf("The channel %s has a key %q already. Nothing was changed.", to.ID, key.Name), fault.Conflict)
		}
		return k.put(to, key)
	})
}

type keysRetireCmd struct {
	Name        string `arg:"" help:"The key, as daylight keys list shows it."`
	Compromised bool   `help:"Somebody else may have it: the publication log says so."`
}

func (keysRetireCmd) Help() string {
	return `Example: daylight keys retire --data /srv/desk "vault 2026"

Nothing is sealed to it from the next list on. Where its private half is here, it stays, and opens what was sealed before.`
}

func (c *keysRetireCmd) Run(a *app) error {
	return a.changeKeys(func(k *keyChange) error {
		found, err := k.drop(k.all(), func(p envelope.PublicKey) bool { return p.Name == c.Name }, lost(c.Compromised))
		if err == nil && !found {
			err = fault.Say(fmt.Sprintf("No key of the name %q is in use. `daylight keys list` shows those that are. Nothing was changed.", c.Name), fault.NotFound)
		}
		return err
	})
}

type keysRotateCmd struct {
	Channel     string `help:"Which channel; needed where there are several."`
	Name        string `help:"What people call the new key; else the channel and the day."`
	Compromised bool   `help:"Somebody else may have the old one: the publication log says so."`
}

func (keysRotateCmd) Help() string {
	return `Example: daylight keys rotate --data /srv/desk --channel politics

The desk gets a new key for the channel. Its old one stays here, opens what was sealed to it, and is never sealed to again.
Keys whose private half is elsewhere stay in the channel.`
}

func (c *keysRotateCmd) Run(a *app) error {
	return a.changeKeys(func(k *keyChange) error {
		of, err := k.channel(c.Channel)
		if err != nil {
			return err
		}
		old := map[string]bool{}
		for _, p := range k.private {
			old[p.Public().String()] = true
		}
		if err := k.make(of, c.Name); err != nil {
			return err
		}
		_, err = k.drop([]*envelope.Channel{of}, func(p envelope.PublicKey) bool { return old[p.String()] }, lost(c.Compromised))
		return err
	})
}

type keysChannelCmd struct {
	Add    keysChannelAddCmd    `cmd:"" help:"Add a channel, with a key of its own."`
	Set    keysChannelSetCmd    `cmd:"" help:"Change what sources read of a channel."`
	Remove keysChannelRemoveCmd `cmd:"" help:"Remove a channel: sources can no longer choose it."`
}

type channelWords struct {
	ID    string            `arg:"" help:"Letters a-z, digits and hyphens." placeholder:"CHANNEL"`
	Name  map[string]string `mapsep:"none" placeholder:"LANGUAGE=TEXT" help:"What sources read: en=Politics. Once for each language; English stands for those that are not there."`
	About map[string]string `mapsep:"none" placeholder:"LANGUAGE=TEXT" help:"A sentence on who reads what is sent there, without names of people."`
}

// inLanguages puts English first, which stands for languages that are not there, and
// then the others by their tags.
func inLanguages(texts map[string]string) []envelope.Words {
	var all []envelope.Words
	for _, l := range slices.Sorted(maps.Keys(texts)) {
		w := envelope.Words{Language: l, Text: texts[l]}
		if l == "en" {
			all = slices.Insert(all, 0, w)
		} else {
			all = append(all, w)
		}
	}
	return all
}

type keysChannelAddCmd struct{ channelWords }

func (keysChannelAddCmd) Help() string {
	return `Example:

    daylight keys channel add --data /srv/desk harbour --name en="The harbour" --name ar=الميناء \
        --about en="Three reporters who follow the port. Nobody else opens it."

With two channels or more, sources choose on the page for sending; the first is chosen beforehand.`
}

func (c *keysChannelAddCmd) Run(a *app) error {
	return a.changeKeys(func(k *keyChange) error {
		if slices.ContainsFunc(k.list.Channels, func(have envelope.Channel) bool { return have.ID == c.ID }) {
			return fault.Say(fmt.Sprintf("There is a channel %s already. `daylight keys channel set` changes it.", c.ID), fault.Conflict)
		}
		k.list.Channels = append(k.list.Channels, envelope.Channel{ID: c.ID, Names: inLanguages(c.Name), About: inLanguages(c.About)})
		return k.make(&k.list.Channels[len(k.list.Channels)-1], "")
	})
}

type keysChannelSetCmd struct{ channelWords }

func (keysChannelSetCmd) Help() string {
	return `Example: daylight keys channel set --data /srv/desk newsroom --name en="The editors" --about en="The three chief editors."

All names, or all sentences, are replaced by those given.`
}

func (c *keysChannelSetCmd) Run(a *app) error {
	return a.changeKeys(func(k *keyChange) error {
		of, err := k.channel(c.ID)
		if err != nil {
			return err
		}
		if len(c.Name) > 0 {
			of.Names = inLanguages(c.Name)
		}
		if len(c.About) > 0 {
			of.About = inLanguages(c.About)
		}
		return nil
	})
}

type keysChannelRemoveCmd struct {
	ID string `arg:"" placeholder:"CHANNEL"`
}

func (keysChannelRemoveCmd) Help() string {
	return `Example: daylight keys channel remove --data /srv/desk harbour

What was sent to it stays readable, and its conversations go on.`
}

func (c *keysChannelRemoveCmd) Run(a *app) error {
	return a.changeKeys(func(k *keyChange) error {
		if _, err := k.channel(c.ID); err != nil {
			return err
		}
		if len(k.list.Channels) == 1 {
			return fault.Say("This is the only channel: sources would have nobody to send to. Nothing was changed.", fault.Conflict)
		}
		k.list.Channels = slices.DeleteFunc(k.list.Channels, func(have envelope.Channel) bool { return have.ID == c.ID })
		k.gone(release.KeyRetired)
		return nil
	})
}
