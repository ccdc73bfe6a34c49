package intake

import (
	"hash/maphash"
	"sync"
)

// repeats tells what several visits sent to one channel on one day, without keeping
// what it was: a hash of the beginning of each part with its size and the channel,
// under a key that is in memory only and is another the next day. It says nothing to
// who sends, and to who reads a channel nothing of what came to others.
type repeats struct {
	mu   sync.Mutex
	day  string
	seed maphash.Seed
	seen map[uint64][]uint64 // part → visits that sent it, up to the limit
}

// maxSeen bounds the memory; beyond it any of the parts is forgotten.
const maxSeen = 20_000

// mark is what stands for a part: to whom, the first 64 KiB, and a size.
type mark struct {
	channel string
	head    uint64
	size    int64
}

// today makes the key of the day, and forgets the day before.
func (r *repeats) today(day string) {
	if r.day != day {
		r.day, r.seed, r.seen = day, maphash.MakeSeed(), map[uint64][]uint64{}
	}
}

// settle forgets what was sent before this day.
func (r *repeats) settle(day string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.day != "" {
		r.today(day)
	}
}

// head hashes the beginning of a part.
func (r *repeats) head(day string, b []byte) uint64 {
	r.mu.Lock()
	r.today(day)
	seed := r.seed
	r.mu.Unlock()
	return maphash.Bytes(seed, b)
}

// again notes the parts of a submission, and reports whether as many other visits
// as the limit says have sent each of them.
func (r *repeats) again(day string, visit [32]byte, parts []mark, limit int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.today(day)
	from := maphash.Bytes(r.seed, visit[:])
	all := len(parts) > 0
	for _, p := range parts {
		if !r.others(maphash.Comparable(r.seed, p), from, limit) {
			all = false
		}
	}
	return all
}

// others notes that a visit sent a part, and reports whether enough others did.
func (r *repeats) others(part, from uint64, limit int) bool {
	visits := r.seen[part]
	n := 0
	for _, v := range visits {
		if v == from {
			n++
		}
	}
	others := len(visits) - n
	if n == 0 && len(visits) < limit {
		if visits == nil && len(r.seen) >= maxSeen {
			for any := range r.seen {
				delete(r.seen, any)
				break
			}
		}
		r.seen[part] = append(visits, from)
	}
	return others >= limit
}
