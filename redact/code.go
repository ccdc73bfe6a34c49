package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"unicode"
	"unicode/utf8"
)

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
