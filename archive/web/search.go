package web

import (
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"daylight/archive"
	"daylight/corpus"
	"daylight/fault"
	"daylight/internal/httpkit"
	"daylight/search"
)

const (
	pageHits   = 20
	facetShort = 8
	facetLong  = 1000
	snippet    = 220
)

// facetTitles are the facets of the page of results, in order.
var facetTitles = []struct{ name, title string }{
	{search.Language, "Language"}, {search.Year, "Year"}, {search.Type, "Format"}, {search.Origin, "Origin"},
	{search.Collection, "Collection"}, {search.Domain, "Domain of the sender"}, {search.Sender, "Sender"}, {search.Recipient, "Recipient"},
}

// results is the page of results.
type results struct {
	archive.Results
	Q      string
	Sort   search.Sort
	Facets []facet
	Active []filter
	Error  *syntaxError
	Next   string // address
	First  bool
	All    bool // everything is shown: nothing was asked
	CSV    string
	API    string
}

type facet struct {
	Name, Title string
	Values      []facetValue
	More        string // address that shows all values; "" when all are here
	Distinct    int
}

type facetValue struct {
	Value, Text string
	N           int
	Href        string // adds the filter, or takes it away
	On          bool
}

func (v facetValue) unknown() string {
	if v.Value == search.Unknown {
		return "last"
	}
	return ""
}

type filter struct{ Facet, Text, Href string }

// syntaxError shows a query with the place that could not be read.
type syntaxError struct{ Words, Before, At, After string }

func (s *site) search(w http.ResponseWriter, r *http.Request) error {
	form := r.URL.Query()
	if in := form.Get("in"); in != "" {
		// The form of a collection's page: its address says it with the query.
		form.Set("q", archive.Narrow(form.Get("q"), search.Collection, in))
		http.Redirect(w, r, s.URL(r, "/search?"+keep(form, "q", "sort").Encode()), http.StatusSeeOther)
		return nil
	}
	page := results{Q: strings.TrimSpace(form.Get("q")), Sort: search.Sort(form.Get("sort")), First: form.Get("after") == ""}
	page.All = page.Q == ""
	req := archive.SearchRequest{Query: page.Q, Sort: page.Sort, Limit: pageHits, After: form.Get("after"), Snippet: snippet}
	if req.Sort == "" && page.All {
		req.Sort = search.ByNewest // there is nothing to be relevant to
	}
	for _, f := range facetTitles {
		n := facetShort + 1 // one more than is shown says that there are more
		if form.Get("more") == f.name {
			n = facetLong
		}
		req.Facets = append(req.Facets, search.FacetRequest{Name: f.name, Limit: n})
	}
	var err error
	page.Results, err = s.reader.Search(r.Context(), req)
	var syntax *search.SyntaxError
	if errors.As(err, &syntax) {
		page.Error = s.showSyntax(httpkit.Lang(r), page.Q, syntax)
		s.Render(w, r, http.StatusBadRequest, "search", page)
		return nil
	}
	if err != nil {
		return err
	}
	if err := s.fillFacets(r, &page, form); err != nil {
		return err
	}
	page.CSV = "/search.csv?" + keep(form, "q", "sort").Encode()
	page.API = "/api/search?" + keep(form, "q", "sort").Encode()
	if page.Result.Next != "" {
		next := keep(form, "q", "sort", "more")
		next.Set("after", page.Result.Next)
		page.Next = "/search?" + next.Encode()
	}
	s.Render(w, r, http.StatusOK, "search", page)
	return nil
}

// keep copies some fields of a form.
func keep(form url.Values, names ...string) url.Values {
	kept := url.Values{}
	for _, n := range names {
		if v := form.Get(n); v != "" {
			kept.Set(n, v)
		}
	}
	return kept
}

func (s *site) showSyntax(lang, query string, e *search.SyntaxError) *syntaxError {
	pos := min(max(e.Pos, 0), len(query))
	rest := query[pos:]
	end := len(rest)
	if i := strings.IndexAny(rest, " \t"); i > 0 {
		end = i
	}
	words := s.Say(lang, e.Sentence, e.With...)
	first, n := utf8.DecodeRuneInString(words)
	return &syntaxError{Words: string(unicode.ToUpper(first)) + words[n:] + ".", Before: query[:pos], At: rest[:end], After: rest[end:]}
}

