package search

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"daylight/text"
)

// Parse reads a query as people write it. An empty one matches everything.
//
//	contract surveillance          both words; AND may be written
//	contract OR tender             one of them; | is the same; AND binds closer
//	contract -draft                not the second; NOT is the same
//	"exact phrase"  surveil*       see Phrase and Prefix; * alone is everything
//	(a OR b) c                     groups
//	from:anna  from:"anna b"       one field: text, title (or subject), name, from,
//	subject:(tender OR bid)        to, attachment
//	language:ru  origin:(a OR b)   a facet: see FacetNames
//	type:pdf  type:image           a media type, or a name for some of them
//	year:2010..2012                a range; an end may be missing
//	date:2011-03..2012-05-31       days, months, years, or 2011-03-01T12:00:00Z;
//	                               both ends are in
//
// Operators are in upper case, so that "and" is a word. Nothing is silently
// loosened: what cannot be read is a *SyntaxError, never ignored.
func Parse(s string) (Query, error) {
	q, err := parse(s)
	if err != nil {
		return nil, err
	}
	// Fields of groups and names of types are written out in a tree. What was
	// accepted once is accepted again, as String writes it.
	if len(s) > MaxQuery/16 {
		if n := len(q.String()); n > MaxQuery {
			return nil, refuse(len(s), tooLongWritten, MaxQuery, n)
		}
	}
	return q, nil
}

func parse(s string) (Query, error) {
	if len(s) > MaxQuery {
		return nil, refuse(MaxQuery, tooLong, MaxQuery, len(s))
	}
	if i := invalidUTF8(s); i >= 0 {
		return nil, refuse(i, notText)
	}
	p := &parser{s: s}
	if p.space(); p.pos == len(s) {
		return All{}, nil
	}
	q, err := p.or(scope{})
	if err != nil {
		return nil, err
	}
	if p.pos < len(s) { // or stops at nothing else
		return nil, refuse(p.pos, closesNothing)
	}
	return q, nil
}

func invalidUTF8(s string) int {
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			return i
		}
	}
	return -1
}

type parser struct {
	s            string
	pos          int
	depth, nodes int
}

// scope is what a word is a word of: "from:(…)" or "language:(…)".
type scope struct {
	name  string // as written, for errors; "" outside
	field string
	facet string
	date  bool
}

func (p *parser) count(pos, n int) error {
	if p.nodes += n; p.nodes > MaxNodes {
		return refuse(pos, tooMany, MaxNodes)
	}
	return nil
}

func (p *parser) down(pos int) error {
	if p.depth++; p.depth > MaxDepth {
		return refuse(pos, tooDeep, MaxDepth)
	}
	return nil
}

// space skips white space.
func (p *parser) space() {
	p.pos += len(p.s[p.pos:]) - len(strings.TrimLeftFunc(p.s[p.pos:], unicode.IsSpace))
}

// peek returns the operator that stands next: "AND", "OR", "NOT", "|", "(", ")",
// "-", or "" for a word, a phrase or the end. It stands at p.pos.
func (p *parser) peek() string {
	p.space()
	rest := p.s[p.pos:]
	if rest == "" {
		return ""
	}
	if strings.IndexByte("|()-", rest[0]) >= 0 {
		return rest[:1]
	}
	switch w := rest[:wordEnd(rest)]; w {
	case "AND", "OR", "NOT":
		return w
	}
	return ""
}

// or reads operands apart by OR, up to the end or a closing parenthesis.
func (p *parser) or(sc scope) (Query, error) {
	start := p.pos
	var of []Query
	for {
		q, err := p.and(sc)
		if err != nil {
			return nil, err
		}
		if o, ok := q.(Or); ok {
			of = append(of, o.Of...)
		} else {
			of = append(of, q)
		}
		op := p.peek()
		if op != "OR" && op != "|" {
			break
		}
		p.pos += len(op)
	}
	if len(of) == 1 {
		return of[0], nil
	}
	if sc.facet != "" {
		if is, ok := oneOf(of); ok {
			return is, nil
		}
	}
	return Or{of}, p.count(start, 1)
}

// oneOf joins the values of one facet, "language:(ru OR en)", into one node.
func oneOf(of []Query) (Is, bool) {
	var all Is
	for _, q := range of {
		is, ok := q.(Is)
		if !ok {
			return Is{}, false
		}
		all.Facet = is.Facet
		all.Values = append(all.Values, is.Values...)
	}
	return all, true
}

// and reads operands one after the other, with or without AND.
func (p *parser) and(sc scope) (Query, error) {
	start := p.pos
	var of []Query
	for {
		q, err := p.unary(sc)
		if err != nil {
			return nil, err
		}
		if a, ok := q.(And); ok {
			of = append(of, a.Of...)
		} else {
			of = append(of, q)
		}
		switch op := p.peek(); {
		case op == "AND":
			p.pos += len(op)
			continue
		case op == "OR" || op == "|" || op == ")" || p.pos == len(p.s):
			if len(of) == 1 {
				return of[0], nil
			}
			return And{of}, p.count(start, 1)
		}
	}
}

