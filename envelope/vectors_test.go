package envelope_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"daylight/envelope"
	"daylight/fault"
)

var update = flag.Bool("update", false, "write the vectors anew")

// vector is an envelope of testdata, and what is in it.
type vector struct {
	File       string              `json:"file"`
	Head       envelope.Head       `json:"head"`
	Address    *envelope.Address   `json:"address,omitempty"`
	Conditions envelope.Conditions `json:"conditions,omitzero"`
	End        string              `json:"end"`
	Entries    []vectorEntry       `json:"entries"`
}

type vectorEntry struct {
	Type envelope.Type `json:"type"`
	Name string        `json:"name,omitempty"`
	Body string        `json:"body"`
	End  string        `json:"end"`
}

type vectors struct {
	Key     string        `json:"key"`
	Vectors []vector      `json:"vectors"`
	List    listOfVectors `json:"list"`
}

// listOfVectors is a signed key list, with who signed it and what it says.
type listOfVectors struct {
	Verifier    string   `json:"verifier"`
	Signed      string   `json:"signed"`
	Fingerprint string   `json:"fingerprint"`
	Channels    []string `json:"channels"`
	Keys        []string `json:"keys"`
}

// read fills in what a program finds in the list.
func (l listOfVectors) read(t *testing.T) listOfVectors {
	t.Helper()
	v, err := note.NewVerifier(l.Verifier)
	if err != nil {
		t.Fatal(err)
	}
	list, err := envelope.ParseKeyList([]byte(l.Signed), v)
	if err != nil {
		t.Fatal(err)
	}
	got := listOfVectors{Verifier: l.Verifier, Signed: l.Signed}
	for _, c := range list.Channels {
		got.Channels = append(got.Channels, c.ID)
	}
	for _, k := range list.Keys() {
		got.Keys = append(got.Keys, k.Name)
	}
	if got.Fingerprint, err = envelope.Fingerprint(list.Newsroom, l.Verifier); err != nil {
		t.Fatal(err)
	}
	return got
}

func frame(kind byte, payload string) string {
	b := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(payload)))
	return string(b) + payload
}

const start = "daylight envelope 0\n"

var headFrame = frame('H', `{"kind":"request","time":"2026-11-23T04:05:06.000000007Z","path":"web"}`)

// sealRaw seals a stream as it stands, also one that no sealer writes.
func sealRaw(t testing.TB, k envelope.PrivateKey, plain string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := age.Encrypt(&b, k.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, plain)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestMostEntries: an envelope of a hundred thousand empty files is small to send, and
// would be large to read.
func TestMostEntries(t *testing.T) {
	k := newKey(t)
	entry := frame('B', `{"type":"file","name":"f"}`) + frame('E', `{"n":0}`)
	for n, want := range map[int]envelope.End{envelope.MaxEntries: envelope.Whole, envelope.MaxEntries + 1: envelope.Damaged} {
		r, err := envelope.Open(bytes.NewReader(sealRaw(t, k, start+headFrame+strings.Repeat(entry, n)+frame('Z', fmt.Sprintf(`{"n":%d}`, n)))), k)
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for range r.Entries() {
			got++
		}
		if got != envelope.MaxEntries || r.End() != want {
			t.Errorf("of %d entries %d are read, %v; want %d, %v", n, got, r.End(), envelope.MaxEntries, want)
		}
	}
	s, err := envelope.Seal(io.Discard, head(), k.Recipient())
	for n := 0; n <= envelope.MaxEntries && err == nil; n++ {
		if _, err = s.File("f", strings.NewReader("")); (err == nil) != (n < envelope.MaxEntries) {
			t.Fatalf("entry %d is sealed: %v", n+1, err)
		}
	}
	if !errors.Is(err, fault.TooLarge) {
		t.Errorf("one more: %v; want too large", err)
	}
}

// counted counts the stanzas that a key is tried on.
type counted struct {
	envelope.PrivateKey
	n *int
}

func (c counted) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	*c.n += len(stanzas)
	return c.PrivateKey.Unwrap(stanzas)
}

// TestMostKeys: each key of the desk is tried on each stanza, of whatever a stranger sends.
func TestMostKeys(t *testing.T) {
	k := newKey(t)
	to := make([]age.Recipient, envelope.MaxStanzas+1)
	for i := range to {
		to[i] = k.Recipient()
	}
	seal := func(to ...age.Recipient) *bytes.Buffer {
		var b bytes.Buffer
		w, err := age.Encrypt(&b, to...)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, start+headFrame+frame('Z', `{"n":0}`))
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return &b
	}
	tried := 0
	if _, err := envelope.Open(seal(to...), counted{newKey(t), &tried}, counted{k, &tried}); !errors.Is(err, fault.Damaged) || tried > 0 {
		t.Errorf("%v, after %d stanzas; want damaged, and none tried", err, tried)
	}
	if r, err := envelope.Open(seal(to[1:]...), newKey(t), k); err != nil || r.Next() != nil || r.End() != envelope.Whole {
		t.Errorf("the most keys: %v", err)
	}
	if _, err := envelope.Seal(io.Discard, head(), to...); !errors.Is(err, fault.TooLarge) {
		t.Errorf("sealed to one more: %v; want too large", err)
	}
	if _, err := envelope.Seal(io.Discard, head(), to[1:]...); err != nil {
		t.Error(err)
	}
}

