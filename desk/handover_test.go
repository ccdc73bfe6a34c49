package desk_test

import (
	"slices"
	"strings"
	"testing"

	"daylight/desk"
	"daylight/desk/desktest"
	"daylight/fault"
)

const second desk.EditorID = "handler-b"

// talks is what a handler finds, in order.
func talks(t *testing.T, w *desktest.World, by desk.EditorID) []desk.Conversation {
	t.Helper()
	_, err := w.Fetch(t.Context(), w.Intake)
	must(t, err)
	all, err := w.Conversations(t.Context(), by)
	must(t, err)
	return all
}

func addSecond(t *testing.T, w *desktest.World) {
	t.Helper()
	must(t, w.PutUser(t.Context(), desk.Operator, desk.User{ID: second, Name: "Hugo", Roles: []desk.Role{desk.Handler}}))
}

// TestNewComesFirst: what nobody has opened stands first, until a handler opens it;
// an answer to what was read does not hide what came meanwhile.
func TestNewComesFirst(t *testing.T) {
	w := world(t)
	addSecond(t, w)
	a, b := w.NewSource(), w.NewSource()
	a.Send("From one.")
	first := talks(t, w, handler)[0].ID
	b.Send("From another.")
	all := talks(t, w, handler)
	other := all[slices.IndexFunc(all, func(c desk.Conversation) bool { return c.ID != first })].ID
	if _, err := w.Conversation(t.Context(), second, other); err != nil {
		t.Fatal(err)
	}
	all = talks(t, w, handler)
	if all[0].ID != first || all[0].New() != 1 || all[1].New() != 0 || !all[1].Waits {
		t.Errorf("%s with %d new first; want the one that nobody opened", all[0].Pseudonym, all[0].New())
	}
	c, err := w.Conversation(t.Context(), handler, first)
	must(t, err)
	if c.New() != 1 {
		t.Error("the page that opens it does not say what is new")
	}
	a.Send("One thing more.") // while the answer is written
	talks(t, w, handler)
	must(t, w.Reply(t.Context(), handler, first, "Thank you.", nil))
	all = talks(t, w, handler)
	if all[0].ID != first || all[0].New() != 1 || !all[0].Queued(handler) || !all[0].Queued(second) {
		t.Errorf("what came while the answer was written is lost: %d new", all[0].New())
	}
}

// TestAsideIsNewToo: what the desk puts aside by itself is new like the rest.
func TestAsideIsNewToo(t *testing.T) {
	w := world(t)
	w.NewSource().SendRepeated("Buy it.")
	all := talks(t, w, handler)
	if c := all[0]; !c.Aside || c.New() != 1 || c.Queued(handler) {
		t.Errorf("aside %v, %d new, queued %v; want aside and new", c.Aside, c.New(), c.Queued(handler))
	}
	_, err := w.Conversation(t.Context(), handler, all[0].ID)
	must(t, err)
	if talks(t, w, handler)[0].New() != 0 {
		t.Error("it is still new when somebody opened it")
	}
}

