package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"daylight/blob"
	"daylight/internal/durable/durabletest"
)

// fullDisk is a store on a disk that has room for so many bytes.
type fullDisk struct {
	blob.Store
	room *int64
}

func (f fullDisk) Begin(ctx context.Context) (blob.Batch, error) {
	b, err := f.Store.Begin(ctx)
	return fullBatch{b, f.room}, err
}

type fullBatch struct {
	blob.Batch
	room *int64
}

func (f fullBatch) Put(r io.Reader) (blob.Ref, int64, error) {
	ref, n, err := f.Batch.Put(r)
	*f.room -= n
	return ref, n, err
}

func (f fullBatch) Commit() error {
	if *f.room < 0 {
		return &os.PathError{Op: "write", Path: "pack", Err: syscall.ENOSPC}
	}
	return f.Batch.Commit()
}

// TestFullDisk takes in more than a disk holds: the person is told so, nothing that
// was there is lost, and once there is room the same command ends as it should. The
// disk is a real one where this process may mount it, here or in a namespace, and always
// one that is injected.
func TestFullDisk(t *testing.T) {
	files := t.TempDir()
	noise := rand.NewChaCha8([32]byte{1})
	for _, name := range []string{"a.bin", "b.bin", "c.bin", "d.bin"} {
		b := make([]byte, 600_000)
		noise.Read(b)
		if err := os.WriteFile(filepath.Join(files, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	letter := filepath.Join(t.TempDir(), "letter.txt")
	if err := os.WriteFile(letter, []byte("The sluice was opened twice at night."), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("injected", func(t *testing.T) {
		data := filepath.Join(t.TempDir(), "desk")
		mustRun(t, "keys", "make", "--role", "desk", "--data", data)
		mustRun(t, "ingest", "--data", data, "--collection", "Papers", letter)
		room := int64(1_000_000)
		a := trialApp(t, data)
		err := a.withDesk(func(d *deskRole, _ config) error {
			d.ingest.Blobs = fullDisk{d.ingest.Blobs, &room}
			return (&ingestCmd{Collection: "Papers", Paths: []string{files}}).into(a, d)
		})
		if err == nil || exitCode(err) != exitFull || !strings.Contains(words(err), "make room") {
			t.Fatalf("on a full disk: %v", err)
		}
		goesOn(t, data, files)
	})
	disk := durabletest.SmallDisk(t, "2m")
	if disk == "" {
		return
	}
	t.Run("mounted", func(t *testing.T) {
		data := filepath.Join(disk, "desk")
		mustRun(t, "keys", "make", "--role", "desk", "--data", data)
		mustRun(t, "ingest", "--data", data, "--collection", "Papers", letter)
		var out, errs bytes.Buffer
		code := run([]string{"ingest", "--data", data, "--collection", "Papers", files}, &out, &errs)
		if code != exitFull || !strings.Contains(errs.String(), "make room") {
			t.Fatalf("on a full disk: exit code %d: %s", code, errs.String())
		}
		if err := syscall.Mount("none", disk, "tmpfs", syscall.MS_REMOUNT, "size=64m"); err != nil {
			t.Fatal(err)
		}
		goesOn(t, data, files)
	})
}

const intakeURL = "http://daylightdaylightdaylightdaylightdaylightdaylightdaylight.onion" // forms come from onion services only

// wayInForms is what each form holds, so that who changes links on the way is seen.
var wayInForms = fmt.Sprintf(`href="%s/" href="fake.onion" href="https://%s.onion/"`, intakeURL, strings.Repeat("a", 56))

// TestFullDiskAtIntake sends more than intake's disk holds: the source is told what
// is kept. intake/web has the same with an injected disk.
func TestFullDiskAtIntake(t *testing.T) {
	disk := durabletest.SmallDisk(t, "24m")
	if disk == "" {
		return
	}
	desk, data := filepath.Join(t.TempDir(), "desk"), filepath.Join(disk, "intake")
	mustRun(t, "keys", "make", "--role", "desk", "--data", desk)
	mustRun(t, "keys", "make", "--role", "intake", "--data", data, "--newsroom", filepath.Join(desk, "public"))
	in, err := openInstance(data)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := loadConfig(data)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Intake.Pool = 0
	if cfg.Intake.Reserve < 2<<20 {
		t.Errorf("a reserve of %d bytes; want more than this disk has", cfg.Intake.Reserve)
	}
	cfg.Intake.Reserve = 0 // with it, nothing would be taken at all
	a := trialApp(t, data)
	a.log = slog.New(slog.DiscardHandler)
	role, err := a.openIntake(in, cfg, "")
	if err != nil {
		t.Fatal(err)
	}
	defer role.closers.Close()
	site := httptest.NewServer(role.handler)
	defer site.Close()
	post := beginVisit(t, "tcp", site.Listener.Addr().String())
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	w.WriteField("way", wayInForms)
	for _, f := range []struct{ name, body string }{{"small.txt", "small"}, {"large.bin", strings.Repeat("large", 4_000_000)}} {
		part, err := w.CreateFormFile("files", f.name)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(part, f.body)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	code, page := post("/send", w.FormDataContentType(), &form)
	if code != http.StatusInsufficientStorage {
		t.Errorf("status %d; want %d", code, http.StatusInsufficientStorage)
	}
	for _, want := range []string{"no space left", "What is listed here is kept", "small.txt", "not whole"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}

// beginVisit begins a visit at the intake whose pages are at an address, and posts in it: what
// is answered, and its status.
func beginVisit(t *testing.T, network, address string) (post func(path, kind string, body io.Reader) (int, string)) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	source := http.Client{Timeout: time.Minute, Jar: jar, Transport: &http.Transport{DialContext: dial}}
	post = func(path, kind string, body io.Reader) (int, string) {
		got, err := source.Post(intakeURL+path, kind, body)
		if err != nil {
			t.Fatal(err)
		}
		defer got.Body.Close()
		page, err := io.ReadAll(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		return got.StatusCode, string(page)
	}
	for _, path := range []string{"/begin", "/codename"} {
		if code, page := post(path, "application/x-www-form-urlencoded", strings.NewReader(url.Values{"way": {wayInForms}}.Encode())); code != http.StatusOK {
			t.Fatalf("%s: status %d: %s", path, code, page)
		}
	}
	return post
}

// goesOn checks that a desk has what it had, and takes the rest.
func goesOn(t *testing.T, data, files string) {
	t.Helper()
	if out := mustRun(t, "search", "--data", data, "--site", "desk", "--json", "sluice"); !strings.HasPrefix(out, `{"total":1,`) {
		t.Errorf("what was there before: %s", out)
	}
	out := mustRun(t, "ingest", "--data", data, "--collection", "Papers", "--json", files)
	if !strings.HasPrefix(out, `{"received":{"files":5,"bytes":2400037},`) {
		t.Errorf("with room: %s", out)
	}
	mustRun(t, "doctor", "--data", data)
}

// mustRun runs a command that must succeed, and returns what it printed.
func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(args, &out, &errs); code != 0 {
		t.Fatalf("%s: exit code %d: %s%s", args, code, out.String(), errs.String())
	}
	return out.String()
}
