package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"daylight/desk"
	"daylight/fault"
)

// signInPage shows a button and nothing more: a link that is merely looked at, by a
// mail program or a chat, must not be used up. It tells who is signed in already.
func (s *site) signInPage(w http.ResponseWriter, r *http.Request) {
	var now string
	if u, err := s.user(r); err == nil {
		now = u.Name
	}
	s.kit.Render(w, r, http.StatusOK, "signin", struct{ Link, Now string }{r.PathValue("link"), now})
}

func (s *site) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<10)
	session, u, err := s.desk.SignIn(r.Context(), r.PostFormValue("link"))
	if err != nil {
		s.kit.Fail(w, r, err)
		return
	}
	http.SetCookie(w, s.cookie(session, 0))
	to := "/"
	if all, err := s.waiting(r, u); err == nil { // the first page says it, should it fail
		to = all.only()
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (s *site) cookie(value string, age int) *http.Cookie {
	return &http.Cookie{Name: cookie, Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: s.o.Secure, SameSite: http.SameSiteStrictMode}
}

func (s *site) account(w http.ResponseWriter, r *http.Request, u desk.User) error {
	return s.show(w, r, u, "account", u)
}

func (s *site) signOut(w http.ResponseWriter, r *http.Request, _ desk.User) error {
	if c, err := r.Cookie(cookie); err == nil {
		if err := s.desk.SignOut(r.Context(), c.Value); err != nil {
			return err
		}
	}
	http.SetCookie(w, s.cookie("", -1))
	s.kit.Render(w, r, http.StatusOK, "signedout", true)
	return nil
}

func (s *site) about(w http.ResponseWriter, r *http.Request, u desk.User) error {
	return s.show(w, r, u, "about", strings.Fields(s.desk.Fingerprint()))
}

func (s *site) people(w http.ResponseWriter, r *http.Request, u desk.User) error {
	all, err := s.desk.Users(r.Context(), u.ID)
	if err != nil {
		return err
	}
	var one desk.User // whose form is shown: one at a time, so that none loses another's text
	for _, p := range all {
		if p.ID == desk.EditorID(r.URL.Query().Get("of")) {
			one = p
		}
	}
	var roles []string
	for _, role := range one.Roles {
		roles = append(roles, string(role))
	}
	teams, err := s.teams()
	if err != nil {
		return err
	}
	return s.show(w, r, u, "people", map[string]any{"All": all, "Roles": desk.Roles, "One": one, "OneRoles": roles, "Teams": teams})
}

func (s *site) setPerson(w http.ResponseWriter, r *http.Request, u desk.User) error {
	p := desk.User{ID: desk.EditorID(r.PostForm.Get("id")), Name: strings.TrimSpace(r.PostForm.Get("name")), Closed: r.PostForm.Get("closed") != ""}
	for _, role := range r.PostForm["role"] {
		p.Roles = append(p.Roles, desk.Role(role))
	}
	p.Channels = r.PostForm["channel"]
	if p.ID == u.ID && (p.Closed || !p.Is(desk.Admin)) {
		return fault.Say("You cannot take your own account or role away. Another administrator can.", fmt.Errorf("set account: %w", fault.Conflict))
	}
	if err := s.desk.PutUser(r.Context(), u.ID, p); err != nil {
		return err
	}
	return back(w, r, "/people?of="+url.QueryEscape(string(p.ID)), "saved")
}

func (s *site) link(w http.ResponseWriter, r *http.Request, u desk.User) error {
	of := desk.EditorID(r.PathValue("person"))
	secret, err := s.desk.Link(r.Context(), u.ID, of)
	if err != nil {
		return err
	}
	scheme := "http"
	if r.TLS != nil || s.o.Secure {
		scheme = "https"
	}
	return s.show(w, r, u, "link", map[string]any{"Of": of, "URL": scheme + "://" + r.Host + "/sign-in/" + secret})
}

func (s *site) audit(w http.ResponseWriter, r *http.Request, u desk.User) error {
	entries, err := s.desk.AuditLog(r.Context(), u.ID, 500)
	if err != nil {
		return err
	}
	n, broken := s.desk.CheckAudit(r.Context())
	return s.show(w, r, u, "audit", map[string]any{"Entries": entries, "Length": n, "Broken": broken != nil})
}
