package intake

import (
	"container/list"
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"daylight/codename"
	"daylight/fault"
	"daylight/internal/secret"
)

// Session is one visit of one source.
type Session struct {
	in    *Intake
	token Token
}

// Token is what the browser keeps.
func (s *Session) Token() Token { return s.token }

// held is what memory has of a session.
type held struct {
	name       [32]byte
	sealed     []byte
	born, seen time.Time
	busy       int // uploads under way, which may take hours
	rank       rank
	turn       *list.Element // in its rank
	tally      *tally
}

// rank is what a visit is worth keeping for, when there are too many.
type rank int

const (
	fresh  rank = iota // a codename was made, and nobody said that it is kept
	kept               // somebody did
	proven             // something was sent, or somebody came back
	ranks
)

type sessions struct {
	mu     sync.Mutex
	byName map[[32]byte]*held
	turns  [ranks]list.List // of each rank, in the order in which they must go
}

// place puts a visit last in its rank, when it begins, comes into a higher one, or
// proves itself once more. Its pages do not: they cost a flood nothing.
func (s *sessions) place(h *held, r rank) {
	if h.turn != nil {
		if r <= h.rank && r < proven {
			return
		}
		s.turns[h.rank].Remove(h.turn)
	}
	h.rank = max(h.rank, r)
	h.turn = s.turns[h.rank].PushBack(h)
}

func (s *sessions) drop(h *held) {
	if h != nil {
		s.turns[h.rank].Remove(h.turn)
		delete(s.byName, h.name)
	}
}

// makeRoom forgets one visit: of the highest rank that has more than half of what it
// and those below it have. So whoever fills a rank leaves places to those below it:
// a quarter of all, at the least, to visits that have only begun.
func (s *sessions) makeRoom() bool {
	for r, all := proven, len(s.byName); r >= fresh; r-- {
		n := s.turns[r].Len()
		if 2*n > all && s.forget(r) {
			return true
		}
		all -= n
	}
	for r := range ranks { // where those are all uploading
		if s.forget(r) {
			return true
		}
	}
	return false
}

// forget drops the first of a rank that is not uploading.
func (s *sessions) forget(r rank) bool {
	for e := s.turns[r].Front(); e != nil; e = e.Next() {
		if h := e.Value.(*held); h.busy == 0 {
			s.drop(h)
			return true
		}
	}
	return false
}

func (s *sessions) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.byName)
	s.turns = [ranks]list.List{}
}

// Begin starts a visit with a new codename, of words in a language. Nothing is kept of
// it but this, and of the language nothing beside the words. fault.Busy when too many
// do.
func (in *Intake) Begin(language string) (*Session, error) {
	if err := in.countAll(Begins); err != nil {
		return nil, fmt.Errorf("begin session: %w", err)
	}
	c := codename.New(language)
	defer c.Wipe()
	s := secret.New[secrets]()
	defer s.Wipe()
	c.AppendBinary(s.V.words[:0]) // fills the array; never fails
	s.V.marks = c.Marks()
	return in.begin(s.V, fresh)
}

// Return starts a visit with a codename as its owner typed it. Every codename
// that can be read is welcome: whether it was ever used, nothing here tells. One
// that cannot be read is a *codename.Error; fault.Busy when too many return at
// once.
func (in *Intake) Return(ctx context.Context, typed []byte) (*Session, error) {
	c, err := codename.Parse(typed)
	if err != nil {
		return nil, err
	}
	defer c.Wipe()
	if err := in.countAll(Returns); err != nil {
		return nil, fmt.Errorf("return: %w", err)
	}
	s := secret.New[secrets]()
	defer s.Wipe()
	s.V.marks = c.Marks()
	if err := in.returns.do(ctx, func() { s.V.take(c, in.Keys().Newsroom) }); err != nil {
		return nil, fmt.Errorf("derive keys of a return: %w", err)
	}
	s.V.last, s.V.today = in.visits.count(in.day(), s.V.visits)
	return in.begin(s.V, proven)
}

func (in *Intake) begin(s *secrets, r rank) (*Session, error) {
	var t Token
	rand.Read(t[:])
	b := secret.New[opened]()
	defer b.Wipe()
	now := in.now()
	h := &held{name: t.name(), sealed: t.aead().Seal(nil, nil, s.appendTo(b.V.plain[:0]), nil), born: now, seen: now, tally: &tally{}}
	in.sessions.mu.Lock()
	defer in.sessions.mu.Unlock()
	if len(in.sessions.byName) >= in.limits.Sessions && !in.sessions.makeRoom() {
		return nil, fmt.Errorf("begin session: %w", fault.Busy)
	}
	in.sessions.byName[h.name] = h
	in.sessions.place(h, r)
	return &Session{in, t}, nil
}

// Session finds a visit that has not ended: fault.Unknown otherwise.
func (in *Intake) Session(t Token) (*Session, error) {
	in.sessions.mu.Lock()
	defer in.sessions.mu.Unlock()
	h, now := in.sessions.byName[t.name()], in.now()
	if h == nil || in.over(h, now) {
		in.sessions.drop(h)
		return nil, fmt.Errorf("session: %w", fault.Unknown)
	}
	h.seen = now
	return &Session{in, t}, nil
}

