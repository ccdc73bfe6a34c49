package web_test

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"daylight/desk"
	"daylight/envelope"
)

// TestWhatWaits: the first page counts what is new, what others look after and what is
// set aside; a handover takes a conversation from one handler's list to another's.
func TestWhatWaits(t *testing.T) {
	n := open(t)
	must(t, n.PutUser(t.Context(), desk.Operator, desk.User{ID: "handler-b", Name: "Hugo", Roles: []desk.Role{desk.Handler}}))
	fetch := func() {
		t.Helper()
		_, err := n.Fetch(t.Context(), n.Intake)
		must(t, err)
	}
	n.NewSource().Send("The sluice.")
	n.NewSource().SendRepeated("Buy it.")
	fetch()
	h, b := n.as("handler"), n.as("handler-b")
	home := h.see("/", "1 has something new.", `<a href="/conversations#aside">1 is set aside, 1 of them not opened yet.</a>`, "1 new</span>")
	talk := find(t, home, `href="(/conversation/[0-9a-f]+)"`)
	list := h.see("/conversations", "Set aside: 1, 1 not opened yet", `<details id="aside" open>`)
	h.see(find(t, list[strings.Index(list, `<details id="aside"`):], `href="(/conversation/[0-9a-f]+)"`))
	h.see(talk, `<span class="tag good">new</span>`)
	home = b.see("/", "1 is set aside.")
	if strings.Contains(home, " new") || !strings.Contains(home, talk) {
		t.Error("what somebody opened is new, or waits no more")
	}

	if status, page := h.post(talk+"/handover", url.Values{"to": {"handler-b"}, "note": {strings.Repeat("n", desk.MaxNote+1)}}); status != 400 || !strings.Contains(page, "The note is too long") || !strings.Contains(page, "nnnn</textarea>") {
		t.Errorf("a note that is too long: status %d, or what was typed is lost", status)
	}
	page := h.do(talk+"/handover", "to", "handler-b", "note", "Ask <b>for page four.")
	for _, want := range []string{"Handed over.", "Hugo looks after this conversation.", "Ask &lt;b&gt;for page four."} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q on the page", want)
		}
	}
	if home := h.see("/", "1 waits with other handlers."); strings.Contains(home, talk) {
		t.Error("it still waits for who handed it over")
	}
	b.see("/", talk, "handed to you", "waits for an answer")
	b.see(talk, "Hana handed it to you on <time>2026-11-02</time>: ", "You look after this conversation.")
	if page := b.see("/", talk, "yours"); strings.Contains(page, "handed to you") {
		t.Error("it is handed over for ever")
	}
	b.see("/conversations", "yours")
	h.see("/conversations", "with Hugo")
}

// TestManyWait: they do not push what else waits out of sight.
func TestManyWait(t *testing.T) {
	n := open(t)
	for i := range 22 {
		n.NewSource().Send(fmt.Sprintf("Sluice %d.", i))
	}
	_, err := n.Fetch(t.Context(), n.Intake)
	must(t, err)
	h := n.as("handler")
	for path, want := range map[string]int{"/": 20, "/conversations": 22} {
		if got := strings.Count(h.see(path), `<a href="/conversation/`); got != want {
			t.Errorf("%s: %d conversations; want %d", path, got, want)
		}
	}
	h.see("/", `<a href="/conversations">All 22 that wait`)
}

