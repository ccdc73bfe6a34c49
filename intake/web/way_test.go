package web_test

import (
	"bytes"
	"context"
	"html"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"daylight/intake/web"
)

// address is that of an onion service, as far as its form goes.
const address = "dayl1ghtdayl1ghtdayl1ghtdayl1ghtdayl1ghtdayl1ghtdayl1ght.onion"

// at puts the pages of a house, as an operator may want them, behind a name, and gives
// a source who opens them there.
func (h *house) at(t *testing.T, name string, o web.Options) *source {
	t.Helper()
	o.Log = slog.New(slog.NewTextHandler(h.log, nil))
	o.Signer = h.public
	pages, err := web.New(h.in, o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(pages)
	t.Cleanup(server.Close)
	there := *h
	there.url = "http://" + name
	s := there.source(t)
	s.c.Transport = &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}}
	return s
}

var everywhere = []string{"/", "/ru/", "/protection", "/guide", "/guide/leaving", "/return", "/codename", "/send", "/inbox", "/nothing-here"}

// forms are all that a source can send, and where to.
func (s *source) forms() map[string]answer {
	s.t.Helper()
	return map[string]answer{"/begin": s.post("/begin"), "/ru/begin": s.post("/ru/begin"), "/codename": s.post("/codename"),
		"/return": s.post("/return", "codename", "one two"), "/send": s.send("quicksilver", three...),
		"/inbox/x/delete": s.post("/inbox/" + replyName(1) + "/delete"), "/leave": s.post("/leave")}
}

// TestNotOnTor: every page says so, and no form is taken, unless the operator wants it.
func TestNotOnTor(t *testing.T) {
	const notice = "This address does not end in .onion."
	h := newHouse(t, nil)
	for _, name := range []string{"intake.example", "192.0.2.7:7101", address + ".to", "onion", "onion.example"} {
		s := h.at(t, name, web.Options{})
		for _, path := range everywhere {
			if path == "/ru/" {
				s.get(path).wants(t, 200, "Этот адрес не оканчивается на .onion.")
			} else if page := s.get(path); !strings.Contains(page.body, notice) {
				t.Errorf("%s%s does not say where it is", name, path)
			}
		}
		for path, page := range s.forms() {
			if page.StatusCode != 403 || len(page.Cookies()) > 0 || shown.MatchString(page.body) {
				t.Errorf("%s%s: %d", name, path, page.StatusCode)
			}
			if strings.HasPrefix(path, "/ru") {
				continue
			}
			page.wants(t, 403, notice, "Nothing is taken here", "Nothing that you sent just now was kept.", "torproject.org")
		}
	}
	if got := h.fetch(t); len(got) > 0 {
		t.Errorf("%d envelopes were kept", len(got))
	}

	s := h.at(t, "intake.example", web.Options{Clearnet: true})
	s.begin()
	s.send("hello", three...).wants(t, 200, "It has arrived", notice)

	s = h.at(t, "intake.localhost", web.Options{Clearnet: true, Banner: "Demonstration"})
	if page := s.get("/"); strings.Contains(page.body, notice) {
		t.Error("a demonstration says that it is no onion service")
	}

	for _, name := range []string{address, strings.ToUpper(address), address + ".", address + ":80", "www." + address} {
		s := h.at(t, name, web.Options{})
		s.begin()
		if page := s.send("hello", three...); page.StatusCode != 200 || strings.Contains(page.body, notice) {
			t.Errorf("%s: %d", name, page.StatusCode)
		}
	}
}

// forwarded adds headers to what a client sends.
type forwarded struct {
	http.RoundTripper
	header http.Header
}

func (f forwarded) RoundTrip(r *http.Request) (*http.Response, error) {
	for name, value := range f.header {
		r.Header[name] = value
	}
	return f.RoundTripper.RoundTrip(r)
}

