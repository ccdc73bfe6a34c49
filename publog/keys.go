package publog

import (
	"bufio"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"daylight/fault"
)

// Signer signs notes with one private key.
type Signer = note.Signer

// GenerateKey makes an Ed25519 key pair in the text forms of C2SP signed-note. The
// private one begins with PRIVATE+KEY and belongs into a file that only the desk
// can read. The name says whose key it is; it has no space and no plus sign.
func GenerateKey(name string) (private, public string, err error) {
	private, public, err = note.GenerateKey(rand.Reader, name)
	if err == nil {
		_, err = note.NewVerifier(public) // says what is wrong with the name
	}
	if err != nil {
		return "", "", fmt.Errorf("make key: %w: %w", fault.Invalid, err)
	}
	return private, public, nil
}

// ParseSigner reads a private key. The error does not repeat it.
func ParseSigner(private string) (Signer, error) {
	s, err := note.NewSigner(strings.TrimSpace(private))
	if err != nil {
		return nil, fmt.Errorf("private key: want a line that begins with PRIVATE+KEY: %w", fault.Invalid)
	}
	return s, nil
}

// Keys are the public keys that somebody has decided to believe. The zero value
// believes nobody.
type Keys struct{ list []note.Verifier }

// ParseKeys reads public keys, one on a line. Empty lines and lines that begin
// with # are skipped.
func ParseKeys(text string) (Keys, error) {
	var keys Keys
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		v, err := note.NewVerifier(line)
		if err != nil {
			return Keys{}, fmt.Errorf("keys, line %d: %w: %w", n, fault.Invalid, err)
		}
		if _, err := keys.Verifier(v.Name(), v.KeyHash()); err == nil {
			continue
		}
		keys.list = append(keys.list, v)
	}
	if err := lines.Err(); err != nil {
		return Keys{}, fmt.Errorf("keys: %w: %w", fault.Invalid, err)
	}
	return keys, nil
}

// Len is the number of keys.
func (k Keys) Len() int { return len(k.list) }

// Names are the names of the keys, in order, each once.
func (k Keys) Names() []string {
	var names []string
	for _, v := range k.list {
		names = append(names, v.Name())
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Verifier makes Keys a note.Verifiers.
func (k Keys) Verifier(name string, hash uint32) (note.Verifier, error) {
	for _, v := range k.list {
		if v.Name() == name && v.KeyHash() == hash {
			return v, nil
		}
	}
	return nil, &note.UnknownVerifierError{Name: name, KeyHash: hash}
}

// Sign makes a signed note of a text. The text ends with a newline.
func Sign(text string, signers ...Signer) ([]byte, error) {
	if len(signers) == 0 {
		return nil, fmt.Errorf("sign: no key: %w", fault.Invalid)
	}
	b, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return b, nil
}

// Signed says who signed a note.
type Signed struct {
	By      []string // names of known keys whose signature holds, in the order of the lines
	Unknown []string // names on lines of keys that are not known: they prove nothing
}

// OpenNote checks a signed note and returns its text. It returns fault.Unverified
// when no signature is by a known key or when one that claims to be is wrong, and
// fault.Damaged when the bytes are not exactly what a signer writes.
func OpenNote(signed []byte, keys Keys) (text string, by Signed, err error) {
	n, err := note.Open(signed, keys)
	if err != nil {
		if len(keys.list) == 0 {
			return "", by, fmt.Errorf("signatures: no key to check them with: %w", fault.Unverified)
		}
		if unverified, ok := errors.AsType[*note.UnverifiedNoteError](err); ok {
			return "", by, fmt.Errorf("signatures: by %s, and none of these keys is known: %w",
				names(unverified.Note.UnverifiedSigs), fault.Unverified)
		}
		if bad, ok := errors.AsType[*note.InvalidSignatureError](err); ok {
			return "", by, fmt.Errorf("signatures: that of %s is wrong: %w", bad.Name, fault.Unverified)
		}
		return "", by, fmt.Errorf("signatures: %w: %w", fault.Damaged, err)
	}
	for _, s := range n.Sigs {
		by.By = append(by.By, s.Name)
	}
	for _, s := range n.UnverifiedSigs {
		by.Unknown = append(by.Unknown, s.Name)
	}
	// Base64 can be written in several ways and lines can be repeated. We take one way only,
	// so that no byte can change unseen.
	if !strictlyFormed(signed, n) {
		return "", Signed{}, fmt.Errorf("signatures: not in the form in which they are written: %w", fault.Damaged)
	}
	return n.Text, by, nil
}

func strictlyFormed(signed []byte, n *note.Note) bool {
	lines, ok := strings.CutPrefix(string(signed), n.Text+"\n")
	if !ok || strings.Count(lines, "\n") != len(n.Sigs)+len(n.UnverifiedSigs) {
		return false
	}
	for line := range strings.Lines(lines) {
		_, code, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(line, "— "), "\n"), " ")
		raw, err := base64.StdEncoding.DecodeString(code)
		if err != nil || base64.StdEncoding.EncodeToString(raw) != code {
			return false
		}
	}
	return true
}

func names(sigs []note.Signature) string {
	var s []string
	for _, sig := range sigs {
		s = append(s, sig.Name)
	}
	return strings.Join(s, ", ")
}
