package web

import (
	"bytes"
	"io"
	"net/http"

	"daylight/fault"
)

// maxForm bounds a form without files: a codename, and room for how it is typed.
const maxForm = 8 << 10

var errLong = fault.Say("This is too long to be a codename. Nothing was changed.", fault.TooLarge)

// formValue reads one field of a url-encoded form from the body itself, of which guard
// lets no more through than maxForm. The standard library would keep the values as
// strings, which nobody can wipe. The caller clears what it gets.
func formValue(r *http.Request, name string) []byte {
	body := make([]byte, maxForm)
	defer clear(body)
	n, _ := io.ReadFull(r.Body, body)
	return field(body[:n], name)
}

// field is the first field of this name in a url-encoded form.
func field(form []byte, name string) []byte {
	for f := range bytes.SplitSeq(form, []byte("&")) {
		key, value, _ := bytes.Cut(f, []byte("="))
		if string(key) == name {
			return unescape(value)
		}
	}
	return nil
}

// unescape decodes a field of application/x-www-form-urlencoded (WHATWG URL, 5.1):
// a percent sign without two digits stands for itself.
func unescape(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '+':
			out = append(out, ' ')
		case b[i] == '%' && i+2 < len(b) && hex(b[i+1]) >= 0 && hex(b[i+2]) >= 0:
			out = append(out, byte(hex(b[i+1])<<4|hex(b[i+2])))
			i += 2
		default:
			out = append(out, b[i])
		}
	}
	return out
}

func hex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
