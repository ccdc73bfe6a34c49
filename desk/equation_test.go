package desk_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"daylight/corpus"
	"daylight/desk"
	"daylight/desk/desktest"
	"daylight/ingest"
	"daylight/release"
)

// TestNothingHiddenLeavesAndTheEquationHolds does random acts on a collection with
// containers, duplicates and repeated releases. After each, both ledgers balance at
// every level. After each release, no byte of it holds the content, the name or the id of a
// document that is not public, nor a form that was taken out.
func TestNothingHiddenLeavesAndTheEquationHolds(t *testing.T) {
	// A world is a database: 25 are enough for a run, and -rapid.checks asks for more.
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		must(t, f.Value.Set("25"))
	}
	rapid.Check(t, func(r *rapid.T) {
		m := &machine{r: r, World: world(t)}
		m.take()
		for range rapid.IntRange(3, 12).Draw(r, "acts") {
			act := rapid.SampledFrom([]func(){m.take, m.dispose, m.dispose, m.dispose, m.dispose, m.redact, m.destroy, m.release}).Draw(r, "act")
			act()
			l, err := m.Ledger(t.Context(), ana, m.id)
			must(t, err) // which checks both
			if got := l.Now.Total().Received.Files; got != int64(m.received) || l.After.Total().Received.Files != got {
				r.Fatalf("ledgers of %d and %d files; %d were received", got, l.After.Total().Received.Files, m.received)
			}
		}
		m.release()
	})
}

type machine struct {
	*desktest.World
	r        *rapid.T
	id       desk.CaseID
	received int
	words    int // each file has a word of its own
}

// take hands in a file, or a box of files, in a box perhaps; some twice.
func (m *machine) take() {
	var again []string
	file := func() string {
		if len(again) > 0 && rapid.IntRange(0, 3).Draw(m.r, "again") == 0 {
			return rapid.SampledFrom(again).Draw(m.r, "of")
		}
		m.words++
		again = append(again, fmt.Sprintf("content%dword", m.words))
		return again[len(again)-1]
	}
	items := map[string]string{}
	for range rapid.IntRange(1, 3).Draw(m.r, "files") {
		m.words++
		name := fmt.Sprintf("name%dword", m.words)
		if rapid.Bool().Draw(m.r, "box") {
			var lines []string
			for range rapid.IntRange(1, 3).Draw(m.r, "parts") {
				m.words++
				lines = append(lines, fmt.Sprintf("name%dword.txt=%s", m.words, file()))
			}
			items[name+".box"] = strings.Join(lines, "\n")
			m.received += len(lines)
		} else {
			items[name+".txt"] = file()
		}
		m.received++
	}
	id, err := m.Import(m.T.Context(), desk.Operator, "Papers", func(ctx context.Context, c corpus.CollectionID, l ingest.Ledger) error {
		return desktest.Ingest(ctx, m.Options.Blobs, m.Options.Index, c, l, desktest.Texts(m.Options.Blobs, items))
	})
	must(m.T, err)
	m.id = id
}

// items are all items that fulfil a condition.
func (m *machine) items(ok func(desk.Item) bool) []desk.Item {
	var all []desk.Item
	c, err := m.Case(m.T.Context(), ana, m.id)
	must(m.T, err)
	for i, err := range m.Options.Stores.Documents.Each(m.T.Context(), c.Collection.ID, desk.Filter{}, true) {
		must(m.T, err)
		if ok(i) {
			all = append(all, i)
		}
	}
	return all
}

func open(i desk.Item) bool { return i.State == corpus.Pending || i.State == corpus.Withheld }

func (m *machine) one(ok func(desk.Item) bool) (desk.Item, bool) {
	all := m.items(ok)
	if len(all) == 0 {
		return desk.Item{}, false
	}
	return rapid.SampledFrom(all).Draw(m.r, "item"), true
}

func (m *machine) dispose() {
	i, ok := m.one(open)
	if !ok {
		return
	}
	d := rapid.SampledFrom([]desk.Disposition{{Act: desk.Publish}, {Act: desk.Publish}, {},
		{Act: desk.Withhold, Reason: corpus.ReasonHarm, Note: "n"}, {Act: desk.Withhold, Reason: corpus.ReasonLegal, Note: "n"}}).Draw(m.r, "plan")
	_, err := m.Dispose(m.T.Context(), ana, m.id, only(i.ID()), "", d)
	must(m.T, err)
}

func (m *machine) redact() {
	i, ok := m.one(func(i desk.Item) bool { return open(i) && i.Document.Text != "" })
	if !ok {
		return
	}
	_, err := m.Dispose(m.T.Context(), redactor, m.id, only(i.ID()), "", desk.Disposition{Act: desk.Redact, Forms: []string{i.Document.Text}})
	must(m.T, err)
}

func (m *machine) destroy() {
	i, ok := m.one(func(i desk.Item) bool { return open(i) && i.Holder == "" })
	if ok {
		// Refused where a part lies in another file too, or is public.
		_ = m.Destroy(m.T.Context(), handler, m.id, i.ID(), "why")
	}
}

func (m *machine) release() {
	ready, err := m.Readiness(m.T.Context(), ana, m.id)
	must(m.T, err)
	if ready.Publish+ready.Redacted()+ready.Withhold == 0 {
		return
	}
	decided(m.T, m.World, m.id)
	g, err := m.RunGate(m.T.Context(), redactor, m.id)
	must(m.T, err)
	if !g.Clean() {
		return // a duplicate's text stands in a document that is not redacted: nothing goes out
	}
	approved(m.T, m.World, m.id, ana, bo)
	rel, err := m.Release(m.T.Context(), ana, m.id)
	must(m.T, err)

	all := entries(m.T, m.World, rel.Number)
	var out bytes.Buffer
	for _, list := range all {
		for _, e := range list {
			out.Write(e.Body)
			_, err := io.Copy(&out, e.Open())
			must(m.T, err)
		}
	}
	var forms []string
	for _, i := range m.items(func(desk.Item) bool { return true }) {
		if i.Document == nil {
			continue
		}
		forms = append(forms, i.Plan.Forms...)
		if i.State == corpus.Published || i.State == corpus.Redacted || i.State == corpus.Destroyed {
			continue
		}
		for _, secret := range []string{i.Document.Text, i.Document.Name, i.ID().String()} {
			if secret != "" && strings.Contains(out.String(), secret) {
				m.r.Fatalf("release %d holds %q of an item that is %s, planned %q", rel.Number, secret, i.State, i.Plan.Act)
			}
		}
	}
	for _, f := range forms {
		if strings.Contains(out.String(), f) {
			m.r.Fatalf("release %d holds %q, which was taken out", rel.Number, f)
		}
	}
	m.balanced(all)
}

// balanced checks the ledger that went out.
func (m *machine) balanced(all map[release.Kind][]release.Entry) {
	i := slices.IndexFunc(all[release.KindLedger], func(release.Entry) bool { return true })
	if i < 0 {
		m.r.Fatal("no ledger in the release")
	}
	l, err := release.Decode[release.Ledger](all[release.KindLedger][i].Record)
	must(m.T, err)
	if err := l.Check(); err != nil || l.Total().Received.Files != int64(m.received) {
		m.r.Fatalf("public ledger %+v: %v", l, err)
	}
}
