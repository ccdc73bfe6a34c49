package envelope

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"unicode/utf8"

	"filippo.io/age"

	"daylight/custody"
	"daylight/fault"
)

// Sealer writes one envelope. Bytes are sealed as they come; at most two chunks of
// 64 KiB wait in memory. Entries follow one another; only Address may be called
// from another goroutine while an entry is written.
type Sealer struct {
	mu      sync.Mutex
	age     io.WriteCloser
	head    int64 // bytes of the head that age writes
	written int64 // plain bytes, with frames
	entries int64
	address bool
	asked   bool // conditions
	open    *entryWriter
	cut     bool
	custody *custody.Signer
	again   bool
	err     error // the first; the stream is of no use after it
}

// Seal starts an envelope on w for all the given keys: each of them opens it.
// There must be at least one, and only hybrid keys.
func Seal(w io.Writer, head Head, to ...age.Recipient) (*Sealer, error) {
	if len(to) == 0 {
		return nil, fmt.Errorf("seal: no key to seal to: %w", fault.Invalid)
	}
	if len(to) > MaxStanzas {
		return nil, fmt.Errorf("seal: more keys than %d: %w", MaxStanzas, fault.TooLarge)
	}
	for _, r := range to {
		if _, ok := r.(*age.HybridRecipient); !ok {
			return nil, fmt.Errorf("seal: a key that is not hybrid: %w", fault.Invalid)
		}
	}
	out := &counter{w: w}
	a, err := age.Encrypt(out, to...)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	s := &Sealer{age: a, head: out.n}
	s.write([]byte(magic))
	head.Time = head.Time.UTC()
	s.record(frameHeader, head)
	return s, s.err
}

// Text adds a message. An error of r that is not io.EOF marks it as cut and is
// returned; what was read is kept, and the sealer goes on being of use.
func (s *Sealer) Text(r io.Reader) (int64, error) { return s.entry(begin{Type: Text}, r) }

// File adds a file, likewise. The name is kept as it is, but for bytes that are
// not UTF-8 and what is beyond MaxName.
func (s *Sealer) File(name string, r io.Reader) (int64, error) {
	return s.entry(begin{Type: File, Name: Shorten(name)}, r)
}

// Shorten is a file's name as an envelope has it.
func Shorten(name string) string {
	name = strings.ToValidUTF8(name, "\uFFFD")
	if len(name) <= MaxName {
		return name
	}
	n := MaxName
	for !utf8.RuneStart(name[n]) {
		n--
	}
	return name[:n]
}

func (s *Sealer) entry(b begin, r io.Reader) (int64, error) {
	w, err := s.begin(b)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(w, r)
	if err != nil {
		return n, errors.Join(err, w.Cut())
	}
	return n, w.Close()
}

// Begin starts a file whose bytes the caller writes, where File would read them.
// It must be closed or cut before the next entry.
func (s *Sealer) Begin(name string) (EntryWriter, error) {
	return s.begin(begin{Type: File, Name: Shorten(name)})
}

// BeginText is Begin for a message.
func (s *Sealer) BeginText() (EntryWriter, error) { return s.begin(begin{Type: Text}) }

func (s *Sealer) begin(b begin) (EntryWriter, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open != nil {
		return nil, errors.New("seal: the entry before is still open")
	}
	if s.entries == MaxEntries {
		return nil, fmt.Errorf("seal: more entries than %d: %w", MaxEntries, fault.TooLarge)
	}
	s.record(frameBegin, b)
	s.open = &entryWriter{s: s, buf: make([]byte, 0, MaxFrame)}
	if s.custody != nil && b.Type == File {
		s.open.sum = sha256.New()
	}
	return s.open, s.err
}

// Address says where replies go. It may come at any time before Close, once.
func (s *Sealer) Address(a Address) error {
	if err := a.check(); err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.address {
		return errors.New("seal: there is an address already")
	}
	s.address = true
	s.record(frameAddress, a)
	return s.err
}

// Receipts has every file from now on followed by a receipt for its bytes. It goes
// before the first Begin.
func (s *Sealer) Receipts(by *custody.Signer) { s.custody = by }

// MarkCut says that more was to come than there are entries.
func (s *Sealer) MarkCut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = true
}

// MarkRepeated says that the same was sent before, by several others.
func (s *Sealer) MarkRepeated() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.again = true
}

// Size is how many bytes the envelope will have if it is closed now, with its
// padding: for who must reserve space. An entry that is still open, or an address
// that is still to come, may add to it.
func (s *Sealer) Size() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sealed(Padded(s.written + lastLen))
}

// Bare is the most that the envelope can have without padding after n more bytes
// of entries.
func (s *Sealer) Bare(n int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	// What waits in a buffer, ends of entry and envelope, a receipt, an address, and
	// conditions and a name in which JSON writes each byte with six.
	const slack = MaxFrame + lastLen + 128 + 1<<10 + 4<<10 + 6*(MaxBefore+MaxName) + 64
	return s.sealed(s.written + n + frameHead*(n/MaxFrame+1) + slack)
}

// sealed is the size of the envelope for so many plain bytes: age adds its head
// and a tag of 16 bytes to each chunk of 64 KiB.
func (s *Sealer) sealed(plain int64) int64 {
	return s.head + plain + 16*max(1, (plain+chunk-1)/chunk)
}

const (
	chunk   = 64 << 10
	lastLen = frameHead + 64 // more than frameLast ever has
)

// Close ends the envelope and pads it. An entry that is still open is cut.
func (s *Sealer) Close() error { return s.CloseWithin(math.MaxInt64) }

// CloseWithin is Close where there is only room for so many bytes of envelope in
// all: where padding would go beyond, it ends there.
func (s *Sealer) CloseWithin(room int64) error {
	s.mu.Lock()
	open := s.open
	s.mu.Unlock()
	if open != nil {
		open.Cut()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.record(frameLast, end{Count: s.entries, Cut: s.cut, Repeated: s.again})
	target := Padded(s.written)
	if over := s.sealed(target) - room; over > 0 {
		target = max(s.written, target-over-over/chunk*16) // may leave a few bytes of room
	}
	zero := make([]byte, 32<<10)
	for s.written < target && s.err == nil {
		s.write(zero[:min(target-s.written, int64(len(zero)))])
	}
	if s.err == nil {
		if s.err = s.age.Close(); s.err == nil {
			s.err = errClosed
			return nil
		}
	}
	return s.err
}

var errClosed = errors.New("seal: closed")

// record writes a frame with a JSON payload.
func (s *Sealer) record(kind byte, v any) {
	b, err := json.Marshal(v)
	if err != nil && s.err == nil {
		s.err = fmt.Errorf("seal: %w", err)
	}
	s.frame(kind, b)
}

func (s *Sealer) frame(kind byte, payload []byte) {
	var head [frameHead]byte
	head[0] = kind
	binary.BigEndian.PutUint32(head[1:], uint32(len(payload)))
	s.write(head[:])
	s.write(payload)
}

func (s *Sealer) write(b []byte) {
	if s.err != nil {
		return
	}
	n, err := s.age.Write(b)
	s.written += int64(n)
	if err != nil {
		s.err = fmt.Errorf("seal: %w", err)
	}
}

// counter counts what goes through.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
