package folder_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"daylight/courier"
	"daylight/courier/couriertest"
	"daylight/courier/folder"
	"daylight/fault"
)

func open(t *testing.T, dir string) *folder.Folder {
	t.Helper()
	f, err := folder.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// stick is a folder as the suite needs it: its far side is what lies in it.
func stick(t *testing.T) couriertest.Intake {
	dir := t.TempDir()
	return couriertest.Intake{
		Intake: open(t, dir),
		Arrive: func(sealed []byte, day string) courier.EnvelopeID {
			var id [16]byte
			rand.Read(id[:])
			name := hex.EncodeToString(id[:])
			write(t, filepath.Join(dir, "envelopes", day+"."+name), sealed)
			return courier.EnvelopeID(name)
		},
		Replies: func(box courier.MailboxID) map[courier.ReplyID][]byte {
			all := map[courier.ReplyID][]byte{}
			files, _ := filepath.Glob(filepath.Join(dir, "replies", string(box)+".*"))
			for _, f := range files {
				all[courier.ReplyID(strings.TrimPrefix(filepath.Ext(f), "."))] = read(t, f)
			}
			return all
		},
		Keys:  func() []byte { return read(t, filepath.Join(dir, "keys", "list")) },
		Lists: [2][]byte{[]byte("one"), []byte("two")},
	}
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestFolder(t *testing.T) { couriertest.Run(t, stick) }

const (
	id    = "00112233445566778899aabbccddeeff"
	other = "ffeeddccbbaa99887766554433221100"
)

func TestAStickIsNotTrusted(t *testing.T) {
	dir, secret := t.TempDir(), filepath.Join(t.TempDir(), "secret")
	write(t, secret, []byte("outside of the stick"))
	f := open(t, dir)
	envelopes := filepath.Join(dir, "envelopes")
	if err := os.Symlink(secret, filepath.Join(envelopes, "2026-11-23."+id)); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(envelopes, "2026-11-23."+other), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".0011", "autorun.inf", "2026-11-23." + id + ".", "2026-11-23." + id + ".00", "2026-11-23." + id + "." + strings.Repeat("AB", 32), "2026-99-99." + id, "2026-11-23." + id[:30], "2026-11-23." + strings.ToUpper(id)} {
		write(t, filepath.Join(envelopes, name), []byte("x"))
	}
	if list, err := f.Envelopes(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("%d envelopes, %v; want none", len(list), err)
	}
	for _, name := range []courier.EnvelopeID{id, other} {
		if _, err := f.Open(t.Context(), name); !errors.Is(err, fault.NotFound) {
			t.Errorf("open: %v; want not found", err)
		}
	}
	if err := f.Acknowledge(t.Context(), []courier.EnvelopeID{id, other}); err != nil {
		t.Error(err)
	}
	if string(read(t, secret)) != "outside of the stick" {
		t.Error("a file outside of the stick was changed")
	}
}

func TestALinkInPlaceOfAFolderLeadsNowhere(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "replies")); err != nil {
		t.Fatal(err)
	}
	f := open(t, dir)
	box := courier.MailboxID(strings.Repeat("ab", 32))
	if err := f.PutReply(t.Context(), box, id, strings.NewReader(couriertest.Sealed)); err == nil {
		t.Error("a reply was written through a link that leads outside")
	}
	if files, _ := os.ReadDir(outside); len(files) != 0 {
		t.Errorf("%d files outside of the stick", len(files))
	}
}

