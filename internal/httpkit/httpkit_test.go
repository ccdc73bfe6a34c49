package httpkit_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"daylight/fault"
	"daylight/internal/httpkit"
)

// TestNoLinkLeavesTheSite: an address with an escaped slash in front is a path of
// two, which in a link names another host.
func TestNoLinkLeavesTheSite(t *testing.T) {
	s := &httpkit.Site{Name: "Site", Languages: []string{"en", "ar"}, Pages: fstest.MapFS{}}
	if err := s.Load(); err != nil {
		t.Fatal(err)
	}
	h := s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.Fail(w, r, fault.NotFound) }))
	for _, path := range []string{"/%2Fevil.example", "/%2F%2Fevil.example/", "/ar/%2Fevil.example", "/%5C/evil.example", "/%2F%5Cevil.example"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "http://site.example"+path, nil))
		page := strings.ToLower(w.Body.String())
		if !strings.Contains(page, "evil.example") {
			t.Errorf("%s: the page has no link to itself in another language", path)
		}
		for _, start := range []string{`href="//`, `href="/\`, `href="/%5c`} {
			if strings.Contains(page, start) {
				t.Errorf("%s: a link begins with %s", path, start[6:])
			}
		}
	}
}
