package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"daylight/courier"
	"daylight/fault"
	"daylight/internal/httpkit"
)

// The addresses below /sealed/ are for programs that seal on the source's own machine:
// see SPEC.md of package envelope. They set no cookie and begin no visit.

// The headers of a piece, as in the IETF's draft on resumable uploads.
const (
	offsetHeader = "Upload-Offset"
	lengthHeader = "Upload-Length"
)

// numbersHeader has what a source compares to see whether somebody else was here with the
// same words.
const numbersHeader = "Visit-Numbers"

// parcelAt says how much of a parcel has arrived.
func (p *pages) parcelAt(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(offsetHeader, strconv.FormatInt(p.in.ParcelAt(r.PathValue("id")), 10))
	w.WriteHeader(http.StatusNoContent)
}

// parcel takes a piece of one.
func (p *pages) parcel(w http.ResponseWriter, r *http.Request) {
	var now int64
	at, err := strconv.ParseInt(r.Header.Get(offsetHeader), 10, 64)
	if err == nil {
		var size int64
		if size, err = strconv.ParseInt(r.Header.Get(lengthHeader), 10, 64); err == nil {
			hangUp := func() {}
			b, _ := r.Body.(*paced)
			if b != nil {
				b.upload()
				hangUp = b.hangUp
			}
			now, err = p.in.TakeParcel(r.Context(), r.PathValue("id"), at, size, r.Body, hangUp)
			if err != nil && b != nil {
				b.within(refusedWait, b.most.Fair) // the server reads on, a little
			}
		}
	}
	if errors.Is(err, strconv.ErrSyntax) || errors.Is(err, strconv.ErrRange) {
		err = fmt.Errorf("parcel: %w", fault.Invalid)
	}
	w.Header().Set(offsetHeader, strconv.FormatInt(now, 10))
	p.answer(w, err, http.StatusNoContent)
}

// answer ends an answer to a program: a status, and nothing else.
func (p *pages) answer(w http.ResponseWriter, err error, status int) {
	if err != nil {
		if status = httpkit.Status(err); status == http.StatusInternalServerError {
			p.site.Log.Error("sealed", "err", err)
		}
	}
	w.WriteHeader(status)
}

// named reads the one line that has what opens a mailbox, and which reply in it. It is in
// the body, since addresses are written down in many places.
func named(r *http.Request) (opens string, id courier.ReplyID, err error) {
	line, err := io.ReadAll(io.LimitReader(r.Body, 200))
	if err != nil {
		return "", "", errBody
	}
	a, b, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
	return a, courier.ReplyID(b), nil
}

var errBody = fmt.Errorf("body broke off: %w", fault.Invalid)

// sealedReplies lists a mailbox. The line goes on with the key of visits.
func (p *pages) sealedReplies(w http.ResponseWriter, r *http.Request) {
	opens, visits, err := named(r)
	var ids []courier.ReplyID
	if err == nil {
		ids, err = p.in.Replies(r.Context(), opens)
	}
	if err != nil {
		p.answer(w, err, 0)
		return
	}
	if last, today, ok := p.in.Visit(string(visits)); ok {
		w.Header().Set(numbersHeader, last+", "+today)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	for _, id := range ids {
		fmt.Fprintln(w, id)
	}
}

// sealedReply gives one as it is.
func (p *pages) sealedReply(w http.ResponseWriter, r *http.Request) {
	opens, id, err := named(r)
	var body io.ReadCloser
	if err == nil {
		body, err = p.in.OpenReply(r.Context(), opens, id)
	}
	if err != nil {
		p.answer(w, err, 0)
		return
	}
	defer body.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	io.Copy(w, body)
}

// sealedDestroy destroys one. Gone is gone, also when it is asked twice.
func (p *pages) sealedDestroy(w http.ResponseWriter, r *http.Request) {
	opens, id, err := named(r)
	if err == nil {
		err = p.in.DestroyReply(background(r), opens, id)
	}
	if errors.Is(err, fault.NotFound) {
		err = nil
	}
	p.answer(w, err, http.StatusNoContent)
}
