package web

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"daylight/blob"
	"daylight/desk"
	"daylight/fault"
)

func talkID(r *http.Request) desk.ConversationID { return desk.ConversationID(r.PathValue("talk")) }

func (s *site) conversations(w http.ResponseWriter, r *http.Request, u desk.User) error {
	all, err := s.desk.Conversations(r.Context(), u.ID)
	if err != nil {
		return err
	}
	teams, err := s.teams()
	if err != nil {
		return err
	}
	sum, err := s.desk.Unopened(r.Context(), u.ID)
	if err != nil {
		return err
	}
	aside := slices.IndexFunc(all, func(c desk.Conversation) bool { return c.Aside })
	if aside < 0 {
		aside = len(all)
	}
	unseen := 0
	for _, c := range all[aside:] {
		if c.New() > 0 {
			unseen++
		}
	}
	return s.show(w, r, u, "conversations", map[string]any{"U": u, "Open": all[:aside], "Aside": all[aside:], "Unseen": unseen, "Teams": teams, "Unopened": sum})
}

// unopened shows the envelopes that did not open.
func (s *site) unopened(w http.ResponseWriter, r *http.Request, u desk.User) error {
	sum, err := s.desk.Unopened(r.Context(), u.ID)
	if err != nil {
		return err
	}
	return s.show(w, r, u, "unopened", sum)
}

func (s *site) openAgain(w http.ResponseWriter, r *http.Request, u desk.User) error {
	opened, left, err := s.desk.OpenAgain(r.Context(), u.ID)
	switch {
	case err != nil:
		return err
	case opened > 0:
		return back(w, r, "/conversations", "opened")
	case left > 0:
		return back(w, r, "/conversations/unopened", "trying")
	}
	return back(w, r, "/conversations/unopened", "closed")
}

func (s *site) destroyUnopened(w http.ResponseWriter, r *http.Request, u desk.User) error {
	if err := s.desk.DestroyUnopened(r.Context(), u.ID, r.PostForm["day"], r.PostForm.Get("why")); err != nil {
		return err
	}
	return back(w, r, "/conversations/unopened", "destroyed")
}

// teams names the channels of the newsroom.
type teams []desk.Channel

func (s *site) teams() (teams, error) { return s.desk.Channels() }

// Name is what to call a channel. The only one needs no name; one that is given up has
// its id.
func (t teams) Name(id string) string {
	for _, c := range t {
		if c.ID == id && len(t) == 1 {
			return ""
		}
		if c.ID == id {
			return c.Name
		}
	}
	return id
}

// GivenUp are those of some channels that sources can no longer choose.
func (t teams) GivenUp(ids []string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		return slices.ContainsFunc(t, func(c desk.Channel) bool { return c.ID == id })
	})
}

func (s *site) conversation(w http.ResponseWriter, r *http.Request, u desk.User) error {
	return s.talk(w, r, u, "conversation")
}

// caseForm asks what of a conversation becomes a case. It is a page of its own, so that
// it cannot lose an answer that is half written.
func (s *site) caseForm(w http.ResponseWriter, r *http.Request, u desk.User) error {
	return s.talk(w, r, u, "makecase")
}

func (s *site) talk(w http.ResponseWriter, r *http.Request, u desk.User, name string) error {
	c, err := s.desk.Conversation(r.Context(), u.ID, talkID(r))
	if err != nil {
		return err
	}
	cases, err := s.desk.Cases(r.Context(), u.ID)
	if err != nil {
		return err
	}
	titles := map[desk.CaseID]string{}
	for _, k := range cases {
		titles[k.ID] = k.Title
	}
	teams, err := s.teams()
	if err != nil {
		return err
	}
	saved, err := s.desk.SavedReplies(r.Context(), u.ID)
	if err != nil {
		return err
	}
	handlers, err := s.desk.Handlers(r.Context(), u.ID, c.ID)
	if err != nil {
		return err
	}
	return s.show(w, r, u, name, map[string]any{"U": u, "C": c, "Sets": c.PartSets(), "Teams": teams, "Cases": cases, "Titles": titles,
		"Saved": saved, "Handlers": handlers})
}

func (s *site) handOver(w http.ResponseWriter, r *http.Request, u desk.User) error {
	if err := s.desk.HandOverTalk(r.Context(), u.ID, talkID(r), desk.EditorID(r.PostForm.Get("to")), typed(r, "note")); err != nil {
		return err
	}
	return back(w, r, "/conversation/"+string(talkID(r)), "handed")
}

