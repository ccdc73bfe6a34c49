package intake

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"sync"
	"time"

	"daylight/codename"
	"daylight/fault"
)

// Token is what a browser keeps for as long as a source is here. What intake
// holds in memory of a session is encrypted under it, so that the memory of an
// idle intake tells less.
type Token [32]byte

// String is the token as a cookie has it.
func (t Token) String() string { return hex.EncodeToString(t[:]) }

// Format keeps tokens out of logs.
func (t Token) Format(f fmt.State, _ rune) { io.WriteString(f, "[token]") }

// ParseToken reads what String wrote: fault.Unknown when it is no token.
func ParseToken(s string) (Token, error) {
	var t Token
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(t) {
		return t, fmt.Errorf("read token: %w", fault.Unknown)
	}
	copy(t[:], b)
	return t, nil
}

func (t Token) derive(label string) [32]byte {
	b, err := hkdf.Key(sha256.New, t[:], nil, label, 32)
	if err != nil {
		panic("intake: " + err.Error()) // lengths are constant
	}
	return [32]byte(b)
}

func (t Token) name() [32]byte { return t.derive("daylight/intake/session/name") }

func (t Token) aead() cipher.AEAD {
	key := t.derive("daylight/intake/session/key")
	block, err := aes.NewCipher(key[:])
	clear(key[:])
	if err != nil {
		panic("intake: " + err.Error())
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("intake: " + err.Error())
	}
	return aead
}

// Session is one visit of one source.
type Session struct {
	in    *Intake
	token Token
}

// Token is what the browser keeps.
func (s *Session) Token() Token { return s.token }

// secrets is what a session knows: a codename that is not used yet, or the keys
// that came of one.
type secrets struct {
	shown   bool // the owner has said that the codename is kept
	derived bool
	words   [2 * codename.Length]byte // until derived
	reply   [32]byte
	mailbox [32]byte
}

const secretsLen = 2 + 2*codename.Length + 64

func (s *secrets) encode() []byte {
	b := make([]byte, 0, secretsLen)
	b = append(b, bit(s.shown), bit(s.derived))
	b = append(b, s.words[:]...)
	b = append(b, s.reply[:]...)
	return append(b, s.mailbox[:]...)
}

func (s *secrets) decode(b []byte) {
	s.shown, s.derived = b[0] == 1, b[1] == 1
	b = b[2:]
	b = b[copy(s.words[:], b):]
	b = b[copy(s.reply[:], b):]
	copy(s.mailbox[:], b)
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func (s *secrets) wipe() { *s = secrets{} }

// take derives the keys from the words. It is what a lane is for.
func (s *secrets) take(c *codename.Codename, newsroom [16]byte) {
	seed := c.Seed(newsroom[:])
	defer seed.Wipe()
	s.reply, s.mailbox = seed.Key(codename.LabelReply), seed.Key(codename.LabelMailbox)
	s.derived, s.shown = true, true
	clear(s.words[:])
}

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

// Begin starts a visit with a new codename. Nothing is kept of it but this.
func (in *Intake) Begin() (*Session, error) {
	c := codename.New()
	defer c.Wipe()
	var s secrets
	defer s.wipe()
	b, _ := c.AppendBinary(s.words[:0])
	_ = b // the array itself
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
