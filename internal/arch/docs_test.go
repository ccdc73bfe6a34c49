package arch

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocumentsNameTests: every test that a document promises something by exists.
func TestDocumentsNameTests(t *testing.T) {
	names := regexp.MustCompile(`\b(Test|Fuzz)[A-Z][A-Za-z0-9]*`)
	var all strings.Builder
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(path)
		all.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	documents := []string{"README.md", "SECURITY.md", "ARCHITECTURE.md"}
	for _, pattern := range []string{"docs/*.md", "docs/*/*.md", "*/SPEC.md"} {
		more, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(more) == 0 {
			t.Fatalf("%s: %d documents, %v", pattern, len(more), err)
		}
		for _, path := range more {
			rel, _ := filepath.Rel(root, path)
			documents = append(documents, rel)
		}
	}
	found := 0
	for _, document := range documents {
		b, err := os.ReadFile(filepath.Join(root, document))
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range names.FindAllIndex(b, -1) {
			found++
			name, after := string(b[at[0]:at[1]]), "("
			if strings.HasPrefix(string(b[at[1]:]), "…") { // the beginning of a name
				after = ""
			}
			if !strings.Contains(all.String(), "func "+name+after) {
				t.Errorf("%s names %s, which is nowhere", document, name)
			}
		}
	}
	if found == 0 {
		t.Error("no document names a test: the search looks for the wrong thing")
	}
}
