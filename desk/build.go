package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"daylight/blob"
	"daylight/corpus"
	"daylight/custody"
	"daylight/entity"
	"daylight/fault"
	"daylight/publog"
	"daylight/redact"
	"daylight/release"
)

// builder writes the entries of one case into a release.
type builder struct {
	d       *Desk
	c       Case
	fates   *fates
	ledger  corpus.Ledger // after the release
	plan    planned
	origins []corpus.Origin          // of this release and those before
	told    map[corpus.OriginID]bool // in a candidate: the origins that are in it
	day     string
	out     outcomes
}

// build writes the release of a case as a stream: header, entries, log, signatures. It
// returns the states that documents have once the stream is public.
func (d *Desk) build(ctx context.Context, c Case, p planned, number int, from publog.Frontier, signers []publog.Signer, to io.Writer) ([]Outcome, error) {
	day := day(d.o.Now())
	w, err := release.NewWriter(to, release.Header{Newsroom: d.o.Newsroom, Number: number, Day: day, Log: d.o.LogName}, from)
	if err != nil {
		return nil, err
	}
	f, err := d.fatesOf(ctx, c.Collection.ID)
	if err != nil {
		return nil, err
	}
	l, err := d.ledgers(ctx, c.Collection.ID, f)
	if err != nil {
		return nil, err
	}
	b := &builder{d: d, c: c, fates: f, ledger: l.After, plan: p, day: day}
	if b.origins, err = d.allOrigins(ctx, c); err != nil {
		return nil, err
	}
	if err := b.entries(ctx, w); err != nil {
		return nil, err
	}
	if err := b.heldBack(ctx); err != nil {
		return nil, err
	}
	return b.out, w.Close(signers...)
}

// outcomes collects documents by what becomes of them.
type outcomes []Outcome

func (o *outcomes) add(id corpus.DocumentID, s corpus.State, why corpus.Reason) {
	i := slices.IndexFunc(*o, func(one Outcome) bool { return one.State == s && one.Reason == why })
	if i < 0 {
		i = len(*o)
		*o = append(*o, Outcome{State: s, Reason: why})
	}
	(*o)[i].Of = append((*o)[i].Of, id)
}

// heldBack collects the documents that are not in the file, but in its ledger in
// another state than before.
func (b *builder) heldBack(ctx context.Context) error {
	for i, err := range b.d.o.Stores.Documents.Outline(ctx, b.c.Collection.ID) {
		if err != nil {
			return fmt.Errorf("read documents: %w", err)
		}
		if i.Document == nil || i.fate() != hidden {
			continue
		}
		state, why := i.State, i.Reason
		if i.Released(false); i.State != state || i.Reason != why {
			b.out.add(i.ID(), i.State, i.Reason)
		}
	}
	return nil
}

// entries writes everything between header and signatures, in the order in which a
// reader of the file would want it.
func (b *builder) entries(ctx context.Context, w *release.Writer) error {
	if err := b.authored(w); err != nil {
		return err
	}
	if b.plan.documents() || b.plan.withhold > 0 {
		col := b.c.Collection
		col.Version++
		if err := release.Add(w, col); err != nil {
			return err
		}
		if err := b.documents(ctx, w); err != nil {
			return err
		}
		if err := release.Add(w, release.Ledger{Collection: col.ID, Ledger: b.ledger}); err != nil {
			return err
		}
	}
	if !b.plan.documents() {
		return nil
	}
	dec := b.decision()
	var err error
	if dec.Exceptions, err = b.exceptions(ctx); err != nil {
		return err
	}
	return release.Add(w, dec)
}

func (b *builder) authored(w *release.Writer) error {
	a := b.c.Authored
	return errors.Join(addAll(w, a.Keys), addAll(w, a.Origins), addAll(w, a.Entities), addAll(w, a.Topics),
		addAll(w, a.Answers), addAll(w, a.Corrections), addAll(w, a.Withdrawals))
}

func addAll[B release.Body](w *release.Writer, list []B) error {
	for _, e := range list {
		if err := release.Add(w, e); err != nil {
			return err
		}
	}
	return nil
}

