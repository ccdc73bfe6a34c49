package desk_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"daylight/blob"
	"daylight/desk"
	"daylight/desk/desktest"
	"daylight/fault"
)

// talk is a conversation of files, each in a message of its own. A name with "!" in
// front is cut off; content is the name.
func talkOf(names ...string) *desk.Conversation {
	c := desk.NewConversation()
	for i, name := range names {
		f := desk.File{Name: strings.TrimPrefix(name, "!"), Size: 10, Cut: strings.HasPrefix(name, "!")}
		f.Ref = blob.Ref(sha256.Sum256([]byte(f.Name + fmt.Sprint(i))))
		c.Receive(desk.Message{ID: fmt.Sprint(i), Day: "2026-11-01", Files: []desk.File{f}})
	}
	return &c
}

func TestPartSets(t *testing.T) {
	for _, c := range []struct {
		names string
		want  string // of each set: name, parts, what is said
	}{
		{"a.pdf b.pdf photo.jpg notes.md report.de IMG_01.jpg", ""},
		{"big.zip.002 other.txt big.zip.001 big.zip.003", "big.zip 3 "},
		{"big.zip.aa big.zip.ab notes.md", "big.zip 2 "},
		{"xaa xab xac", "x 3 "},
		{"x00 x01", "x 2 "},
		{"v.000 v.001", "v 2 "},
		{"big.zip.aa big.zip.ac", "big.zip 2 Parts are missing. ab"},
		{"a.7z.002 a.7z.004", "a.7z 2 Parts are missing. 001 003"},
		{"x01 x02", "x 2 Parts are missing. 00"},
		{"a.001 !a.002", "a 2 A part is cut off."},
		{"a.001 !a.002 a.002", "a 2 "},
		{"a.001 a.002 !a.002", "a 2 "},
		{"a.001 a.002 a.001", "a 2 A part came twice, with other bytes."},
		{"a.001 b.002 a.002 b.001", "a 2  | b 2 "},
		{"log.2019 log.2020 log.2021", ""},
		{"a.001", ""},
		{"r.part1.rar r.part2.rar", "r 2 Parts of this kind are put together by a reader of archives: take all of them into a case."},
		{"r.part1.rar r.part3.rar", "r 2 Parts are missing. part2"},
		{"z.z01 z.zip z.z02 y.zip", "z 3 Parts of this kind are put together by a reader of archives: take all of them into a case."},
		{"o.rar o.r00 o.r01", "o 3 Parts of this kind are put together by a reader of archives: take all of them into a case."},
		{"A.001 a.002", ""},
		{"big.aa BIG.ab", ""},
	} {
		var got []string
		for _, s := range talkOf(strings.Fields(c.names)...).PartSets() {
			got = append(got, strings.TrimSuffix(fmt.Sprintf("%s %d %s %s", s.Name, len(s.Parts), s.Why, strings.Join(s.Lacks, " ")), " "))
			if !slices.IsSortedFunc(s.Parts, func(a, b desk.Part) int { return strings.Compare(a.File.Name, b.File.Name) }) && !strings.HasPrefix(s.Name, "o") {
				t.Errorf("%s: not in order", c.names)
			}
		}
		if s := strings.Join(got, " | "); s != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.names, s, c.want)
		}
	}
}

// FuzzPartNames: whatever files are called, what is said of them is true.
func FuzzPartNames(f *testing.F) {
	f.Add("a.001\na.002\na.004")
	f.Add("xaa\nxab\nz.z01\nz.zip\nr.part1.rar")
	f.Fuzz(func(t *testing.T, names string) {
		all := strings.Split(names, "\n")
		if len(all) > 50 {
			return
		}
		for _, s := range talkOf(all...).PartSets() {
			if len(s.Parts) < 2 || s.Size() != int64(10*len(s.Parts)) || s.Name == "" {
				t.Errorf("%q: %+v", names, s)
			}
			for _, p := range s.Parts {
				if !slices.Contains(all, p.File.Name) && !slices.Contains(all, "!"+p.File.Name) {
					t.Errorf("%q: %q is not there", names, p.File.Name)
				}
				if slices.ContainsFunc(s.Lacks, func(l string) bool { return strings.HasSuffix(p.File.Name, "."+l) }) {
					t.Errorf("%q: %q is there, and lacks", names, p.File.Name)
				}
			}
		}
	})
}

