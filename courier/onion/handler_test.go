package onion

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"daylight/courier"
)

// many is an intake where so many envelopes lie, always in the same order.
type many struct {
	courier.Intake
	n int
}

func (m many) Envelopes(context.Context) ([]courier.Envelope, error) {
	list := make([]courier.Envelope, m.n)
	for i := range list {
		list[i] = courier.Envelope{ID: courier.EnvelopeID(fmt.Sprintf("%032x", i)), Day: "2026-11-23", Size: 1}
	}
	return list, nil
}

func (m many) Acknowledge(context.Context, []courier.EnvelopeID) error { return nil }

// TestNoEnvelopeIsNeverListed: a desk that leaves more junk here than a list holds sees
// what is behind it too.
func TestNoEnvelopeIsNeverListed(t *testing.T) {
	h := Handler(many{n: maxEnvelopes + maxEnvelopes/10}, slog.New(slog.DiscardHandler))
	last := fmt.Sprintf("%032x ", maxEnvelopes+maxEnvelopes/10-1)
	for range 20 { // in one of eleven it is not there
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/envelopes", nil))
		if n := strings.Count(w.Body.String(), "\n"); n != maxEnvelopes {
			t.Fatalf("%d lines; want %d", n, maxEnvelopes)
		}
		if strings.Contains(w.Body.String(), last) {
			return
		}
	}
	t.Error("the last envelope is in none of 20 lists")
}

// TestNothingIsKeptOfWhatIsDestroyed: memory does not tell of envelopes that a desk has
// fetched.
func TestNothingIsKeptOfWhatIsDestroyed(t *testing.T) {
	s := &server{in: many{n: 3}, log: slog.New(slog.DiscardHandler)}
	w := httptest.NewRecorder()
	s.list(w, httptest.NewRequest("GET", "/envelopes", nil))
	for _, e := range mustList(t, w.Body) {
		s.acknowledge(httptest.NewRecorder(), httptest.NewRequest("POST", "/acknowledged", strings.NewReader(string(e.ID)+"\n")))
	}
	if len(s.sizes) != 0 {
		t.Errorf("sizes of %d envelopes are kept", len(s.sizes))
	}
}

func mustList(t *testing.T, r io.Reader) []courier.Envelope {
	t.Helper()
	list, err := readList(r)
	if err != nil || len(list) != 3 {
		t.Fatalf("%d envelopes, %v", len(list), err)
	}
	return list
}
