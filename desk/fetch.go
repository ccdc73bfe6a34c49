package desk

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"daylight/blob"
	"daylight/courier"
	"daylight/custody"
	"daylight/envelope"
	"daylight/fault"
)

// Fetched says what one round at intake did.
type Fetched struct {
	Envelopes int // taken in
	Replies   int // left
	Unopened  int // set aside here: envelopes that none of our keys opens, or that are damaged from the first byte
	Left      int // such that stay at intake: there is no room for them here
}

// closed remembers the envelopes that do not open and stay at intake, as long as the
// keys do not change: there is no use in carrying them over again.
type closed struct {
	mu  sync.Mutex
	ids map[courier.EnvelopeID]bool
}

func (c *closed) has(id courier.EnvelopeID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ids[id]
}

func (c *closed) add(id courier.EnvelopeID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ids == nil {
		c.ids = map[courier.EnvelopeID]bool{}
	}
	c.ids[id] = true
}

func (c *closed) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.ids)
}

// errClosed is of an envelope that cannot be opened: its fault, and none of ours.
var errClosed = errors.New("the envelope does not open")

// MaxText is how much of a source's message the desk keeps as text, in bytes, and
// MaxTalk how much of a conversation: all of it is read with each page and written with
// each message. What is longer becomes a file.
const (
	MaxText = 32 << 10
	MaxTalk = 1 << 20
)

// Fetch makes one round at intake: it hands over the list of keys where that is a new
// one, leaves the replies that wait, takes in what arrived, and acknowledges only what
// is durable here. What does not open is set aside as it came, and acknowledged too, so
// that junk does not fill intake. An envelope that cannot be taken in does not keep the
// others back; the error tells of the first that failed for a reason of ours.
func (d *Desk) Fetch(ctx context.Context, in courier.Intake) (Fetched, error) {
	var f Fetched
	ring, err := d.o.Keyring()
	if err != nil {
		return f, fmt.Errorf("fetch: %w", err)
	}
	first := d.handKeys(ctx, in, ring)
	var failed error
	f.Replies, failed = d.deliver(ctx, in)
	first = cmp.Or(first, failed)
	return f, errors.Join(first, d.receive(ctx, in, ring, &f))
}

// Receive is the half of Fetch that takes in what arrived: for envelopes that somebody
// carries, on which no reply must be left.
func (d *Desk) Receive(ctx context.Context, in courier.Intake) (Fetched, error) {
	var f Fetched
	ring, err := d.o.Keyring()
	if err != nil {
		return f, fmt.Errorf("fetch: %w", err)
	}
	return f, d.receive(ctx, in, ring, &f)
}

func (d *Desk) receive(ctx context.Context, in courier.Intake, ring Keyring, f *Fetched) error {
	first := d.newKeys(ctx, ring)
	first = cmp.Or(first, d.takeAll(ctx, in, ring, f))
	first = cmp.Or(first, d.destroyRest(ctx))
	// What arrives comes first: to try keys on a flood of junk takes hours.
	return cmp.Or(first, d.tryKeys(ctx, ring, f))
}

func (d *Desk) takeAll(ctx context.Context, in courier.Intake, ring Keyring, f *Fetched) error {
	list, err := in.Envelopes(ctx)
	if err != nil {
		return fmt.Errorf("fetch: list envelopes: %w", err)
	}
	_, _, room, err := d.unopened(ctx)
	if err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	var first error
	failed := func(err error) {
		if err != nil && first == nil && !errors.Is(err, errStays) {
			first = fmt.Errorf("fetch: %w", err)
		}
	}
	var mu sync.Mutex // of f, first, here and room, for several are under way at once
	// Some at a time: for each list of what it destroys, intake seals anew the keys of all
	// that stays. A crash before costs nothing: what is here is not taken in twice.
	var here []courier.EnvelopeID
	told := time.Now()
	tell := func(last bool) {
		mu.Lock()
		defer mu.Unlock()
		if len(here) < acknowledged && time.Since(told) <= acknowledging && !last {
			return
		}
		if len(here) > 0 {
			failed(in.Acknowledge(ctx, here))
		}
		here, told = nil, time.Now()
	}
	// The small ones before the large, each for as long as a round may take and in no order,
	// so that nobody knows how to come before others: whoever sends many, or many of one size,
	// holds back neither theirs for good nor the answers and keys of the next round, which goes on.
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	for _, large := range []bool{false, true} {
		ways := make(chan struct{}, atOnce)
		if large {
			ways = make(chan struct{}, 1)
		}
		var began time.Time
		var all sync.WaitGroup
		for _, e := range list {
			if e.Size == 0 || (e.Size > small) != large { // of no size: it is just being kept, and has its size in the next list; or there is nothing in it
				continue
			}
			if d.closed.has(e.ID) {
				mu.Lock()
				f.Left++
				mu.Unlock()
				continue
			}
			ways <- struct{}{}
			if began.IsZero() {
				began = time.Now()
			} else if time.Since(began) > taking {
				<-ways
				continue
			}
			tell(false)
			all.Go(func() {
				defer func() { <-ways }()
				err := d.takeIn(ctx, in, e, ring, &mu, f, &room)
				mu.Lock()
				defer mu.Unlock()
				failed(err)
				if err == nil {
					here = append(here, e.ID)
				}
			})
		}
		all.Wait()
	}
	tell(true)
	d.left.Store(int64(f.Left))
	return first
}

