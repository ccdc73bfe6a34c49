package release

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"strings"

	"daylight/fault"
	"daylight/publog"
)

// Reader hands out the entries of a release that was verified whole.
type Reader struct {
	src        io.ReaderAt
	size       int64
	start      int64 // where the first frame stands
	header     []byte
	Header     Header
	from       publog.Frontier
	entries    publog.Frontier
	checkpoint []byte
	end        []byte // the last frame
	signed     publog.Signed
	removed    int64
}

// Entry is one entry of a release.
type Entry struct {
	Record
	src  io.ReaderAt
	from int64
}

// Open verifies a release of size bytes and returns a reader of it. Nothing can be
// read of a release that does not hold in every part: each hash, the signatures by
// known keys, and that its checkpoint is what the log before it and its own entries
// give. With a log, it must also continue exactly that log; log may be nil for
// somebody who has none and looks at one release alone.
//
// Errors: fault.Damaged for bytes that are not a whole release, fault.Unverified
// for signatures and logs that do not hold, fault.Conflict for a release that is in
// the log already or comes before its time. Each has words for people.
func Open(src io.ReaderAt, size int64, keys publog.Keys, log *publog.Log) (*Reader, error) {
	r := &Reader{src: src, size: size}
	if err := r.verify(keys, log); err != nil {
		return nil, fault.Say(words(err), fmt.Errorf("release: %w", err))
	}
	return r, nil
}

// words says to people what became of a release.
func words(err error) string {
	switch {
	case errors.Is(err, fault.Conflict):
		return "This release does not follow the last one that was imported: either it is here already, or one before it is missing. Nothing was changed."
	case errors.Is(err, fault.Unverified):
		return "This release is not signed as it must be, or it tells another history than the one known here. Nothing of it was taken. Ask for the newsroom's keys and for the release again, by another way."
	}
	return "This file is not a whole release: it was cut off or changed on its way. Nothing of it was taken. Fetch it again."
}

func (r *Reader) verify(keys publog.Keys, log *publog.Log) error {
	if err := r.readHeader(); err != nil {
		return err
	}
	grown := r.from
	f := newFrames(r.src, r.size, r.start)
	var document string
	for {
		fr, err := f.next(true)
		if err != nil {
			return err
		}
		if fr.kind == frameEnd {
			return r.verifyEnd(fr, grown, keys, log)
		}
		if fr.kind == frameRemoved {
			r.removed++
		}
		switch fr.rec.Kind {
		case KindDocument:
			document = fr.rec.ID
		case KindRendition:
			if id, _, _ := strings.Cut(fr.rec.ID, "/"); id != document {
				return fmt.Errorf("rendition %s does not follow its document: %w", fr.rec.ID, fault.Damaged)
			}
		}
		r.entries.Append(fr.leaf)
		grown.Append(fr.leaf)
	}
}

func (r *Reader) verifyEnd(fr *frame, grown publog.Frontier, keys publog.Keys, log *publog.Log) error {
	r.checkpoint, r.end = fr.notes[0], endFrame(fr.notes[0], fr.notes[1])
	next, _, err := publog.OpenCheckpoint(r.checkpoint, keys)
	if err != nil {
		return err
	}
	text, signed, err := publog.OpenNote(fr.notes[1], keys)
	if err != nil {
		return err
	}
	r.signed = signed
	if text != statement(r.header, r.entries, grown) {
		return fmt.Errorf("the signatures are over other entries: %w", fault.Unverified)
	}
	if next.Origin != r.Header.Log || next.Size != grown.Size() || next.Root != grown.Root() {
		return fmt.Errorf("the checkpoint is not what the entries give: %w", fault.Unverified)
	}
	if log == nil {
		return nil
	}
	now, _ := log.Checkpoint()
	return publog.Follows(now.Origin, log.Frontier(), r.from, next)
}

