package codename

import (
	_ "embed"
	"strings"
	"sync"
)

// listID names the list in checksums and keys: another list is another name.
const listID = "eff-large-7772"

//go:embed eff_large.txt
var effLarge string

type wordList struct {
	words []string
	place map[string]uint16
}

// list is the EFF's large list without its words with a hyphen: 7,772 words of 3
// to 9 letters, of which none begins another.
var list = sync.OnceValue(func() wordList {
	l := wordList{place: map[string]uint16{}}
	for w := range strings.Lines(effLarge) {
		w = strings.TrimSpace(w)
		if strings.Contains(w, "-") {
			continue
		}
		l.place[w] = uint16(len(l.words))
		l.words = append(l.words, w)
	}
	return l
})
