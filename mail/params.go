package mail

import (
	"bytes"
	"sort"
	"strconv"
	"strings"

	"daylight/internal/charset"
)

// params reads a value with parameters, such as Content-Type: the value itself in
// lower case, and the parameters by name in lower case, decoded. It reads RFC
// 2231 with continuations and charsets, encoded words in quotes, which the
// standard forbids and programs write, and values with spaces and no quotes.
func params(value []byte, raw string) (string, map[string]string) {
	value = unfold(value)
	main, rest, _ := bytes.Cut(value, []byte{';'})
	var pieces []piece
	for len(rest) > 0 && len(pieces) < 256 {
		var p piece
		p, rest = nextParam(rest)
		if p.name != "" {
			pieces = append(pieces, p)
		}
	}
	out := make(map[string]string, len(pieces))
	sort.SliceStable(pieces, func(i, j int) bool { return pieces[i].order < pieces[j].order })
	joined := map[string][]piece{}
	for _, p := range pieces {
		if p.order < 0 {
			if _, again := out[p.name]; !again {
				out[p.name] = decodeWords(p.value, raw)
			}
			continue
		}
		joined[p.name] = append(joined[p.name], p)
	}
	for name, parts := range joined {
		out[name] = joinParam(parts, raw) // RFC 2231 wins over the plain form
	}
	return strings.ToLower(strings.Trim(string(main), " \t\"';")), out
}

// piece is one parameter as found: order is the number of a continuation, 0 for an
// extended value without one, -1 for a plain parameter.
type piece struct {
	name     string
	order    int
	extended bool // percent-encoded, the first one with a charset
	value    []byte
}

// nextParam takes the first parameter off b.
func nextParam(b []byte) (piece, []byte) {
	b = bytes.TrimLeft(b, "; \t")
	i := bytes.IndexAny(b, "=;")
	if i < 0 {
		return piece{}, nil
	}
	if b[i] == ';' {
		return piece{}, b[i+1:]
	}
	p := piece{name: strings.ToLower(string(bytes.TrimSpace(b[:i]))), order: -1}
	p.value, b = paramValue(bytes.TrimLeft(b[i+1:], " \t"))
	name, number, star := strings.Cut(p.name, "*")
	if star {
		p.name, p.order = name, 0
		p.extended = number == "" || strings.HasSuffix(number, "*")
		if n, err := strconv.Atoi(strings.TrimSuffix(number, "*")); err == nil && n >= 0 {
			p.order = n
		}
	}
	return p, b
}

func paramValue(b []byte) (value, rest []byte) {
	if len(b) == 0 || b[0] != '"' {
		value, rest, _ = bytes.Cut(b, []byte{';'})
		return bytes.TrimSpace(value), rest
	}
	var out []byte
	i := 1
	for ; i < len(b) && b[i] != '"'; i++ {
		// QUIRK: programs of Windows put whole paths here; only quotes and backslashes
		// are escaped in earnest.
		if b[i] == '\\' && i+1 < len(b) && (b[i+1] == '"' || b[i+1] == '\\') {
			i++
		}
		out = append(out, b[i])
	}
	_, rest, _ = bytes.Cut(b[min(i+1, len(b)):], []byte{';'})
	return out, rest
}

// joinParam joins continuations. The charset is named once, in the first piece;
// the bytes are joined before they are decoded, for the cut may be in a character.
func joinParam(parts []piece, raw string) string {
	label, extended := "", false
	var all []byte
	for i, p := range parts {
		value := p.value
		if i == 0 && p.extended {
			// RFC 2231, 4: charset'language'text.
			if set, after, ok := bytes.Cut(value, []byte{'\''}); ok {
				if _, text, ok := bytes.Cut(after, []byte{'\''}); ok {
					label, value = string(set), text
				}
			}
		}
		if p.extended {
			extended = true
			value = percent(value)
		}
		all = append(all, value...)
	}
	if !extended {
		return decodeWords(all, raw)
	}
	text, _ := charset.Decode(all, label)
	return text
}

func percent(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '%' && i+2 < len(b) && hex(b[i+1]) >= 0 && hex(b[i+2]) >= 0 {
			out = append(out, byte(hex(b[i+1])<<4|hex(b[i+2])))
			i += 2
			continue
		}
		out = append(out, b[i])
	}
	return out
}
