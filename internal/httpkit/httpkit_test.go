package httpkit

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	"daylight/fault"
)

func site(t *testing.T, log io.Writer) (*Site, http.Handler) {
	t.Helper()
	s := &Site{
		Name: "Archive", Languages: []string{"en", "ar"}, Banner: "Demonstration",
		Messages: map[string]map[string]string{"ar": {"Hello": "مرحبا"}},
		Pages: fstest.MapFS{
			"home.html":   {Data: []byte(`{{define "title"}}Home{{end}}{{define "main"}}<h1>{{t "Hello"}}</h1><a href="{{url "/x"}}">x</a>{{.Data}}{{end}}`)},
			"broken.html": {Data: []byte(`{{define "main"}}half a page{{.Data.Nothing}}{{end}}`)},
		},
		Log: slog.New(slog.NewTextHandler(log, nil)),
	}
	if err := s.Load(); err != nil {
		t.Fatal(err)
	}
	return s, s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gone":
			s.Fail(w, r, fault.Say("This was withdrawn by us.", fmt.Errorf("document 7: %w", fault.Gone)))
		case "/fails":
			s.Fail(w, r, errors.New("disk: secret-detail"))
		case "/panics", "/late":
			if r.URL.Path == "/late" {
				io.WriteString(w, "an answer begins")
			}
			panic("word of a stranger")
		case "/broken":
			s.Render(w, r, http.StatusOK, "broken", "x")
		default:
			s.Render(w, r, http.StatusOK, "home", "<script>"+r.URL.Path)
		}
	}))
}

func ask(h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://archive.localhost"+path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPages(t *testing.T) {
	var log strings.Builder
	_, h := site(t, &log)
	for _, c := range []struct {
		path   string
		status int
		has    []string
		hasNot []string
	}{
		{"/", 200, []string{`lang="en" dir="ltr"`, "Hello", `href="/x"`, "&lt;script&gt;/", "Demonstration"}, []string{"<script>"}},
		{"/ar/deep", 200, []string{`lang="ar" dir="rtl"`, "مرحبا", `href="/ar/x"`, "&lt;script&gt;/deep"}, nil},
		{"/ar", 200, []string{`lang="ar"`}, nil},
		{"/fr/", 200, []string{`lang="en"`, "/fr/"}, nil}, // a language that the site does not have is a path
		{"/gone", 410, []string{"This was withdrawn by us."}, []string{"document 7"}},
		{"/fails", 500, []string{"Something went wrong on our side."}, []string{"secret-detail"}},
		{"/broken", 500, nil, []string{"half a page"}},
	} {
		w := ask(h, "GET", c.path)
		if w.Code != c.status {
			t.Errorf("%s: status %d; want %d", c.path, w.Code, c.status)
		}
		for _, s := range c.has {
			if !strings.Contains(w.Body.String(), s) {
				t.Errorf("%s lacks %q:\n%s", c.path, s, w.Body)
			}
		}
		for _, s := range c.hasNot {
			if strings.Contains(w.Body.String(), s) {
				t.Errorf("%s has %q", c.path, s)
			}
		}
		if !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s has no policy", c.path)
		}
	}
	if !strings.Contains(log.String(), "secret-detail") {
		t.Error("the operator was not told of the fault")
	}
	if strings.Contains(log.String(), "document 7") {
		t.Error("what is no fault of ours was logged")
	}
}

// A fault in a page is told to who asked and to the operator, without what was asked.
func TestPanics(t *testing.T) {
	var log strings.Builder
	_, h := site(t, &log)
	if w := ask(h, "GET", "/panics"); w.Code != 500 || !strings.Contains(w.Body.String(), "Something went wrong on our side.") {
		t.Errorf("a page that panics answers %d:\n%s", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "httpkit.site.func1:") || strings.Contains(log.String(), "stranger") {
		t.Errorf("the log has not the place, or more:\n%s", &log)
	}
	log.Reset()
	func() {
		defer func() {
			if p := recover(); p != http.ErrAbortHandler {
				t.Errorf("an answer that had begun ended with %v; want it broken off", p)
			}
		}()
		ask(h, "GET", "/late")
	}()
	if !strings.Contains(log.String(), "httpkit.site.func1:") {
		t.Errorf("the log has:\n%s", &log)
	}
}

func TestFormsOfOtherSites(t *testing.T) {
	_, h := site(t, io.Discard)
	for _, c := range []struct {
		header []string
		status int
	}{
		{[]string{"Sec-Fetch-Site", "same-origin"}, 200},
		{[]string{"Sec-Fetch-Site", "cross-site"}, 403},
		{[]string{"Sec-Fetch-Site", "same-site"}, 403},
		{[]string{"Origin", "http://evil.example"}, 403},
		{[]string{"Origin", "http://archive.localhost"}, 200},
	} {
		if w := ask(h, "POST", "/", c.header...); w.Code != c.status {
			t.Errorf("form with %q: status %d; want %d", c.header, w.Code, c.status)
		}
	}
}

// No path may lead a browser to another site, whatever language stands before it.
func TestNoOpenRedirect(t *testing.T) {
	s, _ := site(t, io.Discard)
	for _, path := range []string{"//evil.example/", "/ar//evil.example/", "/%2fevil.example/"} {
		u, err := url.Parse("http://archive.localhost" + path)
		if err != nil {
			t.Fatal(err)
		}
		r := s.language(&http.Request{URL: u, Header: http.Header{}})
		for _, lang := range s.Languages {
			if to := s.in(lang, r.URL.Path); strings.HasPrefix(to, "//") {
				t.Errorf("%s in %s leads to %s", path, lang, to)
			}
		}
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 2434899: "2,434,899", -1234: "-1,234", -123: "-123"} {
		if got := Thousands(n); got != want {
			t.Errorf("%d is written %s; want %s", n, got, want)
		}
	}
}
