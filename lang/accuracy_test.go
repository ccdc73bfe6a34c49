package lang_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"daylight/lang"
)

// TestAccuracy measures over labelled e-mails. The labels are of a whole book, of
// which a few paragraphs were never translated, so not all are right.
func TestAccuracy(t *testing.T) {
	corpora := os.Getenv("DAYLIGHT_CORPORA")
	if corpora == "" {
		t.Skip("DAYLIGHT_CORPORA is not set")
	}
	b, err := os.ReadFile(filepath.Join(corpora, "multilang-mail-synth", "truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	var mails []struct{ File, Lang, Subject, Body string }
	if err := json.Unmarshal(b, &mails); err != nil {
		t.Fatal(err)
	}
	right := 0
	for _, m := range mails {
		if got := lang.Detect(m.Body); got == m.Lang {
			right++
		} else {
			t.Logf("%s: %q; labelled %q", m.File, got, m.Lang)
		}
	}
	t.Logf("%d of %d right", right, len(mails))
	if right*100 < len(mails)*98 {
		t.Errorf("%d of %d right; want 98 in 100", right, len(mails))
	}
}
