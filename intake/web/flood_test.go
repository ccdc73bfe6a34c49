package web_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"daylight/envelope"
	"daylight/intake"
)

func TestAShortFirstMessageComesBack(t *testing.T) {
	h := newHouse(t, func(_ *house, o *intake.Options) { o.Limits.First = 30 })
	s := h.source(t)
	s.begin()
	s.send(`hi <b>"there"</b>`).wants(t, 422, "Nothing was kept. Write at least 30 characters",
		`hi &lt;b&gt;&#34;there&#34;&lt;/b&gt;</textarea>`)
	s.read(s.c.Get(h.url+"/ar/send")).wants(t, 200, `dir="rtl"`)
	if n := len(h.fetch(t)); n != 0 {
		t.Errorf("%d envelopes; want none", n)
	}
	s.send("hi", file{"a.txt", "a file with it"}).wants(t, 200, "It has arrived")
	s.send("and more").wants(t, 200, "It has arrived")
}

func TestACodenameInAMessageComesBack(t *testing.T) {
	h := newHouse(t, nil)
	s := h.source(t)
	words := s.begin()
	told := "Write to me: " + strings.ReplaceAll(words, "-", " ")
	s.send(told, file{"a.txt", "a"}).wants(t, 422, "Nothing was kept. Take the words out", told+"</textarea>")
	long := strings.Repeat("\"&'", 15_000) + words // as HTML it is many times as long
	s.send(long).wants(t, 422, "Take the words out", "Only the beginning of your message fits here.")
	s.send("", file{words + ".txt", "a"}).wants(t, 422, "in the name of a file")
	if n := len(h.fetch(t)); n != 0 {
		t.Errorf("%d envelopes; want none", n)
	}
	s.send("It is in the second file.", file{"a.txt", "a"}, file{words + ".txt", "b"}).
		wants(t, 400, "in the name of a file", "a.txt", "What is listed here is kept.")
	if got := h.fetch(t); len(got) != 1 || len(got[0].files) != 1 || strings.Contains(got[0].text, words) {
		t.Errorf("the desk has %d envelopes", len(got))
	}
}

// lowDisk is a disk with no more than so much left.
type lowDisk struct {
	intake.Store
	free *atomic.Int64
}

func (l lowDisk) Space(context.Context) (free, whole int64, err error) {
	return l.free.Load(), 1 << 41, nil
}

func TestWhatIsRefusedAtTheDoorComesBack(t *testing.T) {
	var free atomic.Int64
	h := newHouse(t, func(_ *house, o *intake.Options) {
		o.Store = lowDisk{o.Store, &free}
		o.Limits.Visit.Submissions = intake.Rate{Burst: 2, Hour: 1}
	})
	s := h.source(t)
	s.begin()
	s.get("/send").wants(t, 200, "What you send now is not taken. Come back tomorrow.")
	s.send("What I have to say.", file{"a.bin", strings.Repeat("a", 300_000)}).
		wants(t, 507, "no space left here", "Nothing of this was kept.", "What I have to say.</textarea>", "Files must be chosen again.")
	free.Store(1 << 40)
	if page := s.get("/send"); strings.Contains(page.body, "not taken") {
		t.Error("there is room, and the page says that there is none")
	}
	s.send("What I have to say.").wants(t, 200, "It has arrived")
	s.send("And again.").wants(t, 503, "Much has come from this visit", "And again.</textarea>")
	if n := len(h.fetch(t)); n != 1 {
		t.Errorf("%d envelopes; want one", n)
	}
}

