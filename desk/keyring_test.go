package desk_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"daylight/courier"
	"daylight/desk"
	"daylight/desk/desktest"
	"daylight/envelope"
	"daylight/fault"
	"daylight/publog"
	"daylight/release"
)

func newKey(t testing.TB, name string) envelope.PrivateKey {
	t.Helper()
	k, err := envelope.NewKey(name)
	must(t, err)
	return k
}

func channel(id string, keys ...envelope.PrivateKey) envelope.Channel {
	c := envelope.Channel{ID: id, Names: []envelope.Words{{Language: "en", Text: "The " + id}}}
	for _, k := range keys {
		c.Keys = append(c.Keys, k.Public())
	}
	return c
}

// sign makes these channels the newsroom's next list.
func sign(t testing.TB, w *desktest.World, channels ...envelope.Channel) {
	t.Helper()
	private, _, err := publog.GenerateKey("newsroom.example")
	must(t, err)
	signer, err := publog.ParseSigner(private)
	must(t, err)
	w.List.Serial++
	w.List.Channels = channels
	w.Signed, err = w.List.Sign(signer)
	must(t, err)
}

// teams are two channels, and a handler of the second alone.
func teams(t testing.TB, w *desktest.World) (limited desk.EditorID) {
	t.Helper()
	harbour := newKey(t, "harbour")
	sign(t, w, channel("politics", w.Private[0]), channel("harbour", harbour))
	w.Private = append(w.Private, harbour)
	must(t, w.PutUser(t.Context(), admin, desk.User{ID: "limited", Name: "Lim", Roles: []desk.Role{desk.Handler}, Channels: []string{"harbour"}}))
	return "limited"
}

// TestAHandlerSeesTheirChannels, and of a source who wrote to two, what was written to
// theirs: a source may choose a team because of what another must not read.
func TestAHandlerSeesTheirChannels(t *testing.T) {
	w := world(t)
	limited := teams(t, w)
	both, other := w.NewSource(), w.NewSource()
	both.SendTo("politics", "The minister knows.", "minister.txt", "secret")
	both.SendTo("harbour", "The sluice is open.", "sluice.txt", "open")
	other.SendTo("politics", "Only for politics.")
	got, err := w.Fetch(t.Context(), w.Intake)
	must(t, err)
	if got.Envelopes != 3 {
		t.Fatalf("fetched %+v; want three", got)
	}
	all, err := w.Conversations(t.Context(), handler)
	must(t, err)
	if len(all) != 2 {
		t.Fatalf("a handler without limits sees %d conversations; want two", len(all))
	}
	whole := all[slices.IndexFunc(all, func(c desk.Conversation) bool { return len(c.Messages) == 2 })]
	hidden := all[slices.IndexFunc(all, func(c desk.Conversation) bool { return len(c.Messages) == 1 })]
	if c := whole.Channels(); len(c) != 2 {
		t.Errorf("channels %q; want both", c)
	}
	secret := whole.Messages[slices.IndexFunc(whole.Messages, func(m desk.Message) bool { return m.Channel == "politics" })]

	mine, err := w.Conversations(t.Context(), limited)
	must(t, err)
	if len(mine) != 1 || len(mine[0].Messages) != 1 || mine[0].Messages[0].Text != "The sluice is open." {
		t.Fatalf("the limited handler sees %+v", mine)
	}
	if c, err := w.Conversation(t.Context(), limited, whole.ID); err != nil || len(c.Messages) != 1 || len(c.Channels()) != 1 {
		t.Errorf("opened: %+v, %v", c, err)
	}
	_, err = w.Conversation(t.Context(), limited, hidden.ID)
	wantKind(t, err, fault.NotFound)
	_, _, err = w.OpenFile(t.Context(), limited, whole.ID, secret.ID, 0)
	wantKind(t, err, fault.NotFound)
	_, _, err = w.ReadFile(t.Context(), limited, whole.ID, secret.ID, 0)
	wantKind(t, err, fault.NotFound)
	wantKind(t, w.DestroyFile(t.Context(), limited, whole.ID, secret.ID, 0, "why not"), fault.NotFound)
	wantKind(t, w.Reply(t.Context(), limited, hidden.ID, "Hello?", nil), fault.NotFound)
	_, err = w.MakeCase(t.Context(), limited, whole.ID, desk.Made{Title: "Papers", Messages: []string{secret.ID}, Statement: true})
	wantKind(t, err, fault.NotFound)

	// An answer belongs to the channel that it answers, and leaves the other waiting.
	must(t, w.Reply(t.Context(), limited, whole.ID, "How open?", nil))
	c, err := w.Conversation(t.Context(), handler, whole.ID)
	must(t, err)
	if last := c.Messages[2]; last.Channel != "harbour" || !c.Waits {
		t.Errorf("the answer is of %q, and the rest waits %v", last.Channel, c.Waits)
	}
	if c, err = w.Conversation(t.Context(), limited, whole.ID); err != nil || c.Waits || len(c.Messages) != 2 {
		t.Errorf("after the answer the limited handler sees %+v, %v", c, err)
	}
	must(t, w.Reply(t.Context(), handler, whole.ID, "Thank you.", nil))
	if c, err = w.Conversation(t.Context(), handler, whole.ID); err != nil || c.Waits {
		t.Errorf("after an answer to everything it waits %v, %v", c.Waits, err)
	}
}

