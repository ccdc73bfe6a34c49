package main

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"daylight/corpus"
	"daylight/desk"
	"daylight/sample"
)

// TestScript runs the program as a person does who types its commands: what it
// prints, where, and how it ends. The scripts are testdata/script.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			old, err := filepath.Abs("testdata/upgrade")
			env.Setenv("OLD", old)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "zip": zipFiles, "flip": flip, "overwrite": overwrite, "spoil": spoil, "tree": tree, "listen": listenThere, "get": get,
			"submit":  func(ts *testscript.TestScript, _ bool, args []string) { submit(t.Context(), ts, args) },
			"meet":    func(ts *testscript.TestScript, _ bool, args []string) { meet(t.Context(), ts, args) },
			"publish": func(ts *testscript.TestScript, _ bool, args []string) { publish(t.Context(), ts, args) },
		},
	})
}

// exits runs a command that must end with an exit code: exits CODE COMMAND ARG….
// Where chance decides between two, both are named: 4|5. No end may be a panic's.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if !slices.Contains(strings.Split(args[0], "|"), strconv.Itoa(got)) || strings.Contains(ts.ReadFile("stderr"), "goroutine ") {
		ts.Fatalf("exit code %d; want %s, and no panic", got, args[0])
	}
}

// zipFiles packs files under their base names: zip OUT FILE….
func zipFiles(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close()
	z := zip.NewWriter(f)
	for _, name := range args[1:] {
		w, err := z.Create(filepath.Base(name))
		ts.Check(err)
		_, err = io.WriteString(w, ts.ReadFile(name))
		ts.Check(err)
	}
	ts.Check(z.Close())
}

// flip changes one bit, at an offset from the end where that is negative: flip FILE
// OFFSET.
func flip(ts *testscript.TestScript, _ bool, args []string) {
	change(ts, args[0], number64(ts, args[1]), func(b []byte) { b[0] ^= 1 })
}

// overwrite writes noise over a file from an offset: overwrite FILE OFFSET LENGTH.
func overwrite(ts *testscript.TestScript, _ bool, args []string) {
	n := number64(ts, args[2])
	change(ts, args[0], number64(ts, args[1]), func(b []byte) {
		for i := range b[:min(n, int64(len(b)))] {
			b[i] = byte(i*31 + 7)
		}
	})
}

// spoil flips a bit in the middle of each file below a folder: spoil DIR.
func spoil(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Size() > 0 {
			change(ts, path, info.Size()/2, func(b []byte) { b[0] ^= 1 })
		}
		return err
	}))
}

// change hands f the bytes of a file from an offset, and writes them back.
func change(ts *testscript.TestScript, name string, from int64, f func([]byte)) {
	b := []byte(ts.ReadFile(name))
	if from < 0 {
		from += int64(len(b))
	}
	f(b[from:])
	ts.Check(os.WriteFile(ts.MkAbs(name), b, 0o600))
}

// listenThere sets instances of a role each to answer at a socket in their own
// folder: listen ROLE….
func listenThere(ts *testscript.TestScript, _ bool, args []string) {
	for _, role := range args {
		text := fmt.Sprintf("[%s]\nlisten = %q\n", role, "unix:"+ts.MkAbs(role+"/socket"))
		ts.Check(os.WriteFile(ts.MkAbs(role+"/daylight.toml"), []byte(text), 0o600))
	}
}

// get opens the first page at a socket, which may not be there yet, and looks for a
// text: get SOCKET STATUS TEXT.
func get(ts *testscript.TestScript, _ bool, args []string) {
	socket := ts.MkAbs(args[0])
	client := http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		for {
			c, err := new(net.Dialer).DialContext(ctx, "unix", socket)
			if err == nil || ctx.Err() != nil {
				return c, err
			}
			select { // it is still starting
			case <-ctx.Done():
			case <-time.After(10 * time.Millisecond):
			}
		}
	}}}
	defer client.CloseIdleConnections()
	got, err := client.Get("http://localhost/")
	ts.Check(err)
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	ts.Check(err)
	if int64(got.StatusCode) != number64(ts, args[1]) || !strings.Contains(strings.ToLower(string(body)), args[2]) {
		ts.Fatalf("status %d:\n%s", got.StatusCode, body)
	}
}

