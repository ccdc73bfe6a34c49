package release

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"daylight/corpus"
	"daylight/publog"
)

var update = flag.Bool("update", false, "make the vectors anew, with a new key")

// counting gives the bytes 0, 1, 2… in place of random ones. It is why this test is
// inside of the package.
type counting struct{ next byte }

func (c *counting) Read(b []byte) (int, error) {
	for i := range b {
		b[i], c.next = c.next, c.next+1
	}
	return len(b), nil
}

func makeVectors(t *testing.T) {
	private, public, err := publog.GenerateKey("example.org/desk")
	must(t, err)
	signer, err := publog.ParseSigner(private)
	must(t, err)
	keys, err := publog.ParseKeys(public)
	must(t, err)
	var b bytes.Buffer
	w, err := newWriter(&b, Header{Newsroom: "The Example", Number: 1, Day: "2026-11-23", Log: "example.org/daylight"}, publog.Frontier{}, &counting{})
	must(t, err)
	must(t, Add(w, corpus.Collection{ID: "tides", Title: "The Tide Tables", Summary: "What the harbour knew.", Route: corpus.RoutePublicRecord, Version: 1}))
	d := Document{State: corpus.Published}
	d.ID = corpus.DocumentID{1, 2, 3}
	d.Collection, d.Title, d.Type, d.Size, d.Text = "tides", "High water", "text/plain", 21, "High water at seven.\n"
	must(t, Add(w, d))
	r := Rendition{Document: d.ID, Name: NameOriginal, Label: "original bytes, as received", Type: "text/plain"}
	must(t, w.AddRendition(r, bytes.NewReader([]byte(d.Text)), 21))
	must(t, w.Close(signer))
	log, err := publog.Open(publog.Memory(), keys)
	must(t, err)
	read, err := Open(bytes.NewReader(b.Bytes()), int64(b.Len()), keys, log)
	must(t, err)
	must(t, log.Apply(read.Update()))
	for e, err := range read.Entries() {
		must(t, err)
		if e.Kind == KindRendition {
			p, err := Prove(e.Record, log)
			must(t, err)
			text, err := p.MarshalText()
			must(t, err)
			must(t, os.WriteFile("testdata/vector.proof", text, 0o644))
		}
	}
	must(t, os.WriteFile("testdata/vector.daylight", b.Bytes(), 0o644))
	must(t, os.WriteFile("testdata/vector.keys", []byte(public+"\n"), 0o644))
	must(t, os.WriteFile("testdata/vector.txt", []byte(d.Text), 0o644))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func vector(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/vector" + name)
	must(t, err)
	return b
}

// What version 0 wrote once, it reads for ever.
func TestVectors(t *testing.T) {
	if *update {
		makeVectors(t)
	}
	keys, err := publog.ParseKeys(string(vector(t, ".keys")))
	must(t, err)
	b := vector(t, ".daylight")
	r, err := Open(bytes.NewReader(b), int64(len(b)), keys, nil)
	must(t, err)
	if r.Len() != 3 || r.Header.Newsroom != "The Example" {
		t.Errorf("%d entries of %+v; want 3", r.Len(), r.Header)
	}
	next := &counting{}
	for e, err := range r.Entries() {
		must(t, err)
		var salt Salt
		next.Read(salt[:])
		if e.Salt != salt {
			t.Errorf("%s: salt %x; want %x", e.Kind, e.Salt, salt)
		}
	}
	report, err := VerifyProof(vector(t, ".proof"), bytes.NewReader(vector(t, ".txt")), keys)
	must(t, err)
	if report.Index != 2 || report.Log.Size != 3 {
		t.Errorf("report: %+v", report)
	}
}

// Whatever a file holds, it is refused with a kind, or it is the vector.
func FuzzOpen(f *testing.F) {
	b := vector(f, ".daylight")
	keys, err := publog.ParseKeys(string(vector(f, ".keys")))
	must(f, err)
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Add([]byte(magic + "{}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Open(bytes.NewReader(data), int64(len(data)), keys, nil)
		if err == nil && r.Removed() == 0 && !bytes.Equal(data, b) {
			t.Error("something else was verified")
		}
		// Beyond the signatures: any frames at all are read without harm.
		fr := newFrames(bytes.NewReader(data), int64(len(data)), 0)
		for range 1000 {
			if f, err := fr.next(false); err != nil || f.kind == frameEnd {
				break
			}
		}
	})
}

func FuzzVerifyProof(f *testing.F) {
	proof := vector(f, ".proof")
	keys, err := publog.ParseKeys(string(vector(f, ".keys")))
	must(f, err)
	f.Add(proof)
	f.Add(bytes.ReplaceAll(proof, []byte("index 2"), []byte("index 02")))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := VerifyProof(data, nil, keys); err == nil && !bytes.Equal(data, proof) {
			t.Errorf("something else was verified:\n%s", data)
		}
	})
}
