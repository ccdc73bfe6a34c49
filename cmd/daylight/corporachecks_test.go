package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"daylight/corpus"
	"daylight/desk"
	"daylight/ingest"
	"daylight/sandbox"
	"daylight/search"
)

// source is a folder that becomes a collection of its name.
type source struct {
	dir      string
	messages int64 // 0 is not checked
}

func (s source) name() string { return filepath.Base(s.dir) }

// filled is a desk that ingest has filled.
type filled struct {
	data    string
	sources []source
	took    map[string]time.Duration
}

// fill runs `daylight ingest --json` for each folder, into a desk that it makes.
func fill(t *testing.T, sources []source) *filled {
	t.Helper()
	f := &filled{filepath.Join(t.TempDir(), "data"), sources, map[string]time.Duration{}}
	for _, s := range sources {
		start := time.Now()
		var sum ingest.Summary
		command(t, &sum, "ingest", "--json", "--data", f.data, "--collection", s.name(), s.dir)
		f.took[s.name()] = time.Since(start)
		t.Logf("%s: %+v; %.0f files/s, %.0f messages/s", s.name(), sum,
			float64(sum.Received.Files)/f.took[s.name()].Seconds(), float64(sum.Messages)/f.took[s.name()].Seconds())
		if s.messages != 0 && sum.Messages != s.messages {
			t.Errorf("%s: %d messages; want %d", s.name(), sum.Messages, s.messages)
		}
		if sum.Received.Files != sum.Documents+sum.Duplicates+sum.Quarantined {
			t.Errorf("%s: received %+v is not the sum of its parts", s.name(), sum)
		}
	}
	return f
}

// command runs the program and decodes what it prints, which is one JSON value.
func command(t *testing.T, v any, args ...string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(args, &stdout, &stderr); code != 0 {
		t.Fatalf("daylight %q: exit code %d\n%s", args, code, &stderr)
	}
	dec := json.NewDecoder(&stdout)
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil || dec.More() {
		t.Fatalf("daylight %q printed no single JSON value: %v", args, err)
	}
}

// open hands the desk to a function.
func (f *filled) open(t *testing.T, do func(d *deskRole)) {
	t.Helper()
	if err := trialApp(t, f.data).withDesk(func(d *deskRole, _ config) error { do(d); return nil }); err != nil {
		t.Fatal(err)
	}
}

// itemsOf returns all of a collection, in the order recorded, without text or with it.
func itemsOf(t *testing.T, d *deskRole, c corpus.CollectionID, text bool) (all []desk.Item) {
	t.Helper()
	for i, err := range d.stores.Documents.Each(t.Context(), c, desk.Filter{}, text) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, i)
	}
	return all
}

// prove runs the checks that need to know nothing of the documents.
func (f *filled) prove(t *testing.T) {
	t.Run("equation", f.equation)
	t.Run("oracle", f.oracle)
}

// equation checks that what was handed in is what was received, that both sides are
// equal at every level, and that everything inside of something lies in an item of
// the level above.
func (f *filled) equation(t *testing.T) {
	f.open(t, func(d *deskRole) {
		var all corpus.Ledger
		for _, s := range f.sources {
			c, err := d.stores.Cases.Of(t.Context(), corpus.CollectionID(s.name()))
			if err != nil {
				t.Fatal(err)
			}
			l, err := d.Ledger(t.Context(), desk.Operator, c.ID) // checks both
			if err != nil {
				t.Fatalf("%s: %v", s.name(), err)
			}
			handed, err := ingest.Measure(s.dir)
			if err != nil || l.Now.Levels[0].Received != handed {
				t.Errorf("%s: %+v handed in, %v; received %+v", s.name(), handed, err, l.Now.Levels[0].Received)
			}
			counted := f.counted(t, d, s, &all)
			if !reflect.DeepEqual(l.Now, counted) {
				t.Errorf("%s: ledger %+v; its items are %+v", s.name(), l.Now, counted)
			}
		}
		if err := all.Check(); err != nil {
			t.Error(err)
		}
		var table strings.Builder
		for level, b := range all.Levels {
			fmt.Fprintf(&table, "\nlevel %d: received %+v = %+v", level, b.Received, b.States)
		}
		t.Logf("%d levels%s", len(all.Levels), &table)
	})
}

