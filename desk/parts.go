package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"daylight/blob"
	"daylight/fault"
)

// PartSet is files of a conversation whose names say that they are parts of one.
type PartSet struct {
	Name  string   // of the whole, as the parts' names have it
	Plain bool     // the whole is the parts one after another; otherwise a reader of archives puts them together
	Parts []Part   // in their order
	Lacks []string // ends of the names of parts that are not here
	Why   string   // it cannot be joined; "" when it can
	More  bool     // the last part is as large as the others: perhaps more were to come
	Done  bool     // it was joined
}

// Part is a file of a message.
type Part struct {
	Message string
	Index   int
	File    File
	n       int
}

// Size is the size of the whole, as far as it is here.
func (p PartSet) Size() (n int64) {
	for _, part := range p.Parts {
		n += part.File.Size
	}
	return n
}

// Names of parts.
var (
	numbered = regexp.MustCompile(`^(.+)\.(\d{2,4})$`)                                 // 7-Zip, HJSplit, split -d: name.001
	lettered = regexp.MustCompile(`^(.*[^a-z])([a-z]{2,3})$`)                          // split: name.aa
	bare     = regexp.MustCompile(`^(x)([a-z]{2,3}|\d{2,3})$`)                         // split without a name: xaa, x00
	archived = regexp.MustCompile(`(?i)^(.+?)(\.part)?(\d{1,4})?(\.rar|\.exe|\.zip)$`) // WinRAR: name.part1.rar
	volume   = regexp.MustCompile(`(?i)^(.+)\.([rz])(\d{2})$`)                         // name.r00 and name.rar, name.z01 and name.zip
)

// series is what the parts of one set have in common.
type series struct {
	base  string // what stands before the number
	kind  byte   // '0' digits, 'a' letters, 'p' .partN.rar, 'r' and 'z' volumes
	width int
}

// last is the number of name.rar and name.zip, which come with volumes.
const last = 1 << 20

// partOf reads a name: of which series it is, and which part.
func partOf(name string) (s series, n int, ok bool) {
	if m := volume.FindStringSubmatch(name); m != nil {
		n, _ = strconv.Atoi(m[3])
		return series{m[1], strings.ToLower(m[2])[0], 2}, n, true
	}
	if m := archived.FindStringSubmatch(name); m != nil {
		if m[2] != "" && m[3] != "" {
			n, _ = strconv.Atoi(m[3])
			return series{m[1], 'p', 0}, n, true
		}
		base, ext := name[:len(name)-len(".rar")], strings.ToLower(m[4])
		return series{base, ext[1], 2}, last, ext != ".exe"
	}
	for _, names := range []*regexp.Regexp{bare, numbered, lettered} {
		m := names.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		if m[2][0] <= '9' {
			n, _ = strconv.Atoi(m[2])
			return series{m[1], '0', len(m[2])}, n, true
		}
		for _, c := range m[2] {
			n = n*26 + int(c-'a')
		}
		return series{m[1], 'a', len(m[2])}, n, true
	}
	return s, 0, false
}

// plain reports whether the whole is the parts one after another.
func (s series) plain() bool { return s.kind == '0' || s.kind == 'a' }

// first is the number of the first part. 7-Zip and WinRAR begin with 1, split and
// old volumes of RAR with 0.
func (s series) first() int {
	if s.kind == 'p' || s.kind == 'z' || s.kind == '0' && s.width > 2 {
		return 1
	}
	return 0
}

// suffix writes a number as the names have it.
func (s series) suffix(n int) string {
	switch s.kind {
	case '0':
		return fmt.Sprintf("%0*d", s.width, n)
	case 'p':
		return fmt.Sprintf("part%d", n)
	case 'r', 'z':
		return fmt.Sprintf("%c%02d", s.kind, n)
	}
	b := make([]byte, s.width)
	for i := range b {
		b[s.width-1-i] = 'a' + byte(n%26)
		n /= 26
	}
	return string(b)
}

// whole is the name of the whole.
func (s series) whole() string { return cmp.Or(strings.TrimRight(s.base, ".-_ "), "joined") }

// PartSets finds the files of a source that are parts of one, over all messages.
func (c *Conversation) PartSets() []PartSet {
	type group struct {
		here  map[int]Part
		twice bool
	}
	groups := map[series]*group{}
	var order []series
	for _, m := range c.Messages {
		for i, f := range m.Files {
			of, n, ok := partOf(f.Name)
			if !ok || f.Destroyed || !m.FromSource() {
				continue
			}
			g := groups[of]
			if g == nil {
				g = &group{here: map[int]Part{}}
				groups[of] = g
				order = append(order, of)
			}
			had, again := g.here[n]
			switch {
			case !again, had.File.Cut && !f.Cut:
				g.here[n] = Part{m.ID, i, f, n}
			case !f.Cut && had.File.Ref != f.Ref:
				g.twice = true
			}
		}
	}
	var sets []PartSet
	for _, of := range order {
		g := groups[of]
		if set, ok := of.set(slices.Collect(maps.Values(g.here)), g.twice); ok {
			set.Done = c.joined(set.refs())
			sets = append(sets, set)
		}
	}
	return sets
}

