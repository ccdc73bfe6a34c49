package web

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"

	"daylight/envelope"
	"daylight/fault"
	"daylight/intake"
)

// form is what the page for sending shows.
type form struct {
	Limits  intake.Limits
	Empty   bool // nothing was sent
	Inbox   bool // there is an inbox to go back to
	Message int64
}

func (p *pages) form(s *intake.Session) form {
	l := p.in.Limits()
	return form{Limits: l, Inbox: s.Returned(), Message: l.Message / 2}
}

func (p *pages) sendForm(w http.ResponseWriter, r *http.Request, s *intake.Session) {
	p.site.Render(w, r, http.StatusOK, "send", p.form(s))
}

// drained is how much of a request is still read after its error, so that the
// browser gets to read the answer instead of finding the connection closed.
const drained = 64 << 20

// send takes a message and any number of files in one request, each sealed as it
// arrives. The answer lists what was kept; nothing else ever does.
func (p *pages) send(w http.ResponseWriter, r *http.Request, s *intake.Session) {
	parts, err := r.MultipartReader()
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
		p.site.Fail(w, r, err)
		return
	}
	receive(sub, parts)
	receipt, err := sub.Finish()
	if receipt.Err != nil {
		io.CopyN(io.Discard, r.Body, drained)
	}
	switch {
	case receipt.Kept:
	case receipt.Unsure:
		p.site.Fail(w, r, fault.Say("We cannot tell whether this was kept, through a fault on our side. Perhaps the newsroom has it, perhaps not. Send it again later: what arrives twice does no harm.", err))
		return
	case receipt.Err == nil && errors.Is(err, fault.Invalid):
		f := p.form(s)
		f.Empty = true
		p.site.Render(w, r, http.StatusUnprocessableEntity, "send", f)
		return
	default:
		if httpStatus(err) == http.StatusInternalServerError {
			p.site.Fail(w, r, fault.Say("This could not be kept, through a fault on our side. Nothing of it was kept. Try again later.", err))
			return
		}
	}
	p.site.Render(w, r, httpStatus(receipt.Err), "receipt", newReceipt(receipt, s))
}

// receive hands the parts of the request on, in their order.
func receive(sub *intake.Submission, parts *multipart.Reader) {
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return
		}
		if err != nil {
			sub.Break()
			return
		}
		switch part.FormName() {
		case "message":
			err = sub.Text(part)
			if errors.Is(err, fault.TooLarge) {
				continue // the beginning is kept, and the files are still to come
			}
		case "files":
			err = sub.File(part.FileName(), part)
		}
		if err != nil {
			return
		}
	}
}

// receipt is what the page after sending shows, once.
type receipt struct {
	intake.Receipt
	Message *intake.Received
	Files   []intake.Received
	Problem string // why not all is there: "large", "full", "cut", or ""
	Inbox   bool
}

func newReceipt(got intake.Receipt, s *intake.Session) receipt {
	out := receipt{Receipt: got, Inbox: s.Returned()}
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
	default:
		out.Problem = "cut"
	}
	return out
}

// httpStatus is the status of an answer to what may have come in part.
func httpStatus(err error) int {
	switch {
	case err == nil:
		return http.StatusOK
	case errors.Is(err, fault.TooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, fault.Full):
		return http.StatusInsufficientStorage
	case errors.Is(err, fault.Invalid):
		return http.StatusBadRequest
	}
	return http.StatusInternalServerError
}

// size writes a number of bytes for people.
func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000*1000:
		return fmt.Sprintf("%.1f kB", float64(n)/1000)
	case n < 1000*1000*1000:
		return fmt.Sprintf("%.1f MB", float64(n)/1000/1000)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1000/1000/1000)
}