func (s *site) fillFacets(r *http.Request, page *results, form url.Values) error {
	name, err := s.namer(r)
	if err != nil {
		return err
	}
	on := map[string]bool{}
	with := func(query string) string {
		f := keep(form, "sort")
		f.Set("q", query)
		return "/search?" + f.Encode()
	}
	for _, is := range archive.Filters(page.Query) {
		value := is.Values[0]
		on[is.Facet+" "+value] = true
		page.Active = append(page.Active, filter{facetTitle(is.Facet), name(is.Facet, value), with(archive.Widen(page.Q, is.Facet, value))})
	}
	for i, f := range page.Result.Facets {
		v := facet{Name: f.Name, Title: facetTitles[i].title, Distinct: f.Distinct}
		if form.Get("more") != f.Name && len(f.Values) > facetShort {
			f.Values = f.Values[:facetShort]
			more := keep(form, "q", "sort")
			more.Set("more", f.Name)
			v.More = "/search?" + more.Encode() + "#f-" + f.Name
		}
		for _, c := range f.Values {
			value := facetValue{Value: c.Value, Text: name(f.Name, c.Value), N: c.Count, On: on[f.Name+" "+c.Value]}
			if value.On {
				value.Href = with(archive.Widen(page.Q, f.Name, c.Value))
			} else {
				value.Href = with(archive.Narrow(page.Q, f.Name, c.Value))
			}
			v.Values = append(v.Values, value)
		}
		if f.Name == search.Year {
			slices.SortStableFunc(v.Values, func(a, b facetValue) int { return strings.Compare(b.Value, a.Value) })
		}
		// What is not known comes last, however much it is.
		slices.SortStableFunc(v.Values, func(a, b facetValue) int {
			return strings.Compare(a.unknown(), b.unknown())
		})
		page.Facets = append(page.Facets, v)
	}
	return nil
}

func facetTitle(name string) string {
	for _, f := range facetTitles {
		if f.name == name {
			return f.title
		}
	}
	return name
}

// namer gives the names, for people, of values of facets. "" stands for unknown.
func (s *site) namer(r *http.Request) (func(facet, value string) string, error) {
	origins, err := s.reader.Origins(r.Context())
	if err != nil {
		return nil, err
	}
	collections, err := s.reader.Collections(r.Context())
	if err != nil {
		return nil, err
	}
	titles := map[string]string{}
	for _, o := range origins {
		titles[search.Origin+" "+string(o.ID)] = o.Title
	}
	for _, c := range collections {
		titles[search.Collection+" "+string(c.ID)] = c.Title
	}
	return func(facet, value string) string {
		if value == search.Unknown {
			return ""
		}
		if t := titles[facet+" "+value]; t != "" {
			return t
		}
		switch facet {
		case search.Language:
			return languageName(httpkit.Lang(r), value)
		case search.Type:
			return httpkit.Kind(value)
		}
		return value
	}, nil
}

// searchCSV writes every document that matches as a table, a page at a time, so that
// memory stays flat however many there are.
func (s *site) searchCSV(w http.ResponseWriter, r *http.Request) error {
	form := r.URL.Query()
	req := archive.SearchRequest{Query: form.Get("q"), Sort: search.Sort(form.Get("sort")), Limit: 500}
	page, err := s.reader.Search(r.Context(), req)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="results.csv"`)
	out := csv.NewWriter(w)
	out.Write([]string{"id", "title", "date", "type", "language", "collection", "origin", "from", "state", "bytes", "address"})
	for {
		for _, h := range page.Hits {
			out.Write(record(r, h.Row))
		}
		if page.Result.Next == "" {
			break
		}
		req.After = page.Result.Next
		if page, err = s.reader.Search(r.Context(), req); err != nil {
			// The status is long sent. A line that cannot be taken for a document
			// says that the table is not whole.
			out.Write([]string{"# the table ends here before its end: ask again"})
			break
		}
	}
	out.Flush()
	return nil
}

func record(r *http.Request, d archive.Row) []string {
	date := ""
	if !d.Date.IsZero() {
		date = d.Date.Format(time.RFC3339)
	}
	fields := []string{d.ID.String(), d.Title, date, d.Type, d.Language, string(d.Collection), string(d.Origin), d.From,
		string(d.State), strconv.FormatInt(d.Size, 10), "/documents/" + d.ID.String()}
	for i := range fields {
		fields[i] = inert(fields[i])
	}
	return fields
}

// inert keeps a spreadsheet from running what a document calls itself: what would be
// taken for a formula gets an apostrophe in front. Where commas part decimals, cells
// end at a semicolon or a tab, whatever the table says, so one may begin inside.
func inert(s string) string {
	if !strings.ContainsAny(s, "=+-@\t\r") {
		return s
	}
	var b strings.Builder
	begins := true
	for _, r := range s {
		if begins && strings.ContainsRune("=+-@\t\r", r) {
			b.WriteByte('\'')
		}
		begins = strings.ContainsRune(";\t\r\n", r) || begins && r == ' '
		b.WriteRune(r)
	}
	return b.String()
}

// parseID reads the id in an address. One that cannot be one names nothing.
func parseID(r *http.Request) (corpus.DocumentID, error) {
	id, err := corpus.ParseDocumentID(r.PathValue("id"))
	if err != nil {
		return id, fmt.Errorf("address: %w", fault.NotFound)
	}
	return id, nil
}
