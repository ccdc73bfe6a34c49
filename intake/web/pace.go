package web

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"daylight/intake"
)

// paced is the body of a request that may not take forever: it fails when nothing
// has arrived for too long, or too little, and when somebody hangs up.
type paced struct {
	io.ReadCloser
	conn   *http.ResponseController
	limits intake.Limits
	began  time.Time
	n      int64

	mu   sync.Mutex
	set  time.Time // when the deadline was set
	over bool      // it has passed, or somebody hung up
}

// pace gives every request with a body a deadline that moves with what arrives.
func (p *pages) pace(next http.Handler) http.Handler {
	limits := p.in.Limits()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body != nil && r.Body != http.NoBody {
			b := &paced{ReadCloser: r.Body, conn: http.NewResponseController(w), limits: limits, began: time.Now()}
			b.wait()                       // also for a body that no page reads: before it answers the server reads on
			r = r.WithContext(r.Context()) // the server looks at the body that it made
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
