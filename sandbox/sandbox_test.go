package sandbox_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"daylight/fault"
	"daylight/sandbox"
)

func TestMain(m *testing.M) {
	sandbox.Child(handlers)
	os.Exit(m.Run())
}

// handlers are what the children of these tests can do; attacks add to them.
var handlers = map[string]sandbox.Handler{
	"hash": func(_ context.Context, in *sandbox.Input, out *sandbox.Output) error {
		h := sha256.New()
		if _, err := io.Copy(h, io.NewSectionReader(in, 0, in.Size)); err != nil {
			return err
		}
		return out.Send('h', append(h.Sum(nil), in.Args...))
	},
	"jump": func(_ context.Context, in *sandbox.Input, out *sandbox.Output) error {
		r := rand.New(rand.NewPCG(1, 2))
		for range 500 {
			p := make([]byte, r.IntN(3000))
			off := r.Int64N(in.Size)
			n, err := in.ReadAt(p, off)
			if err != nil && !(err == io.EOF && off+int64(n) == in.Size) {
				return err
			}
			if err := out.Send('j', fmt.Appendf(nil, "%d %x", off, p[:n])); err != nil {
				return err
			}
		}
		return nil
	},
	"nothing": func(context.Context, *sandbox.Input, *sandbox.Output) error { return nil },
	"fails":   func(context.Context, *sandbox.Input, *sandbox.Output) error { return errors.New("a secret word") },
	"panics":  func(context.Context, *sandbox.Input, *sandbox.Output) error { panic("a secret word") },
	"loops": func(context.Context, *sandbox.Input, *sandbox.Output) error {
		for i := 0; ; i++ {
			uses = i
		}
	},
	"sleeps": func(context.Context, *sandbox.Input, *sandbox.Output) error { time.Sleep(time.Hour); return nil },
	"hoards": func(context.Context, *sandbox.Input, *sandbox.Output) error {
		var all [][]byte
		for {
			b := make([]byte, 1<<20)
			for i := range b {
				b[i] = byte(i)
			}
			all = append(all, b)
			if len(all) > 1<<16 {
				return nil
			}
		}
	},
	"floods": func(_ context.Context, _ *sandbox.Input, out *sandbox.Output) error {
		for {
			if err := out.Send('f', make([]byte, 1<<16)); err != nil {
				return err
			}
		}
	},
	"garbles": func(context.Context, *sandbox.Input, *sandbox.Output) error {
		os.Stdout.Write(bytes.Repeat([]byte{0xff}, 100))
		time.Sleep(time.Hour)
		return nil
	},
	"asks for more": func(_ context.Context, in *sandbox.Input, _ *sandbox.Output) error {
		in.Size += 1 << 20 // lies about the body, to read beyond it
		_, err := in.ReadAt(make([]byte, 10), in.Size-10)
		return err
	},
	"dies later": func(context.Context, *sandbox.Input, *sandbox.Output) error {
		time.AfterFunc(10*time.Millisecond, func() { os.Exit(9) })
		return nil
	},
	"uses": func(_ context.Context, _ *sandbox.Input, out *sandbox.Output) error {
		uses++
		return out.Send('u', fmt.Append(nil, uses))
	},
	"exits": func(context.Context, *sandbox.Input, *sandbox.Output) error { os.Exit(0); return nil },
}

var uses int // in a child: how many requests for "uses" it had

func newPool(t testing.TB, n int, o sandbox.Options) *sandbox.Pool {
	t.Helper()
	p, err := sandbox.NewPool(n, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// run gives all messages of a request.
func run(t testing.TB, p *sandbox.Pool, r sandbox.Request) ([]string, error) {
	t.Helper()
	return runContext(t.Context(), p, r)
}

func runContext(ctx context.Context, p *sandbox.Pool, r sandbox.Request) ([]string, error) {
	call, err := p.Start(ctx, r)
	if err != nil {
		return nil, err
	}
	defer call.Close()
	var all []string
	for {
		_, data, err := call.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, string(data))
	}
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n)}).Read(b)
	return b
}

