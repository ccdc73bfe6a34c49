package codename

import "unicode/utf8"

// correct returns the readings of the tokens that the checksum allows, after one
// slip in each of the wrong words, or in any single word when none is wrong. A
// reading that is not what was meant passes by chance once in 7,772, so only few
// are tried: more than two wrong words are left to their owner.
func correct(c *Codename, tokens [][]byte, wrong []int) []Codename {
	var found []Codename
	try := func(r Codename) {
		if r.valid() {
			found = append(found, r)
		}
	}
	switch len(wrong) {
	case 0:
		for i := range tokens {
			for _, w := range neighbours(tokens[i]) {
				r := *c
				r.words[i] = w
				try(r)
			}
		}
	case 1, 2:
		first, last := wrong[0]-1, wrong[len(wrong)-1]-1
		for _, v := range neighbours(tokens[first]) {
			for _, w := range neighbours(tokens[last]) {
				r := *c
				r.words[first], r.words[last] = v, w
				if first == last && v != w {
					continue
				}
				try(r)
			}
		}
	}
	return found
}

// neighbours are the words of the list that are one slip away.
func neighbours(token []byte) []uint16 {
	var near []uint16
	for i, w := range list().words {
		if oneSlip(token, w) {
			near = append(near, uint16(i))
		}
	}
	return near
}

// oneSlip reports whether the two differ by one letter replaced, missing or
// added, or by two neighbours swapped.
func oneSlip(token []byte, word string) bool {
	a, b := token, []byte(word)
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	// A letter of another alphabet is one slip, however many bytes it has.
	_, n := utf8.DecodeRune(a)
	switch {
	case len(a) == 0 && len(b) == 0:
		return false // the same word
	case string(a[n:]) == string(b), len(b) > 0 && string(a) == string(b[1:]), len(b) > 0 && string(a[n:]) == string(b[1:]):
		return true
	}
	return len(a) >= 2 && len(b) >= 2 && a[0] == b[1] && a[1] == b[0] && string(a[2:]) == string(b[2:])
}
