package sqlite_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"daylight/courier"
	"daylight/fault"
	"daylight/intake/sqlite"
	"daylight/internal/durable/durabletest"
	"daylight/internal/sqlkit"
)

// TestFullDisk: what was kept stays good when the disk is full, what is destroyed
// makes room again, and the rewrite goes on.
func TestFullDisk(t *testing.T) {
	// Three extents and 256 KiB: if the pool took them, the database had nothing.
	dir := durabletest.SmallDisk(t, "24832k")
	if dir == "" {
		return
	}
	s := open(t, dir)
	var ids []courier.EnvelopeID
	const size = 1_000_000
	for {
		slot, err := s.Create(t.Context(), "2026-11-23", "2026-12-23")
		if err != nil {
			t.Fatal(err)
		}
		have, err := slot.Room(size)
		if err != nil {
			if !errors.Is(err, fault.Full) {
				t.Fatalf("on a full disk: %v; want full", err)
			}
			// What there is room for is taken.
			if _, err := slot.Write(noise(9, int(have))); err != nil {
				t.Errorf("%d bytes of room do not take as many: %v", have, err)
			}
			if err := slot.Keep(t.Context()); err != nil {
				t.Errorf("keep on a full disk: %v", err)
			}
			break
		}
		slot.Drop()
		ids = append(ids, arrive(t, s, noise(uint64(len(ids)), size), "2026-11-23", "2026-12-23"))
	}
	var left syscall.Statfs_t
	if err := syscall.Statfs(dir, &left); err != nil {
		t.Fatal(err)
	}
	if free := left.Bavail * uint64(left.Bsize); free < 2<<20 {
		t.Errorf("the pool leaves %d bytes for the database", free)
	}
	if len(ids) < 8 {
		t.Fatalf("%d envelopes fit on the disk", len(ids))
	}
	if err := s.PutReply(t.Context(), box, replyID(1), "2026-12-23", bytes.NewReader(noise(1, 4*size))); !errors.Is(err, fault.Full) {
		t.Errorf("a reply on a full disk: %v; want full", err)
	}
	for day := range 3 {
		if err := s.Rewrite(t.Context(), []string{"2026-11-24", "2026-11-25", "2026-11-26"}[day]); err != nil {
			t.Errorf("rewrite on a full disk: %v", err)
		}
		for i, id := range ids {
			if read(t, s, id) != string(noise(uint64(i), size)) {
				t.Errorf("envelope %d does not open as it was kept", i)
			}
		}
		if err := s.DestroyEnvelopes(t.Context(), ids[:4]); err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			ids[i] = arrive(t, s, noise(uint64(i), size), "2026-11-23", "2026-12-23")
		}
	}
}

