package sqlite_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"lukechampine.com/adiantum"

	"daylight/courier"
	"daylight/fault"
	"daylight/intake/sqlite"
	"daylight/internal/sqlkit"
)

// image is all files of a store, as somebody finds them who takes the disk.
type image map[string][]byte

func take(t *testing.T, dir string) image {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	im := image{}
	for _, f := range files {
		if im[f.Name()], err = os.ReadFile(filepath.Join(dir, f.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return im
}

// pages is a file of the database, decrypted whole: rows, free pages, and whatever
// lies in the log.
func (im image) pages(name string) []byte {
	const page = 4096
	c, all := adiantum.New(dbKey[:]), bytes.Clone(im[name])
	for at := 0; at+page <= len(all); at += page {
		c.Decrypt(all[at:at+page], binary.LittleEndian.AppendUint64(nil, uint64(at)))
	}
	return all
}

// item is what a database says of one.
type item struct {
	wrapped []byte
	size    int64
	places  []int64
	ivs     [][]byte
}

func (im image) items(t *testing.T) map[string]*item {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"intake.db", "intake.db-wal"} {
		if err := os.WriteFile(filepath.Join(dir, name), im[name], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	db, err := sqlkit.OpenAny(t.Context(), filepath.Join(dir, "intake.db"), &dbKey)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT id, key, size, place, iv FROM item JOIN block ON item = id ORDER BY id, seq")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := map[string]*item{}
	for rows.Next() {
		var id string
		var place int64
		var iv []byte
		var i item
		if err := rows.Scan(&id, &i.wrapped, &i.size, &place, &iv); err != nil {
			t.Fatal(err)
		}
		if all[id] == nil {
			all[id] = &i
		}
		all[id].places, all[id].ivs = append(all[id].places, place), append(all[id].ivs, iv)
	}
	return all
}

// keys are those of the items of an image that either sector of a root file unwraps.
func keys(t *testing.T, items map[string]*item, root []byte) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	for _, sector := range [][]byte{root[:4096], root[4096:]} {
		sum := sha256.Sum256(sector)
		c, err := aes.NewCipher(sum[:])
		if err != nil {
			t.Fatal(err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(c)
		if err != nil {
			t.Fatal(err)
		}
		for id, i := range items {
			if key, err := aead.Open(nil, nil, i.wrapped, nil); err == nil {
				found[id] = key
			}
		}
	}
	return found
}

// open decrypts an item out of a pool.
func (i *item) open(t *testing.T, key, pool []byte) []byte {
	t.Helper()
	c, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	for n, place := range i.places {
		b := bytes.Clone(pool[place*block : (place+1)*block])
		cipher.NewCTR(c, i.ivs[n]).XORKeyStream(b, b)
		out = append(out, b...)
	}
	return out[:i.size]
}

// TestDestroyedIsDestroyed: who has kept every older image of everything but the root
// key, and has the key of the database, reads what is there and not what was there.
func TestDestroyedIsDestroyed(t *testing.T) {
	doomed, staying := noise(1, 300_000), noise(2, 300_000)
	for name, c := range map[string]struct {
		destroy func(*testing.T, *sqlite.Store, courier.EnvelopeID)
		all     bool
	}{
		"acknowledged": {destroy: func(t *testing.T, s *sqlite.Store, id courier.EnvelopeID) {
			if err := s.DestroyEnvelopes(t.Context(), []courier.EnvelopeID{id}); err != nil {
				t.Fatal(err)
			}
		}},
		"over": {destroy: func(t *testing.T, s *sqlite.Store, _ courier.EnvelopeID) {
			for _, day := range []string{"2026-11-30", "2026-12-01"} {
				if err := s.Rewrite(t.Context(), day); err != nil {
					t.Fatal(err)
				}
			}
		}},
		"purged": {all: true, destroy: func(t *testing.T, s *sqlite.Store, _ courier.EnvelopeID) {
			if e, r, err := s.Purge(t.Context()); err != nil || e != 1 || r != 2 {
				t.Fatalf("%d envelopes, %d replies, %v; want 1 and 2", e, r, err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			id := arrive(t, s, doomed, "2026-11-01", "2026-12-01")
			for n, body := range [][]byte{doomed, staying} {
				if err := s.PutReply(t.Context(), box, replyID(n), []string{"2026-12-01", "2026-12-05"}[n], bytes.NewReader(body)); err != nil {
					t.Fatal(err)
				}
			}
			before := take(t, dir)
			items := before.items(t)
			was := keys(t, items, before["root.key"])
			opened := 0
			for id, key := range was {
				if got := items[id].open(t, key, before["pool"]); bytes.Equal(got, doomed) || bytes.Equal(got, staying) {
					opened++
				}
			}
			if opened != 3 {
				t.Fatalf("%d of 3 items open out of the first image: this test looks at the wrong place", opened)
			}

			c.destroy(t, s, id)
			if name == "acknowledged" {
				if err := s.DestroyReply(t.Context(), box, replyID(0), "2026-12-20"); err != nil {
					t.Fatal(err)
				}
			}
			after := take(t, dir)
			stays := 0
			now := after.items(t)
			for id, key := range keys(t, now, after["root.key"]) {
				if bytes.Equal(now[id].open(t, key, after["pool"]), staying) {
					stays++
				}
			}
			if want := map[bool]int{false: 1, true: 0}[c.all]; stays != want || len(now) != want {
				t.Errorf("%d of %d items open; want %d", stays, len(now), want)
			}
			for id := range keys(t, items, after["root.key"]) {
				t.Errorf("the root key that is left opens the key of %s in an older image", id)
			}
			for id, key := range was {
				if now[id] != nil {
					continue
				}
				for _, name := range []string{"intake.db", "intake.db-wal"} {
					pages := after.pages(name)
					for what, b := range map[string][]byte{"key": key, "wrapped key": items[id].wrapped, "name": []byte(id)} {
						if bytes.Contains(pages, b) {
							t.Errorf("the %s of what is destroyed stands in %s", what, name)
						}
					}
				}
			}
			if !c.all && !bytes.Contains(append(after.pages("intake.db"), after.pages("intake.db-wal")...), []byte(replyID(1))) {
				t.Error("the id of the reply that stays is not found: this test looks at the wrong place")
			}
			if name == "over" || c.all { // everything was written anew
				for at := 0; at+block <= len(before["pool"]); at += block {
					if bytes.Contains(after["pool"], before["pool"][at:at+64]) {
						t.Fatal("a block lies in the pool as it did before")
					}
				}
			}
		})
	}
}

// TestAStartAfterHalfADestruction: a program that ended between the commit and the end
// of the old root key destroys that when it starts.
func TestAStartAfterHalfADestruction(t *testing.T) {
	dir := t.TempDir()
	s, err := sqlite.Open(t.Context(), dir, dbKey)
	if err != nil {
		t.Fatal(err)
	}
	id := arrive(t, s, []byte("sealed"), "2026-11-23", "2026-12-23")
	stays := arrive(t, s, []byte("stays"), "2026-11-23", "2026-12-23")
	before := take(t, dir)
	if err := s.DestroyEnvelopes(t.Context(), []courier.EnvelopeID{id}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	after := take(t, dir)
	for _, half := range []int{0, 4096} { // the one that was in use, back again
		if len(keys(t, before.items(t), append(bytes.Clone(before["root.key"][half:half+4096]), make([]byte, 4096)...))) > 0 {
			copy(after["root.key"][half:half+4096], before["root.key"][half:half+4096])
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "root.key"), after["root.key"], 0o600); err != nil {
		t.Fatal(err)
	}
	if n := len(keys(t, before.items(t), after["root.key"])); n != 2 {
		t.Fatalf("the old root key opens %d keys; want 2, or the test is of nothing", n)
	}
	s = open(t, dir)
	if n := len(keys(t, before.items(t), take(t, dir)["root.key"])); n != 0 {
		t.Errorf("the old root key still opens %d keys", n)
	}
	if got := read(t, s, stays); got != "stays" {
		t.Errorf("what stays opens as %q", got)
	}
}

// unsorted is in how many leaf pages of the database rows lie otherwise than sorted:
// the later from the end of the page on.
func (im image) unsorted(t *testing.T) (n int) {
	t.Helper()
	const page, head, leaf = 4096, 8, 0x0a // https://sqlite.org/fileformat2.html, 1.6: a leaf of an index, as tables without rowid are
	all := im.pages("intake.db")
	leaves := 0
	for at := page; at+page <= len(all); at += page {
		p := all[at : at+page]
		if p[0] != leaf {
			continue
		}
		leaves++
		last := page
		for i := range int(binary.BigEndian.Uint16(p[3:])) {
			cell := int(binary.BigEndian.Uint16(p[head+2*i:]))
			if cell >= last {
				n++
				break
			}
			last = cell
		}
	}
	if leaves < 6 {
		t.Fatalf("%d leaf pages: this test looks at the wrong place", leaves)
	}
	return n
}

// TestRowsTellNoOrder of arrival, after a beat.
func TestRowsTellNoOrder(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for range 2 {
		for n := range 12 {
			arrive(t, s, noise(uint64(n), 1000), "2026-11-24", "2026-12-23")
		}
		if take(t, dir).unsorted(t) < 3 {
			t.Fatal("rows are sorted as they come: the test is of nothing")
		}
		if err := s.Beat(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := take(t, dir).unsorted(t); n != 0 {
			t.Errorf("after a beat rows of %d pages lie as they came", n)
		}
	}
}

// TestPurgeWhileSomethingArrives: it goes too, and what its slot still writes spoils
// nothing that comes after.
func TestPurgeWhileSomethingArrives(t *testing.T) {
	s := open(t, t.TempDir())
	arrive(t, s, []byte("sealed"), "2026-11-23", "2026-12-23")
	slot := create(t, s)
	const size = 300_000
	if _, err := slot.Room(size); err != nil {
		t.Fatal(err)
	}
	slot.Write(noise(1, size/2))
	if n, _, err := s.Purge(t.Context()); err != nil || n != 2 {
		t.Fatalf("%d envelopes, %v; want 2", n, err)
	}
	var after []courier.EnvelopeID
	for n := range 40 { // more than the pool has places
		after = append(after, arrive(t, s, noise(uint64(n), size), "2026-11-23", "2026-12-23"))
	}
	slot.Write(noise(2, size/2))
	if err := slot.Keep(t.Context()); !errors.Is(err, fault.Gone) {
		t.Errorf("keep what was destroyed: %v; want gone", err)
	}
	for n, id := range after {
		if read(t, s, id) != string(noise(uint64(n), size)) {
			t.Errorf("envelope %d, which came after, does not open as it was kept", n)
		}
	}
	if err := s.Beat(t.Context()); err != nil {
		t.Error(err)
	}
	if list, err := s.Envelopes(t.Context()); err != nil || len(list) != len(after) {
		t.Errorf("%d envelopes, %v; want %d", len(list), err, len(after))
	}
}
