package envelope_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"daylight/envelope"
)

func newKey(t testing.TB) envelope.PrivateKey {
	t.Helper()
	k, err := envelope.NewKey("desk 2026")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func head() envelope.Head {
	return envelope.Head{Kind: envelope.Request, Time: time.Date(2026, 11, 23, 4, 5, 6, 7, time.UTC), Path: "web"}
}

type part struct {
	Type envelope.Type
	Name string
	Body []byte
	End  envelope.End
}

// open reads a whole envelope.
func open(t testing.TB, sealed []byte, keys ...envelope.PrivateKey) (*envelope.Reader, []part) {
	t.Helper()
	r, err := envelope.Open(bytes.NewReader(sealed), envelope.Identities(keys)...)
	if err != nil {
		t.Fatal(err)
	}
	var parts []part
	for e := range r.Entries() {
		b, err := io.ReadAll(e)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, part{e.Type, e.Name, b, e.End()})
	}
	return r, parts
}

func TestEveryKeyOpensWhatWasSent(t *testing.T) {
	keys := []envelope.PrivateKey{newKey(t), newKey(t), newKey(t)}
	var to []age.Recipient
	for _, k := range keys {
		to = append(to, k.Recipient())
	}
	var b bytes.Buffer
	s, err := envelope.Seal(&b, head(), to...)
	if err != nil {
		t.Fatal(err)
	}
	want := []part{
		{envelope.Text, "", []byte("Look at page four.\n"), envelope.Whole},
		{envelope.File, "отчёт 2024.pdf", bytes.Repeat([]byte("x"), 200_000), envelope.Whole},
		{envelope.File, "empty", nil, envelope.Whole},
	}
	address := addressOf(t, [32]byte{9})
	s.Text(bytes.NewReader(want[0].Body))
	s.File(want[1].Name, bytes.NewReader(want[1].Body))
	s.Address(address)
	s.File(want[2].Name, strings.NewReader(""))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for i, k := range keys {
		r, got := open(t, b.Bytes(), k)
		same(t, got, want)
		if r.End() != envelope.Whole || r.Head != head() || r.Address() == nil || *r.Address() != address {
			t.Errorf("key %d: end %v, head %+v, address %v", i, r.End(), r.Head, r.Address())
		}
	}
}

func same(t *testing.T, got, want []part) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d entries; want %d", len(got), len(want))
	}
	for i := range want {
		if got[i].Type != want[i].Type || got[i].Name != want[i].Name || got[i].End != want[i].End || !bytes.Equal(got[i].Body, want[i].Body) {
			t.Errorf("entry %d: %s %q, %d bytes, %v; want %s %q, %d bytes, %v", i, got[i].Type, got[i].Name, len(got[i].Body), got[i].End,
				want[i].Type, want[i].Name, len(want[i].Body), want[i].End)
		}
	}
}

func addressOf(t testing.TB, secret [32]byte) envelope.Address {
	t.Helper()
	k, err := envelope.FromSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	return envelope.Address{Mailbox: strings.Repeat("ab", 32), Key: k.Recipient().String()}
}
