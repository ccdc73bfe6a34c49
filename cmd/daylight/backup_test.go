package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"daylight/fault"
)

// trialApp is an app whose output goes nowhere.
func trialApp(t *testing.T, data string) *app {
	return &app{ctx: t.Context(), data: data, stdout: io.Discard, stderr: io.Discard}
}

func TestBackupAndRestore(t *testing.T) {
	dir := t.TempDir()
	words := filepath.Join(dir, "words")
	if err := os.WriteFile(words, []byte("correct horse battery staple\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := makeInstance(filepath.Join(dir, "desk"), "desk", false)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Repeat("vermilion ", 100_000)
	if err := os.WriteFile(in.path("keys", "k"), []byte(want), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "backup")
	unlock, err := in.lock()
	if err != nil {
		t.Fatal(err)
	}
	backup := &backupCmd{PassphraseFile: words, Out: out}
	if err := backup.Run(trialApp(t, in.dir)); !errors.Is(err, fault.Busy) {
		t.Errorf("backup of a running instance: %v; want busy", err)
	}
	unlock()
	if err := backup.Run(trialApp(t, in.dir)); err != nil {
		t.Fatal(err)
	}
	sealed, err := os.ReadFile(out)
	if err != nil || bytes.Contains(sealed, []byte("vermilion")) {
		t.Fatalf("backup in clear, or unreadable: %v", err)
	}

	to := filepath.Join(dir, "restored")
	if err := (&restoreCmd{words, out}).Run(trialApp(t, to)); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(to, "keys", "k"))
	if err != nil || string(got) != want {
		t.Errorf("restored %d bytes, %v; want %d", len(got), err, len(want))
	}

	for name, damage := range map[string][]byte{
		"cut":     sealed[:len(sealed)/2],
		"flipped": append(bytes.Clone(sealed[:len(sealed)-9]), append([]byte{sealed[len(sealed)-9] ^ 1}, sealed[len(sealed)-8:]...)...),
	} {
		if err := os.WriteFile(out, damage, 0o600); err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, name)
		if err := (&restoreCmd{words, out}).Run(trialApp(t, to)); !errors.Is(err, fault.Damaged) {
			t.Errorf("%s backup: %v; want damage", name, err)
		}
		if _, err := os.Stat(to); err == nil {
			t.Errorf("%s backup left something", name)
		}
	}
	if err := (&restoreCmd{words, out}).Run(trialApp(t, to)); !errors.Is(err, fault.Conflict) {
		t.Errorf("restore over an instance: %v; want a conflict", err)
	}
}

// A part of a trial cannot be backed up while another process has the trial.
func TestLockOfTrial(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "try")
	whole, err := makeTrial(dir)
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := whole.lock()
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range roles {
		part, err := openInstance(whole.path(role))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.lock(); !errors.Is(err, fault.Busy) {
			t.Errorf("%s of a trial that runs: %v; want busy", role, err)
		}
	}
	unlock()
	part, err := openInstance(whole.path("desk"))
	if err != nil {
		t.Fatal(err)
	}
	if unlock, err = part.lock(); err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if _, err := whole.lock(); !errors.Is(err, fault.Busy) {
		t.Errorf("a trial whose desk is in use: %v; want busy", err)
	}
}
