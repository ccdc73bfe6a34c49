package intake

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"daylight/codename"
	"daylight/fault"
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
	sealed     []byte
	born, seen time.Time
	busy       int // uploads under way, which may take hours
}

type sessions struct {
	mu     sync.Mutex
	byName map[[32]byte]*held
}

func (s *sessions) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.byName)
}

// Begin starts a visit with a new codename, of words in a language. Nothing is kept of
// it but this, and of the language nothing beside the words.
func (in *Intake) Begin(language string) (*Session, error) {
	c := codename.New(language)
	defer c.Wipe()
	var s secrets
	defer s.wipe()
	c.AppendBinary(s.words[:0]) // fills the array; never fails
	return in.begin(&s)
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
	var s secrets
	defer s.wipe()
	if err := in.returns.do(ctx, func() { s.take(c, in.Keys().Newsroom) }); err != nil {
		return nil, fmt.Errorf("derive keys of a return: %w", err)
	}
	return in.begin(&s)
}

func (in *Intake) begin(s *secrets) (*Session, error) {
	var t Token
	rand.Read(t[:])
	plain := s.encode()
	defer clear(plain)
	now := in.now()
	h := &held{sealed: t.aead().Seal(nil, nil, plain, nil), born: now, seen: now}
	in.sessions.mu.Lock()
	defer in.sessions.mu.Unlock()
	if len(in.sessions.byName) >= in.limits.Sessions {
		return nil, fmt.Errorf("begin session: %w", fault.Busy)
	}
	in.sessions.byName[t.name()] = h
	return &Session{in, t}, nil
}

// Session finds a visit that has not ended: fault.Unknown otherwise.
func (in *Intake) Session(t Token) (*Session, error) {
	in.sessions.mu.Lock()
	defer in.sessions.mu.Unlock()
	h, now := in.sessions.byName[t.name()], in.now()
	if h == nil || in.over(h, now) {
		delete(in.sessions.byName, t.name())
		return nil, fmt.Errorf("session: %w", fault.Unknown)
	}
	h.seen = now
	return &Session{in, t}, nil
}

func (in *Intake) over(h *held, now time.Time) bool {
	return h.busy == 0 && (now.Sub(h.seen) >= in.limits.Idle || now.Sub(h.born) >= in.limits.Longest)
}

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
		}
	}
}

func (in *Intake) forgetOver() {
	in.sessions.mu.Lock()
	defer in.sessions.mu.Unlock()
	now := in.now()
	for name, h := range in.sessions.byName {
		if in.over(h, now) {
			delete(in.sessions.byName, name)
		}
	}
}

// Leave ends the visit.
func (s *Session) Leave() {
	s.in.sessions.mu.Lock()
	defer s.in.sessions.mu.Unlock()
	delete(s.in.sessions.byName, s.token.name())
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
	plain, err := aead.Open(nil, nil, h.sealed, nil)
	if err != nil || len(plain) != secretsLen {
		return fmt.Errorf("session: %w", fault.Damaged)
	}
	defer clear(plain)
	var open secrets
	defer open.wipe()
	open.decode(plain)
	f(&open)
	again := open.encode()
	defer clear(again)
	h.sealed = aead.Seal(nil, nil, again, nil)
	return nil
}

// hold keeps a session from ending while an upload is under way.
func (s *Session) hold(n int) {
	s.in.sessions.mu.Lock()
	defer s.in.sessions.mu.Unlock()
	if h := s.in.sessions.byName[s.token.name()]; h != nil {
		h.busy += n
		h.seen = s.in.now()
	}
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
func (s *Session) Keep() error { return s.use(func(open *secrets) { open.shown = true }) }

// Returned reports whether the visit has an inbox: whether keys were derived.
func (s *Session) Returned() bool {
	derived := false
	s.use(func(open *secrets) { derived = open.derived })
	return derived
}
