package oniontest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha3"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"daylight/internal/onion"
)

// ErrAuthorization is of a descriptor that opens with the key of a client only.
var ErrAuthorization = errors.New("the descriptor wants a client's key")

// OpenDescriptor opens both layers of a service's descriptor, as a client without a
// key does, and returns what tor tells to clients (rend-spec-v3, "Hidden service
// descriptors: encryption format").
func OpenDescriptor(a onion.Address, text string) (string, error) {
	public, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(string(a)))
	if err != nil {
		return "", err
	}
	blinded, err := blindedKey(text)
	if err != nil {
		return "", err
	}
	counter := regexp.MustCompile(`(?m)^revision-counter (\d+)$`).FindStringSubmatch(text)
	if counter == nil {
		return "", errors.New("descriptor: no revision counter")
	}
	revision, err := strconv.ParseUint(counter[1], 10, 64)
	if err != nil {
		return "", err
	}
	credential := sha3.Sum256(append([]byte("credential"), public[:32]...))
	sub := sha3.Sum256(bytes.Join([][]byte{[]byte("subcredential"), credential[:], blinded}, nil))
	secret := binary.BigEndian.AppendUint64(append(blinded, sub[:]...), revision)
	middle, err := openLayer(text, "superencrypted", secret, "hsdir-superencrypted-data")
	if err != nil {
		return "", err
	}
	inner, err := openLayer(middle, "encrypted", secret, "hsdir-encrypted-data")
	if err != nil {
		return "", ErrAuthorization
	}
	return inner, nil
}

// blindedKey is the key that signed the certificate in the descriptor (cert-spec).
func blindedKey(text string) ([]byte, error) {
	block, _ := pem.Decode([]byte(text[max(0, strings.Index(text, "-----BEGIN ED25519 CERT")):]))
	const head, key = 1 + 1 + 4 + 1 + 32 + 1, 32
	if block == nil || len(block.Bytes) < head+4+key || block.Bytes[head+2] != 4 {
		return nil, errors.New("descriptor: no certificate with its key")
	}
	return bytes.Clone(block.Bytes[head+4 : head+4+key]), nil
}

func openLayer(text, name string, secret []byte, constant string) (string, error) {
	_, rest, ok := strings.Cut(text, "\n"+name+"\n-----BEGIN MESSAGE-----\n")
	body, _, ok2 := strings.Cut(rest, "-----END MESSAGE-----")
	if !ok || !ok2 {
		return "", errors.New("descriptor: no part " + name)
	}
	b, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(body, "\n", ""))
	if err != nil || len(b) < 16+32 {
		return "", errors.New("descriptor: part " + name)
	}
	salt, sealed, mac := b[:16], b[16:len(b)-32], b[len(b)-32:]
	h := sha3.NewSHAKE256()
	for _, part := range [][]byte{secret, salt, []byte(constant)} {
		h.Write(part)
	}
	var keys [32 + 16 + 32]byte
	h.Read(keys[:])
	sum := sha3.New256()
	for _, part := range [][]byte{keys[48:], salt} {
		sum.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		sum.Write(part)
	}
	sum.Write(sealed)
	if !hmac.Equal(sum.Sum(nil), mac) {
		return "", errors.New("descriptor: part " + name + " does not open")
	}
	cipherBlock, err := aes.NewCipher(keys[:32])
	if err != nil {
		return "", err
	}
	out := make([]byte, len(sealed))
	cipher.NewCTR(cipherBlock, keys[32:48]).XORKeyStream(out, sealed)
	return string(bytes.TrimRight(out, "\x00")), nil
}