// taking is how long a round takes in what is small, and then what is large: one envelope
// of each at least.
var taking = 5 * time.Minute

const (
	small         = 1 << 20 // bytes
	atOnce        = 4       // small ones; each takes little but a way through Tor and back
	acknowledged  = 100     // envelopes that are acknowledged at once
	acknowledging = 10 * time.Second
)

// takeIn brings one envelope into a conversation, or sets it aside where it does not
// open: either way it is durable here. mu guards f and room.
func (d *Desk) takeIn(ctx context.Context, in courier.Intake, e courier.Envelope, ring Keyring, mu *sync.Mutex, f *Fetched, room *int64) error {
	if _, err := d.o.Stores.Envelopes.Get(ctx, e.ID); !errors.Is(err, fault.NotFound) {
		return err // nil: it was set aside in a round before whose acknowledgement got lost
	}
	took, err := d.take(ctx, e, ring, func() (io.ReadCloser, error) { return in.Open(ctx, e.ID) })
	mu.Lock()
	defer mu.Unlock()
	if took {
		f.Envelopes++
	}
	if !errors.Is(err, errClosed) {
		return err
	}
	size, err := d.setAside(ctx, in, e, *room)
	switch {
	case err == nil:
		f.Unopened++
		*room -= taken(size)
	case errors.Is(err, errStays):
		f.Left++
		d.closed.add(e.ID)
	}
	return err
}

// newKeys has all that did not open tried again where there are keys that the last round
// had not. One that comes in place of another makes a new list.
func (d *Desk) newKeys(ctx context.Context, ring Keyring) error {
	d.aside.Lock()
	defer d.aside.Unlock()
	keys := fmt.Sprint(ring.List.Serial, " ", len(ring.Identities))
	if d.keys == keys {
		return nil
	}
	kept, _, _, err := d.unopened(ctx)
	if err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	d.closed.clear()
	d.untried, d.keys = kept, keys
	return nil
}

// trying is how long a round tries keys on what did not open, one envelope at least.
var trying = time.Minute

// tryKeys goes on with what newKeys began.
func (d *Desk) tryKeys(ctx context.Context, ring Keyring, f *Fetched) error {
	d.aside.Lock()
	defer d.aside.Unlock()
	opened, untried, err := d.openAgain(ctx, ring, d.untried, trying)
	d.untried = untried
	f.Envelopes += opened
	if err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	return nil
}