// TestForwarded: what came through a machine that says so gets one page only, whatever
// was asked for. The visit ends, and nothing is kept.
func TestForwarded(t *testing.T) {
	for _, c := range []struct {
		header   string
		clearnet bool
		refused  bool
	}{{"X-Tor2web", false, true}, {"X-Tor2web", true, true}, {"Via", false, true}, {"Forwarded", false, true}, {"X-Forwarded-For", false, true},
		{"X-Forwarded-Host", false, true}, {"X-Real-Ip", false, true}, {"X-Forwarded-For", true, false}, {"X-Other", false, false}} {
		h := newHouse(t, nil)
		s := h.at(t, address, web.Options{Clearnet: c.clearnet})
		plain := s.c.Transport
		s.begin()
		s.c.Transport = forwarded{plain, http.Header{c.header: {""}}}
		if !c.refused {
			s.send("after").wants(t, 200)
			continue
		}
		for _, path := range everywhere[2:] {
			s.get(path).wants(t, 403, "Somebody can read along")
		}
		for path, page := range s.forms() {
			if page.StatusCode != 403 || shown.MatchString(page.body) || page.Header.Get("Clear-Site-Data") == "" {
				t.Errorf("%s %s: %d", c.header, path, page.StatusCode)
			}
		}
		s.c.Transport = plain
		s.get("/send").wants(t, 401, "Your visit has ended")
		if got := h.fetch(t); len(got) > 0 {
			t.Errorf("%s: %d envelopes were kept", c.header, len(got))
		}
	}
}

// gateway shows an onion service to other browsers, as those machines do: without a
// header that says so, and with links in pages changed, so that they lead to it.
func gateway(to http.RoundTripper, change func(page []byte) []byte) http.RoundTripper {
	p := &httputil.ReverseProxy{Transport: to, Director: func(r *http.Request) {
		r.URL.Scheme, r.URL.Host, r.Host = "http", address, address
		r.Header["X-Forwarded-For"] = nil // it does not say so
	}, ModifyResponse: func(r *http.Response) error {
		b, err := io.ReadAll(r.Body)
		b = change(b)
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
		r.Header.Del("Content-Length")
		return err
	}}
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		answer := w.Result()
		answer.Request = r
		return answer, nil
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

var hidden = regexp.MustCompile(`<input type="hidden" name="way" value='([^']*)'>`)

// TestRewritten: a form whose page was changed on the way betrays who did it, before a
// codename is shown and before a byte of what was sent is taken.
func TestRewritten(t *testing.T) {
	replace := func(old, new string) func([]byte) []byte {
		return func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(old), []byte(new)) }
	}
	for name, change := range map[string]func([]byte) []byte{
		"a name behind every onion": replace(".onion", ".onion.example"),
		"links with a scheme":       replace(`href="http://`, `href="https://gate.example/http://`),
		"links without one":         replace(`href="fake.onion`, `href="https://gate.example/fake.onion`),
		"addresses of sixteen to 56": func(b []byte) []byte {
			return regexp.MustCompile(`[a-z2-7]{56}\.onion`).ReplaceAll(b, []byte("gate.example"))
		},
		"its own address":     replace(address, "gate.example"),
		"takes the field out": func(b []byte) []byte { return hidden.ReplaceAll(b, nil) },
	} {
		h := newHouse(t, nil)
		s := h.at(t, address, web.Options{})
		plain := s.c.Transport
		through := gateway(plain, change)
		field := func(path string) string {
			if m := hidden.FindStringSubmatch(s.get(path).body); m != nil {
				return html.UnescapeString(m[1])
			}
			return ""
		}
		s.c.Transport = through
		page := s.read(s.c.PostForm(s.h.url+"/begin", url.Values{"way": {field("/")}}))
		page.wants(t, 403, "Somebody can read along", "Nothing that you sent just now was kept.")
		if c := page.Cookies(); shown.MatchString(page.body) || len(c) != 1 || c[0].MaxAge >= 0 {
			t.Errorf("%s: a visit began", name)
		}
		s.read(s.c.PostForm(s.h.url+"/return", url.Values{"way": {field("/return")}, "codename": {"one two"}})).wants(t, 403, "Somebody can read along")

		s.c.Transport = plain // a visit that began by a better way
		s.begin()
		s.c.Transport = through
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		w.WriteField("way", field("/send"))
		w.WriteField("message", "quicksilver")
		f, _ := w.CreateFormFile("files", "all.bin")
		f.Write(bytes.Repeat([]byte("hollyhock "), 100_000))
		w.Close()
		r, err := s.c.Post(s.h.url+"/send", w.FormDataContentType(), &b)
		s.read(r, err).wants(t, 403, "Somebody can read along", "do not go on from here")
		s.c.Transport = plain
		s.get("/send").wants(t, 401, "Your visit has ended")
		if got := h.fetch(t); len(got) > 0 {
			t.Errorf("%s: %d envelopes were kept", name, len(got))
		}
	}
	// The same gateway, when it changes nothing, is not seen: no more is claimed.
	s := newHouse(t, nil).at(t, address, web.Options{})
	s.c.Transport = gateway(s.c.Transport, func(b []byte) []byte { return b })
	s.begin()
}

