package redact

import (
	"bytes"
	"html"
)

// maxTag is how far the end of a tag with quotes is looked for.
const maxTag = 4 << 10

// unMarkup takes out markup as a browser reads it: a sign > may stand in an
// attribute's quotes and in a comment, and a CDATA section is its content. unHTML
// takes the next > for the end, as it is where nobody minds the quotes; what gives
// the same there is nothing here.
func unMarkup(data []byte) []byte {
	if bytes.IndexByte(data, '<') < 0 || !bytes.ContainsAny(data, "\"'") && !bytes.Contains(data, []byte("<!")) {
		return nil
	}
	out := make([]byte, 0, len(data))
	differs := false
	comments := true // false once no comment ends any more, so that each byte is seen once
	for len(data) > 0 {
		i := bytes.IndexByte(data, '<')
		if i < 0 {
			break
		}
		out, data = append(out, data[:i]...), data[i:]
		n := 0
		switch {
		case bytes.HasPrefix(data, []byte("<![CDATA[")):
			n, differs = len("<![CDATA["), true
		case comments && bytes.HasPrefix(data, []byte("<!--")):
			if end := bytes.Index(data, []byte("-->")); end > 0 {
				n, differs = end+len("-->"), true
			} else {
				comments = false
			}
		default:
			if n = tagEnd(data); n > 0 && bytes.ContainsAny(data[1:n-1], "<>") {
				differs = true
			}
		}
		if n == 0 {
			out, n = append(out, '<'), 1
		}
		data = data[n:]
	}
	if !differs {
		return nil
	}
	out = bytes.ReplaceAll(append(out, data...), []byte("]]>"), nil)
	return []byte(html.UnescapeString(string(out)))
}

// tagEnd is the length of the tag that data begins with, 0 for none.
func tagEnd(data []byte) int {
	if len(data) < 3 || data[1] != '/' && data[1] != '!' && data[1] != '?' && (data[1]|0x20 < 'a' || data[1]|0x20 > 'z') {
		return 0
	}
	quote := byte(0)
	for i, c := range data[:min(len(data), maxTag)] {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i + 1
		case c == '<' && i > 0:
			return 0
		}
	}
	return 0
}
