package envelope_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"daylight/envelope"
	"daylight/fault"
)

func signer(t testing.TB) (note.Signer, note.Verifier) {
	t.Helper()
	secret, public, err := note.GenerateKey(nil, "newsroom.example")
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return s, v
}

func TestKeyFilesAreThoseOfAge(t *testing.T) {
	k := newKey(t)
	text, err := k.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	if ids, err := age.ParseIdentities(bytes.NewReader(text)); err != nil || len(ids) != 1 {
		t.Errorf("age reads %d keys, %v", len(ids), err)
	}
	more := append(text, "\n# a comment\n"...)
	keys, err := envelope.ParsePrivateKeys(append(more, text...))
	if err != nil || len(keys) != 2 || keys[1].Name != "desk 2026" || keys[1].Public().String() != k.Public().String() {
		t.Errorf("%d keys, %v", len(keys), err)
	}
	secret := strings.Fields(string(text))[len(strings.Fields(string(text)))-1]
	if printed := fmt.Sprintf("%v %+v %s %#v", k, k, k, []envelope.PrivateKey{k}); strings.Contains(printed, secret[20:40]) {
		t.Error("the secret is printed")
	}
	if _, err := envelope.ParsePrivateKeys([]byte(secret[:50] + "SECRET")); !errors.Is(err, fault.Damaged) || strings.Contains(err.Error(), "SECRET") {
		t.Errorf("a damaged key: %v", err)
	}
	if _, err := envelope.NewKey("two\nlines"); !errors.Is(err, fault.Invalid) {
		t.Errorf("a name of two lines: %v; want not valid", err)
	}
}

// TestTheKeyOfASecret: the 32 bytes are the seed of an age identity, whose Bech32
// age itself writes.
func TestTheKeyOfASecret(t *testing.T) {
	k := newKey(t)
	text := k.HybridIdentity.String()
	a, err := envelope.FromSecret([32]byte{1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	b, _ := envelope.FromSecret([32]byte{1, 2, 3})
	c, _ := envelope.FromSecret([32]byte{1, 2, 4})
	if a.Recipient().String() != b.Recipient().String() || a.Recipient().String() == c.Recipient().String() {
		t.Error("the same secret must be the same key, another one another")
	}
	again, err := age.ParseHybridIdentity(a.HybridIdentity.String())
	if err != nil || again.Recipient().String() != a.Recipient().String() {
		t.Errorf("age reads another key: %v", err)
	}
	if len(text) != len(a.HybridIdentity.String()) {
		t.Error("keys of two lengths")
	}
}

func TestKeyLists(t *testing.T) {
	s, v := signer(t)
	_, stranger := signer(t)
	want := envelope.KeyList{Newsroom: [16]byte{1, 2}, Serial: 12, Keys: []envelope.PublicKey{newKey(t).Public(), newKey(t).Public()}}
	signed, err := want.Sign(s)
	if err != nil {
		t.Fatal(err)
	}
	got, err := envelope.ParseKeyList(signed, stranger, v)
	if err != nil || got.Newsroom != want.Newsroom || got.Serial != 12 || len(got.Recipients()) != 2 || got.Keys[1].String() != want.Keys[1].String() || got.Keys[0].Name != "desk 2026" {
		t.Errorf("read %v, %v", got, err)
	}
	if _, err := envelope.ParseKeyList(signed, stranger); !errors.Is(err, fault.Unverified) {
		t.Errorf("a stranger's verifier: %v; want unverified", err)
	}
	if _, err := envelope.ParseKeyList(bytes.Replace(signed, []byte("serial 12"), []byte("serial 13"), 1), v); !errors.Is(err, fault.Unverified) {
		t.Errorf("changed by hand: %v; want unverified", err)
	}
	for name, l := range map[string]envelope.KeyList{"no keys": {Serial: 1}, "no serial": {Keys: want.Keys}} {
		if _, err := l.Sign(s); !errors.Is(err, fault.Damaged) {
			t.Errorf("%s: %v; want refused", name, err)
		}
	}
}

func FuzzParseKeyList(f *testing.F) {
	s, v := signer(f)
	for _, text := range []string{"daylight keys 0\nnewsroom 00\nserial 1\nkey x y\n", "daylight keys 0\n", "daylight keys 0\nnewsroom " + strings.Repeat("00", 16) + "\nserial -1\nkey age1pq1 a\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		signed, err := note.Sign(&note.Note{Text: text}, s)
		if err != nil {
			return
		}
		l, err := envelope.ParseKeyList(signed, v)
		if err != nil {
			return
		}
		if again, err := l.Sign(s); err != nil || len(l.Keys) == 0 || !strings.HasPrefix(string(again), text) {
			t.Fatalf("read back: %v", err)
		}
	})
}
