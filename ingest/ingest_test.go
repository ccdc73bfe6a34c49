package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"daylight/blob"
	"daylight/corpus"
	"daylight/extract"
	"daylight/ingest"
	"daylight/ingest/ledgertest"
	"daylight/sandbox"
	"daylight/search"
	"daylight/search/searchtest"
)

func paths(records []ingest.Record) (all []string) {
	for _, r := range records {
		all = append(all, fmt.Sprintf("%d %s %s", r.Level, r.State, r.Path))
	}
	return all
}

func TestEverythingIsAccountedFor(t *testing.T) {
	s := newSetup()
	contract := []byte("The contract with the harbour.")
	outer := archive(t,
		file{"letter.eml", mail(1, "see the contract", file{"contract.txt", contract}, file{"old.eml", mail(2, "an older letter")})},
		file{"contract.txt", contract})
	sum := s.run(t, file{"outer.zip", outer}, file{"again.eml", mail(2, "an older letter")}, file{"nothing.bin", noise(100)})
	want := []string{
		"0 pending outer.zip", "1 pending outer.zip/letter.eml", "2 pending outer.zip/letter.eml/contract.txt",
		"2 pending outer.zip/letter.eml/old.eml", "1 duplicate outer.zip/contract.txt",
		"0 duplicate again.eml", "0 pending nothing.bin",
	}
	differ(t, "paths", paths(s.ledger.Records()), want)
	// old.eml is attached to a message and does not count; again.eml has the same
	// bytes and does.
	if sum.Received.Files != 7 || sum.Documents != 5 || sum.Duplicates != 2 || sum.Quarantined != 0 || sum.Messages != 2 {
		t.Errorf("summary %+v", sum)
	}
	d := s.ledger.Records()[1].Document
	if d.Title != "Letter 1" || d.Type != "message/rfc822" || d.Name != "letter.eml" || d.Message == nil || d.Collection != "estate" {
		t.Errorf("document %+v", d)
	}
}

// What is recorded does not depend on how many work at it, nor on how much fits
// into memory, nor on where the files are read.
func TestSameRecords(t *testing.T) {
	files := estate(t)
	plain := newSetup()
	plain.run(t, files...)
	want := told(plain.ledger.Records())
	if len(want) < 400 {
		t.Fatalf("%d records: the material is too small", len(want))
	}
	for name, change := range map[string]func(*setup){
		"one worker":      func(s *setup) { s.Workers = 1 },
		"many workers":    func(s *setup) { s.Workers = 16 },
		"little memory":   func(s *setup) { s.Limits.Memory = 64 << 10 },
		"no memory":       func(s *setup) { s.Limits.Memory = 4; s.Workers = 3 },
		"small groups":    func(s *setup) { s.Group = 1; s.Limits.Memory = 32 << 10 },
		"a plain ledger":  func(s *setup) { s.Ledger = plainLedger{s.ledger}; s.Limits.Memory = 64 << 10 },
		"in the sandbox":  func(s *setup) { s.Extract = ingest.Sandboxed(newPool(t)) },
		"sandbox, little": func(s *setup) { s.Extract = ingest.Sandboxed(newPool(t)); s.Limits.Memory = 16 << 10 },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSetup()
			change(s)
			s.run(t, files...)
			differ(t, name, told(s.ledger.Records()), want)
		})
	}
}

// plainLedger has nothing of what is optional.
type plainLedger struct{ ingest.Ledger }

func TestRunAgain(t *testing.T) {
	files := estate(t)
	for name, plain := range map[string]bool{"a plain ledger": true, "a full ledger": false} {
		t.Run(name, func(t *testing.T) {
			s := newSetup()
			s.Limits.Memory = 1 << 20
			if plain {
				s.Ledger = plainLedger{s.ledger}
			}
			first := s.run(t, files...)
			want := told(s.ledger.Records())
			again := s.run(t, files...)
			differ(t, "the same files again", told(s.ledger.Records()), want)
			if plain { // it cannot tell what earlier runs counted
				first.Messages, again.Messages = 0, 0
			}
			first.Seconds, again.Seconds = 0, 0
			if first != again {
				t.Errorf("summary %+v; want %+v", again, first)
			}
		})
	}
}

