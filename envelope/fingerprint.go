package envelope

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"daylight/codename"
	"daylight/fault"
)

// FingerprintWords is how many words a fingerprint has: 90 bits, and one word less
// than a codename, so that neither is taken for the other.
const FingerprintWords = 7

// Fingerprint spells in words which newsroom signs: its id, and its public key as
// note.NewVerifier reads it. Keys that envelopes are sealed to come and go with
// signed lists; the words stay. Only who works them out, from the key that lists are
// checked with, learns something of them: a page that prints them can print any.
func Fingerprint(newsroom [16]byte, verifier string) (string, error) {
	verifier = strings.TrimSpace(verifier)
	if _, err := note.NewVerifier(verifier); err != nil {
		return "", fmt.Errorf("fingerprint: not one public key: %w", fault.Invalid)
	}
	key, err := base64.StdEncoding.DecodeString(strings.SplitN(verifier, "+", 3)[2])
	if err != nil {
		return "", fmt.Errorf("fingerprint: %w: %w", fault.Invalid, err)
	}
	b := append([]byte("daylight/fingerprint/0\x00"), newsroom[:]...)
	return codename.Spell(sha256.Sum256(append(b, key...)), FingerprintWords), nil
}
