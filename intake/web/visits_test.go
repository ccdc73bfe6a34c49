package web_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"daylight/codename"
	"daylight/intake"
)

var (
	ofToday = regexp.MustCompile(`Number of today:\s*<span class="whole"><strong dir="ltr">(\d{3} \d{3})</strong>`)
	ofLast  = regexp.MustCompile(`last day before today:\s*<span class="whole"><strong dir="ltr">(\d{3} \d{3})</strong>`)
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
	box := string(mailbox(h.fetch(t)[0].Address()))
	opens, key := h.key32(t, words, codename.LabelOpens), h.key32(t, words, codename.LabelVisits)
	ask := func(line string) string {
		res, err := s.c.Post(h.url+"/sealed/replies", "text/plain", strings.NewReader(line))
		return s.read(res, err).Header.Get("Visit-Numbers")
	}
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
			if n := ask(opens + " " + key); !regexp.MustCompile(`^\d{3} \d{3}, \d{3} \d{3}$`).MatchString(n) {
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
	// Who knows the mailbox, as the newsroom does and who has an image of the disk, neither
	// sees the numbers nor changes them.
	another()
	for _, line := range []string{box, box + " ", box + " " + box[:62], box + " " + box[:63] + "z"} {
		if n := ask(line); n != "" {
			t.Errorf("%q gets the numbers %q", line, n)
		}
	}
	ask(opens + " " + box)
	another()
	if last, _ = visit(); last != kept {
		t.Errorf("last %s; nobody was here since %s", last, kept)
	}
}

// TestNumbersOfWordsThatWereNeverUsed are like all others, and a program that has such
// words gets some too.
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
	if a, b, ok := h.in.Visit(strings.Repeat("5a", 32)); !ok || a == b {
		t.Error("no numbers")
	}
}

// TestAProgramsVisitsAreBounded: who asks for one key after another learns of as many
// cells as half of the people who can come back, and keeps nobody on the page from it.
func TestAProgramsVisitsAreBounded(t *testing.T) {
	h := newHouse(t, func(_ *house, o *intake.Options) { o.Limits.All.Returns = intake.Rate{Burst: 6, Hour: 1} })
	told := 0
	for n := range 100 {
		if _, _, ok := h.in.Visit(fmt.Sprintf("%064x", n)); ok {
			told++
		}
	}
	if told != 3 {
		t.Errorf("%d numbers were told; want 3", told)
	}
	words, _ := codename.New("en").AppendText(nil)
	if _, err := h.in.Return(t.Context(), words); err != nil {
		t.Errorf("a source comes back after that: %v", err)
	}
}