// tree writes the names and hashes of all below a folder, to be compared later:
// tree DIR OUT. What a process holds while it runs does not count.
func tree(ts *testscript.TestScript, _ bool, args []string) {
	out, err := os.Create(ts.MkAbs(args[1]))
	ts.Check(err)
	defer out.Close()
	root := ts.MkAbs(args[0])
	ts.Check(filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == lockName || e.Name() == "import.lock" || e.Name() == importName || strings.HasSuffix(path, "-shm") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil || len(b) == 0 && strings.HasSuffix(path, "-wal") {
			return err
		}
		rel, err := filepath.Rel(root, path)
		fmt.Fprintf(out, "%x %s\n", sha256.Sum256(b), rel)
		return err
	}))
}

func number64(ts *testscript.TestScript, s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	ts.Check(err)
	return n
}

// publish releases all of a collection that was ingested into a desk, as its people
// do on the pages: publish DATA TITLE. What they write of it is the sample's.
func publish(ctx context.Context, ts *testscript.TestScript, args []string) {
	a := &app{ctx: ctx, data: ts.MkAbs(args[0]), stdout: io.Discard, stderr: ts.Stderr()}
	ts.Check(a.withDesk(func(d *deskRole, _ config) error {
		for _, u := range trialUsers {
			if err := d.PutUser(ctx, desk.Operator, u); err != nil {
				return err
			}
		}
		site, err := sample.ReadSite()
		if err != nil {
			return err
		}
		only := sample.Site{Collection: site.Collection, Editing: sample.Editing{Questions: site.Editing.Questions, Harm: site.Editing.Harm}}
		only.Collection.Title = args[1]
		s := sampleWork{t: &trial{app: a, desk: d}, site: only}
		if s.c, err = d.stores.Cases.Of(ctx, corpus.CollectionID(desk.Slug(args[1]))); err != nil {
			return err
		}
		s.id = s.c.ID
		for _, step := range []func(context.Context) error{s.author, s.edit, s.decide, s.release} {
			if err := step(ctx); err != nil {
				return err
			}
		}
		return nil
	}))
}

// submit sends a message to an intake that does not run, as a source does: submit
// INTAKE TEXT.
func submit(ctx context.Context, ts *testscript.TestScript, args []string) {
	role := openIntakeOf(ctx, ts, args[0])
	defer role.closers.Close()
	s, err := role.Begin("en")
	ts.Check(err)
	ts.Check(s.Keep())
	sub, err := role.Submit(s)
	ts.Check(err)
	ts.Check(sub.Text(strings.NewReader(args[1])))
	_, err = sub.Finish()
	ts.Check(err)
}

// meet lets a desk fetch from an intake, neither of which runs, and wants a
// conversation that has a text: meet INTAKE DESK TEXT.
func meet(ctx context.Context, ts *testscript.TestScript, args []string) {
	role := openIntakeOf(ctx, ts, args[0])
	defer role.closers.Close()
	a := &app{ctx: ctx, data: ts.MkAbs(args[1]), stdout: io.Discard, stderr: ts.Stderr()}
	ts.Check(a.withDesk(func(d *deskRole, _ config) error {
		if _, err := d.Fetch(ctx, role.Courier()); err != nil {
			return err
		}
		hana := desk.User{ID: "hana", Name: "Hana", Roles: []desk.Role{desk.Handler}}
		if err := d.PutUser(ctx, desk.Operator, hana); err != nil {
			return err
		}
		all, err := d.Conversations(ctx, hana.ID)
		if err != nil {
			return err
		}
		for _, c := range all {
			if c, err = d.Conversation(ctx, hana.ID, c.ID); err != nil {
				return err
			}
			if strings.Contains(fmt.Sprintf("%+v", c), args[2]) {
				return nil
			}
		}
		ts.Fatalf("%d conversations, and none with the text", len(all))
		return nil
	}))
}

func openIntakeOf(ctx context.Context, ts *testscript.TestScript, dir string) *intakeRole {
	in, err := roleInstance(ts.MkAbs(dir), "intake")
	ts.Check(err)
	cfg, err := loadConfig(in.dir)
	ts.Check(err)
	role, err := (&app{ctx: ctx}).openIntake(in, cfg, "")
	ts.Check(err)
	return role
}
