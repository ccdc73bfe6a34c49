package segment_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"daylight/corpus"
	"daylight/fault"
	"daylight/search"
	"daylight/search/searchtest"
	"daylight/search/segment"
)

func everything(t *testing.T, x search.Searcher) search.Result {
	t.Helper()
	res, err := x.Search(context.Background(), search.Request{Limit: 5})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func segmentFiles(t *testing.T, dir string) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// What was applied is there after the index was closed, and one process writes.
func TestReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "index")
	x := open(t, dir, segment.Options{})
	put(t, x, search.Batch{Put: []search.Document{{ID: number(1), Text: "one"}, {ID: number(2), Text: "two"}}})
	if _, err := segment.Open(dir, segment.Options{}); !errors.Is(err, fault.Busy) {
		t.Errorf("opened twice for writing: %v; want fault.Busy", err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	if err := x.Apply(context.Background(), search.Batch{Delete: []corpus.DocumentID{number(1)}}); err == nil {
		t.Error("Apply after Close succeeded")
	}
	if _, err := x.Search(context.Background(), search.Request{}); err == nil {
		t.Error("Search after Close succeeded")
	}
	if err := x.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	for _, name := range []string{"00000099.seg", "00000001-99.del"} { // what a crash leaves
		if err := os.WriteFile(filepath.Join(dir, name), []byte("rest"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	x = open(t, dir, segment.Options{})
	if n := x.Len(); n != 2 {
		t.Errorf("Len = %d after opening again; want 2", n)
	}
	if n := segmentFiles(t, dir); n != 1 {
		t.Errorf("%d segment files; want 1, and what a crash left gone", n)
	}
}

// A reader follows what another process commits, and a search that runs keeps what
// it began with.
func TestReaderFollows(t *testing.T) {
	dir := t.TempDir()
	r, err := segment.OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n := everything(t, r).Total; n != 0 {
		t.Errorf("of an empty folder: %d", n)
	}
	x := open(t, dir, segment.Options{Documents: 5})
	for round := 1; round <= 30; round++ {
		put(t, x, search.Batch{Put: []search.Document{
			{ID: number(round), Text: "word"}, {ID: number(1000 + round), Text: "word"},
		}, Delete: []corpus.DocumentID{number(1000 + round - 1)}})
		if n := everything(t, r).Total; n != round+1 || r.Len() != n {
			t.Fatalf("round %d: the reader sees %d documents; want %d", round, n, round+1)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Search(context.Background(), search.Request{}); err == nil {
		t.Error("Search after Close succeeded")
	}
	if _, err := segment.OpenReadOnly(filepath.Join(dir, "none")); !errors.Is(err, fault.NotFound) {
		t.Errorf("opened a folder that is not there: %v", err)
	}
}

// Many writers, deletes, merges and readers at once end where the oracle ends.
func TestMerges(t *testing.T) {
	dir := t.TempDir()
	failed := func(err error) { t.Errorf("merge: %v", err) }
	x := open(t, dir, segment.Options{Documents: 20, Failed: failed})
	oracle := searchtest.NewOracle()
	const writers, rounds, docs = 3, 60, 12
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for round := range rounds {
				var b search.Batch
				for i := range docs {
					// A third of them replace what was put some rounds ago.
					n := 10_000*w + docs*round + i
					if i%3 == 0 && round > 4 {
						n -= 4*docs + 1
					}
					b.Put = append(b.Put, search.Document{
						ID: number(n + 1), Language: "en", Title: fmt.Sprint("round ", round%9),
						Text: fmt.Sprintf("running contract writer%d number%d", w, n), Senders: []string{fmt.Sprint("s", n%17)},
						Message: [16]byte{byte(n), byte(n >> 8)},
					})
				}
				if round%5 == 4 {
					for i := range docs {
						b.Delete = append(b.Delete, number(10_000*w+docs*(round-2)+i+1))
					}
				}
				for _, x := range []search.Index{x, oracle} {
					if err := x.Apply(context.Background(), b); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	all.Go(func() {
		r, err := segment.OpenReadOnly(dir)
		if err != nil {
			t.Error(err)
			return
		}
		defer r.Close()
		for range 100 {
			if _, err := r.Search(context.Background(), search.Request{Query: search.Word{Text: "runs"}, Limit: 3}); err != nil {
				t.Errorf("reader: %v", err)
				return
			}
		}
	})
	all.Wait()
	check := func(x search.Searcher) {
		t.Helper()
		for _, s := range append(questions, "writer1", "contracts -writer2", "round", "title:3 OR number1*") {
			q, err := search.Parse(s)
			if err != nil {
				t.Fatal(err)
			}
			searchtest.Compare(t, x, oracle, search.Request{Query: q, Limit: 300, Facets: []search.FacetRequest{{Name: search.Sender}}})
		}
	}
	check(x)
	if n := segmentFiles(t, dir); n >= 64 {
		t.Errorf("%d segments after %d batches; want them merged", n, writers*rounds)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	check(open(t, dir, segment.Options{}))
}
