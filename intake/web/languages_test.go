package web_test

import (
	"cmp"
	"encoding/json"
	"html"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"daylight/intake"
)

// said finds what pages, code and the kit say to people: in templates, in errors, in
// links, after numbers, and above every page of a demonstration.
var said = regexp.MustCompile(`\bt "([^"]*)"|fault\.Say\("([^"]*)"|Text: "([^"]*)"|o\.Name = "([^"]*)"|return "([A-Z][^"]* [^"]*\.)"|const (?:banner|notice) = "([^"]*)"|\bnoun \w+ "[^"]*" "([^"]*)"`)

var comment = regexp.MustCompile(`(?m)\s// .*$`)

// texts are all of them, in English.
func texts(t *testing.T) map[string]bool {
	t.Helper()
	pages, _ := filepath.Glob("pages/*.html")
	code, _ := filepath.Glob("[a-z]*.go")
	all := map[string]bool{}
	code = slices.DeleteFunc(code, func(path string) bool { return strings.HasSuffix(path, "_test.go") })
	for _, path := range append(append(pages, code...), "../../internal/httpkit/httpkit.go", "../../internal/httpkit/layout.html", "../../cmd/daylight/try.go") {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		before := len(all)
		for _, m := range said.FindAllStringSubmatch(comment.ReplaceAllString(string(b), ""), -1) {
			all[strings.Join(m[1:], "")] = true
		}
		if len(all) == before && strings.HasPrefix(path, "../") {
			t.Errorf("nothing is said in %s", path)
		}
	}
	return all
}

// TestEveryTextIsInEveryLanguage reads the texts out of pages and code.
func TestEveryTextIsInEveryLanguage(t *testing.T) {
	files, _ := filepath.Glob("languages/*.json")
	if len(files) != len(languages)-1 {
		t.Fatalf("%d languages beside English; want %d", len(files), len(languages)-1)
	}
	all := texts(t)
	verbs := regexp.MustCompile(`%[sd]`)
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var messages map[string]string
		if err := json.Unmarshal(b, &messages); err != nil {
			t.Fatal(err)
		}
		for text := range all {
			if messages[text] == "" {
				t.Errorf("%s lacks %q", path, text)
			}
		}
		for text, translated := range messages {
			if !all[text] {
				t.Errorf("%s: nothing says %q", path, text)
			}
			if a, b := strings.Join(verbs.FindAllString(text, -1), ""), strings.Join(verbs.FindAllString(translated, -1), ""); a != b {
				t.Errorf("%s: %q takes %q; its translation %q", path, text, a, b)
			}
		}
	}
}

// languages are what a source can choose, and where each lies.
var languages = map[string]string{"en": "", "es": "/es", "fr": "/fr", "ru": "/ru", "ar": "/ar", "de": "/de"}

// everyPage goes through all pages of intake in a language, also those that tell what
// went wrong.
func everyPage(s *source, at string) []answer {
	words := s.begin()
	pages := []answer{s.post(at + "/begin")}
	for _, path := range []string{"/", "/protection", "/return", "/guide", "/guide/device", "/guide/network", "/guide/metadata",
		"/guide/returning", "/guide/address", "/guide/leaving", "/codename", "/send", "/inbox", "/nothing-here"} {
		pages = append(pages, s.get(at+path))
	}
	pages = append(pages, s.post(at+"/codename"), s.sendAt(at, "hello", three...), s.sendAt(at, ""))
	for _, typed := range []string{"one two", "qqqqqq " + words, strings.Repeat("qqqqqq ", 8), strings.Repeat("abacus ", 2000), words} {
		pages = append(pages, s.post(at+"/return", "codename", typed))
	}
	s.h.answer(s.t, s.h.fetch(s.t)[0].Address(), "?", file{"plan.txt", "plan"})
	inbox := s.get(at + "/inbox")
	return append(pages, inbox, s.post(at+"/inbox/"+replyName(replies)+"/delete"), s.get(at+"/inbox/"+replyName(replies)+"/delete"),
		s.post(at+"/leave"), s.get(at+"/leave"), s.get(at+"/send"))
}

