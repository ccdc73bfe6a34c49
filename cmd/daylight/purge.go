package main

import (
	"errors"
	"fmt"

	"daylight/fault"
)

type purgeCmd struct {
	Yes bool `help:"Do it. Without this, nothing is destroyed."`
}

func (purgeCmd) Help() string {
	return `Example: daylight purge --data /srv/intake --yes

Destroys all envelopes that the desk has not fetched, and all replies that sources have not destroyed: the keys first, then
all room on the disk is written anew. Stop intake first: the command refuses while it runs. Backups and the courier's folder
are not touched, and what the desk has fetched is at the desk.`
}

func (c *purgeCmd) Run(a *app) error {
	in, err := roleInstance(a.data, "intake")
	if err != nil {
		return err
	}
	if !c.Yes {
		return fault.Say("This destroys every envelope that the desk has not fetched, and every reply. Nobody can bring them back. Nothing was destroyed. To do it, add --yes.", fault.Invalid)
	}
	unlock, err := in.lock()
	if err != nil {
		return err
	}
	defer unlock()
	store, err := a.openIntakeStore(in)
	if err != nil {
		return err
	}
	envelopes, replies, err := store.Purge(a.ctx)
	if err = errors.Join(err, store.Close()); err != nil {
		return err
	}
	if a.json {
		return a.print(map[string]int{"envelopes": envelopes, "replies": replies})
	}
	fmt.Fprintf(a.stdout, "Destroyed: envelopes that were not fetched: %d; replies: %d. Their keys are gone, and all room was written anew.\nBackups of this intake and the courier's folder still hold what they held.\n", envelopes, replies)
	return nil
}
