package web

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"

	"daylight/courier"
	"daylight/fault"
	"daylight/intake"
)

// box is what the inbox shows.
type box struct {
	Letters   []intake.Letter
	Destroyed bool // a reply was destroyed just now
	Visits    visits
}

// visits are the numbers by which a source sees whether somebody else used the words;
// Today is "" where there are none yet.
type visits struct{ Last, Today string }

func visitsOf(s *intake.Session) (v visits) {
	v.Last, v.Today, _ = s.Numbers()
	return v
}

func (p *pages) inbox(w http.ResponseWriter, r *http.Request, s *intake.Session) {
	p.showInbox(w, r, s, false)
}

func (p *pages) showInbox(w http.ResponseWriter, r *http.Request, s *intake.Session, destroyed bool) {
	letters, err := s.Inbox(r.Context())
	if errors.Is(err, fault.NotFound) { // a new codename
		letters, err = nil, nil
	}
	if err != nil {
		p.site.Fail(w, r, err)
		return
	}
	p.site.Render(w, r, http.StatusOK, "inbox", box{letters, destroyed, visitsOf(s)})
}

// destroy destroys a reply of the visitor's own mailbox, and of no other: the
// store looks for it there.
func (p *pages) destroy(w http.ResponseWriter, r *http.Request, s *intake.Session) {
	err := s.Destroy(background(r), courier.ReplyID(r.PathValue("reply")))
	if err != nil && !errors.Is(err, fault.NotFound) { // gone is gone, also when the button is pressed twice
		p.site.Fail(w, r, err)
		return
	}
	p.showInbox(w, r, s, true)
}

// attachment hands out a file of a reply, to be saved and never shown.
func (p *pages) attachment(w http.ResponseWriter, r *http.Request, s *intake.Session) {
	place, err := strconv.Atoi(r.PathValue("place"))
	if err != nil || place < 0 {
		p.site.Fail(w, r, fmt.Errorf("file of a reply: %w", fault.NotFound))
		return
	}
	name, file, err := s.Attachment(r.Context(), courier.ReplyID(r.PathValue("reply")), place)
	if err != nil {
		p.site.Fail(w, r, err)
		return
	}
	defer file.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": saveName(name)}))
	io.Copy(w, file)
}

// saveName is a name that a browser may offer: no folders, nothing hidden.
func saveName(name string) string {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	name = strings.TrimLeft(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || strings.ContainsRune(`"<>:|?*`, r) {
			return -1
		}
		return r
	}, name), ".")
	if name == "" || name == "/" {
		return "file"
	}
	return name
}