// writeVectors makes the files of testdata. Sealing is random: each run makes
// others, which open the same.
func writeVectors(t *testing.T) {
	k := newKey(t)
	var request, reply bytes.Buffer
	h := head()
	h.Channel, h.Serial = "politics", 12
	s, _ := envelope.Seal(&request, h, k.Recipient())
	s.Text(strings.NewReader("Look at page four."))
	s.File("отчёт.pdf", strings.NewReader("%PDF-1.7"))
	s.Address(addressOf(t, [32]byte{9}))
	s.File("half.bin", io.MultiReader(strings.NewReader("half"), failing{}))
	s.CloseWithin(0)
	s, _ = envelope.SealReply(&reply, head(), envelope.Address{Mailbox: strings.Repeat("ab", 32), Key: k.Recipient().String()})
	s.Text(strings.NewReader("Who else had it?"))
	s.CloseWithin(0)
	later := sealRaw(t, k, start+frame('H', `{"kind":"request","time":"2026-11-23T04:05:06Z","q":"newer"}`)+frame('q', "of a later version")+
		frame('B', `{"type":"text","q":1}`)+frame('q', "")+frame('D', "old ")+frame('D', "")+frame('D', "and new")+frame('E', `{"n":11,"q":1}`)+frame('Z', `{"n":1}`)+"\x00\x00")
	short := sealRaw(t, k, start+headFrame+frame('B', `{"type":"file","name":"f"}`)+frame('D', "all that came"))
	asks := sealAsking(k)
	secret, _ := k.MarshalText()
	all := vectors{Key: string(secret)}
	private, public, _ := note.GenerateKey(nil, "newsroom.example")
	newsroom, _ := note.NewSigner(private)
	_, _, list := channels(t)
	signed, err := envelope.KeyList{Newsroom: [16]byte{7}, Serial: 12, Channels: list}.Sign(newsroom)
	if err != nil {
		t.Fatal(err)
	}
	all.List = listOfVectors{Verifier: public, Signed: string(signed)}.read(t)
	for _, f := range []struct {
		name string
		b    []byte
	}{{"request.age", request.Bytes()}, {"reply.age", reply.Bytes()}, {"later.age", later}, {"short.age", short}, {"conditions.age", asks}} {
		if err := os.WriteFile(filepath.Join("testdata", f.name), f.b, 0o644); err != nil {
			t.Fatal(err)
		}
		r, parts := open(t, f.b, k)
		v := vector{File: f.name, Head: r.Head, Address: r.Address(), Conditions: r.Conditions(), End: r.End().String()}
		for _, p := range parts {
			v.Entries = append(v.Entries, vectorEntry{p.Type, p.Name, string(p.Body), p.End.String()})
		}
		all.Vectors = append(all.Vectors, v)
	}
	b, _ := json.MarshalIndent(all, "", "  ")
	if err := os.WriteFile("testdata/vectors.json", append(b, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// sealAsking seals a request with conditions, which come behind the message.
func sealAsking(k envelope.PrivateKey) []byte {
	var b bytes.Buffer
	s, _ := envelope.Seal(&b, head(), k.Recipient())
	s.Text(strings.NewReader("Wait until I have left."))
	s.Conditions(envelope.Conditions{Before: "2027-01-31", Unquoted: true})
	s.File("plan.txt", strings.NewReader("north"))
	s.CloseWithin(0)
	return b.Bytes()
}

// readVectors reads the vectors, and the private key that opens them.
func readVectors(t testing.TB) (v vectors, key envelope.PrivateKey) {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	keys, err := envelope.ParsePrivateKeys([]byte(v.Key))
	if err != nil {
		t.Fatal(err)
	}
	return v, keys[0]
}

func TestVectors(t *testing.T) {
	if *update {
		writeVectors(t)
	}
	all, key := readVectors(t)
	g, _ := json.Marshal(all.List.read(t))
	if w, _ := json.Marshal(all.List); !bytes.Equal(g, w) {
		t.Errorf("the list holds\n%s; want\n%s", g, w)
	}
	if len(all.Vectors) != 5 {
		t.Errorf("%d vectors; want 5", len(all.Vectors))
	}
	for _, v := range all.Vectors {
		sealed, err := os.ReadFile(filepath.Join("testdata", v.File))
		if err != nil {
			t.Fatal(err)
		}
		r, parts := open(t, sealed, key)
		got := vector{File: v.File, Head: r.Head, Address: r.Address(), Conditions: r.Conditions(), End: r.End().String()}
		for _, p := range parts {
			got.Entries = append(got.Entries, vectorEntry{p.Type, p.Name, string(p.Body), p.End.String()})
		}
		g, _ := json.Marshal(got)
		w, _ := json.Marshal(v)
		if !bytes.Equal(g, w) {
			t.Errorf("%s holds\n%s; want\n%s", v.File, g, w)
		}
	}
}

// TestDamageIsSaid: streams that no sealer writes give what came before the fault,
// and end as damaged.
func TestDamageIsSaid(t *testing.T) {
	k := newKey(t)
	begin, data := frame('B', `{"type":"text"}`), frame('D', "hello")
	address := frame('A', `{"mailbox":"`+strings.Repeat("ab", 32)+`","key":"`+k.Recipient().String()+`"}`)
	for name, plain := range map[string]string{
		"nothing":              "",
		"wrong number":         begin + data + frame('E', `{"n":4}`) + frame('Z', `{"n":1}`),
		"wrong entries":        begin + data + frame('E', `{"n":5}`) + frame('Z', `{"n":2}`),
		"data outside":         data,
		"entry within entry":   begin + begin,
		"end within entry":     begin + data + frame('Z', `{"n":1}`),
		"a second head":        headFrame,
		"two addresses":        address + address,
		"no address":           frame('A', `{"mailbox":"x","key":"y"}`),
		"unknown capital":      frame('Q', ""),
		"not a letter":         frame(0, ""),
		"unknown type":         frame('B', `{"type":"directory"}`),
		"no JSON":              frame('B', `{`),
		"frame too long":       "D\xff\xff\xff\xff",
		"name too long":        frame('B', `{"type":"file","name":"`+strings.Repeat("n", envelope.MaxName+1)+`"}`),
		"negative entry count": frame('Z', `{"n":-1}`),
	} {
		r, parts := open(t, sealRaw(t, k, start+headFrame+plain), k)
		if r.End() != envelope.Damaged || r.Err() == nil {
			t.Errorf("%s: ends %v, %v; want damaged", name, r.End(), r.Err())
		}
		if strings.HasPrefix(plain, begin+data) && (len(parts) != 1 || string(parts[0].Body) != "hello") {
			t.Errorf("%s: what came before is lost", name)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte(start + headFrame + frame('B', `{"type":"file"}`) + frame('E', `{"n":0}`) + frame('r', `{"key":"a+b+c","salt":"","signature":""}`) + frame('Z', `{"n":1}`)))
	k := newKey(f)
	for _, s := range []string{"", start, start + headFrame, start + headFrame + frame('c', `{"before":"2027-01-31","unquoted":true}`) + frame('Z', `{"n":0}`),
		start + headFrame + frame('c', `{"before":7}`) + frame('B', `{"type":"text"}`) + frame('c', `{"before":"in May\n"}`) + frame('E', `{"n":0}`) + frame('Z', `{"n":1}`), start + headFrame + frame('B', `{"type":"text"}`) + frame('D', "hello") + frame('E', `{"n":5}`) + frame('Z', `{"n":1}`),
		start + headFrame + frame('q', "x") + frame('A', "{}") + frame('B', `{"type":"file","name":"../x"}`) + "D\x00\x00\xff\xff"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		if !bytes.HasPrefix(plain, []byte(start)) {
			plain = append([]byte(start+headFrame), plain...)
		}
		r, err := envelope.Open(bytes.NewReader(sealRaw(t, k, string(plain))), k)
		if err != nil {
			return
		}
		var entries, total int64
		for e := range r.Entries() {
			n, err := io.Copy(io.Discard, e)
			if err != nil || n != e.Size() {
				t.Fatalf("%d bytes of %d: %v", n, e.Size(), err)
			}
			if len(e.Name) > envelope.MaxName {
				t.Fatal("a name that is too long")
			}
			entries, total = entries+1, total+n
		}
		if c := r.Conditions(); len(c.Before) > envelope.MaxBefore || !utf8.ValidString(c.Before) || strings.ContainsAny(c.Before, "\x00\n\r") {
			t.Fatalf("conditions %q", c.Before)
		}
		if total > int64(len(plain)) {
			t.Fatalf("%d bytes out of %d", total, len(plain))
		}
		if r.Next() != nil || r.End() == envelope.Damaged != (r.Err() != nil) {
			t.Fatalf("end %v, error %v", r.End(), r.Err())
		}
	})
}

// FuzzOpenSealed reads bytes that nobody sealed.
func FuzzOpenSealed(f *testing.F) {
	// The fuzzer's workers are other processes: a new key would open nothing there.
	v, k := readVectors(f)
	for _, v := range v.Vectors {
		sealed, err := os.ReadFile(filepath.Join("testdata", v.File))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(sealed)
	}
	f.Add([]byte("age-encryption.org/v1\n-> mlkem768x25519 AAAA\nAAAA\n---\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := envelope.Open(bytes.NewReader(b), k); err == nil {
			for e := range r.Entries() {
				io.Copy(io.Discard, e)
			}
		}
	})
}
