package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"daylight/courier"
	"daylight/fault"
	"daylight/intake/sqlite"
)

// heldIntake makes an intake that holds an envelope and two replies.
func heldIntake(t *testing.T) (data string, id courier.EnvelopeID) {
	t.Helper()
	desk, data := filepath.Join(t.TempDir(), "desk"), filepath.Join(t.TempDir(), "intake")
	mustRun(t, "keys", "make", "--role", "desk", "--data", desk)
	mustRun(t, "keys", "make", "--role", "intake", "--data", data, "--newsroom", filepath.Join(desk, "public"))
	withStore(t, data, func(s *sqlite.Store) {
		slot, err := s.Create(t.Context(), "2026-11-23", "2099-12-23")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(slot, "sealed"); err != nil {
			t.Fatal(err)
		}
		if err := slot.Keep(t.Context()); err != nil {
			t.Fatal(err)
		}
		list, err := s.Envelopes(t.Context())
		if err != nil || len(list) != 1 {
			t.Fatalf("%d envelopes, %v", len(list), err)
		}
		id = list[0].ID
		for _, reply := range []string{"aa", "bb"} {
			if err := s.PutReply(t.Context(), courier.MailboxID(strings.Repeat("ab", 32)), courier.ReplyID(strings.Repeat(reply, 16)), "2099-12-23", strings.NewReader("sealed")); err != nil {
				t.Fatal(err)
			}
		}
	})
	return data, id
}

func withStore(t *testing.T, data string, f func(*sqlite.Store)) {
	t.Helper()
	in, err := openInstance(data)
	if err != nil {
		t.Fatal(err)
	}
	s, err := trialApp(t, data).openIntakeStore(in)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f(s)
}

func TestPurge(t *testing.T) {
	data, id := heldIntake(t)
	var out, errs bytes.Buffer
	if code := run([]string{"purge", "--data", data}, &out, &errs); code != exitUsage || !strings.Contains(errs.String(), "Nothing was destroyed. To do it, add --yes.") {
		t.Errorf("without confirmation: exit code %d: %s", code, errs.String())
	}
	in, err := openInstance(data)
	if err != nil {
		t.Fatal(err)
	}
	unlock, err := in.lock()
	if err != nil {
		t.Fatal(err)
	}
	if err := (&purgeCmd{Yes: true}).Run(trialApp(t, data)); !errors.Is(err, fault.Busy) {
		t.Errorf("while it runs: %v; want busy", err)
	}
	unlock()
	withStore(t, data, func(s *sqlite.Store) {
		if r, err := s.OpenEnvelope(t.Context(), id); err != nil {
			t.Errorf("what was refused destroyed something: %v", err)
		} else {
			r.Close()
		}
	})
	if got, want := mustRun(t, "purge", "--data", data, "--yes", "--json"), `{"envelopes":1,"replies":2}`+"\n"; got != want {
		t.Errorf("printed %q; want %q", got, want)
	}
	withStore(t, data, func(s *sqlite.Store) {
		if _, err := s.OpenEnvelope(t.Context(), id); !errors.Is(err, fault.NotFound) {
			t.Errorf("the envelope: %v; want not found", err)
		}
	})
	if got := mustRun(t, "purge", "--data", data, "--yes"); !strings.HasPrefix(got, "Destroyed: envelopes that were not fetched: 0; replies: 0.") {
		t.Errorf("a second time: %q", got)
	}
	if got := mustRun(t, "doctor", "--data", data); !strings.Contains(got, "intake opens") || !strings.Contains(got, "last written anew on ") {
		t.Errorf("the doctor: %s", got)
	}
	desk := filepath.Join(t.TempDir(), "desk")
	mustRun(t, "keys", "make", "--role", "desk", "--data", desk)
	if code := run([]string{"purge", "--data", desk, "--yes"}, &out, &errs); code != exitUsage {
		t.Errorf("purge of a desk: exit code %d; want %d", code, exitUsage)
	}
}

// TestBackupOfIntake: what is restored holds what was held, and opens it.
func TestBackupOfIntake(t *testing.T) {
	data, id := heldIntake(t)
	dir := t.TempDir()
	words, out, to := filepath.Join(dir, "words"), filepath.Join(dir, "backup"), filepath.Join(dir, "restored")
	if err := os.WriteFile(words, []byte("correct horse battery staple\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "backup", "--data", data, "--passphrase-file", words, out)
	mustRun(t, "purge", "--data", data, "--yes")
	mustRun(t, "restore", "--data", to, "--passphrase-file", words, out)
	mustRun(t, "doctor", "--data", to)
	withStore(t, to, func(s *sqlite.Store) {
		r, err := s.OpenEnvelope(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if b, err := io.ReadAll(r); err != nil || string(b) != "sealed" {
			t.Errorf("%q, %v; want what was held", b, err)
		}
		ids, err := s.Replies(t.Context(), courier.MailboxID(strings.Repeat("ab", 32)))
		if err != nil || len(ids) != 2 {
			t.Errorf("%d replies, %v; want 2", len(ids), err)
		}
	})
}
