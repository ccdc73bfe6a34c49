package onion_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"daylight/courier"
	"daylight/courier/couriertest"
	"daylight/courier/onion"
	"daylight/fault"
)

const (
	someID = courier.EnvelopeID("00112233445566778899aabbccddeeff")
	box    = courier.MailboxID("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")
)

// breaking lets so many bytes of each answer through, and then breaks the connection.
func breaking(h http.Handler, after ...int) (http.Handler, *[]string) {
	n, ranges := 0, &[]string{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/envelopes/") {
			h.ServeHTTP(w, r)
			return
		}
		*ranges = append(*ranges, r.Header.Get("Range"))
		left := -1
		if n < len(after) {
			left = after[n]
		}
		n++
		h.ServeHTTP(&breakingWriter{w, left}, r)
	}), ranges
}

type breakingWriter struct {
	http.ResponseWriter
	left int // -1: all
}

func (b *breakingWriter) Write(p []byte) (int, error) {
	if b.left < 0 {
		return b.ResponseWriter.Write(p)
	}
	n, _ := b.ResponseWriter.Write(p[:min(len(p), b.left)])
	if b.left -= n; b.left == 0 {
		b.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, nil
}

func TestATransferThatBreaksGoesOn(t *testing.T) {
	f := newFar()
	sealed := make([]byte, 3<<20+17)
	rand.Read(sealed)
	id := f.arrive(sealed, "2026-11-23")
	// Breaks at once, in the middle, many times over, and just before the end.
	breaks := []int{1, 0, 0, 100_000}
	for range 3 * onion.MaxTries {
		breaks = append(breaks, onion.Enough)
	}
	at := 0
	for _, n := range breaks {
		at += n
	}
	breaks = append(breaks, len(sealed)-at-1)
	h, ranges := breaking(onion.Handler(f, quiet), breaks...)
	c := serve(t, h).Hurry(time.Microsecond, time.Minute)
	r, err := c.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(got, sealed) {
		t.Errorf("%d bytes, %v; want the %d that arrived", len(got), err, len(sealed))
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if n := len(breaks) + 1; len(*ranges) != n || (*ranges)[0] != "" || (*ranges)[n-1] != fmt.Sprintf("bytes=%d-", len(sealed)-1) {
		t.Errorf("asked for %q", *ranges)
	}
}

func TestATransferThatOnlyBreaksEnds(t *testing.T) {
	for name, piece := range map[string]int{"nothing comes": 0, "a byte a time": 1} {
		f := newFar()
		id := f.arrive(make([]byte, 1<<20), "2026-11-23")
		h, ranges := breaking(onion.Handler(f, quiet), slices.Repeat([]int{piece}, 1000)...)
		r, err := serve(t, h).Hurry(time.Microsecond, time.Minute).Open(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(r); err == nil || len(*ranges) != onion.MaxTries {
			t.Errorf("%s: %v after %d tries; want an error after %d", name, err, len(*ranges), onion.MaxTries)
		}
		r.Close()
	}
}

func TestAnEnvelopeThatIsGoneMeanwhile(t *testing.T) {
	f := newFar()
	id := f.arrive(make([]byte, 1<<20), "2026-11-23")
	h, _ := breaking(onion.Handler(f, quiet), 1000)
	c := serve(t, h).Hurry(time.Microsecond, time.Minute)
	r, err := c.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	if err := c.Acknowledge(t.Context(), []courier.EnvelopeID{id}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); !errors.Is(err, fault.NotFound) {
		t.Errorf("%v; want not found", err)
	}
}

// damaged is an intake whose disk has lost the end of what it holds.
type damaged struct {
	*far
	whole int
}

func (d damaged) Open(ctx context.Context, id courier.EnvelopeID) (io.ReadCloser, error) {
	r, err := d.far.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(io.MultiReader(io.LimitReader(r, int64(d.whole)), lost{})), nil
}

type lost struct{}

func (lost) Read([]byte) (int, error) { return 0, fmt.Errorf("read block: %w", fault.Damaged) }

// TestWhatIsDamagedAtIntake comes as far as it is whole, and is then said to be
// damaged, which the desk takes for the end.
func TestWhatIsDamagedAtIntake(t *testing.T) {
	for _, whole := range []int{0, 1, 64 << 10, 100_000} {
		f := newFar()
		id := f.arrive(bytes.Repeat([]byte("sealed, "), 20_000), "2026-11-23")
		c := serve(t, onion.Handler(damaged{f, whole}, quiet)).Hurry(time.Microsecond, time.Minute)
		r, err := c.Open(t.Context(), id)
		if whole == 0 {
			if !errors.Is(err, fault.Damaged) {
				t.Errorf("nothing whole: %v; want damaged", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(r); len(b) != whole || !errors.Is(err, fault.Damaged) {
			t.Errorf("%d bytes, %v; want %d, and damaged", len(b), err, whole)
		}
		r.Close()
	}
}

// TestHostileIntake: what each of these answers ends with an error, soon, and makes
// the desk ask nobody else.
func TestHostileIntake(t *testing.T) {
	line := string(someID) + " 2026-11-23 10\n"
	for name, h := range map[string]http.HandlerFunc{
		"sends elsewhere": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				t.Error("the desk follows")
			}
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
		"another host": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://other.onion/", http.StatusFound) // serve looks at who is dialled
		},
		"endless": func(w http.ResponseWriter, r *http.Request) {
			for n := 0; ; n++ {
				if _, err := fmt.Fprintf(w, "%032x 2026-11-23 10\n", n); err != nil {
					return
				}
			}
		},
		"one endless line": func(w http.ResponseWriter, r *http.Request) {
			for {
				if _, err := w.Write(bytes.Repeat([]byte("0"), 4096)); err != nil {
					return
				}
			}
		},
		"more than it says": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "4611686018427387904")
			w.Write([]byte("x"))
		},
		"headers without end": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 1<<20))
			io.WriteString(w, line)
		},
		"a page":         func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>sign in</html>") },
		"twice the same": func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, line+line) },
		"a path": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "../../etc/passwd 2026-11-23 10\n")
		},
		"no day":   func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, string(someID)+" 2026-13-23 10\n") },
		"negative": func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, string(someID)+" 2026-11-23 -1\n") },
		"immense": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, string(someID)+" 2026-11-23 9223372036854775807\n")
		},
		"says nothing": func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body) // only then does the server see that nobody waits
			<-r.Context().Done()
		},
		"breaks off":    func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, line); panic(http.ErrAbortHandler) },
		"is surprised":  func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) },
		"has no answer": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"drips": func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			for r.Context().Err() == nil {
				w.Write([]byte("0"))
				w.(http.Flusher).Flush()
				time.Sleep(5 * time.Millisecond)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, h).Hurry(time.Microsecond, 300*time.Millisecond)
			if list, err := c.Envelopes(t.Context()); err == nil {
				t.Errorf("%d envelopes", len(list))
			}
			if r, err := c.Open(t.Context(), someID); err == nil {
				if _, err := io.ReadAll(r); err == nil && (name == "drips" || name == "breaks off") {
					t.Error("an envelope that never came whole is whole")
				}
				r.Close()
			}
			if name == "has no answer" { // which is what says that all is well
				return
			}
			if err := c.PutReply(t.Context(), box, courier.ReplyID(someID), strings.NewReader(couriertest.Sealed)); err == nil {
				t.Error("a reply counts as left")
			}
			if err := c.Acknowledge(t.Context(), []courier.EnvelopeID{someID}); err == nil {
				t.Error("an envelope counts as acknowledged")
			}
		})
	}
}

