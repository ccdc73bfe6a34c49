package web_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
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
	"daylight/internal/secret"
)

// unlimited is an intake without limits on how often one visit sends.
func unlimited(_ *house, o *intake.Options) {
	many := intake.Rate{Burst: 1e15, Hour: 1}
	o.Limits.All = intake.Rates{Begins: many, Returns: many, Submissions: many, Pages: many, Bytes: many}
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
	return upload(http.DefaultClient, h.url, visit, n)
}

func upload(client *http.Client, to string, visit *http.Cookie, n int64) error {
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() {
		form.WriteField("way", (&house{url: to}).way())
		part, err := form.CreateFormFile("files", "large.bin")
		if err == nil {
			_, err = io.Copy(part, endless(n))
		}
		if err == nil {
			err = form.Close()
		}
		w.CloseWithError(err)
	}()
	req, err := http.NewRequest("POST", to+"/send", r)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.AddCookie(visit)
	res, err := client.Do(req)
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
// and 200 at once, in a process of their own.
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

// served is an intake in a process of its own, as `daylight serve` is one, on a socket.
type served struct {
	*http.Client
	socket, host string
	pid          int
	visits       []*http.Cookie // of people who came back
}

// child is what a process of this test is to be, instead of the tests.
const child = "DAYLIGHT_BENCH_CHILD"

// TestChild is such a process, until its standard input ends. In all other runs there
// is nothing to do.
func TestChild(t *testing.T) {
	what := strings.Fields(os.Getenv(child))
	if len(what) == 0 {
		return
	}
	number := func(i int) int { n, _ := strconv.Atoi(what[i]); return n }
	switch what[0] {
	case "serve":
		serveChild(t, number(1), what[2] == "limits")
	case "flood":
		flood(what[1], what[2], number(3))
	}
}

func serveChild(t *testing.T, visits int, limits bool) {
	h := newHouse(t, func(h *house, o *intake.Options) {
		all := o.Limits.All
		unlimited(h, o)
		if limits { // those of all visits together are as they are; one visit may do what a test asks of it
			o.Limits.All, o.Limits.Uploads = all, 0
		}
		o.Now = time.Now
	})
	socket := h.serveOn(t)
	for range visits {
		fmt.Println("visit", h.visit(t).Value)
	}
	secret.Collect() // what Argon2 took
	fmt.Println("socket", socket, strings.TrimPrefix(h.url, "http://"))
	io.Copy(io.Discard, os.Stdin)
}

// process starts a child.
func process(b *testing.B, what string) (stdout *bufio.Scanner, pid int) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.timeout=1h")
	cmd.Env, cmd.Stderr = append(os.Environ(), child+"="+what), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); cmd.Wait() })
	return bufio.NewScanner(out), cmd.Process.Pid
}

func serve(b *testing.B, visits int, limits string) *served {
	out, pid := process(b, fmt.Sprintf("serve %d %s", visits, limits))
	s := &served{pid: pid}
	for s.socket == "" && out.Scan() {
		switch f := strings.Fields(out.Text()); {
		case len(f) == 2 && f[0] == "visit":
			s.visits = append(s.visits, &http.Cookie{Name: "visit", Value: f[1]})
		case len(f) == 3 && f[0] == "socket":
			s.socket, s.host = f[1], f[2]
		}
	}
	if s.socket == "" {
		b.Fatal("the intake did not start")
	}
	go func() { // what it has to say in the end
		for out.Scan() {
		}
	}()
	s.Client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", s.socket)
	}}}
	return s
}

// upload sends one file of n bytes as a browser does, and reads the page.
func (s *served) upload(visit *http.Cookie, n int64) error {
	return upload(s.Client, "http://"+s.host, visit, n)
}

// memory is how much more of the machine's memory (RSS) that process had at its highest,
// while f ran, than before.
func (s *served) memory(b *testing.B, f func()) float64 {
	status := func(field string) float64 {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.pid))
		if err != nil {
			b.Fatal(err)
		}
		_, after, _ := strings.Cut(string(text), field+":")
		var kib float64
		fmt.Sscan(after, &kib)
		return kib / 1024
	}
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", s.pid), []byte("5"), 0); err != nil { // proc(5): the highest is forgotten
		b.Fatal(err)
	}
	before := status("VmRSS")
	f()
	return status("VmHWM") - before
}

// BenchmarkUpload sends one file through the page. DAYLIGHT_BENCH_UPLOAD is its size
// in MiB, 2048 where it is not set.
func BenchmarkUpload(b *testing.B) {
	size, err := strconv.ParseInt(os.Getenv("DAYLIGHT_BENCH_UPLOAD"), 10, 64)
	if err != nil {
		size = 2048
	}
	s := serve(b, 1, "none")
	b.SetBytes(size << 20)
	most := 0.0
	for b.Loop() {
		most = max(most, s.memory(b, func() {
			if err := s.upload(s.visits[0], size<<20); err != nil {
				b.Error(err)
			}
		}))
	}
	b.ReportMetric(most, "MiB-more")
}

// BenchmarkUploads sends files of 8 MiB at once.
func BenchmarkUploads(b *testing.B) {
	for _, n := range []int{1, 50, 200} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			s := serve(b, n, "none")
			b.SetBytes(int64(n) * 8 << 20)
			most := 0.0
			for b.Loop() {
				most = max(most, s.memory(b, func() {
					var all sync.WaitGroup
					for _, visit := range s.visits {
						all.Go(func() {
							if err := s.upload(visit, 8<<20); err != nil {
								b.Error(err)
							}
						})
					}
					all.Wait()
				}))
			}
			b.ReportMetric(most, "MiB-more")
		})
	}
}

