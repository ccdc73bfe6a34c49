package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"daylight/intake/sqlite"
)

// TestAStopTellsWhoSends: intake is stopped as a file comes in, by the service manager
// for an upgrade. The source is told what was kept.
func TestAStopTellsWhoSends(t *testing.T) {
	desk, data, socket := filepath.Join(t.TempDir(), "desk"), filepath.Join(t.TempDir(), "intake"), filepath.Join(t.TempDir(), "s")
	daylight(t, "keys", "make", "--role", "desk", "--data", desk)
	daylight(t, "keys", "make", "--role", "intake", "--data", data, "--newsroom", filepath.Join(desk, "public"))
	if err := os.WriteFile(filepath.Join(data, "daylight.toml"), fmt.Appendf(nil, "[intake]\nlisten = %q\n", "unix:"+socket), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	intake := exec.Command("daylight", "serve", "--role", "intake", "--data", data)
	intake.Stderr = &said
	if err := intake.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { intake.Process.Kill() })
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("unix", socket); err == nil {
			c.Close()
			break
		} else if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	source := http.Client{Timeout: time.Minute, Jar: jar, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	post := func(path, kind string, body io.Reader) string {
		got, err := source.Post(intakeURL+path, kind, body)
		if err != nil {
			t.Fatal(err)
		}
		defer got.Body.Close()
		page, err := io.ReadAll(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(page)
	}
	for _, path := range []string{"/begin", "/codename"} {
		post(path, "application/x-www-form-urlencoded", strings.NewReader(url.Values{"way": {wayInForms}}.Encode()))
	}
	body, out := io.Pipe()
	w := multipart.NewWriter(out)
	go func() {
		w.WriteField("way", wayInForms)
		for _, name := range []string{"whole.txt", "half.bin"} {
			part, _ := w.CreateFormFile("files", name)
			part.Write(make([]byte, 500_000)) // and no more
		}
		intake.Process.Signal(syscall.SIGTERM)
	}()
	page := post("/send", w.FormDataContentType(), body)
	for _, want := range []string{"What is listed here is kept", "whole.txt", "half.bin", "not whole"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if err := intake.Wait(); err != nil {
		t.Errorf("it ends with %v:\n%s", err, &said)
	}
	withStore(t, data, func(s *sqlite.Store) {
		if list, err := s.Envelopes(t.Context()); err != nil || len(list) != 1 || list[0].Size < 900_000 {
			t.Errorf("%+v, %v; want one envelope with what came", list, err)
		}
	})
}
