package extract

import (
	"archive/zip"
	"bytes"
	"compress/bzip2"
	"compress/flate"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
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