// TestTheFieldComesFirst: where it stands behind other fields, or twice, these would
// have been taken before it is seen.
func TestTheFieldComesFirst(t *testing.T) {
	h := newHouse(t, nil)
	s := h.at(t, address, web.Options{})
	s.begin()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	w.WriteField("message", "quicksilver")
	w.WriteField("way", s.h.way())
	w.Close()
	r, err := s.c.Post(s.h.url+"/send", w.FormDataContentType(), &b)
	s.read(r, err).wants(t, 403, "Somebody can read along")
	if got := h.fetch(t); len(got) > 0 {
		t.Errorf("%d envelopes were kept", len(got))
	}
}

// TestWhatBreaksOffIsNoBetrayal: a connection that ends within a form ends no visit.
func TestWhatBreaksOffIsNoBetrayal(t *testing.T) {
	s := newHouse(t, nil).at(t, address, web.Options{})
	s.begin()
	body, typ := s.h.multipartBody("quicksilver")
	all, _ := io.ReadAll(body)
	for _, n := range []int{0, 10, 150, 250} {
		r, err := s.c.Post(s.h.url+"/send", typ, bytes.NewReader(all[:n]))
		s.read(r, err).wants(t, 400, "The connection broke off", "Nothing was kept.")
	}
	s.send("quicksilver").wants(t, 200)
}

// TestEnding: whoever comes back to a visit that has ended is told to clear what the
// browser may still have; who brings nothing along has nothing to clear, and a link on
// another site, which brings no cookie along, ends no visit.
func TestEnding(t *testing.T) {
	h := newHouse(t, nil)
	s := h.at(t, address, web.Options{})
	s.begin()
	elsewhere := &http.Client{Transport: s.c.Transport}
	page := s.read(elsewhere.Get(s.h.url + "/send"))
	page.wants(t, 401, "New Identity")
	if len(page.Cookies()) > 0 || page.Header.Get("Clear-Site-Data") != "" {
		t.Error("a link on another site ends the visit")
	}
	s.get("/send").wants(t, 200)
	h.later(31 * time.Minute)
	page = s.get("/send")
	page.wants(t, 401, "<h1>Now choose “New Identity” in Tor Browser</h1>", "Your visit has ended")
	if c := page.Cookies(); len(c) != 1 || c[0].MaxAge >= 0 || page.Header.Get("Clear-Site-Data") != `"*"` {
		t.Errorf("the browser keeps %v", c)
	}
	if page := s.get("/send"); len(page.Cookies()) > 0 {
		t.Error("the cookie was not gone")
	}
	s.begin()
	left := s.post("/leave")
	left.wants(t, 200, "<h1>Now choose “New Identity” in Tor Browser</h1>")
	if c := left.Cookies(); len(c) != 1 || c[0].MaxAge >= 0 || left.Header.Get("Clear-Site-Data") != `"*"` {
		t.Errorf("the browser keeps %v", c)
	}
}

// TestOriginsOnAnOnion: what browsers say of where a form stood, and what is made of it
// on plain http, away from loopback. Tor Browser names the origin of a form to its own
// site, and sends "null" from one onion service to another (tor-browser#22320).
func TestOriginsOnAnOnion(t *testing.T) {
	h := newHouse(t, nil)
	for _, c := range []struct {
		what, fetchSite, origin, referer string
		status                           int
	}{
		{"Tor Browser, own form", "same-origin", "http://" + address, "http://" + address + "/", 200},
		{"without a referrer", "same-origin", "http://" + address, "", 200},
		{"origin withheld, as with no-referrer", "same-origin", "null", "", 200},
		{"an older browser, own form", "", "http://" + address, "", 200},
		{"says nothing of it", "", "", "", 200},
		{"another onion's form", "cross-site", "null", "", 403},
		{"another onion's form, in an older browser", "", "null", "", 403},
		{"another site's form", "", "http://evil.example", "", 403},
	} {
		s := h.at(t, address, web.Options{})
		header := http.Header{}
		for name, value := range map[string]string{"Sec-Fetch-Site": c.fetchSite, "Origin": c.origin, "Referer": c.referer} {
			if value != "" {
				header[name] = []string{value}
			}
		}
		s.c.Transport = forwarded{s.c.Transport, header}
		s.c.CheckRedirect = nil
		if page := s.post("/begin"); page.StatusCode != c.status {
			t.Errorf("%s: %d; want %d", c.what, page.StatusCode, c.status)
		} else if c.status == 403 {
			page.wants(t, 403, "This form came from another site", "Nothing was changed.")
		}
	}
}
