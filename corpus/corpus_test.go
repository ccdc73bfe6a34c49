package corpus

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestDocumentIDs(t *testing.T) {
	seen := map[DocumentID]bool{}
	for range 1000 {
		id := NewDocumentID()
		got, err := ParseDocumentID(id.String())
		if err != nil || got != id || len(id.String()) != 26 || seen[id] {
			t.Fatalf("%s: %v, %v; seen before: %v", id, got, err, seen[id])
		}
		seen[id] = true
	}
	good := NewDocumentID().String()
	for _, bad := range []string{"", good[1:], good + "0", strings.ToUpper("a" + good[1:]), "i" + good[1:], good[:25] + "1"} {
		if id, err := ParseDocumentID(bad); err == nil && id.String() != bad {
			t.Errorf("%q was read as %s", bad, id)
		}
	}
	var doc Document
	b, err := json.Marshal(Document{ID: NewDocumentID()})
	if err != nil || strings.Contains(string(b), "parent") {
		t.Errorf("%s, %v: an empty parent is written", b, err)
	}
	if err := json.Unmarshal(b, &doc); err != nil || doc.ID.IsZero() {
		t.Errorf("read back %v, %v", doc.ID, err)
	}
}

func FuzzParseDocumentID(f *testing.F) {
	f.Add(NewDocumentID().String())
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := ParseDocumentID(s); err == nil && id.String() != s {
			t.Errorf("%q and %q name the same", s, id)
		}
	})
}

func TestSlugs(t *testing.T) {
	for s, good := range map[string]bool{
		"a": true, "the-lantern-papers": true, "2014": true, strings.Repeat("a", 64): true,
		"": false, "-a": false, "a-": false, "a--b": false, "A": false, "a b": false, "ä": false, "../a": false, strings.Repeat("a", 65): false,
	} {
		if err := CheckSlug(s); (err == nil) != good {
			t.Errorf("%q: %v; want good = %v", s, err, good)
		}
	}
}

// Whatever is received, both sides are equal at every level, and any single
// change of either side is noticed.
func TestEquation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l Ledger
		n := rapid.IntRange(1, 50).Draw(t, "items")
		for range n {
			state := rapid.SampledFrom(States).Draw(t, "state")
			reason := Reason("")
			if state == Withheld {
				reason = rapid.SampledFrom(Reasons).Draw(t, "reason")
			}
			l.Receive(rapid.IntRange(0, 3).Draw(t, "level"), state, reason, rapid.Int64Range(0, 1<<40).Draw(t, "bytes"))
		}
		if err := l.Check(); err != nil {
			t.Fatal(err)
		}
		if got := l.Total().Received.Files; got != int64(n) {
			t.Fatalf("%d received; want %d", got, n)
		}
		level := rapid.IntRange(0, len(l.Levels)-1).Draw(t, "broken level")
		b := &l.Levels[level]
		switch rapid.IntRange(0, 2).Draw(t, "break") {
		case 0:
			b.Received.Files++
		case 1:
			b.States[Published] = b.States[Published].plus(Tally{0, 1})
		case 2:
			b.Reasons[ReasonHarm] = b.Reasons[ReasonHarm].plus(Tally{1, 0})
		}
		if l.Check() == nil {
			t.Fatal("a broken ledger passes")
		}
	})
	var l Ledger
	l.Receive(0, "lost", "", 1)
	if l.Check() == nil {
		t.Error("an unknown state passes")
	}
	l = Ledger{}
	l.Receive(0, Withheld, "agenda", 1)
	if l.Check() == nil {
		t.Error("a reason that nobody may choose passes")
	}
}
