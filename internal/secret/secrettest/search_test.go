package secrettest

import (
	"encoding/binary"
	"strconv"
	"testing"
	"time"
)

// A day is kept as its midnight: when something happened over midnight, that tells no
// more than the day, and a second later does.
func TestMidnightTellsADay(t *testing.T) {
	midnight := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	s, err := For(nil, Moment{What: "the visit", From: midnight.Add(-time.Minute), To: midnight.Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	for at, tells := range map[time.Time]bool{midnight: false, midnight.Add(time.Second): true, midnight.Add(-time.Second): true} {
		forms := [][]byte{
			[]byte(at.Format(time.DateTime)), []byte(strconv.FormatInt(at.Unix(), 10)),
			binary.BigEndian.AppendUint64(nil, uint64(at.Unix())),
			binary.LittleEndian.AppendUint64(nil, uint64(at.Unix())),
			binary.LittleEndian.AppendUint64(nil, uint64(at.UnixNano())),
		}
		for _, b := range forms {
			found := false
			note := func(string, int, int) { found = true }
			s.In(b, note)
			s.Clocks(b, 1, note)
			if found != tells {
				t.Errorf("%v: %q is found: %v", at, b, found)
			}
		}
		if got := len(s.Told(at)) > 0; got != tells {
			t.Errorf("%v is told: %v", at, got)
		}
	}
}
