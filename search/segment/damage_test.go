package segment_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"daylight/corpus"
	"daylight/fault"
	"daylight/search"
	"daylight/search/segment"
)

// damageable makes an index of two segments, one with tombstones, closed.
func damageable(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	x := open(t, dir, segment.Options{})
	for part := range 2 {
		var b search.Batch
		for i := range 300 {
			b.Put = append(b.Put, search.Document{
				ID: number(1000*part + i + 1), Language: "en", Title: fmt.Sprint("title ", i%7),
				Text: strings.Repeat("running contracts ", 1+i%9) + fmt.Sprintf("word%d common tail", i), Senders: []string{fmt.Sprint(i % 50)},
			})
		}
		put(t, x, b)
	}
	put(t, x, search.Batch{Delete: []corpus.DocumentID{number(5), number(6)}})
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func number(n int) corpus.DocumentID {
	return corpus.DocumentID{1, byte(n >> 16), byte(n >> 8), byte(n)}
}

func put(t testing.TB, x search.Index, b search.Batch) {
	t.Helper()
	if err := x.Apply(context.Background(), b); err != nil {
		t.Fatal(err)
	}
}

// questions are asked of an index with damage; together they read every part of it.
var questions = []string{"common", "run", `"running contracts"`, "word*", "title:3", "contract -word7", "sender:7", `"contracts wor*"`, "date:.."}

func ask(x search.Searcher) (string, error) {
	var all strings.Builder
	for _, s := range questions {
		q, err := search.Parse(s)
		if err != nil {
			return "", err
		}
		r := search.Request{Query: q, Limit: 50}
		for _, name := range search.FacetNames {
			r.Facets = append(r.Facets, search.FacetRequest{Name: name})
		}
		res, err := x.Search(context.Background(), r)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&all, "%+v\n", res)
	}
	return all.String(), nil
}

// openAndAsk answers, or says why not.
func openAndAsk(dir string) (string, error) {
	r, err := segment.OpenReadOnly(dir)
	if err != nil {
		return "", err
	}
	defer r.Close()
	return ask(r)
}

// Whatever happens to a file, the answer is the right one or fault.Damaged.
func TestDamage(t *testing.T) {
	dir := damageable(t)
	want, err := openAndAsk(dir)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	seen := 0
	for _, file := range files {
		whole, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		if len(whole) == 0 {
			continue // the lock
		}
		try := func(what string, b []byte) {
			t.Helper()
			if err := os.WriteFile(file, b, 0o600); err != nil {
				t.Fatal(err)
			}
			switch got, err := openAndAsk(dir); {
			case err == nil && got != want:
				t.Errorf("%s, %s: a wrong answer", name, what)
			case err != nil && !errors.Is(err, fault.Damaged):
				t.Errorf("%s, %s: %v; want fault.Damaged", name, what, err)
			case err != nil:
				seen++
			}
		}
		for range 60 {
			b := append([]byte(nil), whole...)
			at := rng.IntN(len(b))
			b[at] ^= 1 << rng.IntN(8)
			try(fmt.Sprint("flipped at ", at), b)
		}
		for _, n := range []int{0, 1, 7, len(whole) / 2, len(whole) - 1} {
			try(fmt.Sprint("cut to ", n), whole[:n])
		}
		try("longer", append(append([]byte(nil), whole...), 0))
		os.Remove(file)
		if got, err := openAndAsk(dir); name != "manifest" && !errors.Is(err, fault.Damaged) {
			t.Errorf("%s is missing: %v, %v; want fault.Damaged", name, got != "", err)
		}
		if err := os.WriteFile(file, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if seen < 200 {
		t.Errorf("only %d damages were seen", seen)
	}
	if got, err := openAndAsk(dir); err != nil || got != want {
		t.Errorf("after all was put back: %v", err)
	}
}

// A file that is cut short while it is open and mapped is an error, not a crash.
func TestCutWhileOpen(t *testing.T) {
	dir := damageable(t)
	r, err := segment.OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	segments, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	if err != nil || len(segments) != 2 {
		t.Fatalf("segments %v, %v", segments, err)
	}
	for _, s := range segments {
		if err := os.Truncate(s, 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ask(r); !errors.Is(err, fault.Damaged) {
		t.Errorf("Search: %v; want fault.Damaged", err)
	}
}

// FuzzFiles changes a file at a place, and mends the checksums in the trailer so that
// the change is not found by them: nothing may crash or hang.
func FuzzFiles(f *testing.F) {
	dir := damageable(f)
	segments, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	if err != nil {
		f.Fatal(err)
	}
	manifest, err := os.ReadFile(filepath.Join(dir, "manifest"))
	if err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(segments[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(0), []byte("x"))
	f.Add(uint32(100), []byte{0xff, 0xff, 0xff, 0xff, 0xff})
	for at := 8; at < len(whole); at += len(whole) / 60 {
		f.Add(uint32(at), []byte{0xff, 0x80, 0})
	}
	f.Fuzz(func(t *testing.T, at uint32, change []byte) {
		b := append([]byte(nil), whole...)
		copy(b[int(at)%len(b):], change)
		m := segment.Forge(b, manifest)
		dir := t.TempDir()
		files, _ := filepath.Glob(filepath.Join(filepath.Dir(segments[0]), "*"))
		for _, file := range files {
			body := m
			switch {
			case file == segments[0]:
				body = b
			case filepath.Base(file) != "manifest":
				if body, err = os.ReadFile(file); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), body, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := openAndAsk(dir); err != nil && !errors.Is(err, fault.Damaged) {
			t.Errorf("%v; want fault.Damaged", err)
		}
	})
}

func FuzzManifest(f *testing.F) {
	b, err := os.ReadFile(filepath.Join(damageable(f), "manifest"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("daylight index, format 0, checksum 00000000\n{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "manifest"), segment.Seal(b), 0o600); err != nil {
			t.Fatal(err)
		}
		if x, err := segment.OpenReadOnly(dir); err == nil {
			x.Close()
		} else if !errors.Is(err, fault.Damaged) && !errors.Is(err, fault.Conflict) {
			t.Errorf("%v; want fault.Damaged", err)
		}
	})
}
