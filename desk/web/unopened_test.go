package web_test

import (
	"regexp"
	"strings"
	"testing"

	"daylight/desk"
	"daylight/envelope"
)

// TestWhatDidNotOpen stands where handlers look, is tried again, and is destroyed with
// a reason.
func TestWhatDidNotOpen(t *testing.T) {
	n := open(t)
	h := n.as("handler")
	if page := h.see("/"); strings.Contains(page, "did not open") {
		t.Error("an empty desk speaks of envelopes that did not open")
	}
	h.see("/conversations/unopened", "None is here.")
	late, err := envelope.NewKey("late")
	must(t, err)
	mine := n.Private
	n.Private = []envelope.PrivateKey{late}
	n.NewSource().Send("For the key in the safe.")
	n.Private = mine
	n.Intake.Leave([]byte("age-encryption.org/v1\njunk"))
	_, err = n.Fetch(t.Context(), n.Intake)
	must(t, err)

	for _, page := range []string{"/", "/conversations"} {
		h.see(page, "2 envelopes (", "did not open, and are kept here", `href="/conversations/unopened"`)
	}
	h.see("/conversations/unopened", "<strong>2 envelopes, ", "of 10 GB", `name="day" value="2026-11-01 `)
	for _, who := range []desk.EditorID{"editor-a", "redactor", "admin"} {
		p := n.as(who)
		if status, _ := p.get("/conversations/unopened"); status != 403 {
			t.Errorf("%s: %d; want forbidden", who, status)
		}
		if page := p.see("/"); strings.Contains(page, "did not open") {
			t.Errorf("%s sees on the first page that something did not open", who)
		}
	}
	if page := h.do("/conversations/unopened/again"); !strings.Contains(page, "none of them opens") {
		t.Errorf("tried again without the key:\n%s", page)
	}
	n.Private = append(n.Private, late)
	if page := h.do("/conversations/unopened/again"); !strings.Contains(page, "Some of the envelopes open now") || !strings.Contains(page, "waits for an answer") {
		t.Errorf("tried again with the key:\n%s", page)
	}
	h.see("/", "1 envelope (", "did not open, and is kept here")

	seen := regexp.MustCompile(`2026-11-01 [0-9a-f]{16}`).FindString(h.see("/conversations/unopened"))
	for _, c := range []struct {
		form  []string
		words string
	}{
		{[]string{"why", "Junk."}, "Choose at least one day."},
		{[]string{"day", seen, "why", " "}, "Say in a sentence why"},
		{[]string{"day", "2026-11-01 1f", "why", "Junk."}, "The envelopes of 2026-11-01 are not those that you had seen."},
	} {
		v := values(c.form...)
		if status, page := h.post("/conversations/unopened", v); status != 400 || !strings.Contains(page, c.words) || !strings.Contains(page, "<strong>1 envelope, ") {
			t.Errorf("%v: %d; want %q and the form again:\n%s", c.form, status, c.words, page)
		}
	}
	if page := h.do("/conversations/unopened", "day", seen, "why", "Junk."); !strings.Contains(page, "Destroyed.") || !strings.Contains(page, "1 was destroyed.") {
		t.Errorf("destroyed:\n%s", page)
	}
	n.as("admin").see("/audit", "conversation")
}
