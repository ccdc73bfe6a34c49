package segment_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"daylight/corpus"
	"daylight/search"
	"daylight/search/searchtest"
	"daylight/search/segment"
)

// Real documents, as bytes: mail, web pages and whatever else lies there, in any
// charset. What matters here is not what they say but that the index and the oracle
// read the same in them.
func TestCorpora(t *testing.T) {
	root := os.Getenv("DAYLIGHT_CORPORA")
	if root == "" {
		t.Skip("DAYLIGHT_CORPORA names no folder of real documents")
	}
	queries := 1000
	if testing.Short() {
		queries = 100
	}
	docs := realDocuments(t, root)
	x, oracle := open(t, t.TempDir(), segment.Options{Documents: 500}), searchtest.NewOracle()
	for i := 0; i < len(docs); i += 700 {
		b := search.Batch{Put: docs[i:min(len(docs), i+700)]}
		if i > 0 {
			b.Delete = []corpus.DocumentID{docs[i-1].ID, docs[i-2].ID, docs[i/2].ID}
		}
		put(t, x, b)
		put(t, oracle, b)
	}
	start := time.Now()
	var total int
	for _, r := range searchtest.Requests(docs, queries, 1) {
		searchtest.Compare(t, x, oracle, r)
		if res, err := x.Search(t.Context(), r); err == nil && res.Total > 0 {
			total++
		}
	}
	t.Logf("%d documents, %d queries, %d of which find something, in %v", x.Len(), queries, total, time.Since(start))
	if 2*total < queries {
		t.Errorf("only %d of %d queries find something", total, queries)
	}
}

func realDocuments(t *testing.T, root string) (docs []search.Document) {
	t.Helper()
	files := 0
	for _, name := range []string{"spamassassin", "multilang-docs", "multilang-mail-synth", "mox-eml", "mimekit"} {
		err := filepath.WalkDir(filepath.Join(root, name), func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			// The oracle reads all of it for every query: take a part.
			files++
			text, err := os.ReadFile(path)
			if err != nil || len(text) > 12<<10 || files%4 != 0 {
				return err
			}
			lang := ""
			for _, part := range strings.FieldsFunc(path, func(r rune) bool { return strings.ContainsRune("/.-_", r) }) {
				switch part {
				case "ar", "de", "en", "es", "fa", "fr", "ru", "tr", "zh":
					lang = part
				case "ham":
					lang = "en"
				}
			}
			n := len(docs) + 1
			first, _, _ := strings.Cut(string(text), "\n")
			docs = append(docs, search.Document{
				ID: number(n), Collection: corpus.CollectionID(name), Language: lang, Languages: []string{lang, "en"},
				Title: first, Text: string(text), Name: filepath.Base(path), Type: filepath.Ext(path),
				Senders: []string{filepath.Base(path)}, Date: time.Unix(int64(n)*86_400*3, 0).UTC(), Message: [16]byte{byte(n % 251), byte(n / 1000)},
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return docs
}
