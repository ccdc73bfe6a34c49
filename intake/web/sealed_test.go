package web_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"daylight/codename"
	"daylight/courier"
	"daylight/envelope"
	"daylight/intake"
)

// sealedHere is an envelope that a source sealed on their own machine.
func (h *house) sealedHere(t *testing.T, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	s, err := h.in.Keys().Seal(&b, envelope.Head{Time: h.now, Path: "send"}, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.File("minutes.bin", bytes.NewReader(make([]byte, n))); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// piece sends one, and gives the status and how much has arrived.
func (h *house) piece(t *testing.T, id string, at, size int, body io.Reader) (status, now int) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPut, h.url+"/sealed/"+id, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Upload-Offset", strconv.Itoa(at))
	r.Header.Set("Upload-Length", strconv.Itoa(size))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, h.arrived(t, id)
	}
	res.Body.Close()
	now, _ = strconv.Atoi(res.Header.Get("Upload-Offset"))
	return res.StatusCode, now
}

// hangs begins an envelope that does not end, and waits for what becomes of it.
func (h *house) hangs(id string, size int, body io.Reader) {
	r, _ := http.NewRequest(http.MethodPut, h.url+"/sealed/"+id, body)
	r.Header.Set("Upload-Offset", "0")
	r.Header.Set("Upload-Length", strconv.Itoa(size))
	if res, err := http.DefaultClient.Do(r); err == nil {
		res.Body.Close()
	}
}

func (h *house) arrived(t *testing.T, id string) int {
	t.Helper()
	res, err := http.Head(h.url + "/sealed/" + id)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	n, err := strconv.Atoi(res.Header.Get("Upload-Offset"))
	if err != nil || res.StatusCode != http.StatusNoContent || len(res.Cookies()) > 0 {
		t.Fatalf("%d, %v, cookies %v", res.StatusCode, err, res.Cookies())
	}
	return n
}

func newParcelID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// kept are the envelopes that the desk could fetch, opened.
func (h *house) kept(t *testing.T) (list []courier.Envelope, whole int) {
	t.Helper()
	list, err := h.in.Courier().Envelopes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		body, err := h.in.Courier().Open(t.Context(), e.ID)
		if err != nil {
			t.Fatal(err)
		}
		r, err := envelope.Open(body, h.key.HybridIdentity)
		if err != nil {
			t.Fatal(err)
		}
		for r.Next() != nil {
		}
		if r.End() == envelope.Whole {
			whole++
		}
		body.Close()
	}
	return list, whole
}

// TestSealedElsewhere: an envelope comes in pieces, goes on where it broke, and is kept
// once.
func TestSealedElsewhere(t *testing.T) {
	h := newHouse(t, nil)
	sealed := h.sealedHere(t, 700_000)
	id, size := newParcelID(), len(sealed)
	if n := h.arrived(t, id); n != 0 {
		t.Fatalf("%d bytes of what nobody sent", n)
	}
	if status, now := h.piece(t, id, 0, size, bytes.NewReader(sealed[:200_000])); status != 204 || now != 200_000 {
		t.Fatalf("first piece: %d, %d", status, now)
	}
	if list, _ := h.kept(t); len(list) != 0 {
		t.Error("half of it can be fetched")
	}
	// The next one breaks in its middle: what came stays.
	status, now := h.piece(t, id, 200_000, size, io.MultiReader(bytes.NewReader(sealed[200_000:400_000]), broken2{}))
	if status == 204 || now < 200_000 || now > 400_000 {
		t.Fatalf("a piece that broke: %d, %d", status, now)
	}
	if now = h.arrived(t, id); now > 400_000 {
		t.Fatalf("%d bytes have arrived; 400,000 were sent", now)
	}
	for _, wrong := range []int{450_000, 199_999} { // 200,000 to 400,000 may still be coming in
		if status, at := h.piece(t, id, wrong, size, bytes.NewReader(sealed[wrong:])); status != 409 || at < 200_000 || at > 400_000 {
			t.Errorf("a piece from %d: %d, %d; want conflict, and where it is", wrong, status, at)
		}
	}
	for tries := 0; now < size; tries++ { // as a program does it
		if now = h.arrived(t, id); tries > 50 {
			t.Fatalf("stays at %d", now)
		}
		_, now = h.piece(t, id, now, size, bytes.NewReader(sealed[now:]))
	}
	if status, at := h.piece(t, id, size, size, http.NoBody); status != 204 || at != size { // as if the answer had got lost
		t.Errorf("the last piece again: %d, %d", status, at)
	}
	if list, whole := h.kept(t); len(list) != 1 || whole != 1 {
		t.Errorf("%d envelopes, %d whole; want one", len(list), whole)
	}
	if log := h.log.String(); log != "" {
		t.Errorf("the log says: %s", log)
	}
}

