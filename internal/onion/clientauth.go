package onion

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"strings"

	"daylight/fault"
)

// ClientKey lets one client reach an onion service that knows its public half: a
// secret of X25519. Without it not even the description of the service can be read.
type ClientKey [32]byte

// ClientPublic is the half of a ClientKey that the service knows.
type ClientPublic [32]byte

// base32Upper is how tor writes the keys of clients.
var base32Upper = base32.StdEncoding.WithPadding(base32.NoPadding)

// prefix stands before each key in tor's files (torrc manual, "Client
// authorization").
const prefix = "descriptor:x25519:"

// NewClientKey makes a key.
func NewClientKey() (ClientKey, error) {
	k, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return ClientKey{}, fmt.Errorf("make key of an onion client: %w", err)
	}
	return ClientKey(k.Bytes()), nil
}

// Public is the half for the service.
func (k ClientKey) Public() ClientPublic {
	private, err := ecdh.X25519().NewPrivateKey(k[:])
	if err != nil { // any 32 bytes will do
		panic(err)
	}
	return ClientPublic(private.PublicKey().Bytes())
}

// Base32 is the private key as Tor Browser asks for it.
func (k ClientKey) Base32() string { return base32Upper.EncodeToString(k[:]) }

// File is what a file NAME.auth_private in tor's ClientOnionAuthDir holds.
func (k ClientKey) File(a Address) string { return string(a) + ":" + prefix + k.Base32() + "\n" }

// ParseClientKey reads what Base32 wrote.
func ParseClientKey(text string) (ClientKey, error) {
	b, err := parse32(text)
	if err != nil {
		return ClientKey{}, fmt.Errorf("key of an onion client: %w", err)
	}
	return ClientKey(b), nil
}

// String is the key as tor's files NAME.auth in authorized_clients hold it.
func (p ClientPublic) String() string { return prefix + p.base32() }

func (p ClientPublic) base32() string { return base32Upper.EncodeToString(p[:]) }

// ParseClientPublic reads what String wrote, or the key alone.
func ParseClientPublic(text string) (ClientPublic, error) {
	b, err := parse32(strings.TrimPrefix(strings.TrimSpace(text), prefix))
	if err != nil {
		return ClientPublic{}, fmt.Errorf("public key of an onion client: %w", err)
	}
	return ClientPublic(b), nil
}

func parse32(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	b, err := base32Upper.DecodeString(text)
	if err != nil || len(b) != 32 || base32Upper.EncodeToString(b) != text {
		return nil, fault.Invalid
	}
	return b, nil
}

// Client is a key with the service that it opens.
type Client struct {
	Address Address
	Key     ClientKey
}

func (c Client) command() string {
	return fmt.Sprintf("ONION_CLIENT_AUTH_ADD %s x25519:%s", c.Address, base64.StdEncoding.EncodeToString(c.Key[:]))
}