// TestWhatIsRefusedIsNotReadForEver: a message that does not end holds nothing up where
// nothing is taken.
func TestWhatIsRefusedIsNotReadForEver(t *testing.T) {
	var free atomic.Int64
	h := newHouse(t, func(_ *house, o *intake.Options) { o.Store = lowDisk{o.Store, &free} })
	s := h.source(t)
	s.begin()
	head := "--x\r\nContent-Disposition: form-data; name=\"way\"\r\n\r\n" + h.way() + "\r\n" +
		"--x\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nWhat I have to say."
	endless := &counted{most: 1 << 29}
	res, err := s.c.Post(h.url+"/send", "multipart/form-data; boundary=x", io.MultiReader(strings.NewReader(head), endless))
	if err == nil { // else the server hung up before the page was read
		s.read(res, nil).wants(t, 507, "no space left here")
	}
	if read := endless.n.Load(); read > 200<<20 {
		t.Errorf("%d bytes were read of what is not taken", read)
	}
}

// TestWhatNobodyReads of a form is bounded: fields that no form of ours has, one long or
// many.
func TestWhatNobodyReads(t *testing.T) {
	for name, field := range map[string]int{"one": 300 << 20, "many": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, nil)
			s := h.source(t)
			s.begin()
			var sent atomic.Int64
			body, w := io.Pipe()
			go func() {
				one := "--b\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n"
				fmt.Fprintf(w, one, "way", h.way())
				for range 300 << 20 / field {
					n, err := fmt.Fprintf(w, one, "x", strings.Repeat("x", field))
					sent.Add(int64(n))
					if err != nil {
						return
					}
				}
				fmt.Fprint(w, "--b--\r\n")
				w.Close()
			}()
			r, _ := http.NewRequest("POST", h.url+"/send", body)
			r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
			res, err := s.c.Do(r)
			s.read(res, err).wants(t, 413, "It was more than we take at once")
			if n := sent.Load(); n > 100<<20 { // 8 MiB, 64 to let the answer be read, and what is on its way
				t.Errorf("%d bytes were taken", n)
			}
		})
	}
}

// TestLongHeads: what stands before a part is in memory whole, before anything is asked
// of it. So it is short, or the form ends there, with what came before it.
func TestLongHeads(t *testing.T) {
	var free atomic.Int64
	free.Store(1 << 40)
	h := newHouse(t, func(_ *house, o *intake.Options) { o.Store = lowDisk{o.Store, &free} })
	s := h.source(t)
	s.begin()
	const named = "--x\r\nContent-Disposition: form-data; name=\""
	way, message := named+"way\"\r\n\r\n"+h.way()+"\r\n", named+"message\"\r\n\r\nWhat I have to say.\r\n"
	file := named + "files\"; filename=\"a.txt\"\r\n\r\nwhole\r\n"
	long := strings.Repeat("n", 64<<10)
	post := func(form string) answer {
		t.Helper()
		return s.read(s.c.Post(h.url+"/send", "multipart/form-data; boundary=x", strings.NewReader(form+"--x--\r\n")))
	}
	for what, head := range map[string]string{
		"name":  named + "files\"; filename=\"" + long + "\"\r\n\r\nx\r\n",
		"field": named + long + "\"\r\n\r\nx\r\n",
		"line":  "--x\r\nX: " + long + "\r\n\r\nx\r\n",
		"lines": "--x\r\n" + strings.Repeat("X: y\r\n", 10<<10) + "\r\nx\r\n",
	} {
		post(head+way+message).wants(t, 413, "more than we take at once", "Nothing was kept.")
		post(way+head+message).wants(t, 413, "more than we take at once", "Nothing was kept.")
		post(way+message+file+head+file).wants(t, 413, "more than we take at once", "What is listed here is kept.", "Files: 1", "a.txt")
		post(way+message+head+file).wants(t, 413, "What is listed here is kept.", "Message:")
		free.Store(0)
		post(way+message+head).wants(t, 507, "no space left here", "What I have to say.</textarea>")
		free.Store(1 << 40)
		got := h.fetch(t)
		if len(got) != 2 {
			t.Fatalf("%s: %d envelopes; want 2", what, len(got))
		}
		for _, e := range got {
			if e.text != "What I have to say." || len(e.files) > 1 || e.End() != envelope.Cut {
				t.Errorf("%s: the desk has %q, %d files, and %v", what, e.text, len(e.files), e.End())
			}
		}
		for _, e := range got {
			h.acknowledge(t, e.id)
		}
	}
}

