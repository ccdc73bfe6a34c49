package ingest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"daylight/blob/mem"
	"daylight/ingest"
	"daylight/ingest/ledgertest"
	"daylight/sandbox"
)

// corpora is the folder with real documents, or the test is skipped.
func corpora(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("DAYLIGHT_CORPORA")
	if dir == "" {
		t.Skip("DAYLIGHT_CORPORA does not name a folder with real documents")
	}
	dir = filepath.Join(dir, name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("real documents are not there: %v", err)
	}
	return dir
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

// All real documents: each received item is accounted for, at every level.
func TestRealDocuments(t *testing.T) {
	for _, c := range []struct {
		name     string
		messages int64 // 0 is not checked
	}{
		{"spamassassin", 6046}, {"usrp-users", 1600}, {"multilang-mail-synth", 146},
		{"archives", 0}, {"hoover-testdata", 0}, {"ingest-file", 0}, {"mimekit", 0}, {"mox-eml", 0},
		{"multilang-docs", 0}, {"tika-documents", 0}, {"dkim-real", 0}, {"pst", 0}, {"ocr-rendered", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := corpora(t, c.name)
			ledger := ledgertest.NewMem()
			in := ingest.Ingester{Collection: "real", Extract: ingest.Sandboxed(newPool(t)), Blobs: mem.New(), Ledger: ledger}
			start := time.Now()
			sum, err := in.Run(t.Context(), ingest.Files(dir))
			if err != nil {
				t.Fatal(err)
			}
			took := time.Since(start)
			t.Logf("%+v: %.0f items/s, %.1f MB/s", sum, float64(sum.Received.Files)/took.Seconds(), float64(sum.Received.Bytes)/1e6/took.Seconds())
			if c.messages != 0 && sum.Messages != c.messages {
				t.Errorf("%d messages; want %d", sum.Messages, c.messages)
			}
			errs := map[string]int{}
			for _, r := range ledger.Records() {
				if r.Document != nil && r.Document.Error != "" {
					errs[fmt.Sprint(r.State, ": ", r.Document.Type, ": ", r.Document.Error)]++
				}
				if r.Document != nil && r.Document.Title == "" {
					t.Errorf("%s has no title", r.Path)
				}
			}
			if testing.Verbose() {
				for e, n := range errs {
					t.Log(n, e)
				}
			}
			handed, err := ingest.Measure(dir)
			b, _ := ledger.Balance(t.Context())
			if err != nil || b.Levels[0].Received != handed {
				t.Errorf("handed in %v, %v; received %v", handed, err, b.Levels[0].Received)
			}
		})
	}
}
