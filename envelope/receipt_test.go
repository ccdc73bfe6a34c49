package envelope_test

import (
	"bytes"
	"crypto/sha256"
	"io"
	"strings"
	"testing"

	"daylight/custody/custodytest"
	"daylight/envelope"
)

// TestReceipts: each file has one for the bytes that are here, also where it is cut;
// messages have none.
func TestReceipts(t *testing.T) {
	k, err := envelope.NewKey("desk")
	if err != nil {
		t.Fatal(err)
	}
	var sealed bytes.Buffer
	s, err := envelope.Seal(&sealed, envelope.Head{Kind: envelope.Request}, k.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	s.Receipts(custodytest.NewSigner(t, "intake"))
	files := []string{"", "x", strings.Repeat("a", envelope.MaxFrame), strings.Repeat("b", envelope.MaxFrame+1), strings.Repeat("c", 300_000)}
	if _, err := s.Text(strings.NewReader("hello")); err != nil {
		t.Fatal(err)
	}
	for i, f := range files {
		w, err := s.Begin("f")
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, f)
		if i == 3 {
			w.Cut()
		} else if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := envelope.Open(&sealed, k.HybridIdentity)
	if err != nil {
		t.Fatal(err)
	}
	n := -1
	for e := range r.Entries() {
		b, _ := io.ReadAll(e)
		if e.Type == envelope.Text {
			if e.Receipt() != nil {
				t.Error("a receipt for a message")
			}
			continue
		}
		n++
		if string(b) != files[n] || e.Receipt() == nil || e.Receipt().Check(sha256.Sum256(b)) != nil {
			t.Errorf("file %d: %d bytes, receipt %v; want one for these bytes", n, len(b), e.Receipt())
		}
	}
	if n != len(files)-1 || r.End() != envelope.Cut {
		t.Errorf("%d files, %s", n+1, r.End())
	}
}

// TestReceiptsThatCannotBeRead: what stands in place of one is passed over, and costs
// nothing else.
func TestReceiptsThatCannotBeRead(t *testing.T) {
	k, err := envelope.NewKey("desk")
	if err != nil {
		t.Fatal(err)
	}
	for _, payload := range []string{"", "{", `{"key":"x"}`, `{"key":"x","salt":"00","signature":"AA=="}`, `[]`} {
		plain := start + headFrame + frame('B', `{"type":"file","name":"a"}`) + frame('D', "one") + frame('E', `{"n":3}`) +
			frame('r', payload) + frame('r', "twice") + frame('Z', `{"n":1}`)
		r, err := envelope.Open(bytes.NewReader(sealRaw(t, k, plain)), k.HybridIdentity)
		if err != nil {
			t.Fatal(err)
		}
		e := r.Next()
		b, _ := io.ReadAll(e)
		if string(b) != "one" || e.End() != envelope.Whole || e.Receipt() != nil || r.Next() != nil || r.End() != envelope.Whole {
			t.Errorf("%q: %q, %s, receipt %v, %v", payload, b, e.End(), e.Receipt(), r.Err())
		}
	}
}