// TestJoin: parts that came in several messages become one file with one click, and
// the case gets it in their place. With what was destroyed goes what has its bytes.
func TestJoin(t *testing.T) {
	w := world(t)
	s := w.NewSource()
	whole := strings.Repeat("The sluice was opened at night. ", 1000)
	cut := []int{0, 10_000, 20_000, len(whole)}
	part := func(i int) string { return whole[cut[i]:cut[i+1]] }
	s.Send("The second and the third.", "big.txt.ab", part(1), "big.txt.ac", part(2))
	fetch(t, w)
	talk := onlyTalk(t, w)
	if sets := talk.PartSets(); len(sets) != 1 || len(sets[0].Lacks) != 1 {
		t.Fatalf("%+v; want one set that lacks a part", sets)
	}
	if err := w.Join(t.Context(), "handler", talk.ID, talk.Messages[0].ID, 0); !errors.Is(err, fault.Conflict) {
		t.Errorf("joined without a part: %v", err)
	}
	s.Send("The first.", "big.txt.aa", part(0), "other.txt", "something else")
	fetch(t, w)
	talk = onlyTalk(t, w)
	if err := w.Join(t.Context(), "editor-a", talk.ID, talk.Messages[0].ID, 0); !errors.Is(err, fault.Forbidden) {
		t.Errorf("joined by who may not see it: %v", err)
	}
	if err := w.Join(t.Context(), "handler", talk.ID, talk.Messages[0].ID, 1); err != nil {
		t.Fatal(err)
	}
	if err := w.Join(t.Context(), "handler", talk.ID, talk.Messages[1].ID, 0); !errors.Is(err, fault.Conflict) {
		t.Errorf("joined twice: %v", err)
	}
	talk = onlyTalk(t, w)
	made := talk.Messages[2]
	if !made.Joined || made.FromSource() || len(made.Files) != 1 || made.Files[0].Name != "big.txt" || len(made.Files[0].From) != 3 || !talk.Waits || len(talk.Writers) != 0 {
		t.Fatalf("joined: %+v", made)
	}
	_, r, err := w.OpenFile(t.Context(), "handler", talk.ID, made.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(r)
	r.Close()
	if !bytes.Equal(b, []byte(whole)) {
		t.Errorf("%d bytes; want the %d that were split", len(b), len(whole))
	}
	if f := talk.Messages[0].Files; len(f) != 2 || f[0].Size != 10_000 || f[0].Destroyed {
		t.Errorf("the parts are %+v", f)
	}

	id, err := w.MakeCase(t.Context(), "handler", talk.ID, desk.Made{Title: "The sluice", Messages: []string{talk.Messages[0].ID, talk.Messages[1].ID, made.ID}})
	if err != nil {
		t.Fatal(err)
	}
	list, err := w.Documents(t.Context(), "editor-a", id, desk.Filter{}, "", 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, i := range list.Items {
		names = append(names, i.Document.Name)
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"big.txt", "other.txt"}) {
		t.Errorf("the case has %q; want the joined file and no parts", names)
	}
	if err := w.DestroyFile(t.Context(), "handler", talk.ID, talk.Messages[0].ID, 0, "a reason"); !errors.Is(err, fault.Conflict) {
		t.Errorf("a part is destroyed of what a case needs: %v", err)
	}
}

func TestDestroyingPartsAndWhole(t *testing.T) {
	for name, whole := range map[string]bool{"a part": false, "the whole": true} {
		t.Run(name, func(t *testing.T) {
			w := world(t)
			w.NewSource().Send("", "b.001", "one ", "b.002", "two")
			fetch(t, w)
			talk := onlyTalk(t, w)
			if err := w.Join(t.Context(), "handler", talk.ID, talk.Messages[0].ID, 0); err != nil {
				t.Fatal(err)
			}
			talk = onlyTalk(t, w)
			message := talk.Messages[0].ID
			if whole {
				message = talk.Messages[1].ID
			}
			if err := w.DestroyFile(t.Context(), "handler", talk.ID, message, 0, "a reason"); err != nil {
				t.Fatal(err)
			}
			after := onlyTalk(t, w)
			if !after.Messages[0].Files[0].Destroyed || !after.Messages[1].Files[0].Destroyed || after.Messages[0].Files[1].Destroyed != whole {
				t.Errorf("after it: %+v, %+v", after.Messages[0].Files, after.Messages[1].Files)
			}
			for _, ref := range []blob.Ref{talk.Messages[0].Files[0].Ref, talk.Messages[1].Files[0].Ref} {
				if _, err := w.Options.Blobs.Open(t.Context(), ref); !errors.Is(err, fault.NotFound) {
					t.Errorf("the bytes are there: %v", err)
				}
			}
		})
	}
}

// fullConversations keeps no change of a conversation.
type fullConversations struct {
	desk.Conversations
	err error
}

func (f *fullConversations) Update(ctx context.Context, id desk.ConversationID, do func(*desk.Conversation) error) error {
	if f.err != nil {
		return f.err
	}
	return f.Conversations.Update(ctx, id, do)
}

// TestNoBytesStayThatNothingNames, where what was made cannot be kept in the conversation.
func TestNoBytesStayThatNothingNames(t *testing.T) {
	w := world(t)
	full := &fullConversations{Conversations: w.Options.Stores.Conversations}
	w.Options.Stores.Conversations = full
	w.Reopen()
	w.NewSource().Send("Parts.", "film.001", "AAAA", "film.002", "BBB", "other.txt", "other")
	fetch(t, w)
	c := onlyTalk(t, w)

	full.err = fault.Full
	wantKind(t, w.Reply(t.Context(), handler, c.ID, "Is this yours?", []desk.Attachment{
		{Name: "ours.txt", Body: strings.NewReader("ours")}, {Name: "theirs.txt", Body: strings.NewReader("other")},
	}), fault.Full)
	if n := blobs(t, w); n != 3 {
		t.Errorf("%d blobs after an answer that was not kept; want the three that the source sent", n)
	}
	wantKind(t, w.Join(t.Context(), handler, c.ID, c.Messages[0].ID, 0), fault.Full)
	if n := blobs(t, w); n != 3 {
		t.Errorf("%d blobs after parts were joined and the whole not kept; want the three that the source sent", n)
	}
}

// TestAside: what intake marked as repeated is put aside when nothing else came of
// who sent it.
func TestAside(t *testing.T) {
	w := world(t)
	known, spam := w.NewSource(), w.NewSource()
	known.Send("I have something of my own.")
	spam.SendRepeated("Buy it.")
	known.SendRepeated("Buy it.")
	fetch(t, w)
	all, err := w.Conversations(t.Context(), "handler")
	if err != nil || len(all) != 2 {
		t.Fatalf("%d conversations, %v", len(all), err)
	}
	if all[0].Aside || !all[0].Waits || !all[1].Aside || all[1].Waits || !all[1].Messages[0].Repeated {
		t.Errorf("first aside %v, last %v; want the one of nothing but repetitions, at the end", all[0].Aside, all[1].Aside)
	}
	id := all[1].ID
	if err := w.PutAside(t.Context(), "editor-a", id, false); !errors.Is(err, fault.Forbidden) {
		t.Errorf("an editor takes it back: %v", err)
	}
	check := func(aside bool) {
		t.Helper()
		c, err := w.Conversation(t.Context(), "handler", id)
		if err != nil || c.Aside != aside || c.Waits == aside {
			t.Errorf("aside %v, waits %v, %v; want aside %v", c.Aside, c.Waits, err, aside)
		}
	}
	if err := w.PutAside(t.Context(), "handler", id, false); err != nil {
		t.Fatal(err)
	}
	check(false)
	spam.SendRepeated("Buy it.") // taken back is taken back
	fetch(t, w)
	check(false)
	if err := w.PutAside(t.Context(), "handler", id, true); err != nil {
		t.Fatal(err)
	}
	check(true)
	spam.Send("No, really: I work there.")
	fetch(t, w)
	check(false)
}

func fetch(t *testing.T, w *desktest.World) {
	t.Helper()
	if _, err := w.Fetch(t.Context(), w.Intake); err != nil {
		t.Fatal(err)
	}
}

// onlyTalk is the one conversation that there is.
func onlyTalk(t *testing.T, w *desktest.World) desk.Conversation {
	t.Helper()
	all, err := w.Conversations(t.Context(), "handler")
	if err != nil || len(all) != 1 {
		t.Fatalf("%d conversations, %v", len(all), err)
	}
	return all[0]
}
