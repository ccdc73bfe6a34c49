package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"daylight/archive"
	"daylight/corpus"
	"daylight/fault"
	"daylight/internal/httpkit"
	"daylight/release"
	"daylight/search"
)

const apiLimit = 1000 // hits in one answer; a cursor leads to the rest

// api makes a handler of what gives a value or an error, both as JSON.
func (s *site) api(get func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "application/json; charset=utf-8")
		// Anybody's page may read what is public, without anything of its reader.
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		v, err := get(r)
		if err != nil {
			status, body := s.apiError(r, err)
			w.WriteHeader(status)
			v = body
		}
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.Encode(v)
	})
}

type apiError struct {
	Error struct {
		Status     int                 `json:"status"`
		Words      string              `json:"words"`
		Position   *int                `json:"position,omitempty"` // bytes into the query
		Withdrawal *release.Withdrawal `json:"withdrawal,omitempty"`
	} `json:"error"`
}

func (s *site) apiError(r *http.Request, err error) (int, apiError) {
	var body apiError
	e := &body.Error
	e.Status, e.Words = httpkit.Status(err), fault.Words(err)
	var syntax *search.SyntaxError
	if errors.As(err, &syntax) {
		e.Position = &syntax.Pos
	}
	var gone *archive.WithdrawnError
	if errors.As(err, &gone) {
		e.Withdrawal = &gone.Withdrawal
	}
	if e.Words == "" {
		e.Words = strings.ToLower(http.StatusText(e.Status))
	}
	if e.Status >= 500 && r.Context().Err() == nil {
		s.Log.Error("api failed", "err", err)
	}
	return e.Status, body
}

// apiResults is the answer of /api/search, and of the command "daylight search".
type apiResults struct {
	Total            int        `json:"total"`
	DistinctMessages int        `json:"distinct_messages"`
	Facets           apiFacets  `json:"facets"`
	Hits             []apiHit   `json:"hits"`
	Next             string     `json:"next,omitempty"`
	Query            string     `json:"query"` // as it was understood
	Release          int        `json:"release"`
	Day              string     `json:"day,omitempty"`
	Indexing         bool       `json:"indexing,omitempty"`
	MS               apiDecimal `json:"ms"`
}

type apiFacets map[string][]search.Count

type apiHit struct {
	ID         corpus.DocumentID   `json:"id"`
	Title      string              `json:"title"`
	Date       string              `json:"date,omitempty"`
	Snippet    string              `json:"snippet,omitempty"`
	Type       string              `json:"type"`
	Language   string              `json:"language,omitempty"`
	Collection corpus.CollectionID `json:"collection"`
	State      corpus.State        `json:"state"`
}

// apiDecimal is a number with one digit after the point.
type apiDecimal float64

func (d apiDecimal) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(d), 'f', 1, 64), nil
}

func (s *site) apiSearch(r *http.Request) (any, error) {
	form := r.URL.Query()
	req := archive.SearchRequest{Query: form.Get("q"), Sort: search.Sort(form.Get("sort")), After: form.Get("after"), Limit: pageHits, Snippet: snippet}
	if v := form.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || n > apiLimit {
			return nil, fault.Say(fmt.Sprintf("limit: want a number from 0 to %d", apiLimit), fault.Invalid)
		}
		req.Limit = n
	}
	for _, name := range strings.FieldsFunc(form.Get("facets"), func(c rune) bool { return c == ',' }) {
		if !slices.Contains(search.FacetNames, name) {
			return nil, fault.Say(fmt.Sprintf("facets: want some of %s", strings.Join(search.FacetNames, ", ")), fault.Invalid)
		}
		req.Facets = append(req.Facets, search.FacetRequest{Name: name, Limit: 100})
	}
	found, err := s.reader.Search(r.Context(), req)
	if err != nil {
		return nil, err
	}
	out := apiResults{
		Total: found.Result.Total, DistinctMessages: found.Result.DistinctMessages, Facets: apiFacets{}, Hits: []apiHit{},
		Next: found.Result.Next, Query: found.Query.String(), Release: found.Status.Release, Day: found.Status.Day,
		Indexing: found.Status.Indexing, MS: apiDecimal(float64(found.Took) / float64(time.Millisecond)),
	}
	for _, f := range found.Result.Facets {
		out.Facets[f.Name] = append([]search.Count{}, f.Values...) // [] and not null
	}
	for _, h := range found.Hits {
		out.Hits = append(out.Hits, apiHitOf(h))
	}
	return out, nil
}

func apiHitOf(h archive.Hit) apiHit {
	var b strings.Builder
	for _, sp := range h.Snippet {
		b.WriteString(sp.Text)
	}
	hit := apiHit{ID: h.ID, Title: h.Title, Snippet: b.String(), Type: h.Type, Language: h.Language, Collection: h.Collection, State: h.State}
	if !h.Date.IsZero() {
		hit.Date = h.Date.Format(time.RFC3339)
	}
	return hit
}

// apiDocument is a document as it was released, with where to get the rest.
func (s *site) apiDocument(r *http.Request) (any, error) {
	id, err := parseID(r)
	if err != nil {
		return nil, err
	}
	d, err := s.reader.Document(r.Context(), id)
	if err != nil {
		return nil, err
	}
	type rend struct {
		Name   string `json:"name"`
		Label  string `json:"label"`
		Type   string `json:"type"`
		Size   int64  `json:"size"`
		SHA256 string `json:"sha256"`
		Bytes  string `json:"bytes"`
		Proof  string `json:"proof"`
	}
	at := "/documents/" + id.String()
	out := struct {
		release.Document
		Release    int                 `json:"release"`
		Day        string              `json:"day"`
		Page       string              `json:"page"`
		Proof      string              `json:"proof"`
		Renditions []rend              `json:"renditions"`
		Parts      []corpus.DocumentID `json:"parts"`
		Thread     []corpus.DocumentID `json:"thread"`
	}{Document: d.Document, Release: d.Release, Day: d.Day, Page: at, Proof: at + "/proof",
		Renditions: []rend{}, Parts: ids(d.Parts), Thread: ids(d.Thread)}
	for _, v := range d.Renditions {
		out.Renditions = append(out.Renditions, rend{v.Name, v.Label, v.Type, v.Size, v.SHA256.String(), at + "/" + v.Name + "/bytes", at + "/" + v.Name + "/proof"})
	}
	return out, nil
}

func ids(rows []archive.Row) []corpus.DocumentID {
	all := []corpus.DocumentID{}
	for _, r := range rows {
		all = append(all, r.ID)
	}
	return all
}
