package envelope_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"daylight/codename"
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

// channels are two of them: one key is of both, one of the second alone.
func channels(t testing.TB) (common, second envelope.PrivateKey, list []envelope.Channel) {
	t.Helper()
	common, second = newKey(t), newKey(t)
	second.Name = "second 2026"
	return common, second, []envelope.Channel{
		{ID: "politics", Names: []envelope.Words{{"en", "Politics"}, {"ru", "Политика"}}, Keys: []envelope.PublicKey{common.Public()}},
		{ID: "harbour-2", Names: []envelope.Words{{"en", "The harbour"}}, About: []envelope.Words{{"en", "Three people read it."}},
			Keys: []envelope.PublicKey{common.Public(), second.Public()}},
	}
}

func TestKeyLists(t *testing.T) {
	s, v := signer(t)
	_, stranger := signer(t)
	_, second, list := channels(t)
	want := envelope.KeyList{Newsroom: [16]byte{1, 2}, Serial: 12, Channels: list}
	signed, err := want.Sign(s)
	if err != nil {
		t.Fatal(err)
	}
	got, err := envelope.ParseKeyList(signed, stranger, v)
	if err != nil || got.Newsroom != want.Newsroom || got.Serial != 12 || len(got.Keys()) != 2 || got.Channels[1].Keys[1].String() != second.Public().String() {
		t.Fatalf("read %v, %v", got, err)
	}
	if again, err := got.Sign(s); err != nil || !bytes.Equal(again, signed) {
		t.Errorf("signed again it is another list: %v", err)
	}
	c, err := got.Channel("harbour-2")
	if err != nil || c.Name("ru") != "The harbour" || c.Purpose("en") != "Three people read it." || got.Channels[0].Name("ru") != "Политика" {
		t.Errorf("channel %q, %v", c.Name("ru"), err)
	}
	if c, err := got.Channel(""); err != nil || c.ID != "politics" {
		t.Errorf("no choice gives %q, %v; want the first", c.ID, err)
	}
	if _, err := got.Channel("nobody"); !errors.Is(err, fault.NotFound) {
		t.Errorf("a channel that is not there: %v; want not found", err)
	}
	if _, err := envelope.ParseKeyList(signed, stranger); !errors.Is(err, fault.Unverified) {
		t.Errorf("a stranger's verifier: %v; want unverified", err)
	}
	if _, err := envelope.ParseKeyList(bytes.Replace(signed, []byte("serial 12"), []byte("serial 13"), 1), v); !errors.Is(err, fault.Unverified) {
		t.Errorf("changed by hand: %v; want unverified", err)
	}
}

func TestKeyListsThatAreRefused(t *testing.T) {
	s, v := signer(t)
	_, _, list := channels(t)
	good := envelope.KeyList{Serial: 1, Channels: list}
	for name, change := range map[string]func(*envelope.KeyList){
		"no channels":         func(l *envelope.KeyList) { l.Channels = nil },
		"no serial":           func(l *envelope.KeyList) { l.Serial = 0 },
		"no keys":             func(l *envelope.KeyList) { l.Channels[0].Keys = nil },
		"too many keys":       func(l *envelope.KeyList) { l.Channels[0].Keys = make([]envelope.PublicKey, envelope.MaxKeys+1) },
		"no name":             func(l *envelope.KeyList) { l.Channels[0].Names = nil },
		"one id twice":        func(l *envelope.KeyList) { l.Channels[0].ID = "harbour-2" },
		"an id with a space":  func(l *envelope.KeyList) { l.Channels[0].ID = "the harbour" },
		"a language twice":    func(l *envelope.KeyList) { l.Channels[0].Names[1].Language = "en" },
		"a name of two lines": func(l *envelope.KeyList) { l.Channels[0].Names[0].Text = "a\nkey" },
		"a key twice":         func(l *envelope.KeyList) { l.Channels[1].Keys[1] = l.Channels[1].Keys[0] },
		"a key of two names":  func(l *envelope.KeyList) { l.Channels[0].Keys[0].Name = "other" },
		"a name of two keys":  func(l *envelope.KeyList) { l.Channels[1].Keys[1].Name = l.Channels[1].Keys[0].Name },
	} {
		l := good
		l.Channels = nil
		for _, c := range list {
			c.Names, c.Keys = slices.Clone(c.Names), slices.Clone(c.Keys)
			l.Channels = append(l.Channels, c)
		}
		change(&l)
		if _, err := l.Sign(s); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v; want refused", name, err)
		}
	}
	signed, err := good.Sign(s)
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(signed), "\n\n")
	text += "\n"
	for name, other := range map[string]string{
		"capitals":        strings.Replace(text, "newsroom 00", "newsroom 0A", 1),
		"a zero in front": strings.Replace(text, "serial 1", "serial 01", 1),
		"an empty line":   text + "\n",
		"another order":   strings.Replace(strings.Replace(text, "name en Politics\n", "", 1), "key ", "name en Politics\nkey ", 1)[:len(text)-1],
		"unknown word":    text + "note en Hello\n",
		"no head":         strings.Replace(text, "keys 0", "keys 1", 1),
		"key too soon":    strings.Replace(text, "channel politics\n", "", 1),
	} {
		signed, err := note.Sign(&note.Note{Text: other}, s)
		if err != nil {
			continue // not even a note
		}
		if _, err := envelope.ParseKeyList(signed, v); !errors.Is(err, fault.Damaged) {
			t.Errorf("%s: %v; want damaged", name, err)
		}
	}
}

