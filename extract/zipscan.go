package extract

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/flate"
	"encoding/binary"
	"io"
	"math"
	"strings"
)

// localHeader is the fixed part of what stands before each member (APPNOTE 4.3.7).
type localHeader struct {
	Signature        uint32
	Version, Flags   uint16
	Method           uint16
	Time, Date       uint16
	CRC              uint32
	Packed, Unpacked uint32
	NameLen, Extra   uint16
}

const localHeaderSize = 30

// scanZip reads members one after the other by their local headers. It looks for
// each signature from where the last member ended, so a false one inside of packed
// data does not lead it astray, and damage costs one member.
func (j *job) scanZip() error {
	src, found := j.file.Body, 0
	for at := int64(0); ; {
		at = findSignature(src, at, j.file.Size)
		if at < 0 {
			break
		}
		var fixed [localHeaderSize]byte
		if _, err := src.ReadAt(fixed[:], at); err != nil {
			break
		}
		h := parseLocal(fixed[:])
		names := make([]byte, int(h.NameLen)+int(h.Extra))
		if n, _ := src.ReadAt(names, at+localHeaderSize); n < len(names) || h.NameLen == 0 || h.Method > zipAES {
			at += 4
			continue
		}
		start := at + localHeaderSize + int64(len(names))
		used, err := j.scanned(h, names, start)
		if err != nil {
			return err
		}
		found++
		at = start + used
	}
	if found == 0 {
		j.problem("no member of the archive can be read")
		j.result.Unread = true
	}
	return nil
}

func parseLocal(b []byte) localHeader {
	var h localHeader
	if _, err := binary.Decode(b, binary.LittleEndian, &h); err != nil {
		return localHeader{}
	}
	return h
}

// scanned hands out the member whose data begins at start and returns how many
// bytes it took.
func (j *job) scanned(h localHeader, names []byte, start int64) (int64, error) {
	name := string(names[:h.NameLen])
	if wide, ok := unicodeName(names[h.NameLen:], name); ok {
		name = wide
	} else if h.Flags&0x800 == 0 {
		name = decodeNames([]string{name})[0]
	}
	left := j.file.Size - start
	packed, known := int64(h.Packed), h.Flags&8 == 0 && h.Packed != math.MaxUint32
	if strings.HasSuffix(name, "/") && packed == 0 {
		return 0, nil
	}
	p := Part{Name: name, Body: bytes.NewReader(nil)}
	switch {
	case packed <= left && known:
	case known && h.Method == zip.Deflate:
		known = false // cut, or the size is damaged: the data itself says where it ends
		packed = left
	case known:
		p.Error = "cut: the rest is missing"
		packed = left
	default:
		packed = left
	}
	counted := bufio.NewReader(io.NewSectionReader(j.file.Body, start, packed))
	section := &counting{r: counted}
	switch {
	case h.Flags&1 != 0 || h.Method == zipAES:
		p.Error = "encrypted: it cannot be read without the password"
	case h.Method == zip.Store && known:
		p.Body = section
	case h.Method == zip.Deflate:
		p.Body = worded{flate.NewReader(section)}
	case h.Method == zipBzip2 && known:
		p.Body = worded{bzip2.NewReader(section)}
	default:
		p.Error = "its end or its compression is not known"
	}
	if err := j.give(p); err != nil {
		return 0, err
	}
	switch {
	case known:
		return packed, nil
	case h.Method == zip.Deflate:
		return section.n, nil // flate reads single bytes, and so stops where it ends
	}
	return 0, nil
}

// counting counts the bytes that were taken. It offers ReadByte, because without
// it flate reads ahead.
type counting struct {
	r *bufio.Reader
	n int64
}

func (c *counting) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

func (c *counting) ReadByte() (byte, error) {
	b, err := c.r.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

// findSignature finds the next local header at or after an offset, or -1.
func findSignature(src io.ReaderAt, at, size int64) int64 {
	buf := make([]byte, 64<<10)
	for at < size {
		n, err := src.ReadAt(buf, at)
		if i := bytes.Index(buf[:n], []byte("PK\x03\x04")); i >= 0 {
			return at + int64(i)
		}
		if n < len(buf) || err != nil && err != io.EOF {
			return -1
		}
		at += int64(n) - 3
	}
	return -1
}
