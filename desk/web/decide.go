package web

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"daylight/corpus"
	"daylight/desk"
	"daylight/fault"
)

func (s *site) provenance(w http.ResponseWriter, r *http.Request, u desk.User) error {
	// A draft without days is offered the years of its documents.
	first, last, err := s.desk.Years(r.Context(), u.ID, caseID(r))
	if err != nil {
		return err
	}
	c, err := s.desk.Case(r.Context(), u.ID, caseID(r))
	if err != nil {
		return err
	}
	before := cmp.Or(c.Collection.First, &corpus.Publication{})
	return s.inCase(w, r, u, "provenance", map[string]any{"Routes": desk.Routes, "First": first, "Last": last,
		"FirstBy": before.By, "FirstDate": before.Date, "FirstURL": before.URL})
}

func (s *site) setProvenance(w http.ResponseWriter, r *http.Request, u desk.User) error {
	get := func(name string) string { return typed(r, name) }
	draft := corpus.Collection{Title: get("title"), Summary: get("summary"), Description: get("description"), From: get("from"), To: get("to"),
		Route: corpus.Route(get("route")), Hands: get("hands"), Unknown: get("unknown"), Checked: get("checked"), Missing: get("missing")}
	if first := (corpus.Publication{By: get("firstby"), Date: get("firstdate"), URL: get("firsturl")}); first != (corpus.Publication{}) {
		draft.First = &first
	}
	if err := s.desk.SetCollection(r.Context(), u.ID, caseID(r), draft); err != nil {
		return err
	}
	return s.onward(w, r, u, "provenance")
}

// typed is what somebody wrote into a field.
func typed(r *http.Request, name string) string {
	return strings.TrimSpace(strings.ReplaceAll(r.PostForm.Get(name), "\r\n", "\n"))
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
	return s.inCase(w, r, u, "questions", map[string]any{"Asked": all, "Answer": yes, "Intrusion": desk.IntrusionWords, "Interest": desk.InterestWords})
}

// yes is the public answer to a question, unless the editors write another.
const yes = "Yes, on the evidence below."

// setQuestions keeps the records of all three questions and of harm: they stand in one
// form, so that no part of it is lost by saving another.
func (s *site) setQuestions(w http.ResponseWriter, r *http.Request, u desk.User) error {
	records := map[desk.Question]desk.Evidence{}
	for i, q := range desk.Questions {
		get := func(name string) string { return typed(r, name+strconv.Itoa(i)) }
		records[q] = desk.Evidence{For: get("for"), Against: get("against"), Public: get("public"), Notes: get("notes")}
	}
	level := func(name string) desk.Level {
		n, _ := strconv.Atoi(r.PostForm.Get(name)) // what is no number is "not recorded"
		return desk.Level(n)
	}
	h := desk.Harm{Intrusion: level("intrusion"), Interest: level("interest"), Affected: typed(r, "affected"), Reduced: typed(r, "reduced")}
	if err := s.desk.Decide(r.Context(), u.ID, caseID(r), records, h); err != nil {
		return err
	}
	return s.onward(w, r, u, "questions")
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
	ready, err := s.desk.Readiness(r.Context(), u.ID, c.ID)
	if err != nil {
		return err
	}
	mine := slices.ContainsFunc(c.Decision.Opinions, func(o desk.Opinion) bool { return o.By == u.ID && o.Manifest == ready.Manifest })
	return s.inCase(w, r, u, "release", map[string]any{"Mine": mine, "Asked": all, "Intrusion": desk.IntrusionWords, "Interest": desk.InterestWords,
		"Needed": desk.ApprovalsNeeded, "Bar": c.Barred[u.ID]})
}

func (s *site) runGate(w http.ResponseWriter, r *http.Request, u desk.User) error {
	if _, err := s.desk.RunGate(r.Context(), u.ID, caseID(r)); err != nil {
		return err
	}
	return back(w, r, "/case/"+string(caseID(r))+"/release", "gate")
}

func (s *site) except(w http.ResponseWriter, r *http.Request, u desk.User) error {
	id, err := corpus.ParseDocumentID(r.PostForm.Get("document"))
	if err != nil {
		return fmt.Errorf("document: %w", fault.Invalid)
	}
	e := desk.Exception{Document: id, Form: r.PostForm.Get("form"), Reason: r.PostForm.Get("reason")}
	if err := s.desk.Except(r.Context(), u.ID, caseID(r), e); err != nil {
		return err
	}
	return back(w, r, "/case/"+string(caseID(r))+"/release", "excepted")
}

func (s *site) needNotWait(w http.ResponseWriter, r *http.Request, u desk.User) error {
	if err := s.desk.NeedNotWait(r.Context(), u.ID, caseID(r), typed(r, "why")); err != nil {
		return err
	}
	return back(w, r, "/case/"+string(caseID(r))+"/release", "saved")
}

func (s *site) approve(w http.ResponseWriter, r *http.Request, u desk.User) error {
	var seen desk.Manifest
	if err := seen.UnmarshalText([]byte(r.PostForm.Get("manifest"))); err != nil {
		return err
	}
	answers := map[desk.Question]desk.Answer{}
	for i, q := range desk.Questions {
		if a := r.PostForm.Get("answer" + strconv.Itoa(i)); a != "" {
			answers[q] = desk.Answer(a)
		}
	}
	if err := s.desk.Approve(r.Context(), u.ID, caseID(r), seen, answers, r.PostForm.Get("words")); err != nil {
		return err
	}
	return back(w, r, "/case/"+string(caseID(r))+"/release", "answered")
}

func (s *site) release(w http.ResponseWriter, r *http.Request, u desk.User) error {
	if _, err := s.desk.Release(r.Context(), u.ID, caseID(r)); err != nil {
		return err
	}
	return back(w, r, "/case/"+string(caseID(r)), "released")
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
	return s.show(w, r, u, "releases", map[string]any{"All": all, "Size": int(check.Size), "Note": string(note)})
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

func (t *turner) flush() {
	if !t.html {
		return
	}
	b := t.page.Bytes()
	for _, attribute := range []string{"href", "src", "action"} {
		b = bytes.ReplaceAll(b, []byte(attribute+`="/`), []byte(attribute+`="`+t.base+`/`))
	}
	banner := `<body><p class="banner" role="note">Preview: nothing of this is public yet. <a href="` + strings.TrimSuffix(t.base, "preview") + `release">Back to the case</a></p>`
	b = bytes.Replace(b, []byte("<body>"), []byte(banner), 1)
	t.ResponseWriter.WriteHeader(t.status)
	t.ResponseWriter.Write(b)
}
