package web

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"daylight/intake"
)

// paced is the body of a request that may not take forever: it fails when nothing
// has arrived for too long, or too little, and when somebody hangs up.
type paced struct {
	io.ReadCloser
	conn   *http.ResponseController
	most   intake.Limits // of an upload
	limits intake.Limits // in force
	form   time.Duration // how long it may take while it is none that is taken
	began  time.Time
	n      int64

	mu   sync.Mutex
	set  time.Time // when the deadline was set
	over bool      // it has passed, or somebody hung up
}

// How long bodies may keep us waiting that are no uploads: a form has some kilobytes,
// and comes through Tor within a minute. Of what is refused no more is wanted than
// that the browser gets to read the answer; and forms have no longer when as many are
// being waited for as all pages that may be asked for at once.
const (
	formWait    = time.Minute
	refusedWait = 5 * time.Second
)

// pace gives every request with a body a deadline that moves with what arrives: that of
// a form, until it is known to be an upload that is taken.
func (p *pages) pace(next http.Handler) http.Handler {
	limits := p.in.Limits()
	var here atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil && r.Body != http.NoBody {
			b := &paced{ReadCloser: r.Body, conn: http.NewResponseController(w), most: limits, form: formWait}
			defer here.Add(-1)
			if here.Add(1) > int64(limits.All.Pages.Burst) {
				b.form = refusedWait
			}
			b.within(b.form, limits.Slowest) // also for a body that no page reads: before it answers the server reads on
			r = r.WithContext(r.Context())   // the server looks at the body that it made
			r.Body = b
		}
		next.ServeHTTP(w, r)
	})
}

func (b *paced) Read(p []byte) (int, error) {
	b.wait()
	n, err := b.ReadCloser.Read(p)
	b.n += int64(n)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		b.end()
	}
	return n, err
}

// within has what is still to come be there in a time, with one second more for so many
// bytes of it.
func (b *paced) within(d time.Duration, bytes int64) {
	l := b.most
	l.Silence, l.Grace, l.Slowest = min(d, l.Silence), min(d, l.Grace), bytes
	b.began, b.n = time.Now(), 0
	b.at(l)
}

// upload gives the body the time of an upload.
func (b *paced) upload() { b.at(b.most) }

func (b *paced) at(l intake.Limits) {
	b.mu.Lock()
	b.limits, b.set = l, time.Time{}
	b.mu.Unlock()
	b.wait()
}

// wait moves the deadline on: not for each read, which would cost more than it.
func (b *paced) wait() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := time.Now(); !b.over && now.Sub(b.set) >= b.limits.Silence/64 {
		b.set = now
		b.conn.SetReadDeadline(b.limits.Late(b.began, now, b.n)) // a connection that has none is a test's
	}
}

// end leaves the deadline where it is. The server itself takes it away before the
// next request.
func (b *paced) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
}

// hangUp ends the reading.
func (b *paced) hangUp() {
	b.end()
	b.conn.SetReadDeadline(time.Unix(1, 0))
}

// late reports whether the reading was ended here.
func (b *paced) late() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.over
}

// drained is how much of a request is still read after its error, so that the
// browser gets to read the answer instead of finding the connection closed.
const drained = 64 << 20

// drain reads on after an error of who may be an honest source, on a slow way.
func drain(r *http.Request) {
	if b, ok := r.Body.(*paced); ok {
		b.within(b.form, b.most.Slowest)
	}
	io.CopyN(io.Discard, r.Body, drained)
}

// drainSoon reads on after a refusal that costs whoever comes in a flood nothing.
func drainSoon(r *http.Request) {
	if b, ok := r.Body.(*paced); ok {
		b.within(refusedWait, b.most.Fair)
	}
	io.CopyN(io.Discard, r.Body, drained)
}
