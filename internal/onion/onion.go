// Package onion speaks with a tor that runs beside us: it makes v3 onion services
// that lead to a unix socket and keeps them, lets clients in by a key each, hands
// tor the key that lets us in elsewhere, and dials through its SOCKS port. It knows
// no role.
//
// Tor is trusted to do as it is told, and its answers are bounded and checked all
// the same. No error of this package holds a private key.
package onion

import (
	"crypto/ed25519"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"strings"

	"daylight/fault"
)

// Key is the secret from which an onion service has its address: a seed of Ed25519.
type Key [32]byte

// Address is the name of an onion service, without ".onion".
type Address string

// base32Lower is how addresses are written.
var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// version of onion services.
const version = 3

// Address is the address that the key makes. Tor Rendezvous Specification, version 3,
// "Encoding onion addresses".
func (k *Key) Address() Address {
	public := ed25519.NewKeyFromSeed(k[:]).Public().(ed25519.PublicKey)
	return Address(base32Lower.EncodeToString(addressBytes(public)))
}

func addressBytes(public []byte) []byte {
	h := sha3.New256()
	h.Write([]byte(".onion checksum"))
	h.Write(public)
	h.Write([]byte{version})
	b := append([]byte(nil), public...)
	return append(append(b, h.Sum(nil)[:2]...), version)
}

// blob is the key as ADD_ONION takes it: the expanded secret of RFC 8032, 5.1.5.
func (k *Key) blob() string {
	h := sha512.Sum512(k[:])
	h[0] &= 248
	h[31] = h[31]&127 | 64
	return "ED25519-V3:" + base64.StdEncoding.EncodeToString(h[:])
}

// ParseAddress reads an address as people write it, with ".onion" or without, and
// checks the sum that it carries: a slip of the hand is found here.
func ParseAddress(s string) (Address, error) {
	s = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(s)), ".onion")
	b, err := base32Lower.DecodeString(s)
	// A character more than these bytes need decodes all the same.
	if err != nil || len(b) != 35 || string(addressBytes(b[:32])) != string(b) || base32Lower.EncodeToString(b) != s {
		return "", fmt.Errorf("onion address: %w", fault.Invalid)
	}
	return Address(s), nil
}

// Host is the address as a URL has it.
func (a Address) Host() string { return string(a) + ".onion" }