// The sizes are those around which the body is cut into pieces.
func TestBody(t *testing.T) {
	p := newPool(t, 1, sandbox.Options{})
	for _, size := range []int{0, 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 256 << 10, 256<<10 + 1, 9<<20 + 7} {
		body := random(size)
		got, err := run(t, p, sandbox.Request{Handler: "hash", Args: []byte("args"), Body: bytes.NewReader(body), Size: int64(size)})
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		want := sha256.Sum256(body)
		if len(got) != 1 || got[0] != string(want[:])+"args" {
			t.Errorf("%d bytes: wrong hash", size)
		}
	}
}

func TestReadAt(t *testing.T) {
	p := newPool(t, 1, sandbox.Options{})
	body := random(7<<20 + 3)
	got, err := run(t, p, sandbox.Request{Handler: "jump", Body: bytes.NewReader(body), Size: int64(len(body))})
	if err != nil || len(got) != 500 {
		t.Fatalf("%d reads, %v; want 500", len(got), err)
	}
	for _, g := range got {
		var off int
		var hex string
		fmt.Sscanf(g, "%d %s", &off, &hex)
		if want := fmt.Sprintf("%x", body[off:off+len(hex)/2]); hex != want {
			t.Fatalf("at %d: wrong bytes", off)
		}
	}
}

// badReader fails in its second half.
type badReader struct{ good int64 }

func (b badReader) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > b.good {
		return 0, errors.New("disk error")
	}
	return len(p), nil
}

func TestBodyUnreadable(t *testing.T) {
	p := newPool(t, 1, sandbox.Options{})
	_, err := run(t, p, sandbox.Request{Handler: "hash", Body: badReader{1 << 20}, Size: 2 << 20})
	if !errors.Is(err, fault.Damaged) {
		t.Errorf("got %v; want damaged", err)
	}
	if _, err := run(t, p, sandbox.Request{Handler: "hash", Body: badReader{0}, Size: 10}); err == nil {
		t.Error("a body that cannot be read at all: no error")
	}
}

// Each of them ends its own request within its budget, says why, and leaves a pool
// that works.
func TestEnds(t *testing.T) {
	budget := sandbox.Budget{Memory: 256 << 20, CPU: time.Second, Wall: time.Minute, Output: 10 << 20}
	p := newPool(t, 1, sandbox.Options{Budget: budget})
	for _, c := range []struct {
		handler string
		cause   sandbox.Cause
		words   string
	}{
		{"fails", sandbox.Failed, "the program that reads it gave up"},
		{"panics", sandbox.Crashed, "the program that reads it ended on it"},
		{"loops", sandbox.CPU, "more than 1s of processor time"},
		{"sleeps", sandbox.Wall, "more than 1s"},
		{"hoards", sandbox.Memory, "more than 256 MiB of memory"},
		{"floods", sandbox.Volume, "more than 10 MiB came out"},
		{"garbles", sandbox.Garbled, "ended on it"},
		{"asks for more", sandbox.Garbled, "ended on it"},
		{"exits", sandbox.Crashed, "ended on it"},
		{"no such handler", sandbox.Crashed, "ended on it"},
	} {
		t.Run(c.handler, func(t *testing.T) {
			if c.cause == sandbox.Memory && raceDetector {
				t.Skip("the race detector maps more than any limit")
			}
			req := sandbox.Request{Handler: c.handler}
			if c.cause == sandbox.Wall {
				req.Budget.Wall = time.Second
			}
			start := time.Now()
			_, err := run(t, p, req)
			var ended *sandbox.Ended
			if !errors.As(err, &ended) || ended.Cause != c.cause || !errors.Is(err, fault.Damaged) {
				t.Fatalf("got %v; want cause %q, damaged", err, c.cause)
			}
			if !strings.Contains(err.Error(), c.words) || strings.Contains(err.Error(), "secret") {
				t.Errorf("words %q; want %q", err, c.words)
			}
			if took := time.Since(start); took > 50*time.Second {
				t.Errorf("took %v", took)
			}
			if got, err := run(t, p, sandbox.Request{Handler: "hash"}); err != nil || len(got) != 1 {
				t.Errorf("the next request: %v", err)
			}
		})
	}
}