// A file that is handed in later under a name already taken is not taken for the
// first one.
func TestAnotherFileOfTheSameName(t *testing.T) {
	s := newSetup()
	s.run(t, file{"inbox.mbox", mbox(mail(1, "june"))})
	for range 2 {
		s.run(t, file{"inbox.mbox", mbox(mail(2, "july"))})
		differ(t, "paths", paths(s.ledger.Records()), []string{
			"0 pending inbox.mbox", "1 pending inbox.mbox/1.eml", "0 pending inbox (2).mbox", "1 pending inbox (2).mbox/1.eml"})
	}
}

func TestSameNames(t *testing.T) {
	s := newSetup()
	inner := archive(t, file{"b.txt", []byte("inside")})
	sum := s.run(t, file{"z.zip", archive(t, file{"a.zip", inner}, file{"a.zip/b.txt", []byte("beside")},
		file{"c.txt", []byte("1")}, file{"c.txt", []byte("2")}, file{"c (2).txt", []byte("3")}, file{"c.txt/d", []byte("4")},
		file{"", []byte("5")}, file{"line\nbreak\x00", []byte("6")}, file{strings.Repeat("long", 1000), []byte("7")})})
	if sum.Received.Files != 11 || sum.Documents != 11 {
		t.Errorf("summary %+v; want 11 documents", sum)
	}
	for _, r := range s.ledger.Records() {
		if strings.ContainsAny(r.Path, "\n\x00") || len(r.Path) > 2000 {
			t.Errorf("path %q", r.Path)
		}
	}
}

func TestDepth(t *testing.T) {
	s := newSetup()
	data := archive(t, file{"core.txt", []byte("the innermost")})
	for i := range 40 {
		data = archive(t, file{fmt.Sprintf("%d.zip", i), data})
	}
	sum := s.run(t, file{"deep.zip", data})
	records := s.ledger.Records()
	last := records[len(records)-1]
	if sum.Received.Files != 33 || !strings.Contains(last.Document.Error, "nested more than 32 deep") {
		t.Errorf("%d items, the last says %q", sum.Received.Files, last.Document.Error)
	}
}

// A bomb ends at its limit; what it is beside is not affected.
func TestLimits(t *testing.T) {
	zeros := make([]byte, 1<<20)
	bomb := archive(t, file{"0", zeros}, file{"1", append(zeros, 1)}, file{"2", append(zeros, 2)})
	for name, limits := range map[string]ingest.Limits{
		"bytes": {Bytes: 2 << 20, Ratio: 1},
		"parts": {Parts: 2},
		"wall":  {Wall: time.Nanosecond},
		"open":  {Bytes: 2 << 20, Ratio: 1, Memory: 1 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSetup()
			s.Limits = limits
			sum := s.run(t, file{"bomb.zip", bomb}, file{"after.txt", []byte("after")})
			if sum.Received.Files != 2 || !strings.Contains(s.ledger.Records()[0].Document.Error, "not unpacked") {
				t.Errorf("%d items; error %q", sum.Received.Files, s.ledger.Records()[0].Document.Error)
			}
		})
	}
}

// Breaking a budget of the sandbox costs one file.
func TestSandboxBudget(t *testing.T) {
	pool, err := sandbox.NewPool(1, sandbox.Options{Budget: sandbox.Budget{Output: 1 << 20}})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	s := newSetup()
	s.Extract = ingest.Sandboxed(pool)
	sum := s.run(t, file{"big.zip", archive(t, file{"a.txt", []byte("first")}, file{"b.bin", noise(3 << 20)})}, file{"after.txt", []byte("after")})
	if sum.Received.Files != 4 || sum.Quarantined != 0 {
		t.Errorf("summary %+v", sum)
	}
	const want = "more than 1 MiB came out of it"
	for _, i := range []int{0, 2} {
		if got := s.ledger.Records()[i].Document.Error; !strings.Contains(got, want) {
			t.Errorf("%s: error %q; want %q", s.ledger.Records()[i].Path, got, want)
		}
	}
}

