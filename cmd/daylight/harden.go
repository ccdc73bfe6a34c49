package main

import (
	"fmt"
	"strings"

	"daylight/fault"
	"daylight/internal/secret"
)

// harden keeps what this process knows from other processes, core dumps and swap,
// and says what of it the system did not give.
func (a *app) harden(role string) {
	gaps := secret.Hide()
	if role == "intake" {
		// The desk maps a search index of any size, which need not stay in memory.
		gaps = append(gaps, secret.Lock()...)
	}
	for _, g := range gaps {
		a.gap(g)
	}
}

func (a *app) gap(g secret.Gap) {
	fmt.Fprintf(a.stderr, "Not protected: %s.\n  → %s\n", g.What, g.Do)
}

// confined refuses to read documents where a hostile one that took its parser over
// would have the desk. A trial has nothing to lose.
func (d *deskRole) confined(c config) error {
	if d.in.Trial || d.pool.Available().Holds() || c.Desk.ReadHostileDocumentsUnconfined {
		return nil
	}
	return fault.Say("This machine cannot confine what reads documents: one hostile file could take over the desk, with all keys and sources' letters. "+
		"Nothing was started. Missing: "+strings.Join(d.pool.Available().Missing, "; ")+
		". Use a kernel with Landlock and seccomp (Debian 12 or later has both, also in a virtual machine; some containers take them away). "+
		"For tests with nothing at stake, daylight.toml can allow it: [desk] read_hostile_documents_unconfined = true", fault.Forbidden)
}
