package extract

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/flate"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Methods of compression in zip files (APPNOTE 4.4.5).
const (
	zipBzip2 = 12
	zipZstd  = 93
	zipAES   = 99 // encrypted; the true method is in an extra field
)

// zip reads a zip file by its central directory, and by the headers before each
// member where the directory is missing or broken.
func (j *job) zip() error {
	return j.container(func() error {
		r, err := zip.NewReader(j.file.Body, j.file.Size)
		if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
			j.problem("the directory of the archive is damaged; members are read by their own headers")
			return j.scanZip()
		}
		r.RegisterDecompressor(zipBzip2, func(r io.Reader) io.ReadCloser { return io.NopCloser(bzip2.NewReader(r)) })
		r.RegisterDecompressor(zipZstd, newZstd)
		if r.Comment != "" {
			j.fact("Comment", decodeNames([]string{r.Comment})[0])
		}
		names := zipNames(r.File)
		for i, m := range r.File {
			if strings.HasSuffix(m.Name, "/") && m.UncompressedSize64 == 0 {
				continue // a folder
			}
			if err := j.zipMember(m, names[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (j *job) zipMember(m *zip.File, name string) error {
	p := Part{Name: name}
	switch body, err := m.Open(); {
	case m.Flags&1 != 0 || m.Method == zipAES:
		p.Error = "encrypted: it cannot be read without the password"
		p.Body = bytes.NewReader(nil)
	case errors.Is(err, zip.ErrAlgorithm):
		p.Error = "compressed in a way that cannot be read here"
		p.Body = bytes.NewReader(nil)
	case err != nil:
		p.Error = "damaged: its header cannot be read"
		p.Body = bytes.NewReader(nil)
	default:
		defer body.Close()
		p.Body = worded{body}
	}
	return j.give(p)
}

// newZstd bounds the window: a member may ask for any amount of memory.
func newZstd(r io.Reader) io.ReadCloser {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20))
	if err != nil {
		return io.NopCloser(failed{err})
	}
	return d.IOReadCloser()
}

type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }

// worded says in plain words what the readers of archives report.
type worded struct{ r io.Reader }

func (w worded) Read(b []byte) (int, error) {
	n, err := w.r.Read(b)
	var corrupt flate.CorruptInputError
	switch {
	case err == nil || err == io.EOF:
		return n, err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return n, errors.New("cut: the rest is missing")
	case errors.Is(err, zip.ErrChecksum):
		return n, errors.New("damaged: the checksum does not match")
	case errors.As(err, &corrupt):
		return n, errors.New("damaged: it can be unpacked up to here")
	}
	return n, errors.New("damaged: " + err.Error())
}

// zipNames decodes the names of the members. Those without the UTF-8 flag are
// judged together: one program wrote them, and one name is too short to judge.
func zipNames(files []*zip.File) []string {
	names := make([]string, len(files))
	var legacy []string
	var at []int
	for i, m := range files {
		switch name, ok := unicodeName(m.Extra, m.Name); {
		case ok:
			names[i] = name
		case m.NonUTF8:
			legacy, at = append(legacy, m.Name), append(at, i)
		default:
			names[i] = m.Name
		}
	}
	for k, name := range decodeNames(legacy) {
		names[at[k]] = name
	}
	return names
}

// unicodeName reads Info-ZIP's Unicode path field (APPNOTE 4.6.9): a version, the
// CRC of the name that it stands for, the name in UTF-8.
func unicodeName(extra []byte, name string) (string, bool) {
	for len(extra) >= 4 {
		id, n := binary.LittleEndian.Uint16(extra), int(binary.LittleEndian.Uint16(extra[2:]))
		if extra = extra[4:]; n > len(extra) {
			return "", false
		}
		if id == 0x7075 && n > 5 && extra[0] == 1 && binary.LittleEndian.Uint32(extra[1:]) == crc32.ChecksumIEEE([]byte(name)) {
			return string(extra[5:n]), true
		}
		extra = extra[n:]
	}
	return "", false
}

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
