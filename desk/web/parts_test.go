package web_test

import (
	"strings"
	"testing"
)

// TestPartsAndAside: parts of two messages become one file with one click; what
// several others sent stands at the end of the list, and can be taken back.
func TestPartsAndAside(t *testing.T) {
	n := open(t)
	s := n.NewSource()
	s.Send("The first.", "plans.zip.001", "The sluice ", "plans.zip.003", "at night.")
	fetch := func() {
		t.Helper()
		_, err := n.Fetch(t.Context(), n.Intake)
		must(t, err)
	}
	fetch()
	h := n.as("handler")
	talk := find(t, h.see("/conversations"), `href="(/conversation/[0-9a-f]+)"`)
	if page := h.see(talk, "Parts of files", "Parts are missing. Not here: 002."); strings.Contains(page, "<button>Join") {
		t.Error("a set that lacks a part can be joined")
	}
	s.Send("The one that was missing.", "plans.zip.002", "was opened ")
	fetch()
	page := h.see(talk, "Join 3 parts to plans.zip", "plans.zip</bdi>")
	page = h.do(talk+"/join", "message", find(t, page, `name="message" value="([0-9a-f]+)"><input type="hidden" name="file"`), "file", "0")
	for _, want := range []string{"joined from 3 parts", "Hana joined parts to a file", `<span class="tag good">joined</span>`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q on the page", want)
		}
	}
	h.see(talk+"/case", "plans.zip, in the place of its parts")
	made := find(t, page, `href="(/conversation/[0-9a-f]+/[0-9a-f]+/0)"><bdi>plans.zip</bdi></a>`)
	h.see(made, "Its 3 parts are destroyed with it.")
	if status, body := h.get(made + "/download"); status != 200 || body != "The sluice was opened at night." {
		t.Errorf("status %d: %q", status, body)
	}
	if status, _ := h.post(talk+"/join", nil); status != 400 {
		t.Errorf("a form without a file: status %d", status)
	}

	n.NewSource().SendRepeated("Buy it.")
	fetch()
	page = h.see("/conversations", "Set aside: 1")
	if strings.Index(page, talk) > strings.Index(page, `<details id="aside"`) {
		t.Error("what was set aside stands before what was not")
	}
	aside := find(t, page[strings.Index(page, `<details id="aside"`):], `href="(/conversation/[0-9a-f]+)"`)
	h.see(aside, "This conversation is set aside: all of it was sent on one day by several others too", "several others sent the same that day")
	if home := h.see("/"); strings.Contains(home, aside) {
		t.Error("what was set aside waits for an answer")
	}
	if page := h.do(aside + "/aside"); strings.Contains(page, "This conversation is set aside") {
		t.Error("it was not taken back")
	}
	h.do(talk+"/aside", "aside", "yes")
	page = h.see("/conversations", "Set aside: 1")
	if strings.Index(page, aside) > strings.Index(page, `<details id="aside"`) || strings.Index(page, talk) < strings.Index(page, `<details id="aside"`) {
		t.Error("the one is not back, or the other not aside")
	}
}