// TestSavedRepliesThroughThePages: kept, changed, put behind what is typed, and deleted,
// all without JavaScript; nothing is sent before its button is pressed.
func TestSavedRepliesThroughThePages(t *testing.T) {
	n := open(t)
	n.NewSource().Send("The sluice.")
	_, err := n.Fetch(t.Context(), n.Intake)
	must(t, err)
	h := n.as("handler")
	if page := h.see(find(t, h.see("/"), `href="(/conversation/[0-9a-f]+)"`)); strings.Contains(page, `name="saved"`) {
		t.Error("there is a choice of nothing")
	}
	if status, page := h.post("/saved", url.Values{"title": {""}, "text": {"Kept <here>"}}); status != 400 || !strings.Contains(page, "Kept &lt;here&gt;</textarea>") || !strings.Contains(page, `href="#title"`) {
		t.Errorf("status %d, or what was typed is lost", status)
	}
	h.do("/saved", "title", "Spare", "text", "To be deleted.")
	h.do("/saved", "title", "Thanks", "text", "We read <it>.")
	page := h.see("/saved")
	spare := find(t, page, `name="id" value="([0-9a-f]+)"`)
	thanks := find(t, page[strings.Index(page, "Thanks"):], `name="id" value="([0-9a-f]+)"`)
	marks := func(page, id string) string {
		return find(t, page, id+`"><input type="hidden" name="shown" value="([0-9a-f]+)"`)
	}
	if page := h.do("/saved/delete", "id", spare, "shown", marks(page, spare)); strings.Contains(page, "To be deleted") {
		t.Error("it is still there")
	}
	if status, page := h.post("/saved", url.Values{"id": {spare}, "title": {"Spare"}, "text": {"Changed on a page from before."}}); status != 404 ||
		!strings.Contains(page, "Somebody has deleted this saved reply") || !strings.Contains(page, "Changed on a page from before.</textarea>") {
		t.Errorf("status %d, or what was typed on a stale page is lost:\n%s", status, page)
	}
	seen := marks(page, thanks)
	h.do("/saved", "id", thanks, "shown", seen, "title", "Thank you", "text", "We have read <it>.\r\nBoth pages.")
	stale := url.Values{"id": {thanks}, "shown": {seen}, "title": {"Thanks"}, "text": {"Of a handler who saw the old one."}}
	for _, path := range []string{"/saved", "/saved/delete"} {
		status, page := h.post(path, stale)
		if status != 409 || !strings.Contains(page, "Somebody has changed this saved reply") || !strings.Contains(page, "Of a handler who saw the old one.</textarea>") ||
			!strings.Contains(page, ">We have read &lt;it&gt;.\nBoth pages.</div>") {
			t.Errorf("%s: status %d, or what was typed or what is saved is not shown:\n%s", path, status, page)
		}
	}
	if page := h.see("/saved"); strings.Contains(page, "the old one") || !strings.Contains(page, "Both pages.") {
		t.Errorf("an old page overwrote a new text:\n%s", page)
	}

	talk := find(t, h.see("/"), `href="(/conversation/[0-9a-f]+)"`)
	h.see(talk, ">Thank you</option>", `formaction="`+talk+`/insert#text"`)
	page = h.do(talk+"/insert", "text", "Hello & welcome.", "saved", thanks)
	if !strings.Contains(page, "Hello &amp; welcome.\n\nWe have read &lt;it&gt;.\nBoth pages.</textarea>") {
		t.Errorf("the text is not in the answer:\n%s", page)
	}
	if page := h.do(talk+"/insert", "text", "", "saved", thanks); !strings.Contains(page, ">We have read &lt;it&gt;.") {
		t.Error("an empty answer begins with empty lines")
	}
	if status, page := h.post(talk+"/insert", url.Values{"text": {"Typed already."}}); status != 400 || !strings.Contains(page, "Typed already.</textarea>") {
		t.Errorf("nothing chosen: status %d, or what was typed is lost", status)
	}
	if page := h.see(talk); strings.Contains(page, "Hana answered") {
		t.Error("something was sent")
	}
}

func TestALongMessageSaysHowItBegins(t *testing.T) {
	n := open(t)
	n.NewSource().Send("It began <in> May. " + strings.Repeat("word ", desk.MaxText/5))
	_, err := n.Fetch(t.Context(), n.Intake)
	must(t, err)
	h := n.as("handler")
	page := h.see(find(t, h.see("/"), `href="(/conversation/[0-9a-f]+)"`), "too long to stand here", "It began &lt;in&gt; May. word")
	h.see(find(t, page, `href="(/conversation/[0-9a-f]+/[0-9a-f]+/0)"><bdi>message.txt`), "It began &lt;in&gt; May. word", strings.Repeat("word ", desk.MaxText/5-1))
}

