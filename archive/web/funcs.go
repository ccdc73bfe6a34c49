package web

import (
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"daylight/archive"
	"daylight/corpus"
	"daylight/internal/httpkit"
	"daylight/search"
)

// funcs are what the pages of this site may call beside those of all sites.
var funcs = template.FuncMap{
	"find":     find,
	"within":   archive.Narrow,
	"language": languageName,
	"kind":     httpkit.Kind,
	"filled":   filled,
	"phrase":   phrase,
	"counted":  counted,
	"chart":    newChart,
	"paras":    paragraphs,
	"web":      func(s string) bool { return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://") },
	"pictures": pictures,
	"first":    first,
	"mail":     func(s string) []string { return strings.SplitAfter(s, "@") }, // where an address may break
	"percent":  percent,
	"tally":    func(b corpus.Balance, s string) corpus.Tally { return b.States[corpus.State(s)] },
	"states":   func() []corpus.State { return corpus.States },
	"list":     func(v ...any) []any { return v },
	"unknown":  func(s string) bool { return s == search.Unknown },
}

// pictures says whether there is something to look at among the renditions.
func pictures(all []archive.Rendition) bool {
	return slices.ContainsFunc(all, func(r archive.Rendition) bool { return strings.HasPrefix(r.Type, "image/") })
}

// find is the address of the results of a query.
func find(query string) string { return "/search?" + url.Values{"q": {query}}.Encode() }

// counted names the facet in which a measure can be read again; "" for files and
// messages.
func counted(m corpus.Measure) string {
	return map[corpus.Measure]string{corpus.MeasureEmails: search.Type, corpus.MeasureOrigins: search.Origin, corpus.MeasureSenders: search.Sender, corpus.MeasureYears: search.Year}[m]
}

// phrase is the query for one name as an exact phrase; "" for a name without a
// letter, which nothing can mention.
func phrase(name string) string {
	q := search.Phrase{Text: name}.String()
	if _, err := search.Parse(q); err != nil || !strings.HasPrefix(q, `"`) {
		return ""
	}
	return q
}

// languageName names a language in the language of the page.
func languageName(page, code string) string {
	tag, err := language.Parse(code)
	if err != nil || code == search.Unknown || code == "" {
		return ""
	}
	in, err := language.Parse(page)
	if err != nil {
		in = language.English
	}
	name := display.Languages(in).Name(tag)
	if name == "" {
		return code
	}
	first, n := utf8.DecodeRuneInString(name)
	return string(unicode.ToUpper(first)) + name[n:]
}

// filled puts the number of a claim into its text, or before it where it has no
// place for it.
func filled(text string, n int) template.HTML {
	number := "<strong>" + httpkit.Thousands(n) + "</strong>"
	before, after, ok := strings.Cut(text, "%d")
	if !ok {
		return template.HTML(number + " " + template.HTMLEscapeString(text))
	}
	return template.HTML(template.HTMLEscapeString(before) + number + template.HTMLEscapeString(after))
}

// paragraphs splits a text at its empty lines.
func paragraphs(s string) []string {
	var all []string
	for p := range strings.SplitSeq(strings.ReplaceAll(s, "\r\n", "\n"), "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			all = append(all, p)
		}
	}
	return all
}

func first(n int, shares []archive.Share) []archive.Share { return shares[:min(n, len(shares))] }

// percent writes a part of a whole to the nearest percent.
func percent(part, whole int) string {
	if whole == 0 {
		return "0"
	}
	return strconv.Itoa((part*100 + whole/2) / whole)
}

// chart is a bar for each year, as SVG is drawn: a box of 100 × 32 for each 10 years
// or so, numbers from the top.
type chart struct {
	Width int
	Bars  []bar
	Rest  []archive.Share // without a known year
}

type bar struct {
	archive.Share
	X, Y, Width, Height int
	Label               string // of the axis; "" where it would not fit
}

const (
	chartHeight = 120
	chartWidth  = 600
)

// newChart draws years, those between without files too, as long as there are not
// too many to see.
func newChart(shares []archive.Share) chart {
	c := chart{Width: chartWidth}
	most, byYear := 1, map[int]archive.Share{}
	from, to := 0, 0
	for _, s := range shares {
		year, err := strconv.Atoi(s.Value)
		if err != nil {
			c.Rest = append(c.Rest, s)
			continue
		}
		if byYear[year] = s; from == 0 || year < from {
			from = year
		}
		to, most = max(to, year), max(most, s.N)
	}
	if from == 0 || to-from > 150 {
		return c
	}
	step := chartWidth / (to - from + 1)
	step = min(step, 48)
	c.Width = step * (to - from + 1)
	every := (44 + step) / step // a label takes some 44
	for year := from; year <= to; year++ {
		s := byYear[year]
		b := bar{Share: s, X: (year-from)*step + 1, Width: max(step-2, 1), Height: s.N * chartHeight / most}
		if s.N > 0 {
			b.Height = max(b.Height, 2) // seen, however few
		}
		b.Y = chartHeight - b.Height
		if (year-from)%every == 0 {
			b.Label = strconv.Itoa(year)
		}
		c.Bars = append(c.Bars, b)
	}
	return c
}
