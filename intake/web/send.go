package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"daylight/envelope"
	"daylight/fault"
	"daylight/intake"
	"daylight/internal/httpkit"
)

// form is what the page for sending shows.
type form struct {
	Problem string // why nothing was taken, "" when nothing was sent yet
	Full    bool   // nothing would be taken now
	Inbox   bool   // there is an inbox to go back to
	Message int64
	Text    string             // a message that was not taken, for its owner to send again
	Cut     bool               // of which this is the beginning
	Teams   []envelope.Channel // to choose from; none where there is no choice
	Asks    envelope.Conditions
}

func (p *pages) form(s *intake.Session) form {
	f := form{Inbox: s.Returned(), Message: p.in.Limits().Message / 2}
	if c := p.in.Keys().Channels; len(c) > 1 {
		f.Teams = c
	}
	return f
}

func (p *pages) sendForm(w http.ResponseWriter, r *http.Request, s *intake.Session) {
	f := p.form(s)
	f.Full = errors.Is(p.in.Room(), fault.Full)
	p.site.Render(w, r, http.StatusOK, "send", f)
}

// maxShown is how much of a message the form has room for, as HTML.
const maxShown = 12 << 10

// again shows the form once more, with the message that was not taken.
func (p *pages) again(w http.ResponseWriter, r *http.Request, s *intake.Session, status int, problem string, text []byte, asks envelope.Conditions) {
	f := p.form(s)
	f.Problem, f.Asks = problem, asks
	f.Text, f.Cut = shown(text)
	p.site.Render(w, r, status, "send", f)
}

// shown is as much of a text as fits into the form.
func shown(text []byte) (string, bool) {
	valid, size := strings.ToValidUTF8(string(text), "\uFFFD"), 0
	for i, r := range valid {
		if strings.ContainsRune("&<>\"'+\x00", r) {
			size += len("&#34;")
		} else {
			size += utf8.RuneLen(r)
		}
		if size > maxShown {
			return valid[:i], true
		}
	}
	return valid, false
}

// maxChannel is more than an id of a channel ever has.
const maxChannel = 64

// choose reads which channel a part names.
func choose(sub *intake.Submission, part io.Reader) error {
	id, err := io.ReadAll(io.LimitReader(part, maxChannel))
	if err != nil {
		sub.Break()
		return err
	}
	return sub.Channel(string(id))
}

// send takes a message and any number of files in one request, each sealed as it
// arrives. The answer lists what was kept; nothing else ever does.
func (p *pages) send(w http.ResponseWriter, r *http.Request, s *intake.Session) {
	parts, err := partsOf(r)
	if err != nil {
		p.site.Fail(w, r, fmt.Errorf("send: %w", fault.Invalid))
		return
	}
	if touched(parts, r) {
		p.betrayed(w, r)
		return
	}
	sub, err := p.in.Submit(s)
	if err != nil {
		p.refuse(w, r, s, parts, err)
		return
	}
	body, _ := r.Body.(*paced)
	if body != nil {
		body.upload()
		sub.OnHangUp(body.hangUp)
	}
	receive(sub, parts)
	arrival, err := sub.Finish()
	defer clear(arrival.Message)
	if arrival.Err != nil {
		drain(r)
	}
	switch {
	case arrival.Kept:
	case arrival.Unsure:
		p.site.Fail(w, r, fault.Say("We cannot tell whether this was kept, through a fault on our side. Perhaps the newsroom has it, perhaps not. Send it again later: what arrives twice does no harm.", err))
		return
	case errors.Is(err, intake.ErrShort):
		p.again(w, r, s, http.StatusUnprocessableEntity, "short", arrival.Message, arrival.Conditions)
		return
	case errors.Is(err, intake.ErrTold):
		p.again(w, r, s, http.StatusUnprocessableEntity, "told", arrival.Message, arrival.Conditions)
		return
	case errors.Is(arrival.Err, fault.NotFound):
		p.again(w, r, s, http.StatusUnprocessableEntity, "noteam", arrival.Message, arrival.Conditions)
		return
	case arrival.Err == nil && errors.Is(err, fault.Invalid):
		p.again(w, r, s, http.StatusUnprocessableEntity, "empty", nil, arrival.Conditions)
		return
	default:
		if err != nil && httpkit.Status(err) == http.StatusInternalServerError {
			p.site.Fail(w, r, fault.Say("This could not be kept, through a fault on our side. Nothing of it was kept. Try again later.", err))
			return
		}
	}
	page := newArrival(arrival, s)
	if page.Problem == "cut" && body != nil && body.late() {
		page.Problem = "slow"
	}
	status := http.StatusOK
	if arrival.Err != nil {
		status = httpkit.Status(arrival.Err)
	}
	p.site.Render(w, r, status, "arrival", page)
}

