package mail

import (
	"bytes"
	"encoding/base64"
	"strings"

	"daylight/internal/charset"
)

// decodeWords reads a header value in which encoded words (RFC 2047) may stand.
// raw names the charset of bytes that are not encoded at all. Words that follow
// each other in the same charset are joined before they are read, because
// programs cut a character in two between them.
func decodeWords(value []byte, raw string) string {
	if !bytes.Contains(value, []byte("=?")) {
		return plainWords(value, raw)
	}
	var out strings.Builder
	var run []byte // decoded bytes of the words so far, all in label
	label := ""
	flush := func() {
		if run != nil {
			text, _ := charset.Decode(run, label)
			out.WriteString(text)
			run = nil
		}
	}
	for len(value) > 0 {
		start := bytes.Index(value, []byte("=?"))
		if start < 0 {
			break
		}
		word, l, n := encodedWord(value[start:])
		if n == 0 {
			flush()
			out.WriteString(plainWords(value[:start+2], raw))
			value = value[start+2:]
			continue
		}
		// RFC 2047, 6.2: white space between encoded words is not shown.
		if between := value[:start]; run == nil || !isBlank(between) {
			flush()
			out.WriteString(plainWords(between, raw))
		} else if !strings.EqualFold(l, label) {
			flush()
		}
		run, label = append(run, word...), l
		if run == nil {
			run = []byte{}
		}
		value = value[start+n:]
	}
	flush()
	out.WriteString(plainWords(value, raw))
	return out.String()
}

func plainWords(b []byte, raw string) string {
	for _, c := range b {
		if c >= 0x80 || c == 0x1b {
			text, _ := charset.Decode(b, raw)
			return text
		}
	}
	return string(b)
}

// encodedWord reads the encoded word that b begins with: its bytes, its charset
// and its length, which is 0 where there is none.
func encodedWord(b []byte) (word []byte, label string, n int) {
	rest := b[2:]
	q := bytes.IndexByte(rest[:min(len(rest), 80)], '?')
	if q < 1 || len(rest) < q+3 || rest[q+2] != '?' || bytes.IndexByte(rest[:q], ' ') >= 0 {
		return nil, "", 0
	}
	label, kind := string(rest[:q]), rest[q+1]|0x20
	data := rest[q+3:]
	end := bytes.Index(data, []byte("?="))
	if end < 0 {
		return nil, "", 0
	}
	// QUIRK: "=?utf-8?Q?a=?=" ends in "=?=" when the last byte was cut; and a Q word
	// may end in an escape, "=3F?=", which needs no care.
	n = 2 + q + 3 + end + 2
	data = data[:end]
	switch kind {
	case 'q':
		return qWord(data), label, n
	case 'b':
		return bWord(data), label, n
	}
	return nil, "", 0
}

// qWord reads the Q encoding. RFC 2047, 4.2: an underscore is a space. Spaces are
// forbidden, and written all the same.
func qWord(data []byte) []byte {
	out := make([]byte, 0, len(data))
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '_':
			out = append(out, ' ')
		case c == '=' && i+2 < len(data) && hex(data[i+1]) >= 0 && hex(data[i+2]) >= 0:
			out = append(out, byte(hex(data[i+1])<<4|hex(data[i+2])))
			i += 2
		default:
			out = append(out, c)
		}
	}
	return out
}

// bWord reads the B encoding, with or without its padding.
func bWord(data []byte) []byte {
	clean := make([]byte, 0, len(data))
	for _, c := range data {
		if base64Value[c] < 64 {
			clean = append(clean, c)
		}
	}
	if len(clean)%4 == 1 {
		clean = clean[:len(clean)-1]
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(clean)))
	n, _ := base64.RawStdEncoding.Decode(out, clean) // only characters of its alphabet are left
	return out[:n]
}

func hex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}
