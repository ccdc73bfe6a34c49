package envelope

import (
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"filippo.io/age"

	"daylight/fault"
)

// PrivateKey opens envelopes. It is on the desk alone, or is made of a codename
// for as long as its owner is here.
type PrivateKey struct {
	Name string // what people call it: "desk 2026"
	*age.HybridIdentity
}

// PublicKey is what envelopes are sealed to.
type PublicKey struct {
	Name string
	*age.HybridRecipient
}

// NewKey makes a key of the newsroom.
func NewKey(name string) (PrivateKey, error) {
	if err := checkName(name); err != nil {
		return PrivateKey{}, err
	}
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return PrivateKey{}, fmt.Errorf("make key: %w", err)
	}
	return PrivateKey{name, id}, nil
}

// Public is the half that may be shown.
func (k PrivateKey) Public() PublicKey { return PublicKey{k.Name, k.Recipient()} }

// Format keeps the secret out of logs, whatever the verb.
func (k PrivateKey) Format(f fmt.State, _ rune) { io.WriteString(f, "[private key]") }

// MarshalText writes the key as a file that the age command reads too.
func (k PrivateKey) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "# name: %s\n# public key: %s\n%s\n", k.Name, k.Recipient(), k.HybridIdentity.String()), nil
}

// ParsePrivateKeys reads what MarshalText wrote, one or several of them. Errors
// hold nothing of the file.
func ParsePrivateKeys(text []byte) ([]PrivateKey, error) {
	var keys []PrivateKey
	name := ""
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if n, ok := strings.CutPrefix(line, "# name: "); ok {
			name = n
		}
		if line == "" || line[0] == '#' {
			continue
		}
		id, err := age.ParseHybridIdentity(line)
		if err != nil {
			return nil, fmt.Errorf("private keys: line %d is no hybrid key: %w", i+1, fault.Damaged)
		}
		keys = append(keys, PrivateKey{name, id})
		name = ""
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("private keys: none there: %w", fault.NotFound)
	}
	return keys, nil
}

// MarshalText writes the key as a file that ParsePublicKey reads, and the age command
// as a file of recipients.
func (k PublicKey) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "# name: %s\n%s\n", k.Name, k.HybridRecipient), nil
}

// ParsePublicKey reads what MarshalText wrote.
func ParsePublicKey(text []byte) (PublicKey, error) {
	name, key, _ := strings.Cut(strings.TrimPrefix(string(text), "# name: "), "\n")
	name = strings.TrimSpace(name)
	if err := checkName(name); err != nil {
		return PublicKey{}, err
	}
	r, err := age.ParseHybridRecipient(strings.TrimSpace(key))
	if err != nil {
		return PublicKey{}, fmt.Errorf("public key: want a name, and a line that begins with age1pq1: %w", fault.Damaged)
	}
	return PublicKey{name, r}, nil
}

// Identities are the keys as Open takes them.
func Identities(keys []PrivateKey) []age.Identity {
	ids := make([]age.Identity, len(keys))
	for i, k := range keys {
		ids[i] = k.HybridIdentity
	}
	return ids
}

// FromSecret is the key whose secret half is these 32 bytes, as package codename
// derives them: the age hybrid identity that encodes them.
func FromSecret(secret [32]byte) (PrivateKey, error) {
	defer clear(secret[:])
	id, err := age.ParseHybridIdentity(bech32("AGE-SECRET-KEY-PQ-", secret[:]))
	if err != nil {
		return PrivateKey{}, fmt.Errorf("key of a secret: %w", fault.Invalid)
	}
	return PrivateKey{HybridIdentity: id}, nil
}

// SealReply starts a reply to the address.
func SealReply(w io.Writer, head Head, to Address) (*Sealer, error) {
	if err := to.check(); err != nil {
		return nil, fmt.Errorf("seal reply: %w", err)
	}
	r, err := age.ParseHybridRecipient(to.Key)
	if err != nil {
		return nil, fmt.Errorf("seal reply: %w", fault.Invalid)
	}
	head.Kind = Reply
	return Seal(w, head, r)
}

func (a Address) check() error {
	if b, err := hex.DecodeString(a.Mailbox); err != nil || len(b) != 32 || strings.ToLower(a.Mailbox) != a.Mailbox {
		return fmt.Errorf("address: mailbox is not 32 bytes in hex: %w", fault.Invalid)
	}
	if _, err := age.ParseHybridRecipient(a.Key); err != nil {
		return fmt.Errorf("address: key is no hybrid key: %w", fault.Invalid)
	}
	return nil
}

// checkName refuses names that would break a line of a key file.
func checkName(name string) error {
	if !oneLine(name, 100) {
		return fmt.Errorf("name of a key: one short line: %w", fault.Invalid)
	}
	return nil
}

func oneLine(s string, most int) bool {
	return s != "" && len(s) <= most && strings.TrimSpace(s) == s && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}