// TestTheLargestList is one that couriers carry: they bound it at 1 MiB.
func TestTheLargestList(t *testing.T) {
	s, v := signer(t)
	l := envelope.KeyList{Serial: 1}
	for i := range envelope.MaxChannels {
		c := envelope.Channel{ID: fmt.Sprintf("c%d", i)}
		for n := range 40 {
			language := fmt.Sprintf("l%d", n)
			c.Names = append(c.Names, envelope.Words{Language: language, Text: strings.Repeat("n", 100)})
			c.About = append(c.About, envelope.Words{Language: language, Text: strings.Repeat("a", 400)})
		}
		for n := range envelope.MaxKeys {
			k, err := envelope.NewKey(fmt.Sprintf("%0100d", i*envelope.MaxKeys+n))
			if err != nil {
				t.Fatal(err)
			}
			c.Keys = append(c.Keys, k.Public())
		}
		l.Channels = append(l.Channels, c)
	}
	signed, err := l.Sign(s)
	if err != nil || len(signed) >= 1<<20 {
		t.Fatalf("%d bytes, %v", len(signed), err)
	}
	if got, err := envelope.ParseKeyList(signed, v); err != nil || len(got.Keys()) != envelope.MaxChannels*envelope.MaxKeys {
		t.Errorf("read %d keys, %v", len(got.Keys()), err)
	}
}

// TestOnlyTheKeysOfTheChannelOpen, and who has none of them cannot tell for which it
// was: as many stanzas of one kind, as many bytes.
func TestOnlyTheKeysOfTheChannelOpen(t *testing.T) {
	common, second, list := channels(t)
	l := envelope.KeyList{Serial: 7, Channels: list}
	shapes := map[string]string{}
	for _, id := range []string{"politics", "harbour-2"} {
		var b bytes.Buffer
		s, err := l.Seal(&b, envelope.Head{Path: "web"}, id)
		if err != nil {
			t.Fatal(err)
		}
		s.Text(strings.NewReader("hello"))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := envelope.Open(bytes.NewReader(b.Bytes()), common)
		if err != nil || r.Head.Channel != id || r.Head.Serial != 7 || r.Head.Kind != envelope.Request {
			t.Fatalf("%s: head %+v, %v", id, r, err)
		}
		if _, err := envelope.Open(bytes.NewReader(b.Bytes()), second); (err == nil) != (id == "harbour-2") {
			t.Errorf("%s: the second channel's key: %v", id, err)
		}
		shapes[id] = shape(b.Bytes())
	}
	if shapes["politics"] != shapes["harbour-2"] {
		t.Errorf("envelopes of two channels look like\n%s\nand\n%s", shapes["politics"], shapes["harbour-2"])
	}
	if _, err := l.Seal(io.Discard, envelope.Head{}, "nobody"); !errors.Is(err, fault.NotFound) {
		t.Errorf("to a channel that is not there: %v; want not found", err)
	}
}