// refuse answers what is not taken at all, before any of it is. The message is read,
// so that its owner has it again.
func (p *pages) refuse(w http.ResponseWriter, r *http.Request, s *intake.Session, parts *parts, err error) {
	problem := ""
	switch {
	case errors.Is(err, intake.ErrTooOften):
		problem = "often"
	case errors.Is(err, fault.Busy):
		problem = "busy"
	case errors.Is(err, fault.Full):
		problem = "full"
	default:
		p.site.Fail(w, r, err)
		return
	}
	var text []byte
	defer func() { clear(text) }()
	var asks envelope.Conditions
	for range 4 { // the fields before the files
		part, _, err := parts.next()
		if err != nil || part.FormName() == "files" {
			break
		}
		switch part.FormName() {
		case "message":
			text, _ = io.ReadAll(io.LimitReader(part, maxShown+1))
		case "before":
			day, _ := io.ReadAll(io.LimitReader(part, envelope.MaxBefore))
			asks.Before = string(day)
		case "unquoted":
			asks.Unquoted = true
		}
	}
	drain(r)
	p.again(w, r, s, httpkit.Status(err), problem, text, asks)
}

// receive hands the parts of the request on, in their order.
func receive(sub *intake.Submission, parts *parts) {
	for {
		part, n, err := parts.next()
		sub.Passed(n)
		switch {
		case err == io.EOF:
			return
		case errors.Is(err, errOver):
			sub.Overflow()
			return
		case err != nil:
			sub.Break()
			return
		}
		switch part.FormName() {
		case "channel":
			err = choose(sub, part)
		case "message":
			err = sub.Text(part)
			if errors.Is(err, fault.TooLarge) || errors.Is(err, intake.ErrTold) {
				continue // the beginning is kept, and the files are still to come; or the form is shown again, conditions too
			}
		case "before":
			err = sub.Before(part)
		case "unquoted":
			err = sub.Unquoted()
		case "files":
			err = sub.File(part.FileName(), part)
		}
		if err != nil {
			return
		}
	}
}

// arrival is what the page after sending shows, once.
type arrival struct {
	intake.Arrival
	Message *intake.Received
	Files   []intake.Received
	Problem string // why not all is there: "large", "full", "told", "slow", "cut", or ""
	Visits  visits
}

func newArrival(got intake.Arrival, s *intake.Session) arrival {
	out := arrival{Arrival: got, Visits: visits{Today: visitsOf(s).Today}}
	for i, p := range got.Parts {
		if p.Type == envelope.Text {
			out.Message = &got.Parts[i]
		} else {
			out.Files = append(out.Files, p)
		}
	}
	switch {
	case got.Err == nil:
	case errors.Is(got.Err, fault.TooLarge):
		out.Problem = "large"
	case errors.Is(got.Err, fault.Full):
		out.Problem = "full"
	case errors.Is(got.Err, intake.ErrTold):
		out.Problem = "told"
	default:
		out.Problem = "cut"
	}
	return out
}
