package search

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"daylight/text"
)

// Snippet returns the passage of a document's own text that shows best why it
// matches: the one with the most different parts of the query, then the most
// places. It is about max characters long, begins and ends at words, has white space
// joined to single spaces and … where it leaves out, and marks what the query
// really matches. Without a match it is the beginning. Of a huge text only the first
// megabytes are read.
func Snippet(q Query, lang, s string, max int) []Span {
	if max <= 0 || s == "" {
		return nil
	}
	places := firstPlaces(q, lang, s)
	start, end := 0, 0
	if len(places) > 0 {
		start, end = bestWindow(places, max)
		start = stepBack(s, start, max/5)
	}
	end = stepOn(s, start, end, max)
	var ranges []Range
	for _, p := range places {
		if p.start >= start && p.end <= end {
			ranges = append(ranges, Range{Start: p.start - start, End: p.end - start})
		}
	}
	spans := joinSpace(text.Mark(s[start:end], ranges))
	if start > 0 {
		spans = append([]Span{{Text: "… "}}, spans...)
	}
	if end < len(s) {
		spans = append(spans, Span{Text: " …"})
	}
	return spans
}

// What is read of a text: all of it to find one place, less when there are many.
const (
	snippetReads = 4 << 20
	enoughReads  = 256 << 10
	enoughPlaces = 1000
)

type place struct {
	found
	runes int // characters before it
}

func firstPlaces(q Query, lang, s string) []place {
	var places []place
	at, runes := 0, 0
	newMarker(q, lang).scan(text.Cut(s, snippetReads), func(f found) bool {
		if f.start >= at {
			runes += utf8.RuneCountInString(s[at:f.start])
			at = f.start
		} // else a phrase, which began before the word that ends it
		places = append(places, place{f, runes})
		return len(places) < enoughPlaces && f.start < enoughReads
	})
	return places
}

// bestWindow returns the places, from the first's beginning to the last's end, that
// are within max characters and show most.
func bestWindow(places []place, max int) (start, end int) {
	inside := map[int]int{} // leaf → places
	var best, bestCount, first int
	for i, p := range places {
		inside[p.leaf]++
		for places[first].runes+max*3/4 < p.runes {
			l := places[first].leaf
			if inside[l]--; inside[l] == 0 {
				delete(inside, l)
			}
			first++
		}
		if n, count := len(inside), i-first+1; n > best || n == best && count > bestCount {
			best, bestCount = n, count
			start, end = places[first].start, p.end
			for _, q := range places[first : i+1] {
				start = min(start, q.start)
			}
		}
	}
	return start, end
}

// stepBack goes back at most n characters, to the beginning of a word.
func stepBack(s string, pos, n int) int {
	best := pos
	for i := pos; n > 0 && i > 0; n-- {
		r, size := utf8.DecodeLastRuneInString(s[:i])
		i -= size
		if unicode.IsSpace(r) {
			best = i + size
		} else if i == 0 {
			best = 0
		}
	}
	return best
}

// stepOn returns where a passage from start ends: after about max characters, at the
// end of a word, but not before end, which is a few characters further at most
// unless one word of the text is longer than a passage.
func stepOn(s string, start, end, max int) int {
	space, n := start, 0
	for i, r := range s[start:] {
		at := start + i
		if unicode.IsSpace(r) {
			space = at
		}
		if n++; n <= max || at < end && n <= 2*max {
			continue
		}
		if space > start && space >= end {
			return space
		}
		return at
	}
	return len(s)
}

// joinSpace makes one space of white space, also where two spans meet.
func joinSpace(spans []Span) []Span {
	out := spans[:0]
	space := true // at the beginning
	for _, sp := range spans {
		var b strings.Builder
		for _, r := range sp.Text {
			if unicode.IsSpace(r) {
				if !space {
					b.WriteByte(' ')
				}
				space = true
				continue
			}
			b.WriteRune(r)
			space = false
		}
		if b.Len() > 0 {
			out = append(out, Span{Text: b.String(), Marked: sp.Marked})
		}
	}
	if n := len(out); n > 0 && space {
		if out[n-1].Text = strings.TrimRight(out[n-1].Text, " "); out[n-1].Text == "" {
			out = out[:n-1]
		}
	}
	return out
}
