package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"html"
	"regexp"
	"strconv"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
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
// character: \n, \x41, \u0041, \u{41}, \101.
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
	}
	if b[1] >= '0' && b[1] <= '7' {
		return number(1, 4, 8)
	}
	return 0, 0
}

// runs gives the longest pieces of data that consist of bytes of an alphabet,
// at least least long. A line break, with marks of a quotation, does not end a run
// of at least lineRun bytes.
func runs(data []byte, in *[256]bool, least int, each func(run []byte) bool) {
	const lineRun = 16
	var run []byte
	for i := 0; i <= len(data); i++ {
		if i < len(data) && in[data[i]] {
			run = append(run, data[i])
			continue
		}
		if i < len(data) && len(run) >= lineRun {
			if n := lineBreak(data[i:]); n > 0 && i+n < len(data) && in[data[i+n]] {
				i += n - 1
				continue
			}
		}
		if len(run) >= least && !each(run) {
			return
		}
		run = run[:0]
	}
}

func lineBreak(b []byte) int {
	n := 0
	for n < len(b) && n < 8 && (b[n] == '\r' || b[n] == '\n' || n > 0 && (b[n] == '>' || b[n] == ' ' || b[n] == '\t')) {
		n++
	}
	return n
}

var base64Bytes, hexBytes = func() (b, h [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_") {
		b[c] = true
		h[c] = isHex(c)
	}
	return b, h
}()

// unbase64 decodes every run of the alphabet at every alignment: a form may stand in
// something that begins before the run.
func unbase64(_ *searching, data []byte, _ []string, give func([]byte) bool) {
	runs(data, &base64Bytes, 8, func(run []byte) bool {
		if isWord(run) {
			return true
		}
		std := bytes.ReplaceAll(bytes.ReplaceAll(run, []byte("-"), []byte("+")), []byte("_"), []byte("/"))
		for shift := range 4 {
			piece := std[min(shift, len(std)):]
			if len(piece)%4 == 1 {
				piece = piece[:len(piece)-1]
			}
			out := make([]byte, base64.RawStdEncoding.DecodedLen(len(piece)))
			n, _ := base64.RawStdEncoding.Decode(out, piece) // what could be read of it
			if worth(out[:n], shift == 0) && !give(out[:n]) {
				return false
			}
		}
		return true
	})
}

// isWord says whether a short run is letters as a word has them: all small, or all
// but the first, or all capitals. Base64 of eight letters is that once in a thousand
// times, and half of all long words would be decoded to noise.
func isWord(run []byte) bool {
	if len(run) > 24 {
		return false
	}
	small, large := 0, 0
	for _, c := range run[1:] {
		switch {
		case c >= 'a' && c <= 'z':
			small++
		case c >= 'A' && c <= 'Z':
			large++
		default:
			return false
		}
	}
	return small == 0 || large == 0
}

// unhex decodes runs of hexadecimal digits, and pairs of them with something between.
func unhex(_ *searching, data []byte, _ []string, give func([]byte) bool) {
	decode := func(run []byte) bool {
		for shift := range 2 {
			piece := run[shift:]
			piece = piece[:len(piece)/2*2]
			out := make([]byte, len(piece)/2)
			hex.Decode(out, piece)
			if worth(out, shift == 0) && !give(out) {
				return false
			}
		}
		return true
	}
	stopped := false
	runs(data, &hexBytes, 8, func(run []byte) bool {
		stopped = !decode(run)
		return !stopped
	})
	if stopped {
		return
	}
	hexPairs(data, decode)
}

// hexPairs gives the digits of at least four pairs that stand one by one, as in a
// dump or in an array of C: with one to four bytes between, of which none is a
// letter but an x.
func hexPairs(data []byte, each func(digits []byte) bool) {
	var digits []byte
	last := 0 // where the last pair ended
	for i := 0; i <= len(data); i++ {
		pair := i+2 <= len(data) && isHex(data[i]) && isHex(data[i+1]) && (i+2 == len(data) || !isHex(data[i+2]))
		if pair && len(digits) > 0 && between(data[last:i]) {
			digits = append(digits, data[i], data[i+1])
			i, last = i+1, i+2
			continue
		}
		if len(digits) > 0 && i-last <= 4 && i < len(data) && !pair {
			continue // perhaps the next one is near enough
		}
		if len(digits) >= 8 && !each(digits) {
			return
		}
		if digits = digits[:0]; pair {
			digits = append(digits, data[i], data[i+1])
			i, last = i+1, i+2
		}
	}
}

func between(b []byte) bool {
	if len(b) == 0 || len(b) > 4 {
		return false
	}
	for i, c := range b {
		switch c {
		case ' ', ':', ';', ',', '+', '-', '\\', 'x', '\r', '\n':
		case '0':
			if i+1 == len(b) || b[i+1] != 'x' {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// worth says whether decoded bytes are worth a search: they look like text, like
// UTF-16 or like a container, or are the whole of something long. Words of a
// language decode too, to noise.
func worth(b []byte, aligned bool) bool {
	if len(b) < 3 {
		return false
	}
	if aligned && len(b) >= 48 {
		return true
	}
	good, bytes8 := 0, 0
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r != utf8.RuneError && (unicode.IsPrint(r) || unicode.IsSpace(r)) {
			good += n
		}
		i += n
	}
	for _, c := range b {
		if c >= 0xa0 || c >= ' ' && c < 0x7f {
			bytes8++ // what text in an older character set is made of
		}
	}
	edge := min(4, len(b)/4) // a character may be cut at either end
	return good >= (len(b)-edge)*9/10 || len(b) >= 5 && bytes8 == len(b) || highBytes(b)*3 >= len(b) || container(b)
}

// highBytes counts what are high bytes in UTF-16 of Latin, Greek, Cyrillic, Hebrew
// and Arabic.
func highBytes(b []byte) (n int) {
	for _, c := range b {
		if c <= 1 || c >= 3 && c <= 6 {
			n++
		}
	}
	return n
}

func container(b []byte) bool {
	for _, magic := range []string{"PK\x03\x04", "\x1f\x8b\x08", "BZh", "x\x9c", "x\x01", "x\xda", "x\x5e"} {
		if bytes.HasPrefix(b, []byte(magic)) {
			return true
		}
	}
	return false
}

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