// counted adds the items of a collection up, one by one.
func (f *filled) counted(t *testing.T, d *deskRole, s source, all *corpus.Ledger) (l corpus.Ledger) {
	t.Helper()
	top := map[string]bool{}
	for item, err := range ingest.Files(s.dir) {
		if err != nil {
			t.Fatal(err)
		}
		top[item.Path] = true
	}
	levels := map[string]int{}
	hashes := map[corpus.DocumentID]desk.Item{}
	for _, i := range itemsOf(t, d, corpus.CollectionID(s.name()), false) {
		l.Receive(i.Level, i.State, i.Reason, i.Size)
		all.Receive(i.Level, i.State, i.Reason, i.Size)
		levels[i.Path] = i.Level
		above, inside := levels[i.Holder]
		switch {
		case i.Level == 0 && !top[i.Path]:
			t.Errorf("%s was not handed in", i.Path)
		case i.Level > 0 && (!inside || above != i.Level-1):
			t.Errorf("%s at level %d lies in %q, level %d", i.Path, i.Level, i.Holder, above)
		}
		delete(top, i.Path)
		if i.Document != nil {
			if i.Document.Title == "" {
				t.Errorf("%s has no title", i.Path)
			}
			hashes[i.ID()] = i
		} else if of, ok := hashes[i.Of]; !ok || of.Hash != i.Hash || of.Size != i.Size {
			t.Errorf("%s is a duplicate of nothing", i.Path)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(top)) {
		t.Errorf("%s was handed in, and is nowhere", path)
	}
	return l
}

// letter is what a message was made of.
type letter struct {
	File, Subject, Body string
	Attachments         []attachment
}

type attachment struct{ Name string }

// letters checks subjects, texts and names of attachments in the desk's ledger.
func (f *filled) letters(t *testing.T, collection string, want []letter) {
	f.open(t, func(d *deskRole) {
		byPath, parts := map[string]desk.Item{}, map[string][]string{}
		for _, i := range itemsOf(t, d, corpus.CollectionID(collection), true) {
			byPath[i.Path] = i
			if i.Holder != "" {
				parts[i.Holder] = append(parts[i.Holder], strings.TrimPrefix(i.Path, i.Holder+"/"))
			}
		}
		for _, w := range want {
			path := collection + "/" + w.File
			got := byPath[path].Document
			if got == nil || got.Message == nil {
				t.Errorf("%s is no e-mail", path)
				continue
			}
			if got.Title != w.Subject {
				t.Errorf("%s: subject %q; want %q", path, got.Title, w.Subject)
			}
			if got.Text != strings.TrimSpace(w.Body) {
				t.Errorf("%s: text %.200q; want %.200q", path, got.Text, w.Body)
			}
			var names []string
			for _, a := range w.Attachments {
				names = append(names, a.Name)
			}
			if !slices.Equal(parts[path], names) {
				t.Errorf("%s: attachments %q; want %q", path, parts[path], names)
			}
		}
	})
}

// words searches words of each language in a collection. The facet must name that
// language, for at least some documents, and none more often, but English: pages
// that are translated in part are in English mostly.
func (f *filled) words(t *testing.T, collection string, some int, words map[string][]string) {
	for lang, list := range words {
		for _, word := range list {
			var out searchOutput
			command(t, &out, "search", "--json", "--data", f.data, "--site", "desk", "--facets", "language",
				"collection:"+collection, word)
			langs := out.Facets["language"]
			here := slices.IndexFunc(langs, func(c search.Count) bool { return c.Value == lang })
			if here < 0 || langs[here].Count < some || here > 0 && (here > 1 || langs[0].Value != "en") {
				t.Errorf("%s: %q is in documents in %v; want %d or more, most in %s", collection, word, langs, some, lang)
			}
		}
	}
}

// finds searches, and expects so many documents or more.
func (f *filled) finds(t *testing.T, collection string, want map[string]int) {
	for query, n := range want {
		var out searchOutput
		command(t, &out, "search", "--json", "--data", f.data, "--site", "desk", "collection:"+collection, query)
		if out.Total < n || len(out.Hits) < n {
			t.Errorf("%s: %s finds %d; want %d", collection, query, out.Total, n)
		}
	}
}

// hostile checks that a folder of files that mean harm took no longer than one file
// may, and that nothing came out of it beyond its limits. It tells what became of
// each.
func (f *filled) hostile(t *testing.T, collection string) {
	if took, most := f.took[collection], sandbox.DefaultBudget.Wall; took > most {
		t.Errorf("all of %s took %v; each of its files may take %v", collection, took, most)
	}
	f.open(t, func(d *deskRole) {
		root, inside := desk.Item{}, corpus.Tally{}
		states := map[corpus.State]int{}
		var table strings.Builder
		end := func() {
			states[root.State]++
			if most := max(ingest.DefaultLimits.Bytes, root.Size*ingest.DefaultLimits.Ratio); inside.Bytes > most {
				t.Errorf("%s: %d bytes came out of it", root.Path, inside.Bytes)
			}
			why := ""
			if root.Document != nil {
				why = root.Document.Type + " " + root.Document.Error
			}
			fmt.Fprintf(&table, "\n%s: %s, %d bytes, %d files of %d bytes inside; %s", root.Path, root.State, root.Size, inside.Files, inside.Bytes, why)
		}
		for n, i := range itemsOf(t, d, corpus.CollectionID(collection), false) {
			if i.Level > 0 {
				inside.Files++
				inside.Bytes += i.Size
				continue
			}
			if n > 0 {
				end()
			}
			root, inside = i, corpus.Tally{}
		}
		end()
		t.Logf("%s took %v: %v%s", collection, f.took[collection], states, &table)
	})
}
