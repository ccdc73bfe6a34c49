package desk_test

import (
	"strings"
	"testing"

	"daylight/desk"
)

func TestFileName(t *testing.T) {
	for name, want := range map[string]string{
		"report.pdf": "report.pdf", "a/b\\c.txt": "c.txt", "": "file-3", "..": "file-3", "two\nlines\x00": "twolines",
		"photo-\u202efdp.exe": "photo--fdp.exe", "\u2066x\u2069.txt": "-x-.txt", "\u200fعقد.pdf": "-عقد.pdf", "گزارش\u200cها.pdf": "گزارش\u200cها.pdf", "\xff.txt": "\uFFFD.txt",
		strings.Repeat("\u00e4", 200) + ".7z.001": strings.Repeat("\u00e4", 124) + "….001", strings.Repeat("x", 300): strings.Repeat("x", 252) + "…",
	} {
		if got := desk.FileName(name, 3); got != want {
			t.Errorf("%q becomes %q; want %q", name, got, want)
		}
	}
}