func TestChannelsOfAnAccount(t *testing.T) {
	w := world(t)
	limited := teams(t, w)
	u := desk.User{ID: limited, Name: "Lim", Roles: []desk.Role{desk.Handler}, Channels: []string{"harbor"}}
	wantKind(t, w.PutUser(t.Context(), admin, u), fault.Invalid)
	sign(t, w, channel("politics", w.Private[0]))
	u.Channels = []string{"harbour", "politics"} // the first is given up since
	must(t, w.PutUser(t.Context(), admin, u))
}

// TestAChannelIsTheSendersWord: a name that cannot be one is none.
func TestAChannelIsTheSendersWord(t *testing.T) {
	w := world(t)
	limited := teams(t, w)
	var sealed bytes.Buffer
	s, err := envelope.Seal(&sealed, envelope.Head{Kind: envelope.Request, Channel: "<b>harbour</b>", Serial: -5}, w.Private[0].Recipient())
	must(t, err)
	_, err = s.Text(strings.NewReader("hello"))
	must(t, errors.Join(err, s.Close()))
	w.Intake.Leave(sealed.Bytes())
	_, err = w.Fetch(t.Context(), w.Intake)
	must(t, err)
	all, err := w.Conversations(t.Context(), handler)
	must(t, err)
	if len(all) != 1 || all[0].Messages[0].Channel != "" {
		t.Errorf("conversations %+v", all)
	}
	if mine, _ := w.Conversations(t.Context(), limited); len(mine) != 0 {
		t.Error("a limited handler sees what is for no channel")
	}
}

// TestARetiredKeyOpensWhatWasSealedBefore: the desk reads its keys anew while it runs.
func TestARetiredKeyOpensWhatWasSealedBefore(t *testing.T) {
	w := world(t)
	old, next := w.Private[0], newKey(t, "next")
	sign(t, w, channel("newsroom", old))
	source := w.NewSource()
	source.Send("before")
	sign(t, w, channel("newsroom", next))
	w.Private = append(w.Private, next)
	source.Send("after")
	got, err := w.Fetch(t.Context(), w.Intake)
	must(t, err)
	if got.Envelopes != 2 || got.Unopened != 0 {
		t.Fatalf("fetched %+v; want both", got)
	}

	// What no key opened opens when the key comes, in the same process.
	late := newKey(t, "late")
	sign(t, w, channel("newsroom", late))
	source.Send("late")
	if got, err = w.Fetch(t.Context(), w.Intake); err != nil || got.Unopened != 1 {
		t.Fatalf("fetched %+v, %v; want one that does not open", got, err)
	}
	w.Private = append(w.Private, late)
	if got, err = w.Fetch(t.Context(), w.Intake); err != nil || got.Envelopes != 1 {
		t.Fatalf("fetched %+v, %v; want it opened", got, err)
	}
}

// denying refuses lists of keys.
type denying struct {
	*desktest.Intake
	err error
}

func (d denying) PutKeys(context.Context, []byte) error { return d.err }

