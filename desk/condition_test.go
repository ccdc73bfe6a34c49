package desk_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"daylight/corpus"
	"daylight/desk"
	"daylight/desk/desktest"
	"daylight/envelope"
	"daylight/fault"
	"daylight/release"
)

// asked is a case of what somebody sent with conditions, ready but for approvals.
func asked(t *testing.T, w *desktest.World, asks envelope.Conditions) (s *desktest.Source, talk desk.Conversation, id desk.CaseID) {
	t.Helper()
	s = w.NewSource()
	s.SendAsking(asks, "I am the clerk.", "letter.txt", "The tender was bent.")
	talk = talks(t, w, handler)[0]
	id, err := w.MakeCase(t.Context(), handler, talk.ID, desk.Made{Title: "Harbour papers", Messages: []string{talk.Messages[0].ID}, Statement: true})
	must(t, err)
	decided(t, w, id)
	_, err = w.Dispose(t.Context(), ana, id, only(doc(t, w, id, "letter.txt")), "", desk.Disposition{Act: desk.Publish})
	must(t, err)
	return s, talk, id
}

// whyNot is why a case cannot be released, in one text.
func whyNot(t *testing.T, w *desktest.World, id desk.CaseID) string {
	t.Helper()
	all, err := w.WhyNot(t.Context(), ana, id)
	must(t, err)
	return strings.Join(all, " ")
}

// TestAnEmbargoHolds until its day, on which what was approved before goes out.
func TestAnEmbargoHolds(t *testing.T) {
	w := world(t)
	_, _, id := asked(t, w, envelope.Conditions{Before: "2026-11-05"})
	approved(t, w, id, ana, bo)
	for _, day := range []int{2, 3, 4} {
		w.Clock = w.Clock.AddDate(0, 0, day-w.Clock.Day())
		_, err := w.Release(t.Context(), ana, id)
		wantKind(t, err, fault.Conflict)
		if !strings.Contains(fault.Words(err), "before 2026-11-05") {
			t.Errorf("it says %q", fault.Words(err))
		}
	}
	w.Clock = w.Clock.AddDate(0, 0, 1)
	_, err := w.Release(t.Context(), ana, id)
	must(t, err)
}

// TestTwoEditorsPassOverAnEmbargo: with a reason that both approve, and that nobody
// outside reads.
func TestTwoEditorsPassOverAnEmbargo(t *testing.T) {
	w := world(t)
	_, _, id := asked(t, w, envelope.Conditions{Before: "in May, after my trial in Graz"})
	approved(t, w, id, ana, bo)
	if why := whyNot(t, w, id); !strings.Contains(why, "a time that is given in words") {
		t.Errorf("a time in words does not hold: %q", why)
	}
	c, err := w.Case(t.Context(), ana, id)
	must(t, err)
	if strings.Contains(fmt.Sprintf("%+v", c), "Graz") {
		t.Error("the source's words are in the case")
	}
	wantKind(t, w.NeedNotWait(t.Context(), ana, id, " "), fault.Invalid)
	wantKind(t, w.NeedNotWait(t.Context(), handler, id, "They agreed."), fault.Forbidden)
	before, err := w.Readiness(t.Context(), ana, id)
	must(t, err)
	must(t, w.NeedNotWait(t.Context(), ana, id, "They agreed last week."))
	if now, err := w.Readiness(t.Context(), ana, id); err != nil || now.Manifest == before.Manifest {
		t.Error("the reason is not in what two editors approve")
	}
	_, err = w.Release(t.Context(), ana, id)
	wantKind(t, err, fault.Conflict) // what was approved before is void
	approved(t, w, id, ana)
	_, err = w.Release(t.Context(), ana, id)
	wantKind(t, err, fault.Conflict)
	approved(t, w, id, bo)
	r, err := w.Release(t.Context(), ana, id)
	must(t, err)
	_, file, err := w.OpenRelease(t.Context(), ana, r.Number)
	must(t, err)
	defer file.Close()
	b := make([]byte, file.Size())
	_, err = file.ReadAt(b, 0)
	must(t, err)
	for _, word := range []string{"agreed", "Graz", "embargo", "clerk"} {
		if strings.Contains(string(b), word) {
			t.Errorf("the release says %q", word)
		}
	}
	wantKind(t, w.NeedNotWait(t.Context(), ana, id, "Once more."), fault.Conflict)
}

// TestALateConditionVoidsApprovals: it reaches the cases that were made before, also
// where a crash kept it from them.
func TestALateConditionVoidsApprovals(t *testing.T) {
	w := world(t)
	s, _, id := asked(t, w, envelope.Conditions{})
	approved(t, w, id, ana, bo)
	if why := whyNot(t, w, id); why != "" {
		t.Fatalf("not ready: %s", why)
	}
	s.SendAsking(envelope.Conditions{Before: "2027-01-31"}, "One thing I forgot.")
	talk := talks(t, w, handler)[0]
	c, err := w.Case(t.Context(), ana, id)
	must(t, err)
	if len(c.Conditions) != 1 || len(c.Decision.Opinions) != 0 {
		t.Errorf("conditions %+v, %d opinions; want one, and none", c.Conditions, len(c.Decision.Opinions))
	}

	must(t, w.Options.Stores.Cases.Update(t.Context(), id, func(c *desk.Case) error { c.Conditions = nil; return nil })) // as if it had never been told
	r, err := w.Readiness(t.Context(), ana, id)
	must(t, err)
	wantKind(t, w.Approve(t.Context(), ana, id, r.Manifest, yes, ""), fault.Conflict)
	if c, err = w.Case(t.Context(), ana, id); err != nil || len(c.Conditions) != 1 {
		t.Errorf("conditions %+v, %v; want what is asked in %s", c.Conditions, err, talk.Pseudonym)
	}
	edits := c.Edits
	s.SendAsking(envelope.Conditions{Before: "2027-01-31"}, "I mean it.")
	talks(t, w, handler)
	if c, err = w.Case(t.Context(), ana, id); err != nil || c.Edits != edits {
		t.Error("the same once more is an edit")
	}
}

