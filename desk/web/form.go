package web

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"daylight/desk"
	"daylight/fault"
	"daylight/internal/httpkit"
)

// form is a form that was refused: what was typed, and what is wrong with it. The zero
// form was not refused; its page shows what is kept.
type form struct {
	Words  string     // what is wrong; "" when nothing is
	Field  desk.Field // with which field, if it is one
	status int
	typed  url.Values
}

type formKey struct{}

func formOf(r *http.Request) form {
	f, _ := r.Context().Value(formKey{}).(form)
	return f
}

// again answers a form that was refused in words with the page where it stands, and
// reports whether it has.
func (s *site) again(w http.ResponseWriter, r *http.Request, u desk.User, rt route, err error) bool {
	f := form{Words: fault.Words(err), Field: desk.FieldOf(err), status: httpkit.Status(err), typed: r.PostForm}
	path, post := strings.CutPrefix(rt.pattern, "POST ")
	if !post || f.Words == "" || f.status >= http.StatusInternalServerError {
		return false
	}
	above := path[:strings.LastIndexByte(path, '/')]
	for _, at := range []string{path, above} {
		for _, page := range s.routes() {
			if page.pattern == "GET "+at && u.Is(page.roles...) {
				return page.serve(w, r.WithContext(context.WithValue(r.Context(), formKey{}, f)), u) == nil
			}
		}
	}
	return false
}

// Or is what a field shows: what was typed, or what is kept.
func (f form) Or(field string, kept any) string {
	if f.typed.Has(field) {
		return f.typed.Get(field)
	}
	return fmt.Sprint(kept)
}

// Typed reports whether there is something to show again.
func (f form) Typed() bool { return len(f.typed) > 0 }

// Is reports whether a choice is made: in what was typed, or as it is kept.
func (f form) Is(field string, value any, kept bool) bool {
	if f.Words == "" {
		return kept
	}
	for _, v := range f.typed[field] {
		if v == fmt.Sprint(value) {
			return true
		}
	}
	return false
}

// Bad marks the field that is wrong, and puts the cursor there.
func (f form) Bad(field desk.Field) template.HTMLAttr {
	if f.Field != field {
		return ""
	}
	return template.HTMLAttr(fmt.Sprintf(`aria-invalid="true" aria-describedby="%s-bad" autofocus`, field))
}

// Why says at a field what is wrong with it.
func (f form) Why(field desk.Field) template.HTML {
	if f.Field != field {
		return ""
	}
	return template.HTML(fmt.Sprintf(`<p class="wrong" id="%s-bad">%s</p>`, field, template.HTMLEscapeString(f.Words)))
}

// happened is what the title of a page says that shows an error.
func happened(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "You are not signed in"
	case http.StatusRequestEntityTooLarge:
		return "This is too large"
	case http.StatusNotFound, http.StatusGone:
		return "There is nothing here"
	case http.StatusForbidden:
		return "You may not do this"
	case http.StatusConflict, http.StatusServiceUnavailable:
		return "This cannot be done now"
	case http.StatusInsufficientStorage:
		return "There is no space left"
	}
	if status < http.StatusInternalServerError {
		return "This was not understood"
	}
	return "Something went wrong"
}

// doneWords says what a form has done, on the page that follows.
var doneWords = map[string]string{
	"saved":      "Saved.",
	"provenance": "Provenance saved.",
	"questions":  "Questions saved.",
	"case":       "The case is made.",
	"planned":    "Planned. Nothing is public yet.",
	"undecided":  "Saved: undecided again.",
	"redacted":   "Redacted: the next release has the text without it.",
	"gate":       "The gate has run.",
	"excepted":   "The exception is recorded. Run the gate again.",
	"answered":   "Your answer is recorded.",
	"released":   "Signed, in the publication log, and on its way to the archive.",
	"destroyed":  "Destroyed.",
	"joined":     "Joined. The parts are as they came.",
	"aside":      "Set aside: it stands at the end of the list.",
	"back":       "Taken back.",
	"handed":     "Handed over.",
	"deleted":    "Deleted.",
	"opened":     "Some of the envelopes open now: what was in them is here.",
	"closed":     "Our keys were tried again: none of them opens.",
	"trying":     "None of them has opened so far. The others are tried by and by.",
	"sent":       "Your answer is sealed, and on its way. Only this source can open it.",
	"made":       "The case is made. Editors see it now, and not the conversation.",
	"status":     "The status is set.",
}

func doneOf(r *http.Request) string {
	if r.Method != http.MethodGet {
		return ""
	}
	return doneWords[r.URL.Query().Get("done")]
}
