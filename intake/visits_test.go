package intake

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestVisitsTellOfOtherDays plays random days of a source and of a stranger who has the
// words, and holds every number against what really happened.
func TestVisitsTellOfOtherDays(t *testing.T) {
	v := newVisits() // of all: each source has words of its own
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		box := [32]byte{byte(seed), 7}
		kept, keptOn, stranger := uint16(0), -1, 0 // stranger: on how many days after that, before today
		for day := range 30 {
			today := fmt.Sprint("2026-11-", day)
			source, other := r.IntN(3) == 0, r.IntN(5) == 0
			first := r.IntN(2) == 0 // the stranger comes before the source
			for range r.IntN(4) {
				if b := [32]byte{byte(r.IntN(200)), 9}; v.cell(b) != v.cell(box) { // other people
					v.count(today, b)
				}
			}
			if other && first {
				v.count(today, box)
			}
			if source {
				last, now := v.count(today, box)
				again, same := v.count(today, box)
				if again != last || same != now || last == now {
					t.Fatalf("seed %d: numbers %d, %d, then %d, %d on one day", seed, last, now, again, same)
				}
				// Two and more visits of a stranger can lead back to the number by chance.
				switch {
				case keptOn < 0:
				case stranger == 0 && last != kept:
					t.Errorf("seed %d, day %d: an alarm for nothing", seed, day)
				case stranger == 1 && last == kept:
					t.Errorf("seed %d, day %d: the stranger is not noticed", seed, day)
				}
				kept, keptOn, stranger = now, day, 0
			}
			if other && !first {
				v.count(today, box)
			}
			if other && !source {
				stranger++
			}
		}
	}
}

// TestAStrangerIsNoticed: one visit on another day changes the number always.
func TestAStrangerIsNoticed(t *testing.T) {
	v := newVisits()
	for n := range 3000 {
		box := [32]byte{byte(n), byte(n >> 8)}
		_, kept := v.count("2026-11-01", box)
		if last, _ := v.count("2026-11-02", box); last != kept {
			t.Fatalf("mailbox %d: an alarm for nothing", n) // the stranger sees the source's number
		}
		v.settle("2026-11-03")
		if last, _ := v.count("2026-11-03", box); last == kept {
			t.Fatalf("mailbox %d: the stranger is not noticed", n)
		}
		v.turn("2026-11-01")
	}
}

// TestVisitsAreForgotten: when the day is over, memory does not tell which mailboxes
// were asked for; and a new start has other numbers.
func TestVisitsAreForgotten(t *testing.T) {
	v := newVisits()
	before := bytes.Clone(v.cells)
	v.count("2026-11-01", [32]byte{1})
	v.settle("2026-11-01")
	if len(v.today) != 1 {
		t.Fatalf("%d cells; the test looks at nothing", len(v.today))
	}
	v.settle("2026-11-02")
	if len(v.today) != 0 {
		t.Error("it is known which mailboxes were asked for yesterday")
	}
	changed := 0
	for i := 0; i < len(before); i += 2 {
		if !bytes.Equal(v.cells[i:i+2], before[i:i+2]) {
			changed++
		}
	}
	if changed != 1 {
		t.Errorf("%d cells changed; want 1", changed)
	}
	if w := newVisits(); v.run == w.run && newVisits().run == w.run {
		t.Error("a new start cannot be told")
	}
}
