package web

import (
	"archive/zip"
	"cmp"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
	"unicode"

	"daylight/archive"
	"daylight/blob"
	"daylight/corpus"
	"daylight/fault"
	"daylight/internal/httpkit"
	"daylight/release"
	"daylight/search"
	"daylight/text"
)

// maxShown is how many bytes of a text one page shows; the rest is in the download.
const maxShown = 1 << 20

// documentPage is the page of one document.
type documentPage struct {
	archive.Document
	Q        string // the query that the reader came with
	Lines    []lines
	Matches  int
	Cut      bool // the text goes on
	Original *archive.Rendition
	Others   []archive.Rendition
	Cite     string
	SubmitTo string
}

func (s *site) document(w http.ResponseWriter, r *http.Request) error {
	id, err := parseID(r)
	if err != nil {
		return err
	}
	page := documentPage{Q: strings.TrimSpace(r.URL.Query().Get("q"))}
	if page.Document, err = s.reader.Document(r.Context(), id); err != nil {
		return err
	}
	page.mark(cmp.Or(r.URL.Query().Get("mark"), page.Q))
	for i, rend := range page.Renditions {
		if rend.Original {
			page.Original = &page.Renditions[i]
		} else {
			page.Others = append(page.Others, rend)
		}
	}
	s.Render(w, r, http.StatusOK, "document", &page)
	return nil
}

// mark cuts the text into what the query matches and the rest.
func (p *documentPage) mark(query string) {
	shown := text.Cut(p.Text, maxShown)
	p.Cut = len(shown) < len(p.Text)
	var ranges []text.Range
	if q, err := search.Parse(query); err == nil && query != "" {
		ranges = search.Highlight(q, p.Language(), shown)
	}
	p.Lines, p.Matches = linesOf(httpkit.Runs(p.Language(), shown), text.Mark(shown, ranges)), len(ranges)
}

// lines are a run of a text, with its marks.
type lines struct {
	RTL   bool
	Spans []text.Span
}

// linesOf puts the marks of a text into its runs; one that reaches from a run into the
// next is cut in two.
func linesOf(runs []httpkit.Run, spans []text.Span) []lines {
	var all []lines
	for _, r := range runs {
		l := lines{RTL: r.RTL}
		for left := len(r.Text); left > 0; {
			s := spans[0]
			n := min(left, len(s.Text))
			l.Spans = append(l.Spans, text.Span{Text: s.Text[:n], Marked: s.Marked})
			if spans[0].Text = s.Text[n:]; n == len(s.Text) {
				spans = spans[1:]
			}
			left -= n
		}
		all = append(all, l)
	}
	return all
}

// fail writes an error; the withdrawn gets its notice.
func (s *site) fail(w http.ResponseWriter, r *http.Request, err error) {
	var gone *archive.WithdrawnError
	if errors.As(err, &gone) {
		s.Render(w, r, httpkit.Status(err), "withdrawn", gone)
		return
	}
	s.Fail(w, r, err)
}

// renditionPage shows one rendition, after a click.
type renditionPage struct {
	archive.Document
	Rendition archive.Rendition
	Picture   bool
	Frame     bool
}

func (s *site) rendition(w http.ResponseWriter, r *http.Request) error {
	id, err := parseID(r)
	if err != nil {
		return err
	}
	page := renditionPage{}
	if page.Document, err = s.reader.Document(r.Context(), id); err != nil {
		return err
	}
	rend, b, err := s.reader.Rendition(r.Context(), id, r.PathValue("name"))
	if err != nil {
		return err
	}
	b.Close()
	page.Rendition = rend
	page.Picture, page.Frame = viewOf(rend) == picture, viewOf(rend) == frame
	s.Render(w, r, http.StatusOK, "rendition", page)
	return nil
}

type view int

const (
	picture view = iota + 1
	frame
)

// viewable are the media types that a page may show, of renditions that the desk
// made. An original is only ever downloaded: it is what a stranger sent.
var viewable = map[string]view{
	"image/png": picture, "image/jpeg": picture, "image/webp": picture, "image/gif": picture,
	"text/html": frame, "text/plain": frame,
}

var errNotViewable = fmt.Errorf("only what the desk made can be looked at here: %w", fault.NotFound)

// viewOf says how a page may show a rendition; 0 is not at all.
func viewOf(r archive.Rendition) view {
	if r.Original {
		return 0
	}
	return viewable[mediaType(r.Type)]
}

// Viewable reports whether the page of a rendition shows it, from its address with
// "/view" after it.
func Viewable(r archive.Rendition) bool { return viewOf(r) != 0 }

// mediaType takes parameters off a media type.
func mediaType(s string) string {
	media, _, _ := strings.Cut(s, ";")
	return strings.ToLower(strings.TrimSpace(media))
}