// insert shows the conversation with a saved reply put behind what is typed of an
// answer. Nothing is sent, and nothing kept.
func (s *site) insert(w http.ResponseWriter, r *http.Request, u desk.User) error {
	saved, err := s.desk.SavedReplies(r.Context(), u.ID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(saved, func(s desk.SavedReply) bool { return s.ID == r.PostForm.Get("saved") })
	if i < 0 {
		return fault.Say("Choose a saved reply.", fmt.Errorf("saved reply: %w", fault.Invalid))
	}
	text := strings.TrimLeft(typed(r, "text")+"\n\n"+saved[i].Text, "\n")
	f := form{typed: url.Values{"text": {text}}}
	return s.conversation(w, r.WithContext(context.WithValue(r.Context(), formKey{}, f)), u)
}

func (s *site) saved(w http.ResponseWriter, r *http.Request, u desk.User) error {
	all, err := s.desk.SavedReplies(r.Context(), u.ID)
	if err != nil {
		return err
	}
	return s.show(w, r, u, "saved", append(all, desk.SavedReply{})) // the last is the form of a new one
}

func (s *site) saveReply(w http.ResponseWriter, r *http.Request, u desk.User) error {
	if err := s.desk.SaveReply(r.Context(), u.ID, desk.SavedReply{ID: r.PostForm.Get("id"), Title: typed(r, "title"), Text: typed(r, "text")}, r.PostForm.Get("shown")); err != nil {
		if errors.Is(err, fault.NotFound) {
			r.PostForm.Del("id") // somebody deleted it: what was typed stands where a new one does
		}
		return err
	}
	return back(w, r, "/saved", "saved")
}

func (s *site) deleteReply(w http.ResponseWriter, r *http.Request, u desk.User) error {
	if err := s.desk.DeleteSavedReply(r.Context(), u.ID, r.PostForm.Get("id"), r.PostForm.Get("shown")); err != nil {
		return err
	}
	return back(w, r, "/saved", "deleted")
}

func (s *site) putAside(w http.ResponseWriter, r *http.Request, u desk.User) error {
	aside := r.PostFormValue("aside") != ""
	if err := s.desk.PutAside(r.Context(), u.ID, talkID(r), aside); err != nil {
		return err
	}
	done := "back"
	if aside {
		done = "aside"
	}
	return back(w, r, "/conversation/"+string(talkID(r)), done)
}

func (s *site) join(w http.ResponseWriter, r *http.Request, u desk.User) error {
	index, err := strconv.Atoi(r.PostFormValue("file"))
	if err != nil {
		return fmt.Errorf("join: %w", fault.Invalid)
	}
	if err := s.desk.Join(r.Context(), u.ID, talkID(r), r.PostFormValue("message"), index); err != nil {
		return err
	}
	return back(w, r, "/conversation/"+string(talkID(r)), "joined")
}

// maxReply leaves room for the form around a reply's files.
const maxReply = desk.MaxReply + 1<<20

// reply reads the form part by part; the files of a reply stay in memory, since
// they are sealed there.
func (s *site) reply(w http.ResponseWriter, r *http.Request, u desk.User) error {
	parts, err := r.MultipartReader()
	if err != nil {
		return fmt.Errorf("reply form: %w: %w", fault.Invalid, err)
	}
	var text string
	var files []desk.Attachment
	for {
		p, err := parts.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return formError(err)
		}
		b, err := io.ReadAll(p)
		if err != nil {
			return formError(err)
		}
		switch {
		case p.FormName() == "text":
			text = string(b)
			r.PostForm = url.Values{"text": {text}} // for the page, should the reply be refused
		case p.FormName() == "files" && p.FileName() != "":
			files = append(files, desk.Attachment{Name: p.FileName(), Body: bytes.NewReader(b)})
		}
	}
	if err := s.desk.Reply(r.Context(), u.ID, talkID(r), text, files); err != nil {
		return err
	}
	return back(w, r, "/conversation/"+string(talkID(r)), "sent")
}

func formError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fault.Say("The form is too large: an answer may have files of 25 MB in all. Nothing was sent.", fmt.Errorf("form: %w", fault.TooLarge))
	}
	return fmt.Errorf("form: %w: %w", fault.Invalid, err)
}

func (s *site) makeCase(w http.ResponseWriter, r *http.Request, u desk.User) error {
	_, err := s.desk.MakeCase(r.Context(), u.ID, talkID(r), desk.Made{
		Title: r.PostForm.Get("title"), Into: desk.CaseID(r.PostForm.Get("into")),
		Messages: r.PostForm["message"], Statement: r.PostForm.Get("statement") != "",
	})
	if err != nil {
		return err
	}
	return back(w, r, "/conversation/"+string(talkID(r)), "made")
}

func fileOf(r *http.Request) (message string, index int, err error) {
	index, err = strconv.Atoi(r.PathValue("file"))
	if err != nil {
		return "", 0, fmt.Errorf("file: %w", fault.NotFound)
	}
	return r.PathValue("message"), index, nil
}

func (s *site) fileText(w http.ResponseWriter, r *http.Request, u desk.User) error {
	message, index, err := fileOf(r)
	if err != nil {
		return err
	}
	f, found, err := s.desk.ReadFile(r.Context(), u.ID, talkID(r), message, index)
	if err != nil {
		return err
	}
	next, after, err := s.desk.NextFile(r.Context(), u.ID, talkID(r), message, index)
	if err != nil {
		return err
	}
	return s.show(w, r, u, "filetext", map[string]any{"F": f, "Found": found, "Talk": talkID(r), "Message": message, "Index": index, "Next": next, "NextName": after.Name})
}

func (s *site) fileDownload(w http.ResponseWriter, r *http.Request, u desk.User) error {
	message, index, err := fileOf(r)
	if err != nil {
		return err
	}
	f, b, err := s.desk.OpenFile(r.Context(), u.ID, talkID(r), message, index)
	if err != nil {
		return err
	}
	defer b.Close()
	return download(w, r, f.Name, b)
}

// download hands out bytes as they were received. They may be hostile: the browser
// is told to save them and to look at nothing.
func download(w http.ResponseWriter, r *http.Request, name string, b blob.Reader) error {
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": saveName(name)}))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	http.ServeContent(w, r, "", time.Time{}, b)
	return nil
}

// saveName is a name that a browser may offer: one line without folders, nothing
// hidden, and without the marks of direction that make report-exe.pdf of
// report-fdp.exe.
func saveName(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '-'
		}
		return r
	}, strings.ToValidUTF8(name, "-"))
	return cmp.Or(strings.TrimLeft(name, ". "), "file")
}

func (s *site) fileDestroy(w http.ResponseWriter, r *http.Request, u desk.User) error {
	message, index, err := fileOf(r)
	if err != nil {
		return err
	}
	if err := s.desk.DestroyFile(r.Context(), u.ID, talkID(r), message, index, r.PostForm.Get("why")); err != nil {
		return err
	}
	return back(w, r, "/conversation/"+string(talkID(r)), "destroyed")
}
