package onion

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"daylight/courier"
	"daylight/fault"
)

// Dial connects to an address; the desk's goes through Tor.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Client implements courier.Intake for the desk. It is safe for concurrent use.
type Client struct {
	base string
	http *http.Client

	wait    time.Duration // after the first break of a transfer
	silence time.Duration // in which at least enough must come or go
}

// New makes the desk's side for the intake at host, which dial can connect to.
func New(host string, dial Dial) *Client {
	return &Client{
		base: "http://" + host,
		wait: time.Second, silence: 3 * time.Minute,
		http: &http.Client{
			Transport: &http.Transport{
				DialContext:            dial,
				DisableCompression:     true, // nothing that unpacks to more than it is
				MaxConnsPerHost:        4,
				MaxResponseHeaderBytes: 16 << 10,
				IdleConnTimeout:        time.Minute,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Close implements courier.Intake.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// do sends a request and wants a status. The caller closes the body.
func (c *Client) do(ctx context.Context, method, path string, body io.Reader, header http.Header, want int) (_ *http.Response, err error) {
	ctx, b := newBrisk(ctx, c.silence)
	defer func() {
		if err != nil {
			b.end()
		}
	}()
	if body != nil {
		body = briskReader{body, b}
	}
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	for k, v := range header {
		r.Header[k] = v
	}
	r.Header.Set("User-Agent", "") // none at all
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, unreachable(err)
	}
	if err := faultOf(resp.StatusCode, want); err != nil {
		resp.Body.Close()
		return nil, err
	}
	resp.Body = briskBody{briskReader{resp.Body, b}, resp.Body}
	return resp, nil
}

// unreachable is an error of the way to intake, without the address.
func unreachable(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return fmt.Errorf("intake's onion service: %w", err)
}

// tell sends a request whose answer is how it went.
func (c *Client) tell(ctx context.Context, method, path string, body io.Reader) error {
	resp, err := c.do(ctx, method, path, body, nil, http.StatusNoContent)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// Envelopes implements courier.Intake.
func (c *Client) Envelopes(ctx context.Context) ([]courier.Envelope, error) {
	resp, err := c.do(ctx, "GET", "/envelopes", nil, nil, http.StatusOK)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return readList(resp.Body)
}

// Acknowledge implements courier.Intake.
func (c *Client) Acknowledge(ctx context.Context, ids []courier.EnvelopeID) error {
	var lines bytes.Buffer
	for _, id := range ids {
		if id.Valid() { // no other was ever at intake
			lines.WriteString(string(id) + "\n")
		}
	}
	if lines.Len() == 0 {
		return nil
	}
	return c.tell(ctx, "POST", "/acknowledged", &lines)
}

// PutReply implements courier.Intake.
func (c *Client) PutReply(ctx context.Context, box courier.MailboxID, id courier.ReplyID, sealed io.Reader) error {
	if !box.Valid() || !id.Valid() {
		return fmt.Errorf("put reply: mailbox or id: %w", fault.Invalid)
	}
	return c.tell(ctx, "PUT", "/replies/"+string(box)+"/"+string(id), sealed)
}

// PutKeys implements courier.Intake.
func (c *Client) PutKeys(ctx context.Context, list []byte) error {
	return c.tell(ctx, "PUT", "/keys", bytes.NewReader(list))
}

// Open implements courier.Intake. The reader goes on by itself where a transfer
// breaks.
func (c *Client) Open(ctx context.Context, id courier.EnvelopeID) (io.ReadCloser, error) {
	if !id.Valid() {
		return nil, fmt.Errorf("open envelope: %w", fault.NotFound)
	}
	t := &transfer{c: c, ctx: ctx, id: id}
	if err := t.begin(); err != nil {
		return nil, err
	}
	return t, nil
}

// transfer is an envelope under way.
type transfer struct {
	c     *Client
	ctx   context.Context
	id    courier.EnvelopeID
	body  io.ReadCloser
	size  int64 // of the whole, said once and held to
	at    int64 // how much of it came
	fresh int64 // how much of it came since the last break
	tries int   // since the last break that something came before
}

// How a transfer goes on. What comes in drops of less than enough is taken for
// nothing: it would never end.
const (
	maxTries = 6
	enough   = 64 << 10
)

func (t *transfer) begin() error {
	header, want := http.Header{}, http.StatusOK
	if t.at > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", t.at))
		want = http.StatusPartialContent
	}
	resp, err := t.c.do(t.ctx, "GET", "/envelopes/"+string(t.id), nil, header, want)
	if err != nil {
		return err
	}
	size := t.at + resp.ContentLength
	switch {
	case resp.ContentLength < 0 || size > maxEnvelope:
		err = fault.Invalid
	case t.at == 0:
		t.size = size
	case size != t.size || resp.Header.Get("Content-Range") != fmt.Sprintf("bytes %d-%d/%d", t.at, t.size-1, t.size):
		err = fault.Conflict // it is another one now
	}
	if err != nil {
		resp.Body.Close()
		return fmt.Errorf("open envelope: what intake says of its size: %w", err)
	}
	t.body, t.fresh = resp.Body, 0
	return nil
}

func (t *transfer) Read(p []byte) (int, error) {
	for {
		if t.at == t.size {
			return 0, io.EOF
		}
		n, err := t.body.Read(p)
		t.at += int64(n)
		if t.fresh += int64(n); n > 0 {
			return n, nil // an error comes again
		}
		if err == nil {
			continue
		}
		if err := t.resume(err); err != nil {
			return 0, err
		}
	}
}

// resume goes on after a break, several times when need be.
func (t *transfer) resume(broken error) error {
	t.body.Close()
	if t.fresh >= enough {
		t.tries = 0
	}
	for t.tries++; t.tries < maxTries; t.tries++ {
		select {
		case <-t.ctx.Done():
			return t.ctx.Err()
		case <-time.After(t.c.wait << (t.tries - 1)):
		}
		err := t.begin()
		if err == nil {
			return nil
		}
		for _, final := range []error{fault.NotFound, fault.Invalid, fault.Conflict, fault.Damaged} {
			if errors.Is(err, final) {
				return err
			}
		}
		broken = err
	}
	return fmt.Errorf("open envelope: broke off, and again: %w", broken)
}

func (t *transfer) Close() error { return t.body.Close() }

// brisk ends a request that has not moved enough in some time: an intake that sends
// a byte now and then must not hold up the desk for ever.
type brisk struct {
	silence time.Duration
	timer   *time.Timer
	cancel  context.CancelCauseFunc
	moved   atomic.Int64 // since the timer was set
}

var errSlow = errors.New("too slow")

func newBrisk(ctx context.Context, silence time.Duration) (context.Context, *brisk) {
	b := &brisk{silence: silence}
	ctx, b.cancel = context.WithCancelCause(ctx)
	b.timer = time.AfterFunc(silence, func() { b.cancel(errSlow) })
	return ctx, b
}

func (b *brisk) count(n int) {
	if b.moved.Add(int64(n)) >= enough {
		b.moved.Store(0)
		b.timer.Reset(b.silence)
	}
}

func (b *brisk) end() {
	b.timer.Stop()
	b.cancel(nil)
}

// briskReader counts what a body moves.
type briskReader struct {
	io.Reader
	b *brisk
}

func (r briskReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.b.count(n)
	return n, err
}

// briskBody is the body of an answer: with it ends the request.
type briskBody struct {
	briskReader
	body io.Closer
}

func (r briskBody) Close() error {
	defer r.b.end()
	return r.body.Close()
}