// set says what parts are together. They are a set when there are two at least, and
// one of them is among the first: other files end in two letters or digits, too.
func (s series) set(parts []Part, twice bool) (p PartSet, ok bool) {
	slices.SortFunc(parts, func(a, b Part) int { return a.n - b.n })
	if len(parts) < 2 || parts[0].n > s.first()+1 || s.kind == 'a' && parts[1].n > 2 {
		return p, false
	}
	p = PartSet{Name: s.whole(), Plain: s.plain(), Parts: parts}
	next := s.first()
	if parts[0].n == 0 {
		next = 0 // split -d with three digits
	}
	for _, part := range parts {
		for ; next < part.n && part.n != last && len(p.Lacks) < 20; next++ {
			p.Lacks = append(p.Lacks, s.suffix(next))
		}
		next = part.n + 1
	}
	p.More = parts[len(parts)-1].File.Size == parts[0].File.Size
	switch {
	case twice:
		p.Why = "A part came twice, with other bytes."
	case len(p.Lacks) > 0:
		p.Why = "Parts are missing."
	case slices.ContainsFunc(parts, func(p Part) bool { return p.File.Cut }):
		p.Why = "A part is cut off."
	case !p.Plain:
		p.Why = "Parts of this kind are put together by a reader of archives: take all of them into a case."
	}
	return p, true
}

func (p *PartSet) refs() []blob.Ref {
	var refs []blob.Ref
	for _, part := range p.Parts {
		refs = append(refs, part.File.Ref)
	}
	return refs
}

// joined reports whether these parts were joined, and the whole was not destroyed.
func (c *Conversation) joined(parts []blob.Ref) bool {
	return slices.ContainsFunc(c.Messages, func(m Message) bool {
		return slices.ContainsFunc(m.Files, func(f File) bool { return !f.Destroyed && slices.Equal(f.From, parts) })
	})
}

// Join makes one file of a set of parts: that which the given file of a message is a
// part of. The parts stay as they are. The whole stands in the conversation as
// something that was made here, and may be taken into a case in the parts' place.
func (d *Desk) Join(ctx context.Context, by EditorID, id ConversationID, message string, index int) error {
	u, err := d.may(ctx, by, Handler)
	if err != nil {
		return err
	}
	d.making.RLock()
	done := sync.OnceFunc(d.making.RUnlock)
	defer done()
	c, err := d.talk(ctx, by, id)
	if err != nil {
		return err
	}
	set, err := c.setOf(message, index)
	if err != nil {
		return err
	}
	if err := d.note(ctx, by, talkAct+"join parts", string(id)); err != nil {
		return err
	}
	batch, err := d.o.Blobs.Begin(ctx)
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}
	defer batch.Abort()
	all := &sequence{ctx: ctx, blobs: d.o.Blobs, refs: set.refs()}
	defer all.Close()
	ref, n, err := batch.Put(all)
	if err != nil {
		return fmt.Errorf("join: %w", err)
	}
	if n != set.Size() {
		return fmt.Errorf("join: %d bytes of %d: %w", n, set.Size(), fault.Damaged)
	}
	if err := batch.Commit(); err != nil {
		return fmt.Errorf("join: %w", err)
	}
	made := File{Name: fileName(set.Name, 1), Size: n, Ref: ref, From: set.refs()}
	err = d.o.Stores.Conversations.Update(ctx, id, func(c *Conversation) error {
		seen, _ := c.For(u)
		now, err := seen.setOf(message, index)
		if err != nil || !slices.Equal(now.refs(), made.From) {
			return errors.Join(err, fmt.Errorf("join: the parts changed: %w", fault.Conflict))
		}
		of, _ := c.Message(message)
		c.Messages = append(c.Messages, Message{ID: newID(), Day: day(d.o.Now()), By: by, Joined: true, Channel: of.Channel, Files: []File{made}})
		return nil
	})
	if err != nil {
		done()
		return errors.Join(err, d.drop(ctx, []blob.Ref{ref}))
	}
	return nil
}

// setOf is the set that a file is a part of, if it can be joined.
func (c *Conversation) setOf(message string, index int) (PartSet, error) {
	for _, set := range c.PartSets() {
		if !slices.ContainsFunc(set.Parts, func(p Part) bool { return p.Message == message && p.Index == index }) {
			continue
		}
		switch {
		case set.Why != "":
			return set, fault.Say(set.Why+" Nothing was joined.", fmt.Errorf("join: %w", fault.Conflict))
		case set.Done:
			return set, fault.Say("These parts were joined before.", fmt.Errorf("join: %w", fault.Conflict))
		}
		return set, nil
	}
	return PartSet{}, fmt.Errorf("join: no parts: %w", fault.NotFound)
}

// sequence reads blobs one after another, one open at a time.
type sequence struct {
	ctx   context.Context
	blobs blob.Store
	refs  []blob.Ref
	open  io.ReadCloser
}

func (s *sequence) Read(p []byte) (int, error) {
	for {
		if s.open == nil {
			if len(s.refs) == 0 {
				return 0, io.EOF
			}
			r, err := s.blobs.Open(s.ctx, s.refs[0])
			if err != nil {
				return 0, err
			}
			s.open, s.refs = r, s.refs[1:]
		}
		n, err := s.open.Read(p)
		if err == io.EOF {
			err = s.Close()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (s *sequence) Close() error {
	if s.open == nil {
		return nil
	}
	err := s.open.Close()
	s.open = nil
	return err
}