// TestReadingAFileOpensNoMessage: what came while a handler had the page open stays new.
func TestReadingAFileOpensNoMessage(t *testing.T) {
	n := open(t)
	s := n.NewSource()
	fetch := func() {
		t.Helper()
		_, err := n.Fetch(t.Context(), n.Intake)
		must(t, err)
	}
	s.Send("The first.", "a.txt", "one", "b.txt", "two", "c.txt", "three")
	fetch()
	h := n.as("handler")
	talk := find(t, h.see("/"), `href="(/conversation/[0-9a-f]+)"`)
	file := find(t, h.see(talk), `href="(/conversation/[0-9a-f]+/[0-9a-f]+)/0"`)
	h.do(file+"/1/destroy", "why", "of no use") // and back to the conversation
	s.Send("The second.")
	fetch()
	opens := func() (times int) {
		for e, err := range n.Options.Stores.Audit.Each(t.Context(), 0) {
			must(t, err)
			if e.Act == "conversation: open" {
				times++
			}
		}
		return times
	}
	before := opens()
	if page := h.see(file+"/0", "Next file: <bdi>c.txt</bdi>"); strings.Contains(page, "b.txt") {
		t.Error("the next file is one that was destroyed")
	}
	h.see(file+"/2", "#answer")
	h.see("/", "1 new</span>")
	if now := opens(); now != before {
		t.Errorf("noted %d times more that somebody opened the conversation", now-before)
	}
}

// TestConditionsOnThePages: handlers read what the source asked for in their words;
// editors read that it was asked, on every page of the case, and can pass over a day
// only by saying why.
func TestConditionsOnThePages(t *testing.T) {
	n := open(t)
	n.NewSource().SendAsking(envelope.Conditions{Before: "2027-01-31", Unquoted: true}, "I am the clerk.", "letter.txt", "The tender was bent.")
	n.NewSource().SendAsking(envelope.Conditions{Before: "after <my> wedding"}, "I am another.", "list.txt", "Names.")
	_, err := n.Fetch(t.Context(), n.Intake)
	must(t, err)
	h, a := n.as("handler"), n.as("editor-a")
	var id, other string
	for _, talk := range regexp.MustCompile(`href="(/conversation/[0-9a-f]+)"`).FindAllStringSubmatch(h.see("/conversations"), -1) {
		page := h.see(talk[1], "The source asks:")
		message := find(t, h.see(talk[1]+"/case", "not in which words"), `name="message" value="([0-9a-f]+)"`)
		if strings.Contains(page, "2027") {
			for _, want := range []string{"before <bdi>2027-01-31</bdi>.", "Do not quote what they wrote"} {
				if !strings.Contains(page, want) {
					t.Errorf("no %q", want)
				}
			}
			h.see(talk[1]+"/case", "not its words: <bdi>letter.txt</bdi>", "not before <bdi>2027-01-31</bdi>", "published before 2027-01-31")
			id = find(t, h.do(talk[1]+"/case", "title", "Harbour", "message", message, "statement", "yes"), `href="(/case/[0-9a-f]+)"`)
			continue
		}
		if !strings.Contains(page, "after &lt;my&gt; wedding") {
			t.Error("the source's own words for a day are not there")
		}
		other = find(t, h.do(talk[1]+"/case", "title", "Lists", "message", message), `href="(/case/[0-9a-f]+)"`)
	}
	for _, tab := range []string{"", "/files", "/provenance", "/questions", "/release", "/ledger"} {
		if page := a.see(id+tab, "asked that nothing of it is published before 2027-01-31.", "asked not to be quoted"); strings.Contains(page, "I am the clerk.") {
			t.Errorf("%s: an editor reads the source's words", tab)
		}
		if page := a.see(other+tab, "a time that is given in words"); strings.Contains(page, "wedding") {
			t.Errorf("%s: an editor reads the source's words", tab)
		}
	}
	if page := a.see(id + "/files"); strings.Contains(page, "statement") {
		t.Error("words that are not to be quoted are a file of the case")
	}
	a.see(id+"/release", "nothing of it is published")
	a.do(id+"/files", "do", "publish the rest")
	a.see(id+"/release", "Why can’t this be released yet?", "before 2027-01-31. Wait, or write down", "Write down why it need not wait")
	if page := n.as("redactor").see(id + "/release"); strings.Contains(page, "Write down why it need not wait") {
		t.Error("who is no editor is offered to pass over it")
	}
	if status, page := a.post(id+"/release/condition", url.Values{"why": {" "}}); status != 400 || !strings.Contains(page, "Say in a sentence why") {
		t.Errorf("without a reason: status %d", status)
	}
	page := a.do(id+"/release/condition", "why", "They <agreed> since.")
	for _, want := range []string{"wrote why this need not wait", "They &lt;agreed&gt; since.", "An editor wrote down why a release need not wait."} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(page, "Wait, or write down") {
		t.Error("it is still held")
	}
}
