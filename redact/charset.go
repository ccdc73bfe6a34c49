package redact

import (
	"bytes"
	"encoding/binary"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// unUTF16 decodes both orders of bytes from both places where a unit may begin. Text
// that is UTF-8 and has no control characters holds none.
func unUTF16(s *searching, data []byte, way []string, give func([]byte) bool) {
	if utf8.Valid(data) && !bytes.ContainsFunc(data, control) {
		return
	}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for shift := range min(2, len(data)) {
			piece := data[shift:]
			units := make([]uint16, len(piece)/2)
			for i := range units {
				units[i] = order.Uint16(piece[2*i:])
			}
			out := s.stretches(utf16.Decode(units))
			if len(out) < len(data)/8 {
				s.plain(string(out), way) // pieces in something else: no text to decode further
			} else if len(out) > 0 && !give(out) {
				return
			}
		}
	}
}

// stretches keeps pieces of at least three characters that are in the pages of
// Unicode where the forms are, or in ASCII: all else is what noise decodes to.
func (s *searching) stretches(text []rune) []byte {
	var out []byte
	for start := 0; start < len(text); {
		end := start
		for end < len(text) && s.known(text[end]) {
			end++
		}
		if end-start >= 3 {
			out = append(append(out, string(text[start:end])...), '\n')
		}
		start = end + 1
	}
	return out
}

// known says whether a character may stand in or next to a form.
func (s *searching) known(r rune) bool {
	if unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' {
		return false
	}
	return r < 0x250 || r >= 0x2000 && r < 0x2070 || s.pages[r>>8]
}

// charset is a character set of one byte a character that texts in a script were
// written in.
type charset struct {
	script *unicode.RangeTable
	set    *charmap.Charmap
}

var charsets = []charset{
	{unicode.Cyrillic, charmap.Windows1251},
	{unicode.Cyrillic, charmap.KOI8R},
	{unicode.Cyrillic, charmap.CodePage866},
	{unicode.Cyrillic, charmap.ISO8859_5},
	{unicode.Arabic, charmap.Windows1256},
	{unicode.Arabic, charmap.ISO8859_6},
	{unicode.Hebrew, charmap.Windows1255},
	{unicode.Greek, charmap.Windows1253},
	{unicode.Latin, charmap.Windows1252},
	{unicode.Latin, charmap.Windows1250},
}

// uncharset decodes what is no UTF-8, with what stands around it, as far as the
// pieces between control characters are text then. Nothing is decoded further: signs
// of ASCII are the same in all these sets, so that was done before.
func uncharset(s *searching, data []byte, way []string, _ func([]byte) bool) {
	if utf8.Valid(data) || len(s.charsets) == 0 {
		return
	}
	noise := bytes.ContainsFunc(data, control)
	windows := foreign(data)
	for _, c := range s.charsets {
		var out []byte
		decoder := c.set.NewDecoder()
		for _, w := range windows {
			for piece := range bytes.FieldsFuncSeq(w, control) {
				if len(piece) < 3 || utf8.Valid(piece) {
					continue
				}
				if text, err := decoder.Bytes(piece); err == nil && c.mostly(text) {
					out = append(append(out, text...), '\n')
				}
			}
		}
		if !noise {
			s.plain(string(out), way)
		} else {
			s.report(string(out), way, func(sp span) bool { return sp.inside })
		}
	}
}

// foreign gives what is not UTF-8 and 256 bytes before and after.
func foreign(data []byte) (windows [][]byte) {
	const around = 256
	start, end := -1, -1
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			if from := max(0, i-around); start < 0 || from > end {
				if start >= 0 {
					windows = append(windows, data[start:end])
				}
				start = from
			}
			end = min(len(data), i+around)
		}
		i += n
	}
	if start >= 0 {
		windows = append(windows, data[start:end])
	}
	return windows
}

// mostly says whether four in five characters are what texts are made of, and in
// something short all of them: of noise, half are.
func (c charset) mostly(text []byte) bool {
	all, good := 0, 0
	for _, r := range string(text) {
		all++
		if r < utf8.RuneSelf {
			if c := byte(r); base64Bytes[c] || c == ' ' || c == '\n' || c == '\r' || c == '\t' {
				good++
			}
			continue
		}
		if unicode.Is(c.script, r) || unicode.Is(unicode.Latin, r) || unicode.IsSpace(r) {
			good++
		}
	}
	return good == all || all >= 8 && good*5 >= all*4
}
