package web

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"daylight/corpus"
	"daylight/desk"
	"daylight/fault"
)

func (s *site) provenance(w http.ResponseWriter, r *http.Request, u desk.User) error {
	return s.inCase(w, r, u, "provenance", desk.Routes)
}

func (s *site) setProvenance(w http.ResponseWriter, r *http.Request, u desk.User) error {
	if err := r.ParseForm(); err != nil {
		return formError(err)
	}
	get := func(name string) string {
		return strings.TrimSpace(strings.ReplaceAll(r.PostForm.Get(name), "\r\n", "\n"))
	}
	draft := corpus.Collection{Title: get("title"), Summary: get("summary"), Description: get("description"), From: get("from"), To: get("to"),
		Route: corpus.Route(get("route")), Hands: get("hands"), Unknown: get("unknown"), Checked: get("checked"), Missing: get("missing")}
	if first := (corpus.Publication{By: get("firstby"), Date: get("firstdate"), URL: get("firsturl")}); first != (corpus.Publication{}) {
		draft.First = &first
	}
	if err := s.desk.SetCollection(r.Context(), u.ID, caseID(r), draft); err != nil {
		return err
	}
	return back(w, r, "/case/"+string(caseID(r))+"/provenance")
}

// asked is one question with its record.
type asked struct {
	desk.Question
	desk.Evidence
}

func (s *site) questions(w http.ResponseWriter, r *http.Request, u desk.User) error {
	c, err := s.desk.Case(r.Context(), u.ID, caseID(r))
	if err != nil {
		return err
	}
	var all []asked
	for _, q := range desk.Questions {
		all = append(all, asked{q, c.Decision.Records[q]})
	}
	return s.inCase(w, r, u, "questions", map[string]any{"Asked": all, "Intrusion": desk.IntrusionWords, "Interest": desk.InterestWords})
}

func (s *site) setQuestion(w http.ResponseWriter, r *http.Request, u desk.User) error {
	e := desk.Evidence{For: r.PostFormValue("for"), Against: r.PostFormValue("against"), Public: r.PostFormValue("public"), Notes: r.PostFormValue("notes")}
	q := desk.Question(r.PostFormValue("question"))
	if err := s.desk.Record(r.Context(), u.ID, caseID(r), q, e); err != nil {
		return err
	}
	return back(w, r, "/case/"+string(caseID(r))+"/questions#"+strings.ReplaceAll(string(q), " ", "-"))
}

func (s *site) setHarm(w http.ResponseWriter, r *http.Request, u desk.User) error {
	level := func(name string) desk.Level {
		n, _ := strconv.Atoi(r.PostFormValue(name)) // what is no number is "not recorded"
		return desk.Level(n)
	}
	h := desk.Harm{Intrusion: level("intrusion"), Interest: level("interest"),
		Affected: strings.TrimSpace(r.PostFormValue("affected")), Reduced: strings.TrimSpace(r.PostFormValue("reduced"))}
	if err := s.desk.SetHarm(r.Context(), u.ID, caseID(r), h); err != nil {
		return err
	}
	return back(w, r, "/case/"+string(caseID(r))+"/questions#harm")
}

func (s *site) releasePage(w http.ResponseWriter, r *http.Request, u desk.User) error {
	c, err := s.desk.Case(r.Context(), u.ID, caseID(r))
	if err != nil {
		return err
	}
	var all []asked
	for _, q := range desk.Questions {
		all = append(all, asked{q, c.Decision.Records[q]})
	}
	return s.inCase(w, r, u, "release", map[string]any{"Asked": all, "Intrusion": desk.IntrusionWords, "Interest": desk.InterestWords,
		"Needed": desk.ApprovalsNeeded, "Bar": c.Barred[u.ID]})
}

func (s *site) runGate(w http.ResponseWriter, r *http.Request, u desk.User) error {
	if _, err := s.desk.RunGate(r.Context(), u.ID, caseID(r)); err != nil {
		return err
	}
	return back(w, r, "/case/"+string(caseID(r))+"/release#gate")
}

func (s *site) except(w http.ResponseWriter, r *http.Request, u desk.User) error {
	id, err := corpus.ParseDocumentID(r.PostFormValue("document"))
	if err != nil {
		return fmt.Errorf("document: %w", fault.Invalid)
	}
	e := desk.Exception{Document: id, Form: r.PostFormValue("form"), Reason: r.PostFormValue("reason")}
	if err := s.desk.Except(r.Context(), u.ID, caseID(r), e); err != nil {
		return err
	}
	return back(w, r, "/case/"+string(caseID(r))+"/release#gate")
}

