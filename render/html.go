package render

import (
	"bytes"
	"regexp"
	"sync"

	"github.com/microcosm-cc/bluemonday"
)

// policy lets structure through, and how letters look. It has no attribute that
// can hold an address, so that nothing can be fetched or followed: looking at a
// message must not tell its sender. Colours are left out too, because white on
// white is how text is hidden.
var policy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "div", "span", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote", "center",
		"b", "strong", "i", "em", "u", "s", "strike", "del", "ins", "small", "big", "sub", "sup", "code", "tt", "q", "cite",
		"ul", "ol", "li", "dl", "dt", "dd", "address", "article", "section", "header", "footer", "figure", "figcaption")
	p.AllowTables()
	p.AllowAttrs("dir").Matching(bluemonday.Direction).Globally()
	p.AllowAttrs("lang").Matching(regexp.MustCompile(`^[A-Za-z0-9-]{1,35}$`)).Globally()
	p.AllowStyles("text-align").MatchingEnum("left", "right", "center", "justify", "start", "end").Globally()
	p.AllowStyles("font-weight").MatchingEnum("bold", "normal", "600", "700").Globally()
	p.AllowStyles("font-style").MatchingEnum("italic", "normal").Globally()
	p.AddSpaceWhenStrippingTag(true)
	return p
})

// around stands before and after the body. The page forbids itself what the policy
// has taken out: two walls.
const (
	before = `<!doctype html>
<html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer"><title>formatted text</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:70ch;margin:1rem auto;padding:0 1rem;overflow-wrap:anywhere}
table{border-collapse:collapse}td,th{vertical-align:top;padding:.1rem .4rem}
@media(prefers-color-scheme:dark){body{background:#161616;color:#e8e8e8}}</style></head><body>
`
	after = "\n</body></html>\n"
)

// SafeHTML makes a page of HTML as found: its text and structure, without scripts,
// forms, links, pictures, fonts, frames and styles that could fetch or hide.
func SafeHTML(found string) []byte {
	var b bytes.Buffer
	b.WriteString(before)
	b.Write(policy().SanitizeBytes([]byte(found)))
	b.WriteString(after)
	return b.Bytes()
}
