package web_test

import (
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"daylight/corpus"
	"daylight/desk"
)

func values(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

// TestOneSaveKeepsThreeQuestions: whatever was typed on the page is kept by its one
// button.
func TestOneSaveKeepsThreeQuestions(t *testing.T) {
	n := open(t)
	_, id := received(n, "letter.txt", "The tender was bent.")
	a := n.as("editor-a")
	path := "/case/" + string(id) + "/questions"
	page := a.see(path)
	if forms := strings.Count(page[strings.Index(page, "<main"):], "<form"); forms != 1 {
		t.Fatalf("%d forms on the page of the questions; want one", forms)
	}
	for i := 0; i < len(answers); i += 2 {
		if !strings.Contains(page, `name="`+answers[i]+`"`) {
			t.Fatalf("no field %s", answers[i])
		}
	}
	if page := a.do(path, answers...); !strings.Contains(page, "Questions saved.") || strings.Contains(page, "Still missing") {
		t.Errorf("after saving: %s", page)
	}
	c, err := n.Case(t.Context(), "editor-a", id)
	must(t, err)
	for i, q := range desk.Questions {
		want := desk.Evidence{For: answers[i*6+1], Against: answers[i*6+3], Public: answers[i*6+5]}
		if q == desk.PublicInterest {
			want.Notes = "Ask again."
		}
		if got := c.Decision.Records[q]; got != want {
			t.Errorf("%s: %+v; want %+v", q, got, want)
		}
	}
	if h := c.Decision.Harm; h.Intrusion != 2 || h.Interest != 3 || h.Affected != "Clerks, in their function." {
		t.Errorf("harm record %+v", h)
	}
	edits := c.Edits
	a.do(path, answers...)
	if c, err = n.Case(t.Context(), "editor-a", id); err != nil || c.Edits != edits {
		t.Errorf("saving the same again made %d edits, %v; want none", c.Edits-edits, err)
	}
}

// TestRefusedFormsKeepWhatWasTyped: the form comes again, with the words at the field,
// and the audit log tells of no act.
func TestRefusedFormsKeepWhatWasTyped(t *testing.T) {
	n := open(t)
	talk, id := received(n, "letter.txt", "The tender was bent.")
	base := "/case/" + string(id)
	h, a, red, admin := n.as("handler"), n.as("editor-a"), n.as("redactor"), n.as("admin")
	file := document(t, a.see(base+"/files"), "letter.txt")
	for _, c := range []struct {
		who   *person
		path  string
		typed url.Values
		field string // that is wrong
		keeps string // and what the page still has
	}{
		{a, base + "/provenance", values("title", "Harbour papers", "checked", "Read twice & compared.", "firstby", "A paper", "firstdate", "10 January 2022"), "firstdate", "Read twice & compared."},
		{a, base + "/provenance", values("title", "Harbour papers", "from", "last year", "route", "partner"), "from", `value="partner" checked`},
		{a, base + "/provenance", values("title", "Harbour papers", "firsturl", "https://paper.example"), "firstby", "https://paper.example"},
		{a, base + "/provenance", values("title", "", "summary", "Two sentences."), "title", "Two sentences."},
		{a, file, values("do", "withhold", "note", "A private home."), "reason", "A private home."},
		{a, file, values("do", "withhold", "reason", "legal duty"), "note", "selected>legal duty"},
		{a, base + "/files", values("do", "withhold", "all", "yes", "note", "A private home."), "reason", "A private home."},
		{a, "/cases", values("title", "!!"), "title", `value="!!"`},
		{a, "/cases", values("title", "Harbour papers"), "title", `value="Harbour papers"`},
		{red, file + "/redact", values("forms", "x", "note", "A name"), "forms", "x</textarea>"},
		{h, file + "/destroy", values("why", " "), "why", "Destroy unseen"},
		{h, talk + "/case", values("title", "Harbour papers"), "", `value="Harbour papers"`},
		{admin, "/people", values("id", "New One", "name", "Nora", "role", "editor"), "id", `value="Nora"`},
	} {
		before := lines(t, n)
		status, page := c.who.post(c.path, c.typed)
		text := html.UnescapeString(page)
		if status < 400 || status >= 500 || !strings.Contains(text, c.keeps) {
			t.Errorf("%s with %v: status %d; want the form again with %q:\n%s", c.path, c.typed, status, c.keeps, text)
			continue
		}
		if !strings.Contains(page, `<nav aria-label="Main">`) || !regexp.MustCompile(`<title>Not done: \w`).MatchString(page) {
			t.Errorf("%s with %v: no menu, or a title that does not say it", c.path, c.typed)
		}
		if c.field != "" {
			at := regexp.MustCompile(`<(input|textarea|select)[^>]* id="` + c.field + `"[^>]*>`).FindString(page)
			if !strings.Contains(at, `aria-invalid="true" aria-describedby="`+c.field+`-bad" autofocus`) || !strings.Contains(page, `id="`+c.field+`-bad"`) {
				t.Errorf("%s with %v: the field %s is not marked: %s", c.path, c.typed, c.field, at)
			}
		}
		for _, act := range lines(t, n)[len(before):] {
			if act != "conversation: open" { // the page that shows the form again
				t.Errorf("%s with %v was refused, and the audit log has %q", c.path, c.typed, act)
			}
		}
	}
}

// lines are the acts of the audit log, oldest first.
func lines(t *testing.T, n *newsroom) (acts []string) {
	t.Helper()
	for e, err := range n.Options.Stores.Audit.Each(t.Context(), 0) {
		must(t, err)
		acts = append(acts, e.Act)
	}
	return acts
}

// TestErrorsKeepTheMenu: whoever is signed in never stands before a bare number.
func TestErrorsKeepTheMenu(t *testing.T) {
	n := open(t)
	received(n, "letter.txt", "The tender was bent.")
	a := n.as("editor-a")
	for path, title := range map[string]string{"/nothing": "There is nothing here", "/case/none": "There is nothing here", "/people": "You may not do this"} {
		_, page := a.get(path)
		if !strings.Contains(page, "<title>"+title) || !strings.Contains(page, "<h1>"+title) || !strings.Contains(page, `<nav aria-label="Main">`) {
			t.Errorf("%s: want %q as title, and the menu:\n%s", path, title, page)
		}
		if strings.Contains(page, ">"+title+".<") {
			t.Errorf("%s says %q twice", path, title)
		}
	}
}

// TestNoNameInAnAddress: what is to be taken out travels in bodies only.
func TestNoNameInAnAddress(t *testing.T) {
	n := open(t)
	_, id := received(n, "memo.txt", "Ask Mira Velen about it.")
	red := n.as("redactor")
	memo := document(t, red.see("/case/"+string(id)+"/files"), "memo.txt")
	page := red.see(memo + "/redact")
	for _, f := range regexp.MustCompile(`(?s)<form.*?</form>`).FindAllString(page[strings.Index(page, "<main"):], -1) {
		if !strings.Contains(f, `method="post"`) || strings.Contains(f, `formmethod`) {
			t.Errorf("a form that sends in the address: %s", f)
		}
	}
	if page := red.see(memo + "/redact?name=Mira+Velen&forms=Mira"); strings.Contains(page, "take out") {
		t.Error("an address is read as a form")
	}
	page = red.do(memo+"/redact/try", "name", "Mira Velen", "forms", "about it")
	for _, want := range []string{"Would take out 2 places", "Mira Velen\n", "about it\n"} {
		if !strings.Contains(page, want) {
			t.Errorf("trial lacks %q:\n%s", want, page)
		}
	}
	if n, err := n.Documents(t.Context(), "redactor", id, desk.Filter{Acts: []desk.Act{desk.Redact}}, "", 0, 1); err != nil || n.Total != 0 {
		t.Errorf("the trial redacted %d documents, %v", n.Total, err)
	}
}

// TestSameNumbersOnBothSides: what the desk says before a release are the figures of
// the ledger that readers see after it.
func TestSameNumbersOnBothSides(t *testing.T) {
	n := open(t)
	_, id := received(n, "letter.txt", "The tender was bent.", "pack.box", "a.txt=one\nb.txt=two\n", "memo.txt", "Ask Mira Velen.")
	base := "/case/" + string(id)
	a, b, red := n.as("editor-a"), n.as("editor-b"), n.as("redactor")
	files := a.see(base+"/files", "3 files, 5 with what is inside")
	a.do(base+"/files", "do", "publish the rest")
	a.do(document(t, files, "b.txt"), "do", "withhold", "reason", "legal duty", "note", "A court says so.")
	red.do(document(t, files, "memo.txt")+"/redact", "forms", "Mira Velen")
	a.see(document(t, files, "pack.box"), "will be listed without its bytes")
	if page := a.see(base + "/files"); strings.Count(page, "will be listed without its bytes") != 1 {
		t.Errorf("want one file that will be listed:\n%s", page)
	}
	page := a.see(base + "/release")
	said := map[corpus.State]string{corpus.Published: find(t, page, `<dt>Published</dt><dd>(\d+)`), corpus.Redacted: find(t, page, `<dt>Redacted</dt><dd>(\d+) <small>\(1 listed only\)</small></dd>`), corpus.Withheld: find(t, page, `<dt>Withheld</dt><dd>(\d+)`)}

	a.do(base+"/provenance", "title", "Harbour papers", "summary", "Papers of a harbour.", "route", "submission", "unknown", "All before us.", "checked", "Read in full.")
	a.do(base+"/questions", answers...)
	red.do(base + "/release/gate")
	for _, p := range []*person{a, b} {
		manifest := find(t, p.see(base+"/release"), `name="manifest" value="([0-9a-f]{64})"`)
		p.do(base+"/release/approve", "manifest", manifest, "answer0", "yes", "answer1", "yes", "answer2", "yes")
		if !strings.Contains(p.see(base+"/release"), "Answer again") {
			t.Error("the questions stand open again after they were answered")
		}
	}
	a.do(base + "/release")
	l, err := n.Ledger(t.Context(), "editor-a", id)
	must(t, err)
	for state, want := range map[corpus.State]string{corpus.Published: "2", corpus.Redacted: "2", corpus.Withheld: "1"} {
		if got := strconv.FormatInt(l.Now.Total().States[state].Files, 10); said[state] != want || got != want {
			t.Errorf("%s: the page said %s, the ledger has %s; want %s", state, said[state], got, want)
		}
	}
}
