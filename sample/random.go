package sample

import "hash/fnv"

// random is SplitMix64 (Steele, Lea and Flood, 2014). The standard library promises
// its own sequences for no longer than a release; the sample's bytes must stay.
type random struct{ state uint64 }

func seeded(name string) *random {
	h := fnv.New64a()
	h.Write([]byte(name))
	return &random{h.Sum64()}
}

// below returns a number from 0 to n-1.
func (r *random) below(n int) int {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	z ^= z >> 31
	return int(z>>1) % n
}
