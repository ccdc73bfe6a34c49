// Package web is the pages of the desk. They work without JavaScript. What a person
// may see and do is decided by package desk; the table of routes says it once more,
// so that a page that forgets to ask is still closed.
package web

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"

	"daylight/desk"
	"daylight/fault"
	"daylight/internal/httpkit"
)

//go:embed pages/*.html
var pages embed.FS

// Options of the pages.
type Options struct {
	Banner string       // stands above every page when not empty ("Demonstration: …")
	Log    *slog.Logger // of faults; nil: slog.Default
	Secure bool         // the desk is served over TLS: cookies say so

	// Archive is the address of the public archive, for links to what was released; ""
	// where the desk does not know it.
	Archive string
}

type site struct {
	desk *desk.Desk
	kit  *httpkit.Site
	o    Options
}

// New makes the pages of a desk.
func New(d *desk.Desk, o Options) (http.Handler, error) {
	sub, err := fs.Sub(pages, "pages")
	if err != nil {
		return nil, err
	}
	s := &site{desk: d, o: o, kit: &httpkit.Site{
		Name: "Desk", Banner: o.Banner, Log: o.Log, Pages: sub, Funcs: maps.Clone(funcs),
		Footer: []httpkit.Link{{Href: "/about", Text: "What this desk asks, and what it never asks"}},
	}}
	s.kit.Funcs["archive"] = func() string { return o.Archive }
	s.kit.Funcs["person"] = func(id desk.EditorID) string { return d.Name(context.Background(), id) }
	if err := s.kit.Load(); err != nil {
		return nil, fmt.Errorf("pages of the desk: %w", err)
	}
	mux := http.NewServeMux()
	for _, r := range s.routes() {
		mux.Handle(r.pattern, s.guard(r))
	}
	mux.HandleFunc("GET /sign-in/{link}", s.signInPage)
	mux.HandleFunc("POST /sign-in", s.signIn)
	mux.Handle("/", s.guard(route{"/", anybody, func(http.ResponseWriter, *http.Request, desk.User) error {
		return fmt.Errorf("address: %w", fault.NotFound)
	}}))
	return s.kit.Handler(mux), nil
}

// page handles a request of somebody who is signed in and has the role. What it
// returns is shown by httpkit.Fail, or with the form that was refused.
type page func(w http.ResponseWriter, r *http.Request, u desk.User) error

type route struct {
	pattern string
	roles   []desk.Role
	serve   page
}

var (
	anybody   = desk.Roles
	material  = []desk.Role{desk.Handler, desk.Redactor, desk.Editor}
	handlers  = []desk.Role{desk.Handler}
	editors   = []desk.Role{desk.Editor}
	redactors = []desk.Role{desk.Redactor}
	admins    = []desk.Role{desk.Admin}
	gate      = []desk.Role{desk.Redactor, desk.Editor}
	auditors  = []desk.Role{desk.Editor, desk.Admin}
)

// The address of a form is that of the page where it stands, or one step below it:
// there the page is found that shows a refused form again.
func (s *site) routes() []route {
	return []route{
		{"GET /{$}", anybody, s.home},
		{"GET /about", anybody, s.about},
		{"GET /account", anybody, s.account},
		{"POST /sign-out", anybody, s.signOut},

		{"GET /conversations", handlers, s.conversations},
		{"GET /conversations/unopened", handlers, s.unopened},
		{"POST /conversations/unopened", handlers, s.destroyUnopened},
		{"POST /conversations/unopened/again", handlers, s.openAgain},
		{"GET /conversation/{talk}", handlers, s.conversation},
		{replies, handlers, s.reply},
		{"GET /conversation/{talk}/case", handlers, s.caseForm},
		{"POST /conversation/{talk}/case", handlers, s.makeCase},
		{"POST /conversation/{talk}/aside", handlers, s.putAside},
		{"POST /conversation/{talk}/join", handlers, s.join},
		{"POST /conversation/{talk}/handover", handlers, s.handOver},
		{"POST /conversation/{talk}/insert", handlers, s.insert},
		{"GET /conversation/{talk}/{message}/{file}", handlers, s.fileText},
		{"GET /conversation/{talk}/{message}/{file}/download", handlers, s.fileDownload},
		{"POST /conversation/{talk}/{message}/{file}/destroy", handlers, s.fileDestroy},

		{"GET /saved", handlers, s.saved},
		{"POST /saved", handlers, s.saveReply},
		{"POST /saved/delete", handlers, s.deleteReply},

		{"GET /cases", material, s.cases},
		{"POST /cases", editors, s.newCase},
		{"GET /case/{case}", material, s.caseHome},
		{"POST /case/{case}/status", editors, s.status},
		{"GET /case/{case}/files", material, s.files},
		{"POST /case/{case}/files", editors, s.disposeMany},
		{"GET /case/{case}/file/{document}", material, s.document},
		{"POST /case/{case}/file/{document}", editors, s.disposeOne},
		{"GET /case/{case}/file/{document}/original", material, s.original},
		{"POST /case/{case}/file/{document}/destroy", handlers, s.destroy},
		{"GET /case/{case}/file/{document}/redact", gate, s.redactPage},
		{"POST /case/{case}/file/{document}/redact", redactors, s.redact},
		{"POST /case/{case}/file/{document}/redact/try", gate, s.redactPage},
		{"GET /case/{case}/provenance", material, s.provenance},
		{"POST /case/{case}/provenance", editors, s.setProvenance},
		{"GET /case/{case}/questions", material, s.questions},
		{"POST /case/{case}/questions", editors, s.setQuestions},
		{"GET /case/{case}/release", material, s.releasePage},
		{"POST /case/{case}/release", editors, s.release},
		{"POST /case/{case}/release/gate", gate, s.runGate},
		{"POST /case/{case}/release/exception", editors, s.except},
		{"POST /case/{case}/release/condition", editors, s.needNotWait},
		{"POST /case/{case}/release/approve", material, s.approve}, // package desk says in words who may
		{"GET /case/{case}/ledger", material, s.ledger},
		{"GET /case/{case}/preview/", material, s.preview},

		{"GET /releases", material, s.releases},
		{"GET /release/{number}", material, s.releaseFile},
		{"GET /audit", auditors, s.audit},
		{"GET /people", admins, s.people},
		{"POST /people", admins, s.setPerson},
		{"POST /people/{person}/link", admins, s.link},
	}
}

