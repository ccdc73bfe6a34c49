package main

import (
	"fmt"
	"io"
	"mime/multipart"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

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
	intake := serves(t, "intake", data)
	post := beginVisit(t, "unix", socket)
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
	_, page := post("/send", w.FormDataContentType(), body)
	for _, want := range []string{"What is listed here is kept", "whole.txt", "half.bin", "not whole"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	intake.ended = true
	if err := intake.Wait(); err != nil {
		t.Errorf("it ends with %v:\n%s", err, intake.said.String())
	}
	withStore(t, data, func(s *sqlite.Store) {
		if list, err := s.Envelopes(t.Context()); err != nil || len(list) != 1 || list[0].Size < 900_000 {
			t.Errorf("%+v, %v; want one envelope with what came", list, err)
		}
	})
}