// TestLongNames: a name is as long in memory, and on the page, as in the envelope.
func TestLongNames(t *testing.T) {
	h := newHouse(t, nil)
	s := h.source(t)
	s.begin()
	name := strings.Repeat("ä", 3<<10)
	page := s.send("", file{name, "whole"})
	page.wants(t, 200, "It has arrived", "Files: 1")
	if n := strings.Count(page.body, "ä"); n != envelope.MaxName/2 {
		t.Errorf("%d letters of the name are on the page; want %d", n, envelope.MaxName/2)
	}
	if got := h.fetch(t); len(got) != 1 || len(got[0].files) != 1 || got[0].files[0].name != name[:envelope.MaxName] {
		t.Errorf("the desk has %d envelopes, or another name", len(got))
	}
}

// TestHeadsCount: what comes with the parts counts in what a visit sends.
func TestHeadsCount(t *testing.T) {
	h := newHouse(t, func(_ *house, o *intake.Options) { o.Limits.Visit.Bytes = intake.Rate{Burst: 100_000, Hour: 1} })
	s := h.source(t)
	s.begin()
	s.send("What I have to say.").wants(t, 200)
	head := "--x\r\nContent-Disposition: form-data; name=\"no field\"\r\nX: " + strings.Repeat("n", 10_000) + "\r\n\r\n\r\n"
	s.read(s.c.Post(h.url+"/send", "multipart/form-data; boundary=x", strings.NewReader(
		"--x\r\nContent-Disposition: form-data; name=\"way\"\r\n\r\n"+h.way()+"\r\n"+strings.Repeat(head, 11)+"--x--\r\n"))).wants(t, 422, "no message and no file")
	s.send("What I have to say.").wants(t, 503, "Much has come from this visit")
}

// counted is zeros that are counted, up to some.
type counted struct {
	n    atomic.Int64
	most int64
}

func (c *counted) Read(b []byte) (int, error) {
	if c.n.Load() >= c.most {
		return 0, io.EOF
	}
	clear(b)
	c.n.Add(int64(len(b)))
	return len(b), nil
}

func TestReturnsOfOneVisit(t *testing.T) {
	h := newHouse(t, func(_ *house, o *intake.Options) {
		o.Limits.Visit.Returns, o.Limits.Visit.Begins = intake.Rate{Burst: 2, Hour: 1}, intake.Rate{Burst: 1, Hour: 1}
	})
	s := h.source(t)
	words := s.begin()
	s.post("/return", "codename", words).wants(t, 200, "Your inbox")
	s.post("/return", "codename", words).wants(t, 200, "Your inbox")
	s.post("/return", "codename", words).wants(t, 503, "This was done too often in a short time.")
	s.post("/begin").wants(t, 200) // the first in this browser that had a visit before it
	s.post("/begin").wants(t, 503, "Wait a quarter of an hour.")
	s.get("/send").wants(t, 200, "Send a message")
	// Other browsers are not concerned.
	h.source(t).post("/return", "codename", words).wants(t, 200, "Your inbox")
}

// TestSilence: an upload of which nothing arrives ends, and what had arrived is kept.
// So does the form of a codename, and one that nobody has a visit for.
func TestSilence(t *testing.T) { synctest.Test(t, testSilence) }

