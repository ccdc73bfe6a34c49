package onion_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"

	"daylight/courier"
	"daylight/courier/couriertest"
	"daylight/courier/onion"
	"daylight/fault"
)

// serve puts a handler on a unix socket, as intake does, and returns the desk's way.
func serve(t *testing.T, h http.Handler) *onion.Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(h)
	srv.Listener.Close()
	srv.Listener = l
	srv.Start()
	t.Cleanup(srv.Close)
	c := onion.New("intake.onion", func(ctx context.Context, network, address string) (net.Conn, error) {
		if network != "tcp" || address != "intake.onion:80" {
			t.Errorf("dials %s %s", network, address)
		}
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	})
	t.Cleanup(func() { c.Close() })
	return c
}

// far is an intake in memory.
type far struct {
	mu        sync.Mutex
	envelopes map[courier.EnvelopeID]courier.Envelope
	sealed    map[courier.EnvelopeID][]byte
	replies   map[courier.MailboxID]map[courier.ReplyID][]byte
	keys      []byte
	listed    int // times
}

func newFar() *far {
	return &far{envelopes: map[courier.EnvelopeID]courier.Envelope{}, sealed: map[courier.EnvelopeID][]byte{},
		replies: map[courier.MailboxID]map[courier.ReplyID][]byte{}}
}

func (f *far) arrive(sealed []byte, day string) courier.EnvelopeID {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b [16]byte
	rand.Read(b[:])
	id := courier.EnvelopeID(hex.EncodeToString(b[:]))
	f.envelopes[id] = courier.Envelope{ID: id, Day: day, Size: int64(len(sealed))}
	f.sealed[id] = sealed
	return id
}

func (f *far) Envelopes(context.Context) ([]courier.Envelope, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listed++
	var list []courier.Envelope
	for _, e := range f.envelopes {
		list = append(list, e)
	}
	return list, nil
}

func (f *far) Open(_ context.Context, id courier.EnvelopeID) (io.ReadCloser, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.envelopes[id]; !ok {
		return nil, fault.NotFound
	}
	return io.NopCloser(bytes.NewReader(f.sealed[id])), nil
}

func (f *far) Acknowledge(_ context.Context, ids []courier.EnvelopeID) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		delete(f.envelopes, id)
	}
	return nil
}

func (f *far) PutReply(_ context.Context, box courier.MailboxID, id courier.ReplyID, sealed io.Reader) error {
	b, err := io.ReadAll(sealed)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.replies[box] == nil {
		f.replies[box] = map[courier.ReplyID][]byte{}
	}
	f.replies[box][id] = b
	return nil
}

func (f *far) PutKeys(_ context.Context, list []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys = list
	return nil
}

func (f *far) Close() error { return nil }

var quiet = slog.New(slog.DiscardHandler)

func TestCourier(t *testing.T) {
	couriertest.Run(t, func(t *testing.T) couriertest.Intake {
		f := newFar()
		return couriertest.Intake{
			Intake: serve(t, onion.Handler(f, quiet)), Arrive: f.arrive,
			Replies: func(box courier.MailboxID) map[courier.ReplyID][]byte { return f.replies[box] },
			Keys:    func() []byte { return f.keys },
			Lists:   [2][]byte{[]byte("one"), []byte("two")},
		}
	})
}

// TestOneListForAll: intake is not asked for everything with each envelope.
func TestOneListForAll(t *testing.T) {
	f := newFar()
	c := serve(t, onion.Handler(f, quiet))
	for range 50 {
		f.arrive(make([]byte, 1000), "2026-11-23")
	}
	open := func(id courier.EnvelopeID) {
		t.Helper()
		r, err := c.Open(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if b, err := io.ReadAll(r); err != nil || len(b) != 1000 {
			t.Errorf("%d bytes, %v", len(b), err)
		}
	}
	list, err := c.Envelopes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		open(e.ID)
	}
	if f.listed != 1 {
		t.Errorf("listed %d times; want once", f.listed)
	}
	open(f.arrive(make([]byte, 1000), "2026-11-24")) // is in no list yet
	if err := c.Acknowledge(t.Context(), []courier.EnvelopeID{list[0].ID}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Open(t.Context(), list[0].ID); !errors.Is(err, fault.NotFound) {
		t.Errorf("what was acknowledged: %v; want not found", err)
	}
}
