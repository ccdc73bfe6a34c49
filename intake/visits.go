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
	run   uint16 // this start of the program, random
	cells []byte // two for each, random: what is shown of them is a number
	day   string
	today map[uint64]uint16 // cells that were asked for on this day, and what they will hold
}

// Numbers are of three digits. Cells are so many that whoever asks for some all day, as
// fast as returns are taken, has asked for a twentieth of them: who shares a cell sees
// when it was used.
const (
	numbers = 1000
	cells   = 1 << 24
)

func newVisits() *visits {
	v := &visits{seed: maphash.MakeSeed(), run: random(), cells: make([]byte, 2*cells), today: map[uint64]uint16{}}
	rand.Read(v.cells)
	return v
}

func random() uint16 {
	var b [2]byte
	rand.Read(b[:])
	return binary.NativeEndian.Uint16(b[:])
}

// count notes that somebody is here with a codename, and gives the numbers of the last day
// before this one on which somebody was, and of this one.
func (v *visits) count(day string, key [32]byte) (last, now uint16) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.turn(day)
	i := v.cell(key)
	last = binary.NativeEndian.Uint16(v.cells[2*i:]) % numbers
	next, known := v.today[i]
	if !known {
		for next = random(); next%numbers == last; next = random() { // any but the last
		}
		v.today[i] = next
	}
	return last, next % numbers
}

func (v *visits) cell(key [32]byte) uint64 { return maphash.Bytes(v.seed, key[:]) % cells }

// turn lets the numbers of a day that is over stand, and forgets which they are.
func (v *visits) turn(day string) {
	if v.day == day {
		return
	}
	for i, n := range v.today {
		binary.NativeEndian.PutUint16(v.cells[2*i:], n)
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
func (v *visits) say(n uint16) string { return fmt.Sprintf("%03d %03d", v.run%numbers, n) }

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
// numbers: none for what is no such key, and none when as many came back as are taken. A
// key costs whoever asks nothing, and without that bound a stranger could ask for all
// cells before and after a day, and see on which of them somebody was there.
func (in *Intake) Visit(visits string) (last, today string, ok bool) {
	var key [32]byte
	if n, err := hex.Decode(key[:], []byte(visits)[:min(len(visits), 2*len(key))]); err != nil || n < len(key) {
		return "", "", false
	}
	if !in.count(&in.tallies.all, in.limits.All.halved(), Returns) { // who asks so costs nobody on the page a return
		return "", "", false
	}
	a, b := in.visits.count(in.day(), key)
	return in.visits.say(a), in.visits.say(b), true
}
