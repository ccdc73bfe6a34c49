package search_test

import (
	"testing"
	"time"

	"daylight/corpus"
	"daylight/search"
)

func TestLengthClass(t *testing.T) {
	last := -1
	for n := range 1 << 19 {
		class := search.LengthClass(n)
		if int(class) < last {
			t.Fatalf("class of %d is %d, after %d", n, class, last)
		}
		last = int(class)
		if length := search.ClassLength(class); length > n || 17*length < 16*n-16*17 || n < 32 && length != n {
			t.Fatalf("class of %d begins at %d", n, length)
		}
	}
	if a, b := search.LengthClass(1<<19), search.LengthClass(1<<30); a != b {
		t.Errorf("the longest classes are %d and %d; want the same", a, b)
	}
	if search.LengthClass(-1) != 0 {
		t.Error("a negative length")
	}
}

// The figures are those of the formula of the framework (k1 1.2, b 0.75), computed
// apart from this code: changing them changes the order of every archive.
func TestScorer(t *testing.T) {
	s := search.NewScorer(100, 100*16)
	for _, c := range []struct {
		df, frequency, length int
		want                  int64
	}{
		{1, 1, 16, 275_884}, // ln(1 + 99.5/1.5) = 4.20965, × 2.2/2.2
		{1, 2, 16, 379_340}, // × 4.4/3.2
		{100, 1, 16, 325},   // ln(1 + 0.5/100.5)
		{10, 1, 0, 251_065}, // ln(1 + 90.5/10.5) = 2.26374, × 2.2/1.3: short is better
		{10, 1, 64, 66_609}, // × 2.2/(1 + 1.2 × 3.25): long is worse
		{0, 1, 16, 347_883}, // ln 202
	} {
		if got := s.Units(s.Weight(c.df), c.frequency, search.LengthClass(c.length)); got != c.want {
			t.Errorf("df %d, frequency %d, length %d: %d; want %d", c.df, c.frequency, c.length, got, c.want)
		}
	}
}

func TestOrder(t *testing.T) {
	date := func(y int) int64 { return search.DateKey(time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC)) }
	a, b := corpus.DocumentID{1}, corpus.DocumentID{2}
	for _, c := range []struct {
		sort        search.Sort
		first, then search.Key
	}{
		{"", search.Key{Units: 2}, search.Key{Units: 1, Date: date(2000)}},
		{"", search.Key{Date: date(2001), ID: b}, search.Key{Date: date(2000), ID: a}},
		{search.ByNewest, search.Key{Date: date(2001)}, search.Key{Date: date(2000)}},
		{search.ByOldest, search.Key{Date: date(2000)}, search.Key{Date: date(2001)}},
		{search.ByOldest, search.Key{Date: date(1901)}, search.Key{Date: search.NoDate}},
		{search.ByNewest, search.Key{Date: date(1901)}, search.Key{Date: search.NoDate}},
		{search.ByNewest, search.Key{ID: a}, search.Key{ID: b}},
	} {
		if c.sort.Compare(c.first, c.then) >= 0 || c.sort.Compare(c.then, c.first) <= 0 {
			t.Errorf("%q: %v does not come before %v", c.sort, c.first, c.then)
		}
	}
}
