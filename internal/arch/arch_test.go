package arch

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

func policy(t *testing.T) *Policy {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := Read(string(text), "daylight")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// list asks go for the truth, with some files put over or beside the real ones.
func list(t *testing.T, overlay map[string]string) []Package {
	t.Helper()
	args := []string{"list", "-deps", "-json=ImportPath,Imports,Standard,Module"}
	if overlay != nil {
		replace := map[string]string{}
		for name, text := range overlay {
			file := filepath.Join(t.TempDir(), "x.go")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			abs, _ := filepath.Abs(filepath.Join(root, name))
			replace[abs] = file
		}
		b, _ := json.Marshal(map[string]any{"Replace": replace})
		file := filepath.Join(t.TempDir(), "overlay.json")
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-overlay", file)
	}
	cmd := exec.Command("go", append(args, "./...")...)
	cmd.Dir, cmd.Env, cmd.Stderr = root, append(os.Environ(), "CGO_ENABLED=0"), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []Package
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p Package
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	return packages
}

func TestImports(t *testing.T) {
	for _, wrong := range policy(t).Check(list(t, nil)) {
		t.Error(wrong)
	}
}

// The policy must be able to fail: each break is made in the real tree, by an
// overlay, and must be told.
func TestImportsFail(t *testing.T) {
	for name, c := range map[string]struct {
		overlay map[string]string
		want    string
	}{
		"a role imports a role": {
			map[string]string{"archive/zz.go": "package archive\nimport _ \"daylight/desk\"\n"},
			"archive: imports desk, which its line does not name"},
		"a parser reached from intake through a friend": {
			map[string]string{"codename/zz.go": "package codename\nimport _ \"daylight/mail\"\n"},
			"intake/web: reaches mail by intake/web → "},
		"a profiler, which shows what is in memory": {
			map[string]string{"intake/zz.go": "package intake\nimport _ \"net/http/pprof\"\n"},
			"cmd/daylight: reaches net/http/pprof by cmd/daylight → "},
		"a package without a line": {
			map[string]string{"gossip/gossip.go": "package gossip\n"},
			"gossip: has no line"},
		"a module that no line names": {
			map[string]string{"corpus/zz.go": "package corpus\nimport _ \"github.com/klauspost/compress/zstd\"\n"},
			"corpus: imports github.com/klauspost/compress, which its line does not name"},
	} {
		t.Run(name, func(t *testing.T) {
			got := policy(t).Check(list(t, c.overlay))
			for _, wrong := range got {
				if strings.Contains(wrong, c.want) {
					return
				}
			}
			t.Errorf("got %q; want %q among them", got, c.want)
		})
	}
}

func TestStaleLinesFail(t *testing.T) {
	p, err := Read("```imports\na:\nb: a example.com/m\nc: a\nd: c\nnever b: os\n```", "daylight")
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(p.Check([]Package{
		{ImportPath: "daylight/a", Imports: []string{"daylight/c"}},
		{ImportPath: "daylight/b", Imports: []string{"daylight/a", "os"}},
		{ImportPath: "daylight/c", Imports: []string{"daylight/a"}},
		{ImportPath: "os", Standard: true},
	}), "\n")
	want := strings.Join([]string{
		"a: imports c, which its line does not name",
		"b: its line names example.com/m, which it does not import",
		"b: reaches os by b → os",
		"d: has a line, but there is no such package",
	}, "\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