func testSilence(t *testing.T) {
	const silence = 30 * time.Second
	h := inBubble(t, func(_ *house, o *intake.Options) { o.Limits.Silence = silence })
	s := h.source(t)
	s.begin()
	body, typ := h.multipartBody("before the silence", file{"whole.txt", "all of it"}, file{"half.bin", strings.Repeat("h", 500_000)})
	all, _ := io.ReadAll(body)
	u, _ := url.Parse(h.url)
	for name, c := range map[string]struct{ head, body, page string }{
		"upload":       {"POST /send HTTP/1.1\r\nCookie: visit=" + s.c.Jar.Cookies(u)[0].Value + "\r\nContent-Type: " + typ, string(all[:len(all)/2]), "the upload was ended here"},
		"codename":     {"POST /return HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded", "codename=aba", "could not be understood"},
		"nobody's":     {"POST /send HTTP/1.1\r\nContent-Type: " + typ, string(all[:1000]), "Your visit has ended"},
		"nobody's end": {"POST /leave HTTP/1.1\r\nContent-Type: text/plain", "x", "could not be understood"},
	} {
		length := len(all)
		if !strings.Contains(c.head, "/send") {
			length = 5000
		}
		conn, err := h.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		began := time.Now()
		conn.SetReadDeadline(began.Add(10 * silence))
		go fmt.Fprintf(conn, "%s\r\nHost: %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", c.head, u.Host, length, c.body)
		page, err := io.ReadAll(conn)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !strings.Contains(string(page), c.page) {
			t.Errorf("%s: no %q in %.300s", name, c.page, page)
		}
		if took := time.Since(began); took > 2*silence {
			t.Errorf("%s: ends after %v; want it soon after %v of silence", name, took, silence)
		}
	}
	got := h.fetch(t)
	if len(got) != 1 || got[0].text != "before the silence" || len(got[0].files) != 2 || got[0].files[0].body != "all of it" || len(got[0].files[1].body) < 100_000 {
		t.Errorf("the desk has %d envelopes; want what had arrived", len(got))
	}
}

// TestPatience: what goes on arriving, if slowly, does not end.
func TestPatience(t *testing.T) { synctest.Test(t, testPatience) }

func testPatience(t *testing.T) {
	const silence = 30 * time.Second
	h := inBubble(t, func(_ *house, o *intake.Options) { o.Limits.Silence = silence })
	s := h.source(t)
	s.begin()
	body, typ := h.multipartBody("slowly", file{"slow.txt", strings.Repeat("s", 2500)})
	all, _ := io.ReadAll(body)
	r, w := io.Pipe()
	go func() {
		for len(all) > 0 {
			n := min(len(all), 200)
			w.Write(all[:n])
			all = all[n:]
			time.Sleep(silence * 9 / 10)
		}
		w.Close()
	}()
	s.read(s.c.Post(h.url+"/send", typ, r)).wants(t, 200, "It has arrived")
	// The connection goes on being of use, with no deadline left from before.
	time.Sleep(silence + time.Second)
	s.get("/send").wants(t, 200)
}

// TestBodiesThatDoNotCome: none but an upload that is taken holds a connection for long.
func TestBodiesThatDoNotCome(t *testing.T) { synctest.Test(t, testBodiesThatDoNotCome) }

