package web

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"daylight/fault"
)

// What can be told of the way that a request came, from the request alone: whether a
// machine between source and intake forwarded it, or changed the page that its form
// stood on, and whether it came by an onion service. Addresses are not among it:
// intake sees none.

// gateways are headers that say so themselves: a proxy that shows onion services to
// other browsers (Tor2web) sends the first.
var gateways = []string{"X-Tor2web"}

// forwarders are headers that machines on the way add, and no browser. Where intake
// is reached by Tor alone, nothing honest stands between the two.
var forwarders = []string{"Via", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip"}

// wayField is the first field of each form; what it holds looks like links to onion
// services, which proxies of that kind rewrite wherever they find them.
const wayField = "way"

// way is what the field holds, as the template "way" writes it.
func way(host string) string {
	return fmt.Sprintf(`href="http://%s/" href="fake.onion" href="https://%s.onion/"`, host, strings.Repeat("a", 56))
}

// onion says whether a page's address is that of an onion service.
func onion(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.HasSuffix(strings.ToLower(strings.TrimSuffix(host, ".")), ".onion")
}

// guard lets nothing through that somebody in between can read, and no form where
// there is no onion service, unless the operator wants that.
func (p *pages) guard(next http.Handler) http.Handler {
	signs := gateways
	if !p.clearnet {
		signs = append(signs, forwarders...)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range signs {
			if _, there := r.Header[name]; there {
				p.betrayed(w, r)
				return
			}
		}
		switch {
		case r.Method == http.MethodGet, r.Method == http.MethodHead:
		case !p.clearnet && !onion(r.Host):
			drainSoon(r)
			p.site.Render(w, r, http.StatusForbidden, "elsewhere", nil)
			return
		case strings.HasPrefix(r.URL.Path, "/sealed/"): // of programs, which have no forms
		case r.URL.Path != "/send": // where it is the first of many parts
			if r.ContentLength > maxForm {
				p.site.Fail(w, r, errLong)
				return
			}
			form := make([]byte, maxForm+1)
			defer clear(form)
			n, err := io.ReadFull(r.Body, form)
			switch {
			case err == nil:
				p.site.Fail(w, r, errLong)
				return
			case int64(n) < r.ContentLength:
				p.site.Fail(w, r, fmt.Errorf("form broke off: %w", fault.Invalid))
				return
			case string(field(form[:n], wayField)) != way(r.Host):
				p.betrayed(w, r)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(form[:n]))
		}
		next.ServeHTTP(w, r)
	})
}

// touched reads the first part of a request, and says whether the form is not as it
// was served. Nothing of the parts behind it is taken before. What breaks off is not
// touched, and has nothing behind it; nor has what begins with too long a head.
func touched(parts *parts, r *http.Request) bool {
	part, _, err := parts.next()
	if err != nil {
		return false
	}
	want := way(r.Host)
	got, err := io.ReadAll(io.LimitReader(part, int64(len(want))+1))
	return err == nil && (part.FormName() != wayField || string(got) != want)
}

// betrayed ends the visit, keeps nothing, and says what happened.
func (p *pages) betrayed(w http.ResponseWriter, r *http.Request) {
	if s, err := p.session(r); err == nil {
		s.Leave()
	}
	p.forget(w, r)
	drainSoon(r)
	p.site.Render(w, r, http.StatusForbidden, "between", nil)
}
