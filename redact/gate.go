package redact

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"daylight/fault"
)

// Limits of what the gate searches. Beyond them it says that it has not searched
// everything, which is no pass.
const (
	maxInput  = 256 << 20 // of one output
	maxInside = 1 << 30   // of all that is unpacked and decoded from it
	maxDepth  = 6         // encodings inside of encodings
	maxListed = 100       // findings of one output
)

// Finding says where a listed form stands. It does not repeat the form.
type Finding struct {
	Name   string   // of the output, as given to Check
	Form   int      // which one, as an index to the list
	Way    []string // how it is hidden, from the outside: "zip", "quoted-printable"; empty when it stands there plainly
	Offset int64    // of the first, in the bytes at the end of Way
	Count  int      // how many of this form in this way
}

func (f Finding) String() string {
	s := fmt.Sprintf("%s: form %d, %d times, first at byte %d", f.Name, f.Form+1, f.Count, f.Offset)
	if len(f.Way) > 0 {
		s += ", inside " + strings.Join(f.Way, ", in it ")
	}
	return s
}

// Gate searches bytes for forms that must not be in them.
//
// It looks for what Text takes out, plainly and backwards, and in what it gets when
// it undoes, again and again: quoted-printable, percent signs, parameters of headers
// in pieces, HTML entities and markup, escapes of JSON and JavaScript, base64 and hexadecimal at every alignment,
// UTF-16, the older one-byte character sets of the forms' scripts, zip, gzip, bzip2
// and deflate with a zlib head, wherever in the bytes they begin.
//
// It cannot see what is written in pictures, with a font's own numbering, in a
// cipher, in base32, base85, uuencode, UTF-7 or UTF-32, in bare deflate, between the
// commands of RTF or PDF (whose text the desk extracts, and which is searched), with
// letters doubled, left out or put for others (K0valsky), or in another script or
// nickname than those listed. In bytes that are no
// text, what is encoded twice over is missed, and a form of less than five characters
// is only found next to other text. False alarms: five forms of five to seven letters
// came up once in 24 MB of random bytes, as letters of an older character set.
type Gate struct {
	*matcher
	charsets []charset
	pages    map[rune]bool // of 256 characters of Unicode, that the forms are in
}

// NewGate prepares a search for forms. A form without a letter or a digit cannot be
// found.
func NewGate(forms []string) *Gate {
	g := &Gate{matcher: newMatcher(forms), pages: map[rune]bool{}}
	all := strings.Join(forms, " ")
	for _, r := range all {
		g.pages[r>>8] = true
		if unicode.Is(unicode.Han, r) { // stands on eighty pages
			for page := rune(0x4e); page <= 0x9f; page++ {
				g.pages[page] = true
			}
		}
	}
	for _, c := range charsets {
		if strings.ContainsFunc(all, func(r rune) bool { return unicode.Is(c.script, r) }) {
			g.charsets = append(g.charsets, c)
		}
	}
	return g
}

// Check is NewGate and its Check.
func Check(ctx context.Context, name string, r io.Reader, forms []string) ([]Finding, error) {
	return NewGate(forms).Check(ctx, name, r)
}

// Check searches one output. No finding and no error means: none of the listed
// forms was found. With fault.TooLarge not everything was searched; the findings
// are right all the same.
func (g *Gate) Check(ctx context.Context, name string, r io.Reader) ([]Finding, error) {
	if len(g.forms) == 0 {
		return nil, ctx.Err()
	}
	data, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	if err != nil {
		return nil, fmt.Errorf("gate: read %s: %w", name, err)
	}
	if len(data) > maxInput {
		return nil, fmt.Errorf("gate: %s is longer than %d bytes and was not searched: %w", name, maxInput, fault.TooLarge)
	}
	s := &searching{Gate: g, ctx: ctx, name: name, left: maxInside, seen: map[[sha256.Size]byte]bool{}, listed: map[string]int{}}
	s.search(data, nil)
	if err := errors.Join(s.err, s.part); err != nil {
		return s.found, fmt.Errorf("gate: %s: %w", name, err)
	}
	return s.found, nil
}