func testBodiesThatDoNotCome(t *testing.T) {
	h := inBubble(t, func(_ *house, o *intake.Options) { o.Limits.Visit.Submissions = intake.Rate{Burst: 1, Hour: 1} })
	flooded := inBubble(t, func(_ *house, o *intake.Options) { o.Limits.All.Pages = intake.Rate{Burst: 1, Hour: 1} })
	flooded.source(t).get("/guide").wants(t, 200)
	s, often := h.source(t), h.source(t)
	s.begin()
	often.begin()
	often.send("the first").wants(t, 200)
	u, _ := url.Parse(h.url)
	visit := func(s *source) string { return "Cookie: visit=" + s.c.Jar.Cookies(u)[0].Value }
	const form, parts = "Content-Type: application/x-www-form-urlencoded", "Content-Type: multipart/form-data; boundary=x"
	message := "--x\r\nContent-Disposition: form-data; name=\"way\"\r\n\r\n" + h.way() + "\r\n" +
		"--x\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nWhat I have to say.\r\n" +
		"--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a\"\r\n\r\n"
	parcel := "Upload-Offset: 0\r\nUpload-Length: 200000"
	for name, c := range map[string]struct {
		h          *house
		head, body string
		within     time.Duration
		answer     string
	}{
		"codename":       {h, "POST /return HTTP/1.1\r\n" + form, "way=", time.Minute, "could not be understood"},
		"of no page":     {h, "GET /guide HTTP/1.1\r\n" + form, "", time.Minute, "200 OK"},
		"nobody's":       {h, "POST /send HTTP/1.1\r\n" + parts, message, 61 * time.Second, "Your visit has ended"},
		"not begun":      {h, "POST /send HTTP/1.1\r\n" + parts + "\r\n" + visit(s), "", time.Minute, "400 Bad"},
		"too often":      {h, "POST /send HTTP/1.1\r\n" + parts + "\r\n" + visit(often), message, 61 * time.Second, "What I have to say.</textarea>"},
		"between":        {h, "POST /begin HTTP/1.1\r\nX-Tor2web: 1", "", 5 * time.Second, "403 Forbidden"},
		"too many":       {flooded, "POST /begin HTTP/1.1\r\n" + form, "", 5 * time.Second, "Too much is going on"},
		"too many send":  {flooded, "POST /send HTTP/1.1\r\n" + parts, message, 6 * time.Second, "Too much is going on"},
		"no parcel's":    {h, "PUT /sealed/0 HTTP/1.1\r\n" + parcel, "", 5 * time.Second, "400 Bad"},
		"a mailbox's":    {h, "POST /sealed/replies HTTP/1.1", "", time.Minute, "400 Bad"},
		"a new parcel's": {flooded, "PUT /sealed/" + strings.Repeat("0", 32) + " HTTP/1.1\r\n" + parcel, "", 5 * time.Second, "503 Service"},
	} {
		conn, err := c.h.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		began := time.Now()
		conn.SetReadDeadline(began.Add(time.Hour))
		go fmt.Fprintf(conn, "%s\r\nHost: %s\r\nConnection: close\r\nContent-Length: 8000\r\n\r\n%s", c.head, u.Host, c.body)
		page, err := io.ReadAll(conn)
		if err != nil || !strings.Contains(string(page), c.answer) {
			t.Errorf("%s: %v, and no %q in %.300s", name, err, c.answer, page)
		}
		if took := time.Since(began); took > c.within {
			t.Errorf("%s: ends after %v; want %v at the most", name, took, c.within)
		}
	}
}

// TestManyBodiesThatDoNotCome: who leaves is counted nowhere, and whoever opens many such
// forms holds only some of them for a minute.
func TestManyBodiesThatDoNotCome(t *testing.T) { synctest.Test(t, testManyBodies) }

func testManyBodies(t *testing.T) {
	const pages = 10
	h := inBubble(t, func(_ *house, o *intake.Options) { o.Limits.All.Pages = intake.Rate{Burst: pages, Hour: 1} })
	s := h.source(t)
	s.begin()
	u, _ := url.Parse(h.url)
	began, took := time.Now(), make(chan time.Duration)
	for range 3 * pages {
		conn, err := h.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			fmt.Fprintf(conn, "POST /leave HTTP/1.1\r\nHost: %s\r\nCookie: visit=%s\r\nConnection: close\r\nContent-Length: 8000\r\n\r\nx", u.Host, s.c.Jar.Cookies(u)[0].Value)
			io.Copy(io.Discard, conn)
			took <- time.Since(began)
		}()
	}
	long := 0
	for range 3 * pages {
		if d := <-took; d > 6*time.Second {
			long++
		}
	}
	if long != pages {
		t.Errorf("%d were waited for longer; want %d", long, pages)
	}
	s.post("/leave").wants(t, 200)
}