// broken2 is a connection that breaks.
type broken2 struct{}

func (broken2) Read([]byte) (int, error) { return 0, fmt.Errorf("broken") }

// TestSealedElsewhereRefused: nothing is kept of what is no envelope, or too large.
func TestSealedElsewhereRefused(t *testing.T) {
	h := newHouse(t, func(_ *house, o *intake.Options) { o.Limits.Upload = 1 << 20 })
	for name, c := range map[string]struct {
		id         string
		at, size   int
		body       string
		wantStatus int
	}{
		"no envelope":    {newParcelID(), 0, 200_000, strings.Repeat("x", 100), 400},
		"too small":      {newParcelID(), 0, 100, "age-encryption.org/v1\n", 400},
		"a short id":     {"abc", 0, 200_000, "x", 400},
		"too large":      {newParcelID(), 0, 1 << 30, "age-encryption.org/v1\n", 413},
		"not from 0":     {newParcelID(), 10, 200_000, "x", 409},
		"negative":       {newParcelID(), -1, 200_000, "x", 400},
		"beyond its end": {newParcelID(), 300_000, 200_000, "x", 400},
	} {
		if status, _ := h.piece(t, c.id, c.at, c.size, strings.NewReader(c.body)); status != c.wantStatus {
			t.Errorf("%s: %d; want %d", name, status, c.wantStatus)
		}
	}
	if list, _ := h.kept(t); len(list) != 0 {
		t.Errorf("%d envelopes; want none", len(list))
	}
}

// TestAPartIsKeptInTheEnd: a source who never goes on loses nothing that arrived.
func TestAPartIsKeptInTheEnd(t *testing.T) {
	h := newHouse(t, nil)
	sealed := h.sealedHere(t, 700_000)
	if status, _ := h.piece(t, newParcelID(), 0, len(sealed), bytes.NewReader(sealed[:400_000])); status != 204 {
		t.Fatal(status)
	}
	h.in.Close()
	if list, whole := h.kept(t); len(list) != 1 || whole != 0 {
		t.Errorf("%d envelopes, %d whole; want the part", len(list), whole)
	}
}

// TestMailboxesOfPrograms: whatever could open a mailbox has the same answer, to the byte.
// A reply is had and destroyed by what opens its mailbox only, not by the mailbox's name: that
// lies at the desk, on sticks, and in images of intake's disk.
func TestMailboxesOfPrograms(t *testing.T) {
	h := newHouse(t, nil)
	used, other := strings.Repeat("ab", 32), strings.Repeat("cd", 32)
	box := codename.Mailbox([32]byte(bytes.Repeat([]byte{0xab}, 32)))
	name := hex.EncodeToString(box[:])
	id := newParcelID()
	sealed := append([]byte("age-encryption.org/v1\n"), "for somebody"...)
	if err := h.in.Courier().PutReply(t.Context(), courier.MailboxID(name), courier.ReplyID(id), bytes.NewReader(sealed)); err != nil {
		t.Fatal(err)
	}
	post := func(path, line string) (int, string) {
		res, err := http.Post(h.url+"/sealed/"+path, "text/plain", strings.NewReader(line))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(b)
	}
	for _, c := range []struct {
		path, line string
		status     int
		body       string
	}{
		{"replies", used, 200, id + "\n"}, {"replies", other, 200, ""}, {"replies", name, 200, ""}, {"replies", "x", 400, ""},
		{"reply", other + " " + id, 404, ""}, {"reply", name + " " + id, 404, ""}, {"reply", used + " " + id, 200, string(sealed)},
		{"destroy", other + " " + id, 204, ""}, {"destroy", name + " " + id, 204, ""}, {"reply", used + " " + id, 200, string(sealed)},
		{"destroy", used + " " + id, 204, ""}, {"destroy", used + " " + id, 204, ""}, {"replies", used, 200, ""},
	} {
		if status, body := post(c.path, c.line); status != c.status || body != c.body {
			t.Errorf("%s %.8s…: %d %q; want %d %q", c.path, c.line, status, body, c.status, c.body)
		}
	}
}

