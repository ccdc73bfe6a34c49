package ingest_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"daylight/blob"
	"daylight/blob/mem"
	"daylight/corpus"
	"daylight/extract"
	"daylight/ingest"
	"daylight/ingest/ledgertest"
)

// file is one that is handed in, or a member of an archive.
type file struct {
	path string
	data []byte
}

func items(files ...file) iter.Seq2[ingest.Item, error] {
	return func(yield func(ingest.Item, error) bool) {
		for _, f := range files {
			open := func(context.Context) (ingest.Body, error) { return nopCloser{bytes.NewReader(f.data)}, nil }
			if !yield(ingest.Item{Path: f.path, Size: int64(len(f.data)), Open: open}, nil) {
				return
			}
		}
	}
}

type nopCloser struct{ io.ReaderAt }

func (nopCloser) Close() error { return nil }

// mail makes a message with attachments.
func mail(n int, text string, attached ...file) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: Clerk %d <clerk%d@port.example>\nTo: office@port.example\nSubject: Letter %d\nDate: Mon, 0%d May 2016 10:00:00 +0000\nMessage-ID: <%d@port.example>\nMIME-Version: 1.0\n", n%7, n%7, n, 1+n%9, n)
	if len(attached) == 0 {
		fmt.Fprintf(&b, "Content-Type: text/plain; charset=utf-8\n\n%s\n", text)
		return b.Bytes()
	}
	fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=cut\n\n--cut\nContent-Type: text/plain; charset=utf-8\n\n%s\n", text)
	for _, a := range attached {
		kind := "application/octet-stream"
		if strings.HasSuffix(a.path, ".eml") {
			fmt.Fprintf(&b, "--cut\nContent-Type: message/rfc822\nContent-Disposition: attachment; filename=%q\n\n%s\n", a.path, a.data)
			continue
		}
		fmt.Fprintf(&b, "--cut\nContent-Type: %s; name=%q\nContent-Disposition: attachment; filename=%q\nContent-Transfer-Encoding: base64\n\n", kind, a.path, a.path)
		code := base64.StdEncoding.EncodeToString(a.data)
		for len(code) > 76 {
			b.WriteString(code[:76] + "\n")
			code = code[76:]
		}
		b.WriteString(code + "\n")
	}
	b.WriteString("--cut--\n")
	return b.Bytes()
}

func mbox(messages ...[]byte) []byte {
	var b bytes.Buffer
	for _, m := range messages {
		b.WriteString("From clerk@port.example Mon May  2 10:00:00 2016\n")
		b.Write(bytes.ReplaceAll(m, []byte("\nFrom "), []byte("\n>From ")))
		b.WriteString("\n")
	}
	return b.Bytes()
}

