package envelope

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"unicode/utf8"

	"filippo.io/age"

	"daylight/custody"
	"daylight/fault"
)

// Reader opens one envelope. It keeps one chunk in memory.
type Reader struct {
	Head Head

	r          *bufio.Reader
	left       int64 // of the payload of the data frame being read
	entry      *Entry
	entries    int64
	address    *Address
	conditions Conditions
	end        End
	again      bool
	done       bool
	broken     error
}

// Open reads the head of an envelope with any of the given keys. A wrong key is
// fault.Forbidden; bytes that are no envelope are fault.Damaged.
func Open(sealed io.Reader, keys ...age.Identity) (*Reader, error) {
	tried := make([]age.Identity, len(keys))
	for i, k := range keys {
		tried[i] = bounded{k}
	}
	plain, err := age.Decrypt(sealed, tried...)
	if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		return nil, fmt.Errorf("open envelope: none of the keys fits: %w", fault.Forbidden)
	}
	if err != nil {
		return nil, fmt.Errorf("open envelope: %w: %w", fault.Damaged, err)
	}
	return read(plain)
}

// bounded is a key that is not tried on more stanzas than an envelope may have.
type bounded struct{ age.Identity }

func (k bounded) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if len(stanzas) > MaxStanzas {
		return nil, fmt.Errorf("sealed to more keys than %d", MaxStanzas)
	}
	return k.Identity.Unwrap(stanzas)
}

// read reads the plain stream of frames.
func read(plain io.Reader) (*Reader, error) {
	r := &Reader{r: bufio.NewReader(plain)}
	var m [len(magic)]byte
	if _, err := io.ReadFull(r.r, m[:]); err != nil {
		return nil, fmt.Errorf("open envelope: %w: %w", fault.Damaged, err)
	}
	if string(m[:]) != magic {
		return nil, fmt.Errorf("open envelope: not version 0: %w", fault.Damaged)
	}
	kind, n, err := r.frame()
	if err == nil && kind != frameHeader {
		err = errors.New("no head")
	}
	if err == nil {
		err = r.record(n, &r.Head)
	}
	if err != nil {
		return nil, fmt.Errorf("open envelope: %w: %w", fault.Damaged, err)
	}
	return r, nil
}

// Entries yields the entries in order. Damage ends the sequence without an error:
// what arrived is worth having; ask End afterwards.
func (r *Reader) Entries() iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		for {
			e := r.Next()
			if e == nil || !yield(e) {
				return
			}
		}
	}
}

// Next returns the next entry, nil after the last.
func (r *Reader) Next() *Entry {
	if r.entry != nil {
		io.Copy(io.Discard, r.entry) // errors stay in r.broken
	}
	for !r.done {
		kind, n, err := r.frame()
		switch {
		case err != nil:
		case kind == frameBegin:
			var b begin
			if err = r.record(n, &b); err == nil {
				err = b.check()
			}
			if err == nil && r.entries == MaxEntries {
				err = fmt.Errorf("more entries than %d", MaxEntries)
			}
			if err == nil {
				r.entry = &Entry{Type: b.Type, Name: b.Name, r: r}
				return r.entry
			}
		case kind == frameLast:
			var e end
			if err = r.record(n, &e); err == nil && e.Count != r.entries {
				err = fmt.Errorf("%d entries; %d were sealed", r.entries, e.Count)
			}
			if err == nil {
				r.done, r.again = true, e.Repeated
				if e.Cut {
					r.end = max(r.end, Cut)
				}
				return nil // padding needs no reading
			}
		default:
			err = r.other(kind, n)
		}
		if err != nil {
			r.fail(err)
		}
	}
	return nil
}

// other takes frames that may stand anywhere.
func (r *Reader) other(kind byte, n int64) error {
	switch {
	case kind == frameAddress && r.address == nil:
		var a Address
		if err := r.record(n, &a); err != nil {
			return err
		}
		if err := a.check(); err != nil {
			return err
		}
		r.address = &a
		return nil
	case kind == frameConditions:
		return r.ask(n)
	case kind >= 'a' && kind <= 'z':
		_, err := io.CopyN(io.Discard, r.r, n)
		return err
	}
	return fmt.Errorf("frame %q out of place", kind)
}

// receipt takes the receipt that stands here, if one does.
func (r *Reader) receipt() *custody.Receipt {
	if next, _ := r.r.Peek(1); len(next) == 0 || next[0] != frameReceipt {
		return nil
	}
	_, n, err := r.frame()
	b := make([]byte, n)
	if err == nil {
		_, err = io.ReadFull(r.r, b)
	}
	if err != nil {
		r.fail(noEOF(err))
		return nil
	}
	var got custody.Receipt
	if json.Unmarshal(b, &got) != nil {
		return nil // as any frame in small letters that is not understood
	}
	return &got
}

func (r *Reader) fail(err error) {
	r.done, r.end, r.broken = true, Damaged, err
}

// End says how the envelope ended, once Next has returned nil.
func (r *Reader) End() End { return r.end }

// Repeated reports whether the same was sent before, by several others, as far as
// who sealed it could tell. It is known once Next has returned nil.
func (r *Reader) Repeated() bool { return r.again }

// Err tells the operator why End is Damaged; nil otherwise.
func (r *Reader) Err() error {
	if r.broken == nil {
		return nil
	}
	return fmt.Errorf("read envelope: %w: %w", fault.Damaged, r.broken)
}

// Address is where replies go, nil when the sender told none. It is known for
// certain once Next has returned nil.
func (r *Reader) Address() *Address { return r.address }

// frame reads a frame's head.
func (r *Reader) frame() (kind byte, n int64, err error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(r.r, head[:]); err != nil {
		return 0, 0, noEOF(err)
	}
	n = int64(binary.BigEndian.Uint32(head[1:]))
	if n > MaxFrame {
		return 0, 0, fmt.Errorf("frame of %d bytes; the most is %d", n, MaxFrame)
	}
	return head[0], n, nil
}

// record reads a frame's JSON payload.
func (r *Reader) record(n int64, v any) error {
	b := make([]byte, n)
	if _, err := io.ReadFull(r.r, b); err != nil {
		return noEOF(err)
	}
	return json.Unmarshal(b, v)
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (b begin) check() error {
	if b.Type != Text && b.Type != File {
		return errors.New("entry of an unknown type")
	}
	if len(b.Name) > MaxName || !utf8.ValidString(b.Name) {
		return errors.New("name of an entry too long")
	}
	return nil
}
