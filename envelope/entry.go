package envelope

import (
	"fmt"
	"io"

	"daylight/custody"
)

// Entry is one text or file. Read it before the next one is asked for; what was
// not read is passed over.
type Entry struct {
	Type Type
	Name string // as the sender wrote it: never a path, never safe to use as one

	r    *Reader
	size int64
	end  End
	over bool

	receipt *custody.Receipt
}

// Size is the number of bytes read so far; after io.EOF it is the entry's size.
func (e *Entry) Size() int64 { return e.size }

// End says how the entry ended, after io.EOF.
func (e *Entry) End() End { return e.end }

// Receipt is what the sealer signed for the bytes, after io.EOF; nil when nothing, or
// nothing that can be read. It is not checked.
func (e *Entry) Receipt() *custody.Receipt { return e.receipt }

// Read reads the entry's bytes. Its only error is io.EOF, also where an envelope
// is cut or damaged: what arrived is kept, and End says which it was.
func (e *Entry) Read(p []byte) (int, error) {
	if e.over || e.r.entry != e {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	for e.r.left == 0 {
		if over, err := e.advance(); err != nil {
			e.r.fail(err)
			e.finish(Damaged)
			return 0, io.EOF
		} else if over {
			return 0, io.EOF
		}
	}
	n, err := e.r.r.Read(p[:min(int64(len(p)), e.r.left)])
	e.r.left -= int64(n)
	e.size += int64(n)
	if err != nil && e.r.left > 0 || err != nil && err != io.EOF {
		e.r.fail(err)
		e.finish(Damaged)
		if n == 0 {
			return 0, io.EOF
		}
	}
	return n, nil
}

// advance reads up to the next data frame or the end of the entry.
func (e *Entry) advance() (over bool, err error) {
	kind, n, err := e.r.frame()
	if err != nil {
		return false, err
	}
	switch kind {
	case frameData:
		e.r.left = n
		return false, nil
	case frameEnd:
		var f end
		if err := e.r.record(n, &f); err != nil {
			return false, err
		}
		if f.Count != e.size {
			return false, fmt.Errorf("entry of %d bytes; %d were sealed", e.size, f.Count)
		}
		e.finish(Whole)
		if f.Cut {
			e.end, e.r.end = Cut, Cut
		}
		e.receipt = e.r.receipt()
		return true, nil
	}
	return false, e.r.other(kind, n)
}

func (e *Entry) finish(how End) {
	e.over, e.end = true, how
	e.r.entry, e.r.left = nil, 0
	e.r.entries++
}
