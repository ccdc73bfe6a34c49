package release

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"daylight/corpus"
	"daylight/fault"
	"daylight/publog"
)

// Frames of the file, by their first byte.
const (
	frameEntry   = 'E' // an entry
	frameRemoved = 'R' // the leaf of an entry that was taken out
	frameEnd     = 'S' // checkpoint and signatures; the last
)

// Writer writes a release as a stream. It is for one goroutine. After an error it
// gives that error for ever, and what it wrote is no release.
//
// A document's renditions follow the document: Add the Document, then its
// renditions.
type Writer struct {
	w       *bufio.Writer
	header  []byte
	origin  string
	from    publog.Frontier
	log     publog.Frontier
	entries publog.Frontier
	random  io.Reader
	last    Document // whose renditions may follow
	err     error
}

// NewWriter starts a release that continues the publication log from where it is.
func NewWriter(w io.Writer, h Header, from publog.Frontier) (*Writer, error) {
	return newWriter(w, h, from, rand.Reader)
}

func newWriter(w io.Writer, h Header, from publog.Frontier, random io.Reader) (*Writer, error) {
	header, err := h.encode(from)
	if err != nil {
		return nil, err
	}
	rw := &Writer{w: bufio.NewWriterSize(w, 256<<10), header: header, origin: h.Log, from: from, log: from, random: random}
	if _, err := rw.w.Write(header); err != nil {
		return nil, fmt.Errorf("write release: %w", err)
	}
	return rw, nil
}

// Add writes an entry without a payload. A Rendition goes to AddRendition.
func Add[B Body](w *Writer, body B) error {
	if _, ok := any(body).(Rendition); ok {
		return w.fail(fmt.Errorf("add rendition without its bytes: %w", fault.Invalid))
	}
	if d, ok := any(body).(Document); ok {
		w.last = Document{State: d.State}
		w.last.ID = d.ID
	}
	return w.add(body, nil, 0)
}

// AddRendition writes a rendition with its bytes, of which there are size.
func (w *Writer) AddRendition(r Rendition, payload io.Reader, size int64) error {
	if r.Document != w.last.ID {
		return w.fail(fmt.Errorf("rendition %s does not follow its document: %w", r.id(), fault.Invalid))
	}
	if r.Name == NameOriginal && w.last.State != corpus.Published {
		return w.fail(fmt.Errorf("rendition %s: the original of a document that is %s: %w", r.id(), w.last.State, fault.Forbidden))
	}
	return w.add(r, payload, size)
}

func (w *Writer) fail(err error) error {
	if w.err == nil {
		w.err = fmt.Errorf("write release: %w", err)
	}
	return w.err
}

// add writes one entry: frame byte, kind, id, salt, body, payload. SPEC.md, "Entry".
func (w *Writer) add(body any, payload io.Reader, size int64) error {
	if w.err != nil {
		return w.err
	}
	kind, id, err := identify(body)
	if err != nil {
		return w.fail(err)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return w.fail(fmt.Errorf("%s %s: %w", kind, id, err))
	}
	if len(text) > maxBody {
		return w.fail(fmt.Errorf("%s %s: body of %d bytes: %w", kind, id, len(text), fault.TooLarge))
	}
	var salt Salt
	if _, err := io.ReadFull(w.random, salt[:]); err != nil {
		return w.fail(err)
	}
	w.w.Write(encodeEntry(kind, id, salt, text)) // bufio keeps the first error for Flush and for every later Write
	var p *Payload
	if payload == nil {
		err = w.w.WriteByte(0)
	} else {
		p, err = w.payload(payload, size)
	}
	if err != nil {
		return w.fail(fmt.Errorf("%s %s: %w", kind, id, err))
	}
	leaf := commit(kind, id, salt, sha256.Sum256(text), p)
	w.entries.Append(leaf)
	w.log.Append(leaf)
	return nil
}

// encodeEntry is an entry's frame up to its payload.
func encodeEntry(kind Kind, id string, salt Salt, body []byte) []byte {
	b := make([]byte, 0, 1+2+len(kind)+2+len(id)+len(salt)+4+len(body))
	b = append(b, frameEntry)
	b = appendName(b, string(kind))
	b = appendName(b, id)
	b = append(b, salt[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
	return append(b, body...)
}

func appendName(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

// payload writes exactly size bytes of r, before them the size, after them their
// SHA-256.
func (w *Writer) payload(r io.Reader, size int64) (*Payload, error) {
	w.w.Write(binary.BigEndian.AppendUint64([]byte{1}, uint64(size)))
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(w.w, h), io.LimitReader(r, size))
	if err == nil && n < size {
		err = fmt.Errorf("payload ends after %d of %d bytes: %w", n, size, io.ErrUnexpectedEOF)
	}
	if err == nil {
		var more [1]byte
		if n, _ := io.ReadFull(r, more[:]); n > 0 {
			err = fmt.Errorf("payload is longer than the %d bytes announced: %w", size, fault.Invalid)
		}
	}
	if err != nil {
		return nil, err
	}
	p := &Payload{Size: size, SHA256: [32]byte(h.Sum(nil))}
	_, err = w.w.Write(p.SHA256[:])
	return p, err
}

// Close ends the release: the log's new checkpoint, then the statement about the
// whole, each signed by every signer. It does not close the writer underneath. The
// bytes should be durable before the desk applies the release to its own log.
func (w *Writer) Close(signers ...publog.Signer) error {
	if w.err != nil {
		return w.err
	}
	checkpoint, err := publog.Checkpoint{Origin: w.origin, Size: w.log.Size(), Root: w.log.Root()}.Sign(signers...)
	if err != nil {
		return w.fail(err)
	}
	signed, err := publog.Sign(statement(w.header, w.entries, w.log), signers...)
	if err != nil {
		return w.fail(err)
	}
	w.w.Write(endFrame(checkpoint, signed))
	if err := w.w.Flush(); err != nil {
		return w.fail(err)
	}
	w.err = fmt.Errorf("write release: it is closed: %w", fault.Conflict)
	return nil
}

func endFrame(checkpoint, signed []byte) []byte {
	b := binary.BigEndian.AppendUint32([]byte{frameEnd}, uint32(len(checkpoint)))
	b = append(b, checkpoint...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(signed)))
	return append(b, signed...)
}

// FileName is the name under which a release travels: release-000012.daylight.
func (h Header) FileName() string {
	return fmt.Sprintf("release-%06d%s", h.Number, Extension)
}

// Extension ends the names of release files.
const Extension = ".daylight"

// NumberOf reads the number in a name that FileName made.
func NumberOf(name string) (int, bool) {
	var n int
	digits, ok := strings.CutSuffix(name, Extension)
	if _, err := fmt.Sscanf(digits, "release-%d", &n); err != nil || !ok {
		return 0, false
	}
	return n, Header{Number: n}.FileName() == name
}