// TestHandover: a conversation goes to a handler with a note; whom it cannot go to, and
// what others learn of it.
func TestHandover(t *testing.T) {
	w := world(t)
	addSecond(t, w)
	w.NewSource().Send("The sluice.")
	id := talks(t, w, handler)[0].ID
	for _, to := range []desk.EditorID{ana, "nobody-here", desk.Operator} {
		wantKind(t, w.HandOverTalk(t.Context(), handler, id, to, ""), fault.Conflict)
	}
	wantKind(t, w.HandOverTalk(t.Context(), ana, id, second, ""), fault.Forbidden)
	wantKind(t, w.HandOverTalk(t.Context(), handler, id, second, strings.Repeat("ä", desk.MaxNote+1)), fault.Invalid)
	must(t, w.HandOverTalk(t.Context(), handler, id, second, " Ask for page four. "))
	wantKind(t, w.HandOverTalk(t.Context(), handler, id, second, ""), fault.Conflict)

	mine, theirs := talks(t, w, second)[0], talks(t, w, handler)[0]
	if h := mine.Handed(second); h == nil || h.Note != "Ask for page four." || !mine.Queued(second) {
		t.Errorf("handed %+v; want the note", h)
	}
	if theirs.Queued(handler) || theirs.With != second {
		t.Errorf("it still waits for who gave it away; with %q", theirs.With)
	}
	opened, err := w.Conversation(t.Context(), second, id)
	must(t, err)
	if opened.Handed(second) == nil {
		t.Error("the page that opens it does not say that it was handed over")
	}
	if c := talks(t, w, second)[0]; c.Handed(second) != nil || !c.Queued(second) || len(c.Handovers) != 1 {
		t.Error("it is not seen, or lost")
	}

	var acts []string
	_, err = w.AuditLog(t.Context(), handler, 100)
	wantKind(t, err, fault.Forbidden) // handlers do not read it
	log, err := w.AuditLog(t.Context(), ana, 100)
	must(t, err)
	for _, e := range log {
		acts = append(acts, e.Act+" "+e.On)
	}
	if all := strings.Join(acts, "\n"); strings.Contains(all, string(id)) || strings.Contains(all, "hand over") {
		t.Errorf("an editor reads in the audit log:\n%s", all)
	}
	must(t, w.PutUser(t.Context(), desk.Operator, desk.User{ID: "both", Name: "Bea", Roles: []desk.Role{desk.Handler, desk.Editor}}))
	log, err = w.AuditLog(t.Context(), "both", 100)
	must(t, err)
	if !slices.ContainsFunc(log, func(e desk.Entry) bool {
		return e.By == handler && e.Act == "conversation: hand over to "+string(second) && e.On == string(id)
	}) {
		t.Error("the audit log has no line of it")
	}

	// Whose account is closed looks after nothing.
	must(t, w.PutUser(t.Context(), desk.Operator, desk.User{ID: second, Name: "Hugo", Roles: []desk.Role{desk.Handler}, Closed: true}))
	if c := talks(t, w, handler)[0]; c.With != "" || !c.Queued(handler) {
		t.Errorf("with %q, who is gone; nobody sees it", c.With)
	}
	must(t, w.HandOverTalk(t.Context(), handler, id, "", "Whoever comes first."))
	must(t, w.HandOverTalk(t.Context(), handler, id, handler, ""))
	if c := talks(t, w, handler)[0]; c.Handed(handler) != nil || c.With != handler {
		t.Error("what somebody takes is handed to them")
	}
}

// TestHandoverBetweenTeams: it goes to nobody who may not read all of it, and who reads a
// part of it learns nothing of what handlers told each other.
func TestHandoverBetweenTeams(t *testing.T) {
	w := world(t)
	limited := teams(t, w)
	addSecond(t, w)
	s := w.NewSource()
	s.SendTo("harbour", "The sluice is open.")
	id := talks(t, w, handler)[0].ID
	must(t, w.HandOverTalk(t.Context(), handler, id, limited, "Yours."))
	s.SendTo("politics", "The harbour team did nothing.")
	if c := talks(t, w, handler)[0]; c.With != "" || !c.Queued(handler) {
		t.Errorf("with %q, who cannot read what came", c.With)
	}
	wantKind(t, w.HandOverTalk(t.Context(), handler, id, limited, ""), fault.Conflict)
	must(t, w.HandOverTalk(t.Context(), handler, id, second, "They complain about the harbour team."))
	c, err := w.Conversation(t.Context(), limited, id)
	must(t, err)
	if len(c.Handovers) != 0 || c.With != "" {
		t.Errorf("the limited handler reads %+v", c.Handovers)
	}
	if people, err := w.Handlers(t.Context(), limited, id); err != nil || len(people) != 0 {
		t.Errorf("%v, %v; want nobody", people, err)
	}
	must(t, w.PutUser(t.Context(), desk.Operator, desk.User{ID: second, Name: "Hugo", Roles: []desk.Role{desk.Handler}, Closed: true}))
	wantKind(t, w.HandOverTalk(t.Context(), limited, id, "", ""), fault.Conflict)
	// The limited handler opens their part; the other part stays new.
	if c := talks(t, w, handler)[0]; c.New() != 1 {
		t.Errorf("%d new; want what was sent to the other team", c.New())
	}
}

