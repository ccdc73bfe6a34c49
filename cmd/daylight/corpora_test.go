package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"

	"daylight/corpus"
	"daylight/desk"
	"daylight/ingest"
	"daylight/sample"
	"daylight/sandbox"
)

// corpora is the folder with real documents, or the test is skipped.
func corpora(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("DAYLIGHT_CORPORA")
	if dir == "" {
		t.Skip("DAYLIGHT_CORPORA does not name the folder with the real documents")
	}
	return dir
}

// TestCorpora takes all real documents in, as a user would, and then asks of the
// desk everything that must be true of it.
func TestCorpora(t *testing.T) {
	root := corpora(t)
	f := fill(t, []source{
		{dir: filepath.Join(root, "spamassassin"), messages: 6046},
		{dir: filepath.Join(root, "usrp-users"), messages: 1600},
		{dir: filepath.Join(root, "multilang-mail-synth"), messages: 146},
		{dir: filepath.Join(root, "multilang-docs")},
		{dir: filepath.Join(root, "archives")},
		{dir: filepath.Join(root, "hoover-testdata")},
		{dir: filepath.Join(root, "tika-documents")},
		{dir: filepath.Join(root, "ingest-file")},
		{dir: filepath.Join(root, "mimekit")},
		{dir: filepath.Join(root, "mox-eml")},
		{dir: filepath.Join(root, "dkim-mail-dkim")},
		{dir: filepath.Join(root, "dkim-real")},
		{dir: filepath.Join(root, "pst")},
		{dir: filepath.Join(root, "ocr-rendered")},
		{dir: filepath.Join(root, "ocr-tesseract")},
	})
	b, err := os.ReadFile(filepath.Join(root, "multilang-mail-synth", "truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	var truth []letter
	if err := json.Unmarshal(b, &truth); err != nil {
		t.Fatal(err)
	}
	t.Run("letters", func(t *testing.T) { f.letters(t, "multilang-mail-synth", truth) })
	t.Run("words", func(t *testing.T) {
		f.words(t, "multilang-docs", 5, map[string][]string{
			"ar": {"الشبكة", "الحزم", "النظام"}, "de": {"Verzeichnis", "Benutzer", "Datei"},
			"en": {"directory", "administrator", "network"}, "es": {"directorio", "usuario", "archivo"},
			"fa": {"بسته", "پرونده", "است"}, "fr": {"répertoire", "utilisateur", "fichier"},
			"ru": {"каталог", "пользователь", "файл"}, "tr": {"için", "bir", "paket"},
			"zh": {"目录", "用户", "文件"},
		})
	})
	t.Run("hostile", func(t *testing.T) {
		f.hostile(t, "archives")
		f.finds(t, "archives", map[string]int{`"the committee approved payment 7741"`: 1, `"must not escape"`: 1})
	})
	f.prove(t)
}

// TestSampleTakenIn asks the same of the project's own documents, and of a few that
// are made here to do harm.
func TestSampleTakenIn(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) {
		t.Helper()
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mails := int64(0)
	for name, b := range sample.Files() {
		write("sample/"+name, b)
		switch filepath.Ext(name) {
		case ".eml":
			mails++
		case ".mbox":
			mails += int64(bytes.Count(append([]byte("\n"), b...), []byte("\nFrom ")))
		}
	}
	koi, err := charmap.KOI8R.NewEncoder().String("Пишите нам.\r\nЁжик здесь.\r\n")
	if err != nil {
		t.Fatal(err)
	}
	write("letters/koi.eml", []byte("From: =?koi8-r?B?4c7OwQ==?= <anna@port.example>\r\nSubject: =?koi8-r?Q?=F0=D2=C9=D7=C5=D4?=\r\n"+
		"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=koi8-r\r\n\r\n"+koi+
		"--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename*=utf-8''%D0%BA%D0%BE%D1%82.txt\r\n\r\ncat\r\n--b--\r\n"))
	write("hostile/bomb.gz", bomb(t))
	write("hostile/traversal.zip", traversal(t))
	write("hostile/cut.zip", traversal(t)[:60])
	write("hostile/nothing", nil)

	f := fill(t, []source{{dir: filepath.Join(dir, "sample"), messages: mails}, {dir: filepath.Join(dir, "letters"), messages: 1}, {dir: filepath.Join(dir, "hostile")}})
	t.Run("letters", func(t *testing.T) {
		f.letters(t, "letters", []letter{{File: "koi.eml", Subject: "Привет", Body: "Пишите нам.\nЁжик здесь.", Attachments: []attachment{{"кот.txt"}}}})
	})
	t.Run("words", func(t *testing.T) {
		f.words(t, "sample", 2, map[string][]string{"en": {"harbour", "minister"}, "ru": {"камера", "порт"}, "ar": {"الميناء", "الوزير"}})
	})
	t.Run("hostile", func(t *testing.T) {
		f.hostile(t, "hostile")
		f.finds(t, "hostile", map[string]int{`"must not escape"`: 1})
	})
	f.prove(t)
}

// bomb is a gzip that holds more than a thousand times its size.
func bomb(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.CopyN(z, zeros{}, 64<<20); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// traversal is a zip whose file wants to lie elsewhere.
func traversal(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("../../../etc/cron.d/x.txt")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(w, "this must not escape")
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

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
		for level, b := range all.Levels {
			t.Logf("level %d: received %+v = %+v", level, b.Received, b.States)
		}
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

// words searches words of each language in a collection, and expects most documents
// that have them, at least some, to be in that language.
func (f *filled) words(t *testing.T, collection string, some int, words map[string][]string) {
	for lang, list := range words {
		for _, word := range list {
			var out searchOutput
			command(t, &out, "search", "--json", "--data", f.data, "--site", "desk", "--facets", "language",
				"collection:"+collection, word)
			langs := out.Facets["language"]
			if len(langs) == 0 || langs[0].Value != lang || langs[0].Count < some {
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
		end := func() {
			if most := max(ingest.DefaultLimits.Bytes, root.Size*ingest.DefaultLimits.Ratio); inside.Bytes > most {
				t.Errorf("%s: %d bytes came out of it", root.Path, inside.Bytes)
			}
			why := ""
			if root.Document != nil {
				why = root.Document.Type + " " + root.Document.Error
			}
			t.Logf("%s: %s, %d bytes, %d files of %d bytes inside; %s", root.Path, root.State, root.Size, inside.Files, inside.Bytes, why)
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
	})
}
