package archive

import (
	"crypto/sha256"
	"encoding/binary"

	"daylight/corpus"
	"daylight/text"
)

// messageKey is equal for copies of one message: those with one Message-ID and
// equal text. A message without Message-ID is told apart by its text and subject.
func messageKey(m *corpus.Message, body string) [16]byte {
	h := sha256.New()
	for _, s := range []string{m.ID, text.Fold(m.Subject), text.Fold(body)} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	return [16]byte(h.Sum(nil))
}
