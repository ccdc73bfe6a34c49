package custody_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"daylight/custody"
	"daylight/custody/custodytest"
	"daylight/fault"
)

var update = flag.Bool("update", false, "write the vector anew")

func sign(t testing.TB, s *custody.Signer, file string) custody.Receipt {
	t.Helper()
	r, err := s.Sign(sha256.Sum256([]byte(file)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReceipt(t *testing.T) {
	s, other := custodytest.NewSigner(t, "harbour-intake"), custodytest.NewSigner(t, "harbour-intake")
	r := sign(t, s, "minutes")
	hash := sha256.Sum256([]byte("minutes"))
	if err := r.Check(hash); err != nil || r.By() != "harbour-intake" || r.Key != s.Key() {
		t.Fatalf("%v by %q", err, r.By())
	}
	for name, change := range map[string]func(*custody.Receipt, *[32]byte){
		"a byte of the file":      func(_ *custody.Receipt, h *[32]byte) { *h = sha256.Sum256([]byte("Minutes")) },
		"a byte of the salt":      func(r *custody.Receipt, _ *[32]byte) { r.Salt[0] ^= 1 },
		"a byte of the signature": func(r *custody.Receipt, _ *[32]byte) { r.Signature[63] ^= 1 },
		"another's key":           func(r *custody.Receipt, _ *[32]byte) { r.Key = other.Key() },
		"no key":                  func(r *custody.Receipt, _ *[32]byte) { r.Key = "" },
		"no signature":            func(r *custody.Receipt, _ *[32]byte) { r.Signature = nil },
	} {
		r, h := r, hash
		r.Signature = append([]byte{}, r.Signature...)
		if change(&r, &h); !errors.Is(r.Check(h), fault.Unverified) {
			t.Errorf("%s changed: %v; want it refused", name, r.Check(h))
		}
	}
}

// TestReceiptsTellNothing: of two receipts nobody can say whether they come from one
// source, when they were made, or for how much, and the same file twice gives two.
func TestReceiptsTellNothing(t *testing.T) {
	s := custodytest.NewSigner(t, "harbour-intake")
	seen := map[string]bool{}
	length := 0
	for _, file := range []string{"", "minutes", "minutes", strings.Repeat("x", 1<<20)} {
		r := sign(t, s, file)
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if length == 0 {
			length = len(b)
		}
		if len(b) != length {
			t.Errorf("a receipt of %d bytes; others have %d", len(b), length)
		}
		for _, part := range []string{string(r.Salt[:]), string(r.Signature)} {
			if seen[part] {
				t.Error("two receipts share a salt or a signature")
			}
			seen[part] = true
		}
		var members map[string]string
		if err := json.Unmarshal(b, &members); err != nil || len(members) != 3 || members["key"] != s.Key() {
			t.Errorf("a receipt has %v", members)
		}
		hash := sha256.Sum256([]byte(file))
		if len(file) > 0 && strings.Contains(string(b), string(hash[:])) {
			t.Error("the hash stands in the receipt")
		}
	}
}

func TestKeysThatAreNone(t *testing.T) {
	a, err := custody.Generate("a")
	if err != nil {
		t.Fatal(err)
	}
	b, err := custody.Generate("b")
	if err != nil {
		t.Fatal(err)
	}
	private, _, _ := strings.Cut(string(a), "\n")
	_, public, _ := strings.Cut(string(b), "\n")
	for _, text := range []string{"", "x\ny", private, private + "\n" + public} {
		if _, err := custody.ParseSigner([]byte(text)); !errors.Is(err, fault.Damaged) || strings.Contains(err.Error(), "PRIVATE+KEY+") {
			t.Errorf("%v; want damage, without the key", err)
		}
	}
	if _, err := custody.Generate("two words"); !errors.Is(err, fault.Invalid) {
		t.Errorf("a name with a space: %v", err)
	}
}

const vectorFile = "testdata/vector.json"

type vector struct {
	Key     string          `json:"key"`
	File    string          `json:"file"`
	Receipt custody.Receipt `json:"receipt"`
}

func TestVector(t *testing.T) {
	if *update {
		s := custodytest.NewSigner(t, "harbour-intake")
		b, err := json.MarshalIndent(vector{s.Key(), "The committee met in March.\n", sign(t, s, "The committee met in March.\n")}, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(vectorFile, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	var v vector
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	if err := v.Receipt.Check(sha256.Sum256([]byte(v.File))); err != nil || v.Receipt.Key != v.Key {
		t.Errorf("%v by %s", err, v.Receipt.Key)
	}
}

func FuzzReceipt(f *testing.F) {
	b, err := json.Marshal(sign(f, custodytest.NewSigner(f, "harbour-intake"), "minutes"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"key":"a+b+c","salt":"","signature":""}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r custody.Receipt
		if json.Unmarshal(b, &r) != nil {
			return
		}
		r.Check([32]byte{})
		r.By()
		again, err := json.Marshal(r)
		var same custody.Receipt
		if err != nil || json.Unmarshal(again, &same) != nil || same.Key != r.Key || same.Salt != r.Salt || string(same.Signature) != string(r.Signature) {
			t.Errorf("read back: %v", err)
		}
	})
}

// FuzzSigner reads files of keys that sign receipts: what is taken signs what its
// public key checks, and no error repeats a line.
func FuzzSigner(f *testing.F) {
	text, err := custody.Generate("harbour-intake")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("PRIVATE+KEY+a+00000000+AAAA\na+00000000+AAAA"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := custody.ParseSigner(text)
		if err != nil {
			if !errors.Is(err, fault.Damaged) || len(text) > 40 && strings.Contains(err.Error(), string(text)) {
				t.Fatalf("an error of no kind, or with the key in it")
			}
			return
		}
		r, err := s.Sign([32]byte{1})
		if err != nil || r.Check([32]byte{1}) != nil || r.Check([32]byte{2}) == nil || r.Key != s.Key() {
			t.Errorf("a key that is taken does not sign: %v", err)
		}
	})
}
