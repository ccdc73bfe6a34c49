package folder_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/mod/sumdb/note"

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
	f.Signer = signer
	t.Cleanup(func() { f.Close() })
	return f
}

// The desk's key, and somebody else's.
var (
	signer, desk = newKey()
	stranger, _  = newKey()
)

func newKey() (note.Signer, note.Verifier) {
	private, public, err := note.GenerateKey(rand.Reader, "desk.example")
	s, err2 := note.NewSigner(private)
	v, err3 := note.NewVerifier(public)
	if err := errors.Join(err, err2, err3); err != nil {
		panic(err)
	}
	return s, v
}

// named is the desk's name for the envelope on a stick that intake calls so.
func named(t *testing.T, f *folder.Folder, dir string, id courier.EnvelopeID) courier.EnvelopeID {
	t.Helper()
	names, _ := filepath.Glob(filepath.Join(dir, "envelopes", "*."+string(id)+".*"))
	if len(names) != 1 {
		t.Fatalf("%d copies; want one, whose name has a sum", len(names))
	}
	return derived(string(id), filepath.Ext(names[0])[1:])
}

func derived(id, sum string) courier.EnvelopeID {
	h := sha256.Sum256([]byte("daylight/courier/folder/0\x00" + id + sum))
	return courier.EnvelopeID(hex.EncodeToString(h[:16]))
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
			return derived(name, "")
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
	err := f.PutReply(t.Context(), box, id, strings.NewReader(couriertest.Sealed))
	if err == nil {
		t.Error("a reply was written through a link that leads outside")
	}
	if again := f.PutReply(t.Context(), box, id, strings.NewReader(couriertest.Sealed)); fmt.Sprint(again) != fmt.Sprint(err) {
		t.Errorf("%v, and then %v; want the same, which is logged once", err, again)
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
		if _, err := f.Sync(t.Context(), in, desk); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := f.Envelopes(t.Context()); err != nil || len(list) != 2 {
		t.Fatalf("%d envelopes on the stick, %v; want 2", len(list), err)
	}

	// The desk fetches one of them, answers, and sends keys.
	box := courier.MailboxID(strings.Repeat("ab", 32))
	if err := errors.Join(f.Acknowledge(t.Context(), []courier.EnvelopeID{named(t, f, dir, one)}),
		f.PutReply(t.Context(), box, id, strings.NewReader(couriertest.Sealed)),
		f.PutKeys(t.Context(), []byte("keys"))); err != nil {
		t.Fatal(err)
	}
	rep, err := f.Sync(t.Context(), in, desk)
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
	if rep, err := f.Sync(t.Context(), in, desk); err != nil || rep != (folder.Report{}) {
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
		if _, err := f.Sync(t.Context(), in, desk); err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Glob(filepath.Join(dir, "envelopes", "*."+string(one)+".*"))
		write(t, name[0], []byte(c.copy))
		if c.seen {
			if rep, err := f.Sync(t.Context(), in, desk); err != nil || rep != (folder.Report{}) {
				t.Errorf("%s: carried %+v, %v; want nothing before somebody has read it", how, rep, err)
			}
			r, err := f.Open(t.Context(), named(t, f, dir, one))
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(r)
			r.Close()
			if string(b) != c.copy || !errors.Is(err, fault.Unverified) || errors.Is(err, fault.Damaged) || errors.Is(err, io.EOF) || fault.Words(err) == "" {
				t.Errorf("%s: read %q, %v; want all of it, and that it is not verified", how, b, err)
			}
		}
		rep, err := f.Sync(t.Context(), in, desk)
		if want := (folder.Report{Envelopes: 1, Damaged: 1}); err != nil || rep != want {
			t.Errorf("%s: carried %+v, %v; want %+v", how, rep, err, want)
		}
		if rep, err = f.Sync(t.Context(), in, desk); err != nil || rep != (folder.Report{}) {
			t.Errorf("%s: carried %+v, %v once more; want nothing", how, rep, err)
		}
		for id, want := range map[courier.EnvelopeID]string{one: sealed, two: "two"} {
			r, err := f.Open(t.Context(), named(t, f, dir, id))
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
		if _, err := f.Sync(t.Context(), in, desk); err != nil {
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
	if _, err := f.Sync(t.Context(), c, desk); err != nil {
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
	if rep, err := f.Sync(t.Context(), c, desk); err != nil || rep.Acknowledged != 3 || c.times != 1 {
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
		if _, err := f.Sync(t.Context(), tooSmall{in}, desk); !errors.Is(err, fault.Full) {
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
	rep, err := f.Sync(t.Context(), choosy{in}, desk)
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
	in, dir := stick(t), t.TempDir()
	f := open(t, dir)
	one := in.Arrive([]byte("one"), "2026-11-23")
	if _, err := f.Sync(t.Context(), in, desk); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Acknowledge(t.Context(), []courier.EnvelopeID{named(t, f, dir, one)}),
		f.PutReply(t.Context(), courier.MailboxID(strings.Repeat("ab", 32)), id, strings.NewReader(couriertest.Sealed)),
		f.PutKeys(t.Context(), []byte("keys"))); err != nil {
		t.Fatal(err)
	}
	in.Arrive([]byte("two"), "2026-11-24")
	rep, err := f.Sync(t.Context(), &brimful{Intake: in}, desk)
	if want := (folder.Report{Envelopes: 1, Acknowledged: 1, Replies: 1}); !errors.Is(err, fault.Full) || rep != want {
		t.Errorf("carried %+v, %v; want %+v, and full", rep, err, want)
	}
}

// sign makes word of an envelope.
func sign(t *testing.T, s note.Signer, id courier.EnvelopeID, sealed string) []byte {
	t.Helper()
	b, err := note.Sign(&note.Note{Text: fmt.Sprintf("daylight acknowledged 0\n%s %x\n", id, sha256.Sum256([]byte(sealed)))}, s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestWhatTheDeskDidNotSignForStays: intake destroys what the desk has to the byte, and
// nothing on the word of who can write to the stick.
func TestWhatTheDeskDidNotSignForStays(t *testing.T) {
	for how, c := range map[string]struct {
		word  func(t *testing.T, one, two courier.EnvelopeID) []byte
		stays bool
	}{
		"the desk's word": {func(t *testing.T, one, _ courier.EnvelopeID) []byte { return sign(t, signer, one, "one") }, false},
		"an empty file":   {func(*testing.T, courier.EnvelopeID, courier.EnvelopeID) []byte { return nil }, true},
		"a stranger's":    {func(t *testing.T, one, _ courier.EnvelopeID) []byte { return sign(t, stranger, one, "one") }, true},
		"of another":      {func(t *testing.T, _, two courier.EnvelopeID) []byte { return sign(t, signer, two, "two") }, true},
		"of other bytes":  {func(t *testing.T, one, _ courier.EnvelopeID) []byte { return sign(t, signer, one, "eno") }, true},
		"cut": {func(t *testing.T, one, _ courier.EnvelopeID) []byte {
			b := sign(t, signer, one, "one")
			return b[:len(b)-2]
		}, true},
	} {
		in, dir := stick(t), t.TempDir()
		f := open(t, dir)
		one, two := in.Arrive([]byte("one"), "2026-11-23"), in.Arrive([]byte("two"), "2026-11-24")
		if _, err := f.Sync(t.Context(), in, desk); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "acknowledged", string(one)), c.word(t, one, two))
		rep, err := f.Sync(t.Context(), in, desk)
		want := folder.Report{Acknowledged: 1}
		if c.stays {
			want = folder.Report{Unsigned: 1}
		}
		left, _ := in.Envelopes(t.Context())
		if err != nil || rep != want || (len(left) == 2) != c.stays {
			t.Errorf("%s: carried %+v, %v, intake has %d; want %+v", how, rep, err, len(left), want)
		}
		if words, _ := os.ReadDir(filepath.Join(dir, "acknowledged")); len(words) != 0 {
			t.Errorf("%s: the word is still there", how)
		}
	}
}

// TestAnExchangedCopyCostsNothing: what the desk took in from a stick on which somebody
// put other bytes, with the name that they should have, it signs for as what they are;
// and what intake wrote comes as another, and is then taken in.
func TestAnExchangedCopyCostsNothing(t *testing.T) {
	in, dir := stick(t), t.TempDir()
	f := open(t, dir)
	one := in.Arrive([]byte("one"), "2026-11-23")
	fetch := func() (ids []courier.EnvelopeID, read string) {
		t.Helper()
		list, err := f.Envelopes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			r, err := f.Open(t.Context(), e.ID)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(r)
			r.Close()
			if err != nil {
				t.Fatal(err)
			}
			ids, read = append(ids, e.ID), read+string(b)
		}
		if err := f.Acknowledge(t.Context(), ids); err != nil {
			t.Fatal(err)
		}
		return ids, read
	}
	if _, err := f.Sync(t.Context(), in, desk); err != nil {
		t.Fatal(err)
	}
	copies, _ := filepath.Glob(filepath.Join(dir, "envelopes", "*"))
	if err := os.Remove(copies[0]); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "envelopes", fmt.Sprintf("2026-11-23.%s.%x", one, sha256.Sum256([]byte("eno")))), []byte("eno"))
	first, read := fetch()
	if read != "eno" {
		t.Fatalf("the desk read %q", read)
	}
	if rep, err := f.Sync(t.Context(), in, desk); err != nil || rep != (folder.Report{Unsigned: 1, Envelopes: 1}) {
		t.Errorf("carried %+v, %v; want it there anew", rep, err)
	}
	then, read := fetch()
	if read != "one" || len(then) != 1 || then[0] == first[0] {
		t.Errorf("the desk read %q as %v, after %v; want another", read, then, first)
	}
	if rep, err := f.Sync(t.Context(), in, desk); err != nil || rep != (folder.Report{Acknowledged: 1}) {
		t.Errorf("carried %+v, %v; want it destroyed", rep, err)
	}
}

// unreadable is an intake that cannot read some envelopes to their end, and says of which
// it was asked.
type unreadable struct {
	courier.Intake
	ids   map[courier.EnvelopeID]bool
	asked map[courier.EnvelopeID]int
}

func (u unreadable) Open(ctx context.Context, id courier.EnvelopeID) (io.ReadCloser, error) {
	u.asked[id]++
	if u.ids[id] {
		return nil, fmt.Errorf("envelope %s: %w", id, fault.Damaged)
	}
	return u.Intake.Open(ctx, id)
}

// TestWhatIntakeCannotReadHoldsUpNoOthers: neither on the way out nor with word of it. It
// is said in the same words each time, so that it is logged once, and what there is word of
// is not carried again and again.
func TestWhatIntakeCannotReadHoldsUpNoOthers(t *testing.T) {
	in, dir := stick(t), t.TempDir()
	f := open(t, dir)
	u := unreadable{in, map[courier.EnvelopeID]bool{}, map[courier.EnvelopeID]int{}}
	for n := range 8 {
		u.ids[in.Arrive([]byte{'1', byte('0' + n)}, "2026-11-23")] = true
	}
	good := in.Arrive([]byte("333"), "2026-11-23")
	rep, err := f.Sync(t.Context(), u, desk)
	if !errors.Is(err, fault.Damaged) || rep.Envelopes != 1 {
		t.Errorf("carried %+v, %v; want the other, and damage", rep, err)
	}
	if err := f.Acknowledge(t.Context(), []courier.EnvelopeID{named(t, f, dir, good)}); err != nil {
		t.Fatal(err)
	}
	for id := range u.ids {
		write(t, filepath.Join(dir, "acknowledged", string(id)), sign(t, signer, id, "1"))
	}
	clear(u.asked)
	rep, err = f.Sync(t.Context(), u, desk)
	if !errors.Is(err, fault.Damaged) || rep.Acknowledged != 1 {
		t.Errorf("carried %+v, %v; want the other destroyed, and damage", rep, err)
	}
	for id := range u.ids {
		if u.asked[id] != 1 {
			t.Errorf("read %d times; want once, for its word", u.asked[id])
		}
	}
	if _, again := f.Sync(t.Context(), u, desk); fmt.Sprint(again) != fmt.Sprint(err) {
		t.Errorf("%v, and then %v; want the same", err, again)
	}
}

// TestWordOfAnotherIsNotCompared: to copy one word to all names costs intake no reading.
func TestWordOfAnotherIsNotCompared(t *testing.T) {
	in, dir := stick(t), t.TempDir()
	f := open(t, dir)
	one, two := in.Arrive([]byte("one"), "2026-11-23"), in.Arrive([]byte("two"), "2026-11-23")
	u := unreadable{in, nil, map[courier.EnvelopeID]int{}}
	if _, err := f.Sync(t.Context(), u, desk); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "acknowledged", string(one)), sign(t, signer, two, "two"))
	clear(u.asked)
	if rep, err := f.Sync(t.Context(), u, desk); err != nil || rep != (folder.Report{Unsigned: 1}) || len(u.asked) != 0 {
		t.Errorf("carried %+v, %v, and read %v; want nothing read", rep, err, u.asked)
	}
}

// TestWordThatComesMeanwhile: the desk takes in from a share while intake is at work there.
// What it has left word of is not written anew.
func TestWordThatComesMeanwhile(t *testing.T) {
	in, dir := stick(t), t.TempDir()
	f := open(t, dir)
	one := in.Arrive([]byte("one"), "2026-11-23")
	if _, err := f.Sync(t.Context(), in, desk); err != nil {
		t.Fatal(err)
	}
	at := named(t, f, dir, one)
	meanwhile := &fetching{in, func() error { return f.Acknowledge(t.Context(), []courier.EnvelopeID{at}) }}
	if rep, err := f.Sync(t.Context(), meanwhile, desk); err != nil || rep != (folder.Report{}) {
		t.Errorf("carried %+v, %v; want nothing", rep, err)
	}
	if rep, err := f.Sync(t.Context(), in, desk); err != nil || rep != (folder.Report{Acknowledged: 1}) {
		t.Errorf("then carried %+v, %v; want it destroyed", rep, err)
	}
}

// fetching is an intake whose desk is done with the folder just before its envelopes are listed.
type fetching struct {
	courier.Intake
	fetch func() error
}

func (h *fetching) Envelopes(ctx context.Context) ([]courier.Envelope, error) {
	if err := h.fetch(); err != nil {
		return nil, err
	}
	return h.Intake.Envelopes(ctx)
}

// TestACopyWithoutASumIsAnother: who carries a stick can leave there, without a sum, what
// bears intake's name for an envelope. Taken in, it does not pass for that one, which the
// desk may fetch by another way; and no word of it is left, for which nobody waits.
func TestACopyWithoutASumIsAnother(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir)
	write(t, filepath.Join(dir, "envelopes", "2026-11-23."+id), []byte("junk"))
	list, err := f.Envelopes(t.Context())
	if err != nil || len(list) != 1 || list[0].ID == id {
		t.Fatalf("listed %v, %v; want one of another name than %s", list, err, id)
	}
	if err := f.Acknowledge(t.Context(), []courier.EnvelopeID{list[0].ID}); err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"envelopes", "acknowledged"} {
		if left, _ := os.ReadDir(filepath.Join(dir, sub)); len(left) != 0 {
			t.Errorf("%d files are left in %s; want none", len(left), sub)
		}
	}
}
