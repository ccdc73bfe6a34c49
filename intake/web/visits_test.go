package web_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"daylight/codename"
)

var (
	ofToday = regexp.MustCompile(`Number of today:\s*<strong dir="ltr">(\d{3} \d{3})</strong>`)
	ofLast  = regexp.MustCompile(`somebody was here with your words:\s*<strong dir="ltr">(\d{3} \d{3})</strong>`)
)

// numbers are those that a page shows.
func numbers(t *testing.T, page answer) (last, today string) {
	t.Helper()
	m := ofToday.FindStringSubmatch(page.body)
	if m == nil {
		t.Fatalf("no number of today on the page:\n%s", page.body)
	}
	if l := ofLast.FindStringSubmatch(page.body); l != nil {
		last = l[1]
	}
	return last, m[1]
}

// TestSomebodyElseUsedTheWords: a source keeps a number from the page after sending, and
// sees on another day whether it is the last one; a visit of somebody else on a day
// between, through pages or by a program, makes it another one.
func TestSomebodyElseUsedTheWords(t *testing.T) {
	h := newHouse(t, nil)
	s := h.source(t)
	words := s.begin()
	none, kept := numbers(t, s.send("It is about page four.", three...))
	if none != "" {
		t.Error("who is here for the first time is shown a number to compare")
	}
	box := mailbox(h.fetch(t)[0].Address())
	visit := func() (last, today string) {
		t.Helper()
		return numbers(t, h.source(t).post("/return", "codename", words))
	}
	if _, today := visit(); today != kept {
		t.Errorf("%s on the same day; want %s", today, kept)
	}
	another := func() { h.later(24 * time.Hour) }
	another()
	last, today := visit()
	if last != kept || today == kept {
		t.Errorf("last %s, today %s; nobody was here since %s", last, today, kept)
	}
	if again, same := visit(); again != last || same != today {
		t.Errorf("the numbers change within a day: %s, %s", again, same)
	}
	kept = today
	h.source(t).begin() // others come and go
	for _, somebody := range []func(){
		func() { visit() },
		func() {
			res, err := s.c.Post(h.url+"/sealed/replies", "text/plain", strings.NewReader(string(box)))
			a := s.read(res, err)
			if n := a.Header.Get("Visit-Numbers"); !regexp.MustCompile(`^\d{3} \d{3}, \d{3} \d{3}$`).MatchString(n) {
				t.Errorf("a program gets the numbers %q", n)
			}
		},
	} {
		another()
		_, kept = visit()
		another()
		somebody()
		another()
		last, today = visit()
		if last == kept || last[:3] != kept[:3] {
			t.Errorf("last %s; somebody was here since %s", last, kept)
		}
		kept = today
	}
	another()
	if last, _ = visit(); last != kept {
		t.Errorf("last %s; nobody was here since %s", last, kept)
	}
}

// TestNumbersOfWordsThatWereNeverUsed are like all others, and what a program asks of a
// mailbox that never was gets some too.
func TestNumbersOfWordsThatWereNeverUsed(t *testing.T) {
	h := newHouse(t, nil)
	fresh, _ := codename.New("en").AppendText(nil)
	last, kept := numbers(t, h.source(t).post("/return", "codename", string(fresh)))
	if last == "" || kept == "" {
		t.Error("there are no numbers")
	}
	h.later(24 * time.Hour)
	if last, _ := numbers(t, h.source(t).post("/return", "codename", string(fresh))); last != kept {
		t.Errorf("last %s; want %s", last, kept)
	}
	if a, b := h.in.Visit("no such name"); a == b {
		t.Error("no numbers")
	}
}
