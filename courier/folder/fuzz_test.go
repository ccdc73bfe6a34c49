package folder

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"daylight/courier"
)

// FuzzFolder has both sides read names and bytes that somebody else put onto a stick.
func FuzzFolder(f *testing.F) {
	id := strings.Repeat("ab", 16)
	sum := func(b string) string { s := sha256.Sum256([]byte(b)); return hex.EncodeToString(s[:]) }
	f.Add("2026-11-28."+id+"."+sum("x"), "2026-11-27."+id, []byte("x"))
	f.Add("2026-11-28."+id+"."+sum("y"), id, []byte("x"))
	f.Add("2026-13-41."+id, strings.Repeat("ab", 32)+"."+id, []byte("age-encryption.org/v1\n"))
	f.Add("."+id[:16], "list", []byte(""))
	private, public, err := note.GenerateKey(rand.Reader, "desk.example")
	if err != nil {
		f.Fatal(err)
	}
	signer, _ := note.NewSigner(private)
	desk, _ := note.NewVerifier(public)
	f.Fuzz(func(t *testing.T, one, other string, body []byte) {
		dir, ctx := t.TempDir(), context.Background()
		stick, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer stick.Close()
		stick.Signer = signer
		for _, sub := range []string{envelopes, acknowledged, damaged, replies, keys} {
			for _, name := range []string{one, other} {
				if name == filepath.Base(name) && len(name) < 200 {
					os.WriteFile(filepath.Join(dir, sub, name), body, 0o600) // what is no name is none
				}
			}
		}
		list, err := stick.Envelopes(ctx)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[courier.EnvelopeID]bool{}
		for _, e := range list {
			if !e.ID.Valid() || seen[e.ID] {
				t.Fatalf("listed %q, or twice", e.ID)
			}
			seen[e.ID] = true
			r, err := stick.Open(ctx, e.ID)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			r.Close()
			if err == nil && !bytes.Equal(got, body) {
				t.Error("read other bytes")
			}
			for _, name := range []string{one, other} {
				if c, ok := parseEnvelope(name); ok && one == other && c.sum != "" && (err == nil) != (c.sum == sum(string(body))) {
					t.Errorf("%q: read with %v", name, err)
				}
			}
			if err := stick.Acknowledge(ctx, []courier.EnvelopeID{e.ID}); err != nil {
				t.Fatal(err)
			}
		}
		in := &taker{t: t}
		stick.Sync(ctx, in, desk)
	})
}

// taker is an intake that takes everything, and wants names that are names.
type taker struct{ t *testing.T }

func (h *taker) Envelopes(context.Context) ([]courier.Envelope, error) { return nil, nil }
func (h *taker) Open(_ context.Context, id courier.EnvelopeID) (io.ReadCloser, error) {
	if !id.Valid() {
		h.t.Errorf("opened %q", id)
	}
	return io.NopCloser(strings.NewReader("x")), nil
}
func (h *taker) Acknowledge(_ context.Context, ids []courier.EnvelopeID) error {
	for _, id := range ids {
		if !id.Valid() {
			h.t.Errorf("acknowledged %q", id)
		}
	}
	return nil
}
func (h *taker) PutReply(_ context.Context, box courier.MailboxID, id courier.ReplyID, r io.Reader) error {
	if !box.Valid() || !id.Valid() {
		h.t.Errorf("reply %q %q", box, id)
	}
	_, err := io.Copy(io.Discard, r)
	return err
}
func (h *taker) PutKeys(_ context.Context, list []byte) error {
	if len(list) > maxList {
		h.t.Error("a longer list than may be")
	}
	return nil
}
func (h *taker) Close() error { return nil }
