package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"daylight/desk"
)

// until waits for what the roles do by themselves.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not " + what)
		}
	}
}

var hana = desk.User{ID: "hana", Name: "Hana", Roles: []desk.Role{desk.Handler}}

// TestAStickGoesAndComes: the rounds of serve hold nothing between them, say once that the
// stick is away, and go on over what is put in next, which is another file system.
func TestAStickGoesAndComes(t *testing.T) {
	n := newNewsroom(t)
	n.stick.Close()
	n.fromIntakeSide.Close() // its own rounds are not those of serve
	if err := n.desk.PutUser(t.Context(), desk.Operator, hana); err != nil {
		t.Fatal(err)
	}
	stick, log := filepath.Join(filepath.Dir(n.deskDir), "stick"), &lockedBuffer{}
	a := &app{log: slog.New(slog.NewTextHandler(log, nil))}
	meet, err := n.desk.courier(config{Desk: deskConfig{Courier: stick}})
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	defer work.Wait()
	defer stop()
	work.Go(func() { a.syncFolder(ctx, n.intake, stick, 5*time.Millisecond) })
	work.Go(func() { a.fetch(ctx, n.desk, meet, 5*time.Millisecond) })

	for i := 1; i <= 2; i++ {
		sub := n.begin("")
		if err := sub.Text(strings.NewReader("I saw the ledger.")); err != nil {
			t.Fatal(err)
		}
		n.finish(sub)
		until(t, "carried to the desk, and destroyed at intake", func() bool {
			all, err := n.desk.Conversations(ctx, "hana")
			left, err2 := n.intake.Courier().Envelopes(ctx)
			if err := errors.Join(err, err2); err != nil {
				t.Fatal(err)
			}
			return len(all) == 1 && len(all[0].Messages) == i && len(left) == 0
		})
		pocket := fmt.Sprint(stick, i)
		if err := os.Rename(stick, pocket); err != nil {
			t.Fatal(err)
		}
		until(t, "said on both sides that the stick is away", func() bool {
			return strings.Count(log.String(), `courier folder" err="the courier's folder is not there`) >= i &&
				strings.Count(log.String(), `tries again" err="the courier's folder is not there`) >= i
		})
		time.Sleep(100 * time.Millisecond) // many rounds
		if lines := strings.Count(log.String(), "level=ERROR"); lines != 2*i {
			t.Errorf("%d errors; want one of each side, each time:\n%s", lines, log)
		}
		open, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		for _, fd := range open {
			if at, _ := os.Readlink("/proc/self/fd/" + fd.Name()); strings.HasPrefix(at, pocket) {
				t.Errorf("%s is held: the stick could not be taken away", at)
			}
		}
		if err := errors.Join(os.CopyFS(stick+".new", os.DirFS(pocket)), os.Rename(stick+".new", stick)); err != nil {
			t.Fatal(err)
		}
	}
}