func TestUnreadable(t *testing.T) {
	s := newSetup()
	open := func(context.Context) (ingest.Body, error) {
		return nil, &os.PathError{Op: "open", Path: "/home/somebody/secret", Err: syscall.EACCES}
	}
	half := func(context.Context) (ingest.Body, error) { return nopCloser{failing{}}, nil }
	sum, err := s.Run(t.Context(), func(yield func(ingest.Item, error) bool) {
		_ = yield(ingest.Item{Path: "locked", Size: 10, Open: open}, nil) &&
			yield(ingest.Item{}, &ingest.Skipped{Path: "pipe", Why: "a pipe"}) &&
			yield(ingest.Item{Path: "half", Size: 1000, Open: half}, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	s.check(t)
	if sum.Quarantined != 1 || sum.Documents != 1 || sum.Received.Files != 2 {
		t.Errorf("summary %+v", sum)
	}
	locked, half2 := s.ledger.Records()[0].Document, s.ledger.Records()[1].Document
	if locked.Error != "cannot be opened: permission denied" {
		t.Errorf("error %q", locked.Error)
	}
	if !strings.Contains(half2.Error, "input/output error") || half2.Size != 500 {
		t.Errorf("half a file: %d bytes, error %q", half2.Size, half2.Error)
	}
}

// failing reads 500 bytes.
type failing struct{}

func (failing) ReadAt(p []byte, off int64) (int, error) {
	n := min(len(p), max(0, int(500-off)))
	copy(p, bytes.Repeat([]byte("x"), n))
	if n < len(p) {
		return n, &os.PathError{Op: "read", Path: "/secret", Err: syscall.EIO}
	}
	return n, nil
}

// breaking is a ledger and blobs that fail at the nth write, before or after it.
type breaking struct {
	*ledgertest.Mem
	blob.Store
	left  atomic.Int64
	after bool
}

var errBroken = errors.New("no space left on device")

func (b *breaking) turn() bool { return b.left.Add(-1) == 0 }

func (b *breaking) Commit(ctx context.Context, r []ingest.Record, done []string) error {
	if b.turn() {
		if b.after {
			b.Mem.Commit(ctx, r, done)
		}
		return errBroken
	}
	return b.Mem.Commit(ctx, r, done)
}

func (b *breaking) Begin(ctx context.Context) (blob.Batch, error) {
	if b.turn() {
		return nil, errBroken
	}
	return b.Store.Begin(ctx)
}

func TestStoresThatFail(t *testing.T) {
	files := estate(t)
	plain := newSetup()
	plain.run(t, files...)
	want := told(plain.ledger.Records())
	failed := 0
	for n := 1; n < 40; n += 3 {
		s := newSetup()
		s.Group, s.Limits.Memory = 20, 64<<10
		b := &breaking{Mem: s.ledger, Store: s.blobs, after: n%2 == 1}
		b.left.Store(int64(n))
		s.Ledger, s.Blobs = b, b
		if _, err := s.Run(t.Context(), items(files...)); err != nil {
			failed++
			if !errors.Is(err, errBroken) {
				t.Fatalf("write %d: %v; want the error of the store", n, err)
			}
		}
		s.check(t) // what is there is whole, also now
		s.Ledger, s.Blobs = s.ledger, s.blobs
		s.run(t, files...)
		differ(t, fmt.Sprintf("failed at write %d", n), told(s.ledger.Records()), want)
	}
	if failed < 10 {
		t.Errorf("only %d runs failed", failed)
	}
}

// A large mailbox is continued where it was left, not read again.
func TestContinueInside(t *testing.T) {
	var box [][]byte
	for i := range 200 {
		box = append(box, mail(i, prose(uint64(i), 60)))
	}
	files := []file{{"box.mbox", mbox(box...)}}
	s := newSetup()
	s.Group, s.Limits.Memory, s.Workers = 10, 8<<10, 1
	b := &breaking{Mem: s.ledger, Store: s.blobs, after: true}
	b.left.Store(20)
	s.Ledger = b
	if _, err := s.Run(t.Context(), items(files...)); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	left := 201 - len(s.ledger.Records())
	if left < 1 || left > 100 {
		t.Fatalf("%d items are left; want some", left)
	}
	read := 0
	s.Ledger = s.ledger
	s.Extract = func(ctx context.Context, f extract.File, l extract.Limits, part func(extract.Part) error) (extract.Result, error) {
		read++
		return extract.Extract(ctx, f, l, part)
	}
	s.run(t, files...)
	// Twice the mailbox, once each message that was left, and the one before these.
	if read != left+3 || len(s.ledger.Records()) != 201 {
		t.Errorf("%d files read for %d that were left; %d records", read, left, len(s.ledger.Records()))
	}
}

// hits gives the paths that a query finds, in order of path.
func hits(t *testing.T, l *ledgertest.Mem, x search.Searcher, query string) (found []string) {
	t.Helper()
	q, err := search.Parse(query)
	if err != nil {
		t.Fatal(err)
	}
	res, err := x.Search(t.Context(), search.Request{Query: q, Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	at := map[corpus.DocumentID]string{}
	for _, r := range l.Records() {
		if r.Document != nil {
			at[r.Document.ID] = r.Path
		}
	}
	for _, h := range res.Hits {
		found = append(found, at[h.ID])
	}
	slices.Sort(found)
	return found
}

func TestIndex(t *testing.T) {
	for name, memory := range map[string]int64{"whole": 0, "in pieces": 1} {
		t.Run(name, func(t *testing.T) {
			s := newSetup()
			x := searchtest.NewOracle()
			s.Index, s.Limits.Memory = x, memory
			s.run(t, file{"a.eml", mail(1, "about the harbour", file{"plan.txt", []byte("the crane and the silo")})},
				file{"box.mbox", mbox(mail(2, "about the bridge"), mail(3, "about the river"))})
			for query, want := range map[string][]string{
				"harbour": {"a.eml"}, "crane": {"a.eml/plan.txt"}, "attachment:crane": {"a.eml"},
				"bridge": {"box.mbox/1.eml"}, "attachment:river": {"box.mbox"}, "type:message/rfc822": {"a.eml", "box.mbox/1.eml", "box.mbox/2.eml"},
				"from:clerk1": {"a.eml"},
			} {
				if got := hits(t, s.ledger, x, query); !slices.Equal(got, want) {
					t.Errorf("%s finds %q; want %q", query, got, want)
				}
			}
			if docs, err := s.ledger.Unindexed(t.Context(), 10); len(docs) != 0 || err != nil {
				t.Errorf("%d not indexed, %v", len(docs), err)
			}
		})
	}
}

// Documents of a run without an index are found by the next one that has one.
func TestIndexLater(t *testing.T) {
	s := newSetup()
	files := []file{{"a.eml", mail(1, "about the harbour", file{"plan.txt", []byte("the crane")})}}
	s.run(t, files...)
	x := searchtest.NewOracle()
	s.Index = x
	s.run(t, files...)
	if got := hits(t, s.ledger, x, "attachment:crane"); len(got) != 1 {
		t.Errorf("found %q; want the message", got)
	}
}

func TestOriginAndProgress(t *testing.T) {
	s := newSetup()
	s.Origin = func(m *corpus.Message, path string) corpus.OriginID {
		if m != nil && m.Domain == "port.example" {
			return "port"
		}
		return "folder"
	}
	var last ingest.Progress
	s.Progress = func(p ingest.Progress) { last = p }
	files := []file{{"a.eml", mail(1, "text", file{"plan.txt", []byte("attached to it")})}, {"b.txt", []byte("alone")}}
	for _, f := range files {
		s.Total.Files++
		s.Total.Bytes += int64(len(f.data))
	}
	s.run(t, files...)
	for i, want := range []corpus.OriginID{"port", "port", "folder"} {
		if got := s.ledger.Records()[i].Document.Origin; got != want {
			t.Errorf("%s is of %q; want %q", s.ledger.Records()[i].Path, got, want)
		}
	}
	if last.Done != s.Total || last.Items != 3 || last.Left != 0 {
		t.Errorf("progress at the end: %+v", last)
	}
}

func TestCancel(t *testing.T) {
	s := newSetup()
	ctx, cancel := context.WithCancel(t.Context())
	files := estate(t)
	s.Limits.Memory, s.Group = 16<<10, 10
	s.Progress = func(ingest.Progress) { cancel() }
	if _, err := s.Run(ctx, items(files...)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want canceled", err)
	}
	s.check(t)
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	root := filepath.Join(dir, "case")
	for _, name := range []string{"b/2.txt", "b/1.txt", "a.txt", "line\nbreak.txt", "bad\xff.txt", "bad\xfe.txt", " space"} {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(name), 0o600); err != nil {
			t.Skipf("this file system does not take every name: %v", err)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "linux" {
		if err := syscall.Mkfifo(filepath.Join(root, "pipe"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var got, left []string
	for item, err := range ingest.Files(root, filepath.Join(root, "b"), filepath.Join(root, "b")) {
		var s *ingest.Skipped
		if errors.As(err, &s) {
			left = append(left, s.Path)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, item.Path)
	}
	if len(got) != 11 || len(left) != 2 {
		t.Fatalf("files %q, left out %q", got, left)
	}
	seen := map[string]bool{}
	for _, p := range got {
		if seen[p] || strings.Contains(p, "\n") {
			t.Errorf("path %q", p)
		}
		seen[p] = true
	}
	for i, want := range []string{"case/ space", "case/a.txt", "case/b/1.txt", "case/b/2.txt"} {
		if got[i] != want {
			t.Errorf("file %d is %q; want %q", i, got[i], want)
		}
	}
	if n, err := ingest.Measure(root); err != nil || n.Files != 7 {
		t.Errorf("measured %v, %v; want 7 files", n, err)
	}
	for _, err := range ingest.Files(filepath.Join(root, "not there")) {
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a path that is not there: %v", err)
		}
	}
}

func TestWalk(t *testing.T) {
	outer := archive(t, file{"letter.eml", mail(1, "see the contract", file{"contract.txt", []byte("The contract with the harbour.")})},
		file{"big.bin", noise(20 << 20)}, file{"big.zip", archive(t, file{"bigger.bin", noise(30 << 20)})})
	for item := range items(file{"outer.zip", outer}) {
		var got []string
		err := ingest.Walk(t.Context(), ingest.Sandboxed(newPool(t)), item, func(x ingest.Extracted) error {
			got = append(got, x.Path)
			if x.Path == "outer.zip/letter.eml" && (x.Facts["Subject"] != "Letter 1" || !strings.Contains(x.Text, "see the contract") || x.Type != "message/rfc822") {
				t.Errorf("letter: %+v", x)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		differ(t, "walk", got, []string{"outer.zip", "outer.zip/letter.eml", "outer.zip/letter.eml/contract.txt",
			"outer.zip/big.bin", "outer.zip/big.zip", "outer.zip/big.zip/bigger.bin"})
	}
}

func newPool(t testing.TB) *sandbox.Pool {
	t.Helper()
	p, err := sandbox.NewPool(2, sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}
