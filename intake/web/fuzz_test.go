package web_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"

	"daylight/codename"
)

// FuzzRequests sends whatever bytes as the body of each form: nothing of it is a
// fault of ours, nothing of it is logged, and what was sent opens at the desk.
func FuzzRequests(f *testing.F) {
	h := newHouse(f, nil)
	jar, _ := cookiejar.New(nil)
	c := &http.Client{Jar: jar}
	words, _ := codename.New("en").AppendText(nil)
	r, err := c.Post(h.url+"/return", "application/x-www-form-urlencoded", strings.NewReader(h.urlWay()+"&codename="+string(words)))
	if err != nil {
		f.Fatal(err)
	}
	r.Body.Close()
	good, _ := h.multipartBody("hello", three...)
	whole, _ := io.ReadAll(good)
	// What no form of ours begins with goes nowhere: each begins as they all do.
	begin := map[string]string{"/send": "--x\r\nContent-Disposition: form-data; name=\"way\"\r\n\r\n" + h.way() + "\r\n", "/return": h.urlWay() + "&"}
	for _, body := range []string{"", "codename=%zz+%41&&=", "--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"../a\"\r\n\r\nbody\r\n--x--",
		"--x\r\nContent-Disposition: form-data; name=\"message\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=41\r\n--x", "--x\r\n\r\n\r\n--x--", string(whole),
		"--x\r\nContent-Disposition: form-data; name=\"channel\"\r\n\r\nnewsroom\r\n--x\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nhello\r\n--x--"} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for path, typ := range map[string]string{"/send": "multipart/form-data; boundary=x", "/return": "application/x-www-form-urlencoded"} {
			for _, begin := range []string{begin[path], ""} {
				r, err := c.Post(h.url+path, typ, strings.NewReader(begin+string(body)))
				if err != nil {
					t.Fatal(err)
				}
				io.Copy(io.Discard, r.Body)
				r.Body.Close()
				if r.StatusCode >= 500 && r.StatusCode != http.StatusServiceUnavailable {
					t.Errorf("%s: %d", path, r.StatusCode)
				}
			}
		}
		if log := h.log.String(); log != "" {
			t.Errorf("logged: %s", log)
		}
		list, err := h.in.Courier().Envelopes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range h.fetch(t) {
			if e.Err() != nil || e.Address() == nil {
				t.Errorf("the desk cannot read or answer it: %v", e.Err())
			}
		}
		for _, e := range list {
			h.acknowledge(t, e.ID)
		}
	})
}