// TestSavedReplies: what may be kept, changed and deleted, and by whom.
func TestSavedReplies(t *testing.T) {
	w := world(t)
	ctx := t.Context()
	for _, bad := range []desk.SavedReply{{}, {Title: "T"}, {Text: "t"}, {Title: " ", Text: "t"},
		{Title: strings.Repeat("t", desk.MaxSavedTitle+1), Text: "t"}, {Title: "T", Text: strings.Repeat("t", desk.MaxSavedText+1)}} {
		wantKind(t, w.SaveReply(ctx, handler, bad, ""), fault.Invalid)
	}
	wantKind(t, w.SaveReply(ctx, ana, desk.SavedReply{Title: "T", Text: "t"}, ""), fault.Forbidden)
	wantKind(t, w.DeleteSavedReply(ctx, ana, "x", ""), fault.Forbidden)
	must(t, w.SaveReply(ctx, handler, desk.SavedReply{Title: "Thanks", Text: "We read it."}, ""))
	all, err := w.SavedReplies(ctx, handler)
	must(t, err)
	shown := all[0].Mark()
	all[0].Text = "We have read it."
	must(t, w.SaveReply(ctx, handler, all[0], shown))
	wantKind(t, w.SaveReply(ctx, handler, desk.SavedReply{ID: all[0].ID, Title: "Thanks", Text: "Of somebody else."}, shown), fault.Conflict)
	wantKind(t, w.DeleteSavedReply(ctx, handler, all[0].ID, shown), fault.Conflict)
	must(t, w.DeleteSavedReply(ctx, handler, "whatever somebody likes to write into the log", ""))
	for e, err := range w.Options.Stores.Audit.Each(ctx, 0) {
		must(t, err)
		if strings.Contains(e.On, "likes") {
			t.Errorf("the audit log says %q", e.On)
		}
	}
	if again, err := w.SavedReplies(ctx, handler); err != nil || len(again) != 1 || again[0] != all[0] {
		t.Errorf("%+v, %v; want one, as changed", again, err)
	}
	must(t, w.DeleteSavedReply(ctx, handler, all[0].ID, all[0].Mark()))
	wantKind(t, w.SaveReply(ctx, handler, all[0], all[0].Mark()), fault.NotFound)
	for range desk.MaxSaved {
		must(t, w.SaveReply(ctx, handler, desk.SavedReply{Title: "T", Text: "t"}, ""))
	}
	wantKind(t, w.SaveReply(ctx, handler, desk.SavedReply{Title: "T", Text: "t"}, ""), fault.Conflict)
}

// TestAHandoverTellsNothing to who sees a part of a conversation: not whether somebody
// looks after it.
func TestAHandoverTellsNothing(t *testing.T) {
	w := world(t)
	limited := teams(t, w)
	s := w.NewSource()
	s.SendTo("politics", "One.")
	s.SendTo("harbour", "Two.")
	id := talks(t, w, handler)[0].ID
	free := w.HandOverTalk(t.Context(), limited, id, "", "")
	must(t, w.HandOverTalk(t.Context(), handler, id, handler, ""))
	taken := w.HandOverTalk(t.Context(), limited, id, "", "")
	wantKind(t, free, fault.Conflict)
	if fault.Words(free) != fault.Words(taken) {
		t.Errorf("%q, and when somebody looks after it %q", fault.Words(free), fault.Words(taken))
	}
}
