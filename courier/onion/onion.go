// Package onion does the courier's work over HTTP through intake's own onion service
// for the desk. Client is the desk's side, Handler is intake's. Who may reach the
// handler may act as the desk: it stands on a unix socket behind an onion service with
// client authorization, one key a desk, and on nothing else.
//
// To the desk, intake is a stranger: whatever it answers is checked and bounded, a
// redirect is an error, and no name of its choosing is ever used.
//
//	GET  /envelopes            a line each: ID DAY SIZE
//	GET  /envelopes/ID         the sealed bytes; "Range: bytes=N-" goes on after a break
//	POST /acknowledged         a line each: ID
//	PUT  /replies/MAILBOX/ID   the sealed bytes
//	PUT  /keys                 a key list
//
// What fails has an empty body and a status that stands for a kind of fault.
package onion

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"daylight/courier"
	"daylight/fault"
	"daylight/internal/httpkit"
)

const (
	maxEnvelopes = 100_000           // of one list; more come when these are acknowledged
	maxList      = maxEnvelopes * 80 // bytes of it
	maxKeys      = 1 << 20           // bytes of a key list
	maxEnvelope  = 1 << 40           // bytes of a sealed envelope
)

// statuses are kinds of fault that pages have no status for. All others are on the wire
// as on pages.
var statuses = []struct {
	kind   error
	status int
}{{fault.Unverified, http.StatusUnprocessableEntity}, {fault.Damaged, http.StatusGone}}

func statusOf(err error) int {
	for _, s := range statuses {
		if errors.Is(err, s.kind) {
			return s.status
		}
	}
	return httpkit.Status(err)
}

// faultOf is what a status says, nil where it says that all went well.
func faultOf(status, want int) error {
	if status == want {
		return nil
	}
	for _, s := range statuses {
		if status == s.status {
			return s.kind
		}
	}
	return cmp.Or(httpkit.FaultOf(status), fmt.Errorf("intake answers with status %d", status))
}

func writeList(w io.Writer, list []courier.Envelope) error {
	b := bufio.NewWriter(w)
	for _, e := range list {
		fmt.Fprintf(b, "%s %s %d\n", e.ID, e.Day, e.Size)
	}
	return b.Flush()
}

// readList reads what a stranger lists.
func readList(r io.Reader) ([]courier.Envelope, error) {
	bounded := &io.LimitedReader{R: r, N: maxList + 1}
	lines := bufio.NewScanner(bounded)
	var list []courier.Envelope
	seen := map[courier.EnvelopeID]bool{}
	for lines.Scan() {
		e, err := parseEnvelope(lines.Text())
		if err != nil || seen[e.ID] {
			return nil, fmt.Errorf("list of envelopes: line %d: %w", len(list)+1, fault.Invalid)
		}
		if len(list) == maxEnvelopes {
			return nil, fmt.Errorf("list of envelopes: %w", fault.TooLarge)
		}
		seen[e.ID] = true
		list = append(list, e)
	}
	if bounded.N == 0 {
		return nil, fmt.Errorf("list of envelopes: %w", fault.TooLarge)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("list of envelopes: %w", err)
	}
	return list, nil
}

func parseEnvelope(line string) (courier.Envelope, error) {
	f := strings.Split(line, " ")
	if len(f) != 3 || !courier.EnvelopeID(f[0]).Valid() {
		return courier.Envelope{}, fault.Invalid
	}
	if _, err := time.Parse(time.DateOnly, f[1]); err != nil {
		return courier.Envelope{}, fault.Invalid
	}
	size, err := strconv.ParseUint(f[2], 10, 63)
	if err != nil || size > maxEnvelope {
		return courier.Envelope{}, fault.Invalid
	}
	return courier.Envelope{ID: courier.EnvelopeID(f[0]), Day: f[1], Size: int64(size)}, nil
}