// renditionView gives the bytes to the page that shows them, in a sandbox.
func (s *site) renditionView(w http.ResponseWriter, r *http.Request) error {
	rend, b, err := s.open(r)
	if err != nil {
		return err
	}
	defer b.Close()
	if viewOf(rend) == 0 {
		return fmt.Errorf("view of %s: %w", rend.Type, errNotViewable)
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Content-Type", typeWithCharset(mediaType(rend.Type)))
	http.ServeContent(w, r, "", time.Time{}, b)
	return nil
}

func typeWithCharset(media string) string {
	if strings.HasPrefix(media, "text/") {
		return media + "; charset=utf-8"
	}
	return media
}

// renditionBytes gives the bytes as a file to keep.
func (s *site) renditionBytes(w http.ResponseWriter, r *http.Request) error {
	rend, b, err := s.open(r)
	if err != nil {
		return err
	}
	defer b.Close()
	d, err := s.reader.Document(r.Context(), rend.Document)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Content-Type", "application/octet-stream") // a browser must not open it by itself
	h.Set("Content-Disposition", attachment(fileName(d.Document, rend)))
	http.ServeContent(w, r, "", time.Time{}, b)
	return nil
}

func (s *site) open(r *http.Request) (archive.Rendition, blob.Reader, error) {
	id, err := parseID(r)
	if err != nil {
		return archive.Rendition{}, nil, err
	}
	return s.reader.Rendition(r.Context(), id, r.PathValue("name"))
}

func attachment(name string) string {
	return mime.FormatMediaType("attachment", map[string]string{"filename": name})
}

// fileName is the name of a download: what the document is called where that says
// its kind, and its id, so that two never have the same.
func fileName(d release.Document, r archive.Rendition) string {
	name := strings.Map(func(c rune) rune {
		if c < ' ' || strings.ContainsRune(`/\:*?"<>|`, c) || unicode.Is(unicode.Cf, c) {
			return '-' // Cf: marks that would make report-exe.pdf of report-fdp.exe
		}
		return c
	}, d.Name)
	ext := path.Ext(name)
	base := strings.Trim(text.Cut(strings.TrimSuffix(name, ext), 80), ". -")
	if !r.Original {
		ext = "." + r.Name + extension[mediaType(r.Type)]
	} else if ext == "" {
		ext = extension[mediaType(r.Type)]
	}
	if base != "" {
		base += "-"
	}
	return base + d.ID.String() + text.Cut(ext, 20)
}

var extension = map[string]string{
	"message/rfc822": ".eml", "application/pdf": ".pdf", "text/plain": ".txt", "text/html": ".html",
	"image/png": ".png", "image/jpeg": ".jpg", "application/zip": ".zip",
}

// proof gives the proof of a document or of a rendition.
func (s *site) proof(w http.ResponseWriter, r *http.Request) error {
	id, err := parseID(r)
	if err != nil {
		return err
	}
	proof, err := s.reader.Proof(r.Context(), id, r.PathValue("name"))
	if err != nil {
		return err
	}
	name := id.String()
	if n := r.PathValue("name"); n != "" {
		name += "." + n
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Disposition", attachment(name+release.ProofExtension))
	w.Write(proof)
	return nil
}

// bundle gives a file with its proof, and how to check it, in one zip.
func (s *site) bundle(w http.ResponseWriter, r *http.Request) error {
	rend, b, err := s.open(r)
	if err != nil {
		return err
	}
	defer b.Close()
	d, err := s.reader.Document(r.Context(), rend.Document)
	if err != nil {
		return err
	}
	proof, err := s.reader.Proof(r.Context(), rend.Document, rend.Name)
	if err != nil {
		return err
	}
	name := fileName(d.Document, rend)
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", attachment(d.ID.String()+"."+rend.Name+".zip"))
	day, _ := time.Parse(time.DateOnly, d.Day) // of the release: programs that unpack show it
	z := zip.NewWriter(w)
	for _, f := range []struct {
		name string
		body io.Reader
	}{
		{"READ-ME-FIRST.txt", strings.NewReader(howToCheck(d, rend, name))},
		{name + release.ProofExtension, strings.NewReader(string(proof))},
		{name, b},
	} {
		out, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: day})
		if err == nil {
			_, err = io.Copy(out, f.body)
		}
		if err != nil {
			// The headers are sent: only a zip without an end says that it is not whole.
			return nil
		}
	}
	z.Close()
	return nil
}

func howToCheck(d archive.Document, r archive.Rendition, name string) string {
	state := "The newsroom published this document whole."
	if d.State == corpus.Redacted {
		state = "The newsroom took something out of this document before it published it."
	}
	return fmt.Sprintf(`%s
Document %s, in the collection %q, released on %s.

%s
This file is: %s.

A file from a stranger can do harm when it is opened. Open it on a machine
that matters little, without a network, or read it on the archive's page.

To check it without a network, with the newsroom's public key in the file KEY,
give the zip that this came in, as it is:

    daylight verify --key KEY FILE.zip

or the two files of it:

    daylight verify --key KEY %q %q

It says what is proven, and what is not. One changed byte of the document or of its proof fails.
Do not take the key from the place where you got this file alone: compare it
with the other places where the newsroom publishes it.
`, d.Title, d.ID, d.In.Title, d.Day, state, r.Label, name, name+release.ProofExtension)
}
