package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The units are read by systemd itself, which says how exposed each is: 10 is a
// service without any hardening.
func TestUnits(t *testing.T) {
	analyze := os.Getenv("DAYLIGHT_SYSTEMD_ANALYZE")
	if analyze == "" {
		t.Skip("DAYLIGHT_SYSTEMD_ANALYZE does not name systemd-analyze; `make test` does")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for role, most := range map[string]float64{"intake": 0.6, "desk": 2.2, "archive": 1.2} {
		name := "daylight-" + role + ".service"
		text, err := units.ReadFile("systemd/" + name)
		if err != nil {
			t.Fatal(err)
		}
		// What it starts must be there.
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(strings.Replace(string(text), "/usr/local/bin/daylight", self, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(analyze, "verify", "--man=no", path).CombinedOutput(); err != nil || strings.Contains(string(out), name) {
			t.Errorf("verify %s: %v\n%s", role, err, out)
		}
		out, err := exec.Command(analyze, "security", "--offline=yes", "--no-pager", path).CombinedOutput()
		got := regexp.MustCompile(`Overall exposure level.*: ([0-9.]+)`).FindSubmatch(out)
		if got == nil {
			t.Errorf("security of %s: %v\n%s", role, err, out)
			continue
		}
		score, err := strconv.ParseFloat(string(got[1]), 64)
		t.Logf("exposure of %s: %v", role, score)
		if err != nil || score > most {
			t.Errorf("exposure of %s is %v; want at most %v\n%s", role, score, most, out)
		}
	}
}
