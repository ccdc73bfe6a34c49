package web

import (
	"errors"
	"net/http"
	"strings"

	"daylight/fault"
	"daylight/intake"
	"daylight/internal/secret"
)

// door lets in as many requests as there may be, before anything is done for them:
// what is too many costs a look for its visit, and an answer that lies ready. What a
// visit sends comes in always, within that visit's own count: Submit has limits of its
// own, and gives a message back that it does not take. So does the rest of a parcel, within
// its count, and who leaves can leave.
func (p *pages) door(next http.Handler) http.Handler {
	busy, tooOften := p.site.Refusal(fault.Busy), p.site.Refusal(often(intake.ErrTooOften))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var err error
		secret.Wiped(func() { err = p.enter(r) }) // it looks for the visit, by its token
		if err == nil {
			next.ServeHTTP(w, r)
			return
		}
		drainSoon(r)
		// What it sent must not stay in the connection's buffers; and who wants more waits
		// to be accepted once more, behind others.
		w.Header().Set("Connection", "close")
		if errors.Is(err, intake.ErrTooOften) {
			tooOften(w, r)
		} else {
			busy(w, r)
		}
	})
}

// enter counts a request, and says why it cannot be let in.
func (p *pages) enter(r *http.Request) error {
	s, err := p.session(r)
	switch form := r.Method == http.MethodPost; {
	case err == nil && form && r.URL.Path == "/leave":
		return nil
	case err == nil && form && r.URL.Path == "/send":
		return s.Count(intake.Pages)
	case err == nil:
		return p.in.Admit(s)
	case r.Method == http.MethodPut, r.Method == http.MethodHead:
		return p.in.AdmitParcel(strings.TrimPrefix(r.URL.Path, "/sealed/"))
	}
	return p.in.Admit(nil)
}
