package sqlite_test

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"daylight/courier"
	"daylight/fault"
)

// TestFullDisk: what was kept stays good when the disk is full, what is destroyed
// makes room again, and the rewrite goes on.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	// Three extents and 256 KiB: if the pool took them, the database had nothing.
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=24832k"); err != nil {
		t.Logf("not tried, intake/web has an injected disk: mount: %v", err)
		return
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
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
