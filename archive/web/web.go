// Package web is the public site of an archive: pages for people, an API and
// tables for programs. It is given an archive.Reader, which cannot write, and
// keeps nothing of who reads: no cookie, no log of requests, no script.
package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"strings"

	"daylight/archive"
	"daylight/internal/httpkit"
)

//go:embed pages/*.html messages/*.json
var files embed.FS

// Options say what the site shows beside the archive's own.
type Options struct {
	Name      string       // in the head of each page; "" is "Daylight"
	Banner    string       // English; above every page when not empty
	SubmitURL string       // address of the submission system; "" when there is none
	Contact   string       // how to reach the operator, shown as text; "" when there is none
	Log       *slog.Logger // of faults, never of requests
}

type site struct {
	*httpkit.Site
	reader archive.Reader
	o      Options
}

// csp lets a page show a rendition in a frame, and nothing of another site.
const csp = "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// New makes the site.
func New(r archive.Reader, o Options) (http.Handler, error) {
	if o.Name == "" {
		o.Name = "Daylight"
	}
	pages, err := fs.Sub(files, "pages")
	if err != nil {
		return nil, err
	}
	messages, err := loadMessages()
	if err != nil {
		return nil, err
	}
	s := &site{reader: r, o: o, Site: &httpkit.Site{
		Name: o.Name, Languages: []string{"en", "ar", "ru"}, Messages: messages, Pages: pages, Funcs: funcs,
		Banner: o.Banner, Log: o.Log, CSP: csp,
		Nav: []httpkit.Link{
			{Href: "/search", Text: "Search"}, {Href: "/answers", Text: "Answers"}, {Href: "/collections", Text: "Collections"},
			{Href: "/topics", Text: "Topics"}, {Href: "/entities", Text: "Names"}, {Href: "/origins", Text: "Origins"},
		},
		Footer: []httpkit.Link{
			{Href: "/send", Text: "Send documents"}, {Href: "/harm", Text: "This harms me"}, {Href: "/log", Text: "Check us"},
			{Href: "/help", Text: "How to search"}, {Href: "/about", Text: "About"},
		},
	}}
	if err := s.Load(); err != nil {
		return nil, fmt.Errorf("pages of the archive: %w", err)
	}
	return s.Handler(s.routes()), nil
}

func loadMessages() (map[string]map[string]string, error) {
	all := map[string]map[string]string{}
	entries, err := files.ReadDir("messages")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		b, err := files.ReadFile(path.Join("messages", e.Name()))
		if err != nil {
			return nil, err
		}
		m := map[string]string{}
		if err := json.Unmarshal(b, &m); err != nil {
			return nil, fmt.Errorf("messages %s: %w", e.Name(), err)
		}
		all[strings.TrimSuffix(e.Name(), ".json")] = m
	}
	return all, nil
}

// handler is a page that may fail.
type handler func(w http.ResponseWriter, r *http.Request) error

func (s *site) routes() http.Handler {
	mux := http.NewServeMux()
	page := func(pattern string, h handler) {
		mux.HandleFunc("GET "+pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				s.fail(w, r, err)
			}
		})
	}
	page("/{$}", s.home)
	page("/search", s.search)
	page("/search.csv", s.searchCSV)
	page("/documents/{id}", s.document)
	page("/documents/{id}/{name}", s.rendition)
	page("/documents/{id}/{name}/bytes", s.renditionBytes)
	page("/documents/{id}/{name}/view", s.renditionView)
	page("/documents/{id}/{name}/proof", s.proof)
	page("/documents/{id}/{name}/bundle", s.bundle)
	page("/documents/{id}/proof", s.proof)
	page("/collections", s.collections)
	page("/collections/{id}", s.collection)
	page("/entities", s.entities)
	page("/entities/{id}", s.entity)
	page("/topics", s.topics)
	page("/topics/{id}", s.topic)
	page("/origins", s.origins)
	page("/origins/{id}", s.origin)
	page("/answers", s.answers)
	page("/answers/{id}", s.answer)
	page("/log", s.log)
	page("/log/checkpoint", s.checkpoint)
	for _, name := range []string{"send", "harm", "about", "help"} {
		page("/"+name, s.text(name))
	}
	mux.Handle("GET /api/search", s.api(s.apiSearch))
	mux.Handle("GET /api/documents/{id}", s.api(s.apiDocument))
	page("/", s.nothing)
	return mux
}
