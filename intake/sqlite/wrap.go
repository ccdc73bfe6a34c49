package sqlite

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"io"
)

// keySize is that of AES-256.
const keySize = 32

func newKey() []byte {
	key := make([]byte, keySize)
	rand.Read(key)
	return key
}

// wrap is the stream that a file is encrypted with: AES-256 in counter mode from
// zero, since each key serves one file once. What lies inside is sealed and
// authenticated already; this layer is there to be destroyed with its key.
func wrap(key []byte) (cipher.Stream, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("key of a file: %w", err)
	}
	return cipher.NewCTR(block, make([]byte, aes.BlockSize)), nil
}

// unwrapped reads a file through its stream.
type unwrapped struct {
	cipher.StreamReader
	io.Closer
}