// TestSync carries from one stick to another, as if the
// first were intake.
func TestSync(t *testing.T) {
	in, dir := stick(t), t.TempDir()
	f := open(t, dir)
	one, two := in.Arrive([]byte("one"), "2026-11-23"), in.Arrive([]byte("two"), "2026-11-24")
	for range 2 {
		if _, err := f.Sync(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := f.Envelopes(t.Context()); err != nil || len(list) != 2 {
		t.Fatalf("%d envelopes on the stick, %v; want 2", len(list), err)
	}

	// The desk fetches one of them, answers, and sends keys.
	box := courier.MailboxID(strings.Repeat("ab", 32))
	if err := errors.Join(f.Acknowledge(t.Context(), []courier.EnvelopeID{one}),
		f.PutReply(t.Context(), box, id, strings.NewReader(couriertest.Sealed)),
		f.PutKeys(t.Context(), []byte("keys"))); err != nil {
		t.Fatal(err)
	}
	rep, err := f.Sync(t.Context(), in)
	if want := (folder.Report{Acknowledged: 1, Replies: 1, Keys: true}); err != nil || rep != want {
		t.Errorf("carried %+v, %v; want %+v", rep, err, want)
	}
	if list, _ := in.Envelopes(t.Context()); len(list) != 1 || list[0].ID != two {
		t.Errorf("intake holds %d envelopes; want the one that was not acknowledged", len(list))
	}
	if got := in.Replies(box); string(got[id]) != couriertest.Sealed {
		t.Errorf("intake holds %d replies; want the one", len(got))
	}
	if string(in.Keys()) != "keys" {
		t.Error("intake has other keys")
	}
	if rep, err := f.Sync(t.Context(), in); err != nil || rep != (folder.Report{}) {
		t.Errorf("once more: carried %+v, %v; want nothing", rep, err)
	}
}

// TestACopyThatWentBad is written anew, whether the desk has seen it or not.
func TestACopyThatWentBad(t *testing.T) {
	const sealed = "what a source sealed"
	for how, c := range map[string]struct {
		copy string
		seen bool // by reading it alone
	}{
		"a byte":       {"what a source sEaled", true},
		"cut":          {"what a", false},
		"nothing":      {"", false},
		"longer":       {sealed + "!", false},
		"a whole disk": {strings.Repeat("\x00", len(sealed)), true},
	} {
		in, dir := stick(t), t.TempDir()
		f := open(t, dir)
		one, two := in.Arrive([]byte(sealed), "2026-11-23"), in.Arrive([]byte("two"), "2026-11-23")
		if _, err := f.Sync(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Glob(filepath.Join(dir, "envelopes", "*."+string(one)+".*"))
		if len(name) != 1 {
			t.Fatalf("%d copies; want one, whose name has a sum", len(name))
		}
		write(t, name[0], []byte(c.copy))
		if c.seen {
			if rep, err := f.Sync(t.Context(), in); err != nil || rep != (folder.Report{}) {
				t.Errorf("%s: carried %+v, %v; want nothing before somebody has read it", how, rep, err)
			}
			r, err := f.Open(t.Context(), one)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(r)
			r.Close()
			if string(b) != c.copy || !errors.Is(err, fault.Unverified) || errors.Is(err, fault.Damaged) || errors.Is(err, io.EOF) || fault.Words(err) == "" {
				t.Errorf("%s: read %q, %v; want all of it, and that it is not verified", how, b, err)
			}
		}
		rep, err := f.Sync(t.Context(), in)
		if want := (folder.Report{Envelopes: 1, Damaged: 1}); err != nil || rep != want {
			t.Errorf("%s: carried %+v, %v; want %+v", how, rep, err, want)
		}
		if rep, err = f.Sync(t.Context(), in); err != nil || rep != (folder.Report{}) {
			t.Errorf("%s: carried %+v, %v once more; want nothing", how, rep, err)
		}
		for id, want := range map[courier.EnvelopeID]string{one: sealed, two: "two"} {
			r, err := f.Open(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(r)
			r.Close()
			if string(b) != want || err != nil {
				t.Errorf("%s: then read %q, %v; want %q", how, b, err, want)
			}
		}
		if list, _ := in.Envelopes(t.Context()); len(list) != 2 {
			t.Errorf("%s: intake holds %d envelopes; want both", how, len(list))
		}
	}
}

func TestWhatWasNotFinishedIsSwept(t *testing.T) {
	in, dir := stick(t), t.TempDir()
	f := open(t, dir)
	for name, c := range map[string]struct {
		days int // since it was written
		want bool
	}{
		"envelopes/.00112233aabbccdd":      {0, false},
		"replies/.00112233aabbccdd":        {0, true}, // the desk may be at it
		"replies/.ffeeddccbbaa9988":        {2, false},
		"acknowledged/.ffeeddccbbaa9988":   {2, false},
		"keys/.ffeeddccbbaa9988":           {2, false},
		"envelopes/.Spotlight":             {2, true}, // others' own
		"envelopes/2026-11-23." + id:       {2, true},
		"replies/ffeeddccbbaa9988":         {2, true},
		"replies/.ffeeddccbbaa9988.folder": {2, true},
	} {
		p := filepath.Join(dir, name)
		write(t, p, []byte("x"))
		at := time.Now().AddDate(0, 0, -c.days)
		if err := os.Chtimes(p, at, at); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Sync(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(p); (err == nil) != c.want {
			t.Errorf("%s after %d days: there is %v; want %v", name, c.days, err == nil, c.want)
		}
	}
}

// counting counts how often something is acknowledged.
type counting struct {
	courier.Intake
	times int
}

func (c *counting) Acknowledge(ctx context.Context, ids []courier.EnvelopeID) error {
	if len(ids) > 0 {
		c.times++
	}
	return c.Intake.Acknowledge(ctx, ids)
}

func TestAllIsAcknowledgedAtOnce(t *testing.T) {
	in, f := stick(t), open(t, t.TempDir())
	for range 3 {
		in.Arrive([]byte("sealed"), "2026-11-23")
	}
	c := &counting{Intake: in}
	if _, err := f.Sync(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	list, err := f.Envelopes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if err := f.Acknowledge(t.Context(), []courier.EnvelopeID{e.ID}); err != nil {
			t.Fatal(err)
		}
	}
	if rep, err := f.Sync(t.Context(), c); err != nil || rep.Acknowledged != 3 || c.times != 1 {
		t.Errorf("carried %+v, acknowledged in %d parts, %v; want three in one", rep, c.times, err)
	}
	if left, _ := in.Envelopes(t.Context()); len(left) != 0 {
		t.Errorf("intake still holds %d envelopes", len(left))
	}
}

// tooSmall stands for a folder that has no room for the large.
type tooSmall struct{ courier.Intake }

func (s tooSmall) Open(ctx context.Context, id courier.EnvelopeID) (io.ReadCloser, error) {
	r, err := s.Intake.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if len(b) > 100 {
		err = syscall.ENOSPC
	}
	return io.NopCloser(io.MultiReader(bytes.NewReader(b), iotest.ErrReader(cmp.Or(err, io.EOF)))), nil
}

func TestTheLargeHoldUpNoOthers(t *testing.T) {
	in, f := stick(t), open(t, t.TempDir())
	for n := range 20 {
		in.Arrive(make([]byte, 110-n), "2026-11-23")
	}
	for range 2 {
		if _, err := f.Sync(t.Context(), tooSmall{in}); !errors.Is(err, fault.Full) {
			t.Errorf("%v; want full", err)
		}
	}
	if list, err := f.Envelopes(t.Context()); err != nil || len(list) != 10 {
		t.Errorf("%d envelopes on the folder, %v; want the ten that it has room for", len(list), err)
	}
}

// choosy takes no keys.
type choosy struct{ courier.Intake }

func (choosy) PutKeys(context.Context, []byte) error { return fault.Unverified }

func TestWhatIntakeRefusesHoldsUpNothing(t *testing.T) {
	in, f := stick(t), open(t, t.TempDir())
	in.Arrive([]byte("one"), "2026-11-23")
	if err := f.PutKeys(t.Context(), []byte("somebody else's")); err != nil {
		t.Fatal(err)
	}
	rep, err := f.Sync(t.Context(), choosy{in})
	if !errors.Is(err, fault.Invalid) || rep.Refused != 1 || rep.Envelopes != 1 {
		t.Errorf("carried %+v, %v; want one refused, and the envelope all the same", rep, err)
	}
}

// brimful has no room for a reply until something is destroyed, and none for keys.
type brimful struct {
	courier.Intake
	emptied bool
}

func (b *brimful) Acknowledge(ctx context.Context, ids []courier.EnvelopeID) error {
	b.emptied = b.emptied || len(ids) > 0
	return b.Intake.Acknowledge(ctx, ids)
}

func (b *brimful) PutReply(ctx context.Context, box courier.MailboxID, id courier.ReplyID, sealed io.Reader) error {
	if !b.emptied {
		return fault.Full
	}
	return b.Intake.PutReply(ctx, box, id, sealed)
}

func (*brimful) PutKeys(context.Context, []byte) error { return fault.Full }

// TestAFullIntakeIsEmptied: what waits for room holds up neither what makes it nor what
// arrived.
func TestAFullIntakeIsEmptied(t *testing.T) {
	in, f := stick(t), open(t, t.TempDir())
	one := in.Arrive([]byte("one"), "2026-11-23")
	if _, err := f.Sync(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Acknowledge(t.Context(), []courier.EnvelopeID{one}),
		f.PutReply(t.Context(), courier.MailboxID(strings.Repeat("ab", 32)), id, strings.NewReader(couriertest.Sealed)),
		f.PutKeys(t.Context(), []byte("keys"))); err != nil {
		t.Fatal(err)
	}
	in.Arrive([]byte("two"), "2026-11-24")
	rep, err := f.Sync(t.Context(), &brimful{Intake: in})
	if want := (folder.Report{Envelopes: 1, Acknowledged: 1, Replies: 1}); !errors.Is(err, fault.Full) || rep != want {
		t.Errorf("carried %+v, %v; want %+v, and full", rep, err, want)
	}
}