// documents writes the documents that this release makes public. Those of earlier
// releases are not repeated.
func (b *builder) documents(ctx context.Context, w *release.Writer) error {
	f := Filter{States: []corpus.State{corpus.Pending, corpus.Withheld}, Acts: []Act{Publish, Redact}, Documents: true}
	for i, err := range b.d.o.Stores.Documents.Each(ctx, b.c.Collection.ID, f, true) {
		if err != nil {
			return fmt.Errorf("read documents: %w", err)
		}
		if err := b.document(ctx, w, i); err != nil {
			return fmt.Errorf("document %s: %w", i.ID(), err)
		}
	}
	return nil
}

// document writes one document with its renditions: the original where all of it
// is public, otherwise its text, made anew.
func (b *builder) document(ctx context.Context, w *release.Writer, i Item) error {
	d := *i.Document
	d.Collection = b.c.Collection.ID
	d.Parent = b.fates.parent(d.ID)
	forms := b.c.sought(b.plan.forms, d.ID)
	d.Paths = b.fates.public(&d, i.Path)
	for n, p := range d.Paths { // the names of what holds it may have been redacted there
		d.Paths[n], _ = redact.Text(p, forms)
	}
	if d.Name == "" {
		d.Name = name(i.Path)
	}
	if d.Origin == "" {
		d.Origin = entity.OriginOf(b.origins, d.Message, i.Path)
	}
	if err := b.tell(w, d.Origin); err != nil {
		return err
	}
	if b.fates.of[d.ID] == whole {
		b.out.add(d.ID, corpus.Published, "")
		if err := release.Add(w, release.Document{Document: d, State: corpus.Published}); err != nil {
			return err
		}
		return b.original(ctx, w, i)
	}
	b.out.add(d.ID, corpus.Redacted, "")
	label := "text made by the desk; the file itself is not released, because something inside of it is not"
	if i.Plan.Act == Redact {
		label = "text made by the desk, with parts taken out; the file itself is not released"
		d, _ = redact.Document(d, forms)
	}
	if err := release.Add(w, release.Document{Document: d, State: corpus.Redacted}); err != nil {
		return err
	}
	listing, _ := redact.Text(b.fates.inside[d.ID].listing(), forms)
	text := cmp.Or(strings.TrimLeft(rendition(d)+listing, "\n"), "No text could be read in this file.\n")
	return w.AddRendition(release.Rendition{Document: d.ID, Name: "text", Label: label, Type: "text/plain; charset=utf-8"},
		strings.NewReader(text), int64(len(text)))
}

// tell writes the origin of a document into a candidate, where an earlier release has
// it: whoever reads the candidate reads nothing else, and would not know its name.
func (b *builder) tell(w *release.Writer, id corpus.OriginID) error {
	i := slices.IndexFunc(b.origins, func(o corpus.Origin) bool { return o.ID == id })
	if !b.plan.alone || i < len(b.c.Authored.Origins) || b.told[id] {
		return nil
	}
	if b.told == nil {
		b.told = map[corpus.OriginID]bool{}
	}
	b.told[id] = true
	return release.Add(w, b.origins[i])
}

func (b *builder) original(ctx context.Context, w *release.Writer, i Item) error {
	r, err := b.d.o.Blobs.Open(ctx, i.Hash)
	if err != nil {
		return err
	}
	defer r.Close()
	rend := release.Rendition{Document: i.ID(), Name: release.NameOriginal, Label: "original bytes, as received", Type: i.Document.Type}
	if rend.Received, err = b.receipt(ctx, i.Hash); err != nil {
		return err
	}
	return w.AddRendition(rend, r, r.Size())
}

// receipt is what intake signed for the bytes. It says that they came through the
// submission system: only where the collection says so anyway.
func (b *builder) receipt(ctx context.Context, of blob.Ref) (*custody.Receipt, error) {
	if b.c.Collection.Route != corpus.RouteSubmission {
		return nil, nil
	}
	r, err := b.d.o.Stores.Receipts.Get(ctx, of)
	if errors.Is(err, fault.NotFound) {
		return nil, nil
	}
	return &r, err
}

