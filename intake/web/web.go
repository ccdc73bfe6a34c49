// Package web is intake's pages. They work entirely without scripts, pictures and
// third parties, log nothing of a request, and leave a browser nothing but one
// cookie, which ends with the visit. What a source sends goes from the network to
// the seal: it is never parsed whole, and never rests on disk in clear.
package web

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"

	"daylight/envelope"
	"daylight/fault"
	"daylight/intake"
	"daylight/internal/httpkit"
	"daylight/internal/secret"
)

//go:embed pages/*.html languages/*.json
var files embed.FS

// Options say how the pages look.
type Options struct {
	Name   string       // of the newsroom or its system, in the head of each page; "" is "Submission system"
	Banner string       // English; above every page, "" for none
	Signer string       // the newsroom's public key, as note.NewVerifier reads it: for its words, and for sources' own programs
	Log    *slog.Logger // of faults, never of requests; nil: slog.Default

	// Clearnet takes forms also from pages whose address does not end in .onion.
	Clearnet bool
}

// notice stands above every page that did not come from an onion service.
const notice = "This address does not end in .onion. Your network, and others on the way, may see that you are here. Open our .onion address in Tor Browser instead."

// pages answers requests.
type pages struct {
	in       *intake.Intake
	site     *httpkit.Site
	signer   string
	clearnet bool
}

// New makes the handler of all pages of intake.
func New(in *intake.Intake, o Options) (http.Handler, error) {
	messages, err := translations()
	if err != nil {
		return nil, err
	}
	sub, err := fs.Sub(files, "pages")
	if err != nil {
		return nil, err
	}
	if o.Name == "" {
		o.Name = "Submission system"
	}
	words, err := envelope.Fingerprint(in.Keys().Newsroom, o.Signer)
	if err != nil {
		return nil, fmt.Errorf("intake pages: %w", err)
	}
	on := httpkit.Site{
		Name: o.Name, Banner: o.Banner, Log: o.Log, Languages: []string{"en", "es", "fr", "ru", "ar", "de"}, Messages: messages, Pages: sub,
		Nav:     []httpkit.Link{{Href: "/protection", Text: "What is protected"}, {Href: "/guide", Text: "Guidance"}},
		Footer:  []httpkit.Link{{Href: "/guide/address", Text: "Is this address genuine?"}, {Href: "/guide/leaving", Text: "How to leave"}},
		Flooded: true,
		Funcs: map[string]any{
			"fingerprint": func() []string { return strings.Fields(words) },
			"days":        in.Retention().Least,
			"limits":      in.Limits,
		},
	}
	if err := on.Load(); err != nil {
		return nil, fmt.Errorf("intake pages: %w", err)
	}
	off := on // the same pages, which say above everything where they are
	if off.Banner == "" {
		off.Banner = notice
	}
	handler := func(site *httpkit.Site) http.Handler {
		p := &pages{in: in, site: site, signer: o.Signer, clearnet: o.Clearnet}
		return p.pace(site.Handler(p.door(p.guard(p.routes()))))
	}
	tor, elsewhere := handler(&on), handler(&off)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if onion(r.Host) {
			tor.ServeHTTP(w, r)
		} else {
			elsewhere.ServeHTTP(w, r)
		}
	}), nil
}

func translations() (map[string]map[string]string, error) {
	all := map[string]map[string]string{}
	names, err := fs.Glob(files, "languages/*.json")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		b, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var m map[string]string
		if err := json.Unmarshal(b, &m); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all[strings.TrimSuffix(strings.TrimPrefix(name, "languages/"), ".json")] = m
	}
	return all, nil
}

