package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

var serving = regexp.MustCompile(`Serving on (\S+)\. Stop: Ctrl-C\.`)

// serves runs a role until it is stopped or the test ends, and waits until it serves.
func serves(t *testing.T, role, data string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command("daylight", "serve", "--role", role, "--data", data), t: t}
	p.Stderr = &p.said
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	until(t, "serving", func() bool { return p.address() != "" })
	return p
}

// address is where a role serves; "" before it does.
func (p *process) address() string {
	if m := serving.FindStringSubmatch(p.said.String()); m != nil {
		return m[1]
	}
	return ""
}

// TestServeOverAFolder is the program on both machines, and the folder alone between them:
// what a source sends comes to the desk and leaves intake, and the answer comes back.
// Intake's round comes each minute, and with its start, which this test does not wait for.
func TestServeOverAFolder(t *testing.T) {
	dir := t.TempDir()
	deskDir, intakeDir, way := filepath.Join(dir, "desk"), filepath.Join(dir, "intake"), filepath.Join(dir, "way")
	daylight(t, "keys", "make", "--role", "desk", "--data", deskDir)
	daylight(t, "keys", "make", "--role", "intake", "--data", intakeDir, "--newsroom", filepath.Join(deskDir, "public"))
	words := strings.TrimSpace(daylight(t, "keys", "fingerprint", "--data", deskDir))
	for path, text := range map[string]string{
		filepath.Join(intakeDir, "daylight.toml"): fmt.Sprintf("[intake]\nlisten = \"127.0.0.1:0\"\nclearnet = true\npool = 0\ncourier = %q\n", way),
		filepath.Join(deskDir, "daylight.toml"):   fmt.Sprintf("[desk]\nlisten = \"127.0.0.1:0\"\nfetch_every = \"1s\"\ncourier = %q\n", way),
		filepath.Join(dir, "message"):             "I saw the ledger, and who wrote it.",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(way, 0o700); err != nil {
		t.Fatal(err)
	}
	holds := func(sub string, files int) func() bool {
		return func() bool {
			there, _ := filepath.Glob(filepath.Join(way, sub, "[^.]*"))
			return len(there) == files
		}
	}

	intake := serves(t, "intake", intakeDir)
	codename := eightWords.FindStringSubmatch(daylight(t, "send", "--to", "http://"+intake.address(), "--words", words, "--message", filepath.Join(dir, "message")))
	if codename == nil {
		t.Fatal("no codename")
	}
	intake.stop()
	intake = serves(t, "intake", intakeDir)
	atDesk := serves(t, "desk", deskDir)
	until(t, "taken in by the desk", holds("acknowledged", 1))
	atDesk.stop()
	a := &app{ctx: t.Context(), data: deskDir, stdout: &intake.said, stderr: &intake.said, log: slog.New(slog.DiscardHandler)}
	if err := a.withDesk(func(d *deskRole, _ config) error {
		if err := d.PutUser(a.ctx, desk.Operator, hana); err != nil {
			return err
		}
		all, err := d.Conversations(a.ctx, "hana")
		if err != nil || len(all) != 1 || all[0].Messages[0].Text != "I saw the ledger, and who wrote it." {
			return fmt.Errorf("the desk has %+v: %w", all, err)
		}
		return d.Reply(a.ctx, "hana", all[0].ID, "Thank you. Who?", nil)
	}); err != nil {
		t.Fatal(err)
	}
	serves(t, "desk", deskDir)
	until(t, "answered", holds("replies", 1))
	intake.stop()
	intake = serves(t, "intake", intakeDir)
	until(t, "destroyed at intake", holds("acknowledged", 0))
	until(t, "carried to the source", holds("replies", 0))
	typed(t, codename[1])
	if said := daylight(t, "replies", "--to", "http://"+intake.address(), "--words", words); !strings.Contains(said, "Thank you. Who?") {
		t.Errorf("the source reads:\n%s", said)
	}
	if intake.stop(); !holds("envelopes", 0)() {
		t.Error("intake put onto the folder once more what was acknowledged")
	}
}
