package intake_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"daylight/envelope"
	"daylight/intake"
)

// sealedHere is an envelope of so many bytes that a source sealed elsewhere.
func (h *house) sealedHere(t *testing.T, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	s, err := h.list.Seal(&b, envelope.Head{Time: h.now(), Path: "send"}, "")
	if err != nil {
		t.Fatal(err)
	}
	s.File("minutes.bin", bytes.NewReader(make([]byte, n)))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// parcel sends a piece, and wants it taken.
func (h *house) parcel(t *testing.T, id string, all []byte, from, to int) {
	t.Helper()
	if n, err := h.TakeParcel(t.Context(), id, int64(from), int64(len(all)), bytes.NewReader(all[from:to]), func() {}); err != nil || n != int64(to) {
		t.Fatalf("a piece from %d to %d: %d, %v", from, to, n, err)
	}
}

var parcelA, parcelB = strings.Repeat("0a", 16), strings.Repeat("0b", 16)

// failingOnce is a store whose disk fails in the middle of its first envelope, once.
type failingOnce struct {
	intake.Store
	failed bool
}

func (f *failingOnce) Create(ctx context.Context, day, until string) (intake.Slot, error) {
	slot, err := f.Store.Create(ctx, day, until)
	return &failingSlot{slot, f, 0}, err
}

type failingSlot struct {
	intake.Slot
	store *failingOnce
	n     int
}

func (s *failingSlot) Write(p []byte) (int, error) {
	if s.n += len(p); s.n > 200_000 && !s.store.failed {
		s.store.failed = true
		return 0, errors.New("the disk failed")
	}
	return s.Slot.Write(p)
}

// TestAParcelBeginsAnewAfterAFailure: what came before it is kept as a part.
func TestAParcelBeginsAnewAfterAFailure(t *testing.T) {
	h := newHouse(t, func(o *intake.Options) { o.Store = &failingOnce{Store: o.Store} })
	all := h.sealedHere(t, 700_000)
	h.parcel(t, parcelA, all, 0, 100_000)
	if n, err := h.TakeParcel(t.Context(), parcelA, 100_000, int64(len(all)), bytes.NewReader(all[100_000:]), func() {}); err == nil || n != 0 || h.ParcelAt(parcelA) != 0 {
		t.Errorf("%d, %v, then %d, from a disk that failed; want it to begin anew", n, err, h.ParcelAt(parcelA))
	}
	h.parcel(t, parcelA, all, 0, len(all))
	whole := 0
	got := h.fetch(t)
	for _, o := range got {
		if o.End() == envelope.Whole {
			whole++
		}
	}
	if len(got) != 2 || whole != 1 {
		t.Errorf("%d envelopes, %d whole; want the part, and the whole one", len(got), whole)
	}
}

// TestForgettingLateForgetsNoOther: a piece that waited for a parcel that is over finds
// that out when another parcel has the id.
func TestForgettingLateForgetsNoOther(t *testing.T) {
	h := newHouse(t, func(o *intake.Options) { o.Limits.Parcels = 1 })
	all := h.sealedHere(t, 700_000)
	h.parcel(t, parcelA, all, 0, 100_000)
	forget := h.Late(parcelA)
	h.parcel(t, parcelB, all, 0, 100_000) // A makes place
	h.parcel(t, parcelA, all, 0, 100_000) // and begins anew
	forget()
	h.parcel(t, parcelA, all, 100_000, len(all))
}
