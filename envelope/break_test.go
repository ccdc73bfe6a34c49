package envelope_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"daylight/envelope"
	"daylight/fault"
)

// sealed seals files and returns the envelope.
func sealed(t testing.TB, k envelope.PrivateKey, parts ...part) []byte {
	t.Helper()
	var b bytes.Buffer
	s, err := envelope.Seal(&b, head(), k.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		if p.Type == envelope.Text {
			s.Text(bytes.NewReader(p.Body))
		} else {
			s.File(p.Name, bytes.NewReader(p.Body))
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestEverySizeAroundEveryBoundary: what the desk opens is what was sent, for one
// and for two files, at each size around a frame, a chunk of age, and a step of
// the padding.
func TestEverySizeAroundEveryBoundary(t *testing.T) {
	k := newKey(t)
	noise := make([]byte, 300<<10)
	rand.NewChaCha8([32]byte{1}).Read(noise)
	for _, near := range []int{0, 4 << 10, 32 << 10, envelope.MaxFrame, 64 << 10, 2 * envelope.MaxFrame, envelope.Floor, 256 << 10} {
		for d := -6; d <= 6; d++ {
			n := near + d
			if n < 0 {
				continue
			}
			want := []part{{envelope.File, "a", noise[:n], envelope.Whole}, {envelope.File, "b", noise[n : n+13], envelope.Whole}}
			r, got := open(t, sealed(t, k, want...), k)
			same(t, got, want)
			if r.End() != envelope.Whole {
				t.Errorf("%d bytes: %v", n, r.End())
			}
		}
	}
}

// TestAnyWritesAnySizes: entries survive whatever pieces they are written in.
func TestAnyWritesAnySizes(t *testing.T) {
	k := newKey(t)
	rapid.Check(t, func(rt *rapid.T) {
		var b bytes.Buffer
		s, err := envelope.Seal(&b, head(), k.Recipient())
		if err != nil {
			rt.Fatal(err)
		}
		var want []part
		for range rapid.IntRange(0, 4).Draw(rt, "files") {
			name := rapid.String().Draw(rt, "name")
			w, err := s.Begin(name)
			if err != nil {
				rt.Fatal(err)
			}
			var body []byte
			for range rapid.IntRange(0, 5).Draw(rt, "pieces") {
				piece := bytes.Repeat([]byte{byte(len(body))}, rapid.IntRange(0, 70_000).Draw(rt, "piece"))
				w.Write(piece)
				body = append(body, piece...)
			}
			p := part{envelope.File, strings.ToValidUTF8(name, "\uFFFD"), body, envelope.Whole}
			if rapid.Bool().Draw(rt, "cut") {
				p.End = envelope.Cut
				w.Cut()
			} else {
				w.Close()
			}
			want = append(want, p)
		}
		size := s.Size()
		if err := s.Close(); err != nil {
			rt.Fatal(err)
		}
		if int64(b.Len()) > size {
			rt.Fatalf("%d bytes; Size said %d", b.Len(), size)
		}
		_, got := open(t, b.Bytes(), k)
		same(t, got, want)
	})
}

// TestCutAnywhere: an envelope that ends early gives what came before its end,
// says so, and never gives a byte that was not sent.
func TestCutAnywhere(t *testing.T) {
	k := newKey(t)
	body := make([]byte, 300_000)
	rand.NewChaCha8([32]byte{2}).Read(body)
	whole := sealed(t, k, part{Type: envelope.Text, Body: []byte("first")}, part{Type: envelope.File, Name: "f", Body: body})
	_, before := open(t, whole, k)
	for n := 0; n < len(whole); n += 9_973 {
		r, err := envelope.Open(bytes.NewReader(whole[:n]), k)
		if err != nil {
			if !errors.Is(err, fault.Damaged) {
				t.Fatalf("%d bytes: %v; want damage", n, err)
			}
			continue
		}
		got := 0
		for e := range r.Entries() {
			b, err := io.ReadAll(e)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(before[got].Body, b) {
				t.Fatalf("%d bytes: entry %d has bytes that were not sent", n, got)
			}
			if whole := len(b) == len(before[got].Body) && e.End() == envelope.Whole; !whole && e.End() != envelope.Damaged {
				t.Errorf("%d bytes: entry %d ends %v", n, got, e.End())
			}
			got++
		}
		// Only the padding may be missing without harm to what was sent.
		if r.End() == envelope.Damaged != (r.Err() != nil) {
			t.Errorf("%d bytes: end %v, error %v", n, r.End(), r.Err())
		}
		if n < 300_000 && r.End() != envelope.Damaged {
			t.Errorf("%d bytes: end %v; want damaged", n, r.End())
		}
		if n > 150_000 && got < 2 {
			t.Errorf("%d bytes: %d entries; want what had arrived", n, got)
		}
	}
}

func TestChangedBytesAreNeverGivenOut(t *testing.T) {
	k := newKey(t)
	body := bytes.Repeat([]byte("0123456789"), 30_000)
	whole := sealed(t, k, part{Type: envelope.File, Name: "f", Body: body})
	for n := 0; n < len(whole); n += 7_919 {
		changed := bytes.Clone(whole)
		changed[n] ^= 0x20
		r, err := envelope.Open(bytes.NewReader(changed), k)
		if err != nil {
			continue
		}
		for e := range r.Entries() {
			if b, _ := io.ReadAll(e); !bytes.HasPrefix(body, b) {
				t.Errorf("byte %d changed: other bytes came out", n)
			}
		}
	}
}

func TestSizesTellLittle(t *testing.T) {
	k := newKey(t)
	sizes := map[int]bool{}
	for n := 0; n < 100_000; n += 9_999 {
		sizes[len(sealed(t, k, part{Type: envelope.Text, Body: make([]byte, n)}))] = true
	}
	if len(sizes) != 1 {
		t.Errorf("messages have %d sizes; want one", len(sizes))
	}
	for n := int64(1); n < 1<<40; n = n*9/8 + 1 {
		p := envelope.Padded(n)
		if p < n || p < envelope.Floor || n > envelope.Floor && float64(p) > 1.12*float64(n) || envelope.Padded(p) != p {
			t.Fatalf("%d bytes become %d", n, p)
		}
	}
}

func TestWhereThereIsLittleRoom(t *testing.T) {
	k := newKey(t)
	for _, n := range []int{10, 100_000, 500_000, 1_000_001} {
		body := make([]byte, n)
		for _, spare := range []int64{-1 << 40, 0, 1, 17, 4_000, 70_000, 200_000} {
			var b bytes.Buffer
			s, err := envelope.Seal(&b, head(), k.Recipient())
			if err != nil {
				t.Fatal(err)
			}
			bare := s.Bare(int64(n))
			s.File("f", bytes.NewReader(body))
			room := bare + spare
			if err := s.CloseWithin(room); err != nil {
				t.Fatal(err)
			}
			if int64(b.Len()) > bare && int64(b.Len()) > room {
				t.Errorf("%d bytes, room for %d: the envelope has %d", n, room, b.Len())
			}
			if _, got := open(t, b.Bytes(), k); len(got) != 1 || len(got[0].Body) != n || got[0].End != envelope.Whole {
				t.Errorf("%d bytes, room for %d: the desk has something else", n, room)
			}
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	k, other := newKey(t), newKey(t)
	if _, err := envelope.Open(bytes.NewReader(sealed(t, k)), other); !errors.Is(err, fault.Forbidden) {
		t.Errorf("another key: %v; want forbidden", err)
	}
	for _, b := range []string{"", "hello", "age-encryption.org/v1\n"} {
		if _, err := envelope.Open(strings.NewReader(b), k); !errors.Is(err, fault.Damaged) {
			t.Errorf("%q: %v; want damage", b, err)
		}
	}
	if _, err := envelope.Seal(io.Discard, head()); !errors.Is(err, fault.Invalid) {
		t.Errorf("no key: %v; want not valid", err)
	}
	s, err := envelope.Seal(io.Discard, head(), k.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []envelope.Address{{}, {Mailbox: strings.Repeat("ab", 32), Key: "age1pq1x"}, {Mailbox: strings.Repeat("AB", 32), Key: k.Recipient().String()}} {
		if err := s.Address(a); !errors.Is(err, fault.Invalid) {
			t.Errorf("address %v: %v; want not valid", a, err)
		}
	}
}

func TestABrokenFileLosesNoOther(t *testing.T) {
	k := newKey(t)
	var b bytes.Buffer
	s, err := envelope.Seal(&b, head(), k.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	s.File("one", strings.NewReader("1"))
	if _, err := s.File("two", io.MultiReader(strings.NewReader("22"), failing{})); !errors.Is(err, errCable) {
		t.Errorf("a reader that fails: %v; want its error", err)
	}
	s.File("three", strings.NewReader("333"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r, got := open(t, b.Bytes(), k)
	same(t, got, []part{{envelope.File, "one", []byte("1"), envelope.Whole}, {envelope.File, "two", []byte("22"), envelope.Cut}, {envelope.File, "three", []byte("333"), envelope.Whole}})
	if r.End() != envelope.Cut || r.Err() != nil {
		t.Errorf("end %v, %v; want cut", r.End(), r.Err())
	}
}

var errCable = errors.New("cable pulled")

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errCable }