// take brings one envelope into a conversation. took is false when that was done
// in a round before whose acknowledgement got lost.
func (d *Desk) take(ctx context.Context, e courier.Envelope, ring Keyring, open func() (io.ReadCloser, error)) (took bool, err error) {
	if done, err := d.o.Stores.Conversations.Received(ctx, e.ID); err != nil || done {
		return false, err
	}
	sealed, err := open()
	if err != nil {
		return false, fmt.Errorf("open envelope: %w", err)
	}
	defer sealed.Close()
	way := &carried{r: sealed}
	r, err := envelope.Open(way, ring.Identities...)
	if err := way.broke(); err != nil {
		return false, err
	}
	if err != nil {
		return false, fmt.Errorf("%w: %w", errClosed, err)
	}
	batch, err := d.o.Blobs.Begin(ctx)
	if err != nil {
		return false, fmt.Errorf("keep files: %w", err)
	}
	defer batch.Abort()
	m, receipts, err := d.keep(batch, r)
	if err == nil {
		io.Copy(io.Discard, way) // also of what is cut off: only at the end a way knows what it carried
		err = way.broke()        // not the source's upload: the rest is still at intake
	}
	if err != nil {
		return false, err
	}
	m.Day = e.Day
	if envelope.ValidChannel(r.Head.Channel) { // a stranger's word: see Message
		m.Channel = r.Head.Channel
	}
	d.sealedTo(r.Head.Serial)
	d.keeping.RLock()
	defer d.keeping.RUnlock()
	if err := batch.Commit(); err != nil {
		return false, fmt.Errorf("keep files: %w", err)
	}
	for ref, r := range receipts {
		if err := d.o.Stores.Receipts.Put(ctx, ref, r); err != nil {
			return false, fmt.Errorf("keep receipt: %w", err)
		}
	}
	var box courier.MailboxID
	var key string
	if a := r.Address(); a != nil {
		box, key = courier.MailboxID(a.Mailbox), a.Key
	}
	var told Conversation
	receive := func(c *Conversation) error {
		if c.ReplyKey != "" && c.ReplyKey != key {
			return errForged
		}
		if m.Text != "" && c.words()+len(m.Text) > MaxTalk {
			return errFull
		}
		c.Mailbox, c.ReplyKey = box, key
		c.Receive(m)
		told = *c
		return nil
	}
	err = d.o.Stores.Conversations.Receive(ctx, e.ID, box, receive)
	switch {
	case errors.Is(err, errForged):
		box, key = "", ""
		err = d.o.Stores.Conversations.Receive(ctx, e.ID, box, receive)
	case errors.Is(err, errFull):
		if err = d.textToFile(ctx, &m); err == nil {
			err = d.o.Stores.Conversations.Receive(ctx, e.ID, box, receive)
		}
	}
	if err != nil {
		return false, fmt.Errorf("keep message: %w", err)
	}
	for _, of := range told.Cases { // bars tells them again, should this fail
		if err := d.tell(ctx, of, told.Asks()); err != nil {
			return true, err
		}
	}
	return true, nil
}

// carried is an envelope on its way from intake. To whoever reads envelopes, bytes
// that do not come are damage; carried tells whether it was the way that broke.
type carried struct {
	r   io.Reader
	err error
}

func (c *carried) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

// broke is nil where all came that is to be had: what is damaged at intake does not
// get better.
func (c *carried) broke() error {
	if c.err == nil || errors.Is(c.err, fault.Damaged) {
		return nil
	}
	return fmt.Errorf("carry envelope: %w", c.err)
}

// errForged: a mailbox and the key of its replies come from one codename, so neither
// changes without the other. Whoever reads an intake learns of mailboxes; an envelope
// with one of them and a key of their own would have our answers sealed to them, and
// would speak in the source's name. It is taken as from somebody new whom nobody can
// answer.
var errForged = errors.New("the mailbox has another key")

// errFull: the conversation has as much text as it may have.
var errFull = errors.New("the conversation is full of text")

// textToFile makes a file of the text of a message. The caller holds keeping.
func (d *Desk) textToFile(ctx context.Context, m *Message) error {
	batch, err := d.o.Blobs.Begin(ctx)
	if err != nil {
		return err
	}
	defer batch.Abort()
	ref, n, err := batch.Put(strings.NewReader(m.Text))
	if err != nil {
		return err
	}
	m.Files = slices.Insert(m.Files, 0, File{Name: "message.txt", Words: true, Begins: beginning(m.Text), Size: n, Ref: ref})
	m.Text = ""
	return batch.Commit()
}