var formBegins = regexp.MustCompile(`<form [^>]*><input type="hidden" name="way"`)

// bareNumber is a size or a day that does not stand alone, in an element or between marks
// of direction: between Arabic words its parts change places.
var bareNumber = regexp.MustCompile(`[^>"\x{2066}\d.](\d[\d.]* [kMGT]?B\b|\d{4}-\d\d-\d\d)`)

// TestEveryPageSpeaksTheLanguage: nothing is left in English, no number is put in
// wrong, each page has its language and direction, and is under 30 kB also together
// with the style sheet, which a browser gets once.
func TestEveryPageSpeaksTheLanguage(t *testing.T) {
	all := texts(t)
	largest, style := 0, 0
	for lang, at := range languages {
		dir := "ltr"
		if lang == "ar" {
			dir = "rtl"
		}
		s := newHouse(t, nil).source(t)
		style = len(s.get("/style.css").body)
		for _, page := range everyPage(s, at) {
			where := page.Request.Method + " " + page.Request.URL.Path
			largest = max(largest, len(page.body))
			if all, first := strings.Count(page.body, "<form"), len(formBegins.FindAllString(page.body, -1)); first != all {
				t.Errorf("%s: %d of %d forms begin with the field for the way", where, first, all)
			}
			if page.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s may be kept by a browser", where)
			}
			if !strings.Contains(page.body, `<html lang="`+lang+`" dir="`+dir+`">`) {
				t.Errorf("%s: %d, not in %s", where, page.StatusCode, lang)
			}
			body := html.UnescapeString(page.body)
			if strings.Contains(body, "%!") {
				t.Errorf("%s: a number or word is put in wrong", where)
			}
			if bare := bareNumber.FindString(body); lang == "ar" && bare != "" {
				t.Errorf("%s: %q is read backwards", where, bare)
			}
			for text := range all {
				if lang != "en" && strings.Contains(text, " ") && strings.Contains(body, text) {
					t.Errorf("%s says %q", where, text)
				}
			}
			for _, link := range regexp.MustCompile(`(?:href|action)="(/[^"]*)"( lang=)?`).FindAllStringSubmatch(page.body, -1) {
				if link[2] == "" && link[1] != "/style.css" && !strings.HasPrefix(link[1], at+"/") {
					t.Errorf("%s leads to %s, out of the language", where, link[1])
				}
			}
		}
	}
	if largest+style >= 30<<10 {
		t.Errorf("the largest page has %d bytes, the style sheet %d; both together may have 30 kB", largest, style)
	}
	t.Logf("the largest page has %d bytes, the style sheet %d", largest, style)
}

// TestEveryPageCanChangeItsLanguage: also those that answer a form are somewhere in
// every language.
func TestEveryPageCanChangeItsLanguage(t *testing.T) {
	s := newHouse(t, nil).source(t)
	pages := everyPage(s, "/de")
	s.begin() // who has left would be told so everywhere
	for _, page := range pages {
		m := regexp.MustCompile(`href="(/fr/[^"]*)" lang="fr"`).FindStringSubmatch(page.body)
		if m == nil {
			t.Errorf("%s has no French", page.Request.URL.Path)
		} else if in := s.get(m[1]); page.StatusCode < 404 && in.StatusCode == 404 {
			t.Errorf("%s %s, in French: %d", page.Request.Method, m[1], in.StatusCode)
		}
	}
}

