package main

import (
	"fmt"

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
