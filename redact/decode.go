package redact

import (
	"bytes"
	"encoding/base64"
	"html"
	"regexp"
	"strconv"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// decoder undoes one way of writing bytes. It gives what it gets, once or several
// times, and nothing where there is nothing to undo. give returns false to stop. way
// is how one comes to what is given.
type decoder struct {
	name   string
	decode func(s *searching, data []byte, way []string, give func([]byte) bool)
}

var decoders = []decoder{
	{"encoded word", whole(unword)},
	{"quoted-printable", whole(unquote)},
	{"percent-encoding", whole(unpercent)},
	{"HTML", whole(unHTML)},
	{"markup", whole(unMarkup)},
	{"a parameter in pieces", whole(unpiece)},
	{"escapes", whole(unescape)},
	{"base64", unbase64},
	{"hexadecimal", unhex},
	{"UTF-16", unUTF16},
	{"an older character set", uncharset},
	{"zip", unzip},
	{"gzip", ungzip},
	{"zlib", unzlib},
	{"bzip2", unbzip2},
}

// archives are the decoders that do not find anything by chance.
var archives = map[string]bool{"zip": true, "gzip": true, "zlib": true, "bzip2": true}

// whole makes a decoder of a function that decodes signs of ASCII in text, in
// whatever character set, or returns nil. Of bytes that are no text it is given the
// pieces between control characters one by one, and what it changed is not decoded
// further: signs that mean something in text stand in all noise.
func whole(f func([]byte) []byte) func(*searching, []byte, []string, func([]byte) bool) {
	return func(s *searching, data []byte, way []string, give func([]byte) bool) {
		if !bytes.ContainsFunc(data, control) {
			if out := f(data); out != nil {
				give(out)
			}
			return
		}
		const shortest = 6
		var out []byte
		for piece := range bytes.FieldsFuncSeq(data, control) {
			if len(piece) < shortest {
				continue
			}
			if changed := f(piece); changed != nil {
				out = append(append(out, changed...), '\n')
			}
		}
		s.plain(string(out), way)
	}
}

func control(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f }

var words2047 = regexp.MustCompile(`(?:=\?[^?\s]{1,60}\?[bBqQ]\?[^?\s]*\?=\s*)+`)

// unword undoes the encoded words of RFC 2047. Neighbours are joined, as 6.2 there
// asks; their bytes stay in their character set.
func unword(data []byte) []byte {
	if !bytes.Contains(data, []byte("=?")) {
		return nil
	}
	out := words2047.ReplaceAllFunc(data, func(words []byte) []byte {
		var joined []byte
		for _, w := range bytes.Fields(bytes.ReplaceAll(words, []byte("?==?"), []byte("?= =?"))) {
			parts := bytes.SplitN(bytes.TrimSuffix(w, []byte("?=")), []byte("?"), 4)
			if len(parts) < 4 {
				continue
			}
			if parts[2][0]|0x20 == 'b' {
				b, _ := base64.RawStdEncoding.DecodeString(string(bytes.TrimRight(parts[3], "=")))
				joined = append(joined, b...)
				continue
			}
			q := bytes.ReplaceAll(parts[3], []byte("_"), []byte(" "))
			if b := unquote(q); b != nil {
				q = b
			}
			joined = append(joined, q...)
		}
		return append(joined, ' ')
	})
	if bytes.Equal(out, data) {
		return nil
	}
	return out
}

// unquote undoes quoted-printable (RFC 2045, 6.7) and the Q of RFC 2047, also in
// the middle of something else. A soft line break joins what it parted.
func unquote(data []byte) []byte {
	if bytes.IndexByte(data, '=') < 0 {
		return nil
	}
	return hexAfter(data, '=', func(rest []byte) int { // after the sign: a line's end?
		n := 0
		for n < len(rest) && (rest[n] == ' ' || rest[n] == '\t') {
			n++
		}
		if n < len(rest) && rest[n] == '\r' {
			n++
		}
		if n < len(rest) && rest[n] == '\n' {
			return n + 1
		}
		return 0
	})
}

// unpercent undoes what addresses and forms do; in a form a plus sign is a space.
func unpercent(data []byte) []byte {
	if bytes.IndexByte(data, '%') < 0 {
		return nil
	}
	spaced := bytes.ReplaceAll(data, []byte("+"), []byte(" "))
	return hexAfter(spaced, '%', func([]byte) int { return 0 })
}

// hexAfter replaces a sign and two hexadecimal digits by their byte, and drops the
// sign with as many bytes as skip says. It returns nil when nothing changed.
func hexAfter(data []byte, sign byte, skip func(rest []byte) int) []byte {
	out := make([]byte, 0, len(data))
	changed := false
	for i := 0; i < len(data); i++ {
		if data[i] == sign {
			if i+2 < len(data) && isHex(data[i+1]) && isHex(data[i+2]) {
				out = append(out, unhexByte(data[i+1])<<4|unhexByte(data[i+2]))
				i, changed = i+2, true
				continue
			}
			if n := skip(data[i+1:]); n > 0 {
				i, changed = i+n, true
				continue
			}
		}
		out = append(out, data[i])
	}
	if !changed {
		return nil
	}
	return out
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func unhexByte(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}

var tag = regexp.MustCompile(`<[/!?a-zA-Z][^<>]*>`)

var piece2231 = regexp.MustCompile(`"?[ \t]*;[ \t\r\n]*[A-Za-z]{1,20}\*[0-9]{1,3}\*?[ \t]*=[ \t]*"?`)

// unpiece joins the pieces of a long parameter of a header, such as the name of an
// attached file. RFC 2231, 3.
func unpiece(data []byte) []byte {
	if !bytes.Contains(data, []byte("*1")) {
		return nil
	}
	out := piece2231.ReplaceAll(data, nil)
	if len(out) == len(data) {
		return nil
	}
	return out
}

// unHTML takes out tags, so that a name with markup inside is one, and resolves
// entities.
func unHTML(data []byte) []byte {
	if bytes.IndexByte(data, '&') < 0 && bytes.IndexByte(data, '<') < 0 {
		return nil
	}
	out := []byte(html.UnescapeString(string(tag.ReplaceAll(data, nil))))
	if bytes.Equal(out, data) {
		return nil
	}
	return out
}

// unescape undoes the escapes of JSON, JavaScript, C and CSS that stand for a
// character: \n, \x41, \u0041, \u{41}, \U00000041, \101.
func unescape(data []byte) []byte {
	i := bytes.IndexByte(data, '\\')
	if i < 0 {
		return nil
	}
	out := append(make([]byte, 0, len(data)), data[:i]...)
	var high rune // first half of a surrogate pair
	for i < len(data) {
		r, n := escaped(data[i:])
		switch {
		case n == 0:
			out = append(out, data[i])
			n = 1
		case utf16.IsSurrogate(r):
			if pair := utf16.DecodeRune(high, r); pair != utf8.RuneError {
				out, r = utf8.AppendRune(out, pair), 0
			}
		case r > 0x7f && r <= 0xff && data[i+1] != 'u': // a byte, of whatever character set
			out = append(out, byte(r))
		default:
			out = utf8.AppendRune(out, r)
		}
		high, i = r, i+n
	}
	return out
}

// escaped reads one escape, and returns how long it is; 0 for none.
func escaped(b []byte) (rune, int) {
	if len(b) < 2 || b[0] != '\\' {
		return 0, 0
	}
	number := func(start, end, base int) (rune, int) {
		if end > len(b) {
			return 0, 0
		}
		n, err := strconv.ParseUint(string(b[start:end]), base, 32)
		if err != nil || n > unicode.MaxRune {
			return 0, 0
		}
		return rune(n), end
	}
	switch b[1] {
	case 'n', 't':
		return '\n', 2
	case 'r':
		return '\r', 2
	case '"', '\\', '/', '\'':
		return rune(b[1]), 2
	case 'x':
		return number(2, 4, 16)
	case 'u':
		if len(b) > 2 && b[2] == '{' {
			end := bytes.IndexByte(b[:min(len(b), 12)], '}')
			if r, n := number(3, max(end, 3), 16); n > 0 {
				return r, end + 1
			}
			return 0, 0
		}
		return number(2, 6, 16)
	case 'U':
		return number(2, 10, 16)
	}
	if b[1] >= '0' && b[1] <= '7' {
		return number(1, 4, 8)
	}
	return 0, 0
}