// cookie is the name of the session's. Ports of one host share cookies, so it says
// whose it is.
const cookie = "daylight-desk"

// maxForm is the size of a form without files, and replies the route of the one that
// has some.
const (
	maxForm = 4 << 20
	replies = "POST /conversation/{talk}/reply"
)

// guard lets through who is signed in and has one of the roles.
func (s *site) guard(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u, err := s.user(r)
		if err == nil && !u.Is(rt.roles...) {
			err = fmt.Errorf("%s: roles %v: %w", rt.pattern, u.Roles, fault.Forbidden)
		}
		if err == nil {
			// Also of a multipart form: the standard library would put what is too large
			// for memory on disk, in clear.
			most := int64(maxForm)
			if rt.pattern == replies {
				most = maxReply
			}
			r.Body = http.MaxBytesReader(w, r.Body, most)
			if perr := r.ParseForm(); perr != nil { // the reply's is not read here
				err = formError(perr)
			} else {
				err = rt.serve(w, r, u)
			}
		}
		switch {
		case err == nil:
		case errors.Is(err, fault.Unknown):
			s.kit.Render(w, r, http.StatusUnauthorized, "signedout", nil)
		case s.again(w, r, u, rt, err):
		default:
			s.kitOf(u).Fail(w, r, err)
		}
	})
}

// user is who is signed in: fault.Unknown for nobody.
func (s *site) user(r *http.Request) (desk.User, error) {
	c, err := r.Cookie(cookie)
	if err != nil {
		return desk.User{}, fmt.Errorf("no session: %w", fault.Unknown)
	}
	return s.desk.Session(r.Context(), c.Value)
}

// kitOf is the pages with the navigation of a person's roles.
func (s *site) kitOf(u desk.User) *httpkit.Site {
	kit := *s.kit
	kit.Nav = nav(u)
	return &kit
}

// show renders a page, also one that shows a refused form again.
func (s *site) show(w http.ResponseWriter, r *http.Request, u desk.User, name string, data any) error {
	s.kitOf(u).Render(w, r, cmp.Or(formOf(r).status, http.StatusOK), name, data)
	return nil
}

func nav(u desk.User) []httpkit.Link {
	links := []httpkit.Link{{Href: "/", Text: "What waits"}}
	for _, l := range []struct {
		roles []desk.Role
		httpkit.Link
	}{
		{handlers, httpkit.Link{Href: "/conversations", Text: "Conversations"}},
		{material, httpkit.Link{Href: "/cases", Text: "Cases"}},
		{material, httpkit.Link{Href: "/releases", Text: "Releases"}},
		{auditors, httpkit.Link{Href: "/audit", Text: "Audit log"}},
		{admins, httpkit.Link{Href: "/people", Text: "People"}},
	} {
		if u.Is(l.roles...) {
			links = append(links, l.Link)
		}
	}
	return append(links, httpkit.Link{Href: "/account", Text: u.Name})
}

// back sends the browser on after a form, so that a reload does not send it again. what
// was done is a key of doneWords: no text travels in an address.
func back(w http.ResponseWriter, r *http.Request, to, what string) error {
	to = strings.TrimSuffix(to, "?")
	and := "?"
	if strings.Contains(to, "?") {
		and = "&"
	}
	http.Redirect(w, r, to+and+"done="+what, http.StatusSeeOther)
	return nil
}

var funcs = template.FuncMap{
	"has":   func(u desk.User, roles ...desk.Role) bool { return u.Is(roles...) },
	"bytes": httpkit.Size,
	"kind":  httpkit.Kind,
	"count": count,
	"form":  formOf,
	"done":  doneOf,

	"happened": happened,
	"list":     func(s ...string) []string { return s },
	"in":       func(s string, list []string) bool { return slices.Contains(list, s) },
	"add":      func(a, b int) int { return a + b },
	"dict":     dict,
}

// dict makes a map of names and values, for templates that take several.
func dict(pairs ...any) (map[string]any, error) {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: name %v", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}

// count writes a number of things: 1 file, 2,040 files.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return httpkit.Thousands(n) + " " + many
}
