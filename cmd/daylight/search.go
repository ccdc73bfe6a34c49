package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"daylight/archive"
	"daylight/corpus"
	"daylight/desk"
	"daylight/fault"
	"daylight/search"
	"daylight/text"
)

type searchCmd struct {
	Site   string   `enum:"desk,archive" default:"archive" help:"desk or archive."`
	Facets []string `help:"Facets to count: language, domain, year, type, origin…" placeholder:"NAME,…"`
	Limit  int      `default:"20" help:"Hits wanted."`
	Sort   string   `enum:"relevance,newest,oldest" default:"relevance" help:"relevance, newest or oldest."`
	Query  []string `arg:"" help:"The words, as on the page."`
}

func (searchCmd) Help() string {
	return `Example: daylight search --facets language,year --limit 5 'harbour (camera OR "video wall") -lunch year:2011'`
}

// searchOutput is what scripts may rely on.
type searchOutput struct {
	Total            int          `json:"total"`
	DistinctMessages int          `json:"distinct_messages"`
	Facets           facetsOutput `json:"facets"`
	Hits             []hitOutput  `json:"hits"`
	Ms               float64      `json:"ms"`
}

type facetsOutput map[string][]search.Count

type hitOutput struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	Date    string `json:"date"`
	Snippet string `json:"snippet"`
}

func (c *searchCmd) Run(a *app) error {
	start := time.Now()
	if _, err := search.Parse(c.query()); err != nil {
		return placed(c.query(), err)
	}
	out := searchOutput{Facets: facetsOutput{}, Hits: []hitOutput{}}
	ask := c.archive
	if c.Site == "desk" {
		ask = c.desk
	}
	if err := ask(a, &out); err != nil {
		return err
	}
	out.Ms = float64(time.Since(start).Microseconds()) / 1000
	if a.json {
		return a.print(out)
	}
	fmt.Fprintf(a.stdout, "%d files, %d distinct messages\n", out.Total, out.DistinctMessages)
	for _, name := range c.Facets {
		for _, v := range out.Facets[name] {
			fmt.Fprintf(a.stdout, "  %s:%s  %d\n", name, v.Value, v.Count)
		}
	}
	for _, h := range out.Hits {
		fmt.Fprintf(a.stdout, "\n%s  %s\n%s\n    %s\n", h.ID, h.Date, h.Title, h.Snippet)
	}
	return nil
}

func (c *searchCmd) query() string { return strings.Join(c.Query, " ") }

// placed shows where in a query the mistake is.
func placed(query string, err error) error {
	var s *search.SyntaxError
	if !errors.As(err, &s) {
		return err
	}
	at := utf8.RuneCountInString(query[:min(s.Pos, len(query))])
	line := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, query)
	return fault.Say(fmt.Sprintf("%s:\n    %s\n    %s^", s.Words, line, strings.Repeat(" ", at)), err)
}

func (c *searchCmd) facets() []search.FacetRequest {
	var f []search.FacetRequest
	for _, name := range c.Facets {
		f = append(f, search.FacetRequest{Name: name})
	}
	return f
}

func (c *searchCmd) archive(a *app, out *searchOutput) error {
	in, err := roleInstance(a.data, "archive")
	if err != nil {
		return err
	}
	r, closer, err := openArchive(a.ctx, in)
	if err != nil {
		return err
	}
	defer closer.Close()
	got, err := r.Search(a.ctx, archive.SearchRequest{Query: c.query(), Facets: c.facets(),
		Sort: search.Sort(c.Sort), Limit: c.Limit, Snippet: 200})
	if err != nil {
		return err
	}
	out.fill(got.Result)
	for _, h := range got.Hits {
		out.Hits = append(out.Hits, hitOutput{h.ID.String(), h.Title, day(h.Date), plain(h.Snippet)})
	}
	return nil
}

// desk searches what the desk holds: titles and texts come from its ledgers.
func (c *searchCmd) desk(a *app, out *searchOutput) error {
	query, err := search.Parse(c.query())
	if err != nil {
		return err
	}
	return a.withDesk(func(d *deskRole, _ config) error {
		got, err := d.index.Search(a.ctx, search.Request{Query: query, Facets: c.facets(), Sort: search.Sort(c.Sort), Limit: c.Limit})
		if err != nil {
			return err
		}
		out.fill(got)
		found, err := d.documents(a.ctx, got.Hits)
		if err != nil {
			return err
		}
		for _, h := range got.Hits {
			if doc := found[h.ID]; doc != nil {
				spans := search.Snippet(query, doc.Language(), doc.Text, 200)
				out.Hits = append(out.Hits, hitOutput{h.ID.String(), doc.Title, day(doc.Date), plain(spans)})
			}
		}
		return nil
	})
}

// documents are those of the hits, from whatever collections they are in.
func (d *deskRole) documents(ctx context.Context, hits []search.Hit) (map[corpus.DocumentID]*corpus.Document, error) {
	filter := desk.Filter{IDs: []corpus.DocumentID{}}
	for _, h := range hits {
		filter.IDs = append(filter.IDs, h.ID)
	}
	cases, err := d.stores.Cases.All(ctx)
	if err != nil {
		return nil, err
	}
	found := map[corpus.DocumentID]*corpus.Document{}
	for _, c := range cases {
		for item, err := range d.stores.Documents.Each(ctx, c.Collection.ID, filter, true) {
			if err != nil {
				return nil, err
			}
			found[item.ID()] = item.Document
		}
	}
	return found, nil
}

func (o *searchOutput) fill(r search.Result) {
	o.Total, o.DistinctMessages = r.Total, r.DistinctMessages
	for _, f := range r.Facets {
		o.Facets[f.Name] = append([]search.Count{}, f.Values...) // [] and not null
	}
}

// plain is a snippet without its marks.
func plain(spans []text.Span) string {
	var b strings.Builder
	for _, s := range spans {
		b.WriteString(s.Text)
	}
	return b.String()
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