// shape is all of an envelope's head but the random bytes, and its length.
func shape(sealed []byte) string {
	var b strings.Builder
	head, _, _ := bytes.Cut(sealed, []byte("\n---"))
	for line := range strings.Lines(string(head)) {
		fmt.Fprintf(&b, "%d bytes", len(line))
		if stanza, ok := strings.CutPrefix(line, "-> "); ok {
			b.WriteString(" " + strings.Fields(stanza)[0])
		}
		b.WriteByte('\n')
	}
	return fmt.Sprintf("%s%d bytes", &b, len(sealed))
}

func TestFingerprintsAreOfTheSigner(t *testing.T) {
	const key = "newsroom.example+b265606f+AWp9ERKp//Ns//ZjZ45SkXzChyFw5AdFr2hUN0PEtO/K"
	got, err := envelope.Fingerprint([16]byte{7}, key+"\n")
	if want := "clergyman rupture purity outboard rounding unsaddle boat"; err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	if other, _ := envelope.Fingerprint([16]byte{8}, key); other == got {
		t.Error("two newsrooms have one fingerprint")
	}
	if _, err := codename.Parse([]byte(got)); err == nil {
		t.Error("a fingerprint is taken for a codename")
	}
	for _, bad := range []string{"", "newsroom.example", key[:len(key)-4], key + "\n" + key} {
		if _, err := envelope.Fingerprint([16]byte{7}, bad); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v; want not valid", bad, err)
		}
	}
}

func TestPublicKeysTravelAsFiles(t *testing.T) {
	k := newKey(t).Public()
	text, _ := k.MarshalText()
	got, err := envelope.ParsePublicKey(text)
	if err != nil || got.Name != k.Name || got.String() != k.String() {
		t.Errorf("read %v, %v", got, err)
	}
	for _, bad := range []string{"", "# name: \n" + k.String(), "# name: a\nage1pq1zz", "# name: a\x07b\n" + k.String()} {
		if _, err := envelope.ParsePublicKey([]byte(bad)); err == nil {
			t.Errorf("%q is taken for a key", bad)
		}
	}
}

func FuzzParseKeyList(f *testing.F) {
	s, v := signer(f)
	_, _, list := channels(f)
	whole, err := envelope.KeyList{Serial: 3, Channels: list}.Sign(s)
	if err != nil {
		f.Fatal(err)
	}
	text, _, _ := strings.Cut(string(whole), "\n\n")
	for _, text := range []string{text + "\n", "daylight keys 0\nnewsroom 00\nserial 1\nchannel x\nname en X\nkey x y\n", "daylight keys 0\n", "daylight keys 0\nnewsroom " + strings.Repeat("00", 16) + "\nserial -1\nkey age1pq1 a\n"} {
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
		if again, err := l.Sign(s); err != nil || len(l.Keys()) == 0 || !bytes.Equal(again, signed) {
			t.Fatalf("read back: %v", err)
		}
	})
}

// FuzzKeyFiles reads files of private and of public keys: what is taken reads back the
// same, and no error repeats a line of a private key.
func FuzzKeyFiles(f *testing.F) {
	v, k := readVectors(f)
	public, _ := k.Public().MarshalText()
	for _, text := range []string{v.Key, v.Key + "\n# name: other\r\n" + v.Key, string(public), "# name: a\nAGE-SECRET-KEY-PQ-1QQQQ", "# name: a\nage1pq1qqqq", "# name: \xff\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if keys, err := envelope.ParsePrivateKeys(text); err == nil {
			for _, k := range keys {
				b, err := k.MarshalText()
				again, errAgain := envelope.ParsePrivateKeys(b)
				if err != nil || errAgain != nil || len(again) != 1 || again[0].HybridIdentity.String() != k.HybridIdentity.String() {
					t.Fatalf("a private key is not read back: %v, %v", err, errAgain)
				}
			}
		} else if !errors.Is(err, fault.Damaged) && !errors.Is(err, fault.NotFound) || strings.Contains(err.Error(), "SECRET") {
			t.Fatal("an error of no kind, or with the key in it")
		}
		k, err := envelope.ParsePublicKey(text)
		if err != nil {
			if !errors.Is(err, fault.Damaged) && !errors.Is(err, fault.Invalid) {
				t.Fatalf("error of no kind: %v", err)
			}
			return
		}
		b, _ := k.MarshalText()
		if again, err := envelope.ParsePublicKey(b); err != nil || again.Name != k.Name || again.String() != k.String() {
			t.Fatalf("a public key is not read back: %v", err)
		}
	})
}
