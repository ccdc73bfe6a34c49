package web

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"daylight/archive"
	"daylight/archive/archivetest"
	"daylight/archive/sqlite"
	"daylight/blob/mem"
	"daylight/corpus"
	"daylight/internal/httpkit"
	"daylight/publog"
	"daylight/release"
	"daylight/search"
	"daylight/search/searchtest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// newSite serves the fixture, with more entries where a test has them.
func newSite(t *testing.T, o Options, more func(*release.Writer)) http.Handler {
	t.Helper()
	newsroom := archivetest.NewNewsroom(t)
	catalog, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "catalogue.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { catalog.Close() })
	im := archive.Importer{Catalog: catalog, Blobs: mem.New(), Index: searchtest.NewOracle(), Log: publog.Memory(), Keys: newsroom.Keys}
	for _, write := range []func(*release.Writer){func(w *release.Writer) { archivetest.First(t, w) }, more} {
		if write == nil {
			continue
		}
		file := newsroom.Release(t, "2026-11-21", write)
		if _, err := im.ImportFile(t.Context(), bytes.NewReader(file), int64(len(file))); err != nil {
			t.Fatal(err)
		}
	}
	a, err := archive.Open(context.Background(), archive.Options{Catalog: catalog, Blobs: im.Blobs, Index: im.Index, Log: im.Log, Keys: im.Keys})
	if err != nil {
		t.Fatal(err)
	}
	h, err := New(a, o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func get(t *testing.T, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w
}

// page gets a page that must be there, as a tree.
func page(t *testing.T, h http.Handler, path string) *html.Node {
	t.Helper()
	w := get(t, h, path)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: status %d", path, w.Code)
	}
	tree, err := html.Parse(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// each visits all elements.
func each(n *html.Node, visit func(*html.Node)) {
	if n.Type == html.ElementNode {
		visit(n)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		each(c, visit)
	}
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func words(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// find gives the elements of a class.
func ofClass(n *html.Node, class string) []*html.Node {
	var all []*html.Node
	each(n, func(e *html.Node) {
		if slices.Contains(strings.Fields(attr(e, "class")), class) {
			all = append(all, e)
		}
	})
	return all
}

// crawl visits every page that can be reached from the first, in one language.
func crawl(t *testing.T, h http.Handler, lang string, visit func(path string, tree *html.Node)) {
	t.Helper()
	seen, todo := map[string]bool{}, []string{lang + "/"}
	for len(todo) > 0 && len(seen) < 2000 {
		path := todo[0]
		todo = todo[1:]
		if seen[path] {
			continue
		}
		seen[path] = true
		w := get(t, h, path)
		if w.Code != http.StatusOK {
			t.Errorf("%s: status %d", path, w.Code)
			continue
		}
		if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") || strings.HasSuffix(path, "/view") {
			continue
		}
		tree, err := html.Parse(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		visit(path, tree)
		each(tree, func(e *html.Node) {
			href := attr(e, "href") + attr(e, "src") + attr(e, "action")
			if !strings.HasPrefix(href, "/") || attr(e, "hreflang") != "" {
				return
			}
			href, _, _ = strings.Cut(href, "#")
			// Every filter of every page of results would be a search of its own: one deep is enough.
			if strings.Contains(href, "/search?") && strings.Contains(path, "/search?") {
				return
			}
			todo = append(todo, href)
		})
	}
	if len(seen) < 40 {
		t.Errorf("%d pages; this test sees too little", len(seen))
	}
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	h := newSite(t, Options{}, nil)
	for _, lang := range []string{"", "/ar", "/ru"} {
		crawl(t, h, lang, func(path string, tree *html.Node) {
			titles, headings := 0, 0
			ids := map[string]bool{}
			each(tree, func(e *html.Node) {
				switch e.Data {
				case "title":
					titles++ // SVG has titles too
				case "h1":
					headings++
				case "script":
					t.Errorf("%s: a script", path)
				case "img":
					if attr(e, "alt") == "" {
						t.Errorf("%s: a picture without words", path)
					}
					if !strings.HasSuffix(path, "/page-0001") {
						t.Errorf("%s: a picture that nobody asked for", path)
					}
				case "html":
					if want := map[string]string{"/ar": "rtl"}[lang]; want != "" && attr(e, "dir") != want {
						t.Errorf("%s: direction %q", path, attr(e, "dir"))
					}
				}
				for _, a := range e.Attr {
					if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
						t.Errorf("%s: attribute %s", path, a.Key)
					}
				}
				if id := attr(e, "id"); id != "" {
					if ids[id] {
						t.Errorf("%s: two elements with the id %s", path, id)
					}
					ids[id] = true
				}
			})
			if titles == 0 || headings != 1 {
				t.Errorf("%s: %d titles, %d headings of the first rank", path, titles, headings)
			}
			if !utf8.ValidString(words(tree)) || strings.Contains(words(tree), "\uFFFD") {
				t.Errorf("%s: a broken character", path)
			}
			if b := words(tree); strings.Contains(b, "%!") || strings.Contains(b, "<no value>") {
				t.Errorf("%s: a template went wrong: %.200s", path, b)
			}
		})
	}
}

// Every text that a page can say is said in every language.
func TestEveryTextIsTranslated(t *testing.T) {
	english := pageTexts(t, `[{( ]t "((?:[^"\\]|\\.)*)"`)
	for _, k := range httpkit.Kinds {
		english[k.Name] = true
	}
	for _, f := range facetTitles {
		english[f.title] = true
	}
	for _, s := range corpus.States {
		english[string(s)] = true
	}
	for _, r := range corpus.Reasons {
		english[string(r)] = true
	}
	for _, said := range search.Sentences() {
		english[said] = true
		if first, _ := utf8.DecodeRuneInString(said); !unicode.IsLower(first) || strings.HasSuffix(said, ".") {
			t.Errorf("%q: a page gives it a capital and a full stop", said)
		}
	}
	if len(english) < 300 {
		t.Errorf("%d texts; this test sees too little", len(english))
	}
	messages, err := loadMessages()
	if err != nil {
		t.Fatal(err)
	}
	nouns := pageTexts(t, `[{( ]noun [.$\w]+ "[^"]*" "([^"]*)"`)
	if len(nouns) < 10 {
		t.Errorf("%d nouns; this test sees too little", len(nouns))
	}
	verbs := regexp.MustCompile(`%[dqs%]`)
	for lang, m := range messages {
		for text := range english {
			if m[text] == "" {
				t.Errorf("%s: no %q", lang, text)
			}
		}
		for noun := range nouns {
			if got, want := strings.Split(m[noun], "|"), httpkit.PluralForms(lang); len(got) != want || slices.Contains(got, "") {
				t.Errorf("%s: %q has the forms %q; want %d", lang, noun, got, want)
			}
		}
		for text, translated := range m {
			if !nouns[text] && strings.Contains(translated, "|") {
				t.Errorf("%s: %q has forms, and stands after no number: %q", lang, text, translated)
			}
			if !slices.Equal(verbs.FindAllString(text, -1), verbs.FindAllString(translated, -1)) {
				t.Errorf("%s: %q has other places to fill: %q", lang, text, translated)
			}
		}
	}
}

// pageTexts are what a pattern finds in the pages.
func pageTexts(t *testing.T, pattern string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	texts := regexp.MustCompile(pattern)
	for _, glob := range []string{"pages/*.html", "../../internal/httpkit/layout.html"} {
		pages, err := filepath.Glob(glob)
		if err != nil || len(pages) == 0 {
			t.Fatalf("%s: %d pages, %v", glob, len(pages), err)
		}
		for _, file := range pages {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range texts.FindAllStringSubmatch(string(b), -1) {
				found[strings.ReplaceAll(m[1], `\"`, `"`)] = true
			}
		}
	}
	return found
}

func number(s string) int {
	n, err := strconv.Atoi(strings.ReplaceAll(s, ",", ""))
	if err != nil {
		return -1
	}
	return n
}

func shownTotal(t *testing.T, h http.Handler, path string) int {
	t.Helper()
	totals := ofClass(page(t, h, path), "total")
	if len(totals) != 1 {
		t.Fatalf("%s shows %d totals", path, len(totals))
	}
	first, _, _ := strings.Cut(words(totals[0]), " ")
	return number(first)
}

// Every facet of every search leads to exactly the count that it shows, and back.
func TestFacetsLeadToTheirCounts(t *testing.T) {
	h := newSite(t, Options{}, nil)
	links := 0
	for _, q := range []string{"", "cameras", "camera OR камеры OR tender", `"harbour cameras" -newsletter`, "language:en year:2011"} {
		path := find(q)
		all := shownTotal(t, h, path)
		for _, f := range ofClass(page(t, h, path), "facet") {
			each(f, func(e *html.Node) {
				if e.Data != "li" {
					return
				}
				var href string
				var count int
				on := attr(e, "class") == "on"
				each(e, func(x *html.Node) {
					if x.Data == "a" {
						href = attr(x, "href")
					}
					if attr(x, "class") == "num" {
						count = number(words(x))
					}
				})
				links++
				got := shownTotal(t, h, href)
				if !on && got != count {
					t.Errorf("%q: %s shows %d and leads to %d: %s", q, words(e), count, got, href)
				}
				if on && got < all {
					t.Errorf("%q: taking %s away leads from %d to %d", q, words(e), all, got)
				}
			})
		}
	}
	if links < 60 {
		t.Errorf("%d facet links; this test sees too little", links)
	}
}

// Every value of a facet is shown, or can be: also the eighth beside those not known, and
// those not known beside eight.
func TestFacetsShowAll(t *testing.T) {
	for _, c := range []struct {
		known, unknown int // bodies, each with two documents; and documents of no known body
		more           bool
	}{{7, 3, false}, {8, 0, false}, {8, 3, true}, {8, 1, true}, {9, 0, true}} {
		h := newSite(t, Options{}, func(w *release.Writer) {
			for i := range 2*c.known + c.unknown {
				d := corpus.Document{ID: archivetest.ID(200 + i), Collection: "harbour", Title: "sluiceword", Type: "text/plain", Text: "sluiceword"}
				if i < 2*c.known {
					d.Origin = corpus.OriginID(fmt.Sprintf("body-%d", i/2))
				}
				archivetest.Add(t, w, release.Document{State: corpus.Published, Document: d})
			}
		})
		want := c.known + min(c.unknown, 1)
		path, more := find("sluiceword"), false
		for {
			next, shown := "", 0
			for _, f := range ofClass(page(t, h, path), "facet") {
				each(f, func(e *html.Node) {
					switch {
					case attr(f, "id") != "f-origin":
					case e.Data == "li":
						shown++
					case e.Data == "a" && words(e) == "Show all":
						next, _, _ = strings.Cut(attr(e, "href"), "#")
					}
				})
			}
			if next == "" || more {
				if next != "" || shown != want || more != c.more {
					t.Errorf("%d bodies, %d documents of none: %d values at the end, %v; want %d, %v", c.known, c.unknown, shown, more, want, c.more)
				}
				break
			}
			if shown != facetShort {
				t.Errorf("%d bodies, %d documents of none: %d values are shown before all; want %d", c.known, c.unknown, shown, facetShort)
			}
			path, more = next, true
		}
	}
}

// Every number in a table of the first page and of a collection counts the same
// when it is run again.
func TestNumbersRunAgain(t *testing.T) {
	h := newSite(t, Options{}, nil)
	for _, path := range []string{"/", "/collections/harbour", "/entities", "/origins", "/ru/"} {
		n := 0
		for _, table := range ofClass(page(t, h, path), "shares") {
			each(table, func(e *html.Node) {
				if e.Data == "a" && strings.Contains(attr(e, "href"), "/search?") {
					n++
					if got := shownTotal(t, h, attr(e, "href")); got != number(words(e)) {
						t.Errorf("%s: %s leads to %d: %s", path, words(e), got, attr(e, "href"))
					}
				}
			})
		}
		if n == 0 {
			t.Errorf("%s has no numbers", path)
		}
	}
}

func TestSearchPages(t *testing.T) {
	h := newSite(t, Options{}, nil)
	for q, want := range map[string]int{"cameras": 7, "камеры": 1, "الكاميرات": 1, "type:email": 6, "domain:port.example": 3, "origin:ministry": 1, "zebra": 0} {
		if got := shownTotal(t, h, find(q)); got != want {
			t.Errorf("%s: %d files; want %d", q, got, want)
		}
	}
	if b := get(t, h, find("cameras")).Body.String(); !strings.Contains(b, "<mark>cameras</mark>") || !strings.Contains(b, "mass mail: 2") {
		t.Error("no marks, or no count of distinct e-mails")
	}
	if b := get(t, h, find("zebra")).Body.String(); !strings.Contains(b, "Nothing matches all of this.") {
		t.Error("the empty page says nothing")
	}
	for path, best := range map[string]bool{"/search": false, find("tender"): true} {
		if b := get(t, h, path).Body.String(); strings.Contains(b, "Best first") != best || !strings.Contains(b, "Newest first") {
			t.Errorf("%s offers the best first: %t; want it where words are searched", path, !best)
		}
	}
	w := get(t, h, find(`tender "open`))
	if b := w.Body.String(); w.Code != http.StatusBadRequest || !strings.Contains(b, `tender <mark>&#34;open</mark>`) || strings.Contains(b, "class=\"total\"") {
		t.Errorf("a broken query: %d %s", w.Code, b)
	}
	for lang, want := range map[string]string{"": "This quotation is not closed.", "/ru": "Эти кавычки не закрыты.", "/ar": "علامة الاقتباس هذه غير مغلقة."} {
		if b := get(t, h, lang+find(`tender "open`)).Body.String(); !strings.Contains(b, want) {
			t.Errorf("%s does not say %q", lang+"/search", want)
		}
	}
	w = get(t, h, "/ar/search?q=tender+OR+cameras&in=harbour")
	if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != "/ar"+find("(tender OR cameras) collection:harbour") {
		t.Errorf("search in a collection: %d to %s", w.Code, got)
	}
	for _, path := range []string{"/search?q=a&sort=odd", "/search?q=a&after=%00"} {
		if w := get(t, h, path); w.Code != http.StatusBadRequest {
			t.Errorf("%s: status %d; want 400", path, w.Code)
		}
	}
}

// Paging reaches everything once.
func TestPagesReachEverything(t *testing.T) {
	h := newSite(t, Options{}, func(w *release.Writer) {
		for n := 100; n < 155; n++ {
			archivetest.Add(t, w, release.Document{Document: corpus.Document{ID: archivetest.ID(n), Collection: "harbour", Title: fmt.Sprint("Page ", n), Text: "paged"}, State: corpus.Published})
		}
	})
	seen, pages := map[string]bool{}, 0
	for path := find("paged"); path != ""; pages++ {
		tree := page(t, h, path)
		path = ""
		each(tree, func(e *html.Node) {
			if href := attr(e, "href"); strings.HasPrefix(href, "/documents/") {
				seen[href] = true
			}
			if attr(e, "rel") == "next" {
				path = attr(e, "href")
			}
		})
	}
	if len(seen) != 55 || pages != 3 {
		t.Errorf("%d documents on %d pages; want 55 on 3", len(seen), pages)
	}
	rows, err := csv.NewReader(get(t, h, "/search.csv?q=paged").Body).ReadAll()
	if err != nil || len(rows) != 56 {
		t.Errorf("%d rows, %v; want 55 and the head", len(rows), err)
	}
}

func TestDocumentPages(t *testing.T) {
	h := newSite(t, Options{}, nil)
	tender := "/documents/" + archivetest.Tender.String()
	text := words(page(t, h, tender+"?q=retention"))
	for _, want := range []string{"Ilya Voronin <i.voronin@port.example>", "2011-03-04 09:12 UTC", "Annex C: retention", "Re: Harbour cameras", "published whole",
		"Download with its proof", "Back to the results", "release 1, 2026-11-21", "X-Mailer"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page of an e-mail does not say %q", want)
		}
	}
	tree := page(t, h, "/documents/"+archivetest.Arabic.String())
	if doc := ofClass(tree, "doc"); len(doc) != 1 || attr(doc[0], "lang") != "ar" || attr(doc[0], "dir") != "rtl" {
		t.Errorf("an Arabic text is not marked as one")
	}
	if text := words(tree); !strings.Contains(text, "Something was taken out of this file") || strings.Contains(text, "The original ") {
		t.Errorf("a redacted file: %s", text)
	}
	for path, want := range map[string]int{
		"/documents/" + archivetest.Arabic.String() + "/original/bytes": 404, tender + "/original/view": 404, tender + "/nothing": 404,
		"/documents/xyz": 404, "/documents/" + archivetest.ID(99).String(): 404,
		"/documents/" + archivetest.Annex.String() + "/html/view": 200, "/documents/" + archivetest.Annex.String() + "/page-0001": 200,
	} {
		if w := get(t, h, path); w.Code != want {
			t.Errorf("%s: %d; want %d", path, w.Code, want)
		}
	}
	view := get(t, h, "/documents/"+archivetest.Annex.String()+"/html/view").Header()
	if c := view.Get("Content-Security-Policy"); !strings.HasPrefix(c, "sandbox;") || !strings.Contains(c, "default-src 'none'") {
		t.Errorf("HTML of a stranger is served with the policy %q", c)
	}
	bytes := get(t, h, "/documents/"+archivetest.Annex.String()+"/original/bytes").Header()
	if bytes.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(bytes.Get("Content-Disposition"), "attachment; filename=annex-c-") {
		t.Errorf("an original is served as %v", bytes)
	}
}

func TestBundleHoldsFileAndProof(t *testing.T) {
	h := newSite(t, Options{}, nil)
	b := get(t, h, "/documents/"+archivetest.Minutes.String()+"/original/bundle").Body.Bytes()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		in[f.Name] = string(text)
		if day := f.Modified.Format(time.DateOnly); !strings.Contains(in["READ-ME-FIRST.txt"], "released on "+day) {
			t.Errorf("%s has the day %s; want that of the release:\n%s", f.Name, day, in["READ-ME-FIRST.txt"])
		}
	}
	name := "minutes-" + archivetest.Minutes.String() + ".txt"
	if in[name] != "The quay. The cameras were not on the agenda. ???" || !strings.HasPrefix(in[name+".proof"], "daylight proof 0\n") || !strings.Contains(in["READ-ME-FIRST.txt"], name) {
		t.Errorf("the bundle holds %q", in)
	}
}

// TestCheckUsSaysWhatTheZipSays: the archive's page and the note in the zip give the same
// two commands, of the zip as it is first.
func TestCheckUsSaysWhatTheZipSays(t *testing.T) {
	h := newSite(t, Options{}, nil)
	note := howToCheck(archive.Document{}, archive.Rendition{}, "a.txt")
	for says, pair := range map[string]string{words(page(t, h, "/log")): "FILE FILE.proof", note: `"a.txt" "a.txt.proof"`} {
		first, second := strings.Index(says, "daylight verify --key KEY FILE.zip"), strings.Index(says, "daylight verify --key KEY "+pair)
		if first < 0 || second < first {
			t.Errorf("the zip is at %d, the pair at %d of:\n%s", first, second, says)
		}
	}
}

func TestWithdrawnIsNoticed(t *testing.T) {
	h := newSite(t, Options{}, func(w *release.Writer) {
		archivetest.Add(t, w, release.Withdrawal{Document: archivetest.Tender, Class: corpus.ReasonLegal, Authority: "editor", Text: "A court asked.", Appeal: "Write to us.", Date: "2026-11-22"})
		archivetest.Add(t, w, release.Withdrawal{Document: archivetest.Reply, Class: corpus.ReasonHarm, Authority: "editor", Date: "2026-11-22"})
	})
	for id, want := range map[corpus.DocumentID]int{archivetest.Tender: 451, archivetest.Reply: 410} {
		for _, sub := range []string{"", "/original", "/original/bytes", "/original/bundle", "/proof"} {
			if w := get(t, h, "/documents/"+id.String()+sub); w.Code != want || !strings.Contains(w.Body.String(), "Mirrors and people who downloaded it before may still have it") {
				t.Errorf("%s%s: %d; want %d with the notice", id, sub, w.Code, want)
			}
		}
		if w := get(t, h, "/api/documents/"+id.String()); w.Code != want || !strings.Contains(w.Body.String(), `"withdrawal":{`) {
			t.Errorf("api: %d %s", w.Code, w.Body)
		}
	}
	if b := get(t, h, "/answers/critical-of-the-port").Body.String(); !strings.Contains(b, "its document was withdrawn") {
		t.Error("an answer does not say that its document was withdrawn")
	}
	for _, path := range []string{"/", find("tender"), "/search.csv?q=", "/api/search?q=tender"} {
		if b := get(t, h, path).Body.String(); strings.Contains(b, archivetest.Tender.String()) || strings.Contains(b, archivetest.Reply.String()) {
			t.Errorf("%s still shows what was withdrawn", path)
		}
	}
}

// TestLinesOfTwoDirections: a line that begins with a name in Latin letters keeps the
// direction of its Arabic document, and marks stay where they are, also over its end.
func TestLinesOfTwoDirections(t *testing.T) {
	id := archivetest.ID(200)
	h := newSite(t, Options{}, func(w *release.Writer) {
		archivetest.Add(t, w, release.Document{State: corpus.Published, Document: corpus.Document{ID: id, Collection: "harbour", Title: "محضر",
			Languages: []string{"ar"}, Text: "محضر\nIvan Petrov: نعم <b>\nbefore noon\nلا"}})
	})
	for query, want := range map[string]string{
		"":              "محضر\n<span dir=\"rtl\">Ivan Petrov: نعم &lt;b&gt;\n</span>before noon\nلا</div>",
		"?q=petrov":     "محضر\n<span dir=\"rtl\">Ivan <mark>Petrov</mark>: نعم &lt;b&gt;\n</span>before noon\nلا</div>",
		`?q="b+before"`: "محضر\n<span dir=\"rtl\">Ivan Petrov: نعم &lt;<mark>b&gt;\n</mark></span><mark>before</mark> noon\nلا</div>",
	} {
		if b := get(t, h, "/documents/"+id.String()+query).Body.String(); !strings.Contains(b, `aria-label="Text">`+want) {
			_, got, _ := strings.Cut(b, `aria-label="Text">`)
			got, _, _ = strings.Cut(got, "</div>")
			t.Errorf("%s shows\n%s\nwant\n%s", query, got, want)
		}
	}
}

// What a document calls itself must stay text, on every page, in tables and names.
// TestNoCellOfATableRuns: where a spreadsheet takes semicolons for the ends of cells,
// a title may hold the beginning of one.
func TestNoCellOfATableRuns(t *testing.T) {
	for title, want := range map[string]string{
		"=1+1": "'=1+1", "a;=1+1": "a;'=1+1", "a\t@b": "a\t'@b", "a\n+1": "a\n'+1", "a; -1": "a; '-1", " =1": " '=1",
		"a - b = c": "a - b = c", "a@b.example": "a@b.example",
	} {
		if got := inert(title); got != want {
			t.Errorf("%q becomes %q; want %q", title, got, want)
		}
	}
}

func TestHostileDocuments(t *testing.T) {
	evil := `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	id := archivetest.ID(200)
	h := newSite(t, Options{}, func(w *release.Writer) {
		archivetest.Add(t, w, release.Document{State: corpus.Published, Document: corpus.Document{ID: id, Collection: "harbour", Title: "=cmd|' /C calc'!A0" + evil, Name: "../../\u202efdp" + evil + ".exe",
			Paths: []string{evil}, Type: evil, Origin: "o", Text: evil + " hostileword", Languages: []string{`en" onload="x`}, Facts: []corpus.Fact{{Name: evil, Value: evil}}, Error: evil,
			Message: &corpus.Message{Subject: evil, From: []corpus.Address{{Name: evil, Addr: "javascript:alert(1)"}}}}})
		archivetest.AddRendition(t, w, release.Rendition{Document: id, Name: "original", Label: evil, Type: "text/html"}, []byte(evil))
	})
	for _, path := range []string{"/", find("hostileword"), "/documents/" + id.String() + "?q=hostileword", "/documents/" + id.String() + "/original",
		"/search?q=" + url.QueryEscape(evil), "/documents/" + id.String() + "?q=" + url.QueryEscape(evil), "/collections/harbour"} {
		tree, err := html.Parse(get(t, h, path).Body)
		if err != nil {
			t.Fatal(err)
		}
		each(tree, func(e *html.Node) {
			if e.Data == "script" || attr(e, "onerror") != "" || attr(e, "onload") != "" || strings.HasPrefix(attr(e, "href"), "javascript:") {
				t.Errorf("%s: %s came through", path, e.Data)
			}
		})
	}
	rows, err := csv.NewReader(get(t, h, "/search.csv?q=hostileword").Body).ReadAll()
	if err != nil || len(rows) != 2 || !strings.HasPrefix(rows[1][1], "'=cmd") {
		t.Errorf("table %q, %v; want the title without its power", rows, err)
	}
	name := get(t, h, "/documents/"+id.String()+"/original/bytes").Header().Get("Content-Disposition")
	if strings.ContainsAny(name, "/\\") || strings.Contains(name, "%E2%80%AE") || !strings.Contains(name, id.String()) {
		t.Errorf("file name %s", name)
	}
	if w := get(t, h, "/documents/"+id.String()+"/original/view"); w.Code != http.StatusNotFound {
		t.Errorf("HTML as received is shown: %d", w.Code)
	}
}

func TestAPI(t *testing.T) {
	h := newSite(t, Options{}, nil)
	variable := regexp.MustCompile(`"ms":[0-9.]+`)
	for name, path := range map[string]string{
		"search":        "/api/search?q=retention&facets=language,year,type&limit=2",
		"search-next":   "/api/search?q=cameras&limit=0",
		"document":      "/api/documents/" + archivetest.Annex.String(),
		"syntax":        "/api/search?q=" + url.QueryEscape("tender (cameras"),
		"unknown-facet": "/api/search?q=a&facets=colour",
		"too-many":      "/api/search?q=a&limit=100000",
		"not-there":     "/api/documents/" + archivetest.ID(99).String(),
	} {
		w := get(t, h, path)
		if got := w.Header().Get("Content-Type"); got != "application/json; charset=utf-8" {
			t.Errorf("%s: type %s", name, got)
		}
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, variable.ReplaceAll(w.Body.Bytes(), []byte(`"ms":0.0`)), "", "  "); err != nil {
			t.Fatalf("%s: %v: %s", name, err, w.Body)
		}
		got := fmt.Sprintf("%d\n%s", w.Code, pretty.String())
		file := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s:\n%s\nwant\n%s", path, got, want)
		}
	}
}

func TestNothingOfReadersIsKept(t *testing.T) {
	h := newSite(t, Options{}, nil)
	for _, path := range []string{"/", find("tender"), "/documents/" + archivetest.Tender.String(), "/api/search?q=tender", "/search.csv?q=tender"} {
		w := get(t, h, path)
		if len(w.Result().Cookies()) > 0 {
			t.Errorf("%s sets a cookie", path)
		}
		if b := w.Body.String(); strings.Contains(w.Header().Get("Content-Type"), "html") && regexp.MustCompile(`(src|action)="https?:`).MatchString(b) {
			t.Errorf("%s calls a third party", path)
		}
	}
}

func TestBeforeTheFirstRelease(t *testing.T) {
	catalog, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "catalogue.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { catalog.Close() })
	a, err := archive.Open(t.Context(), archive.Options{Catalog: catalog, Blobs: mem.New(), Index: searchtest.NewOracle()})
	if err != nil {
		t.Fatal(err)
	}
	h, err := New(a, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/search", "/collections", "/answers", "/entities", "/topics", "/origins", "/log", "/send", "/harm", "/about", "/help"} {
		if w := get(t, h, path); w.Code != http.StatusOK {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
	if w := get(t, h, "/log/checkpoint"); w.Code != http.StatusNotFound {
		t.Errorf("checkpoint: status %d", w.Code)
	}
}
