package redact

import (
	"bytes"
	"compress/bzip2"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
)

// maxStream is how much of one compressed stream is searched, and maxRatio how many
// times what is left of its bytes, once that is more than minStream.
const (
	maxStream = 64 << 20
	minStream = 1 << 20
	maxRatio  = 100
)

// unpack gives what each stream holds that begins with one of the magics. Streams
// are found wherever they stand; what can be read of a broken one counts.
func unpack(s *searching, data []byte, magic string, open func(r io.Reader) (io.Reader, error), give func([]byte) bool) {
	for at := 0; ; {
		i := bytes.Index(data[at:], []byte(magic))
		if i < 0 {
			return
		}
		at += i
		if r, err := open(bytes.NewReader(data[at:])); err == nil && !s.stream(r, len(data)-at, give) {
			return
		}
		at++
	}
}

// stream reads what a stream of at most size bytes unpacks to, and gives it.
func (s *searching) stream(r io.Reader, size int, give func([]byte) bool) bool {
	limit := min(max(minStream, maxRatio*size), maxStream)
	out, _ := io.ReadAll(io.LimitReader(r, int64(limit)+1)) // an error ends it, as the end does
	if len(out) > limit {
		s.skipped(fmt.Sprintf("a compressed stream beyond its first %d bytes", limit))
		out = out[:limit]
	}
	return len(out) == 0 || give(out)
}

func ungzip(s *searching, data []byte, _ []string, give func([]byte) bool) {
	unpack(s, data, "\x1f\x8b\x08", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }, give)
}

// unzlib knows the four heads that are written in practice. RFC 1950, 2.2.
func unzlib(s *searching, data []byte, _ []string, give func([]byte) bool) {
	for _, magic := range []string{"x\x01", "x\x5e", "x\x9c", "x\xda"} {
		unpack(s, data, magic, func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) }, give)
	}
}

func unbzip2(s *searching, data []byte, _ []string, give func([]byte) bool) {
	unpack(s, data, "BZh", func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }, give)
}

// unzip finds members by their local heads (APPNOTE 4.3.7), so it needs no
// directory and finds those that a directory does not name. It gives their names
// too.
func unzip(s *searching, data []byte, way []string, give func([]byte) bool) {
	const headSize = 30
	for at := 0; ; at++ {
		i := bytes.Index(data[at:], []byte("PK\x03\x04"))
		if i < 0 || len(data)-at-i < headSize {
			return
		}
		at += i
		head := data[at : at+headSize]
		flags, method := binary.LittleEndian.Uint16(head[6:]), binary.LittleEndian.Uint16(head[8:])
		name := headSize + int(binary.LittleEndian.Uint16(head[26:]))
		begin := name + int(binary.LittleEndian.Uint16(head[28:]))
		if begin > len(data)-at {
			continue
		}
		s.plain(string(data[at+headSize:at+name]), way)
		member := data[at+begin:]
		switch {
		case flags&1 != 0:
			s.skipped("an encrypted member of a zip")
		case method == 0:
			// Its length may stand behind it only; the next head ends it as well.
			if end := bytes.Index(member, []byte("PK")); end > 0 && !give(member[:end]) {
				return
			}
		case method == 8:
			if !s.stream(flate.NewReader(bytes.NewReader(member)), len(member), give) {
				return
			}
		}
	}
}