// decision is the public record. It names roles, never people.
func (b *builder) decision() release.Decision {
	dec := release.Decision{
		ID:         fmt.Sprintf("%.50s-v%d", b.c.Collection.ID, b.c.Collection.Version+1),
		Collection: b.c.Collection.ID, Date: b.day, Harm: b.c.Decision.Harm.public(),
	}
	for _, q := range Questions {
		r := b.c.Decision.Records[q]
		dec.Questions = append(dec.Questions, release.Question{
			Ask: string(q), Answer: cmp.Or(strings.TrimSpace(r.Public), notYet), For: lines(r.For), Against: lines(r.Against)})
	}
	approve, _ := b.c.Decision.approvers(b.plan.manifest, b.c.Barred)
	for range approve {
		dec.Approved = append(dec.Approved, "editor")
	}
	if len(approve) < ApprovalsNeeded { // a release is not written without them
		dec.Approved = []string{"nobody yet", "since this is a preview"}
	}
	return dec
}

// notYet stands in previews of a case whose record is not complete. Readiness keeps
// such a case from being released.
const notYet = "Not recorded yet."

// exceptions counts what does not go out whole, by state and reason, over all
// levels; what is redacted, by what was taken out.
func (b *builder) exceptions(ctx context.Context) ([]release.Exception, error) {
	redacted := map[string]int64{} // by what the record says of them
	for i, err := range b.d.o.Stores.Documents.Outline(ctx, b.c.Collection.ID) {
		if err != nil {
			return nil, fmt.Errorf("read documents: %w", err)
		}
		if i.Released(b.fates.of[i.ID()] == whole); i.State != corpus.Redacted {
			continue
		}
		text := listedOnly
		if i.Plan.Act == Redact {
			text = i.Plan.Public
		}
		redacted[text]++
	}
	var all []release.Exception
	for _, text := range slices.Sorted(maps.Keys(redacted)) {
		all = append(all, release.Exception{State: corpus.Redacted, Files: redacted[text], Text: text})
	}
	sum := b.ledger.Total()
	for _, s := range []corpus.State{corpus.Quarantined, corpus.Destroyed} {
		if n := sum.States[s].Files; n > 0 {
			all = append(all, release.Exception{State: s, Files: n})
		}
	}
	for _, r := range slices.Sorted(maps.Keys(sum.Reasons)) {
		all = append(all, release.Exception{State: corpus.Withheld, Reason: r, Files: sum.Reasons[r].Files})
	}
	return all, nil
}

// listedOnly is what the record says of containers that go out without their bytes.
const listedOnly = "Listed only: something inside is not published."

// public is the harm record in a paragraph.
func (h Harm) public() string {
	at := func(words []string, l Level) string {
		if l < 1 || int(l) >= len(words) {
			return "not recorded"
		}
		return words[l]
	}
	s := fmt.Sprintf("Intrusion — %s. Public interest — %s.", at(IntrusionWords, h.Intrusion), at(InterestWords, h.Interest))
	if t := strings.TrimSpace(h.Affected); t != "" {
		s += " Who may be affected: " + sentence(t)
	}
	if t := strings.TrimSpace(h.Reduced); t != "" {
		s += " What was done about it: " + sentence(t)
	}
	return s
}

// sentence ends what people wrote, where they have not.
func sentence(s string) string {
	if strings.ContainsAny(s[len(s)-1:], ".!?") || strings.HasSuffix(s, "。") || strings.HasSuffix(s, "؟") {
		return s
	}
	return s + "."
}

func lines(s string) []string {
	var out []string
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// allOrigins are the origins of this release and of those before, the newest of an
// id.
func (d *Desk) allOrigins(ctx context.Context, c Case) ([]corpus.Origin, error) {
	list := slices.Clone(c.Authored.Origins)
	known := map[corpus.OriginID]bool{}
	for _, o := range list {
		known[o.ID] = true
	}
	releases, err := d.o.Stores.Releases.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read releases: %w", err)
	}
	for _, r := range slices.Backward(releases) {
		for _, o := range r.Origins {
			if !known[o.ID] {
				known[o.ID] = true
				list = append(list, o)
			}
		}
	}
	return list, nil
}