// TestASenderGoesOnAtOnce: whose connection hangs need not wait for intake to notice.
func TestASenderGoesOnAtOnce(t *testing.T) {
	h := newHouse(t, nil)
	sealed := h.sealedHere(t, 700_000)
	id, size := newParcelID(), len(sealed)
	hanging, w := io.Pipe()
	defer w.Close()
	gone := make(chan bool)
	go func() { h.hangs(id, size, hanging); close(gone) }()
	if _, err := w.Write(sealed[:200_000]); err != nil {
		t.Fatal(err)
	}
	for status, now := 0, 0; status != 204; {
		now = h.arrived(t, id)
		status, _ = h.piece(t, id, now, size, bytes.NewReader(sealed[now:]))
	}
	w.Close()
	<-gone
	if list, whole := h.kept(t); len(list) != 1 || whole != 1 {
		t.Errorf("%d envelopes, %d whole; want one", len(list), whole)
	}
}

// TestManyPiecesOnOneConnection: the end of one is not the end of the next.
func TestManyPiecesOnOneConnection(t *testing.T) {
	h := newHouse(t, nil)
	sealed := h.sealedHere(t, 5_000_000)
	id, size := newParcelID(), len(sealed)
	for at := 0; at < size; {
		n := min(1_000_000, size-at)
		status, now := h.piece(t, id, at, size, bytes.NewReader(sealed[at:at+n]))
		if status != 204 || now != at+n {
			t.Fatalf("piece at %d: %d, %d", at, status, now)
		}
		at = now
	}
	if list, whole := h.kept(t); len(list) != 1 || whole != 1 {
		t.Errorf("%d envelopes, %d whole; want one", len(list), whole)
	}
}

// TestManyPartsShutNobodyOut: who begins parcels and leaves them makes place for who
// sends one; what came is kept.
func TestManyPartsShutNobodyOut(t *testing.T) {
	h := newHouse(t, func(_ *house, o *intake.Options) { o.Limits.Parcels = 3 })
	sealed := h.sealedHere(t, 700_000)
	for range 5 {
		if status, now := h.piece(t, newParcelID(), 0, len(sealed), bytes.NewReader(sealed[:300_000])); status != 204 || now != 300_000 {
			t.Fatalf("a part: %d, %d", status, now)
		}
		h.later(time.Second)
	}
	if status, now := h.piece(t, newParcelID(), 0, len(sealed), bytes.NewReader(sealed)); status != 204 || now != len(sealed) {
		t.Fatalf("a whole one: %d, %d", status, now)
	}
	if list, whole := h.kept(t); len(list) != 4 || whole != 1 {
		t.Errorf("%d envelopes, %d whole; want the whole one, and the three parts that made place", len(list), whole)
	}
}

// TestSlowPartsMakePlace: a piece that hardly moves ends when others need its place.
func TestSlowPartsMakePlace(t *testing.T) {
	h := newHouse(t, func(_ *house, o *intake.Options) { o.Limits.Uploads = 1 })
	sealed := h.sealedHere(t, 700_000)
	slow := newParcelID()
	r, w := io.Pipe()
	defer w.Close()
	go h.hangs(slow, len(sealed), r)
	if _, err := w.Write(sealed[:200_000]); err != nil {
		t.Fatal(err)
	}
	for h.arrived(t, slow) < 100_000 {
	}
	h.later(10 * time.Minute)
	if status, now := h.piece(t, newParcelID(), 0, len(sealed), bytes.NewReader(sealed)); status != 204 || now != len(sealed) {
		t.Errorf("behind a slow one: %d, %d", status, now)
	}
}