// TestAReasonIsForOneWish: why one need not be waited for says nothing of another wish,
// in other words, or of another source for the same day.
func TestAReasonIsForOneWish(t *testing.T) {
	for _, before := range []string{"after my trial", "2027-01-31"} {
		w := world(t)
		s, _, id := asked(t, w, envelope.Conditions{Before: before})
		must(t, w.NeedNotWait(t.Context(), ana, id, "They agreed."))
		s.SendAsking(envelope.Conditions{Before: before}, "As I said.")
		talks(t, w, handler)
		if why := whyNot(t, w, id); strings.Contains(why, "The source asked") {
			t.Errorf("%s: the same once more holds: %q", before, why)
		}
		s.SendAsking(envelope.Conditions{Before: "when I am abroad"}, "One thing more.")
		talks(t, w, handler)
		if why := whyNot(t, w, id); !strings.Contains(why, "a time that is given in words") {
			t.Errorf("%s: other words do not hold: %q", before, why)
		}
		must(t, w.NeedNotWait(t.Context(), ana, id, "They are abroad."))
		w.NewSource().SendAsking(envelope.Conditions{Before: before}, "I am another.", "list.txt", "Names.")
		for _, talk := range talks(t, w, handler) {
			if len(talk.Cases) == 0 {
				must(t, must2(w.MakeCase(t.Context(), handler, talk.ID, desk.Made{Into: id, Messages: []string{talk.Messages[0].ID}})))
			}
		}
		if why := whyNot(t, w, id); !strings.Contains(why, "The source asked") {
			t.Errorf("%s: what another source asks does not hold: %q", before, why)
		}
	}
}

// TestADayThatHasComeAsksNothing, so it voids no approvals.
func TestADayThatHasComeAsksNothing(t *testing.T) {
	w := world(t)
	s, _, id := asked(t, w, envelope.Conditions{})
	approved(t, w, id, ana, bo)
	for _, day := range []string{"0001-01-01", w.Clock.Format("2006-01-02")} {
		s.SendAsking(envelope.Conditions{Before: day}, "Once more.")
	}
	talks(t, w, handler)
	if why := whyNot(t, w, id); why != "" {
		t.Errorf("approvals are void: %s", why)
	}
}

// TestNoQuotes: words that are not to be quoted are no file of a case; those of other
// messages are, and the case says what was asked.
func TestNoQuotes(t *testing.T) {
	w := world(t)
	s, talk, id := asked(t, w, envelope.Conditions{Unquoted: true})
	names := func() []string {
		t.Helper()
		l, err := w.Documents(t.Context(), ana, id, desk.Filter{Documents: true}, "", 0, 100)
		must(t, err)
		var all []string
		for _, i := range l.Items {
			all = append(all, i.Document.Name)
		}
		slices.Sort(all)
		return all
	}
	if got := names(); !slices.Equal(got, []string{"letter.txt"}) {
		t.Errorf("files %v; want the letter alone", got)
	}
	s.SendAsking(envelope.Conditions{Unquoted: true}, strings.Repeat("w", desk.MaxText+1))
	talks(t, w, handler)
	s.Send("This you may quote.")
	talk = talks(t, w, handler)[0]
	must(t, must2(w.MakeCase(t.Context(), handler, talk.ID, desk.Made{Into: id, Messages: []string{talk.Messages[1].ID, talk.Messages[2].ID}, Statement: true})))
	if got := names(); !slices.Equal(got, []string{"letter.txt", "statement.txt"}) {
		t.Errorf("files %v; want the letter, and the statement that may be quoted", got)
	}
	wantKind(t, must2(w.MakeCase(t.Context(), handler, talk.ID, desk.Made{Into: id, Messages: []string{talk.Messages[1].ID}, Statement: true})), fault.Invalid)
	c, err := w.Case(t.Context(), ana, id)
	must(t, err)
	if len(c.Conditions) != 1 || c.Conditions[0].Kind != desk.NoQuotes {
		t.Errorf("conditions %+v", c.Conditions)
	}
	if why := whyNot(t, w, id); strings.Contains(why, "quoted") {
		t.Errorf("a wish not to be quoted holds the release: %s", why)
	}
}

func must2(_ desk.CaseID, err error) error { return err }

// TestCorrectionsWaitForNobody: an embargo holds what says something of the material,
// and not what takes something back.
func TestCorrectionsWaitForNobody(t *testing.T) {
	w := world(t)
	_, _, id := asked(t, w, envelope.Conditions{Before: "2027-01-31"})
	_, err := w.Dispose(t.Context(), ana, id, only(doc(t, w, id, "letter.txt")), "", desk.Disposition{})
	must(t, err)
	held := func(a desk.Authored) bool {
		t.Helper()
		must(t, w.SetAuthored(t.Context(), ana, id, a))
		return strings.Contains(whyNot(t, w, id), "before 2027-01-31")
	}
	if held(desk.Authored{Withdrawals: []release.Withdrawal{{Text: "Taken back."}}}) {
		t.Error("a withdrawal waits")
	}
	if !held(desk.Authored{Answers: []corpus.Answer{{ID: "a", Question: "Q?", Short: corpus.ShortYes}}}) {
		t.Error("an answer does not wait")
	}
}