// keep puts the files of an envelope into a batch and returns the message, and the
// receipts that hold and are signed by an intake of ours.
func (d *Desk) keep(batch blob.Batch, r *envelope.Reader) (Message, map[blob.Ref]custody.Receipt, error) {
	m := Message{ID: newID()}
	receipts := map[blob.Ref]custody.Receipt{}
	var words strings.Builder // of all texts: MaxText is for them together
	for e := range r.Entries() {
		if e.Type == envelope.Text {
			var text bytes.Buffer
			apart := ""
			if words.Len() > 0 {
				apart = "\n\n"
			}
			room := max(0, MaxText-words.Len()-len(apart))
			if _, err := io.Copy(&text, io.LimitReader(e, int64(room)+1)); err != nil {
				return m, nil, fmt.Errorf("read message: %w", err)
			}
			if text.Len() <= room {
				clean := writing(text.String()) // what is no UTF-8 is longer then
				if clean == "" {
					continue
				}
				if len(clean) <= room {
					words.WriteString(apart + clean)
					continue
				}
			}
			begins := ""
			if !slices.ContainsFunc(m.Files, func(f File) bool { return f.Words }) {
				begins = beginning(text.String())
			}
			ref, n, err := batch.Put(io.MultiReader(&text, e))
			if err != nil {
				return m, nil, fmt.Errorf("keep message: %w", err)
			}
			m.Files = append(m.Files, File{Name: "message.txt", Words: true, Begins: begins, Size: n, Ref: ref, Cut: e.End() != envelope.Whole})
			continue
		}
		ref, n, err := batch.Put(e)
		if err != nil {
			return m, nil, fmt.Errorf("keep file: %w", err)
		}
		if r := e.Receipt(); r != nil && slices.Contains(d.o.Intakes, r.Key) && r.Check(ref) == nil {
			receipts[ref] = *r
		}
		m.Files = append(m.Files, File{Name: fileName(e.Name, len(m.Files)+1), Size: n, Ref: ref, Cut: e.End() != envelope.Whole})
	}
	m.Text = words.String()
	m.Cut, m.Repeated, m.Conditions = r.End() != envelope.Whole, r.Repeated(), r.Conditions()
	return m, receipts, nil
}

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// writing makes of what a stranger wrote what can be read. JSON would keep each control
// character as six bytes.
func writing(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, lineEnds.Replace(strings.ToValidUTF8(text, "\uFFFD"))))
}

// beginning is what the page of a conversation shows of words that are a file.
func beginning(text string) string {
	return writing(strings.ToValidUTF8(text[:min(len(text), 500)], ""))
}

// undirected makes a name read as it is: marks of direction make photo-exe.pdf of
// photo-fdp.exe.
func undirected(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Bidi_Control, r) {
			return '-'
		}
		return r
	}, name)
}

// fileName makes of what a stranger wrote a name that is one line and no path, and
// reads as it is.
func fileName(name string, n int) string {
	name = undirected(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, "\uFFFD")))
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	if name = strings.TrimSpace(name); name == "" || name == "." || name == ".." {
		return fmt.Sprintf("file-%d", n)
	}
	if len(name) > maxName {
		ext := filepath.Ext(name)
		if len(ext) > 16 {
			ext = ""
		}
		name = strings.ToValidUTF8(name[:maxName-len("…")-len(ext)], "") + "…" + ext
	}
	return name
}

// maxName is how long a name is that file systems take, in bytes; every page of a
// conversation has all its names.
const maxName = 255

// deliver leaves the replies that intake has not taken yet. The id of a reply is
// that of its message, so that leaving it twice is leaving it once.
func (d *Desk) deliver(ctx context.Context, in courier.Intake) (int, error) {
	all, err := d.o.Stores.Conversations.Replying(ctx)
	if err != nil {
		return 0, fmt.Errorf("deliver: %w", err)
	}
	left := 0
	var first error // one reply that cannot be left does not hold back those of others
	for _, c := range all {
		for _, m := range c.Messages {
			if m.Sealed.IsZero() {
				continue
			}
			err := d.leave(ctx, in, c, m)
			if err == nil {
				left++
			} else if first == nil {
				first = fmt.Errorf("deliver: %w", err)
			}
		}
	}
	return left, first
}

// leave leaves a reply at intake and destroys its envelope here. Its row says in between
// that intake has it: so no crash leaves an envelope here that nothing names.
func (d *Desk) leave(ctx context.Context, in courier.Intake, c Conversation, m Message) error {
	if !m.Left {
		if err := d.putReply(ctx, in, c, m); err != nil {
			return err
		}
	}
	if err := d.o.Blobs.Delete(ctx, m.Sealed); err != nil {
		return err
	}
	return d.o.Stores.Conversations.Update(ctx, c.ID, func(c *Conversation) error {
		if m, ok := c.Message(m.ID); ok {
			m.Sealed, m.Left = blob.Ref{}, false
		}
		return nil
	})
}

func (d *Desk) putReply(ctx context.Context, in courier.Intake, c Conversation, m Message) error {
	sealed, err := d.o.Blobs.Open(ctx, m.Sealed)
	if err != nil {
		return err
	}
	defer sealed.Close()
	if err := in.PutReply(ctx, c.Mailbox, courier.ReplyID(m.ID), sealed); err != nil {
		return fmt.Errorf("leave reply: %w", err)
	}
	return d.o.Stores.Conversations.Update(ctx, c.ID, func(c *Conversation) error {
		if m, ok := c.Message(m.ID); ok {
			m.Left = true
		}
		return nil
	})
}