func (in *Intake) over(h *held, now time.Time) bool {
	return h.busy == 0 && (now.Sub(h.seen) >= in.limits.Idle || now.Sub(h.born) >= in.limits.Longest)
}

// collect overwrites what ended visits left in buffers and on stacks.
var collect = secret.Collect

// sweep forgets visits that have ended, every minute.
func (in *Intake) sweep(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			in.forgetOver()
			collect()
			in.settleParcels()
			in.settleTallies()
			in.repeats.settle(in.day())
			in.visits.settle(in.day())
		}
	}
}

// forgetOver makes a new map: one from which a visit is deleted keeps its name.
func (in *Intake) forgetOver() {
	in.sessions.mu.Lock()
	defer in.sessions.mu.Unlock()
	now, kept := in.now(), map[[32]byte]*held{} // a map has the keys that were deleted
	for name, h := range in.sessions.byName {
		if in.over(h, now) {
			in.sessions.drop(h)
		} else {
			kept[name] = h
		}
	}
	in.sessions.byName = kept
}

// Leave ends the visit.
func (s *Session) Leave() {
	s.in.sessions.mu.Lock()
	defer s.in.sessions.mu.Unlock()
	s.in.sessions.drop(s.in.sessions.byName[s.token.name()])
}

// Follow ends a visit of the same browser, and goes on with what it counted.
func (s *Session) Follow(old *Session) {
	if t := old.tally(); t != nil {
		s.in.sessions.mu.Lock()
		if h := s.in.sessions.byName[s.token.name()]; h != nil {
			h.tally = t
		}
		s.in.sessions.mu.Unlock()
	}
	old.Leave()
}

// tally is what this visit did, nil when it is over.
func (s *Session) tally() *tally {
	s.in.sessions.mu.Lock()
	defer s.in.sessions.mu.Unlock()
	if h := s.in.sessions.byName[s.token.name()]; h != nil {
		return h.tally
	}
	return nil
}

// use opens the secrets, lets f see and change them, and closes them again.
func (s *Session) use(f func(*secrets)) error {
	s.in.sessions.mu.Lock()
	defer s.in.sessions.mu.Unlock()
	h := s.in.sessions.byName[s.token.name()]
	if h == nil {
		return fmt.Errorf("session: %w", fault.Unknown)
	}
	aead := s.token.aead()
	b := secret.New[opened]()
	defer b.Wipe()
	plain, err := aead.Open(b.V.plain[:0], nil, h.sealed, nil)
	if err != nil || len(plain) != secretsLen {
		return fmt.Errorf("session: %w", fault.Damaged)
	}
	b.V.decode(plain)
	f(&b.V.secrets)
	h.sealed = aead.Seal(nil, nil, b.V.appendTo(b.V.plain[:0]), nil)
	return nil
}

// hold keeps a session from ending while an upload is under way, of which it has a
// few at most. It gives what the visit did lately, also for when it has ended.
func (s *Session) hold() (*tally, error) {
	s.in.sessions.mu.Lock()
	defer s.in.sessions.mu.Unlock()
	h := s.in.sessions.byName[s.token.name()]
	switch {
	case h == nil:
		return nil, fmt.Errorf("session: %w", fault.Unknown)
	case h.busy >= s.in.limits.Own:
		return nil, ErrTooOften
	}
	h.busy++
	return h.tally, nil
}

// release is the end of hold.
func (s *Session) release(r rank) {
	s.in.sessions.mu.Lock()
	defer s.in.sessions.mu.Unlock()
	if h := s.in.sessions.byName[s.token.name()]; h != nil {
		h.busy--
		h.seen = s.in.now()
		s.in.sessions.place(h, r)
	}
}

// raise says that a visit is worth more.
func (s *Session) raise(r rank) {
	s.in.sessions.mu.Lock()
	defer s.in.sessions.mu.Unlock()
	if h := s.in.sessions.byName[s.token.name()]; h != nil {
		s.in.sessions.place(h, r)
	}
}

// proven reports whether something was sent in this visit, or somebody came back.
func (s *Session) proven() bool {
	s.in.sessions.mu.Lock()
	defer s.in.sessions.mu.Unlock()
	h := s.in.sessions.byName[s.token.name()]
	return h != nil && h.rank == proven
}

// Codename is the new codename of this visit, until its owner has said that it is
// kept: fault.Gone from then on.
func (s *Session) Codename() (*codename.Codename, error) {
	var c *codename.Codename
	var bad error
	err := s.use(func(open *secrets) {
		if open.shown {
			bad = fmt.Errorf("codename: %w", fault.Gone)
			return
		}
		c, bad = codename.Load(open.words[:])
	})
	if err == nil {
		err = bad
	}
	return c, err
}

// Keep says that the owner has the codename. It is not shown again.
func (s *Session) Keep() error {
	s.raise(kept)
	return s.use(func(open *secrets) { open.shown = true })
}

// gives reports whether a text gives the codename of this visit away.
func (s *Session) gives(text []byte) bool {
	marks := secret.New[codename.Marks]()
	defer marks.Wipe()
	s.use(func(open *secrets) { *marks.V = open.marks }) // what is over has none, and sends nothing
	return marks.V.In(text)
}

// Returned reports whether the visit has an inbox: whether keys were derived.
func (s *Session) Returned() bool {
	derived := false
	s.use(func(open *secrets) { derived = open.derived })
	return derived
}
