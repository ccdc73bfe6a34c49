package desk

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"daylight/fault"
)

// PutUser adds an account or changes it. A closed account is signed out everywhere.
// Should the last admin go, the operator can make another.
func (d *Desk) PutUser(ctx context.Context, by EditorID, u User) error {
	if _, err := d.may(ctx, by, Admin, operator); err != nil {
		return err
	}
	if err := u.Check(); err != nil {
		return err
	}
	if err := d.checkChannels(ctx, u); err != nil {
		return err
	}
	if err := d.note(ctx, by, "set account", string(u.ID)); err != nil {
		return err
	}
	if err := d.o.Stores.Users.Put(ctx, u); err != nil {
		return fmt.Errorf("account: %w", err)
	}
	if u.Closed {
		return d.o.Stores.Users.DropTokens(ctx, u.ID, time.Time{})
	}
	return nil
}

// checkChannels refuses a channel that nobody can choose: a slip would shut a handler
// out. One that the account had before may have been given up since.
func (d *Desk) checkChannels(ctx context.Context, u User) error {
	if len(u.Channels) == 0 {
		return nil
	}
	now, err := d.Channels()
	if err != nil {
		return err
	}
	before, err := d.o.Stores.Users.User(ctx, u.ID)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return fmt.Errorf("account: %w", err)
	}
	for _, id := range u.Channels {
		if !slices.Contains(before.Channels, id) && !slices.ContainsFunc(now, func(c Channel) bool { return c.ID == id }) {
			return fault.Say("There is no channel of this name. Nothing was changed.", fmt.Errorf("account %q: channel: %w", u.ID, fault.Invalid))
		}
	}
	return nil
}

// Users lists the accounts.
func (d *Desk) Users(ctx context.Context, by EditorID) ([]User, error) {
	if _, err := d.may(ctx, by, Admin, operator); err != nil {
		return nil, err
	}
	return d.o.Stores.Users.All(ctx)
}

// Name is what to call a person; the account itself, where nobody has it.
func (d *Desk) Name(ctx context.Context, id EditorID) string {
	u, err := d.o.Stores.Users.User(ctx, id)
	if err != nil {
		return string(id)
	}
	return u.Name
}

// Link makes a one-time link for an account and returns its secret, which is shown
// once and kept nowhere.
func (d *Desk) Link(ctx context.Context, by EditorID, of EditorID) (string, error) {
	if _, err := d.may(ctx, by, Admin, operator); err != nil {
		return "", err
	}
	u, err := d.o.Stores.Users.User(ctx, of)
	if err != nil {
		return "", fmt.Errorf("link for account %s: %w", of, err)
	}
	if u.Closed {
		return "", fault.Say("This account is closed.", fmt.Errorf("link for account %s: %w", of, fault.Conflict))
	}
	if err := d.note(ctx, by, "make sign-in link", string(of)); err != nil {
		return "", err
	}
	return d.token(ctx, of, false)
}

func (d *Desk) token(ctx context.Context, of EditorID, session bool) (string, error) {
	var raw [32]byte
	rand.Read(raw[:])
	now := d.o.Now()
	t := Token{Hash: sha256.Sum256(raw[:]), Session: session, Editor: of, Made: now, Seen: now}
	if err := d.o.Stores.Users.PutToken(ctx, t); err != nil {
		return "", fmt.Errorf("make token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(raw[:]), nil
}

// tokenHash is what a secret is kept under. What is no secret of ours has a hash
// that nothing is kept under.
func tokenHash(secret string) [32]byte {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(secret)
	if err != nil || len(raw) != 32 {
		return [32]byte{}
	}
	return sha256.Sum256(raw)
}

// SignIn uses up a one-time link and returns the secret of a new session.
func (d *Desk) SignIn(ctx context.Context, link string) (session string, u User, err error) {
	used := fault.Say("This sign-in link was used already, or is older than a day. Ask an administrator for a new one.",
		fmt.Errorf("sign in: %w", fault.Unknown))
	hash := tokenHash(link)
	t, err := d.o.Stores.Users.Token(ctx, hash)
	if errors.Is(err, fault.NotFound) || err == nil && (t.Session || !t.Good(d.o.Now())) {
		return "", User{}, used
	}
	if err != nil {
		return "", User{}, fmt.Errorf("sign in: %w", err)
	}
	if _, err := d.o.Stores.Users.TakeToken(ctx, hash); errors.Is(err, fault.NotFound) {
		return "", User{}, used
	} else if err != nil {
		return "", User{}, fmt.Errorf("sign in: %w", err)
	}
	u, err = d.o.Stores.Users.User(ctx, t.Editor)
	if err != nil || u.Closed {
		return "", User{}, used
	}
	if err := d.note(ctx, u.ID, "sign in", ""); err != nil {
		return "", User{}, err
	}
	// A good moment to forget what nobody can use any more.
	if err := d.o.Stores.Users.DropTokens(ctx, "", d.o.Now().Add(-LinkLasts)); err != nil {
		return "", User{}, fmt.Errorf("sign in: %w", err)
	}
	session, err = d.token(ctx, u.ID, true)
	return session, u, err
}

// Session returns who a session belongs to, or fault.Unknown.
func (d *Desk) Session(ctx context.Context, session string) (User, error) {
	none := fmt.Errorf("session: %w", fault.Unknown)
	now := d.o.Now()
	t, err := d.o.Stores.Users.Token(ctx, tokenHash(session))
	if errors.Is(err, fault.NotFound) || err == nil && (!t.Session || !t.Good(now)) {
		return User{}, none
	}
	if err != nil {
		return User{}, fmt.Errorf("session: %w", err)
	}
	u, err := d.o.Stores.Users.User(ctx, t.Editor)
	if err != nil || u.Closed {
		return User{}, none
	}
	if now.Sub(t.Seen) > time.Minute { // a write for each page would be one too many
		if err := d.o.Stores.Users.Touch(ctx, t.Hash, now); err != nil {
			return User{}, fmt.Errorf("session: %w", err)
		}
	}
	return u, nil
}

// SignOut ends a session.
func (d *Desk) SignOut(ctx context.Context, session string) error {
	t, err := d.o.Stores.Users.TakeToken(ctx, tokenHash(session))
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	return d.note(ctx, t.Editor, "sign out", "")
}
