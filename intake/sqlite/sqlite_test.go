package sqlite_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"daylight/courier"
	"daylight/envelope"
	"daylight/fault"
	"daylight/intake"
	"daylight/intake/sqlite"
	"daylight/internal/sqlkit"
)

var dbKey = sqlkit.Key{1}

func open(t testing.TB, dir string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), dir, dbKey)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func create(t testing.TB, s *sqlite.Store) intake.Slot {
	t.Helper()
	slot, err := s.Create(t.Context(), "2026-11-23")
	if err != nil {
		t.Fatal(err)
	}
	return slot
}

func onlyFile(t *testing.T, dir string) string {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(files) != 1 {
		t.Fatalf("%d files in %s; want one", len(files), filepath.Base(dir))
	}
	return files[0]
}

// TestACrashWhileItArrives: what was on the disk opens after a restart, and the
// file tells neither how much had arrived nor when.
func TestACrashWhileItArrives(t *testing.T) {
	dir := t.TempDir()
	s, err := sqlite.Open(t.Context(), dir, dbKey)
	if err != nil {
		t.Fatal(err)
	}
	key, err := envelope.NewKey("desk")
	if err != nil {
		t.Fatal(err)
	}
	slot := create(t, s)
	if _, err := slot.Room(1 << 20); err != nil {
		t.Fatal(err)
	}
	sealer, err := envelope.Seal(slot, envelope.Head{Kind: envelope.Request}, key.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	sealer.File("whole", strings.NewReader("all of it"))
	w, err := sealer.Begin("half")
	if err != nil {
		t.Fatal(err)
	}
	w.Write(bytes.Repeat([]byte("h"), 400_000))
	if list, err := s.Envelopes(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("%d envelopes while it arrives, %v; want none", len(list), err)
	}
	s.Close() // the crash: nothing was kept, nothing was closed

	s = open(t, dir)
	list, err := s.Envelopes(t.Context())
	if err != nil || len(list) != 1 || list[0].Day != "2026-11-23" || list[0].Size != 1<<20 {
		t.Fatalf("%+v, %v; want one envelope, with the size of its room", list, err)
	}
	sealed, err := s.OpenEnvelope(t.Context(), list[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	defer sealed.Close()
	r, err := envelope.Open(sealed, key)
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int{}
	for e := range r.Entries() {
		b, _ := io.ReadAll(e)
		sizes[e.Name] = len(b)
	}
	if sizes["whole"] != 9 || sizes["half"] < 200_000 || r.End() != envelope.Damaged {
		t.Errorf("%v, end %v; want what had arrived, damaged", sizes, r.End())
	}
	path := onlyFile(t, filepath.Join(dir, "envelopes"))
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, make([]byte, 64)) {
		t.Error("zeros at the end tell how much had arrived")
	}
	if info, _ := os.Stat(path); !info.ModTime().Equal(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("the file is dated %v", info.ModTime())
	}
}

// TestDestroyedIsDestroyed: who kept a copy of the file, and has the key of the
// database, can read it before and not after.
func TestDestroyedIsDestroyed(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	box, id := courier.MailboxID(strings.Repeat("ab", 32)), courier.ReplyID(strings.Repeat("cd", 16))
	if err := s.PutReply(t.Context(), box, id, "2026-11-23", strings.NewReader("sealed marzipan")); err != nil {
		t.Fatal(err)
	}
	copied, err := os.ReadFile(onlyFile(t, filepath.Join(dir, "replies")))
	if err != nil {
		t.Fatal(err)
	}
	key := keys(t, dir)
	if len(key) != 1 || !strings.Contains(decrypt(key[0], copied), "marzipan") {
		t.Fatal("the copy does not open with the key in the database: this test looks at the wrong place")
	}
	if err := s.DestroyReply(t.Context(), box, id, "2026-11-23"); err != nil {
		t.Fatal(err)
	}
	if left := keys(t, dir); len(left) != 0 {
		t.Errorf("%d keys are left", len(left))
	}
	if err := s.DestroyReply(t.Context(), box, id, "2026-11-23"); !errors.Is(err, fault.NotFound) {
		t.Errorf("a second time: %v; want not found", err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "replies", "*")); len(files) != 0 {
		t.Errorf("%d files are left", len(files))
	}
}

// TestDaysOfDestructionAreForgotten: each tells that some source was here on it.
func TestDaysOfDestructionAreForgotten(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	box := courier.MailboxID(strings.Repeat("ab", 32))
	for i, day := range []string{"2026-01-31", "2026-11-01", "2026-11-23"} {
		id := courier.ReplyID(strings.Repeat(string(rune('a'+i)), 32))
		if err := s.PutReply(t.Context(), box, id, day, strings.NewReader("sealed")); err != nil {
			t.Fatal(err)
		}
		if err := s.DestroyReply(t.Context(), box, id, day); err != nil {
			t.Fatal(err)
		}
	}
	db, err := sqlkit.OpenAny(t.Context(), filepath.Join(dir, "intake.db"), &dbKey)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var days string
	if err := db.QueryRow("SELECT group_concat(day, ' ') FROM (SELECT day FROM destroyed ORDER BY day)").Scan(&days); err != nil {
		t.Fatal(err)
	}
	if days != "2026-11-01 2026-11-23" {
		t.Errorf("days %q are known; want those of the last ninety days", days)
	}
}

// keys reads the keys of replies out of the database itself.
func keys(t *testing.T, dir string) [][]byte {
	t.Helper()
	db, err := sqlkit.Open(t.Context(), filepath.Join(dir, "intake.db"), sqlkit.Options{Key: &dbKey, Schema: make([]string, 1), ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var all [][]byte
	rows, err := db.Query("SELECT key FROM reply")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var k sql.RawBytes
		if err := rows.Scan(&k); err != nil {
			t.Fatal(err)
		}
		all = append(all, bytes.Clone(k))
	}
	return all
}

func decrypt(key, b []byte) string {
	block, err := aes.NewCipher(key)
	if err != nil {
		return ""
	}
	out := make([]byte, len(b))
	cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(out, b)
	return string(out)
}

func TestDroppedLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	slot := create(t, s)
	slot.Write([]byte("x"))
	slot.Drop()
	if list, err := s.Envelopes(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("%d envelopes, %v; want none", len(list), err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "envelopes", "*")); len(files) != 0 {
		t.Errorf("%d files are left", len(files))
	}
}

func TestOneProcessAtATime(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	if _, err := sqlite.Open(t.Context(), dir, dbKey); !errors.Is(err, fault.Busy) {
		t.Errorf("opened twice: %v; want busy", err)
	}
}

func TestAWrongKeyIsDamage(t *testing.T) {
	dir := t.TempDir()
	open(t, dir).Close()
	if _, err := sqlite.Open(t.Context(), dir, sqlkit.Key{2}); !errors.Is(err, fault.Damaged) {
		t.Errorf("%v; want damage", err)
	}
}

// TestStraysGo: files without a row, which a crash leaves, are removed.
func TestStraysGo(t *testing.T) {
	dir := t.TempDir()
	open(t, dir).Close()
	stray := filepath.Join(dir, "replies", ".tmp-stray")
	if err := os.WriteFile(stray, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	if _, err := os.Stat(stray); !os.IsNotExist(err) {
		t.Error("the stray is still there")
	}
}

func TestWhatCannotBeClosedIsListed(t *testing.T) {
	s := open(t, t.TempDir())
	slot := create(t, s)
	slot.Write([]byte("sealed"))
	ended, end := context.WithCancel(t.Context())
	end()
	if err := slot.Keep(ended); err == nil {
		t.Fatal("kept, though the database did not answer")
	}
	slot.Drop()
	if list, err := s.Envelopes(t.Context()); err != nil || len(list) != 1 || list[0].Size != 6 {
		t.Errorf("%+v, %v; want what was written", list, err)
	}
}
