// Package relate finds what belongs together among documents: copies of one
// message, and the messages of a thread. All of it is computed from the set at hand
// and nothing else, so that what is said about released documents tells nothing of
// those that were not released.
package relate

import (
	"crypto/sha256"
	"io"
	"strings"

	"daylight/corpus"
	"daylight/text"
)

// MessageKey is equal for copies of one message: the same Message-ID, and the same
// words in the text, whatever the line breaks, quoting signs and case. The same
// Message-ID with another text is another message; that is how altered copies and
// lists that add a footer show.
//
// A message without a Message-ID is the same as another without one, when first
// sender, subject and text are. For what is not a message (nil) the key is zero.
func MessageKey(m *corpus.Message, body string) [16]byte {
	var key [16]byte
	if m == nil {
		return key
	}
	h := sha256.New()
	if m.ID != "" {
		io.WriteString(h, "id\x00"+m.ID)
	} else {
		from := ""
		if len(m.From) > 0 {
			from = strings.ToLower(m.From[0].Addr)
		}
		io.WriteString(h, "no id\x00"+from+"\x00"+text.Fold(m.Subject))
	}
	for t := range text.Tokens(body) {
		io.WriteString(h, "\x00")
		io.WriteString(h, t.Form)
	}
	copy(key[:], h.Sum(nil))
	return key
}