// TestASlowForm: a form that takes its time is read, and of what is refused at the door
// enough for the answer to be.
func TestASlowForm(t *testing.T) { synctest.Test(t, testASlowForm) }

func testASlowForm(t *testing.T) {
	slow := func(s string, piece int, pause time.Duration) io.Reader {
		r, w := io.Pipe()
		go func() {
			for len(s) > 0 {
				time.Sleep(pause)
				n := min(len(s), piece)
				io.WriteString(w, s[:n])
				s = s[n:]
			}
			w.Close()
		}()
		return r
	}
	h := inBubble(t, nil)
	s := h.source(t)
	words := s.begin()
	form := h.urlWay() + "&codename=" + words
	s.read(s.c.Post(h.url+"/return", "application/x-www-form-urlencoded", slow(form, 1+len(form)/10, 5*time.Second))).
		wants(t, 200, "Your inbox")

	flooded := inBubble(t, func(_ *house, o *intake.Options) { o.Limits.All.Pages = intake.Rate{Burst: 1, Hour: 1} })
	s = flooded.source(t)
	s.get("/guide")
	body, typ := flooded.multipartBody("a message", file{"a.bin", strings.Repeat("a", 1_000_000)})
	all, _ := io.ReadAll(body)
	s.read(s.c.Post(flooded.url+"/send", typ, slow(string(all), 50_000, time.Second))).wants(t, 503, "Too much is going on")
}

// TestAPlaceForOthers hangs up on who holds the only place with next to nothing.
func TestAPlaceForOthers(t *testing.T) {
	kept, begun := make(chan bool, 2), make(chan bool, 2)
	h := newHouse(t, func(_ *house, o *intake.Options) {
		o.Store = beginning{signalling{o.Store, kept}, begun}
		o.Limits.Uploads = 1
	})
	lame := h.source(t)
	lame.begin()
	body, typ := h.multipartBody("I hold the place", file{"a.txt", strings.Repeat("a", 300_000)})
	all, _ := io.ReadAll(body)
	r, w := io.Pipe()
	defer w.Close()
	page := make(chan string, 1)
	go func() {
		res, err := lame.c.Post(h.url+"/send", typ, r)
		if err != nil {
			page <- err.Error()
			return
		}
		b, _ := io.ReadAll(res.Body)
		res.Body.Close()
		page <- string(b)
	}()
	w.Write(all[:len(all)/2])
	<-begun
	s := h.source(t)
	s.begin()
	s.send("I have something to say.").wants(t, 503, "Too many people are sending", "I have something to say.</textarea>")
	h.later(10 * time.Minute)
	s.send("I have something to say.").wants(t, 200, "It has arrived")
	if p := <-page; !strings.Contains(p, "others were waiting") {
		t.Errorf("the page of who was hung up on: %.200s", p)
	}
	<-kept
	<-kept
	if got := h.fetch(t); len(got) != 2 {
		t.Errorf("%d envelopes; want both", len(got))
	}
}

// beginning is a store that says when an envelope begins to arrive.
type beginning struct {
	intake.Store
	begun chan<- bool
}

func (s beginning) Create(ctx context.Context, day, until string) (intake.Slot, error) {
	defer func() { s.begun <- true }()
	return s.Store.Create(ctx, day, until)
}

