// Package custody lets a newsroom prove later that a file which it publishes is, byte
// for byte, what its submission system received, and tell nothing else by it. As a
// file is sealed, intake signs a salted commitment to its bytes: a receipt, which
// travels inside of the envelope and is kept nowhere else. It names no time, size,
// codename, or other file; two receipts of one source are as alike as any two.
// SPEC.md has the bytes.
package custody

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"daylight/fault"
)

// Receipt says that the holder of a key had some bytes. Without the bytes, or their
// hash, it tells nothing of them.
type Receipt struct {
	Key       string // who signed, as package note of x/mod writes a verifier
	Salt      [32]byte
	Signature []byte // by Key over the statement
}

// Signer signs receipts.
type Signer struct {
	signer note.Signer
	key    string
}

// Generate makes a key. The text has the private key and the public one, each on a
// line; it belongs into a file that only intake can read.
func Generate(name string) ([]byte, error) {
	private, public, err := note.GenerateKey(rand.Reader, name)
	if err == nil {
		_, err = note.NewVerifier(public) // says what is wrong with the name
	}
	if err != nil {
		return nil, fmt.Errorf("make key of receipts: %w: %w", fault.Invalid, err)
	}
	return []byte(private + "\n" + public + "\n"), nil
}

// ParseSigner reads what Generate made. The error does not repeat it.
func ParseSigner(text []byte) (*Signer, error) {
	private, public, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	signer, err := note.NewSigner(private)
	if err != nil {
		return nil, fmt.Errorf("key of receipts: want a line that begins with PRIVATE+KEY, and one with the public key: %w", fault.Damaged)
	}
	s := &Signer{signer, public}
	r, err := s.Sign([32]byte{})
	if err == nil {
		err = r.Check([32]byte{})
	}
	if err != nil {
		return nil, fmt.Errorf("key of receipts: the public key is another's: %w", fault.Damaged)
	}
	return s, nil
}

// Key is the public key, for those who check receipts.
func (s *Signer) Key() string { return s.key }

// Sign makes a receipt for bytes with this SHA-256.
func (s *Signer) Sign(hash [32]byte) (Receipt, error) {
	r := Receipt{Key: s.key}
	rand.Read(r.Salt[:])
	var err error
	if r.Signature, err = s.signer.Sign(statement(r.Salt, hash)); err != nil {
		return r, fmt.Errorf("sign receipt: %w", err)
	}
	return r, nil
}

// Check is fault.Unverified unless the receipt is for bytes with this hash, by the
// key that it names. Whether that key is to be believed is for the caller to know.
func (r Receipt) Check(hash [32]byte) error {
	v, err := note.NewVerifier(r.Key)
	if err != nil {
		return fmt.Errorf("receipt: key: %w: %w", fault.Unverified, err)
	}
	if !v.Verify(statement(r.Salt, hash), r.Signature) {
		return fmt.Errorf("receipt: not for these bytes, or changed: %w", fault.Unverified)
	}
	return nil
}

// By is the name of who signed; "" where the key cannot be read.
func (r Receipt) By() string {
	v, err := note.NewVerifier(r.Key)
	if err != nil {
		return ""
	}
	return v.Name()
}

// statement is what is signed: a line that says what it is, and the commitment.
func statement(salt, hash [32]byte) []byte {
	h := sha256.New()
	h.Write([]byte("daylight/custody/0/commitment\x00"))
	h.Write(salt[:])
	h.Write(hash[:])
	return fmt.Appendf(nil, "daylight received 0\n%x\n", h.Sum(nil))
}

// maxKey bounds the text of a key.
const maxKey = 400

type wire struct {
	Key       string `json:"key"`
	Salt      string `json:"salt"`
	Signature string `json:"signature"`
}

// MarshalJSON implements json.Marshaler.
func (r Receipt) MarshalJSON() ([]byte, error) {
	return json.Marshal(wire{r.Key, hex.EncodeToString(r.Salt[:]), base64.StdEncoding.EncodeToString(r.Signature)})
}

// UnmarshalJSON implements json.Unmarshaler: anything but what MarshalJSON writes is
// fault.Damaged.
func (r *Receipt) UnmarshalJSON(b []byte) error {
	var w wire
	if err := json.Unmarshal(b, &w); err != nil {
		return fmt.Errorf("receipt: %w: %w", fault.Damaged, err)
	}
	salt, err := hex.DecodeString(w.Salt)
	if err != nil || len(salt) != len(r.Salt) {
		return fmt.Errorf("receipt: salt: %w", fault.Damaged)
	}
	sig, err := base64.StdEncoding.Strict().DecodeString(w.Signature)
	if err != nil || len(sig) != 64 {
		return fmt.Errorf("receipt: signature: %w", fault.Damaged)
	}
	if len(w.Key) > maxKey {
		return fmt.Errorf("receipt: key: %w", fault.Damaged)
	}
	*r = Receipt{w.Key, [32]byte(salt), sig}
	return nil
}