// TestSizesThatChange: an intake that has broken off answers for another envelope.
func TestSizesThatChange(t *testing.T) {
	for name, second := range map[string]func(h http.Header) int{
		"longer": func(h http.Header) int {
			h.Set("Content-Range", "bytes 5-19/20")
			h.Set("Content-Length", "15")
			return 206
		},
		"from elsewhere": func(h http.Header) int {
			h.Set("Content-Range", "bytes 0-4/10")
			h.Set("Content-Length", "5")
			return 206
		},
		"no range":       func(h http.Header) int { h.Set("Content-Length", "5"); return 206 },
		"from the start": func(h http.Header) int { h.Set("Content-Length", "10"); return 200 },
		"without length": func(h http.Header) int { h.Set("Content-Range", "bytes 5-9/10"); return 206 },
	} {
		n := 0
		c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n++; n == 1 {
				w.Header().Set("Content-Length", "10")
				io.WriteString(w, "01234")
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			}
			w.WriteHeader(second(w.Header()))
			io.WriteString(w, "xxxxx")
			w.(http.Flusher).Flush()
		})).Hurry(time.Microsecond, time.Minute)
		r, err := c.Open(t.Context(), someID)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(r); err == nil || len(b) != 5 {
			t.Errorf("%s: %q, %v; want an error after what came before", name, b, err)
		}
		r.Close()
	}
}