// unary reads one operand with the negations before it.
func (p *parser) unary(sc scope) (Query, error) {
	op, start := p.peek(), p.pos
	if err := p.down(start); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	switch op {
	case "NOT", "-":
		p.pos += len(op)
		if op == "-" && len(p.s[p.pos:]) > 0 && unicode.IsSpace(firstRune(p.s[p.pos:])) {
			return nil, refuse(start, minusAlone)
		}
		q, err := p.unary(sc)
		if err != nil {
			return nil, err
		}
		return Not{q}, p.count(start, 1)
	case "(":
		return p.group(sc)
	case ")", "OR", "|", "AND":
		return nil, refuse(start, missingBefore, op)
	}
	if p.pos == len(p.s) {
		return nil, refuse(start, missingAtEnd)
	}
	return p.operand(sc)
}

// group reads a query in parentheses.
func (p *parser) group(sc scope) (Query, error) {
	open := p.pos
	p.pos++
	q, err := p.or(sc)
	if err != nil {
		return nil, err
	}
	if p.peek() != ")" {
		return nil, refuse(open, notClosed)
	}
	p.pos++
	return q, nil
}

// operand reads a phrase, a word, or a field with what belongs to it.
func (p *parser) operand(sc scope) (Query, error) {
	start := p.pos
	if phrase, ok, err := p.quoted(); ok || err != nil {
		if err != nil {
			return nil, err
		}
		return p.leaf(sc, start, phrase, true)
	}
	w := p.s[p.pos : p.pos+wordEnd(p.s[p.pos:])]
	if inner, n, ok, err := p.fieldOf(sc, w); err != nil {
		return nil, err
	} else if ok {
		p.pos += n
		return p.inField(inner, start)
	}
	p.pos += len(w)
	if next := firstRune(p.s[p.pos:]); closing(next) != nil {
		return nil, refuse(p.pos, quoteInWord)
	}
	return p.leaf(sc, start, w, false)
}

// inField reads what follows the colon of a field: a group, a phrase or a word,
// without a space between.
func (p *parser) inField(sc scope, start int) (Query, error) {
	rest := p.s[p.pos:]
	if rest == "" || unicode.IsSpace(firstRune(rest)) || rest[0] == ')' || rest[0] == '|' {
		return nil, refuse(start, missingInField, sc.name)
	}
	if rest[0] == '(' {
		if err := p.down(p.pos); err != nil {
			return nil, err
		}
		defer func() { p.depth-- }()
		return p.group(sc)
	}
	if rest[0] == '-' {
		return nil, refuse(p.pos, minusInField, sc.name)
	}
	at := p.pos
	if phrase, ok, err := p.quoted(); ok || err != nil {
		if err != nil {
			return nil, err
		}
		return p.leaf(sc, at, phrase, true)
	}
	w := rest[:wordEnd(rest)]
	p.pos += len(w)
	if next := firstRune(p.s[p.pos:]); closing(next) != nil {
		return nil, refuse(p.pos, quoteInWord)
	}
	return p.leaf(sc, at, w, false)
}

// leaf makes the node of one word or phrase.
func (p *parser) leaf(sc scope, pos int, w string, quoted bool) (Query, error) {
	if err := p.count(pos, 1); err != nil {
		return nil, err
	}
	switch {
	case sc.date:
		return p.dates(pos, w)
	case sc.facet != "":
		return p.value(sc, pos, w, quoted)
	case quoted:
		if !hasToken(w) {
			return nil, refuse(pos, emptyQuotes)
		}
		return Phrase{sc.field, w}, nil
	case w == "*" && sc.field == "":
		return All{}, nil
	case strings.Contains(w, "*"):
		return p.prefix(sc, pos, w)
	case !hasToken(w):
		return nil, refuse(pos, emptyWord, w)
	}
	return Word{sc.field, w}, nil
}

func (p *parser) prefix(sc scope, pos int, w string) (Query, error) {
	begin := strings.TrimSuffix(w, "*")
	if i := strings.IndexByte(begin, '*'); i >= 0 || len(begin) == len(w) {
		return nil, refuse(pos, asteriskInside)
	}
	last := 0
	for t := range text.Tokens(begin) {
		last = t.End
	}
	if last == 0 || last < len(begin) {
		return nil, refuse(pos, asteriskAlone)
	}
	return Prefix{sc.field, begin}, nil
}

func hasToken(s string) bool {
	for range text.Tokens(s) {
		return true
	}
	return false
}

func firstRune(s string) rune {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return 0
	}
	return r
}
