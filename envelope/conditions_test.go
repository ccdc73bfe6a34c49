package envelope_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"daylight/envelope"
	"daylight/fault"
)

// FuzzConditions: whatever a source asks for comes out as it went in, but for what makes
// it one short line; and what was sent with it is whole.
func FuzzConditions(f *testing.F) {
	k := newKey(f)
	for _, s := range []string{"", "2027-01-31", "  after Easter \r\n", strings.Repeat("до суда ", 40), "\xff\x00", strings.Repeat("<", 300)} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, before string, unquoted bool) {
		var b bytes.Buffer
		s, err := envelope.Seal(&b, head(), k.Recipient())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Text(strings.NewReader("the message")); err != nil {
			t.Fatal(err)
		}
		bare := s.Bare(0)
		if err := s.Conditions(envelope.Conditions{Before: before, Unquoted: unquoted}); err != nil {
			t.Fatal(err)
		}
		if err := s.CloseWithin(0); err != nil {
			t.Fatal(err)
		}
		if int64(b.Len()) > bare {
			t.Fatalf("%d bytes; there was room for %d", b.Len(), bare)
		}
		r, parts := open(t, b.Bytes(), k)
		if len(parts) != 1 || string(parts[0].Body) != "the message" || r.End() != envelope.Whole {
			t.Fatalf("%d parts, %v", len(parts), r.End())
		}
		got := r.Conditions()
		if got.Unquoted != unquoted || !utf8.ValidString(got.Before) || len(got.Before) > envelope.MaxBefore || strings.ContainsAny(got.Before, "\r\n\x00") {
			t.Fatalf("%+v of %q, %v", got, before, unquoted)
		}
		plain := strings.TrimSpace(before)
		if line := utf8.ValidString(plain) && len(plain) <= envelope.MaxBefore && strings.IndexFunc(plain, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0; line && got.Before != plain {
			t.Fatalf("%q of %q", got.Before, before)
		}
	})
}

// TestConditionsLoseNothing: asked for within an entry, twice, or in a way that nobody
// understands, they cost neither message nor file.
func TestConditionsLoseNothing(t *testing.T) {
	k := newKey(t)
	begin, data, end := frame('B', `{"type":"text"}`), frame('D', "hello"), frame('E', `{"n":5}`)
	for name, c := range map[string]struct {
		plain, want string
	}{
		"within an entry": {begin + frame('c', `{"before":"2027-01-31"}`) + data + end, "2027-01-31"},
		"twice":           {frame('c', `{"before":"first"}`) + begin + data + end + frame('c', `{"before":"second"}`), "first"},
		"no JSON":         {frame('c', `{`) + begin + data + end, ""},
		"wrong types":     {frame('c', `{"before":["2027"],"unquoted":"yes"}`) + begin + data + end, ""},
		"a newer member":  {frame('c', `{"before":"May","credit":"none"}`) + begin + data + end, "May"},
	} {
		r, parts := open(t, sealRaw(t, k, start+headFrame+c.plain+frame('Z', `{"n":1}`)), k)
		if r.End() != envelope.Whole || len(parts) != 1 || string(parts[0].Body) != "hello" || r.Conditions().Before != c.want {
			t.Errorf("%s: %v, %d parts, conditions %+v", name, r.End(), len(parts), r.Conditions())
		}
	}
	s, err := envelope.Seal(io.Discard, head(), k.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []envelope.Conditions{{}, {Before: " \n"}, {Unquoted: true}} {
		if err := s.Conditions(c); err != nil {
			t.Error(err)
		}
	}
	if err := s.Conditions(envelope.Conditions{Before: "2028"}); !errors.Is(err, fault.Conflict) {
		t.Errorf("conditions a second time: %v", err)
	}
}