// TestWordsInEveryLanguage: the page that makes a codename takes the words of its own
// language or of the one that was chosen, and they open the inbox from any page.
func TestWordsInEveryLanguage(t *testing.T) {
	h := newHouse(t, nil)
	direction := map[string]string{"ar": "rtl"}
	for lang, at := range languages {
		s := h.source(t)
		m := shown.FindStringSubmatch(s.post(at + "/begin").body)
		if m == nil || m[1] != lang || m[2] != cmp.Or(direction[lang], "ltr") {
			t.Fatalf("%s: codename %.2q; want one in the language of the page", at, m)
		}
		first := m[3]
		for other := range languages {
			if m := shown.FindStringSubmatch(s.post(at+"/begin", "words", other).body); m == nil || m[1] != other || m[3] == first {
				t.Errorf("%s: asked for words in %s: %.2q", at, other, m)
			}
		}
		words := s.beginIn(lang)
		s.send("hello")
		all := h.fetch(t)
		h.answer(t, all[len(all)-1].Address(), "For "+lang)
		for _, e := range all {
			h.acknowledge(t, e.id)
		}
		back := h.source(t)
		for _, from := range []string{lang, map[bool]string{true: "de", false: "ar"}[lang == "ar"]} {
			back.post(languages[from]+"/return", "codename", asTyped(words)).wants(t, 200, "For "+lang, `<html lang="`+from+`"`)
		}
		parts := strings.Split(words, "-")
		parts[5] = "qqqqqq"
		back.post("/return", "codename", strings.Join(parts, " ")).wants(t, 422, "Word 6 is not in our list.")
	}
}

// TestTheLanguageIsInThePathOnly: the choice of a language sets no cookie and no
// header, is kept in no file, log or envelope; and nothing but the path chooses it.
func TestTheLanguageIsInThePathOnly(t *testing.T) {
	h := newHouse(t, nil)
	plain := map[string]http.Header{}
	for _, at := range []string{"", "/ru", "/ar"} {
		s := h.source(t)
		s.c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		for _, path := range []string{"/begin", "/codename", "/send", "/return", "/leave"} {
			page := s.post(at+path, "codename", "one two")
			if to := page.Header.Get("Location"); to != "" && !strings.HasPrefix(to, at+"/") {
				t.Errorf("%s leads to %s", at+path, to)
			}
			for _, c := range page.Cookies() {
				if c.Name != "visit" || c.Path != "/" || len(c.Value) != 64 && c.MaxAge >= 0 {
					t.Errorf("%s sets the cookie %s for %s", at+path, c.Name, c.Path)
				}
			}
			for _, name := range []string{"Date", "Location", "Content-Length", "Set-Cookie"} {
				page.Header.Del(name)
			}
			if at == "" {
				plain[path] = page.Header
			} else if got, want := headers(page.Header), headers(plain[path]); got != want {
				t.Errorf("%s answers with\n%swant\n%s", at+path, got, want)
			}
		}
	}
	r, _ := http.NewRequest("GET", h.url+"/", nil)
	r.Header.Set("Accept-Language", "ru, ar;q=0.5")
	english := h.source(t)
	english.read(english.c.Do(r)).wants(t, 200, `<html lang="en"`)

	// What is kept of a visit in Russian is what is kept of one in English.
	var kept []string
	for _, at := range []string{"", "/ru"} {
		h := newHouse(t, nil)
		s := h.source(t)
		s.post(at + "/begin")
		s.post(at + "/codename")
		s.sendAt(at, "hello", three...).wants(t, 200)
		e := h.fetch(t)[0]
		kept = append(kept, strings.Join(h.names(t), "\n")+h.log.String()+e.Head.Path+e.Head.Time.String()+e.text+e.files[1].name)
	}
	if kept[0] != kept[1] {
		t.Errorf("kept of a visit in English:\n%s\nin Russian:\n%s", kept[0], kept[1])
	}
}

func headers(h http.Header) string {
	var b strings.Builder
	h.Write(&b)
	return b.String()
}

// TestPagesTellHowLongAnAnswerStays: as long as this intake is set to, at least.
func TestPagesTellHowLongAnAnswerStays(t *testing.T) {
	for want, r := range map[string]intake.Retention{"22 days": {}, "991 days": {Days: 1000, Spread: 8}, "1 day": {Days: 3, Spread: 1}} {
		s := newHouse(t, func(_ *house, o *intake.Options) { o.Retention = r }).source(t)
		s.begin()
		stays := "for at least " + want + ","
		s.send("What I saw.", three...).wants(t, 200, "It has arrived", stays, "looks as if there had never been one")
		s.get("/inbox").wants(t, 200, stays)
		n, _, _ := strings.Cut(want, " ")
		for _, at := range languages {
			s.get(at+"/inbox").wants(t, 200, n)
			s.get(at+"/guide/returning").wants(t, 200, n)
		}
	}
}
