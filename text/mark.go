package text

import (
	"slices"
	"unicode/utf8"
)

// Range is a stretch of bytes of a text, [Start, End).
type Range struct{ Start, End int }

// Span is a stretch of a text, marked or not.
type Span struct {
	Text   string
	Marked bool
}

// Mark cuts s into spans, so that exactly the ranges are marked. Ranges may come
// in any order, overlap, touch, and reach beyond s; a range that cuts a character
// takes all of it. The spans joined are s; none is empty.
func Mark(s string, ranges []Range) []Span {
	sorted := slices.Clone(ranges)
	slices.SortFunc(sorted, func(a, b Range) int { return a.Start - b.Start })
	var spans []Span
	pos := 0
	add := func(to int, marked bool) {
		if to <= pos {
			return
		}
		if n := len(spans); n > 0 && spans[n-1].Marked == marked {
			from := pos - len(spans[n-1].Text)
			spans[n-1].Text = s[from:to]
		} else {
			spans = append(spans, Span{s[pos:to], marked})
		}
		pos = to
	}
	for _, r := range sorted {
		start, end := widen(s, r)
		if end <= start {
			continue
		}
		add(start, false)
		add(end, true)
	}
	add(len(s), false)
	return spans
}

// widen widens a range to whole characters inside of s.
func widen(s string, r Range) (start, end int) {
	start, end = max(r.Start, 0), min(r.End, len(s))
	if end <= start {
		return 0, 0
	}
	for n := 0; start > 0 && n < utf8.UTFMax-1 && !utf8.RuneStart(s[start]); n++ {
		start--
	}
	for n := 0; end < len(s) && n < utf8.UTFMax-1 && !utf8.RuneStart(s[end]); n++ {
		end++
	}
	return start, end
}