func (s *site) approve(w http.ResponseWriter, r *http.Request, u desk.User) error {
	var seen desk.Manifest
	if err := seen.UnmarshalText([]byte(r.PostFormValue("manifest"))); err != nil {
		return err
	}
	answers := map[desk.Question]desk.Answer{}
	for i, q := range desk.Questions {
		if a := r.PostFormValue("answer" + strconv.Itoa(i)); a != "" {
			answers[q] = desk.Answer(a)
		}
	}
	if err := s.desk.Approve(r.Context(), u.ID, caseID(r), seen, answers, r.PostFormValue("words")); err != nil {
		return err
	}
	return back(w, r, "/case/"+string(caseID(r))+"/release#approvals")
}

func (s *site) release(w http.ResponseWriter, r *http.Request, u desk.User) error {
	if _, err := s.desk.Release(r.Context(), u.ID, caseID(r)); err != nil {
		return err
	}
	return back(w, r, "/releases")
}

func (s *site) ledger(w http.ResponseWriter, r *http.Request, u desk.User) error {
	l, err := s.desk.Ledger(r.Context(), u.ID, caseID(r))
	if err != nil {
		return err
	}
	return s.inCase(w, r, u, "ledger", map[string]any{"L": l, "States": corpus.States, "Reasons": corpus.Reasons})
}

func (s *site) releases(w http.ResponseWriter, r *http.Request, u desk.User) error {
	all, err := s.desk.Releases(r.Context(), u.ID)
	if err != nil {
		return err
	}
	check, note := s.desk.Checkpoint()
	return s.show(w, r, u, "releases", map[string]any{"All": all, "Size": check.Size, "Note": string(note)})
}

func (s *site) releaseFile(w http.ResponseWriter, r *http.Request, u desk.User) error {
	n, err := strconv.Atoi(r.PathValue("number"))
	if err != nil {
		return fmt.Errorf("release: %w", fault.NotFound)
	}
	rel, file, err := s.desk.OpenRelease(r.Context(), u.ID, n)
	if err != nil {
		return err
	}
	defer file.Close()
	return download(w, r, rel.FileName(), file)
}

// preview shows the public pages of a throw-away archive under an address of the
// desk: the pages' own links are turned to stay below it.
func (s *site) preview(w http.ResponseWriter, r *http.Request, u desk.User) error {
	h, err := s.desk.Preview(r.Context(), u.ID, caseID(r))
	if err != nil {
		return err
	}
	base := "/case/" + string(caseID(r)) + "/preview"
	inner := r.Clone(r.Context())
	inner.URL.Path = strings.TrimPrefix(r.URL.Path, base)
	inner.URL.RawPath = ""
	inner.Header.Del("Cookie") // the public pages never see a session
	turned := &turner{ResponseWriter: w, base: base}
	h.ServeHTTP(turned, inner)
	turned.flush()
	return nil
}

// turner buffers pages, which are small, and passes everything else through.
type turner struct {
	http.ResponseWriter
	base   string
	status int
	html   bool
	began  bool
	page   bytes.Buffer
}

func (t *turner) WriteHeader(status int) {
	if t.began {
		return
	}
	t.began, t.status = true, status
	h := t.Header()
	if to := h.Get("Location"); strings.HasPrefix(to, "/") {
		h.Set("Location", t.base+to)
	}
	t.html = strings.HasPrefix(h.Get("Content-Type"), "text/html")
	if t.html {
		h.Del("Content-Length")
		return
	}
	t.ResponseWriter.WriteHeader(status)
}

func (t *turner) Write(b []byte) (int, error) {
	t.WriteHeader(http.StatusOK)
	if t.html {
		return t.page.Write(b)
	}
	return t.ResponseWriter.Write(b)
}

var previewBanner = []byte(`<body><p class="banner" role="note">Preview: nothing of this is public yet.</p>`)

func (t *turner) flush() {
	if !t.html {
		return
	}
	b := t.page.Bytes()
	for _, attribute := range []string{"href", "src", "action"} {
		b = bytes.ReplaceAll(b, []byte(attribute+`="/`), []byte(attribute+`="`+t.base+`/`))
	}
	b = bytes.Replace(b, []byte("<body>"), previewBanner, 1)
	t.ResponseWriter.WriteHeader(t.status)
	t.ResponseWriter.Write(b)
}
