package web

import (
	"fmt"
	"net/http"
	"strings"

	"daylight/corpus"
	"daylight/desk"
	"daylight/fault"
)

func documentID(r *http.Request) (corpus.DocumentID, error) {
	id, err := corpus.ParseDocumentID(r.PathValue("document"))
	if err != nil {
		return id, fmt.Errorf("document: %w", fault.NotFound)
	}
	return id, nil
}

func documentURL(r *http.Request) string {
	return "/case/" + string(caseID(r)) + "/file/" + r.PathValue("document")
}

// maxShown is how much of a text a page shows, in bytes.
const maxShown = 512 << 10

// shown cuts a text for a page, and says whether it did.
func shown(text string) (string, bool) {
	if len(text) <= maxShown {
		return text, false
	}
	return strings.ToValidUTF8(text[:maxShown], ""), true
}

func (s *site) document(w http.ResponseWriter, r *http.Request, u desk.User) error {
	id, err := documentID(r)
	if err != nil {
		return err
	}
	d, err := s.desk.Document(r.Context(), u.ID, caseID(r), id)
	if err != nil {
		return err
	}
	text, cut := shown(d.Item.Document.Text)
	return s.inCase(w, r, u, "document", map[string]any{"D": d, "Text": text, "Cut": cut, "Reasons": corpus.Reasons})
}

func (s *site) disposeOne(w http.ResponseWriter, r *http.Request, u desk.User) error {
	id, err := documentID(r)
	if err != nil {
		return err
	}
	d, err := dispositionOf(r)
	if err != nil {
		return err
	}
	if _, err := s.desk.Dispose(r.Context(), u.ID, caseID(r), desk.Filter{IDs: []corpus.DocumentID{id}}, "", d); err != nil {
		return err
	}
	return back(w, r, documentURL(r))
}

func (s *site) original(w http.ResponseWriter, r *http.Request, u desk.User) error {
	id, err := documentID(r)
	if err != nil {
		return err
	}
	i, b, err := s.desk.OpenOriginal(r.Context(), u.ID, caseID(r), id)
	if err != nil {
		return err
	}
	defer b.Close()
	name := i.Document.Name
	if name == "" {
		name = id.String()
	}
	return download(w, r, name, b)
}

func (s *site) destroy(w http.ResponseWriter, r *http.Request, u desk.User) error {
	id, err := documentID(r)
	if err != nil {
		return err
	}
	if err := s.desk.Destroy(r.Context(), u.ID, caseID(r), id, r.PostFormValue("why")); err != nil {
		return err
	}
	return back(w, r, documentURL(r))
}

// redactPage shows what a redaction would leave. It changes nothing, so its forms
// travel in the address; the desk logs no address.
func (s *site) redactPage(w http.ResponseWriter, r *http.Request, u desk.User) error {
	id, err := documentID(r)
	if err != nil {
		return err
	}
	d, err := s.desk.Document(r.Context(), u.ID, caseID(r), id)
	if err != nil {
		return err
	}
	forms := d.Item.Plan.Forms
	if r.URL.Query().Has("forms") {
		forms = formsOf(r.URL.Query().Get("forms"))
	}
	if name := strings.TrimSpace(r.URL.Query().Get("name")); name != "" {
		forms = append(forms, desk.SuggestForms(name)...)
	}
	data := map[string]any{"D": d, "Forms": strings.Join(forms, "\n"), "Tried": len(forms) > 0}
	if len(forms) > 0 {
		t, err := s.desk.TryRedaction(r.Context(), u.ID, caseID(r), id, forms)
		if err != nil {
			return err
		}
		text, cut := shown(t.Text)
		data["Text"], data["Cut"], data["Hits"], data["Title"] = text, cut, t.Hits, t.Document.Title
	}
	return s.inCase(w, r, u, "redact", data)
}

// formsOf reads one form on each line.
func formsOf(s string) []string {
	var forms []string
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			forms = append(forms, line)
		}
	}
	return forms
}

func (s *site) redact(w http.ResponseWriter, r *http.Request, u desk.User) error {
	id, err := documentID(r)
	if err != nil {
		return err
	}
	d := desk.Disposition{Act: desk.Redact, Forms: formsOf(r.PostFormValue("forms")), Note: strings.TrimSpace(r.PostFormValue("note"))}
	if _, err := s.desk.Dispose(r.Context(), u.ID, caseID(r), desk.Filter{IDs: []corpus.DocumentID{id}}, "", d); err != nil {
		return err
	}
	return back(w, r, documentURL(r)+"/redact")
}
