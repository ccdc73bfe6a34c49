package web_test

import (
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"daylight/courier"
	"daylight/envelope"
	"daylight/fault"
	"daylight/intake"
)

func mailbox(a *envelope.Address) courier.MailboxID { return courier.MailboxID(a.Mailbox) }
func replyID(n int) courier.ReplyID                 { return courier.ReplyID(replyName(n)) }

var three = []file{{"letter.eml", "From: a\r\n\r\nhello\r\n"}, {"отчёт.pdf", strings.Repeat("%PDF", 70_000)}, {"all.zip", "PK\x03\x04"}}

// asTyped is a codename with a wrong capital, and spaces where hyphens were.
func asTyped(words string) string {
	_, n := utf8.DecodeRuneInString(words)
	return strings.ToUpper(words[:n]) + strings.ReplaceAll(words[n:], "-", " ")
}

func TestTheStoryOfASource(t *testing.T) {
	h := newHouse(t, nil)
	s := h.source(t)
	s.get("/").wants(t, 200, "Get a codename", "Nothing here has been independently audited.")
	s.get("/protection").wants(t, 200, "Blind at rest")
	words := s.begin()
	if again := s.get("/codename"); strings.Contains(again.body, words) {
		t.Error("the codename is shown a second time")
	}
	s.send("It is about page four.", three...).wants(t, 200, "It has arrived", "letter.eml", "отчёт.pdf", "all.zip", "280 kB", "Files: 3")
	left := s.post("/leave")
	left.wants(t, 200, "New Identity")
	if left.Header.Get("Clear-Site-Data") == "" {
		t.Error("leaving clears nothing in the browser")
	}
	s.get("/send").wants(t, 401, "Your visit has ended")

	got := h.fetch(t)
	if len(got) != 1 || got[0].text != "It is about page four." || len(got[0].files) != 3 || got[0].End() != envelope.Whole {
		t.Fatalf("the desk has %d envelopes", len(got))
	}
	for i, f := range got[0].files {
		if f != three[i] {
			t.Errorf("file %d is %q with %d bytes", i, f.name, len(f.body))
		}
	}
	h.answer(t, got[0].Address(), "Who else had <it>?", file{`..\..\evil "name".txt`, "plan"})

	back := h.source(t)
	inbox := back.post("/return", "codename", asTyped(words))
	inbox.wants(t, 200, "Who else had &lt;it&gt;?", "Answer of 2026-11-23")
	link := regexp.MustCompile(`href="(/inbox/[0-9a-f]{32}/0)"`).FindStringSubmatch(inbox.body)
	if link == nil {
		t.Fatal("no link to the file of the answer")
	}
	saved := back.get(link[1])
	if cd := saved.Header.Get("Content-Disposition"); saved.body != "plan" || strings.Contains(cd, "..") || !strings.HasPrefix(cd, "attachment") {
		t.Errorf("file %q as %s", saved.body, cd)
	}
	del := strings.TrimSuffix(link[1], "0") + "delete"

	// Somebody else can neither read nor destroy it.
	other := h.source(t)
	other.begin()
	other.send("I am somebody else.")
	other.get(link[1]).wants(t, 404)
	other.post(del)
	back.get("/inbox").wants(t, 200, "Who else had")

	back.post(del).wants(t, 200, "Destroyed on intake; the newsroom may already hold a copy.", "There is no answer here.")
	back.get(link[1]).wants(t, 404)
	back.post(del).wants(t, 200)
}

func TestWordsThatAreNoCodename(t *testing.T) {
	h := newHouse(t, nil)
	s := h.source(t)
	words := strings.Split(s.begin(), "-")
	s.post("/return", "codename", strings.Join(words[1:], " ")).wants(t, 422, "A codename has eight words. Counted here: 7.")
	words[2] = "qqqqqq"
	page := s.post("/return", "codename", strings.Join(words, " "))
	page.wants(t, 422, "Word 3 is not in our list.")
	if strings.Contains(page.body, "qqqqqq") || strings.Contains(page.body, words[0]) {
		t.Error("the page repeats what was typed")
	}
	s.post("/return", "codename", strings.Repeat("abacus ", 2000)).wants(t, 413)
	s.read(s.c.Get(h.url+"/ar/")).wants(t, 200, `dir="rtl"`)
}

