package release_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"daylight/corpus"
	"daylight/fault"
	"daylight/publog"
	"daylight/release"
)

func TestEveryChangedByteIsRefused(t *testing.T) {
	desk := newNewsroom(t)
	b := desk.publish(t, 1, publog.Frontier{}, "a text")
	if _, err := open(b, desk.keys, nil); err != nil {
		t.Fatal(err)
	}
	check := func(what string, i int, b []byte) {
		_, err := open(b, desk.keys, nil)
		if !errors.Is(err, fault.Damaged) && !errors.Is(err, fault.Unverified) || fault.Words(err) == "" {
			t.Errorf("%s %d: %v; want a refusal with words", what, i, err)
		}
	}
	for i := range b {
		for _, flip := range []byte{0x01, 0x20, 0x80} {
			changed := bytes.Clone(b)
			changed[i] ^= flip
			check("changed byte", i, changed)
		}
		check("cut at", i, b[:i])
	}
	check("longer by", 1, append(bytes.Clone(b), 0))
}

func TestRefusesWhatDoesNotFollow(t *testing.T) {
	desk, other := newNewsroom(t), newNewsroom(t)
	log := newLog(t, desk.keys)
	apply := func(b []byte) {
		r, err := open(b, desk.keys, log)
		must(t, err)
		must(t, log.Apply(r.Update()))
	}
	apply(desk.publish(t, 1, log.Frontier(), "one"))
	first := log.Frontier()
	third := first
	third.Append(publog.Leaf{3})
	fork := publog.Frontier{}
	for range first.Size() {
		fork.Append(publog.Leaf{9})
	}
	for name, c := range map[string]struct {
		b    []byte
		keys publog.Keys
		kind error
	}{
		"another newsroom's key":       {other.publish(t, 2, first, "x"), desk.keys, fault.Unverified},
		"no key at all":                {desk.publish(t, 2, first, "x"), publog.Keys{}, fault.Unverified},
		"a release before it missing":  {desk.publish(t, 3, third, "x"), desk.keys, fault.Conflict},
		"a release that is in already": {desk.publish(t, 1, publog.Frontier{}, "x"), desk.keys, fault.Conflict},
		"another history":              {desk.publish(t, 2, fork, "x"), desk.keys, fault.Unverified},
	} {
		if _, err := open(c.b, c.keys, log); !errors.Is(err, c.kind) || fault.Words(err) == "" {
			t.Errorf("%s: %v; want %v with words", name, err, c.kind)
		}
	}
}

func TestSeveralSigners(t *testing.T) {
	first, second := newNewsroom(t), newNewsroom(t)
	both, err := publog.ParseKeys(first.public + "\n" + second.public)
	must(t, err)
	var b bytes.Buffer
	w, err := release.NewWriter(&b, header(1), publog.Frontier{})
	must(t, err)
	must(t, release.Add(w, corpus.Topic{ID: "tides", Title: "Tides", Query: "tide", Version: 1}))
	must(t, w.Close(first.signer, second.signer))
	for name, c := range map[string]struct {
		keys    publog.Keys
		by, not int
	}{"both keys": {both, 2, 0}, "one key": {first.keys, 1, 1}} {
		r, err := open(b.Bytes(), c.keys, nil)
		must(t, err)
		if s := r.Signed(); len(s.By) != c.by || len(s.Unknown) != c.not {
			t.Errorf("%s: signed %+v; want %d and %d", name, s, c.by, c.not)
		}
	}
}

