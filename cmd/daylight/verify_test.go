package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
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

// TestVerifySaysItOnce: what does not hold is said in one place, in words.
func TestVerifySaysItOnce(t *testing.T) {
	const vector = "../../release/testdata/vector"
	read := func(path string) []byte {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	doc, proof := read(vector+".txt"), read(vector+".proof")
	flipped := func(b []byte) []byte {
		b = bytes.Clone(b)
		b[len(b)/2] ^= 1
		return b
	}
	bundle := func(doc []byte) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for _, f := range []struct {
			name string
			body []byte
		}{{"READ-ME-FIRST.txt", nil}, {"a.txt", doc}, {"a.txt.proof", proof}} {
			w, err := z.Create(f.name)
			if err == nil {
				_, err = w.Write(f.body)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	whole := bundle(doc)
	damaged := bytes.Clone(whole)
	damaged[bytes.Index(damaged, []byte("a.txt"))+20] ^= 1
	unnamed := bytes.Clone(whole) // its directory names no proof
	unnamed[bytes.LastIndex(unnamed, []byte("a.txt.proof"))+8] ^= 1
	dir := t.TempDir()
	for name, c := range map[string]struct {
		file, proof []byte
		want        string
	}{
		"a.txt": {flipped(doc), proof, "at least one byte of it is different"},
		"b.txt": {doc, flipped(proof), "it was changed, or it is not signed"},
		"c.zip": {bundle(flipped(doc)), nil, "at least one byte of it is different"},
		"d.zip": {damaged, nil, "The zip is damaged"},
		"e.zip": {whole[:len(whole)-9], nil, "The zip is damaged"},
		"f.zip": {unnamed, nil, "no zip with a proof in it, or a damaged one"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, c.file, 0o600); err != nil {
			t.Fatal(err)
		}
		if c.proof != nil {
			if err := os.WriteFile(path+".proof", c.proof, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var out, errs bytes.Buffer
		code := run([]string{"verify", "--key", vector + ".keys", path}, &out, &errs)
		if said := errs.String(); code != exitUnverified || out.Len() > 0 || !strings.HasPrefix(said, "daylight: NOT VERIFIED. ") || strings.Count(said, "\n") != 1 || !strings.Contains(said, c.want) {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q; want %q, once", name, code, &out, said, c.want)
		}
	}
}
