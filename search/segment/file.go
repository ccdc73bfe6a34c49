package segment

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"

	"daylight/fault"
	"daylight/internal/durable"
)

// A segment is one file, little endian, format version 0:
//
//	header    "daylseg0"
//	sections  one after the other, each followed by 8 zero bytes
//	contents  for each section: id u32, offset u64, length u64
//	table     CRC-32C of each page of 64 KiB of all before the table, u32 each
//	trailer   offset of contents u64, offset of table u64, CRC-32C of table and of
//	          the 16 bytes before u32, "daylseg0"
//
// So every byte has a checksum, and a page is checked when it is first read: opening
// a segment does not read it all.
const (
	magic       = "daylseg0"
	pageSize    = 64 << 10
	padding     = 8 // bytes that may be read beyond a section, by unpack
	entrySize   = 4 + 8 + 8
	trailerSize = 8 + 8 + 4 + len(magic)
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// damage is what reading panics with when bytes are not what was written. Readers of
// packed data are called for every document of a query, so they carry no errors;
// catch makes one at the door.
type damage struct{ what string }

func damaged(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, fault.Damaged)...)
}

// catch turns a damage into an error, and also what bytes of a valid checksum but
// an impossible meaning lead to: an index out of range, or a fault while reading a
// mapped file (a disk that fails, a file cut short while open; see guard).
func catch(err *error) {
	switch p := recover().(type) {
	case nil:
	case damage:
		*err = damaged("segment: %s", p.what)
	case runtime.Error:
		*err = damaged("segment: %v", p)
	default:
		panic(p)
	}
}

// guard makes faults of mapped memory panics in this goroutine: defer guard()().
func guard() func() {
	old := debug.SetPanicOnFault(true)
	return func() { debug.SetPanicOnFault(old) }
}

// fileWriter writes a segment file.
type fileWriter struct {
	f        *durable.File
	w        *bufio.Writer
	off      uint64
	page     uint32 // checksum of the page so far
	table    []byte
	contents []byte
	start    uint64 // of the open section
}

func createFile(path string) (*fileWriter, error) {
	f, err := durable.Create(path)
	if err != nil {
		return nil, err
	}
	w := &fileWriter{f: f, w: bufio.NewWriterSize(f, 1<<20)}
	w.write([]byte(magic))
	return w, nil
}

// write appends bytes. Errors wait in the bufio.Writer for finish.
func (w *fileWriter) write(b []byte) {
	w.w.Write(b)
	for len(b) > 0 {
		n := min(len(b), int(pageSize-w.off%pageSize))
		w.page = crc32.Update(w.page, castagnoli, b[:n])
		w.off += uint64(n)
		b = b[n:]
		if w.off%pageSize == 0 {
			w.table = binary.LittleEndian.AppendUint32(w.table, w.page)
			w.page = 0
		}
	}
}

// begin opens a section; end closes it. Nothing else is written between sections.
func (w *fileWriter) begin() { w.start = w.off }

func (w *fileWriter) end(id uint32) {
	w.contents = binary.LittleEndian.AppendUint32(w.contents, id)
	w.contents = binary.LittleEndian.AppendUint64(w.contents, w.start)
	w.contents = binary.LittleEndian.AppendUint64(w.contents, w.off-w.start)
	w.write(make([]byte, padding))
}

func (w *fileWriter) section(id uint32, b []byte) {
	w.begin()
	w.write(b)
	w.end(id)
}

// finish makes the file durable, under its name.
func (w *fileWriter) finish() (size int64, check uint32, err error) {
	contents := w.off
	w.write(w.contents)
	end := w.off
	if end%pageSize != 0 {
		w.table = binary.LittleEndian.AppendUint32(w.table, w.page)
	}
	tail := w.table
	tail = binary.LittleEndian.AppendUint64(tail, contents)
	tail = binary.LittleEndian.AppendUint64(tail, end)
	check = crc32.Checksum(tail, castagnoli)
	tail = binary.LittleEndian.AppendUint32(tail, check)
	tail = append(tail, magic...)
	w.w.Write(tail)
	if err := w.w.Flush(); err != nil {
		w.f.Abort()
		return 0, 0, fmt.Errorf("write segment: %w", err)
	}
	if err := w.f.Commit(); err != nil {
		return 0, 0, fmt.Errorf("write segment: %w", err)
	}
	return int64(end) + int64(len(tail)), check, nil
}