func TestWriterRefuses(t *testing.T) {
	desk := newNewsroom(t)
	id := corpus.NewDocumentID()
	doc := func(state corpus.State) release.Document {
		d := release.Document{State: state}
		d.ID, d.Collection, d.Title = id, "tides", "A letter"
		return d
	}
	rendition := release.Rendition{Document: id, Name: release.NameOriginal, Label: "original", Type: "text/plain"}
	for name, c := range map[string]struct {
		do   func(w *release.Writer) error
		kind error
	}{
		"a withheld document": {func(w *release.Writer) error { return release.Add(w, doc(corpus.Withheld)) }, fault.Invalid},
		"the original of a redacted document": {func(w *release.Writer) error {
			must(t, release.Add(w, doc(corpus.Redacted)))
			return w.AddRendition(rendition, strings.NewReader("x"), 1)
		}, fault.Forbidden},
		"a rendition without its document": {func(w *release.Writer) error {
			return w.AddRendition(rendition, strings.NewReader("x"), 1)
		}, fault.Invalid},
		"a payload that is too short": {func(w *release.Writer) error {
			must(t, release.Add(w, doc(corpus.Published)))
			return w.AddRendition(rendition, strings.NewReader("x"), 2)
		}, io.ErrUnexpectedEOF},
		"a payload that is too long": {func(w *release.Writer) error {
			must(t, release.Add(w, doc(corpus.Published)))
			return w.AddRendition(rendition, strings.NewReader("xxx"), 2)
		}, fault.Invalid},
		"a ledger that does not add up": {func(w *release.Writer) error {
			return release.Add(w, release.Ledger{Collection: "tides", Ledger: corpus.Ledger{Levels: []corpus.Balance{{Received: corpus.Tally{Files: 1}}}}})
		}, fault.Invalid},
		"a decision by one": {func(w *release.Writer) error {
			return release.Add(w, release.Decision{ID: "tides-1", Collection: "tides", Harm: "none", Approved: []string{"editor"}, Questions: questions()})
		}, fault.Invalid},
		"a withdrawal for another reason": {func(w *release.Writer) error {
			return release.Add(w, release.Withdrawal{Document: id, Class: "motive", Authority: "editors", Date: "2026-11-23"})
		}, fault.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := release.NewWriter(io.Discard, header(1), publog.Frontier{})
			must(t, err)
			if err := c.do(w); !errors.Is(err, c.kind) {
				t.Errorf("%v; want %v", err, c.kind)
			}
			if err := w.Close(desk.signer); err == nil {
				t.Error("what failed could be signed all the same")
			}
		})
	}
	if _, err := release.NewWriter(io.Discard, release.Header{Newsroom: "x", Number: 1, Day: "23.11.2026", Log: origin}, publog.Frontier{}); !errors.Is(err, fault.Invalid) {
		t.Errorf("a day in another form: %v", err)
	}
}

func questions() []release.Question {
	return []release.Question{
		{Ask: release.AskAccurate, Answer: "The tables agree with the harbour's."},
		{Ask: release.AskNewsworthy, Answer: "Nobody has published them."},
		{Ask: release.AskPublicInterest, Answer: "Boats rely on them."},
	}
}

