// Package httpkit is what the pages of all roles share: rendering in several
// languages, error pages, security headers, the style sheet, and serving until
// told to stop. It knows no role, and logs no request.
package httpkit

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"daylight/fault"
)

//go:embed layout.html style.css
var files embed.FS

// Site is the pages of one role. Fill it, then call Load.
type Site struct {
	Name      string // what stands in the head of each page
	Languages []string
	Messages  map[string]map[string]string // language → English text → translation
	Pages     fs.FS                        // *.html; each defines "title" and "main"; those that begin with "_" are shared by all
	Funcs     template.FuncMap
	Banner    string       // English; stands above every page when not empty ("Demonstration: …")
	Nav       []Link       // English text
	Footer    []Link       // English text
	Log       *slog.Logger // of faults, never of requests
	Script    string       // address of a module for every page; "" on intake
	CSP       string       // Content-Security-Policy; "" is DefaultCSP
	Flooded   bool         // what is busy is so for what strangers do, and is not logged: a flood would fill the log

	pages map[string]map[string]*template.Template // language → page
}

// Link is an entry of the navigation. Text is English.
type Link struct{ Href, Text string }

// DefaultCSP lets a page have its own style sheet and forms, and nothing else.
const DefaultCSP = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Page is what the layout and a page's own templates are executed with.
type Page struct {
	Site    *Site
	Lang    string // language of the page
	Dir     string // ltr or rtl
	Path    string // path without language, with query
	Data    any
	Request *http.Request
}

// Load parses the pages once for each language. English comes first and needs no
// messages.
func (s *Site) Load() error {
	if len(s.Languages) == 0 {
		s.Languages = []string{"en"}
	}
	if s.Log == nil {
		s.Log = slog.Default()
	}
	names, err := fs.Glob(s.Pages, "*.html")
	if err != nil {
		return err
	}
	s.pages = map[string]map[string]*template.Template{}
	for _, lang := range s.Languages {
		base := template.New("layout.html").Funcs(s.funcs(lang)).Funcs(s.Funcs)
		if base, err = base.ParseFS(files, "layout.html"); err != nil {
			return err
		}
		if slices.ContainsFunc(names, func(n string) bool { return n[0] == '_' }) {
			if base, err = base.ParseFS(s.Pages, "_*.html"); err != nil {
				return err
			}
		}
		s.pages[lang] = map[string]*template.Template{}
		for _, name := range names {
			if name[0] == '_' {
				continue
			}
			t, err := template.Must(base.Clone()).ParseFS(s.Pages, name)
			if err != nil {
				return err
			}
			s.pages[lang][strings.TrimSuffix(name, ".html")] = t
		}
		s.pages[lang][""] = base
	}
	return nil
}

