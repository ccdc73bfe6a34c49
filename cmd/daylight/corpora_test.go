package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/text/encoding/charmap"

	"daylight/sample"
)

// corpora is the folder with real documents, or the test is skipped.
func corpora(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("DAYLIGHT_CORPORA")
	if dir == "" {
		t.Skip("DAYLIGHT_CORPORA does not name the folder with the real documents")
	}
	if testing.Short() {
		t.Skip("what DAYLIGHT_CORPORA names takes long to read, and -short is set")
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
			"fa": {"بسته", "سیستم", "است"}, "fr": {"répertoire", "utilisateur", "fichier"},
			"ru": {"каталог", "пользователь", "файл"}, "tr": {"için", "bir", "daha"},
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
