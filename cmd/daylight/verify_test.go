package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"daylight/fault"
)

// TestVerifyOnlyWhatAnArchiveMakes: in a zip of another shape, what people unpack may be
// another file than the one that was checked.
func TestVerifyOnlyWhatAnArchiveMakes(t *testing.T) {
	for name, entries := range map[string][]string{
		"twice":          {"READ-ME-FIRST.txt", "a.txt", "a.txt", "a.txt.proof"},
		"in place":       {"a.txt", "a.txt", "a.txt.proof"},
		"a folder":       {"READ-ME-FIRST.txt", "./a.txt", "a.txt.proof"},
		"a backslash":    {"READ-ME-FIRST.txt", `.\a.txt`, "a.txt.proof"},
		"in capitals":    {"READ-ME-FIRST.txt", "A.TXT", "a.txt.proof"},
		"a fourth":       {"READ-ME-FIRST.txt", "a.txt", "b.txt", "a.txt.proof"},
		"only a proof":   {"READ-ME-FIRST.txt", "b.txt", "a.txt.proof"},
		"the note is it": {"READ-ME-FIRST.txt", "READ-ME-FIRST.txt.proof", "c"},
	} {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for _, e := range entries {
			if _, err := z.Create(e); err != nil {
				t.Fatal(err)
			}
		}
		z.Close()
		path := filepath.Join(t.TempDir(), "x.zip")
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if done, err := verifyBundle(&app{stdout: new(bytes.Buffer)}, f, ""); name != "the note is it" && (!done || !errors.Is(err, fault.Unverified)) || err == nil {
			t.Errorf("%s: %v, %v; want it refused", name, done, err)
		}
	}
}