// Handler wraps the role's routes: language prefix ("/ar/…"), security headers,
// refusal of forms from other sites, the style sheet. Routes see paths without
// the language.
func (s *Site) Handler(routes http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	style, _ := files.ReadFile("style.css")
	csp := s.CSP
	if csp == "" {
		csp = DefaultCSP
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", csp)
		h.Set("Referrer-Policy", "same-origin") // no-referrer would make browsers send "Origin: null" with forms
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		if r.URL.Path == "/style.css" {
			h.Set("Content-Type", "text/css; charset=utf-8")
			h.Set("Cache-Control", "max-age=3600")
			w.Write(style)
			return
		}
		if r.URL.Path == "/favicon.ico" { // browsers ask for one
			h.Set("Cache-Control", "max-age=3600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		h.Set("Cache-Control", "no-store")
		r = s.language(r)
		begun := &begun{ResponseWriter: w}
		defer s.panicked(begun, r)
		w = begun
		if err := cross.Check(r); err != nil {
			s.Fail(w, r, fault.Say("This form came from another site and was not accepted. Nothing was changed.", fault.Forbidden))
			return
		}
		routes.ServeHTTP(w, r)
	})
}

type langKey struct{}

// language takes a known language from the front of the path.
func (s *Site) language(r *http.Request) *http.Request {
	lang := s.Languages[0]
	// One slash at the front: "//name/" in a link would be another site.
	path := "/" + strings.TrimLeft(r.URL.Path, "/")
	if first, rest, _ := strings.Cut(path[1:], "/"); slices.Contains(s.Languages, first) {
		lang, path = first, "/"+strings.TrimLeft(rest, "/")
	}
	if path != r.URL.Path {
		r = r.Clone(r.Context())
		r.URL.Path, r.URL.RawPath = path, ""
	}
	return r.WithContext(context.WithValue(r.Context(), langKey{}, lang))
}

// Lang is the language of the page that was asked for.
func Lang(r *http.Request) string {
	if l, ok := r.Context().Value(langKey{}).(string); ok {
		return l
	}
	return "en"
}

// URL gives a path of the site the language of the page that was asked for. Use
// it for redirects; pages use the function "url".
func (s *Site) URL(r *http.Request, path string) string { return s.in(Lang(r), path) }

func (s *Site) in(lang, path string) string {
	if lang == s.Languages[0] || !strings.HasPrefix(path, "/") {
		return path
	}
	return "/" + lang + path
}

// Render writes the page. The page is made whole before a byte is sent, so that
// an error in it is an error page.
func (s *Site) Render(w http.ResponseWriter, r *http.Request, status int, page string, data any) {
	lang := Lang(r)
	t := s.pages[lang][page]
	if t == nil {
		s.Fail(w, r, fmt.Errorf("page %q: %w", page, fault.NotFound))
		return
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "layout.html", s.page(r, lang, data)); err != nil {
		s.Fail(w, r, fmt.Errorf("page %q: %w", page, err))
		return
	}
	answer(w, status, b.Bytes())
}

func (s *Site) page(r *http.Request, lang string, data any) Page {
	// Two slashes in front would be the address of another host, for whoever follows
	// the links to the other languages.
	path := "/" + strings.TrimLeft(r.URL.Path, `/\`)
	if r.URL.RawQuery != "" {
		path += "?" + r.URL.RawQuery
	}
	return Page{Site: s, Lang: lang, Dir: Direction(lang), Path: path, Data: data, Request: r}
}

// Fail is the only way an error reaches a page. The stranger reads the words of
// the fault.PublicError in the chain, or a sentence for its kind; the log gets
// the chain when the fault is ours.
func (s *Site) Fail(w http.ResponseWriter, r *http.Request, err error) {
	status, words := Status(err), words(err)
	if status >= 500 && !(s.Flooded && errors.Is(err, fault.Busy)) && r.Context().Err() == nil {
		s.Log.Error("page failed", "err", err)
	}
	page := s.failure(r, status, words)
	if page == nil {
		http.Error(w, words, status)
		return
	}
	answer(w, status, page)
}

// Refusal is Fail for an error that comes by the thousand: its pages are made once, one
// for each language, and lead to the first page of the others. Nothing is logged.
func (s *Site) Refusal(err error) http.HandlerFunc {
	status, pages := Status(err), map[string][]byte{}
	for _, lang := range s.Languages {
		r := &http.Request{URL: &url.URL{Path: "/"}}
		pages[lang] = s.failure(r.WithContext(context.WithValue(context.Background(), langKey{}, lang)), status, words(err))
	}
	return func(w http.ResponseWriter, r *http.Request) { answer(w, status, pages[Lang(r)]) }
}

// panicked ends a request whose page panicked, with an error page unless an answer has
// begun. The log gets the place. It does not get the value, which may hold what a
// stranger sent.
func (s *Site) panicked(w *begun, r *http.Request) {
	switch p, late := recover(), w.answers; {
	case p == nil:
	case p == http.ErrAbortHandler:
		panic(p)
	default:
		s.Fail(w, r, fmt.Errorf("panic at %s", place()))
		if late {
			panic(http.ErrAbortHandler)
		}
	}
}

// place is where the code panicked that a deferred function is called for.
func place() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs[:])])
	after := false
	for {
		f, more := frames.Next()
		if of := strings.HasPrefix(f.Function, "runtime."); after && !of || !more {
			return fmt.Sprintf("%s:%d", f.Function, f.Line)
		} else if of {
			after = true
		}
	}
}

// begun knows whether an answer has begun.
type begun struct {
	http.ResponseWriter
	answers bool
}

func (w *begun) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *begun) WriteHeader(status int) {
	w.answers = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *begun) Write(p []byte) (int, error) {
	w.answers = true
	return w.ResponseWriter.Write(p)
}

// ReadFrom lets the server copy through a buffer that it has.
func (w *begun) ReadFrom(r io.Reader) (int64, error) {
	w.answers = true
	return io.Copy(w.ResponseWriter, r)
}

func (s *Site) failure(r *http.Request, status int, words string) []byte {
	lang := Lang(r)
	t := s.pages[lang][""]
	var b bytes.Buffer
	data := struct {
		Status int
		Words  string
	}{status, words}
	if t == nil || t.ExecuteTemplate(&b, "failure", s.page(r, lang, data)) != nil {
		return nil
	}
	return b.Bytes()
}

func answer(w http.ResponseWriter, status int, page []byte) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(page)))
	w.WriteHeader(status)
	w.Write(page)
}

// words are what a stranger reads of an error.
func words(err error) string { return cmp.Or(fault.Words(err), sentence(Status(err))) }

// Status is the HTTP status of an error's kind; of several kinds, the first of
// statuses counts.
func Status(err error) int {
	for _, s := range statuses {
		if errors.Is(err, s.kind) {
			return s.status
		}
	}
	return http.StatusInternalServerError
}

// FaultOf is the kind of error that a status stands for, nil where there is none.
func FaultOf(status int) error {
	for _, s := range statuses {
		if status == s.status {
			return s.kind
		}
	}
	return nil
}

var statuses = []struct {
	kind   error
	status int
}{
	{fault.Gone, http.StatusGone}, {fault.Legal, http.StatusUnavailableForLegalReasons}, {fault.NotFound, http.StatusNotFound},
	{fault.Unknown, http.StatusUnauthorized}, {fault.Forbidden, http.StatusForbidden},
	{fault.Full, http.StatusInsufficientStorage}, {fault.Busy, http.StatusServiceUnavailable},
	{fault.TooLarge, http.StatusRequestEntityTooLarge}, {fault.Conflict, http.StatusConflict}, {fault.Invalid, http.StatusBadRequest},
}

func sentence(status int) string {
	switch status {
	case http.StatusNotFound:
		return "There is nothing at this address."
	case http.StatusGone:
		return "This was withdrawn."
	case http.StatusUnauthorized:
		return "Sign in first."
	case http.StatusForbidden:
		return "You may not do this."
	case http.StatusInsufficientStorage:
		return "There is no space left here. What was kept before is safe. Try again later."
	case http.StatusServiceUnavailable:
		return "Too much is going on at once. Try again in a few minutes."
	}
	if status < 500 {
		return "This could not be understood. Nothing was changed."
	}
	return "Something went wrong on our side. Nothing that was kept before is lost. Try again; if it stays, tell the operator."
}

// Say is a text in a language, in English where there is no message for it. Pages use
// the function "t".
func (s *Site) Say(lang, english string, args ...any) string {
	if m := s.Messages[lang][english]; m != "" {
		english = m
	}
	if len(args) > 0 {
		return fmt.Sprintf(english, args...)
	}
	return english
}

// funcs are what every page may call.
func (s *Site) funcs(lang string) template.FuncMap {
	say := func(english string, args ...any) string { return s.Say(lang, english, args...) }
	return template.FuncMap{
		"t":     say,                                                  // {{t "Search"}}, {{t "version %d" .Version}}
		"url":   func(path string) string { return s.in(lang, path) }, // {{url "/c/x"}}
		"n":     Thousands,
		"noun":  func(n int, one, other string) string { return s.noun(lang, n, one, other) }, // {{n .N}} {{noun .N "file" "files"}}
		"size":  Size,
		"dir":   Direction, // {{dir .Language}}: for text in the document's own language
		"runs":  Runs,
		"day":   func(t time.Time) string { return t.UTC().Format("2006-01-02") },
		"other": func(l, path string) string { return s.in(l, path) },
		"langs": func() []string { return s.Languages },
		"tongue": func(l string) string {
			if n := tongues[l]; n != "" {
				return n
			}
			return l
		},
	}
}

// tongues are languages in their own words.
var tongues = map[string]string{"en": "English", "ar": "العربية", "ru": "Русский", "es": "Español", "fr": "Français",
	"de": "Deutsch", "zh": "中文", "fa": "فارسی", "tr": "Türkçe", "uk": "Українська", "it": "Italiano", "pt": "Português",
	"he": "עברית", "ja": "日本語", "ko": "한국어", "nl": "Nederlands", "pl": "Polski"}

// Thousands writes 2434899 as 2,434,899.
func Thousands(n any) string {
	s := fmt.Sprint(n)
	var b strings.Builder
	for i, c := range s {
		if i > 0 && s[i-1] != '-' && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// Kind names a media type in English, for people; a type without a name stays.
func Kind(media string) string {
	media, _, _ = strings.Cut(media, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	for _, k := range Kinds {
		if media == k.Media || strings.HasSuffix(k.Media, "/") && strings.HasPrefix(media, k.Media) {
			return k.Name
		}
	}
	return media
}

// Kinds are the media types that have a name. One that ends with a slash is all of its
// sort.
var Kinds = []struct{ Media, Name string }{
	{"message/rfc822", "E-mail"}, {"application/pdf", "PDF"}, {"text/plain", "Text"}, {"text/html", "Web page"},
	{"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "Word document"}, {"application/msword", "Word document"},
	{"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "Spreadsheet"}, {"application/vnd.ms-excel", "Spreadsheet"},
	{"text/csv", "Table"}, {"application/zip", "Zip archive"}, {"application/mbox", "Mailbox"}, {"application/vnd.ms-outlook", "Mailbox"},
	{"application/gzip", "Archive file"}, {"application/x-tar", "Archive file"}, {"image/", "Picture"}, {"audio/", "Sound"}, {"video/", "Film"},
	{"application/octet-stream", "Unknown format"},
}

// Size writes a number of bytes for people: 482 B, 31 kB, 2.4 MB.
func Size(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f, unit := float64(n)/1000, 0
	for f >= 999.5 && unit < 3 {
		f, unit = f/1000, unit+1
	}
	digits := 0
	if f < 9.95 {
		digits = 1
	}
	return strconv.FormatFloat(f, 'f', digits, 64) + " " + []string{"kB", "MB", "GB", "TB"}[unit]
}

// Missing lists the English texts that a language has no message for, of those
// that other languages have: for a test.
func (s *Site) Missing() map[string][]string {
	all := map[string]bool{}
	for _, m := range s.Messages {
		for k := range m {
			all[k] = true
		}
	}
	missing := map[string][]string{}
	for lang, m := range s.Messages {
		for _, k := range slices.Sorted(maps.Keys(all)) {
			if m[k] == "" {
				missing[lang] = append(missing[lang], k)
			}
		}
	}
	return missing
}

// Serve answers on the listener until ctx is done, then lets requests under way
// end for at most ten seconds, hangs up, and waits for what answers them to end, for
// half a minute at most. Uploads and downloads may take hours, so only headers have a
// deadline, and answers that nobody reads on: after five minutes.
func Serve(ctx context.Context, l net.Listener, h http.Handler, log *slog.Logger) error {
	return serve(ctx, patient{l, 5 * time.Minute}, h)
}

func serve(ctx context.Context, l patient, h http.Handler) error {
	var answering atomic.Int64
	srv := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answering.Add(1)
			defer answering.Add(-1)
			h.ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		// The standard library's own messages name the address of who asked.
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := srv.Shutdown(stop); err == nil {
		return nil
	}
	srv.Close()
	for over := time.Now().Add(30 * time.Second); answering.Load() > 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(over) {
			return fmt.Errorf("serve: requests do not end: %w", fault.Busy)
		}
	}
	return nil
}

// patient accepts a connection when whoever can work has had a turn: more than can be
// served wait in the kernel's queue, and not among those who are being served.
type patient struct {
	net.Listener
	stall time.Duration // how long an answer may stand still
}

func (l patient) Accept() (net.Conn, error) {
	runtime.Gosched()
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return moving{c, l.stall}, nil
}

// moving is a connection whose other side must read: writing fails when it takes less
// than a piece within a time. Deadlines of reading are for others to set.
type moving struct {
	net.Conn
	stall time.Duration
}

// piece is what the slowest circuit takes in a minute or two.
const piece = 64 << 10

func (c moving) Write(b []byte) (n int, err error) {
	for next := range slices.Chunk(b, piece) {
		c.SetWriteDeadline(time.Now().Add(c.stall))
		m, err := c.Conn.Write(next)
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// CloseWrite is asked for by the server, so that an answer is read to its end also by
// who has not sent the whole request.
func (c moving) CloseWrite() error {
	if c, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}
