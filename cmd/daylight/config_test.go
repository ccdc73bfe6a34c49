package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"daylight/fault"
)

func TestDefaultConfig(t *testing.T) {
	c, err := loadConfig(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if c.Newsroom != "Daylight" || c.Intake.MaxUpload != 4<<30 || c.Intake.Reserve != 1<<30 || c.Intake.First != 30 || time.Duration(c.Desk.FetchEvery) != time.Minute || c.Intake.Days != 30 || c.Intake.Spread != 7 {
		t.Errorf("defaults %+v", c)
	}
}

func TestConfigIsStrict(t *testing.T) {
	for text, want := range map[string]string{
		"[intake]\nlisten_adress = \"x\"":                  "listen_adress",
		"[desk]\nfetch_every = \"1ms\"":                    "fetches",
		"[intake]\nretention_days = 7":                     "retention",
		"[intake]\nretention_days = 3644":                  "1 to 3650 days",
		"[intake]\nretention_days = 3000000":               "1 to 3650 days",
		"[intake]\nretention_spread = 9223372036854775807": "1 to 3650 days",
		"[intake]\nretention_days = 9223372036854775807\nretention_spread = 9223372036854775807": "1 to 3650 days",
		"[intake]\npool = -1":                        "intake.pool",
		"[intake]\nmax_upload = 1125899906842625":    "1048576 to 1125899906842624",
		"[intake]\nmax_upload = 9223372036854775807": "1048576 to 1125899906842624",
		"[intake]\nreserve = -1":                     "reserve",
		"[desk]\nunopened = -1":                      "desk.unopened",
		"[intake]\nfirst_message = 5000":             "characters",
		"[desk":                                      "",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "daylight.toml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := loadConfig(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want an error with %q", text, err, want)
		}
	}
}

// TestConfigTakesItsLimits: what is said to be allowed is.
func TestConfigTakesItsLimits(t *testing.T) {
	for _, text := range []string{"[intake]\nretention_days = 3643", "[intake]\nretention_days = 3650\nretention_spread = 0", "[intake]\nretention_days = 1\nretention_spread = 0",
		"[intake]\nmax_upload = 1125899906842624"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "daylight.toml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := loadConfig(dir); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestInstances(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "x")
	if _, err := openInstance(dir); !errors.Is(err, fault.NotFound) {
		t.Errorf("nothing there: %v", err)
	}
	make := func(part string) error { _, err := makeInstance(part, "desk", false); return err }
	if err := makeWhole(dir, make); err != nil {
		t.Fatal(err)
	}
	if err := makeWhole(dir, make); !errors.Is(err, fault.Conflict) {
		t.Errorf("made twice: %v", err)
	}
	if _, err := roleInstance(dir, "archive"); !errors.Is(err, fault.Invalid) {
		t.Errorf("desk opened as archive: %v", err)
	}
	in, err := roleInstance(dir, "desk")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in.path("keys", "k"), []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := in.secret("k"); !errors.Is(err, fault.Forbidden) {
		t.Errorf("key that others can read: %v", err)
	}
}
