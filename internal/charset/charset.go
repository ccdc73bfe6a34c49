// Package charset turns bytes of any charset into UTF-8. It trusts a label as far
// as the bytes bear it out: old mail is full of labels that are missing, unknown
// or wrong. What it returns is always valid UTF-8; a byte that means nothing in
// the charset becomes U+FFFD.
package charset

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Names of charsets that Decode gives besides those of the WHATWG standard.
const (
	ASCII   = "us-ascii"
	UTF8    = "utf-8"
	UTF7    = "utf-7"
	Unknown = ""
)

// Decode returns the text of b and the charset that it was read as. label is what
// the document says, or "" when it says nothing. The label is overruled by a byte
// order mark, by bytes that are UTF-8 beyond chance, and by a guess where the
// bytes make no sense as labelled and much more sense otherwise.
func Decode(b []byte, label string) (text, used string) {
	if b, name := cutBOM(b); name != Unknown {
		return decodeAs(b, name), name
	}
	label = canonical(label)
	if label == UTF7 {
		return decodeUTF7(b), UTF7
	}
	if isASCII(b) {
		switch {
		case bytes.IndexByte(b, 0x1b) >= 0 || label == "hz-gb-2312" || bytes.IndexByte(b, 0x0e) >= 0:
			return decodeShifting(b, label)
		case strings.HasPrefix(label, "utf-16") || strings.HasPrefix(label, "utf-32"):
			// Text without a single zero byte is not UTF-16, whatever its label says.
			if bytes.IndexByte(b, 0) >= 0 {
				return decodeAs(b, label), label
			}
		case bytes.IndexByte(b, 0) >= 0:
			if name := wide(b); name != Unknown {
				return decodeAs(b, name), name
			}
		}
		return string(b), ASCII
	}
	if multi, bad := countUTF8(b); bad == 0 {
		if multi >= 4 || label == UTF8 || label == Unknown || latin(label) {
			return strings.ToValidUTF8(string(b), "\uFFFD"), UTF8 // its end may be cut
		}
	} else if multi > 8*bad {
		return strings.ToValidUTF8(string(b), "\uFFFD"), UTF8
	}
	name := judge(b, label)
	return decodeAs(b, name), name
}

// judge decides between the label and a guess.
func judge(b []byte, label string) string {
	if name := wide(b); name != Unknown && !strings.HasPrefix(label, "utf-16") {
		return name
	}
	if label == UTF8 || label == ASCII || lookup(label) == nil {
		return Guess(b)
	}
	sample := highWords(b)
	said := score(decodeAs(sample, label))
	switch {
	case latin(label):
	case said >= 0.75 || len(sample) < 12 && said > -0.5:
		return label
	case wideSet(label) && said > -0.3:
		return label // bytes that are no text of it seldom are valid in it
	}
	margin := 0.35
	if len(sample) >= 40 {
		margin = 0.2
	}
	if name, best := guess(sample); best > said+margin && !(latin(name) && latin(label)) {
		return name
	}
	return label
}

// Guess names the charset of b from its bytes alone. It is windows-1252 when
// nothing speaks for anything else.
func Guess(b []byte) string {
	if _, name := cutBOM(b); name != Unknown {
		return name
	}
	if name := wide(b); name != Unknown {
		return name
	}
	if isASCII(b) {
		return ASCII
	}
	if multi, bad := countUTF8(b); bad == 0 || multi > 8*bad {
		return UTF8
	}
	name, _ := guess(highWords(b))
	return name
}

// Known reports whether a label names a charset that Decode can read.
func Known(label string) bool {
	label = canonical(label)
	return label == ASCII || label == UTF8 || label == UTF7 || lookup(label) != nil
}

// As returns the text of b in a charset that is certain: nothing is guessed.
func As(b []byte, label string) string { return decodeAs(b, canonical(label)) }

func decodeAs(b []byte, name string) string {
	if name == UTF8 || name == ASCII || name == Unknown {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	enc := lookup(name)
	if enc == nil {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	out, err := enc.NewDecoder().Bytes(b)
	if err != nil { // decoders of x/text replace; none is known to fail on bytes
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return string(out)
}

// latin reports whether a label says no more than "Western": what programs write
// that never asked.
func latin(name string) bool {
	switch name {
	case ASCII, "windows-1252", "iso-8859-15", "windows-1250", "iso-8859-2", "windows-1254", "macintosh":
		return true
	}
	return false
}

// wideSet reports whether a charset has characters of two bytes, whose pairs bear a
// label out by being valid at all.
func wideSet(name string) bool {
	switch name {
	case "gb18030", "big5", "euc-kr", "shift_jis", "euc-jp":
		return true
	}
	return false
}

func isASCII(b []byte) bool {
	for len(b) >= 8 {
		if (b[0]|b[1]|b[2]|b[3]|b[4]|b[5]|b[6]|b[7])&0x80 != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// countUTF8 counts the sequences of several bytes that are UTF-8 and the bytes
// that are not. A sequence cut off at the end is neither.
func countUTF8(b []byte) (multi, bad int) {
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case r != utf8.RuneError || n > 1:
			multi++
		case len(b)-i < utf8.UTFMax && !utf8.FullRune(b[i:]):
			return multi, bad
		default:
			bad++
		}
		i += n
	}
	return multi, bad
}