// The caller's own slowness does not count as the child's.
func TestWallCountsWaitingOnly(t *testing.T) {
	p := newPool(t, 1, sandbox.Options{Budget: sandbox.Budget{Wall: 2 * time.Second}})
	call, err := p.Start(t.Context(), sandbox.Request{Handler: "jump", Body: bytes.NewReader(random(4 << 20)), Size: 4 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer call.Close()
	if _, _, err := call.Next(); err != nil {
		t.Fatal(err)
	}
	<-time.After(3 * time.Second) // the caller is busy; this is what is tested
	for {
		if _, _, err := call.Next(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestCancel(t *testing.T) {
	p := newPool(t, 1, sandbox.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	if _, err := runContext(ctx, p, sandbox.Request{Handler: "sleeps"}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want canceled", err)
	}
	if _, err := run(t, p, sandbox.Request{Handler: "nothing"}); err != nil {
		t.Errorf("after cancel: %v", err)
	}
}

// Many at once, some of them deadly: each gets its own answer.
func TestParallel(t *testing.T) {
	p := newPool(t, 2, sandbox.Options{Max: 4, Uses: 7})
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			if i%5 == 0 {
				if _, err := runContext(t.Context(), p, sandbox.Request{Handler: "panics"}); !errors.Is(err, fault.Damaged) {
					t.Errorf("panic: %v", err)
				}
				return
			}
			body := random(i * 10_000)
			got, err := runContext(t.Context(), p, sandbox.Request{Handler: "hash", Body: bytes.NewReader(body), Size: int64(len(body))})
			want := sha256.Sum256(body)
			if err != nil || got[0] != string(want[:]) {
				t.Errorf("request %d: %v", i, err)
			}
		})
	}
	wg.Wait()
}

// A child that died while it waited costs nobody a request.
func TestIdleChildDies(t *testing.T) {
	p := newPool(t, 1, sandbox.Options{})
	if _, err := run(t, p, sandbox.Request{Handler: "dies later"}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; {
		var ended *sandbox.Ended
		got, err := run(t, p, sandbox.Request{Handler: "uses"})
		if errors.As(err, &ended) && ended.Warm {
			continue // it died while it worked on this one
		}
		if err != nil {
			t.Fatal(err)
		}
		if got[0] == "1" {
			return // a new one has answered
		}
		if time.Now().After(deadline) {
			t.Fatal("the child did not die")
		}
	}
}

func TestFresh(t *testing.T) {
	p := newPool(t, 1, sandbox.Options{})
	for _, c := range []struct {
		fresh bool
		want  string
	}{{false, "1"}, {false, "2"}, {true, "1"}, {false, "2"}} {
		if got, err := run(t, p, sandbox.Request{Handler: "uses", Fresh: c.fresh}); err != nil || got[0] != c.want {
			t.Errorf("fresh %t: request %q of its child, %v; want %s", c.fresh, got, err, c.want)
		}
	}
}

func TestClose(t *testing.T) {
	p := newPool(t, 1, sandbox.Options{})
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Start(t.Context(), sandbox.Request{Handler: "nothing"}); !errors.Is(err, sandbox.ErrClosed) {
		t.Errorf("after close: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
}

func BenchmarkRequest(b *testing.B) {
	p := newPool(b, 1, sandbox.Options{})
	body := random(5000)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := run(b, p, sandbox.Request{Handler: "hash", Body: bytes.NewReader(body), Size: int64(len(body))}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		p, err := sandbox.NewPool(1, sandbox.Options{})
		if err != nil {
			b.Fatal(err)
		}
		p.Close()
	}
}