// slowReader brings a byte now and then.
type slowReader struct{}

func (slowReader) Read(p []byte) (int, error) {
	time.Sleep(5 * time.Millisecond)
	p[0] = 'x'
	return 1, nil
}

func TestAReplyThatDoesNotMoveEnds(t *testing.T) {
	c := serve(t, onion.Handler(newFar(), quiet)).Hurry(time.Microsecond, 100*time.Millisecond)
	if err := c.PutReply(t.Context(), box, courier.ReplyID(someID), slowReader{}); !errors.Is(err, onion.ErrSlow) {
		t.Errorf("%v; want that it is too slow", err)
	}
}

// refusing is an intake that answers with an error.
type refusing struct {
	*far
	err error
}

func (r refusing) PutKeys(context.Context, []byte) error { return r.err }

func TestKindsOfFaultPass(t *testing.T) {
	for _, kind := range []error{fault.NotFound, fault.Invalid, fault.Conflict, fault.TooLarge, fault.Unverified, fault.Busy, fault.Full, fault.Damaged} {
		c := serve(t, onion.Handler(refusing{newFar(), fmt.Errorf("keys: %w", kind)}, quiet))
		if err := c.PutKeys(t.Context(), []byte("list")); !errors.Is(err, kind) {
			t.Errorf("%v; want %v", err, kind)
		}
	}
	c := serve(t, onion.Handler(newFar(), quiet))
	if err := c.PutKeys(t.Context(), make([]byte, 1<<20+1)); !errors.Is(err, fault.TooLarge) {
		t.Errorf("%v; want too large", err)
	}
}

// TestWhoIsRefusedByTheHandler asks in ways that no desk of ours does.
func TestWhoIsRefusedByTheHandler(t *testing.T) {
	f := newFar()
	id := f.arrive([]byte("0123456789"), "2026-11-23")
	for _, h := range []string{"bytes=10-", "bytes=11-", "bytes=-1", "bytes=1-2", "bytes=1-,3-", "lines=1-", "bytes=+1-", "bytes=99999999999999999999-"} {
		r, _ := http.NewRequest("GET", "/envelopes/"+string(id), nil)
		r.Header.Set("Range", h)
		w := httptest.NewRecorder()
		onion.Handler(f, quiet).ServeHTTP(w, r)
		if w.Code != http.StatusRequestedRangeNotSatisfiable || w.Body.Len() != 0 {
			t.Errorf("%s: status %d, %q", h, w.Code, w.Body)
		}
	}
	for _, to := range []string{"GET /", "GET /envelopes/", "PUT /envelopes/" + string(id), "DELETE /envelopes/" + string(id), "GET /replies/" + string(box), "GET /keys", "GET /envelopes/../keys"} {
		method, path, _ := strings.Cut(to, " ")
		r, _ := http.NewRequest(method, path, nil)
		w := httptest.NewRecorder()
		onion.Handler(f, quiet).ServeHTTP(w, r)
		if w.Code < 300 {
			t.Errorf("%s: status %d, %q", to, w.Code, w.Body)
		}
	}
}

