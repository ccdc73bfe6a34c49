package segment_test

import (
	"testing"

	"daylight/search"
	"daylight/search/searchtest"
	"daylight/search/segment"
)

func open(t testing.TB, dir string, o segment.Options) *segment.Index {
	t.Helper()
	x, err := segment.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() })
	return x
}

func TestIndex(t *testing.T) {
	searchtest.Run(t, func(t *testing.T) search.Index { return open(t, t.TempDir(), segment.Options{}) })
}

// With segments of ten documents, every query meets several, and merges run all
// the time.
func TestManySegments(t *testing.T) {
	searchtest.Run(t, func(t *testing.T) search.Index {
		return open(t, t.TempDir(), segment.Options{Documents: 10, Workers: 2})
	})
}
