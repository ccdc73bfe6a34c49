package web

import (
	"errors"
	"net/http"
	"slices"

	"daylight/codename"
	"daylight/fault"
	"daylight/intake"
	"daylight/internal/httpkit"
)

// begin starts a visit with a new codename, in the language of the page or in the one
// that was chosen. Nothing is written anywhere.
func (p *pages) begin(w http.ResponseWriter, r *http.Request) {
	if err := p.count(r, intake.Begins); err != nil {
		p.site.Fail(w, r, err)
		return
	}
	language := formValue(r, "words")
	if len(language) == 0 {
		language = []byte(httpkit.Lang(r))
	}
	s, err := p.in.Begin(string(language))
	if err != nil {
		p.site.Fail(w, r, err)
		return
	}
	p.admit(w, r, s, "/codename")
}

// words is what the page with the codename shows.
type words struct {
	Codename, Language string
	Others             []string // languages that it could be in
}

// codename shows the words until their owner says that they are kept.
func (p *pages) codename(w http.ResponseWriter, r *http.Request, s *intake.Session) {
	c, err := s.Codename()
	if errors.Is(err, fault.Gone) {
		http.Redirect(w, r, p.site.URL(r, "/send"), http.StatusSeeOther)
		return
	}
	if err != nil {
		p.site.Fail(w, r, err)
		return
	}
	defer c.Wipe()
	text, _ := c.AppendText(nil) // never fails
	defer clear(text)
	others := slices.DeleteFunc(codename.Languages(), func(l string) bool { return l == c.Language() })
	p.site.Render(w, r, http.StatusOK, "codename", words{string(text), c.Language(), others})
}

func (p *pages) keepCodename(w http.ResponseWriter, r *http.Request, s *intake.Session) {
	if err := s.Keep(); err != nil {
		p.site.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, p.site.URL(r, "/send"), http.StatusSeeOther)
}

// comeBack opens the visit of who types a codename. Whatever can be read as one
// is welcome; what cannot is answered from the words alone.
func (p *pages) comeBack(w http.ResponseWriter, r *http.Request) {
	if err := p.count(r, intake.Returns); err != nil {
		p.site.Fail(w, r, err)
		return
	}
	typed := formValue(r, "codename")
	defer clear(typed)
	s, err := p.in.Return(r.Context(), typed)
	if wrong, ok := errors.AsType[*codename.Error](err); ok {
		p.site.Render(w, r, http.StatusUnprocessableEntity, "return", wrong)
		return
	}
	if errors.Is(err, fault.Busy) {
		err = fault.Say("Many people are coming back at this moment. Nothing is lost. Try again in a few minutes.", err)
	}
	if err != nil {
		p.site.Fail(w, r, err)
		return
	}
	p.admit(w, r, s, "/inbox")
}
