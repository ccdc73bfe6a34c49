package web_test

import (
	"bufio"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"daylight/codename"
	"daylight/intake"
)

// unlimited is an intake without limits on how often one visit sends.
func unlimited(_ *house, o *intake.Options) {
	many := intake.Rate{Burst: 1e15, Hour: 1}
	o.Limits.All = intake.Rates{Begins: many, Returns: many, Submissions: many, Bytes: many}
	o.Limits.Visit = o.Limits.All
	o.Limits.Own, o.Limits.Uploads, o.Limits.Upload = 1000, 1000, 1<<40
}

// visit is the cookie of somebody who came back: their keys are derived already,
// which takes 64 MiB for a moment.
func (h *house) visit(t testing.TB) *http.Cookie {
	t.Helper()
	words, _ := codename.New("en").AppendText(nil)
	s, err := h.in.Return(t.Context(), words)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Cookie{Name: "visit", Value: s.Token().String()}
}

// endless is a file of so many bytes that are made as they are read.
func endless(n int64) io.Reader { return io.LimitReader(zeros{}, n) }

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// upload sends one file of n bytes as a browser does, and reads the page.
func (h *house) upload(visit *http.Cookie, n int64) error {
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() {
		form.WriteField("way", h.way())
		part, err := form.CreateFormFile("files", "large.bin")
		if err == nil {
			_, err = io.Copy(part, endless(n))
		}
		if err == nil {
			err = form.Close()
		}
		w.CloseWithError(err)
	}()
	req, err := http.NewRequest("POST", h.url+"/send", r)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.AddCookie(visit)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(string(page), "It has arrived") {
		return fmt.Errorf("status %d, %v: %.200s", res.StatusCode, err, page)
	}
	return nil
}

// peak is the most heap that there was while f ran, above what there was before.
func peak(f func()) int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	heap := func() int64 {
		metrics.Read(sample)
		return int64(sample[0].Value.Uint64())
	}
	runtime.GC()
	before, most := heap(), int64(0)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			most = max(most, heap())
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	f()
	close(stop)
	<-done
	return most - before
}

// TestMemoryIsFlat: a file needs no memory for its size. The benchmarks have 2 GiB,
// and 200 at once.
func TestMemoryIsFlat(t *testing.T) {
	h := newHouse(t, unlimited)
	visit := h.visit(t)
	if got := peak(func() {
		if err := h.upload(visit, 160<<20); err != nil {
			t.Error(err)
		}
	}); got > 64<<20 {
		t.Errorf("an upload of 160 MiB took %d MiB of memory; want less than 64, with the test's own", got>>20)
	}
	h.destroyAll(t)
}

func (h *house) destroyAll(t testing.TB) {
	t.Helper()
	list, err := h.in.Courier().Envelopes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		h.acknowledge(t, e.ID)
	}
}

// BenchmarkUpload sends one file through the page. DAYLIGHT_BENCH_UPLOAD is its size
// in MiB, 2048 where it is not set.
func BenchmarkUpload(b *testing.B) {
	size, err := strconv.ParseInt(os.Getenv("DAYLIGHT_BENCH_UPLOAD"), 10, 64)
	if err != nil {
		size = 2048
	}
	h := newHouse(b, unlimited)
	visit := h.visit(b)
	b.SetBytes(size << 20)
	most := int64(0)
	for b.Loop() {
		most = max(most, peak(func() {
			if err := h.upload(visit, size<<20); err != nil {
				b.Error(err)
			}
		}))
		h.destroyAll(b)
	}
	b.ReportMetric(float64(most)/(1<<20), "MiB-heap")
}

// BenchmarkUploads sends files of 8 MiB at once, and tells the most memory that they
// took, the clients' own included.
func BenchmarkUploads(b *testing.B) {
	for _, n := range []int{1, 50, 200} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			h := newHouse(b, unlimited)
			var visits []*http.Cookie
			for range n {
				visits = append(visits, h.visit(b))
			}
			b.SetBytes(int64(n) * 8 << 20)
			most := int64(0)
			for b.Loop() {
				most = max(most, peak(func() {
					var all sync.WaitGroup
					for _, visit := range visits {
						all.Go(func() {
							if err := h.upload(visit, 8<<20); err != nil {
								b.Error(err)
							}
						})
					}
					all.Wait()
				}))
				h.destroyAll(b)
			}
			b.ReportMetric(float64(most)/(1<<20), "MiB-heap")
		})
	}
}

// BenchmarkHostile measures honest submissions while others ask for 10,000 pages a
// second, in all the ways that cost intake something: visits begun, codenames typed
// that are none and that are, forms without a visit. Client and server share the
// machine; what was reached is reported.
func BenchmarkHostile(b *testing.B) {
	for _, rate := range []int{0, 10_000} {
		b.Run(strconv.Itoa(rate), func(b *testing.B) { hostile(b, rate) })
	}
}

func hostile(b *testing.B, rate int) {
	h := newHouse(b, func(_ *house, o *intake.Options) {
		o.Now = time.Now
		many := intake.Rate{Burst: 1e9, Hour: 1}
		o.Limits.Visit = intake.Rates{Begins: many, Returns: many, Submissions: many, Bytes: intake.Rate{Burst: 1e15, Hour: 1}}
	})
	u, _ := url.Parse(h.url)
	words, _ := codename.New("en").AppendText(nil)
	form := func(path, typ, body string) []byte {
		return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", path, u.Host, typ, len(body), body)
	}
	const urlencoded = "application/x-www-form-urlencoded"
	returns := [][]byte{form("/return", urlencoded, "codename="+string(words))}
	others := [][]byte{
		form("/begin", urlencoded, ""), form("/return", urlencoded, "codename=no+such+words"),
		form("/send", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nflood\r\n--x--\r\n"),
		fmt.Appendf(nil, "GET /send HTTP/1.1\r\nHost: %s\r\n\r\n", u.Host),
	}
	visit := h.visit(b)
	var asked atomic.Int64
	stop := make(chan struct{})
	var all sync.WaitGroup
	began := time.Now()
	client := func(requests [][]byte, every time.Duration) {
		all.Go(func() {
			conn, err := net.Dial("tcp", u.Host)
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			answers := bufio.NewReader(conn)
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				case <-time.After(time.Until(began.Add(time.Duration(i) * every))):
				}
				if _, err := conn.Write(requests[i%len(requests)]); err != nil {
					b.Error(err)
					return
				}
				res, err := http.ReadResponse(answers, nil)
				if err != nil {
					b.Error(err)
					return
				}
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
				asked.Add(1)
			}
		})
	}
	if rate > 0 {
		// More who return than the lane lets wait, and others who make up the rate.
		const returning, clients = 80, 32
		for range returning {
			client(returns, time.Second)
		}
		for range clients {
			client(others, clients*time.Second/time.Duration(rate))
		}
	}
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		if err := h.upload(visit, 20_000); err != nil {
			b.Error(err)
		}
		took = append(took, time.Since(start))
		time.Sleep(5 * time.Millisecond)
	}
	seconds := time.Since(began).Seconds()
	close(stop)
	all.Wait()
	slices.Sort(took)
	at := func(q float64) float64 {
		return took[min(len(took)-1, int(q*float64(len(took))))].Seconds() * 1000
	}
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	b.ReportMetric(float64(asked.Load())/seconds, "hostile/s")
}
