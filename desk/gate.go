package desk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"daylight/corpus"
	"daylight/fault"
	"daylight/redact"
	"daylight/release"
)

// GateReport says what the gate found in everything that a manifest would release,
// and in everything that an archive derives from it.
type GateReport struct {
	Manifest Manifest  `json:"manifest"`
	Forms    int       `json:"forms"`   // that were looked for
	Entries  int       `json:"entries"` // of the release
	Outputs  int       `json:"outputs"` // derived: pages and answers
	Found    []Finding `json:"found,omitempty"`
	More     int       `json:"more,omitempty"` // findings beyond those that are listed
	Day      string    `json:"day"`
}

// Finding is a form in something to be released.
type Finding struct {
	Where    string            `json:"where"`
	Document corpus.DocumentID `json:"document,omitzero"`
	Form     string            `json:"form,omitempty"` // which one
	What     string            `json:"what"`
}

// maxFindings is how many are listed: the first few show what is wrong.
const maxFindings = 100

// Clean reports whether none of the listed forms was found. It does not say that
// nobody can tell from the context.
func (g *GateReport) Clean() bool { return g != nil && len(g.Found) == 0 }

// Words is the result in a sentence.
func (g *GateReport) Words() string {
	if g.Forms == 0 {
		return "Nothing is to be taken out, so there was nothing to look for."
	}
	if g.Clean() {
		return none(g.Forms) + " in this release. Context may still identify."
	}
	return fmt.Sprintf("Listed forms were found in %s. Nothing can be released until they are gone or excepted.", count(len(g.Found)+g.More, "place", "places"))
}

func none(forms int) string {
	if forms == 1 {
		return "The 1 listed form was not found"
	}
	return fmt.Sprintf("None of the %d listed forms was found", forms)
}

func (g *GateReport) add(f Finding) {
	if len(g.Found) == maxFindings {
		g.More++
		return
	}
	g.Found = append(g.Found, f)
}

// RunGate searches the candidate of a case, and everything derived from it, and
// keeps the report with the case. An edit forgets it.
func (d *Desk) RunGate(ctx context.Context, by EditorID, id CaseID) (GateReport, error) {
	if _, err := d.may(ctx, by, Editor, Redactor, operator); err != nil {
		return GateReport{}, err
	}
	c, err := d.o.Stores.Cases.Get(ctx, id)
	if err != nil {
		return GateReport{}, fmt.Errorf("gate: %w", err)
	}
	if err := d.note(ctx, by, "run gate", string(id)); err != nil {
		return GateReport{}, err
	}
	d.publish.Lock()
	defer d.publish.Unlock()
	p, err := d.plan(ctx, c)
	if err != nil {
		return GateReport{}, err
	}
	report, err := d.gate(ctx, c, p)
	if err != nil {
		return report, fmt.Errorf("gate: %w", err)
	}
	err = d.o.Stores.Cases.Update(ctx, id, func(now *Case) error {
		if now.Edits != c.Edits {
			return fault.Say("The case was changed while the gate ran. Run it again.", fmt.Errorf("gate: %w", fault.Conflict))
		}
		now.Gate = &report
		return nil
	})
	return report, err
}

func (d *Desk) gate(ctx context.Context, c Case, p planned) (GateReport, error) {
	g := GateReport{Manifest: p.manifest, Forms: len(p.forms), Day: day(d.o.Now())}
	made, err := d.candidate(context.WithoutCancel(ctx), c, p)
	if err != nil {
		return g, err
	}
	r, err := release.Open(made.file, made.file.Size(), made.keys, nil)
	if err != nil {
		return g, err
	}
	if g.Entries, err = searchEntries(ctx, r, c, p, &g); err != nil {
		return g, err
	}
	if len(p.forms) == 0 {
		return g, nil
	}
	// A derived output does not say of which documents it was made, so a form that may
	// stand in one document may stand in every output. The entries were searched with
	// regard to documents.
	rest := newSearcher(slices.DeleteFunc(slices.Clone(p.forms), func(f string) bool {
		return slices.ContainsFunc(c.Exceptions, func(e Exception) bool { return e.Form == f })
	}))
	for out, err := range made.Outputs(ctx) {
		if err != nil {
			return g, fmt.Errorf("derived: %w", err)
		}
		g.Outputs++
		r, err := out.Open()
		if err != nil {
			return g, fmt.Errorf("derived: %w", err)
		}
		if err := errors.Join(g.check(ctx, rest, out.Name, r, corpus.DocumentID{}), r.Close()); err != nil {
			return g, fmt.Errorf("derived: %w", err)
		}
	}
	return g, nil
}

