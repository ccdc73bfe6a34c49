package desk_test

import (
	"slices"
	"testing"

	"daylight/desk"
)

// TestALimitedHandlerDestroysAndLearnsNothingOfOthers: bytes that came to another channel
// too stay, and the cases that were made of it are not named.
func TestALimitedHandlerDestroysAndLearnsNothingOfOthers(t *testing.T) {
	w := world(t)
	limited := teams(t, w)
	s := w.NewSource()
	s.SendTo("harbour", "The sluice is open.", "same.txt", "the same bytes", "own.txt", "for the harbour only")
	s.SendTo("politics", "The harbour team did nothing.", "same.txt", "the same bytes", "minister.txt", "The minister took it.")
	_, err := w.Fetch(t.Context(), w.Intake)
	must(t, err)
	all, err := w.Conversations(t.Context(), handler)
	must(t, err)
	talk := all[0]
	of := func(channel string) desk.Message {
		return talk.Messages[slices.IndexFunc(talk.Messages, func(m desk.Message) bool { return m.Channel == channel })]
	}
	must(t, w.DestroyFile(t.Context(), limited, talk.ID, of("harbour").ID, 0, "spite"))
	must(t, w.DestroyFile(t.Context(), limited, talk.ID, of("harbour").ID, 1, "of no use"))
	_, err = w.MakeCase(t.Context(), handler, talk.ID, desk.Made{Title: "The minister's papers", Messages: []string{of("politics").ID}})
	must(t, err)

	whole, err := w.Conversation(t.Context(), handler, talk.ID)
	must(t, err)
	if m, _ := whole.Message(of("harbour").ID); !m.Files[0].Destroyed || !m.Files[1].Destroyed {
		t.Errorf("files %+v; want both destroyed", m.Files)
	}
	if has, err := w.Options.Blobs.Has(t.Context(), of("politics").Files[0].Ref); err != nil || !has {
		t.Errorf("the bytes that came to another channel too: %v, %v", has, err)
	}
	if m, _ := whole.Message(of("politics").ID); m.Files[0].Destroyed || len(whole.Cases) != 1 {
		t.Errorf("files %+v, cases %v; want them as they were, and one case", m.Files, whole.Cases)
	}
	seen, err := w.Conversation(t.Context(), limited, talk.ID)
	must(t, err)
	list, err := w.Conversations(t.Context(), limited)
	must(t, err)
	for _, c := range []desk.Conversation{seen, list[0]} {
		if len(c.Messages) != 1 || len(c.Cases) != 0 || len(c.Writers) != 0 {
			t.Errorf("the limited handler sees %d messages, cases %v, writers %v", len(c.Messages), c.Cases, c.Writers)
		}
	}
	// What they may do goes on: the bars of a reply hang on the whole.
	must(t, w.Reply(t.Context(), limited, talk.ID, "Which sluice?", nil))
	c, err := w.Case(t.Context(), ana, whole.Cases[0])
	must(t, err)
	if c.Barred[limited] != desk.BarWrote {
		t.Errorf("who wrote with the source is not barred: %v", c.Barred)
	}
}