func (p *pages) routes() http.Handler {
	mux := http.NewServeMux()
	for path, page := range map[string]string{
		"/{$}": "first", "/protection": "protection", "/return": "return", "/guide": "guide",
		"/guide/device": "guide-device", "/guide/network": "guide-network", "/guide/metadata": "guide-metadata", "/guide/large": "guide-large",
		"/guide/returning": "guide-returning", "/guide/address": "guide-address", "/guide/leaving": "guide-leaving",
	} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			p.site.Render(w, r, http.StatusOK, page, nil)
		})
	}
	mux.HandleFunc("GET /keys", text(p.in.SignedKeys))
	mux.HandleFunc("GET /keys/signer", text(func() []byte { return []byte(p.signer) }))
	mux.HandleFunc("HEAD /sealed/{id}", p.parcelAt)
	mux.HandleFunc("PUT /sealed/{id}", p.parcel)
	mux.HandleFunc("POST /sealed/replies", last(p.sealedReplies))
	mux.HandleFunc("POST /sealed/reply", last(p.sealedReply))
	mux.HandleFunc("POST /sealed/destroy", last(p.sealedDestroy))
	mux.HandleFunc("POST /begin", last(p.begin))
	mux.HandleFunc("GET /begin", func(w http.ResponseWriter, r *http.Request) { // a page that refused it, in another language
		http.Redirect(w, r, p.site.URL(r, "/"), http.StatusSeeOther)
	})
	mux.HandleFunc("POST /return", last(p.comeBack))
	mux.HandleFunc("POST /leave", last(p.leave))
	mux.HandleFunc("GET /leave", p.gone)
	mux.HandleFunc("GET /codename", p.visit(p.codename))
	mux.HandleFunc("POST /codename", p.visit(p.keepCodename))
	mux.HandleFunc("GET /send", p.visit(p.sendForm))
	mux.HandleFunc("POST /send", p.visit(p.send))
	mux.HandleFunc("GET /inbox", p.visit(p.inbox))
	mux.HandleFunc("GET /inbox/{reply}/{place}", p.visit(p.attachment))
	mux.HandleFunc("POST /inbox/{reply}/delete", p.visit(p.destroy))
	mux.HandleFunc("GET /inbox/{reply}/delete", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, p.site.URL(r, "/inbox"), http.StatusSeeOther)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { p.site.Fail(w, r, fault.NotFound) })
	return mux
}

// last closes the connection after an answer: codenames, messages and replies that
// went through its buffers would stay in them for as long as it waits for more. What
// the page had on its stack is overwritten.
func last(page http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		secret.Wiped(func() { page(w, r) })
	}
}

// text hands out what programs read.
func text(get func() []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Write(get())
	}
}

// cookie is the name of the one cookie.
const cookie = "visit"

// visit gives a page the session of who asks, or says that there is none.
func (p *pages) visit(page func(http.ResponseWriter, *http.Request, *intake.Session)) http.HandlerFunc {
	return last(func(w http.ResponseWriter, r *http.Request) {
		s, err := p.session(r)
		if err != nil {
			drain(r)
			// A link elsewhere brings no cookie along, and must not end a visit.
			if _, err := r.Cookie(cookie); err == nil {
				p.forget(w, r)
			}
			p.site.Render(w, r, http.StatusUnauthorized, "ended", nil)
			return
		}
		page(w, r, s)
	})
}

func (p *pages) session(r *http.Request) (*intake.Session, error) {
	c, err := r.Cookie(cookie)
	if err != nil {
		return nil, fault.Unknown
	}
	t, err := intake.ParseToken(c.Value)
	if err != nil {
		return nil, err
	}
	return p.in.Session(t)
}

// count counts an act of the visit, if there is one, before it costs anything.
func (p *pages) count(r *http.Request, a intake.Act) error {
	s, err := p.session(r)
	if err != nil {
		return nil
	}
	return often(s.Count(a))
}

// often says what was done too often.
func often(err error) error {
	if errors.Is(err, intake.ErrTooOften) {
		return fault.Say("This was done too often in a short time. Nothing was changed, and nothing is lost. Wait a quarter of an hour.", err)
	}
	return err
}

// admit sets the cookie of a new visit, ends the one before, and goes on.
func (p *pages) admit(w http.ResponseWriter, r *http.Request, s *intake.Session, next string) {
	if old, err := p.session(r); err == nil {
		s.Follow(old)
	}
	p.setCookie(w, r, s.Token().String(), 0)
	http.Redirect(w, r, p.site.URL(r, next), http.StatusSeeOther)
}

// setCookie sets a cookie without a date: it ends with the browser's session.
func (p *pages) setCookie(w http.ResponseWriter, r *http.Request, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{Name: cookie, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil})
}

// leave ends the visit, here and in the browser.
func (p *pages) leave(w http.ResponseWriter, r *http.Request) {
	if s, err := p.session(r); err == nil {
		s.Leave()
	}
	p.forget(w, r)
	p.site.Render(w, r, http.StatusOK, "left", nil)
}

// forget tells the browser to keep nothing of the visit.
func (p *pages) forget(w http.ResponseWriter, r *http.Request) {
	p.setCookie(w, r, "", -1)
	w.Header().Set("Clear-Site-Data", `"*"`)
}

// gone is the page after leaving, for who reads it in another language.
func (p *pages) gone(w http.ResponseWriter, r *http.Request) {
	if _, err := p.session(r); err == nil {
		http.Redirect(w, r, p.site.URL(r, "/send"), http.StatusSeeOther)
		return
	}
	p.site.Render(w, r, http.StatusOK, "left", nil)
}

// background is the request's context without its end: what has arrived is kept
// also when the source is gone.
func background(r *http.Request) context.Context { return context.WithoutCancel(r.Context()) }