// disk is a store on a disk of its own, of so many bytes.
type disk struct {
	intake.Store
	size int64
}

func (d disk) Space(ctx context.Context) (free, whole int64, err error) {
	free, whole, err = d.Store.Space(ctx)
	return d.size - (whole - free), d.size, err
}

// TestParcelsLeavePagesTheirHalf: what programs send fills half of the room above the
// reserve, the last byte of it in the middle of an upload too, and pages are served on.
func TestParcelsLeavePagesTheirHalf(t *testing.T) {
	const size, reserve, each = 36 << 20, 4 << 20, 1 << 20
	h := newHouse(t, func(_ *house, o *intake.Options) { o.Store, o.Limits.Reserve = disk{o.Store, size}, reserve })
	junk := append([]byte("age-encryption.org/v1\n"), bytes.Repeat([]byte("junk"), each/4)...)
	sent, status := 0, 0
	for ; sent < 64; sent++ {
		if status, _ = h.piece(t, newParcelID(), 0, len(junk), bytes.NewReader(junk)); status != 204 {
			break
		}
	}
	if most := (size - reserve) / 2 / each; status != 507 || sent < most-3 || sent > most {
		t.Errorf("%d parcels of a megabyte, then %d; want about %d, then 507", sent, status, most)
	}
	s := h.source(t)
	s.begin()
	s.get("/send").wants(t, 200, "Send a message")
	s.send("The page goes on.", file{"minutes.bin", strings.Repeat("m", 2<<20)}).wants(t, 200, "It has arrived")

	// What fills it up is stopped on its way, and what came of it stays.
	list, err := h.in.Courier().Envelopes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list[:6] {
		if err := h.in.Courier().Acknowledge(t.Context(), []courier.EnvelopeID{e.ID}); err != nil {
			t.Fatal(err)
		}
	}
	id, large := newParcelID(), append(junk, make([]byte, 20<<20)...)
	status, now := h.piece(t, id, 0, len(large), bytes.NewReader(large))
	if status != 507 && status != 0 || now == 0 || now > 7<<20 { // 0: the server hung up on what it does not read
		t.Errorf("a large one: %d at %d; want it stopped where the half is full", status, now)
	}
	if n := h.arrived(t, id); n != now {
		t.Errorf("%d bytes of it have arrived; the answer said %d", n, now)
	}
	s.send("And on.").wants(t, 200, "It has arrived")
}

// TestParcelsLeavePagesTheirRate: programs may send half as much at once as all may.
func TestParcelsLeavePagesTheirRate(t *testing.T) {
	h := newHouse(t, func(_ *house, o *intake.Options) {
		o.Limits.All.Submissions, o.Limits.All.Bytes = intake.Rate{Burst: 8, Hour: 1}, intake.Rate{Burst: 2 << 20, Hour: 1}
	})
	junk := append([]byte("age-encryption.org/v1\n"), make([]byte, 200_000)...)
	taken := 0
	for range 10 {
		if status, _ := h.piece(t, newParcelID(), 0, len(junk), bytes.NewReader(junk)); status == 204 {
			taken++
		} else if status != 503 {
			t.Errorf("a parcel beyond the half: %d; want busy", status)
		}
	}
	if taken != 4 {
		t.Errorf("%d parcels; want half of what all may send", taken)
	}
	id, large := newParcelID(), append(junk, make([]byte, 4<<20)...)
	h.later(4 * time.Hour)
	if status, now := h.piece(t, id, 0, len(large), bytes.NewReader(large)); status == 204 || now > 1<<20 {
		t.Errorf("a large one: %d at %d; want it stopped at half of the bytes", status, now)
	}
	s := h.source(t)
	s.begin()
	for range 4 {
		s.send("The page goes on.").wants(t, 200, "It has arrived")
	}
}