func TestNothingToSend(t *testing.T) {
	h := newHouse(t, nil)
	s := h.source(t)
	s.begin()
	s.send("", file{"", ""}).wants(t, 422, "Nothing was kept.")
	if got := h.fetch(t); len(got) != 0 {
		t.Errorf("%d envelopes; want none", len(got))
	}
}

func TestTooMuchIsSaidAndTheRestIsKept(t *testing.T) {
	h := newHouse(t, func(_ *house, o *intake.Options) {
		o.Limits.Upload, o.Limits.Message, o.Limits.Files = 200_000, 1000, 3
	})
	s := h.source(t)
	s.begin()
	s.send(strings.Repeat("m", 5000), file{"small.txt", "small"}).wants(t, 413, "only the beginning", "small.txt", "What is listed here is kept.")
	s.send("", file{"first.txt", "whole"}, file{"large.bin", strings.Repeat("l", 300_000)}, file{"never.txt", "n"}).
		wants(t, 413, "first.txt", "large.bin", "not whole", "more than we take at once")
	s.send("", file{"1", "1"}, file{"2", "2"}, file{"3", "3"}, file{"4", "4"}).wants(t, 413, "Files: 3")
	found := map[string]string{}
	for _, e := range h.fetch(t) {
		if e.End() != envelope.Cut {
			t.Errorf("an envelope with %d files ends %v; want cut", len(e.files), e.End())
		}
		for _, f := range e.files {
			found[f.name] = f.body
		}
	}
	if found["small.txt"] != "small" || found["first.txt"] != "whole" || !strings.HasPrefix(strings.Repeat("l", 200_000), found["large.bin"]) || found["never.txt"] != "" {
		t.Errorf("the desk has %d files", len(found))
	}
}

// TestOneMessage: a form with a message many times over is no form of ours. Each
// would be small enough, and the desk would have all of them in memory.
func TestOneMessage(t *testing.T) {
	h := newHouse(t, nil)
	s := h.source(t)
	s.begin()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	w.WriteField("way", h.way())
	for range 1000 {
		w.WriteField("message", "again")
	}
	w.Close()
	r, err := s.c.Post(h.url+"/send", w.FormDataContentType(), &b)
	s.read(r, err).wants(t, 400)
	for _, e := range h.fetch(t) {
		if len(e.ends) > 1 {
			t.Errorf("%d messages in one envelope; want one", len(e.ends))
		}
	}
}

// signalling is a store that says when an envelope is kept.
type signalling struct {
	intake.Store
	kept chan bool
}

func (s signalling) Create(ctx context.Context, day, until string) (intake.Slot, error) {
	slot, err := s.Store.Create(ctx, day, until)
	return signallingSlot{slot, s.kept}, err
}

type signallingSlot struct {
	intake.Slot
	kept chan bool
}

func (s signallingSlot) Keep(ctx context.Context) error {
	defer func() { s.kept <- true }()
	return s.Slot.Keep(ctx)
}

// TestABrokenUpload sends a part of a request and hangs up.
func TestABrokenUpload(t *testing.T) {
	kept := make(chan bool, 1)
	h := newHouse(t, func(_ *house, o *intake.Options) { o.Store = signalling{o.Store, kept} })
	s := h.source(t)
	s.begin()
	body, typ := h.multipartBody("before the break", file{"whole.txt", "all of it"}, file{"half.bin", strings.Repeat("h", 500_000)})
	all, _ := io.ReadAll(body)
	r, w := io.Pipe()
	go func() {
		w.Write(all[:len(all)/2])
		w.CloseWithError(io.ErrUnexpectedEOF)
	}()
	if _, err := s.c.Post(h.url+"/send", typ, r); err == nil {
		t.Fatal("the request did not break")
	}
	<-kept
	envelopes := h.fetch(t)
	if len(envelopes) != 1 {
		t.Fatalf("%d envelopes; want one", len(envelopes))
	}
	got := envelopes[0]
	if got.text != "before the break" || len(got.files) != 2 || got.files[0].body != "all of it" {
		t.Fatalf("the desk has %q and %d files", got.text, len(got.files))
	}
	if n := len(got.files[1].body); n < 100_000 || got.ends[2] != envelope.Cut || got.End() != envelope.Cut {
		t.Errorf("%d bytes of the file, which ends %v; the envelope %v; want it cut", n, got.ends[2], got.End())
	}
	if got.Address() == nil {
		t.Error("nobody can answer what was cut")
	}
}

