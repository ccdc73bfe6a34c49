package main

import (
	"fmt"
	"strings"
	"time"

	"daylight/archive"
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
	in, err := roleInstance(a.data, c.Site)
	if err != nil {
		return err
	}
	start := time.Now()
	out := searchOutput{Facets: facetsOutput{}, Hits: []hitOutput{}}
	if c.Site == "archive" {
		err = c.archive(a, in, &out)
	} else {
		err = c.desk(a, in, &out)
	}
	if err != nil {
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

func (c *searchCmd) facets() []search.FacetRequest {
	var f []search.FacetRequest
	for _, name := range c.Facets {
		f = append(f, search.FacetRequest{Name: name})
	}
	return f
}

func (c *searchCmd) archive(a *app, in instance, out *searchOutput) error {
	r, closer, err := openArchive(a.ctx, in)
	if err != nil {
		return err
	}
	defer closer.Close()
	got, err := r.Search(a.ctx, archive.SearchRequest{Query: strings.Join(c.Query, " "), Facets: c.facets(),
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

func (o *searchOutput) fill(r search.Result) {
	o.Total, o.DistinctMessages = r.Total, r.DistinctMessages
	for _, f := range r.Facets {
		o.Facets[f.Name] = f.Values
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