// crowded is a store in a file system of 40 MiB, of which its database takes a good
// part, with a pool that took what it could get: nil where SmallDisk is "".
func crowded(t *testing.T) (_ *sqlite.Store, dir string, sealed courier.EnvelopeID) {
	t.Helper()
	if dir = durabletest.SmallDisk(t, "40m"); dir == "" {
		return nil, "", ""
	}
	s := open(t, dir)
	arrive(t, s, nil, "2026-11-23", "2026-12-23")
	sealed = arrive(t, s, []byte("sealed"), "2026-11-23", "2026-12-24")
	s.Close()
	db, err := sqlkit.OpenAny(t.Context(), filepath.Join(dir, "intake.db"), &dbKey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
		INSERT INTO item SELECT lower(hex(randomblob(16))), until, size, key FROM item, n WHERE size = 0;
		INSERT INTO envelope SELECT id, '2026-11-23', 1 FROM item WHERE id NOT IN (SELECT id FROM envelope)`); err != nil {
		t.Fatal(err)
	}
	db.Close()
	s = open(t, dir)
	// Something else lies there, so that a pool which leaves 4 MiB leaves little more.
	var left syscall.Statfs_t
	if err := syscall.Statfs(dir, &left); err != nil {
		t.Fatal(err)
	}
	other := (int64(left.Bavail)*left.Bsize - 4<<20) % extent
	if err := os.WriteFile(filepath.Join(dir, "other"), make([]byte, other), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Reserve(1 << 30); !errors.Is(err, fault.Full) {
		t.Fatalf("a pool larger than the disk: %v; want full", err)
	}
	return s, dir, sealed
}

// TestAFullDiskCanBeEmptied of one envelope, by the rewrite, and of all.
func TestAFullDiskCanBeEmptied(t *testing.T) {
	s, _, sealed := crowded(t)
	if s == nil {
		return
	}
	list, err := s.Envelopes(t.Context())
	if err != nil || len(list) != 30_002 {
		t.Fatalf("%d envelopes, %v; want 30,002", len(list), err)
	}
	one := list[0].ID
	if one == sealed {
		one = list[1].ID
	}
	if err := s.DestroyEnvelopes(t.Context(), []courier.EnvelopeID{one}); err != nil {
		t.Errorf("acknowledge one: %v", err)
	}
	if err := s.Rewrite(t.Context(), "2026-12-22"); err != nil {
		t.Errorf("rewrite: %v", err)
	}
	if err := s.Rewrite(t.Context(), "2026-12-23"); err != nil {
		t.Errorf("rewrite when the day of all but one has come: %v", err)
	}
	if list, err = s.Envelopes(t.Context()); err != nil || len(list) != 1 || read(t, s, sealed) != "sealed" {
		t.Errorf("%d envelopes are left, %v; want the one whose day is the next", len(list), err)
	}
	if n, _, err := s.Purge(t.Context()); err != nil || n != 1 {
		t.Errorf("purge: %d envelopes, %v; want 1", n, err)
	}
}

// TestPurgeNeedsNoRoom to make everything unreadable. The rest it does when there is
// room again.
func TestPurgeNeedsNoRoom(t *testing.T) {
	s, dir, _ := crowded(t)
	if s == nil {
		return
	}
	other, err := os.OpenFile(filepath.Join(dir, "other"), os.O_WRONLY|os.O_APPEND, 0)
	for err == nil {
		_, err = other.Write(make([]byte, 4096))
	}
	other.Close()
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	before := take(t, dir)
	if n := len(keys(t, before.items(t), before["root.key"])); n != 1 {
		t.Fatalf("%d keys open, of 1 with a block: this test looks at the wrong place", n)
	}
	if _, _, err := s.Purge(t.Context()); !errors.Is(err, fault.Full) {
		t.Errorf("purge without any room: %v; want full", err)
	}
	if n := len(keys(t, before.items(t), take(t, dir)["root.key"])); n != 0 {
		t.Errorf("%d keys open after a purge without any room", n)
	}
	s.Close()
	if err := os.Remove(other.Name()); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	if n, _, err := s.Purge(t.Context()); err != nil || n != 30_002 {
		t.Errorf("purge when there is room again: %d envelopes, %v", n, err)
	}
	if list, err := s.Envelopes(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("%d envelopes are left, %v; want none", len(list), err)
	}
}

// TestManyAtOnceTakeLittleMemory: an upload has a buffer, and not its blocks.
func TestManyAtOnceTakeLittleMemory(t *testing.T) {
	s := open(t, t.TempDir())
	const size = 1 << 20
	uploads := 200
	if testing.Short() {
		uploads = 20
	}
	piece := strings.Repeat("sealed..", 8<<10)
	memory := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := memory()
	var half, all sync.WaitGroup
	goOn := make(chan struct{})
	half.Add(uploads)
	for range uploads {
		all.Go(func() {
			slot, err := s.Create(t.Context(), "2026-11-23", "2026-12-23")
			if err != nil {
				t.Error(err)
				half.Done()
				return
			}
			for at := 0; at < size; at += len(piece) {
				if at == size/2 {
					half.Done()
					<-goOn
				}
				if _, err := slot.Write([]byte(piece)); err != nil {
					t.Error(err)
				}
			}
			if err := slot.Keep(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	half.Wait()
	if each := (int64(memory()) - int64(before)) / int64(uploads); each > 64<<10 {
		t.Errorf("%d bytes of memory for each upload under way; want a small buffer", each)
	}
	close(goOn)
	all.Wait()
	if list, err := s.Envelopes(t.Context()); err != nil || len(list) != uploads {
		t.Errorf("%d envelopes, %v; want %d", len(list), err, uploads)
	}
}
