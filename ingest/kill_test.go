package ingest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"daylight/blob/fs"
	"daylight/extract"
	"daylight/ingest"
	"daylight/ingest/ledgertest"
	"daylight/sandbox"
	"daylight/search/segment"
)

// killed names the folder that a process of TestKill works in.
const killed = "DAYLIGHT_TEST_KILL"

func TestMain(m *testing.M) {
	sandbox.Child(map[string]sandbox.Handler{ingest.Handler: serveOrAttack})
	if dir := os.Getenv(killed); dir != "" {
		if err := takeIn(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// journal is a ledger that survives a kill: every commit is a line with its
// checksum; what stands after the last whole line never was.
type journal struct {
	*ledgertest.Mem
	file *os.File
}

type entry struct {
	Records []ingest.Record
	Done    []string
}

func openJournal(path string) (*journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	j := &journal{ledgertest.NewMem(), f}
	r := bufio.NewReader(f)
	for at := int64(0); ; {
		line, err := r.ReadString('\n')
		sum, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if err != nil || sum != fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(text))) {
			_, err := f.Seek(at, io.SeekStart)
			return j, errors.Join(err, f.Truncate(at))
		}
		var e entry
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			return nil, err
		}
		if err := j.Mem.Commit(context.Background(), e.Records, e.Done); err != nil {
			return nil, err
		}
		at += int64(len(line))
	}
}

func (j *journal) Commit(ctx context.Context, records []ingest.Record, done []string) error {
	b, err := json.Marshal(entry{records, done})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(j.file, "%08x %s\n", crc32.ChecksumIEEE(b), b); err != nil {
		return err
	}
	if err := j.file.Sync(); err != nil {
		return err
	}
	return j.Mem.Commit(ctx, records, done)
}

// takeIn is one run over the estate with everything on disk.
func takeIn(dir string) error {
	blobs, err := fs.Open(filepath.Join(dir, "blobs"))
	if err != nil {
		return err
	}
	defer blobs.Close()
	index, err := segment.Open(filepath.Join(dir, "index"), segment.Options{})
	if err != nil {
		return err
	}
	defer index.Close()
	ledger, err := openJournal(filepath.Join(dir, "ledger"))
	if err != nil {
		return err
	}
	in := ingest.Ingester{Collection: "estate", Extract: extract.Extract, Blobs: blobs, Ledger: ledger, Index: index,
		Group: 10, Limits: ingest.Limits{Memory: 64 << 10}}
	_, err = in.Run(context.Background(), ingest.Files(filepath.Join(dir, "..", "estate")))
	return err
}

// state is what a folder of takeIn holds: the records and what queries find.
func state(t *testing.T, dir string) (records, found []string) {
	t.Helper()
	ledger, err := openJournal(filepath.Join(dir, "ledger"))
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := fs.Open(filepath.Join(dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	defer blobs.Close()
	(&setup{ledger: ledger.Mem, blobs: blobs}).check(t)
	index, err := segment.Open(filepath.Join(dir, "index"), segment.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer index.Close()
	for _, w := range words {
		for _, q := range []string{w, "attachment:" + w, w + " type:message/rfc822"} {
			found = append(found, q+": "+strings.Join(hits(t, ledger.Mem, index, q), ", "))
		}
	}
	return told(ledger.Records()), found
}

// A run that is killed at any moment, and continued, ends as if it had never been
// disturbed: paths, hashes, states, and what is found. What it left is balanced at
// every level each time.
func TestKill(t *testing.T) {
	top := t.TempDir()
	for _, f := range estate(t) {
		name := filepath.Join(top, f.path)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	process := func(dir string) *exec.Cmd {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), killed+"="+dir)
		c.Stderr = os.Stderr
		return c
	}
	plain := filepath.Join(top, "undisturbed")
	start := time.Now()
	if err := errors.Join(os.Mkdir(plain, 0o700), process(plain).Run()); err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	wantRecords, wantFound := state(t, plain)

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, %d records in %v", seed, len(wantRecords), took)
	r := rand.New(rand.NewPCG(seed, 0))
	dir := filepath.Join(top, "killed")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	kills, starts := 0, 0
	for kills < 20 {
		c := process(dir)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(r.Int64N(int64(took))), func() { c.Process.Kill() })
		err := c.Wait()
		timer.Stop()
		if starts++; starts > 500 {
			t.Fatalf("%d kills in %d runs", kills, starts)
		}
		records, found := state(t, dir) // balanced, whole, and a beginning of the rest
		if !slices.Equal(records, wantRecords[:min(len(records), len(wantRecords))]) {
			differ(t, "after a kill", records, wantRecords[:min(len(records), len(wantRecords))])
		}
		if err != nil {
			kills++
			continue
		}
		differ(t, "records", records, wantRecords)
		differ(t, "found", found, wantFound)
		if err := os.RemoveAll(dir); err != nil { // once more from the beginning
			t.Fatal(err)
		}
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := process(dir).Run(); err != nil {
		t.Fatal(err)
	}
	records, found := state(t, dir)
	differ(t, "records", records, wantRecords)
	differ(t, "found", found, wantFound)
}
