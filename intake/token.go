package intake

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

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
