package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const vector = "../../release/testdata/vector"

func verifyFiles(args ...string) (code int, out, problems string) {
	var o, p bytes.Buffer
	code = run(args, &o, &p)
	return code, o.String(), p.String()
}

func TestVerify(t *testing.T) {
	code, out, problems := verifyFiles("--key", vector+".keys", vector+".txt", vector+".proof")
	if code != 0 || problems != "" || !strings.Contains(out, "Verified.") || !strings.Contains(out, "Not proven:") {
		t.Errorf("exit %d:\n%s%s", code, out, problems)
	}
	code, out, _ = verifyFiles("--key", vector+".keys", vector+".proof")
	if code != 0 || !strings.Contains(out, "no file was given") {
		t.Errorf("the statement alone: exit %d:\n%s", code, out)
	}
}

func TestOneChangedByte(t *testing.T) {
	for _, ext := range []string{".txt", ".proof"} {
		b, err := os.ReadFile(vector + ext)
		if err != nil {
			t.Fatal(err)
		}
		for i := range b {
			changed := bytes.Clone(b)
			changed[i] ^= 1
			path := filepath.Join(t.TempDir(), "changed"+ext)
			if err := os.WriteFile(path, changed, 0o600); err != nil {
				t.Fatal(err)
			}
			args := []string{"--key", vector + ".keys", path, vector + ".proof"}
			if ext == ".proof" {
				args = []string{"--key", vector + ".keys", vector + ".txt", path}
			}
			if code, out, problems := verifyFiles(args...); code != 1 || out != "" || !strings.Contains(problems, "NOT VERIFIED") || strings.Count(problems, "\n") != 1 {
				t.Fatalf("byte %d of %s changed: exit %d:\n%s%s", i, ext, code, out, problems)
			}
		}
	}
}

func TestWrongUse(t *testing.T) {
	for _, args := range [][]string{
		{},
		{vector + ".proof"},
		{"--key", vector + ".keys"},
		{"--key", "nowhere", vector + ".proof"},
		{"--key", vector + ".keys", "nowhere", vector + ".proof"},
		{"--key", vector + ".txt", vector + ".proof"},
		{"--nonsense"},
	} {
		if code, _, problems := verifyFiles(args...); code != 2 || problems == "" {
			t.Errorf("%q: exit %d, %q; want 2 and what is wrong", args, code, problems)
		}
	}
	if code, _, problems := verifyFiles("-h"); code != 0 || !strings.Contains(problems, "usage:") {
		t.Errorf("-h: exit %d, %q", code, problems)
	}
}
