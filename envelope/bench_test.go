package envelope_test

import (
	"bytes"
	"io"
	"testing"

	"filippo.io/age"

	"daylight/envelope"
)

// zeros is an endless reader of nothing.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func BenchmarkSeal(b *testing.B) {
	const size = 64 << 20
	var to []age.Recipient
	for range 6 {
		to = append(to, newKey(b).Recipient())
	}
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		s, err := envelope.Seal(io.Discard, head(), to...)
		if err != nil {
			b.Fatal(err)
		}
		s.File("f", io.LimitReader(zeros{}, size))
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	const size = 64 << 20
	k := newKey(b)
	var sealed bytes.Buffer
	s, err := envelope.Seal(&sealed, head(), k.Recipient())
	if err != nil {
		b.Fatal(err)
	}
	s.File("f", io.LimitReader(zeros{}, size))
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		r, err := envelope.Open(bytes.NewReader(sealed.Bytes()), k)
		if err != nil {
			b.Fatal(err)
		}
		for e := range r.Entries() {
			io.Copy(io.Discard, e)
		}
	}
}

// BenchmarkOpenSmall is a message without files, as the desk fetches thousands.
func BenchmarkOpenSmall(b *testing.B) {
	k := newKey(b)
	small := sealed(b, k, part{Type: envelope.Text, Body: []byte("hello")})
	for b.Loop() {
		r, err := envelope.Open(bytes.NewReader(small), k)
		if err != nil {
			b.Fatal(err)
		}
		for e := range r.Entries() {
			io.Copy(io.Discard, e)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()*1e6/float64(b.N), "ms/1000")
}