// readHeader reads the first two lines and takes only what encode writes.
func (r *Reader) readHeader() error {
	b := make([]byte, min(r.size, int64(len(magic)+maxLine)))
	if _, err := r.src.ReadAt(b, 0); err != nil && err != io.EOF {
		return err
	}
	rest, ok := bytes.CutPrefix(b, []byte(magic))
	line, _, end := bytes.Cut(rest, []byte("\n"))
	if !ok || !end {
		return fmt.Errorf("no header of a release, version 0: %w", fault.Damaged)
	}
	var w wireHeader
	if err := json.Unmarshal(line, &w); err != nil {
		return fmt.Errorf("header: %w: %w", fault.Damaged, err)
	}
	from, err := publog.NewFrontier(w.Log.Size, w.Log.Roots)
	if err != nil {
		return fmt.Errorf("header: %w: %w", fault.Damaged, err)
	}
	r.Header, r.from = Header{w.Newsroom, w.Number, w.Day, w.Log.Origin}, from
	if r.header, err = r.Header.encode(from); err != nil {
		return fmt.Errorf("header: %w: %w", fault.Damaged, err)
	}
	r.start = int64(len(magic) + len(line) + 1)
	if !bytes.Equal(r.header, b[:r.start]) {
		return fmt.Errorf("header: not in the form in which it is written: %w", fault.Damaged)
	}
	return nil
}

// Len is the number of entries, those that were taken out included.
func (r *Reader) Len() int64 { return r.entries.Size() }

// Removed is how many entries were taken out of this copy; Entries does not yield
// them.
func (r *Reader) Removed() int64 { return r.removed }

// Signed says which known keys signed the release.
func (r *Reader) Signed() publog.Signed { return r.signed }

// Checkpoint is the log's signed state after this release.
func (r *Reader) Checkpoint() []byte { return bytes.Clone(r.checkpoint) }

// Entries yields the entries in order. Should the file change after it was
// verified, the last thing yielded is an error, fault.Damaged: keep nothing before
// the end has come without one.
func (r *Reader) Entries() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for fr, err := range r.frames() {
			if err != nil {
				yield(Entry{}, err)
				return
			}
			if fr.kind == frameEntry && !yield(Entry{fr.rec, r.src, fr.payload}, nil) {
				return
			}
		}
	}
}

// Update is what the release does to a publication log: give it to Log.Apply.
func (r *Reader) Update() publog.Update {
	leaves := func(yield func(publog.Leaf, error) bool) {
		for fr, err := range r.frames() {
			if err != nil {
				yield(publog.Leaf{}, err)
				return
			}
			if !yield(fr.leaf, nil) {
				return
			}
		}
	}
	return publog.Update{From: r.from, Leaves: leaves, Checkpoint: r.Checkpoint()}
}

// frames yields all frames but the end, and checks once more that they are those
// that were verified.
func (r *Reader) frames() iter.Seq2[*frame, error] {
	return func(yield func(*frame, error) bool) {
		f := newFrames(r.src, r.size, r.start)
		var again publog.Frontier
		for {
			fr, err := f.next(false)
			if err == nil && fr.kind == frameEnd && !again.Equal(r.entries) {
				err = fmt.Errorf("the file changed while it was read: %w", fault.Damaged)
			}
			if err != nil {
				yield(nil, fmt.Errorf("release: %w", err))
				return
			}
			if fr.kind == frameEnd {
				return
			}
			fr.rec.Index = r.from.Size() + again.Size()
			again.Append(fr.leaf)
			if !yield(fr, nil) {
				return
			}
		}
	}
}

// Open reads the payload. It gives fault.Damaged in place of the end when the bytes
// are no longer those that were verified. An entry without a payload has no bytes.
func (e Entry) Open() io.Reader {
	if e.Payload == nil {
		return bytes.NewReader(nil)
	}
	return &payloadReader{io.NewSectionReader(e.src, e.from, e.Payload.Size), sha256.New(), e.Payload.SHA256}
}

type payloadReader struct {
	r    io.Reader
	hash hash.Hash
	want [sha256.Size]byte
}

func (p *payloadReader) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.hash.Write(b[:n])
	if err == io.EOF && [32]byte(p.hash.Sum(nil)) != p.want {
		err = fmt.Errorf("payload: the file changed while it was read: %w", fault.Damaged)
	}
	return n, err
}
