package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"daylight/corpus"
	"daylight/fault"
	"daylight/sample"
	"daylight/search"
	"daylight/search/searchtest"
)

// ingestHere names the instance and what the process of TestKill reads into it,
// as filepath.ListSeparator joins them.
const ingestHere = "DAYLIGHT_TEST_INGEST"

// TestIngestProcess is no test: it is the process that TestKill ends.
func TestIngestProcess(t *testing.T) {
	list := filepath.SplitList(os.Getenv(ingestHere))
	if len(list) == 0 {
		return
	}
	args := append([]string{"ingest", "--collection", killedName, "--data"}, list...)
	if code := run(args, io.Discard, os.Stderr); code != 0 {
		t.Fatalf("exit code %d", code)
	}
}

const killedName = "killed"

// TestKillCorpora kills `daylight ingest` at random moments while it reads real mail
// and archives; with DAYLIGHT_SOAK, all real documents.
func TestKillCorpora(t *testing.T) {
	root := corpora(t)
	if soak() {
		kill(t, []string{root}, 20)
		return
	}
	mail := filepath.Join(root, "spamassassin")
	paths, err := filepath.Glob(filepath.Join(root, "archives", "*", "*.zip"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	paths = append(paths, filepath.Join(mail, "hard-ham-1"), filepath.Join(mail, "spam-2.mbox"), filepath.Join(mail, "easy-ham-2.mbox"))
	kill(t, paths, 20)
}

// TestKill does the same with more of the sample.
func TestKill(t *testing.T) {
	// More than ingest records together, so that some are recorded before others.
	size, times := sample.Size{Routine: 2500}, 4
	if testing.Short() {
		size, times = sample.Small, 1
	}
	dir := filepath.Join(t.TempDir(), "sample")
	for name, b := range sample.Generate(size) {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kill(t, []string{dir}, times)
}

// kill reads the paths once undisturbed. Then it reads them again and again, each
// time killed at random moments and continued until it is done, until it was killed
// so often. Each time it ends as the undisturbed run did.
func kill(t *testing.T, paths []string, times int) {
	top := t.TempDir()
	process := func(data string) *exec.Cmd {
		c := exec.Command(os.Args[0], "-test.run=^TestIngestProcess$")
		c.Env = append(os.Environ(), ingestHere+"="+strings.Join(append([]string{data}, paths...), string(filepath.ListSeparator)))
		c.Stderr = os.Stderr
		return c
	}
	plain := &filled{data: filepath.Join(top, "undisturbed"), sources: []source{{dir: killedName}}}
	start := time.Now()
	if err := process(plain.data).Run(); err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	var requests []search.Request
	plain.open(t, func(d *deskRole) { requests = searchtest.Requests(plain.documents(t, d), 100, 3) })
	wantItems, wantFound := plain.state(t, requests)

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d; %d items in %v undisturbed", seed, len(wantItems), took)
	rng := rand.New(rand.NewPCG(seed, 0))
	kills, starts, rounds, partly := 0, 0, 0, 0
	for kills < times {
		rounds++
		f := &filled{data: filepath.Join(top, fmt.Sprint("killed", rounds)), sources: plain.sources}
		for done := false; !done; {
			if starts++; starts > 20*times {
				t.Fatalf("%d kills in %d starts", kills, starts)
			}
			c := process(f.data)
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			end := func() bool { return true }
			if kills < times {
				end = time.AfterFunc(time.Duration(rng.Int64N(int64(took))), func() { c.Process.Kill() }).Stop
			}
			var exit *exec.ExitError
			err := c.Wait()
			end()
			switch {
			case err == nil:
				done = true
			case errors.As(err, &exit) && !exit.Exited():
				kills++
				if n := f.beginning(t, wantItems); n > 0 && n < len(wantItems) {
					partly++
				}
			default:
				t.Fatalf("after %d kills: %v", kills, err)
			}
		}
		items, found := f.state(t, requests)
		differ(t, "items", items, wantItems)
		differ(t, "found", found, wantFound)
		if err := os.RemoveAll(f.data); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills in %d starts; %d times done; %d kills left a part", kills, starts, rounds, partly)
}

// state is what a desk holds, and what it finds. Public ids are random: documents
// are told by their paths.
func (f *filled) state(t *testing.T, requests []search.Request) (items, found []string) {
	t.Helper()
	f.open(t, func(d *deskRole) {
		paths := map[corpus.DocumentID]string{}
		items = told(t, d, paths)
		for _, r := range requests {
			r.Limit = len(paths)
			got, err := d.index.Search(t.Context(), r)
			if err != nil {
				t.Fatalf("%s: %v", r.Query, err)
			}
			var hits []string // those of one date stand in the order of their ids
			for _, h := range got.Hits {
				hits = append(hits, fmt.Sprintf("%s (%v)", paths[h.ID], h.Score))
			}
			slices.Sort(hits)
			found = append(found, fmt.Sprintf("%s: %d, %d messages, %+v, %q", r.Query, got.Total, got.DistinctMessages, got.Facets, hits))
		}
	})
	return items, found
}

// told is the items as text, and notes the paths of documents.
func told(t *testing.T, d *deskRole, paths map[corpus.DocumentID]string) (items []string) {
	t.Helper()
	var ledger corpus.Ledger
	for _, i := range itemsOf(t, d, killedName, false) {
		ledger.Receive(i.Level, i.State, i.Reason, i.Size)
		what := paths[i.Of]
		if i.Document != nil {
			paths[i.ID()] = i.Path
			what = i.Document.Title + " in " + paths[i.Document.Parent]
		}
		items = append(items, fmt.Sprintf("%s: level %d in %q, %d bytes, %x, %s: %s", i.Path, i.Level, i.Holder, i.Size, i.Hash[:], i.State, what))
	}
	balance, err := d.stores.Documents.Ledger(killedName).Balance(t.Context())
	if err != nil || balance.Check() != nil || fmt.Sprint(balance) != fmt.Sprint(ledger) {
		t.Errorf("ledger %v, %v; its items are %v", balance, err, ledger)
	}
	return items
}

// beginning checks that what a kill left is balanced and a beginning of the whole,
// and returns how many items that is.
func (f *filled) beginning(t *testing.T, whole []string) int {
	t.Helper()
	if _, err := openInstance(f.data); errors.Is(err, fault.NotFound) {
		return 0 // killed before the desk was made
	}
	n := 0
	f.open(t, func(d *deskRole) {
		items := told(t, d, map[corpus.DocumentID]string{})
		n = len(items)
		differ(t, "after a kill", items, whole[:min(n, len(whole))])
	})
	return n
}

// differ reports the first difference.
func differ(t *testing.T, what string, got, want []string) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Errorf("%s, %d:\n %.600s\nwant\n %.600s", what, i, got[i], want[i])
			return
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d; want %d", what, len(got), len(want))
	}
}