func FuzzList(f *testing.F) {
	f.Add(string(someID) + " 2026-11-23 10\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		list, err := onion.ReadList(strings.NewReader(s))
		if err != nil {
			return
		}
		for _, e := range list {
			if _, err := time.Parse(time.DateOnly, e.Day); err != nil || len(e.ID) != 32 || strings.Trim(string(e.ID), "0123456789abcdef") != "" || e.Size < 0 {
				t.Errorf("%+v", e)
			}
		}
	})
}

// FuzzIntake has an intake answer with any bytes at all: the desk ends, and takes
// no more than it was told of.
func FuzzIntake(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 47\r\n\r\n"+string(someID)+" 2026-11-23 10\n"), []byte(""))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123"), []byte("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 4-9/10\r\nContent-Length: 6\r\n\r\n456789"))
	f.Add([]byte("HTTP/1.1 307 T\r\nLocation: http://x/\r\n\r\n"), []byte("HTTP/1.1 204 No Content\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n"), []byte("HTTP/1.1 100 Continue\r\n\r\n"))
	f.Fuzz(func(t *testing.T, first, then []byte) {
		n := 0
		c := onion.New("intake.onion", func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			answer := first
			if n++; n > 1 {
				answer = then
			}
			go io.Copy(io.Discard, there)
			go func() { there.Write(answer); there.Close() }()
			return here, nil
		}).Hurry(time.Nanosecond, time.Second)
		defer c.Close()
		c.Envelopes(t.Context())
		n = 0
		if r, err := c.Open(t.Context(), someID); err == nil {
			got, _ := io.Copy(io.Discard, r)
			if got > int64(len(first)+onion.MaxTries*len(then)) {
				t.Errorf("%d bytes out of %d and %d", got, len(first), len(then))
			}
			r.Close()
		}
		n = 0
		c.PutReply(t.Context(), box, courier.ReplyID(someID), strings.NewReader("x"))
	})
}

// FuzzHandler has intake answer what a desk never sends: each request ends with a
// status, and none with a fault of ours.
func FuzzHandler(f *testing.F) {
	for _, r := range []string{"GET /envelopes", "POST /acknowledged", "PUT /replies/" + string(box) + "/" + string(someID), "PUT /keys"} {
		method, path, _ := strings.Cut(r, " ")
		f.Add(method, path, "", []byte(someID))
	}
	f.Add("GET", "/envelopes/"+string(someID), "bytes=4-", []byte(nil))
	f.Add("GET", "/envelopes/%30", "bytes=10-", []byte("\xff\n"))
	f.Fuzz(func(t *testing.T, method, path, span string, body []byte) {
		to, err := url.Parse("http://intake.onion/" + strings.TrimPrefix(path, "/"))
		if err != nil {
			return
		}
		in := newFar()
		in.envelopes[someID] = courier.Envelope{ID: someID, Day: "2026-11-23", Size: 10}
		in.sealed[someID] = []byte("0123456789")
		r := httptest.NewRequest("POST", "http://intake.onion/", bytes.NewReader(body))
		r.Method, r.URL = method, to
		r.Header.Set("Range", span)
		w := httptest.NewRecorder()
		onion.Handler(in, quiet).ServeHTTP(w, r)
		if w.Code >= 500 || w.Code == http.StatusPartialContent && !strings.HasSuffix("0123456789", w.Body.String()) {
			t.Errorf("status %d, %q", w.Code, w.Body)
		}
	})
}
