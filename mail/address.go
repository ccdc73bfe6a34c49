package mail

import (
	"bytes"
	"strings"

	"daylight/corpus"
)

// addresses reads a list of addresses as written: with names in quotes, in
// comments or after nothing, groups, semicolons of Outlook, and addresses that
// are none. An encoded word is decoded after the list is split, because the comma
// of a name may stand in it.
func addresses(value []byte, raw string) []corpus.Address {
	var list []corpus.Address
	for len(value) > 0 && len(list) < 10_000 {
		var one []byte
		one, value = nextAddress(value)
		if a := address(one, raw); a != (corpus.Address{}) {
			list = append(list, a)
		}
	}
	return list
}

// nextAddress takes the text up to the next comma or semicolon that is outside of
// quotes, comments and brackets. The name of a group ("Friends: a, b;") is left out.
func nextAddress(b []byte) (one, rest []byte) {
	start, comment, quoted, angle := 0, 0, false, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\\' && (quoted || comment > 0):
			i++
		case c == '"' && comment == 0:
			// A quote that never closes quotes nothing.
			quoted = !quoted && bytes.IndexByte(b[i+1:], '"') >= 0
		case quoted:
		case c == '(':
			comment++
		case c == ')' && comment > 0:
			comment--
		case comment > 0:
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case c == ':' && !angle && bytes.IndexByte(b[start:i], '@') < 0:
			start = i + 1
		case (c == ',' || c == ';') && (!angle || bytes.IndexByte(b[i:], '>') < 0):
			return b[start:i], b[i+1:]
		}
	}
	return b[start:], nil
}

// address reads one address: "Name <addr>", "addr (Name)", "addr".
func address(b []byte, raw string) corpus.Address {
	b = bytes.TrimSpace(b)
	var name, comment, addr []byte
	quoted := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"' && (quoted || bytes.IndexByte(b[i+1:], '"') >= 0):
			quoted = !quoted
		case c == '\\' && quoted && i+1 < len(b):
			i++
			name = append(name, b[i])
		case quoted:
			name = append(name, c)
		case c == '(':
			end := closing(b[i:])
			comment = append(comment, b[i+1:i+end]...)
			i += end
		case c == '<':
			end := bytes.IndexByte(b[i:], '>')
			if end < 0 {
				end = len(b) - i
			}
			if addr == nil {
				addr = b[i+1 : i+end]
			}
			i += end
		default:
			name = append(name, c)
		}
	}
	a := corpus.Address{Name: text(name, raw), Addr: text(addr, raw)}
	if addr == nil {
		// A bare address; a local part may have been in quotes.
		a = corpus.Address{Name: text(comment, raw), Addr: text(name, raw)}
		if !strings.Contains(a.Addr, "@") && a.Name == "" {
			a = corpus.Address{Name: a.Addr}
		}
	}
	// RFC 5322, 4.4: a route before the address, "@relay,@other:user@host".
	if strings.HasPrefix(a.Addr, "@") {
		if _, after, ok := strings.Cut(a.Addr, ":"); ok {
			a.Addr = after
		}
	}
	a.Addr = strings.TrimPrefix(strings.TrimPrefix(a.Addr, "mailto:"), "MAILTO:")
	if a.Name == "" && addr != nil && len(comment) > 0 {
		a.Name = text(comment, raw)
	}
	a.Name = strings.Trim(a.Name, "'\" ")
	return a
}

// closing is the index of the bracket that closes the comment b begins with.
func closing(b []byte) int {
	depth := 0
	for i, c := range b {
		switch c {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(b)
}

func text(b []byte, raw string) string { return oneLine(decodeWords(bytes.TrimSpace(b), raw)) }
