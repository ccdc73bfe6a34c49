// Package couriertest proves that something does the courier's work as
// courier.Intake says.
package couriertest

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"daylight/courier"
	"daylight/fault"
)

// Intake is an implementation under test, with what tests need of its far side.
type Intake struct {
	courier.Intake

	// Arrive lets a sealed envelope arrive on a day, YYYY-MM-DD.
	Arrive func(sealed []byte, day string) courier.EnvelopeID
	// Replies returns what intake would hold for a mailbox.
	Replies func(box courier.MailboxID) map[courier.ReplyID][]byte
	// Keys returns the key list that intake would use.
	Keys func() []byte
	// Lists are two key lists that this intake takes one after the other.
	Lists [2][]byte
}

// Sealed begins as age files do; intake takes nothing else as a reply.
const Sealed = "age-encryption.org/v1\n-> anything"

const (
	box   = courier.MailboxID("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")
	reply = courier.ReplyID("00112233445566778899aabbccddeeff")
)

// Run proves the implementation that open makes, empty each time.
func Run(t *testing.T, open func(t *testing.T) Intake) {
	tests := map[string]func(*testing.T, Intake){
		"what arrived is listed and opens":     listed,
		"what is acknowledged is gone":         acknowledged,
		"what was never there":                 unknown,
		"a reply is left once":                 replied,
		"mailboxes are apart":                  apart,
		"odd names are refused":                oddNames,
		"a reply that breaks off is not there": broken,
		"keys replace one another":             keys,
		"many at once":                         atOnce,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			in := open(t)
			t.Cleanup(func() { in.Close() })
			test(t, in)
		})
	}
}

func listed(t *testing.T, in Intake) {
	big := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	want := map[courier.EnvelopeID][]byte{
		in.Arrive([]byte("one"), "2026-11-23"): []byte("one"),
		in.Arrive(big, "2026-11-24"):           big,
	}
	list, err := in.Envelopes(t.Context())
	if err != nil || len(list) != 2 {
		t.Fatalf("%d envelopes, %v; want 2", len(list), err)
	}
	for _, e := range list {
		body, ok := want[e.ID]
		if !ok {
			t.Fatalf("an envelope that did not arrive")
		}
		day := "2026-11-23"
		if len(body) > 3 {
			day = "2026-11-24"
		}
		if e.Day != day || e.Size != int64(len(body)) {
			t.Errorf("day %s, %d bytes; want %s, %d", e.Day, e.Size, day, len(body))
		}
		for range 2 { // a second time after a break
			if got := read(t, in, e.ID); !bytes.Equal(got, body) {
				t.Errorf("%d bytes; want the %d that arrived", len(got), len(body))
			}
		}
	}
}

func read(t *testing.T, in Intake, id courier.EnvelopeID) []byte {
	t.Helper()
	r, err := in.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func acknowledged(t *testing.T, in Intake) {
	a, b := in.Arrive([]byte("a"), "2026-11-23"), in.Arrive([]byte("b"), "2026-11-23")
	for range 2 {
		if err := in.Acknowledge(t.Context(), []courier.EnvelopeID{a}); err != nil {
			t.Fatal(err)
		}
	}
	if list, _ := in.Envelopes(t.Context()); len(list) != 1 || list[0].ID != b {
		t.Errorf("%d envelopes are left; want the one that was not acknowledged", len(list))
	}
	if _, err := in.Open(t.Context(), a); !errors.Is(err, fault.NotFound) {
		t.Errorf("open an acknowledged one: %v; want not found", err)
	}
}

func unknown(t *testing.T, in Intake) {
	for _, id := range []courier.EnvelopeID{courier.EnvelopeID(reply), "", "../keys/list", "x"} {
		if _, err := in.Open(t.Context(), id); !errors.Is(err, fault.NotFound) {
			t.Errorf("open %q: %v; want not found", id, err)
		}
		if err := in.Acknowledge(t.Context(), []courier.EnvelopeID{id}); err != nil {
			t.Errorf("acknowledge %q: %v", id, err)
		}
	}
	if list, err := in.Envelopes(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("%d envelopes, %v; want none", len(list), err)
	}
}

func replied(t *testing.T, in Intake) {
	for range 2 {
		if err := in.PutReply(t.Context(), box, reply, strings.NewReader(Sealed)); err != nil {
			t.Fatal(err)
		}
	}
	got := in.Replies(box)
	if len(got) != 1 || string(got[reply]) != Sealed {
		t.Errorf("%d replies; want the one", len(got))
	}
}

func apart(t *testing.T, in Intake) {
	other := courier.MailboxID(strings.Repeat("ab", 32))
	if err := in.PutReply(t.Context(), box, reply, strings.NewReader(Sealed)); err != nil {
		t.Fatal(err)
	}
	if got := in.Replies(other); len(got) != 0 {
		t.Errorf("%d replies in a mailbox that nobody wrote to", len(got))
	}
}

func oddNames(t *testing.T, in Intake) {
	for _, b := range []courier.MailboxID{"", "..", "../../etc", box[:62], courier.MailboxID(strings.ToUpper(string(box)))} {
		if err := in.PutReply(t.Context(), b, reply, strings.NewReader(Sealed)); !errors.Is(err, fault.Invalid) {
			t.Errorf("mailbox %q: %v; want not valid", b, err)
		}
	}
	for _, id := range []courier.ReplyID{"", ".", "../x", reply + "0", "00112233445566778899AABBCCDDEEFF"} {
		if err := in.PutReply(t.Context(), box, id, strings.NewReader(Sealed)); !errors.Is(err, fault.Invalid) {
			t.Errorf("reply %q: %v; want not valid", id, err)
		}
	}
}

func broken(t *testing.T, in Intake) {
	cut := io.MultiReader(strings.NewReader(Sealed), failing{})
	if err := in.PutReply(t.Context(), box, reply, cut); err == nil {
		t.Error("a reply that broke off was taken")
	}
	if got := in.Replies(box); len(got) != 0 {
		t.Errorf("%d replies; want none", len(got))
	}
	if err := in.PutReply(t.Context(), box, reply, strings.NewReader(Sealed)); err != nil {
		t.Errorf("again after the break: %v", err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("cable pulled") }

func keys(t *testing.T, in Intake) {
	for _, list := range in.Lists {
		for range 2 {
			if err := in.PutKeys(t.Context(), list); err != nil {
				t.Fatal(err)
			}
		}
		if got := in.Keys(); !bytes.Equal(got, list) {
			t.Errorf("key list of %d bytes; want the %d that were put", len(got), len(list))
		}
	}
}

func atOnce(t *testing.T, in Intake) {
	id := in.Arrive([]byte("one"), "2026-11-23")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := in.PutReply(t.Context(), box, reply, strings.NewReader(Sealed)); err != nil {
				t.Error(err)
			}
			if _, err := in.Envelopes(t.Context()); err != nil {
				t.Error(err)
			}
			if r, err := in.Open(t.Context(), id); err != nil {
				t.Error(err)
			} else {
				r.Close()
			}
		})
	}
	all.Wait()
	if got := in.Replies(box); len(got) != 1 {
		t.Errorf("%d replies; want one", len(got))
	}
}
