package archive

import (
	"fmt"
	"slices"

	"daylight/corpus"
	"daylight/fault"
	"daylight/release"
	"daylight/search"
)

// maxCites is how many of the messages that a message refers to tie it to them:
// more are a fault of the program that wrote it, or an attack.
const maxCites = 100

// stageEntry gives an entry with what the catalogue looks it up by. An entry of a
// kind that this program does not know is kept, and proved, and shown nowhere.
func stageEntry(r release.Record) (Staged, error) {
	s := Staged{Record: r}
	switch r.Kind {
	case release.KindDocument:
		d, err := release.Decode[release.Document](r)
		if err != nil {
			return s, err
		}
		s.Row, s.Links = rowOf(d), linksOf(d.Message)
	case release.KindRendition:
		d, err := release.Decode[release.Rendition](r)
		if err != nil {
			return s, err
		}
		s.Document, s.Name, s.Original = d.Document, d.Name, d.Name == release.NameOriginal
		if r.Payload == nil {
			return s, fmt.Errorf("rendition %s has no bytes", r.ID)
		}
		if d.Received != nil {
			if err := d.Received.Check(r.Payload.SHA256); err != nil {
				return s, fault.Say("This release has a receipt that is not for its file. Nothing of it was taken.", fmt.Errorf("rendition %s: %w", r.ID, err))
			}
		}
	case release.KindWithdrawal:
		w, err := release.Decode[release.Withdrawal](r)
		if err != nil {
			return s, err
		}
		s.Takes, s.Name = w.Document, w.Scope
	default:
		return s, checkEntry(r)
	}
	return s, nil
}

// checkEntry refuses what the newsroom wrote where pages could not show it: one
// query that cannot be run would take a whole page with it. The desk learns of it
// by its preview, before it signs.
func checkEntry(r release.Record) (err error) {
	switch r.Kind {
	case release.KindCollection:
		_, err = release.Decode[corpus.Collection](r)
	case release.KindCorrection:
		_, err = release.Decode[release.Correction](r)
	case release.KindEntity:
		_, err = release.Decode[corpus.Entity](r)
	case release.KindOrigin:
		_, err = release.Decode[corpus.Origin](r)
	case release.KindDecision:
		_, err = release.Decode[release.Decision](r)
	case release.KindLedger:
		_, err = release.Decode[release.Ledger](r)
	case release.KindKey:
		_, err = release.Decode[release.Key](r)
	case release.KindTopic:
		var t corpus.Topic
		if t, err = release.Decode[corpus.Topic](r); err == nil {
			_, err = search.Parse(t.Query)
		}
	case release.KindAnswer:
		err = checkAnswer(r)
	}
	if err != nil {
		return fault.Say("This release says something that an archive cannot show. Nothing of it was taken.", fmt.Errorf("%s %s: %w", r.Kind, r.ID, err))
	}
	return nil
}

func checkAnswer(r release.Record) error {
	a, err := release.Decode[corpus.Answer](r)
	if err != nil {
		return err
	}
	for i, c := range a.Claims {
		if c.Kind != corpus.ClaimCount {
			continue
		}
		if _, err := search.Parse(c.Query); err != nil {
			return fmt.Errorf("claim %d: %w", i+1, err)
		}
		if known := []corpus.Measure{"", corpus.MeasureFiles, corpus.MeasureEmails, corpus.MeasureMessages}; !slices.Contains(known, c.Measure) && facetOf[c.Measure] == "" {
			return fmt.Errorf("claim %d: there is no measure %q: %w", i+1, c.Measure, fault.Invalid)
		}
	}
	return nil
}

func rowOf(d release.Document) *Row {
	row := &Row{
		ID: d.ID, Collection: d.Collection, Parent: d.Parent, Title: d.Title, Name: d.Name, Type: d.Type, Size: d.Size,
		Date: d.Date.UTC(), Language: d.Language(), Origin: d.Origin, State: d.State,
	}
	if d.Date.IsZero() {
		row.Date = d.Date
	}
	if d.Message != nil && len(d.Message.From) > 0 {
		row.From = d.Message.From[0].String()
	}
	return row
}

func linksOf(m *corpus.Message) Links {
	if m == nil {
		return Links{}
	}
	cites := append(slices.Clone(m.References), m.InReplyTo...)
	slices.Sort(cites)
	cites = slices.DeleteFunc(slices.Compact(cites), func(id string) bool { return id == "" || id == m.ID })
	return Links{m.ID, cites[:min(len(cites), maxCites)]}
}
