// Package secrettest searches files, and the memory of a running process, as somebody
// does who took the machine.
package secrettest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"strconv"
	"time"
)

// Moment is a time that must not be told: an act of somebody, from just before it to
// just after.
type Moment struct {
	What     string
	From, To time.Time
}

// has says whether a time is in the moment and tells more than a day: midnight in UTC is
// how a day is kept.
func (m Moment) has(at time.Time) bool {
	return !at.Before(m.From) && !at.After(m.To) && !at.Equal(at.Truncate(day*time.Second))
}

// Seconds are those that the moment has, as Unix counts them.
func (m Moment) Seconds() iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for unix := m.From.Unix(); unix <= m.To.Unix(); unix++ {
			if unix%day != 0 && !yield(unix) {
				return
			}
		}
	}
}

const day = 24 * 60 * 60 // seconds

// Search looks for many canaries at once, in files and in memory alike.
type Search struct {
	canaries []canary
	moments  []Moment
	heads    map[uint32][]int // the canaries that are known by four bytes
	filter   [1 << 11]uint64  // which hashes of four bytes there are among them
}

type canary struct {
	what  string
	bytes []byte
	head  int // where the four bytes are that it is known by: not at zeros, of which memory is full
}

// Each canary must be as long as shortest, and shorter than overlap, so that none lies
// across two pieces that are looked at.
const (
	shortest = 4
	overlap  = 4 << 10
)

// For makes a search for canaries (what it is → its bytes) and for moments, whose
// seconds are looked for as people and programs write them down.
func For(canaries map[string][]byte, moments ...Moment) (*Search, error) {
	s := &Search{moments: moments, heads: map[uint32][]int{}}
	for what, b := range canaries {
		if len(b) < shortest || len(b) >= overlap {
			return nil, fmt.Errorf("search: canary %q has %d bytes", what, len(b))
		}
		s.add(what, b)
	}
	for _, m := range moments {
		for unix := range m.Seconds() {
			at := time.Unix(unix, 0)
			for _, form := range []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006/01/02 15:04:05", "02 Jan 2006 15:04:05"} {
				s.add(m.What+", the day and time", []byte(at.UTC().Format(form)))
			}
			s.add(m.What+", the second", strconv.AppendInt(nil, unix, 10))
			if unix&0xffff != 0 { // in memory that is a small number with zeros around it
				s.add(m.What+", the second in 8 bytes", binary.BigEndian.AppendUint64(nil, uint64(unix)))
			}
		}
	}
	return s, nil
}

func (s *Search) add(what string, b []byte) {
	at := 0
	for at+shortest < len(b) && b[at] == 0 {
		at++
	}
	head := binary.LittleEndian.Uint32(b[at:])
	h := hash(head)
	s.filter[h>>6] |= 1 << (h & 63)
	s.heads[head] = append(s.heads[head], len(s.canaries))
	s.canaries = append(s.canaries, canary{what, b, at})
}

func hash(head uint32) uint32 { return head * 0x9e3779b1 >> 15 }

// In tells of each place in b where a canary begins.
func (s *Search) In(b []byte, found func(what string, at, n int)) {
	if len(b) < shortest {
		return
	}
	head := binary.LittleEndian.Uint32(b) << 8
	for at := 0; at+shortest <= len(b); at++ {
		head = head>>8 | uint32(b[at+3])<<24
		if h := hash(head); s.filter[h>>6]&(1<<(h&63)) == 0 {
			continue
		}
		for _, i := range s.heads[head] {
			c := &s.canaries[i]
			if from := at - c.head; from >= 0 && bytes.HasPrefix(b[from:], c.bytes) {
				found(c.what, from, len(c.bytes))
			}
		}
	}
}

// What package time counts from, in seconds before 1970.
const (
	sinceYear1 = 62135596800
	since1885  = 2682288000
)

// Clocks tells of each place in b, at a multiple of step, that has a moment as programs
// have it in memory: as seconds or nanoseconds since 1970, or as a time.Time, which may
// come from the clock. Numbers in memory lie at multiples of 8; between them addresses
// of functions look like seconds. In what is random it finds some by chance.
func (s *Search) Clocks(b []byte, step int, found func(what string, at, n int)) {
	var first, last time.Time
	for i, m := range s.moments {
		if i == 0 || m.From.Before(first) {
			first = m.From
		}
		if m.To.After(last) {
			last = m.To
		}
	}
	lo, hi := first.UnixNano(), last.UnixNano()
	for at := 0; at+8 <= len(b) && len(s.moments) > 0; at += step {
		v := binary.LittleEndian.Uint64(b[at:])
		for how, sec := range [...]int64{int64(v), int64(v) - sinceYear1} {
			if sec >= first.Unix() && sec <= last.Unix() {
				s.second(sec, [...]string{"the second as an int64", "the second as time.Time has it"}[how], at, found)
			}
		}
		if n := int64(v); n >= lo && n <= hi {
			s.clock(time.Unix(0, n), "in nanoseconds", at, 8, found)
		}
		if step == 1 { // as files and databases have it
			if n := int64(binary.BigEndian.Uint64(b[at:])); n >= lo && n <= hi {
				s.clock(time.Unix(0, n), "in nanoseconds", at, 8, found)
			}
		}
		// A bit that says so, 33 bits of seconds, 30 of nanoseconds; behind it how long the
		// program had run.
		if sec, nano := int64(v<<1>>31)-since1885, v&(1<<30-1); v>>63 == 1 && nano < 1e9 && sec >= first.Unix() && sec <= last.Unix() && at+16 <= len(b) &&
			binary.LittleEndian.Uint64(b[at+8:])-1 < 1<<50 {
			s.clock(time.Unix(sec, int64(nano)), "as time.Now gives it", at, 16, found)
		}
	}
}

func (s *Search) second(unix int64, how string, place int, found func(string, int, int)) {
	for _, m := range s.moments {
		if unix >= m.From.Unix() && unix <= m.To.Unix() && unix%day != 0 {
			found(m.What+", "+how, place, 8)
		}
	}
}

func (s *Search) clock(at time.Time, how string, place, n int, found func(string, int, int)) {
	for _, m := range s.moments {
		if m.has(at) {
			found(m.What+", "+how, place, n)
		}
	}
}

// Told says which moments a time tells.
func (s *Search) Told(at time.Time) (all []string) {
	for _, m := range s.moments {
		if m.has(at) {
			all = append(all, m.What)
		}
	}
	return all
}
