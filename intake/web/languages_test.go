package web_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var said = regexp.MustCompile(`\bt "([^"]*)"|fault\.Say\("([^"]*)"`)

// TestEveryTextIsInEveryLanguage reads the texts out of pages and code.
func TestEveryTextIsInEveryLanguage(t *testing.T) {
	languages, _ := filepath.Glob("languages/*.json")
	if len(languages) == 0 {
		t.Fatal("no languages")
	}
	pages, _ := filepath.Glob("pages/*.html")
	code, _ := filepath.Glob("[a-z]*.go")
	texts := map[string]bool{}
	for _, path := range append(pages, code...) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range said.FindAllStringSubmatch(string(b), -1) {
			texts[m[1]+m[2]] = true
		}
	}
	verbs := regexp.MustCompile(`%[sd]`)
	for _, path := range languages {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var messages map[string]string
		if err := json.Unmarshal(b, &messages); err != nil {
			t.Fatal(err)
		}
		for text := range texts {
			if messages[text] == "" {
				t.Errorf("%s lacks %q", path, text)
			}
		}
		for text, translated := range messages {
			if a, b := strings.Join(verbs.FindAllString(text, -1), ""), strings.Join(verbs.FindAllString(translated, -1), ""); a != b {
				t.Errorf("%s: %q takes %q; its translation %q", path, text, a, b)
			}
		}
	}
}