// BenchmarkHostile measures honest submissions, ten each second by somebody who came
// back, while another process asks for 10,000 pages a second, whether they are answered
// or not, in all the ways that cost intake something. A submission's time begins when it
// was due, not when the one before had ended.
func BenchmarkHostile(b *testing.B) {
	for _, rate := range []int{0, 10_000} {
		b.Run(strconv.Itoa(rate), func(b *testing.B) { hostile(b, rate) })
	}
}

func hostile(b *testing.B, rate int) {
	s := serve(b, 1, "limits")
	var said atomic.Pointer[string] // what the flood said last
	if rate > 0 {
		out, _ := process(b, fmt.Sprintf("flood %s %s %d", s.socket, s.host, rate))
		go func() {
			for out.Scan() {
				line := out.Text()
				said.Store(&line)
			}
		}()
		for said.Load() == nil {
			time.Sleep(time.Millisecond)
		}
	}
	cpu, began := s.cpu(b), time.Now()
	const every = 100 * time.Millisecond
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	var all sync.WaitGroup
	next := time.Now()
	for b.Loop() {
		next = next.Add(every)
		due := next
		time.Sleep(time.Until(due))
		all.Go(func() {
			err := s.upload(s.visits[0], 20_000)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
			}
			took = append(took, time.Since(due))
		})
	}
	all.Wait()
	if failed != nil {
		b.Error("a submission was not taken: ", failed)
	}
	slices.Sort(took)
	at := func(q float64) float64 {
		return took[min(len(took)-1, int(q*float64(len(took))))].Seconds() * 1000
	}
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	if rate > 0 {
		var asked, answered, refused float64
		if _, err := fmt.Sscanf(*said.Load(), "asked %f answered %f refused %f", &asked, &answered, &refused); err != nil {
			b.Error(err)
		}
		b.ReportMetric(asked, "asked/s")
		b.ReportMetric(answered, "answered/s")
		b.ReportMetric(refused, "refused/s")
	}
	b.ReportMetric((s.cpu(b)-cpu).Seconds()/time.Since(began).Seconds(), "cores")
}

// cpu is the time that the processors gave to that process.
func (s *served) cpu(b *testing.B) time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.pid))
	if err != nil {
		b.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), ") ") // proc(5): fields 14 and 15, in hundredths of a second
	f := strings.Fields(after)
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// flood asks for so many pages a second, and says every second how many it asked for and
// how many were answered, and of these refused at the door, since it began. It does not
// wait for answers before it goes on, as long as fewer than 2,000 are missing.
func flood(socket, host string, rate int) {
	way := url.Values{"way": {`href="http://` + host + `/" href="fake.onion" href="https://` + strings.Repeat("a", 56) + `.onion/"`}}.Encode()
	words, _ := codename.New("en").AppendText(nil)
	form := func(path, body string) string {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", path, host, len(body), body)
	}
	get := func(path string) string { return fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host) }
	// Visits begun, words that are none, forms without a visit and from nowhere, pages;
	// and one in a hundred comes back with a codename, for which keys are derived.
	var ways []string
	for range 11 {
		ways = append(ways, form("/begin", way), form("/return", way+"&codename=no+such+words"), get("/"), get("/inbox"), form("/begin", "x"),
			form("/sealed/replies", strings.Repeat("0", 64)), get("/guide/device"), form("/send", way), form("/leave", way))
	}
	ways = append(ways, form("/return", way+"&codename="+string(words)))
	var asked, answered, refused atomic.Int64
	due := make(chan int, 1000)
	for range 2000 {
		go func() {
			var conn net.Conn
			var r *bufio.Reader
			for i := range due {
				if conn == nil {
					var err error
					if conn, err = net.Dial("unix", socket); err != nil {
						continue
					}
					r = bufio.NewReader(conn)
				}
				asked.Add(1)
				_, err := io.WriteString(conn, ways[i%len(ways)])
				var status int
				open := false
				if err == nil {
					status, open = answer1(r)
				}
				if !open {
					conn.Close()
					conn = nil
				}
				if status != 0 {
					answered.Add(1)
				}
				if status == http.StatusServiceUnavailable {
					refused.Add(1)
				}
			}
		}()
	}
	began, told := time.Now(), time.Now()
	go func() { io.Copy(io.Discard, os.Stdin); os.Exit(0) }()
	for i := 0; ; {
		for n := int(time.Since(began).Seconds() * float64(rate)); i < n; i++ {
			select {
			case due <- i:
			default: // nobody is free to ask
			}
		}
		if s := time.Since(began).Seconds(); time.Since(told) >= time.Second {
			told = time.Now()
			fmt.Printf("asked %f answered %f refused %f\n", float64(asked.Load())/s, float64(answered.Load())/s, float64(refused.Load())/s)
		}
		time.Sleep(time.Millisecond)
	}
}

// answer1 reads one answer, and says its status and whether the connection stays open.
func answer1(r *bufio.Reader) (status int, open bool) {
	line, err := r.ReadSlice('\n')
	if err != nil || len(line) < 12 {
		return 0, false
	}
	status, _ = strconv.Atoi(string(line[9:12]))
	length := 0
	for open = true; ; {
		line, err := r.ReadSlice('\n')
		switch name, value, _ := strings.Cut(strings.TrimSpace(string(line)), ": "); {
		case err != nil:
			return status, false
		case name == "Connection":
			open = false
		case name == "Content-Length":
			length, _ = strconv.Atoi(value)
		case name == "":
			_, err := r.Discard(length)
			return status, open && err == nil
		}
	}
}
