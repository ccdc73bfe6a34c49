package envelope

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"daylight/fault"
)

// MaxKeys is how many keys a list may have: an envelope grows by 1.6 kB a key.
const MaxKeys = 64

// KeyList is what a newsroom tells its intake: whom to seal to. It is signed by
// the newsroom, so that who carries it cannot change it, and numbered, so that an
// old one cannot come back.
type KeyList struct {
	Newsroom [16]byte // random, made once: the salt of all codenames
	Serial   int      // from 1; a list replaces those with smaller numbers
	Keys     []PublicKey
}

const listHead = "daylight keys 0"

// Sign writes the list as a signed note (C2SP signed-note): lines of text and one
// signature line a signer.
func (l KeyList) Sign(signers ...note.Signer) ([]byte, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nnewsroom %x\nserial %d\n", listHead, l.Newsroom, l.Serial)
	for _, k := range l.Keys {
		fmt.Fprintf(&b, "key %s %s\n", k.HybridRecipient, k.Name)
	}
	if _, err := parseList(b.String()); err != nil {
		return nil, fmt.Errorf("sign key list: %w", err)
	}
	signed, err := note.Sign(&note.Note{Text: b.String()}, signers...)
	if err != nil {
		return nil, fmt.Errorf("sign key list: %w", err)
	}
	return signed, nil
}

// ParseKeyList reads a list that one of the verifiers vouches for. A list that
// none does is fault.Unverified; one that cannot be read is fault.Damaged.
func ParseKeyList(signed []byte, trusted ...note.Verifier) (KeyList, error) {
	n, err := note.Open(signed, note.VerifierList(trusted...))
	if err != nil {
		return KeyList{}, fmt.Errorf("key list: %w", fault.Unverified)
	}
	l, err := parseList(n.Text)
	if err != nil {
		return KeyList{}, fmt.Errorf("key list: %w", err)
	}
	return l, nil
}

func parseList(text string) (KeyList, error) {
	var l KeyList
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) < 4 || len(lines) > 3+MaxKeys || lines[0] != listHead {
		return l, fmt.Errorf("not a list of 1 to %d keys in version 0: %w", MaxKeys, fault.Damaged)
	}
	id, ok := strings.CutPrefix(lines[1], "newsroom ")
	if b, err := hex.DecodeString(id); !ok || err != nil || copy(l.Newsroom[:], b) != len(l.Newsroom) || len(b) != len(l.Newsroom) {
		return l, fmt.Errorf("no newsroom: %w", fault.Damaged)
	}
	serial, ok := strings.CutPrefix(lines[2], "serial ")
	n, err := strconv.Atoi(serial)
	if l.Serial = n; !ok || err != nil || n < 1 || strconv.Itoa(n) != serial {
		return l, fmt.Errorf("no serial number: %w", fault.Damaged)
	}
	for i, line := range lines[3:] {
		rest, ok := strings.CutPrefix(line, "key ")
		key, name, _ := strings.Cut(rest, " ")
		r, err := age.ParseHybridRecipient(key)
		if !ok || err != nil || checkName(name) != nil {
			return l, fmt.Errorf("line %d is no key: %w", i+4, fault.Damaged)
		}
		l.Keys = append(l.Keys, PublicKey{name, r})
	}
	return l, nil
}

// Recipients are the keys as Seal takes them.
func (l KeyList) Recipients() []age.Recipient {
	to := make([]age.Recipient, len(l.Keys))
	for i, k := range l.Keys {
		to[i] = k.HybridRecipient
	}
	return to
}