func TestIntakeGetsEachListOnce(t *testing.T) {
	w := world(t)
	fetch := func(in courier.Intake) error {
		_, err := w.Fetch(t.Context(), in)
		return err
	}
	must(t, fetch(w.Intake))
	if n := len(w.Intake.Lists); n != 0 {
		t.Fatalf("%d lists of a newsroom without one", n)
	}
	first := channel("newsroom", w.Private[0])
	sign(t, w, first)
	old := w.List
	for range 3 {
		must(t, fetch(w.Intake))
	}
	sign(t, w, first)
	for range 3 {
		must(t, fetch(w.Intake))
	}
	if n := len(w.Intake.Lists); n != 2 || !bytes.Equal(w.Intake.Lists[1], w.Signed) {
		t.Fatalf("%d lists handed over; want two, the newest last", n)
	}
	// An envelope tells that intake works with the old one: a stick got lost.
	now := w.List
	w.List = old
	w.NewSource().Send("sealed by the old list")
	w.List = now
	for range 3 {
		must(t, fetch(w.Intake))
	}
	if n := len(w.Intake.Lists); n != 3 {
		t.Errorf("%d lists handed over; want the new one once more", n)
	}

	// A failure is tried again; a refusal is said once.
	sign(t, w, first)
	for range 2 {
		wantKind(t, fetch(denying{w.Intake, fault.Busy}), fault.Busy)
	}
	wantKind(t, fetch(denying{w.Intake, fault.Conflict}), fault.Conflict)
	must(t, fetch(denying{w.Intake, fault.Conflict}))
}

// TestEventsOfKeysWaitForTwoEditors, as everything does that the desk publishes.
func TestEventsOfKeysWaitForTwoEditors(t *testing.T) {
	w := world(t)
	k := newKey(t, "harbour 2026-11-27")
	event := func(what string) release.Key {
		return release.Key{Event: what, Use: release.KeyOpens, Name: k.Name, Public: k.Public().String(), Channels: []string{"harbour"}, Date: "2026-11-27"}
	}
	for range 2 {
		must(t, w.NoteKeys(t.Context(), []release.Key{event(release.KeyAdded)}))
	}
	must(t, w.NoteKeys(t.Context(), []release.Key{event(release.KeyCompromised)}))
	cases, err := w.Cases(t.Context(), ana)
	must(t, err)
	if len(cases) != 1 || len(cases[0].Authored.Keys) != 2 {
		t.Fatalf("cases %+v; want one with two events", cases)
	}
	id := cases[0].ID
	_, err = w.Release(t.Context(), desk.Operator, id)
	wantKind(t, err, fault.Conflict)
	approved(t, w, id, ana)
	_, err = w.Release(t.Context(), ana, id)
	wantKind(t, err, fault.Conflict)
	approved(t, w, id, bo)
	// What comes between voids what was approved.
	must(t, w.NoteKeys(t.Context(), []release.Key{{Event: release.KeyAdded, Name: "next", Public: "p", Date: "2026-11-28"}}))
	_, err = w.Release(t.Context(), ana, id)
	wantKind(t, err, fault.Conflict)
	approved(t, w, id, ana, bo)
	_, err = w.Release(t.Context(), ana, id)
	must(t, err)
	all := entries(t, w, 1)
	if len(all) != 1 || len(all[release.KindKey]) != 3 {
		t.Fatalf("kinds %v; want three events of keys", all)
	}
	got, err := release.Decode[release.Key](all[release.KindKey][1].Record)
	must(t, err)
	if got.Event != release.KeyCompromised || got.Public != k.Public().String() {
		t.Errorf("the log says %+v", got)
	}
	if c, err := w.Case(t.Context(), ana, id); err != nil || len(c.Authored.Keys) != 0 {
		t.Errorf("%d events are still to go out, %v", len(c.Authored.Keys), err)
	}
	// A closed case opens for the next.
	must(t, w.SetStatus(t.Context(), ana, id, desk.StatusClosed))
	must(t, w.NoteKeys(t.Context(), []release.Key{{Event: release.KeyRetired, Name: "next", Public: "p", Date: "2026-11-29"}}))
	if c, err := w.Case(t.Context(), ana, id); err != nil || c.Status != desk.StatusOpen || len(c.Authored.Keys) != 1 {
		t.Errorf("the case is %s, %v", c.Status, err)
	}
}
