package release

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// Strip copies a release without some entries; in their places their leaves stand.
// The copy verifies as the release did. An archive that has forgotten a document
// passes on such copies. When a document goes, its renditions go with it.
func (r *Reader) Strip(w io.Writer, drop func(Record) bool) error {
	out := bufio.NewWriterSize(w, buffer)
	out.Write(r.header) // bufio keeps the first error for Flush
	gone := ""
	for fr, err := range r.frames() {
		if err != nil {
			return err
		}
		if fr.kind == frameEntry && (partOf(fr.rec, gone) || drop(fr.rec)) {
			if fr.rec.Kind == KindDocument {
				gone = fr.rec.ID
			}
			fr.kind = frameRemoved
		}
		if err := r.copyFrame(out, fr); err != nil {
			return fmt.Errorf("strip release: %w", err)
		}
	}
	out.Write(r.end)
	if err := out.Flush(); err != nil {
		return fmt.Errorf("strip release: %w", err)
	}
	return nil
}

// partOf says whether an entry is a rendition of a document.
func partOf(rec Record, document string) bool {
	id, _, _ := strings.Cut(rec.ID, "/")
	return rec.Kind == KindRendition && document != "" && id == document
}

func (r *Reader) copyFrame(w io.Writer, fr *frame) error {
	if fr.kind == frameRemoved {
		_, err := w.Write(append([]byte{frameRemoved}, fr.leaf[:]...))
		return err
	}
	if _, err := w.Write(encodeEntry(fr.rec.Kind, fr.rec.ID, fr.rec.Salt, fr.rec.Body)); err != nil {
		return err
	}
	p := fr.rec.Payload
	if p == nil {
		_, err := w.Write([]byte{0})
		return err
	}
	if _, err := w.Write(binary.BigEndian.AppendUint64([]byte{1}, uint64(p.Size))); err != nil {
		return err
	}
	e := Entry{fr.rec, r.src, fr.payload}
	if _, err := io.Copy(w, e.Open()); err != nil {
		return err
	}
	_, err := w.Write(p.SHA256[:sha256.Size])
	return err
}