// file is an open segment file.
type file struct {
	data     []byte // all of it, mapped
	end      uint64 // where the table begins
	check    uint32
	checked  []atomic.Uint32 // a page each: 1 when its checksum was right
	sections map[uint32]section
	unmap    func() error
}

func openFile(path string) (*file, error) {
	data, unmap, err := mapFile(path)
	if err != nil {
		return nil, fmt.Errorf("open segment: %w", err)
	}
	f := &file{data: data, unmap: unmap, sections: map[uint32]section{}}
	if err := f.open(); err != nil {
		unmap()
		return nil, err
	}
	return f, nil
}

func (f *file) open() (err error) {
	defer catch(&err)
	defer guard()()
	size := uint64(len(f.data))
	if size < uint64(len(magic)+trailerSize) || string(f.data[:len(magic)]) != magic || string(f.data[size-uint64(len(magic)):]) != magic {
		return damaged("segment: no segment of format 0, or cut short")
	}
	trailer := f.data[size-uint64(trailerSize):]
	contents := binary.LittleEndian.Uint64(trailer)
	f.end = binary.LittleEndian.Uint64(trailer[8:])
	f.check = binary.LittleEndian.Uint32(trailer[16:])
	table := size - uint64(trailerSize)
	if f.end > table || contents > f.end || contents < uint64(len(magic)) || (f.end-contents)%entrySize != 0 ||
		(f.end+pageSize-1)/pageSize*4 != table-f.end {
		return damaged("segment: lengths do not fit")
	}
	if crc32.Checksum(f.data[f.end:table+16], castagnoli) != f.check {
		return damaged("segment: checksum of the checksums")
	}
	f.checked = make([]atomic.Uint32, (f.end+pageSize-1)/pageSize)
	f.verify(0, uint64(len(magic)))
	f.verify(contents, f.end-contents)
	for e := f.data[contents:f.end]; len(e) > 0; e = e[entrySize:] {
		s := section{f, binary.LittleEndian.Uint64(e[4:]), binary.LittleEndian.Uint64(e[12:])}
		if s.off > contents || s.size > contents-s.off || contents-s.off-s.size < padding {
			return damaged("segment: section beyond the file")
		}
		f.sections[binary.LittleEndian.Uint32(e)] = s
	}
	return nil
}

// verify checks the pages of a range, each once in the life of the file.
func (f *file) verify(off, n uint64) {
	if off > f.end || n > f.end-off {
		panic(damage{"reading beyond the end"})
	}
	if n == 0 {
		return
	}
	for p := off / pageSize; p <= (off+n-1)/pageSize; p++ {
		if f.checked[p].Load() != 0 {
			continue
		}
		page := f.data[p*pageSize : min((p+1)*pageSize, f.end)]
		if crc32.Checksum(page, castagnoli) != binary.LittleEndian.Uint32(f.data[f.end+p*4:]) {
			panic(damage{fmt.Sprintf("checksum of page %d", p)})
		}
		f.checked[p].Store(1)
	}
}

func (f *file) close() error { return f.unmap() }

// section is a named part of a file.
type section struct {
	f         *file
	off, size uint64
}

// bytes returns n bytes, checked, with padding bytes beyond within its capacity.
func (s section) bytes(off, n uint64) []byte {
	if off > s.size || n > s.size-off {
		panic(damage{"reading beyond a section"})
	}
	s.f.verify(s.off+off, n)
	at := s.off + off
	return s.f.data[at : at+n : at+n+padding]
}

func (s section) all() []byte { return s.bytes(0, s.size) }

// need returns a section of exactly size bytes.
func (f *file) need(id uint32, size uint64) []byte {
	s := f.get(id)
	if s.size != size {
		panic(damage{fmt.Sprintf("section %d is %d bytes; want %d", id, s.size, size)})
	}
	return s.all()
}

func (f *file) get(id uint32) section {
	s, ok := f.sections[id]
	if !ok {
		panic(damage{fmt.Sprintf("section %d is missing", id)})
	}
	return s
}

// removeFile removes a file that no manifest names. Failing is harmless: the next
// Open for writing sweeps.
func removeFile(path string) { _ = os.Remove(path) }
