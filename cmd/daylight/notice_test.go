package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestNoticeTellsNothing: two desks that serve, of which one took something in from a
// source and one did not, say the same at the hour that is set, and each once.
func TestNoticeTellsNothing(t *testing.T) {
	t.Parallel() // it waits for a full minute
	said := make(chan [2]string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		whose := r.URL.Path
		r.URL.Path, r.RequestURI = "/", "/"
		b, _ := httputil.DumpRequest(r, true)
		said <- [2]string{whose, string(b)}
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	way := filepath.Join(dir, "way")
	if err := os.Mkdir(way, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"full", "idle"} {
		daylight(t, "keys", "make", "--role", "desk", "--data", filepath.Join(dir, name))
	}
	intakeDir := filepath.Join(dir, "intake")
	daylight(t, "keys", "make", "--role", "intake", "--data", intakeDir, "--newsroom", filepath.Join(dir, "full", "public"))
	write("intake/daylight.toml", fmt.Sprintf("[intake]\nlisten = \"127.0.0.1:0\"\nclearnet = true\npool = 0\ncourier = %q\n", way))
	words := strings.TrimSpace(daylight(t, "keys", "fingerprint", "--data", filepath.Join(dir, "full")))
	intake := serves(t, "intake", intakeDir)
	daylight(t, "send", "--to", "http://"+intake.address(), "--words", words, "--message", write("message", "I saw the ledger, and who wrote it."))
	intake.stop()
	serves(t, "intake", intakeDir) // which carries it to the folder
	until(t, "carried to the folder", func() bool {
		there, _ := filepath.Glob(filepath.Join(way, "envelopes", "[^.]*"))
		return len(there) == 1
	})

	at := time.Now().UTC().Add(15 * time.Second).Truncate(time.Minute).Add(time.Minute)
	for name, courier := range map[string]string{"full": way, "idle": ""} {
		write(name+"/daylight.toml", fmt.Sprintf("[desk]\nlisten = \"127.0.0.1:0\"\nfetch_every = \"1s\"\ncourier = %q\n[notice]\nat = %q\nto = \"%s/%s\"\n",
			courier, at.Format("15:04"), server.URL, name))
		serves(t, "desk", filepath.Join(dir, name))
	}
	until(t, "taken in by one desk", func() bool {
		there, _ := filepath.Glob(filepath.Join(way, "acknowledged", "[^.]*"))
		return len(there) == 1
	})
	if len(said) > 0 {
		t.Fatalf("a desk says something before the hour: %q", <-said)
	}

	got := map[string]string{}
	for len(got) < 2 {
		select {
		case one := <-said:
			if got[one[0]] != "" {
				t.Errorf("%s says it twice", one[0])
			}
			got[one[0]] = one[1]
		case <-time.After(time.Until(at) + time.Minute):
			t.Fatalf("at %s there came %q", at.Format("15:04"), got)
		}
	}
	if early := time.Until(at); early > 0 {
		t.Errorf("it came %v before the hour", early)
	}
	if got["/full"] != got["/idle"] || !strings.Contains(got["/idle"], "Look at the desk.") {
		t.Errorf("a desk that took something in says\n%s\nand one that did not\n%s", got["/full"], got["/idle"])
	}
	time.Sleep(time.Second)
	if len(said) > 0 {
		t.Errorf("it comes once more: %q", <-said)
	}
}