// searchEntries searches every entry of a release, body and payload, and returns
// how many there are.
func searchEntries(ctx context.Context, r *release.Reader, c Case, p planned, g *GateReport) (int, error) {
	n := 0
	all := newSearcher(p.forms)
	titles := map[corpus.DocumentID]string{} // of the last document: its renditions follow it
	for e, err := range r.Entries() {
		if err != nil {
			return n, err
		}
		if e.Kind == release.KindOrigin && !slices.ContainsFunc(c.Authored.Origins, func(o corpus.Origin) bool { return string(o.ID) == e.ID }) {
			continue // of an earlier release, and only in the candidate; the pages that show it are searched
		}
		n++
		if len(p.forms) == 0 {
			continue
		}
		doc, where := about(e.Record, titles)
		gate := all
		if forms := c.sought(p.forms, doc); len(forms) < len(p.forms) {
			gate = newSearcher(forms)
		}
		if err := g.check(ctx, gate, where, bytes.NewReader(e.Body), doc); err != nil {
			return n, err
		}
		if err := g.check(ctx, gate, where, e.Open(), doc); err != nil {
			return n, err
		}
	}
	return n, nil
}

// sought are the forms that must not stand in a document.
func (c *Case) sought(forms []string, doc corpus.DocumentID) []string {
	return slices.DeleteFunc(slices.Clone(forms), func(f string) bool {
		return slices.ContainsFunc(c.Exceptions, func(e Exception) bool { return e.Form == f && e.Document == doc })
	})
}

// searcher is a gate that knows its forms.
type searcher struct {
	gate  *redact.Gate
	forms []string
}

func newSearcher(forms []string) searcher { return searcher{redact.NewGate(forms), forms} }

// check searches one thing and adds what it finds. What is too large to be searched
// whole counts as found: nobody can say that it is clean.
func (g *GateReport) check(ctx context.Context, s searcher, where string, r io.Reader, doc corpus.DocumentID) error {
	found, err := s.gate.Check(ctx, where, r)
	if errors.Is(err, fault.TooLarge) {
		g.add(Finding{Where: where, Document: doc, What: "holds more than can be searched"})
		err = nil
	}
	for _, f := range found {
		what := count(f.Count, "time", "times")
		if len(f.Way) > 0 {
			what += ", inside " + strings.Join(f.Way, ", in it ")
		}
		g.add(Finding{Where: where, Document: doc, Form: s.forms[f.Form], What: what})
	}
	return err
}

// about says which document an entry is about, if any, and where one is in words.
func about(r release.Record, titles map[corpus.DocumentID]string) (corpus.DocumentID, string) {
	id, name, _ := strings.Cut(r.ID, "/")
	doc, _ := corpus.ParseDocumentID(id)
	if r.Kind == release.KindDocument {
		if d, err := release.Decode[release.Document](r); err == nil {
			clear(titles)
			titles[doc] = d.Title
		}
	}
	switch {
	case doc.IsZero():
		return doc, fmt.Sprintf("%s %s", r.Kind, r.ID)
	case name != "":
		return doc, fmt.Sprintf("%s: %s", titles[doc], name)
	}
	return doc, titles[doc] + ": title, text or places"
}
