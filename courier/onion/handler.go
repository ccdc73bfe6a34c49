package onion

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"daylight/courier"
	"daylight/fault"
)

// Handler serves an intake to the desk. Faults of ours are logged, requests never.
func Handler(in courier.Intake, log *slog.Logger) http.Handler {
	s := &server{in: in, log: log}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /envelopes", s.list)
	mux.HandleFunc("GET /envelopes/{id}", s.open)
	mux.HandleFunc("POST /acknowledged", s.acknowledge)
	mux.HandleFunc("PUT /replies/{box}/{id}", s.putReply)
	mux.HandleFunc("PUT /keys", s.putKeys)
	return mux
}

type server struct {
	in  courier.Intake
	log *slog.Logger

	mu    sync.Mutex
	sizes map[courier.EnvelopeID]int64 // of the last list: a desk asks for it, and then for what is in it
}

// done ends a request that has no answer but how it went.
func (s *server) done(w http.ResponseWriter, r *http.Request, err error) {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	status := statusOf(err)
	if status == http.StatusInternalServerError && r.Context().Err() == nil {
		s.log.Error("courier", "err", err)
	}
	w.WriteHeader(status)
}

func (s *server) list(w http.ResponseWriter, r *http.Request) {
	list, err := s.envelopes(r.Context())
	if err != nil {
		s.done(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	if len(list) > maxEnvelopes {
		// Any of them: a desk without room for junk leaves it here, and must not be told of
		// the same each time.
		rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		list = list[:maxEnvelopes]
	}
	writeList(w, list) // an error is the desk's to see: the list breaks off
}

// envelopes lists them, and keeps their sizes.
func (s *server) envelopes(ctx context.Context) ([]courier.Envelope, error) {
	list, err := s.in.Envelopes(ctx)
	if err != nil {
		return nil, err
	}
	sizes := make(map[courier.EnvelopeID]int64, len(list))
	for _, e := range list {
		sizes[e.ID] = e.Size
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sizes = sizes
	return list, nil
}

// size is that of an envelope, which never changes: fault.NotFound when there is none.
func (s *server) size(ctx context.Context, id courier.EnvelopeID) (int64, error) {
	s.mu.Lock()
	n, ok := s.sizes[id]
	s.mu.Unlock()
	if ok {
		return n, nil
	}
	list, err := s.envelopes(ctx)
	if err != nil {
		return 0, err
	}
	for _, e := range list {
		if e.ID == id {
			return e.Size, nil
		}
	}
	return 0, fault.NotFound
}

// open sends an envelope, from the start or from where a transfer broke.
func (s *server) open(w http.ResponseWriter, r *http.Request) {
	id := courier.EnvelopeID(r.PathValue("id"))
	size, err := s.size(r.Context(), id)
	if err != nil {
		s.done(w, r, err)
		return
	}
	from := int64(0)
	if h := r.Header.Get("Range"); h != "" {
		from, err = parseRange(h)
		if err != nil || from >= size {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return
		}
	}
	sealed, err := s.in.Open(r.Context(), id)
	if err != nil {
		s.done(w, r, err)
		return
	}
	defer sealed.Close()
	body := bufio.NewReaderSize(sealed, 64<<10)
	_, err = io.CopyN(io.Discard, body, from)
	if err == nil && size > 0 {
		_, err = body.Peek(1) // what is damaged here is said, where it can still be
	}
	if err != nil {
		s.done(w, r, fmt.Errorf("open envelope: %w", err))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Length", strconv.FormatInt(size-from, 10))
	status := http.StatusOK
	if from > 0 {
		status = http.StatusPartialContent
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, size-1, size))
	}
	w.WriteHeader(status)
	if _, err := io.CopyN(w, body, size-from); err != nil {
		http.NewResponseController(w).Flush() // what came counts
		panic(http.ErrAbortHandler)           // a break, and not an end
	}
}

// parseRange reads the one form that a desk sends.
func parseRange(h string) (int64, error) {
	n, begins := strings.CutPrefix(h, "bytes=")
	n, ends := strings.CutSuffix(n, "-")
	from, err := strconv.ParseUint(n, 10, 63)
	if !begins || !ends || err != nil {
		return 0, fault.Invalid
	}
	return int64(from), nil
}

func (s *server) acknowledge(w http.ResponseWriter, r *http.Request) {
	body, err := readAll(r.Body, maxList)
	if err == nil {
		var ids []courier.EnvelopeID
		for id := range strings.FieldsSeq(string(body)) {
			ids = append(ids, courier.EnvelopeID(id))
		}
		if err = s.in.Acknowledge(r.Context(), ids); err == nil {
			s.forget(ids)
		}
	}
	s.done(w, r, err)
}

// forget leaves nothing in memory of envelopes that are destroyed.
func (s *server) forget(ids []courier.EnvelopeID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		delete(s.sizes, id) // its bytes lie elsewhere, and are garbage
	}
}

// readAll reads a body of no more than so many bytes.
func readAll(r io.Reader, most int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(b)) > most {
		err = fault.TooLarge
	}
	return b, err
}

// putReply hands the bytes on as they come. What breaks off reads as an error, and
// intake keeps nothing of it.
func (s *server) putReply(w http.ResponseWriter, r *http.Request) {
	s.done(w, r, s.in.PutReply(r.Context(), courier.MailboxID(r.PathValue("box")), courier.ReplyID(r.PathValue("id")), r.Body))
}

func (s *server) putKeys(w http.ResponseWriter, r *http.Request) {
	list, err := readAll(r.Body, maxKeys)
	if err == nil {
		err = s.in.PutKeys(r.Context(), list)
	}
	s.done(w, r, err)
}
