package charset

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"unicode/utf16"

	"golang.org/x/text/encoding/korean"
)

// marks are the byte order marks, the longer one first where one begins another.
var marks = []struct{ mark, name string }{
	{"\xef\xbb\xbf", UTF8},
	{"\xff\xfe\x00\x00", "utf-32le"},
	{"\x00\x00\xfe\xff", "utf-32be"},
	{"\xff\xfe", "utf-16le"},
	{"\xfe\xff", "utf-16be"},
}

// cutBOM takes a byte order mark off b and says what it stands for.
func cutBOM(b []byte) ([]byte, string) {
	for _, m := range marks {
		if bytes.HasPrefix(b, []byte(m.mark)) {
			return b[len(m.mark):], m.name
		}
	}
	return b, Unknown
}

// wide recognises UTF-16 without a byte order mark by its zero bytes: text in
// most scripts has line feeds and spaces, whose high byte is zero.
func wide(b []byte) string {
	b = b[:min(len(b), 4096)&^1]
	if len(b) < 8 {
		return Unknown
	}
	var even, odd int
	for i := 0; i < len(b); i += 2 {
		if b[i] == 0 {
			even++
		}
		if b[i+1] == 0 {
			odd++
		}
	}
	switch many := len(b) / 16; {
	case even > many && odd == 0:
		return "utf-16be"
	case odd > many && even == 0:
		return "utf-16le"
	}
	return Unknown
}

// decodeShifting reads the seven-bit charsets that change meaning by escape and
// shift sequences. Mail in them is often labelled us-ascii.
func decodeShifting(b []byte, label string) (text, used string) {
	switch {
	case label == "hz-gb-2312":
		return decodeAs(b, label), label
	case label == "iso-2022-kr" || bytes.Contains(b, []byte("\x1b$)C")):
		return decodeShiftKR(b), "iso-2022-kr"
	case bytes.Contains(b, []byte("\x1b$")) || bytes.Contains(b, []byte("\x1b(J")) || label == "iso-2022-jp":
		return decodeAs(b, "iso-2022-jp"), "iso-2022-jp"
	}
	return string(b), ASCII
}

// decodeShiftKR reads ISO-2022-KR (RFC 1557): between SO and SI, two bytes are a
// character of EUC-KR without the high bits.
func decodeShiftKR(b []byte) string {
	b = bytes.ReplaceAll(b, []byte("\x1b$)C"), nil)
	out, shifted := make([]byte, 0, len(b)), false
	for _, c := range b {
		switch {
		case c == 0x0e:
			shifted = true
		case c == 0x0f:
			shifted = false
		case shifted && c > 0x20:
			out = append(out, c|0x80)
		default:
			if c == '\n' {
				shifted = false // RFC 1557: a line ends in ASCII
			}
			out = append(out, c)
		}
	}
	text, err := korean.EUCKR.NewDecoder().Bytes(out)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return string(text)
}

// decodeUTF7 reads UTF-7 (RFC 2152). Only a label leads here: any ASCII text with
// a plus sign could be UTF-7, and hardly any is.
func decodeUTF7(b []byte) string {
	var out strings.Builder
	out.Grow(len(b))
	for len(b) > 0 {
		plus := bytes.IndexByte(b, '+')
		if plus < 0 {
			break
		}
		out.Write(b[:plus])
		b = b[plus+1:]
		n := 0
		for n < len(b) && isBase64(b[n]) {
			n++
		}
		run := b[:n]
		b = b[n:]
		closed := len(b) > 0 && b[0] == '-'
		if closed {
			b = b[1:]
		}
		switch units := utf7Units(run); {
		case n == 0 && closed:
			out.WriteByte('+')
		case units == nil: // not UTF-7 after all: as found
			out.WriteByte('+')
			out.Write(run)
			if closed {
				out.WriteByte('-')
			}
		default:
			out.WriteString(string(utf16.Decode(units)))
		}
	}
	out.Write(b)
	return strings.ToValidUTF8(out.String(), "\uFFFD")
}

func utf7Units(run []byte) []uint16 {
	raw := make([]byte, base64.RawStdEncoding.DecodedLen(len(run)))
	n, err := base64.RawStdEncoding.Decode(raw, run)
	if err != nil || n < 2 {
		return nil
	}
	units := make([]uint16, n/2)
	for i := range units {
		units[i] = binary.BigEndian.Uint16(raw[2*i:])
	}
	return units
}

func isBase64(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/'
}
