package httpkit

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"daylight/fault"
)

// serving serves until the test ends.
func serving(t *testing.T, l net.Listener, stall time.Duration, h http.HandlerFunc) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- serve(ctx, patient{l, stall}, h) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestWhoDoesNotRead: who asks and reads nothing keeps neither an answer nor its
// connection for ever.
func TestWhoDoesNotRead(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		address := "127.0.0.1:0"
		if network == "unix" {
			address = filepath.Join(t.TempDir(), "s")
		}
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		serving(t, l, 100*time.Millisecond, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/short" {
				io.WriteString(w, strings.Repeat("x", 10_000))
				return
			}
			_, err := io.Copy(w, zeros{})
			ended <- err
		})
		ask := func() net.Conn {
			c, err := net.Dial(network, l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			c.SetDeadline(time.Now().Add(time.Minute))
			return c
		}
		io.WriteString(ask(), "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
		select {
		case err := <-ended:
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s: an endless answer ends with %v", network, err)
			}
		case <-time.After(time.Minute):
			t.Errorf("%s: an answer that nobody reads goes on", network)
		}
		// Many questions on one connection: the server takes no more of them while it
		// waits, and ends that too.
		for c, err := ask(), error(nil); err == nil; {
			if _, err = io.WriteString(c, strings.Repeat("GET /short HTTP/1.1\r\nHost: x\r\n\r\n", 100)); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s: a connection on which nobody reads stays open", network)
			}
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// TestWhoReadsSlowly: an answer takes hours, as long as it gets on.
func TestWhoReadsSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 4 << 20
		ours, theirs := net.Pipe()
		l := one{make(chan net.Conn, 1), make(chan struct{})}
		l.conns <- theirs
		serving(t, l, 5*time.Minute, func(w http.ResponseWriter, r *http.Request) { w.Write(make([]byte, size)) })
		defer ours.Close()
		began := time.Now()
		io.WriteString(ours, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		res, err := http.ReadResponse(bufio.NewReaderSize(ours, 16), nil)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for buf := make([]byte, 1<<10); err == nil; time.Sleep(4 * time.Second) {
			var m int
			m, err = io.ReadFull(res.Body, buf)
			n += m
		}
		if n != size || time.Since(began) < 4*time.Hour {
			t.Errorf("%d bytes in %v, %v; want all of %d", n, time.Since(began), err, size)
		}
	})
}

// one is a listener at which somebody waits.
type one struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l one) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l one) Close() error   { close(l.closed); return nil }
func (l one) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// TestWhoKeepsSomethingIsWaitedFor: what a request brought is kept also when the serving
// ends in its middle, and only who never ends is left behind.
func TestWhoKeepsSomethingIsWaitedFor(t *testing.T) {
	for keeps, want := range map[time.Duration]error{20 * time.Second: nil, time.Hour: fault.Busy} {
		synctest.Test(t, func(t *testing.T) {
			ours, theirs := net.Pipe()
			defer ours.Close()
			l := one{make(chan net.Conn, 1), make(chan struct{})}
			l.conns <- theirs
			ctx, stop := context.WithCancel(t.Context())
			kept := make(chan struct{})
			done := make(chan error)
			go func() {
				done <- serve(ctx, patient{l, time.Minute}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					io.Copy(io.Discard, r.Body)
					time.Sleep(keeps)
					close(kept)
				}))
			}()
			io.WriteString(ours, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nbegun")
			synctest.Wait()
			began := time.Now()
			stop()
			if err := <-done; !errors.Is(err, want) || time.Since(began) > time.Minute {
				t.Errorf("the end of a request takes %v: serving ends after %v with %v; want %v", keeps, time.Since(began), err, want)
			}
			select {
			case <-kept:
			default:
				if want == nil {
					t.Error("serving ends before a request has")
				}
				<-kept
			}
		})
	}
}
