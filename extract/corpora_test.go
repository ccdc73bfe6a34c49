package extract_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"daylight/extract"
)

// corpus returns the folder of a set of real documents, or skips the test.
func corpus(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("DAYLIGHT_CORPORA")
	if root == "" {
		t.Skip("DAYLIGHT_CORPORA does not name the folder with the real documents")
	}
	dir := filepath.Join(root, name)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("%s is not among the real documents", name)
	}
	return dir
}

// file opens bytes as a file.
func file(name string, b []byte) extract.File {
	return extract.File{Name: name, Body: bytes.NewReader(b), Size: int64(len(b))}
}

// found is a file at any level.
type found struct {
	path  string
	size  int
	level int
	err   string // of the part
	extract.Result
}

// tree reads a file and everything inside.
func tree(t testing.TB, path string, f extract.File, level int, limits extract.Limits) []found {
	t.Helper()
	type part struct {
		name, kind, err string
		body            []byte
	}
	var parts []part
	r, err := extract.Extract(context.Background(), f, limits, func(p extract.Part) error {
		b, err := io.ReadAll(p.Body)
		if err != nil {
			p.Error += " " + err.Error()
		}
		parts = append(parts, part{p.Name, p.Type, p.Error, b})
		return nil
	})
	if err != nil {
		t.Errorf("%s: %v", path, err)
	}
	all := []found{{path: path, size: int(f.Size), level: level, Result: r}}
	if level >= 32 {
		return all
	}
	for _, p := range parts {
		inner := file(p.name, p.body)
		inner.Type = p.kind
		below := tree(t, path+"/"+p.name, inner, level+1, limits)
		below[0].err = p.err
		all = append(all, below...)
	}
	return all
}

func readTree(t testing.TB, path string) []found {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return tree(t, filepath.Base(path), file(filepath.Base(path), b), 0, extract.Limits{Ratio: 200, PartBytes: 256 << 20})
}

