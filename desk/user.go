package desk

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"daylight/fault"
)

// EditorID names an account at the desk: 1 to 32 characters of a-z, 0-9 and
// hyphens.
type EditorID string

// Operator is who acts from the command line, on the machine itself. It is no
// account: nobody can sign in as it, and it can neither read a conversation nor
// approve.
const Operator EditorID = "operator"

// Role says what a person may do. One person may have several; the rules that
// keep two acts apart (write with a source and approve, redact and approve) hold
// by person, whatever roles the person has.
type Role string

const (
	Handler  Role = "handler"  // may see conversations
	Redactor Role = "redactor" // takes things out of documents
	Editor   Role = "editor"   // decides
	Admin    Role = "admin"    // accounts, and so any role; as such sees no material
)

// Roles are all of them.
var Roles = []Role{Handler, Redactor, Editor, Admin}

// User is an account. Names stay on the desk; what is published shows roles.
type User struct {
	ID     EditorID `json:"id"`
	Name   string   `json:"name"`
	Roles  []Role   `json:"roles"`
	Closed bool     `json:"closed,omitempty"` // may no longer sign in; what they did stays

	// Channels limit a handler to what was sent to them; none is no limit.
	Channels []string `json:"channels,omitempty"`
}

// Reads reports whether a handler may see what was sent to a channel.
func (u User) Reads(channel string) bool {
	return len(u.Channels) == 0 || slices.Contains(u.Channels, channel)
}

// Is reports whether the person has one of the roles.
func (u User) Is(any ...Role) bool {
	return !u.Closed && slices.ContainsFunc(any, func(r Role) bool { return slices.Contains(u.Roles, r) })
}

// Check says what is wrong with an account, or nil.
func (u User) Check() error {
	id := string(u.ID)
	ok := id != "" && len(id) <= 32 && u.ID != Operator && strings.Trim(id, "-") == id
	for _, c := range []byte(id) {
		ok = ok && (c == '-' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9')
	}
	if !ok {
		return in(FieldID, fault.Say("An account's name is 1 to 32 letters a-z, digits and hyphens, and not \"operator\".",
			fmt.Errorf("account %q: %w", id, fault.Invalid)))
	}
	if strings.TrimSpace(u.Name) == "" || len(u.Roles) == 0 {
		return in(FieldName, fault.Say("An account needs a name and at least one role.", fmt.Errorf("account %q: %w", id, fault.Invalid)))
	}
	for _, r := range u.Roles {
		if !slices.Contains(Roles, r) {
			return fmt.Errorf("account %q: role %q: %w", id, r, fault.Invalid)
		}
	}
	return nil
}

// Token is a one-time link or a session, as it is kept: under the hash of its
// secret, so that a copy of the database opens nothing.
type Token struct {
	Hash    [32]byte
	Session bool // else a link
	Editor  EditorID
	Made    time.Time
	Seen    time.Time // last use of a session
}

// How long they are good for.
const (
	LinkLasts    = 24 * time.Hour
	SessionIdle  = 30 * time.Minute
	SessionLasts = 12 * time.Hour
)

// Good reports whether the token may still be used.
func (t Token) Good(now time.Time) bool {
	if !t.Session {
		return now.Before(t.Made.Add(LinkLasts))
	}
	return now.Before(t.Made.Add(SessionLasts)) && now.Before(t.Seen.Add(SessionIdle))
}