// fullDisk is a store with room for so many bytes in each envelope.
type fullDisk struct {
	intake.Store
	room int64
}

func (f fullDisk) Create(ctx context.Context, day, until string) (intake.Slot, error) {
	s, err := f.Store.Create(ctx, day, until)
	return fullSlot{s, f.room}, err
}

type fullSlot struct {
	intake.Slot
	room int64
}

func (f fullSlot) Room(n int64) (int64, error) {
	if n > f.room {
		return f.room, fault.Full
	}
	f.Slot.Room(n)
	return f.room, nil
}

func TestAFullDisk(t *testing.T) {
	h := newHouse(t, func(_ *house, o *intake.Options) { o.Store = fullDisk{o.Store, 1 << 20} })
	s := h.source(t)
	s.begin()
	s.send("kept", file{"first.txt", "whole"}, file{"large.bin", strings.Repeat("l", 2<<20)}).
		wants(t, 507, "first.txt", "no space left", "What is listed here is kept.")
	got := h.fetch(t)
	if len(got) != 1 || got[0].text != "kept" || len(got[0].files) != 2 || got[0].files[0].body != "whole" || got[0].End() != envelope.Cut || got[0].Address() == nil {
		t.Errorf("the desk has %d envelopes: %+v", len(got), got)
	}

	none := newHouse(t, func(_ *house, o *intake.Options) { o.Store = fullDisk{o.Store, 0} })
	s = none.source(t)
	s.begin()
	s.send("no room for this").wants(t, 507, "Nothing was kept.")
	if got := none.fetch(t); len(got) != 0 {
		t.Errorf("%d envelopes; want none", len(got))
	}
}

// unkept is a store whose slots fail at the last step, when all is on the disk.
type unkept struct{ intake.Store }

func (u unkept) Create(ctx context.Context, day, until string) (intake.Slot, error) {
	s, err := u.Store.Create(ctx, day, until)
	return unkeptSlot{s}, err
}

type unkeptSlot struct{ intake.Slot }

func (u unkeptSlot) Keep(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return u.Slot.Keep(ctx)
}

// What cannot be closed is not thrown away, and its source is not told that it was.
func TestWhatCannotBeClosed(t *testing.T) {
	h := newHouse(t, func(_ *house, o *intake.Options) { o.Store = unkept{o.Store} })
	s := h.source(t)
	s.begin()
	page := s.send("to the last step", file{"first.txt", "whole"})
	page.wants(t, 500, "Perhaps the newsroom has it", "what arrives twice does no harm")
	if strings.Contains(page.body, "Nothing") {
		t.Errorf("the page says that nothing was kept:\n%s", page.body)
	}
	if got := h.fetch(t); len(got) != 1 || got[0].text != "to the last step" || len(got[0].files) != 1 {
		t.Errorf("the desk has %+v; want what was on the disk", got)
	}
}

func TestFormsFromElsewhereAreRefused(t *testing.T) {
	h := newHouse(t, nil)
	s := h.source(t)
	req, _ := http.NewRequest("POST", h.url+"/begin", nil)
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	s.read(s.c.Do(req)).wants(t, 403)
	// Leaving is a form too: nobody's link ends a visit.
	s.begin()
	s.get("/leave")
	s.get("/send").wants(t, 200, "Send a message and files")
}

func TestTheCookie(t *testing.T) {
	h := newHouse(t, nil)
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	r, err := c.PostForm(h.url+"/begin", url.Values{"way": {h.way()}})
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	all := r.Cookies()
	if len(all) != 1 || !all[0].HttpOnly || all[0].SameSite != http.SameSiteStrictMode || all[0].Path != "/" || !all[0].Expires.IsZero() || all[0].MaxAge != 0 {
		t.Errorf("cookies %v", all)
	}
	req, _ := http.NewRequest("POST", h.url+"/begin", strings.NewReader(h.urlWay()))
	req.AddCookie(all[0])
	second, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	second.Body.Close()
	req, _ = http.NewRequest("GET", h.url+"/codename", nil)
	req.AddCookie(all[0])
	if old, err := c.Do(req); err != nil || old.StatusCode != 401 {
		t.Errorf("the visit before goes on: %v, %v", old.StatusCode, err)
	}
}
