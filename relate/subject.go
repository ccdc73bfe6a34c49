package relate

import (
	"slices"
	"strings"
	"unicode"

	"daylight/text"
)

// prefixes are what mail programs put before a subject, folded. They stand before
// a colon (folded: the full-width one too), sometimes with a number: "Re[2]:", "AW (3):".
var prefixes = []string{
	"re", "r", "fw", "fwd", "aw", "wg", "antw", "sv", "vs", "vb", "tr", "rv", "res", "enc", "odp", "pd", "ynt", "ilt", "rif", "i",
	"отв", "ответ", "пер", "пересл",
	text.Fold("رد"), text.Fold("الرد"), text.Fold("إعادة توجيه"), text.Fold("توجيه"), text.Fold("پاسخ"),
	"回复", "答复", "转发", "回覆", "轉寄", "返信",
}

// BaseSubject takes the prefixes of answers and forwards off a subject and folds
// it; answer tells whether there was one.
func BaseSubject(subject string) (base string, answer bool) {
	base = strings.TrimSpace(text.Fold(subject))
	for {
		head, rest, ok := strings.Cut(base, ":")
		if !ok {
			return base, answer
		}
		head = strings.TrimRight(strings.TrimSpace(head), "[](){}^0123456789 ")
		if !slices.Contains(prefixes, head) {
			return base, answer
		}
		base, answer = strings.TrimLeftFunc(rest, unicode.IsSpace), true
	}
}
