package onion

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"

	"daylight/fault"
)

// reply is what tor answers to a command: a code, and lines without it. Data that
// belongs to a line is part of it.
type reply struct {
	code  int
	lines []string
}

// What a reply may hold: the longest real one is a descriptor of some 50 kB.
const (
	maxLine  = 64 << 10
	maxReply = 1 << 20
)

// readReply reads one reply of tor's control protocol (control-spec, "Replies").
func readReply(r *bufio.Reader) (reply, error) {
	var rep reply
	size := 0
	next := func() (string, error) {
		b, err := r.ReadSlice('\n')
		if size += len(b); err == bufio.ErrBufferFull || size > maxReply {
			return "", fmt.Errorf("reply of tor: %w", fault.TooLarge)
		}
		if err != nil {
			return "", err
		}
		return strings.TrimRight(string(b), "\r\n"), nil
	}
	for {
		line, err := next()
		if err != nil {
			return reply{}, err
		}
		if len(line) < 4 {
			return reply{}, fmt.Errorf("reply of tor: short line: %w", fault.Invalid)
		}
		code, err := strconv.ParseUint(line[:3], 10, 16)
		if err != nil || code < 100 || rep.code != 0 && rep.code != int(code) {
			return reply{}, fmt.Errorf("reply of tor: code: %w", fault.Invalid)
		}
		rep.code = int(code)
		text := line[4:]
		if line[3] == '+' {
			var data strings.Builder
			data.WriteString(text)
			for {
				more, err := next()
				if err != nil {
					return reply{}, err
				}
				if more == "." {
					break
				}
				data.WriteString("\n" + strings.TrimPrefix(more, "."))
			}
			text = data.String()
		}
		rep.lines = append(rep.lines, text)
		switch line[3] {
		case ' ':
			return rep, nil
		case '-', '+':
		default:
			return reply{}, fmt.Errorf("reply of tor: separator: %w", fault.Invalid)
		}
	}
}

// value finds what follows key in a line of its own.
func (r reply) value(key string) (string, bool) {
	for _, l := range r.lines {
		if v, ok := strings.CutPrefix(l, key); ok {
			return strings.TrimPrefix(v, "\n"), true // data begins on a line of its own
		}
	}
	return "", false
}

// fields reads "NAME=value OTHER=\"quoted value\"", as PROTOCOLINFO and
// AUTHCHALLENGE answer.
func fields(line string) (map[string]string, error) {
	all := map[string]string{}
	for line = strings.TrimLeft(line, " "); line != ""; line = strings.TrimLeft(line, " ") {
		name, rest, ok := strings.Cut(line, "=")
		if !ok || strings.ContainsAny(name, " \"") {
			word, more, _ := strings.Cut(line, " ") // a word without value
			all[word], line = "", more
			continue
		}
		if !strings.HasPrefix(rest, `"`) {
			all[name], line, _ = strings.Cut(rest, " ")
			continue
		}
		value, more, err := unquote(rest)
		if err != nil {
			return nil, err
		}
		all[name], line = value, more
	}
	return all, nil
}

// unquote takes a quoted string from the front. control-spec, "QuotedString": what
// follows a backslash stands for itself, but for the escapes of C that tor writes.
func unquote(s string) (value, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:], nil
		case s[i] != '\\':
			b.WriteByte(s[i])
		case i+3 < len(s) && s[i+1] >= '0' && s[i+1] <= '3' && octal(s[i+2]) && octal(s[i+3]):
			b.WriteByte((s[i+1]-'0')<<6 | (s[i+2]-'0')<<3 | (s[i+3] - '0'))
			i += 3
		case i+1 < len(s):
			i++
			if c := strings.IndexByte("ntr", s[i]); c >= 0 {
				b.WriteByte("\n\t\r"[c])
			} else {
				b.WriteByte(s[i])
			}
		}
	}
	return "", "", fmt.Errorf("reply of tor: a string without end: %w", fault.Invalid)
}

func octal(c byte) bool { return c >= '0' && c <= '7' }
