package intake

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/maphash"
	"sync"
)

// visits lets a source see whether somebody else was here with the same words on
// another day, and keeps neither who was nor when: docs/design/2026-11-27-used-since.md.
//
// Each codename has a cell, found by a hash under a key of the process of one of its keys
// that only who has the words knows: the name of the mailbox would not do, for it lies
// beside each reply, and at the desk. Two share a cell now and then. A cell holds a number,
// from the beginning a random one, and gets another for each day on which somebody is here
// with the words, from the next day on. The source keeps
// the number of today, and looks whether it is the last one when they come back. So a
// cell that was never asked for looks like any other; what happens on one day is one; and
// it is all in memory: a visit writes nothing, and a new start forgets everything.
type visits struct {
	mu    sync.Mutex
	seed  maphash.Seed
	run   uint16 // this start of the program, a random number
	cells []uint16
	day   string
	today map[uint64]uint16 // cells that were asked for on this day, and their next numbers
}

// Numbers are of three digits. Cells are so many that strangers seldom meet in one.
const (
	numbers = 1000
	cells   = 1 << 20
)

func newVisits() *visits {
	b := make([]byte, 2*(cells+1))
	rand.Read(b)
	v := &visits{seed: maphash.MakeSeed(), run: binary.NativeEndian.Uint16(b) % numbers, cells: make([]uint16, cells), today: map[uint64]uint16{}}
	for i := range v.cells {
		v.cells[i] = binary.NativeEndian.Uint16(b[2*(i+1):]) % numbers
	}
	return v
}

// count notes that somebody is here with a codename, and gives the numbers of the last day
// before this one on which somebody was, and of this one.
func (v *visits) count(day string, key [32]byte) (last, now uint16) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.turn(day)
	i := v.cell(key)
	last = v.cells[i]
	now, known := v.today[i]
	if !known {
		var b [2]byte
		rand.Read(b[:])
		now = (last + 1 + binary.NativeEndian.Uint16(b[:])%(numbers-1)) % numbers // any but the last
		v.today[i] = now
	}
	return last, now
}

func (v *visits) cell(key [32]byte) uint64 { return maphash.Bytes(v.seed, key[:]) % cells }

// turn lets the numbers of a day that is over stand, and forgets which they are.
func (v *visits) turn(day string) {
	if v.day == day {
		return
	}
	for i, n := range v.today {
		v.cells[i] = n
	}
	v.day, v.today = day, map[uint64]uint16{} // a map from which something is deleted keeps it
}

// settle is turn, for when nobody asks.
func (v *visits) settle(day string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.turn(day)
}

// say writes a number as people keep it.
func (v *visits) say(n uint16) string { return fmt.Sprintf("%03d %03d", v.run, n) }

// Numbers are those of the last day before this one on which somebody asked for the
// inbox of this visit, and of this day. ok is false where the visit has no inbox yet.
func (s *Session) Numbers() (last, today string, ok bool) {
	s.use(func(open *secrets) {
		if ok = open.derived; ok {
			last, today = s.in.visits.say(open.last), s.in.visits.say(open.today)
		}
	})
	return last, today, ok
}

// Visit counts a visit of a source's own program, by its key in hex, and gives its
// numbers: none for what is no such key.
func (in *Intake) Visit(visits string) (last, today string, ok bool) {
	var key [32]byte
	if n, err := hex.Decode(key[:], []byte(visits)[:min(len(visits), 2*len(key))]); err != nil || n < len(key) {
		return "", "", false
	}
	a, b := in.visits.count(in.day(), key)
	return in.visits.say(a), in.visits.say(b), true
}