// searching is one Check.
type searching struct {
	*Gate
	ctx    context.Context
	name   string
	left   int64
	seen   map[[sha256.Size]byte]bool // what was searched already, however one came to it
	listed map[string]int             // way and form → index in found
	found  []Finding
	part   error // why not everything was searched
	err    error // why the search ended
}

// search looks at bytes and at all that they can be decoded to.
func (s *searching) search(data []byte, way []string) {
	if len(data) == 0 || !s.goOn(data, way) {
		return
	}
	sum := sha256.Sum256(data)
	if s.seen[sum] {
		return
	}
	s.seen[sum] = true
	s.plain(string(data), way)
	for _, d := range decoders {
		further := append(way[:len(way):len(way)], d.name)
		d.decode(s, data, further, func(out []byte) bool {
			s.search(out, further)
			return s.err == nil
		})
	}
}

func (s *searching) goOn(data []byte, way []string) bool {
	if s.err == nil {
		s.err = s.ctx.Err()
	}
	if s.err != nil {
		return false
	}
	if len(way) > maxDepth {
		// Signs of text encodings stand in noise by chance, and what they give is
		// noise again; an archive's head and checksums do not.
		if archives[way[len(way)-1]] {
			s.skipped(fmt.Sprintf("more than %d encodings inside of each other", maxDepth))
		}
		return false
	}
	if len(way) > 0 {
		s.left -= int64(len(data))
	}
	if s.left < 0 {
		s.err = fmt.Errorf("it unpacks to more than %d bytes: not searched to the end: %w", maxInside, fault.TooLarge)
	}
	return s.err == nil
}

// skipped notes something that could not be searched.
func (s *searching) skipped(what string) {
	if s.part == nil {
		s.part = fmt.Errorf("%s: not searched: %w", what, fault.TooLarge)
	}
}

// plain finds the forms as they stand.
func (s *searching) plain(data string, way []string) {
	s.report(data, way, func(sp span) bool { return sp.inside || amongText(data, sp) })
}

func (s *searching) report(data string, way []string, counts func(span) bool) {
	for _, sp := range s.find(data, forward|backward) {
		if !counts(sp) {
			continue
		}
		w := way
		if sp.backward {
			w = append(way[:len(way):len(way)], "backwards")
		}
		s.add(sp, w)
	}
}

func (s *searching) add(sp span, way []string) {
	key := fmt.Sprint(sp.form, way)
	if i, ok := s.listed[key]; ok {
		s.found[i].Count++
		s.found[i].Offset = min(s.found[i].Offset, int64(sp.start))
		return
	}
	if len(s.found) == maxListed {
		return
	}
	s.listed[key] = len(s.found)
	s.found = append(s.found, Finding{s.name, sp.form, way, int64(sp.start), 1})
}

// amongText says whether a short form stands in something that people could read:
// three letters stand in any megabyte of a picture.
func amongText(data string, sp span) bool {
	const around = 8
	start, end := max(0, sp.start-around), min(len(data), sp.end+around)
	for start < sp.start && !utf8.RuneStart(data[start]) {
		start++
	}
	for end > sp.end && end < len(data) && !utf8.RuneStart(data[end]) {
		end--
	}
	for _, r := range data[start:end] {
		if r == utf8.RuneError || unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' {
			return false
		}
	}
	return !amongCode(data, sp)
}

// amongCode says whether a place is in a line of base64, where the signs + and /
// make words of two and three letters.
func amongCode(data string, sp span) bool {
	const line = 60
	start, end := sp.start, sp.end
	for start > 0 && end-start < line && base64Bytes[data[start-1]] {
		start--
	}
	for end < len(data) && end-start < line && base64Bytes[data[end]] {
		end++
	}
	return end-start >= line
}