func archive(t testing.TB, members ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range members {
		w, err := z.Create(m.path)
		if err == nil {
			_, err = w.Write(m.data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var words = strings.Fields("harbour ledger invoice crane night contract minister permit ship grain silo customs letter answer meeting payment bank river bridge school")

// prose makes a text of n words, the same for the same seed.
func prose(seed uint64, n int) string {
	r := rand.New(rand.NewPCG(seed, 7))
	var b strings.Builder
	for i := range n {
		b.WriteString(words[r.IntN(len(words))])
		if i%12 == 11 {
			b.WriteString(".\n")
		} else {
			b.WriteString(" ")
		}
	}
	return b.String()
}

// estate is material of every shape: mailboxes, archives in archives, copies,
// damage, files of the same name.
func estate(t testing.TB) []file {
	contract := []byte(prose(1000, 300))
	var box [][]byte
	for i := range 120 {
		var with []file
		switch {
		case i%10 == 3:
			with = []file{{"contract.txt", contract}, {"note.txt", []byte(prose(uint64(i), 80))}}
		case i%10 == 7:
			with = []file{{"forwarded.eml", mail(1000+i, prose(uint64(i)+1, 40), file{"inner.txt", []byte(prose(uint64(i)+2, 50))})}}
		}
		box = append(box, mail(i, prose(uint64(i), 60), with...))
	}
	inner := archive(t, file{"a/deep.eml", box[7]}, file{"a/contract.txt", contract}, file{"a/contract.txt", []byte("another one of the same name")})
	outer := archive(t, file{"inner.zip", inner}, file{"inner.zip/a/deep.eml", []byte("a place that the archive inside has too")},
		file{"box.mbox", mbox(box[:40]...)}, file{"../../etc/passwd", []byte("only a name")})
	damaged := slices.Clone(outer[:len(outer)*2/3])
	return []file{
		{"estate/one.eml", box[0]}, {"estate/two.eml", box[3]},
		{"estate/box.mbox", mbox(box...)}, {"estate/outer.zip", outer},
		{"estate/copy of box.mbox", mbox(box...)}, {"estate/damaged.zip", damaged},
		{"estate/empty", nil}, {"estate/noise", noise(5000)}, {"estate/contract.txt", contract},
		{"estate/large.txt", []byte(prose(5, 40_000))},
	}
}

func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// told is what a ledger says, without the ids, which are random: documents are
// named by their paths.
func told(records []ingest.Record) []string {
	paths := map[corpus.DocumentID]string{}
	for _, r := range records {
		if r.Document != nil {
			paths[r.Document.ID] = r.Path
		}
	}
	var lines []string
	for _, r := range records {
		line := fmt.Sprintf("%s level %d size %d hash %.8s %s", r.Path, r.Level, r.Size, r.Hash, r.State)
		if r.Message {
			line += " message"
		}
		if r.State == corpus.Duplicate {
			line += " of " + paths[r.Of]
		}
		if d := r.Document; d != nil {
			line += fmt.Sprintf(" in %q title %q type %s languages %v text %d error %q origin %q", paths[d.Parent], d.Title, d.Type, d.Languages, len(d.Text), d.Error, d.Origin)
		}
		lines = append(lines, line)
	}
	return lines
}

func differ(t *testing.T, what string, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		g, w := "(nothing)", "(nothing)"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Fatalf("%s, line %d:\n got %.1000s\nwant %.1000s", what, i, g, w)
		}
	}
}

// setup is an ingester over memory, without the sandbox.
type setup struct {
	ingest.Ingester
	ledger *ledgertest.Mem
	blobs  blob.Store
}

func newSetup() *setup {
	s := &setup{ledger: ledgertest.NewMem(), blobs: mem.New()}
	s.Ingester = ingest.Ingester{Collection: "estate", Extract: extract.Extract, Blobs: s.blobs, Ledger: s.ledger}
	return s
}

func (s *setup) run(t *testing.T, files ...file) ingest.Summary {
	t.Helper()
	sum, err := s.Run(t.Context(), items(files...))
	if err != nil {
		t.Fatal(err)
	}
	s.check(t)
	return sum
}

// check holds the ledger to what is always true.
func (s *setup) check(t *testing.T) {
	t.Helper()
	b, err := s.ledger.Balance(t.Context())
	if err == nil {
		err = b.Check()
	}
	if err != nil {
		t.Error(err)
	}
	seen := map[string]bool{}
	ids := map[corpus.DocumentID]bool{{}: true}
	for _, r := range s.ledger.Records() {
		if seen[r.Path] {
			t.Errorf("%s is recorded twice", r.Path)
		}
		seen[r.Path] = true
		if d := r.Document; d != nil {
			ids[d.ID] = true
			if d.Title == "" || !ids[d.Parent] {
				t.Errorf("%s: title %q, parent recorded before: %t", r.Path, d.Title, ids[d.Parent])
			}
		} else if !ids[r.Of] {
			t.Errorf("%s is a duplicate of nothing", r.Path)
		}
		if !r.Hash.IsZero() {
			if err := whole(s.blobs, r); err != nil {
				t.Errorf("%s: %v", r.Path, err)
			}
		}
	}
}

func whole(blobs blob.Store, r ingest.Record) error {
	b, err := blobs.Open(context.Background(), r.Hash)
	if err != nil {
		return err
	}
	defer b.Close()
	if b.Size() != r.Size {
		return errors.New("the blob has another size")
	}
	return nil
}
