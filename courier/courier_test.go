package courier_test

import (
	"strings"
	"testing"

	"daylight/courier"
)

// TestNames: they become names of files and parts of addresses.
func TestNames(t *testing.T) {
	half, whole := strings.Repeat("0f", 16), strings.Repeat("0f", 32)
	for _, bad := range []string{"", "../" + half[3:], half[1:], half + "0", strings.ToUpper(half), half[:31] + "g", whole + whole} {
		if courier.EnvelopeID(bad).Valid() || courier.ReplyID(bad).Valid() || courier.MailboxID(bad).Valid() {
			t.Errorf("%q passes for a name", bad)
		}
	}
	if !courier.EnvelopeID(half).Valid() || !courier.ReplyID(half).Valid() || !courier.MailboxID(whole).Valid() || courier.MailboxID(half).Valid() {
		t.Error("a name is refused, or one of another kind passes")
	}
}
