package search

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"daylight/corpus"
	"daylight/fault"
)

// Key is the place of a hit in an order.
type Key struct {
	Units int64 // 0 unless the order is ByRelevance
	Date  int64 // seconds since 1970 in UTC, or NoDate
	ID    corpus.DocumentID
}

// NoDate is the Key.Date of a document without one.
const NoDate = math.MinInt64

// DateKey is the Key.Date of a date.
func DateKey(t time.Time) int64 {
	if t.IsZero() {
		return NoDate
	}
	return t.Unix()
}

// Compare is negative when a comes before b.
func (s Sort) Compare(a, b Key) int {
	if c := cmp.Compare(b.Units, a.Units); c != 0 {
		return c
	}
	if a.Date != b.Date {
		oldest := s == ByOldest && a.Date != NoDate && b.Date != NoDate
		if (a.Date > b.Date) != oldest {
			return -1
		}
		return 1
	}
	return bytes.Compare(a.ID[:], b.ID[:])
}

// A cursor is base64url of: 8 bytes of SHA-256 over sort and query, units, date
// (big endian), id, and 4 bytes of SHA-256 over all that.
const cursorSize = 8 + 8 + 8 + 16 + 4

// Cursor is the Request.After that goes on after the hit of this key. It holds no
// state of an index: when documents come or go between pages, the pages that follow
// are those of the new state, from that place on.
func (r Request) Cursor(k Key) string {
	c := make([]byte, 0, cursorSize)
	c = append(c, r.fingerprint()...)
	c = binary.BigEndian.AppendUint64(c, uint64(k.Units))
	c = binary.BigEndian.AppendUint64(c, uint64(k.Date))
	c = append(c, k.ID[:]...)
	sum := sha256.Sum256(c)
	return base64.RawURLEncoding.EncodeToString(append(c, sum[:4]...))
}

// Key is what Cursor was given, and whether there is a cursor at all. One of another
// query or order is fault.Invalid.
func (r Request) Key() (Key, bool, error) {
	if r.After == "" {
		return Key{}, false, nil
	}
	c, err := base64.RawURLEncoding.DecodeString(r.After)
	if err != nil || len(c) != cursorSize {
		return Key{}, false, fmt.Errorf("search: this is no cursor: %w", fault.Invalid)
	}
	body := c[:cursorSize-4]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:4], c[cursorSize-4:]) {
		return Key{}, false, fmt.Errorf("search: this is no cursor: %w", fault.Invalid)
	}
	if !bytes.Equal(body[:8], r.fingerprint()) {
		return Key{}, false, fmt.Errorf("search: the cursor belongs to another query: %w", fault.Invalid)
	}
	k := Key{
		Units: int64(binary.BigEndian.Uint64(body[8:])),
		Date:  int64(binary.BigEndian.Uint64(body[16:])),
	}
	copy(k.ID[:], body[24:])
	return k, true, nil
}

func (r Request) fingerprint() []byte {
	sort, query := r.Sort, All{}.String()
	if sort == "" {
		sort = ByRelevance
	}
	if r.Query != nil {
		query = r.Query.String()
	}
	sum := sha256.Sum256([]byte(string(sort) + "\n" + query))
	return sum[:8]
}
