package web

import (
	"fmt"
	"net/http"
	"slices"
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
	return s.inCase(w, r, u, "document", map[string]any{"D": d, "Text": text, "Cut": cut, "Reasons": corpus.Reasons,
		"Forms": strings.Join(d.Item.Plan.Forms, "\n"), "Tried": false, "Hits": 0})
}

func (s *site) disposeOne(w http.ResponseWriter, r *http.Request, u desk.User) error {
	id, err := documentID(r)
	if err != nil {
		return err
	}
	d := dispositionOf(r)
	if _, err := s.desk.Dispose(r.Context(), u.ID, caseID(r), desk.Filter{IDs: []corpus.DocumentID{id}}, "", d); err != nil {
		return err
	}
	return back(w, r, documentURL(r), planned(d))
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
	if err := s.desk.Destroy(r.Context(), u.ID, caseID(r), id, r.PostForm.Get("why")); err != nil {
		return err
	}
	return back(w, r, documentURL(r), "destroyed")
}

// redactPage shows what a redaction would leave. It changes nothing; what is to be taken
// out comes in the body of a form, for a browser remembers addresses.
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
	if r.PostForm.Has("forms") {
		forms = formsOf(r.PostForm.Get("forms"))
	}
	if name := strings.TrimSpace(r.PostForm.Get("name")); name != "" {
		for _, f := range desk.SuggestForms(name) {
			if !slices.Contains(forms, f) {
				forms = append(forms, f)
			}
		}
	}
	text, cut := shown(d.Item.Document.Text)
	data := map[string]any{"D": d, "Text": text, "Cut": cut, "Forms": strings.Join(forms, "\n"), "Tried": len(forms) > 0,
		"Decided": d.Item.Plan.Act == desk.Redact && slices.Equal(forms, d.Item.Plan.Forms)}
	if len(forms) > 0 {
		t, err := s.desk.TryRedaction(r.Context(), u.ID, caseID(r), id, forms)
		if err != nil {
			return err
		}
		data["Text"], data["Cut"] = shown(t.Text)
		data["Hits"], data["Title"] = t.Hits, t.Document.Title
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
	d := desk.Disposition{Act: desk.Redact, Forms: formsOf(r.PostForm.Get("forms")), Note: typed(r, "note"), Public: typed(r, "public")}
	if _, err := s.desk.Dispose(r.Context(), u.ID, caseID(r), desk.Filter{IDs: []corpus.DocumentID{id}}, "", d); err != nil {
		return err
	}
	return back(w, r, documentURL(r)+"/redact", "redacted")
}