// TestDoorOfParcels: who has begun a parcel comes past the door with its pieces, as often
// as a visit asks for pages, and with nothing else.
func TestDoorOfParcels(t *testing.T) {
	const pages = 10
	h := newHouse(t, func(_ *house, o *intake.Options) {
		o.Limits.All.Pages, o.Limits.Visit.Pages = intake.Rate{Burst: pages, Hour: 1}, intake.Rate{Burst: 2 * pages, Hour: 1}
	})
	id, other, sealed := newParcelID(), newParcelID(), h.sealedHere(t, 100_000)
	for _, id := range []string{id, other} {
		if status, _ := h.piece(t, id, 0, len(sealed), bytes.NewReader(sealed[:1000])); status != 204 {
			t.Fatalf("the first piece: %d", status)
		}
	}
	ask := func(method string, n int) (taken int) {
		t.Helper()
		for range n {
			r, _ := http.NewRequest(method, h.url+"/sealed/"+id, nil)
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			if res.Body.Close(); res.StatusCode != http.StatusServiceUnavailable {
				taken++
			}
		}
		return taken
	}
	if n := ask("GET", 5*pages); n != pages-2 {
		t.Errorf("%d pages were made for who has a parcel; want %d", n, pages-2)
	}
	if n := ask("HEAD", 5*pages); n != 2*pages {
		t.Errorf("who has a parcel came past the door %d times; want %d", n, 2*pages)
	}
	if status, now := h.piece(t, other, 1000, len(sealed), bytes.NewReader(sealed[1000:])); status != 204 || now != len(sealed) {
		t.Errorf("the rest of another: %d, %d have arrived", status, now)
	}
}

// TestCheapFirst: what is refused is refused before its body is read.
func TestCheapFirst(t *testing.T) {
	h := newHouse(t, nil)
	u, _ := url.Parse(h.url)
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// Not a byte of the body is sent: the answer comes all the same.
	fmt.Fprintf(conn, "POST /return HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10000000\r\n\r\n", u.Host)
	head := make([]byte, len("HTTP/1.1 413"))
	conn.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := io.ReadFull(conn, head); err != nil || string(head) != "HTTP/1.1 413" {
		t.Errorf("a form that says it is too long: %q, %v", head, err)
	}
	res, err := http.Post(h.url+"/guide", "application/x-www-form-urlencoded", strings.NewReader(h.urlWay()))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusNotFound {
		t.Errorf("a method that no page has: %d", res.StatusCode)
	}
}

// TestDoor: a flood of pages costs no page to be made, and does not hold up who came
// back or has sent something, nor what a visit sends.
func TestDoor(t *testing.T) {
	const pages = 40
	h := newHouse(t, func(_ *house, o *intake.Options) {
		o.Limits.All.Pages, o.Limits.Visit.Pages = intake.Rate{Burst: pages, Hour: 1}, intake.Rate{Burst: 2 * pages, Hour: 1}
	})
	fresh, back, leaves := h.source(t), h.source(t), h.source(t)
	back.post("/return", "codename", back.begin())
	fresh.begin()
	leaves.begin()
	stranger := h.source(t)
	for range pages {
		stranger.get("/style.css").wants(t, 200)
		stranger.get("/guide")
	}
	stranger.get("/guide").wants(t, 503, "Too much is going on at once.", `<html lang="en"`)
	answer := stranger.get("/ar/return")
	answer.wants(t, 503, `<html lang="ar"`, `href="/de/"`)
	if answer.Header.Get("Content-Security-Policy") == "" || answer.Header.Get("Cache-Control") != "no-store" || !answer.Close {
		t.Errorf("headers %v, closed: %v", answer.Header, answer.Close)
	}
	stranger.post("/return", "codename", "no such words").wants(t, 503)
	if status, at := h.piece(t, strings.Repeat("0", 32), 0, 10_000, strings.NewReader("age-encryption.org/v1\n")); status != 503 || at != 0 {
		t.Errorf("a new parcel: %d, %d have arrived", status, at)
	}
	fresh.get("/send").wants(t, 503)
	fresh.send("What I have to say.").wants(t, 200, "It has arrived")
	fresh.get("/send").wants(t, 200) // now it is more than begun
	leaves.post("/leave").wants(t, 200)
	back.get("/inbox").wants(t, 200)
	for range 2 * pages {
		back.get("/inbox")
	}
	back.get("/inbox").wants(t, 503, "This was done too often")
	if h.log.String() != "" {
		t.Errorf("logged: %s", h.log)
	}
}