// TestMultilingualMail compares every subject, name, body, date and attachment
// with what the messages were made of.
func TestMultilingualMail(t *testing.T) {
	dir := corpus(t, "multilang-mail-synth")
	var truth []struct {
		File, Subject, Body, Date string
		MessageID                 string `json:"message_id"`
		FromName                  string `json:"from_name"`
		FromAddr                  string `json:"from_addr"`
		ToName                    string `json:"to_name"`
		ToAddr                    string `json:"to_addr"`
		InReplyTo                 string `json:"in_reply_to"`
		Attachments               []struct {
			Name string
			Size int
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &truth); err != nil {
		t.Fatal(err)
	}
	for _, want := range truth {
		all := readTree(t, filepath.Join(dir, want.File))
		got := all[0]
		check := func(what, g, w string) {
			t.Helper()
			if g != w {
				t.Errorf("%s: %s\n got %.300q\nwant %.300q", want.File, what, g, w)
			}
		}
		if got.Message == nil {
			t.Errorf("%s: type %s; want e-mail", want.File, got.Type)
			continue
		}
		check("subject", got.Title, want.Subject)
		check("body", got.Text, strings.TrimSpace(want.Body))
		check("message id", "<"+got.Message.ID+">", want.MessageID)
		check("from", got.Message.From[0].Name, want.FromName)
		check("from", got.Message.From[0].Addr, want.FromAddr)
		check("to", got.Message.To[0].Name, want.ToName)
		check("to", got.Message.To[0].Addr, want.ToAddr)
		if want.InReplyTo != "" {
			check("in reply to", "<"+got.Message.InReplyTo[0]+">", want.InReplyTo)
		}
		check("error", got.Error, "")
		if _, err := time.Parse("2006-01-02T15:04:05", want.Date); err != nil || got.Date.IsZero() {
			t.Errorf("%s: date %v; want %s", want.File, got.Date, want.Date)
		}
		var names []string
		for _, f := range all[1:] {
			if f.level == 1 {
				names = append(names, f.path[len(want.File)+1:])
			}
		}
		if len(names) != len(want.Attachments) {
			t.Errorf("%s: attachments %q; want %v", want.File, names, want.Attachments)
			continue
		}
		for i, a := range want.Attachments {
			check("attachment", names[i], a.Name)
			if all[i+1].size != a.Size {
				t.Errorf("%s: attachment %s has %d bytes; want %d", want.File, a.Name, all[i+1].size, a.Size)
			}
		}
	}
}

// messages counts e-mails that are not attached to another e-mail.
func messages(all []found) (n int) {
	mails := map[string]bool{}
	for _, f := range all {
		if f.Type == "message/rfc822" && !mails[f.path[:strings.LastIndexByte(f.path, '/')+1]] {
			n++
		}
		mails[f.path+"/"] = mails[f.path+"/"] || f.Type == "message/rfc822"
	}
	return n
}

// walk calls each for every file below a folder.
func walk(t testing.TB, dir string, each func(path string, all []found)) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		start := time.Now()
		all := readTree(t, path)
		if took := time.Since(start); took > 30*time.Second {
			t.Logf("%s took %v", filepath.Base(path), took)
		}
		each(path, all)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestRealMail counts the messages of two sets of real mail.
func TestRealMail(t *testing.T) {
	for name, want := range map[string]int{"spamassassin": 6046, "usrp-users": 1600} {
		t.Run(name, func(t *testing.T) {
			var n, files, damaged, dateless, textless int
			why := map[string]int{}
			walk(t, corpus(t, name), func(path string, all []found) {
				if filepath.Base(path) == "README.md" {
					return
				}
				n += messages(all)
				files += len(all)
				for _, f := range all {
					if f.Type != "message/rfc822" {
						continue
					}
					if f.Error != "" {
						damaged++
						why[f.Error]++
					}
					if f.Date.IsZero() {
						dateless++
					}
					if strings.TrimSpace(f.Text) == "" {
						textless++
					}
				}
			})
			if n != want {
				t.Errorf("%d messages; want %d", n, want)
			}
			t.Logf("%d files, %d messages damaged, %d without a date, %d without text: %v", files, damaged, dateless, textless, why)
		})
	}
}

// TestHostile reads whatever is there and asks only that it ends, within its
// budget, and that every file gets a type.
func TestHostile(t *testing.T) {
	for _, name := range []string{"archives", "mimekit", "mox-eml", "hoover-testdata", "dkim-mail-dkim", "ingest-file", "tika-documents"} {
		t.Run(name, func(t *testing.T) {
			types := map[string]int{}
			walk(t, corpus(t, name), func(path string, all []found) {
				for _, f := range all {
					types[f.Type]++
					if f.Type == "" {
						t.Errorf("%s has no type", f.path)
					}
				}
			})
			t.Log(types)
		})
	}
}

// TestMultilingualDocuments compares the text of Word documents with the text that
// they were made of, and finds words of each language in pages and cards.
func TestMultilingualDocuments(t *testing.T) {
	dir := corpus(t, "multilang-docs")
	files, err := filepath.Glob(filepath.Join(dir, "office", "*.docx"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	for _, name := range files {
		want, err := os.ReadFile(name + ".expected.txt")
		if err != nil {
			t.Fatal(err)
		}
		got := readTree(t, name)[0]
		if g, w := strings.Join(strings.Fields(got.Text), " "), strings.Join(strings.Fields(string(want)), " "); g != w || got.Error != "" {
			t.Errorf("%s: %d bytes, want %d; error %q", filepath.Base(name), len(g), len(w), got.Error)
		}
	}
	for lang, word := range map[string]string{
		"ar-MA": "الشبكة", "de-DE": "Verzeichnis", "en-US": "directory", "es-ES": "directorio", "fa-IR": "بسته", "fr-FR": "répertoire",
		"ru-RU": "каталог", "tr-TR": "için", "zh-CN": "目录",
	} {
		hits := 0
		walk(t, filepath.Join(dir, "html", lang), func(path string, all []found) {
			if r := all[0]; r.Type != "text/html" && r.Type != "application/xhtml+xml" || r.Title == "" || r.Error != "" {
				t.Errorf("%s: type %s, title %q, error %q", filepath.Base(path), r.Type, r.Title, r.Error)
			}
			if strings.Contains(all[0].Text, word) {
				hits++
			}
		})
		if hits < 5 {
			t.Errorf("%s: %q is on %d pages; want 5", lang, word, hits)
		}
	}
	cards, err := filepath.Glob(filepath.Join(dir, "pdf", "*.pdf"))
	if err != nil || len(cards) != 16 {
		t.Fatalf("%d cards, %v", len(cards), err)
	}
	for _, name := range cards {
		if r := readTree(t, name)[0]; len(r.Text) < 5000 || r.Title == "" || r.Error != "" || !strings.Contains(r.Text, "apt") {
			t.Errorf("%s: %d bytes, title %q, error %q", filepath.Base(name), len(r.Text), r.Title, r.Error)
		}
	}
}

// TestNestedArchives looks for the phrase planted at the bottom of containers.
func TestNestedArchives(t *testing.T) {
	dir := filepath.Join(corpus(t, "archives"), "nested")
	const needle = "needle-depth-leaf: the committee approved payment 7741."
	for name, want := range map[string]string{
		"deep12.zip": needle, "eml-in-eml-targz-zip-docx.eml": needle, "traversal.zip": "must not escape", "cp866-names.zip": "тест", "truncated.zip": "aaaa",
	} {
		hit := false
		all := readTree(t, filepath.Join(dir, name))
		for _, f := range all {
			hit = hit || strings.Contains(f.Text, want)
		}
		if !hit {
			t.Errorf("%s: %q is not in its %d files", name, want, len(all))
		}
	}
	for name, want := range map[string]int{"mails.mbox.gz": 6, "mails.tar.bz2": 6} {
		if got := messages(readTree(t, filepath.Join(dir, name))); got != want {
			t.Errorf("%s: %d messages; want %d", name, got, want)
		}
	}
	if all := readTree(t, filepath.Join(dir, "bomb-100MB.gz")); len(all) != 2 || !strings.Contains(all[0].Error, "200 times its size") {
		t.Errorf("bomb: %d files, error %q", len(all), all[0].Error)
	}
	if all := readTree(t, filepath.Join(dir, "aes.zip")); len(all) != 2 || !strings.HasPrefix(all[1].err, "encrypted") {
		t.Errorf("encrypted: %+v", all)
	}
}
