package codename

import "unicode/utf8"

// correct returns what the checksum allows the reading to be, after one slip in each
// of the wrong words, or in any single word when none is wrong. What was not meant
// passes by chance once in 7,500, so only few are tried: more than two wrong words
// are left to their owner.
func (r *reading) correct() []Codename {
	var found []Codename
	try := func(c Codename) {
		if c.valid() {
			found = append(found, c)
		}
	}
	if len(r.tokens) != Length {
		return nil
	}
	switch len(r.wrong) {
	case 0:
		for i := range r.tokens {
			for _, w := range r.list.neighbours(r.tokens[i]) {
				c := r.Codename
				c.words[i] = w
				try(c)
			}
		}
	case 1, 2:
		first, last := r.wrong[0]-1, r.wrong[len(r.wrong)-1]-1
		for _, v := range r.list.neighbours(r.tokens[first]) {
			for _, w := range r.list.neighbours(r.tokens[last]) {
				c := r.Codename
				c.words[first], c.words[last] = v, w
				if first == last && v != w {
					continue
				}
				try(c)
			}
		}
	}
	return found
}

// neighbours are the words of the list that are one slip away.
func (l *list) neighbours(token []byte) []uint16 {
	var near []uint16
	for i, w := range l.folded {
		if oneSlip(token, w) {
			near = append(near, uint16(i))
		}
	}
	return near
}

// oneSlip reports whether the two differ by one letter replaced, missing or
// added, or by two neighbours swapped.
func oneSlip(a []byte, b string) bool {
	p, n := utf8.DecodeRune(a)
	q, m := utf8.DecodeRuneInString(b)
	for n > 0 && m > 0 && p == q {
		a, b = a[n:], b[m:]
		p, n = utf8.DecodeRune(a)
		q, m = utf8.DecodeRuneInString(b)
	}
	switch {
	case n == 0 && m == 0:
		return false // the same word
	case string(a[n:]) == b[m:], string(a) == b[m:], string(a[n:]) == b:
		return true
	}
	p2, n2 := utf8.DecodeRune(a[n:])
	q2, m2 := utf8.DecodeRuneInString(b[m:])
	return p == q2 && p2 == q && string(a[n+n2:]) == b[m+m2:]
}
