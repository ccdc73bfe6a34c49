package archivetest

import (
	"bytes"
	"testing"

	"daylight/publog"
	"daylight/release"
)

// Newsroom signs releases for tests, with a log that grows.
type Newsroom struct {
	Keys   publog.Keys
	Public string // the public key, as publog.ParseKeys reads it
	signer publog.Signer
	log    *publog.Log
	number int
}

// LogName is the name of a Newsroom's log.
const LogName = "lantern.example/log"

// NewNewsroom makes one with a fresh key.
func NewNewsroom(t testing.TB) *Newsroom {
	t.Helper()
	private, public, err := publog.GenerateKey("lantern.example")
	check(t, err)
	n := &Newsroom{Public: public}
	n.Keys, err = publog.ParseKeys(public)
	check(t, err)
	n.signer, err = publog.ParseSigner(private)
	check(t, err)
	n.log, err = publog.Open(publog.Memory(), n.Keys)
	check(t, err)
	return n
}

// Release makes the next release of what write adds.
func (n *Newsroom) Release(t testing.TB, day string, write func(*release.Writer)) []byte {
	t.Helper()
	n.number++
	var b bytes.Buffer
	h := release.Header{Newsroom: "The Lantern", Number: n.number, Day: day, Log: LogName}
	w, err := release.NewWriter(&b, h, n.log.Frontier())
	check(t, err)
	write(w)
	check(t, w.Close(n.signer))
	r, err := release.Open(bytes.NewReader(b.Bytes()), int64(b.Len()), n.Keys, n.log)
	check(t, err)
	check(t, n.log.Apply(r.Update()))
	return b.Bytes()
}

// Add adds an entry, or ends the test.
func Add[B release.Body](t testing.TB, w *release.Writer, body B) {
	t.Helper()
	check(t, release.Add(w, body))
}

// AddRendition adds a rendition, or ends the test.
func AddRendition(t testing.TB, w *release.Writer, r release.Rendition, payload []byte) {
	t.Helper()
	check(t, w.AddRendition(r, bytes.NewReader(payload), int64(len(payload))))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