func TestEveryKind(t *testing.T) {
	desk := newNewsroom(t)
	var b bytes.Buffer
	w, err := release.NewWriter(&b, header(1), publog.Frontier{})
	must(t, err)
	id := corpus.NewDocumentID()
	ledger := release.Ledger{Collection: "tides"}
	ledger.Receive(0, corpus.Withheld, corpus.ReasonHarm, 10)
	decision := release.Decision{ID: "tides-1", Collection: "tides", Date: "2026-11-23", Questions: questions(), Harm: "Nobody is named.", Approved: []string{"editor", "editor"}}
	must(t, errors.Join(
		release.Add(w, corpus.Entity{ID: "kovac", Kind: "person", Title: "Kovač", Names: []string{"Kovač"}}),
		release.Add(w, corpus.Topic{ID: "tides", Title: "Tides", Query: "tide", Version: 1}),
		release.Add(w, corpus.Origin{ID: "harbour", Title: "The harbour", Domains: []string{"harbour.example"}}),
		release.Add(w, corpus.Answer{ID: "how-many", Question: "How many?", Short: corpus.ShortCount, Version: 1}),
		release.Add(w, decision),
		release.Add(w, ledger),
		release.Add(w, release.Key{Event: "added", Name: "example.org/desk", Public: desk.public, Date: "2026-11-23"}),
		release.Add(w, release.Correction{ID: "tides-1", Collection: "tides", Text: "The year was wrong.", Date: "2026-11-23"}),
		release.Add(w, release.Withdrawal{Document: id, Class: corpus.ReasonLegal, Authority: "editors", Date: "2026-11-23"}),
		w.Close(desk.signer),
	))
	r, err := open(b.Bytes(), desk.keys, nil)
	must(t, err)
	var kinds []release.Kind
	for e, err := range r.Entries() {
		must(t, err)
		kinds = append(kinds, e.Kind)
		switch e.Kind {
		case release.KindDecision:
			got, err := release.Decode[release.Decision](e.Record)
			must(t, err)
			if len(got.Questions) != 3 || got.Harm != decision.Harm {
				t.Errorf("decision: %+v", got)
			}
		case release.KindLedger:
			got, err := release.Decode[release.Ledger](e.Record)
			must(t, err)
			if got.Total().Received.Bytes != 10 {
				t.Errorf("ledger: %+v", got)
			}
		case release.KindWithdrawal:
			got, err := release.Decode[release.Withdrawal](e.Record)
			must(t, err)
			if got.Fault() != fault.Legal {
				t.Errorf("withdrawal: %v; want fault.Legal", got.Fault())
			}
			if _, err := release.Decode[release.Key](e.Record); !errors.Is(err, fault.Invalid) {
				t.Errorf("decoded as a key: %v; want fault.Invalid", err)
			}
		}
	}
	want := []release.Kind{"entity", "topic", "origin", "answer", "decision", "ledger", "key", "correction", "withdrawal"}
	if !slices.Equal(kinds, want) {
		t.Errorf("kinds %q; want %q", kinds, want)
	}
}

func TestStrip(t *testing.T) {
	desk := newNewsroom(t)
	log := newLog(t, desk.keys)
	whole := desk.publish(t, 1, log.Frontier(), "to be forgotten", "kept")
	r, err := open(whole, desk.keys, log)
	must(t, err)
	var same, stripped bytes.Buffer
	must(t, r.Strip(&same, func(release.Record) bool { return false }))
	if !bytes.Equal(same.Bytes(), whole) {
		t.Error("a copy without changes differs")
	}
	must(t, r.Strip(&stripped, func(rec release.Record) bool {
		return rec.Kind == release.KindDocument && strings.Contains(string(rec.Body), "forgotten")
	}))
	if bytes.Contains(stripped.Bytes(), []byte("forgotten")) {
		t.Error("the document is in the copy")
	}
	copied, err := open(stripped.Bytes(), desk.keys, log)
	must(t, err)
	if copied.Removed() != 2 || copied.Len() != 5 {
		t.Errorf("%d of %d entries taken out; want the document and its rendition of 5", copied.Removed(), copied.Len())
	}
	must(t, log.Apply(copied.Update()))
	for e, err := range copied.Entries() {
		must(t, err)
		p, err := release.Prove(e.Record, log)
		must(t, err)
		text, err := p.MarshalText()
		must(t, err)
		if _, err := release.VerifyProof(text, nil, desk.keys); err != nil {
			t.Errorf("proof of %s from a stripped release: %v", e.Kind, err)
		}
	}
}

// changing is a file that changes after it was verified.
type changing struct {
	*bytes.Reader
	b []byte
}

func TestAFileThatChangesIsNoticed(t *testing.T) {
	desk := newNewsroom(t)
	for _, what := range []string{"body", "the text"} {
		b := desk.publish(t, 1, publog.Frontier{}, "the text of it")
		f := changing{bytes.NewReader(b), b}
		r, err := release.Open(f, int64(len(b)), desk.keys, nil)
		must(t, err)
		needle := []byte(`"title":"A letter"`)
		if what == "the text" {
			needle = []byte("the text of it") // the last place is the payload
		}
		i := bytes.LastIndex(b, needle)
		f.b[i+len(needle)-2] ^= 1
		var failed error
		for e, err := range r.Entries() {
			if err == nil {
				_, err = io.Copy(io.Discard, e.Open())
			}
			failed = errors.Join(failed, err)
		}
		if !errors.Is(failed, fault.Damaged) {
			t.Errorf("%s changed: %v; want fault.Damaged", what, failed)
		}
	}
}
