package release_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"daylight/corpus"
	"daylight/fault"
	"daylight/publog"
	"daylight/release"
)

const origin = "example.org/daylight"

type newsroom struct {
	signer publog.Signer
	keys   publog.Keys
	public string
}

func newNewsroom(t testing.TB) newsroom {
	t.Helper()
	private, public, err := publog.GenerateKey("example.org/desk")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := publog.ParseSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := publog.ParseKeys(public)
	if err != nil {
		t.Fatal(err)
	}
	return newsroom{signer, keys, public}
}

func header(number int) release.Header {
	return release.Header{Newsroom: "The Example", Number: number, Day: "2026-11-23", Log: origin}
}

// publish writes a release whose documents have the given texts.
func (n newsroom) publish(t testing.TB, number int, from publog.Frontier, texts ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := release.NewWriter(&b, header(number), from)
	if err != nil {
		t.Fatal(err)
	}
	must(t, release.Add(w, corpus.Collection{ID: "tides", Title: "The Tide Tables", Route: corpus.RoutePublicRecord, Version: number}))
	for _, text := range texts {
		d := release.Document{State: corpus.Published}
		d.ID, d.Collection, d.Title, d.Text, d.Type = corpus.NewDocumentID(), "tides", "A letter", text, "text/plain"
		must(t, release.Add(w, d))
		r := release.Rendition{Document: d.ID, Name: release.NameOriginal, Label: "original bytes, as received", Type: "text/plain"}
		must(t, w.AddRendition(r, strings.NewReader(text), int64(len(text))))
	}
	must(t, w.Close(n.signer))
	return b.Bytes()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(b []byte, keys publog.Keys, log *publog.Log) (*release.Reader, error) {
	return release.Open(bytes.NewReader(b), int64(len(b)), keys, log)
}

func newLog(t testing.TB, keys publog.Keys) *publog.Log {
	t.Helper()
	log, err := publog.Open(publog.Memory(), keys)
	must(t, err)
	return log
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	desk := newNewsroom(t)
	log := newLog(t, desk.keys)
	for number := 1; number <= 3; number++ {
		b := desk.publish(t, number, log.Frontier(), "first "+fmt.Sprint(number), "second, מכתב، رسالة")
		r, err := open(b, desk.keys, log)
		must(t, err)
		if r.Header != header(number) || r.Len() != 5 || r.Removed() != 0 {
			t.Errorf("header %+v, %d entries", r.Header, r.Len())
		}
		var kinds []string
		for e, err := range r.Entries() {
			must(t, err)
			kinds = append(kinds, string(e.Kind))
			if e.Kind == release.KindRendition {
				body, err := release.Decode[release.Rendition](e.Record)
				must(t, err)
				text, err := io.ReadAll(e.Open())
				must(t, err)
				if body.Name != release.NameOriginal || !strings.HasPrefix(string(text), "first ") && !strings.HasPrefix(string(text), "second") {
					t.Errorf("rendition %+v of %q", body, text)
				}
			}
		}
		if got := strings.Join(kinds, " "); got != "collection document rendition document rendition" {
			t.Errorf("kinds: %s", got)
		}
		must(t, log.Apply(r.Update()))
		if _, err := open(b, desk.keys, log); !errors.Is(err, fault.Conflict) || fault.Words(err) == "" {
			t.Errorf("the same release again: %v; want fault.Conflict with words", err)
		}
	}
}

func TestProofOfAFile(t *testing.T) {
	desk := newNewsroom(t)
	log := newLog(t, desk.keys)
	r, err := open(desk.publish(t, 1, log.Frontier(), "one", "two", "three"), desk.keys, log)
	must(t, err)
	var records []release.Record
	for e, err := range r.Entries() {
		must(t, err)
		records = append(records, e.Record)
	}
	must(t, log.Apply(r.Update()))
	for i, want := range map[int]string{2: "one", 4: "two", 6: "three", 3: "two"} {
		p, err := release.Prove(records[i], log)
		must(t, err)
		text, err := p.MarshalText()
		must(t, err)
		report, err := release.VerifyProof(text, strings.NewReader(want), desk.keys)
		must(t, err)
		if len(report.Proven) < 3 || len(report.NotProven) < 6 || report.Document.IsZero() {
			t.Errorf("report: %+v", report)
		}
		everyChangeFails(t, text, want, desk.keys)
	}
}

// everyChangeFails changes each byte of proof and file, in two ways, and cuts and
// lengthens both.
func everyChangeFails(t *testing.T, proof []byte, file string, keys publog.Keys) {
	t.Helper()
	check := func(what string, proof []byte, file string) {
		if _, err := release.VerifyProof(proof, strings.NewReader(file), keys); !errors.Is(err, fault.Unverified) && !errors.Is(err, fault.Damaged) {
			t.Errorf("%s: %v; want a refusal", what, err)
		}
	}
	for i := range proof {
		for _, flip := range []byte{0x01, 0x20, 0x80} {
			changed := bytes.Clone(proof)
			changed[i] ^= flip
			check(fmt.Sprintf("byte %d of the proof, %q", i, proof[max(0, i-10):i+1]), changed, file)
		}
		check(fmt.Sprintf("proof cut at %d", i), proof[:i], file)
	}
	check("longer proof", append(bytes.Clone(proof), '\n'), file)
	for i := range file {
		changed := []byte(file)
		changed[i] ^= 1
		check("changed file", proof, string(changed))
	}
	check("longer file", proof, file+" ")
	check("empty file", proof, "")
}
