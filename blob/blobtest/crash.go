package blobtest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"daylight/blob"
)

// crashDir tells a child of RunCrash where to write.
const crashDir = "DAYLIGHT_BLOBTEST_CRASH"

// RunCrash kills a process that commits to a store, again and again, and looks each
// time at what it left: every blob whose commit was reported is there and whole,
// every blob that was deleted is not, and no blob is there that is not whole. open
// opens the store of a folder; RunCrash runs the calling test once more as the
// child, so the call stands in a test of its own.
func RunCrash(t *testing.T, open func(dir string) (blob.Store, error)) {
	if dir := os.Getenv(crashDir); dir != "" {
		crashChild(t, dir, open)
		return
	}
	dir := t.TempDir()
	want := map[blob.Ref]bool{} // true: committed, false: deleted
	rng := rand.New(rand.NewPCG(uint64(os.Getpid()), 1))
	for round := range 5 {
		killAfter(t, dir, 1+rng.IntN(2000), want)
		s, err := open(dir)
		if err != nil {
			t.Fatalf("round %d: open after the kill: %v", round, err)
		}
		for ref, there := range want {
			got, err := Read(s, ref)
			if there && (err != nil || sha256.Sum256(got) != ref) {
				t.Errorf("round %d: a committed blob: %d bytes, %v", round, len(got), err)
			}
			if !there {
				wantNothing(t, s, ref)
			}
		}
		n := 0
		for ref := range refs(t, s) {
			n++
			if got, err := Read(s, ref); err != nil || sha256.Sum256(got) != ref {
				t.Errorf("round %d: a blob that is there: %d bytes, %v", round, len(got), err)
			}
		}
		t.Logf("round %d: %d blobs, %d of them promised", round, n, len(want))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killAfter runs the child until it has reported lines, and a random moment more.
func killAfter(t *testing.T, dir string, lines int, want map[blob.Ref]bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	child.Env = append(os.Environ(), crashDir+"="+dir)
	var problems bytes.Buffer
	child.Stderr = &problems
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	moment := time.Duration(rand.Int64N(int64(3 * time.Millisecond)))
	reported := 0
	for scan := bufio.NewScanner(out); scan.Scan(); {
		var what, name string
		if _, err := fmt.Sscanf(scan.Text(), "crash: %s %s", &what, &name); err != nil {
			continue
		}
		ref, err := blob.ParseRef(name)
		if err != nil {
			t.Fatalf("the child said %q", scan.Text())
		}
		want[ref] = what == "put"
		if what == "deleting" {
			delete(want, ref) // both are right until it is reported
		}
		if reported++; reported == lines {
			time.AfterFunc(moment, func() { child.Process.Kill() })
		}
	}
	if err := child.Wait(); err == nil || reported < lines {
		t.Fatalf("the child ended after %d lines: %v\n%s", reported, err, problems.Bytes())
	}
}

// crashChild commits and deletes until it is killed. What it prints has happened.
func crashChild(t *testing.T, dir string, open func(dir string) (blob.Store, error)) {
	s, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(uint64(os.Getpid()), 2))
	for {
		var contents [][]byte
		for range 1 + rng.IntN(200) {
			contents = append(contents, Bytes(rng.Uint64(), rng.IntN(20000)))
		}
		if rng.IntN(4) == 0 {
			contents = append(contents, Bytes(rng.Uint64(), 1<<20+rng.IntN(1<<20)))
		}
		if rng.IntN(10) == 0 {
			for range 600 {
				contents = append(contents, Bytes(rng.Uint64(), 20000))
			}
		}
		refs := Put(t, s, contents...)
		for _, ref := range refs {
			fmt.Printf("crash: put %s\n", ref)
		}
		if victim := refs[rng.IntN(len(refs))]; rng.IntN(2) == 0 {
			fmt.Printf("crash: deleting %s\n", victim)
			if err := s.Delete(context.Background(), victim); err != nil {
				t.Fatal(err)
			}
			fmt.Printf("crash: deleted %s\n", victim)
		}
	}
}
