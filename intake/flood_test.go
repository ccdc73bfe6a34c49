package intake_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"daylight/codename"
	"daylight/courier"
	"daylight/envelope"
	"daylight/fault"
	"daylight/intake"
)

// rate lets n through, and one more each hour.
func rate(n float64) intake.Rate { return intake.Rate{Burst: n, Hour: 1} }

func TestOneVisitMayDoSoMuch(t *testing.T) {
	h := newHouse(t, func(o *intake.Options) {
		o.Limits.Visit = intake.Rates{Begins: rate(2), Returns: rate(3), Submissions: rate(4)}
	})
	s, _ := h.begin(t)
	other, _ := h.begin(t)
	for act, most := range map[intake.Act]int{intake.Begins: 2, intake.Returns: 3, intake.Submissions: 4} {
		n := 0
		for s.Count(act) == nil {
			n++
		}
		if err := s.Count(act); n != most || !errors.Is(err, intake.ErrTooOften) || !errors.Is(err, fault.Busy) {
			t.Errorf("act %d: %d times, then %v; want %d times, then too often", act, n, err, most)
		}
		if err := other.Count(act); err != nil {
			t.Errorf("act %d: another visit: %v", act, err)
		}
	}
	if _, err := h.Submit(s); !errors.Is(err, intake.ErrTooOften) {
		t.Errorf("a submission: %v; want too often", err)
	}
	// A new codename in the same browser begins no new count.
	next, _ := h.begin(t)
	next.Follow(s)
	if err := next.Count(intake.Begins); !errors.Is(err, intake.ErrTooOften) {
		t.Errorf("the visit after it: %v; want too often", err)
	}
	if _, err := h.Session(s.Token()); !errors.Is(err, fault.Unknown) {
		t.Errorf("the visit that was followed goes on: %v", err)
	}
	h.pass(time.Hour)
	if err := next.Count(intake.Begins); err != nil {
		t.Errorf("an hour later: %v", err)
	}
	if err := next.Count(intake.Begins); !errors.Is(err, intake.ErrTooOften) {
		t.Errorf("a second time: %v; want too often", err)
	}
}

func TestAllVisitsTogetherMayDoSoMuch(t *testing.T) {
	h := newHouse(t, func(o *intake.Options) {
		o.Limits.All = intake.Rates{Begins: rate(3), Returns: rate(1), Submissions: rate(2)}
	})
	var all []*intake.Session
	for range 3 {
		s, _ := h.begin(t)
		all = append(all, s)
	}
	if _, err := h.Begin("en"); !errors.Is(err, fault.Busy) {
		t.Errorf("a fourth visit: %v; want busy", err)
	}
	words, _ := codename.New("en").AppendText(nil)
	if _, err := h.Return(t.Context(), words); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Return(t.Context(), words); !errors.Is(err, fault.Busy) {
		t.Errorf("a second return: %v; want busy", err)
	}
	// What cannot be read as a codename costs nothing, and counts for nothing.
	if _, err := h.Return(t.Context(), []byte("no codename")); !errors.Is(err, fault.Invalid) {
		t.Errorf("words that are no codename: %v; want not valid", err)
	}
	h.send(t, all[0], "one")
	h.send(t, all[1], "two")
	if _, err := h.Submit(all[2]); !errors.Is(err, fault.Busy) || errors.Is(err, intake.ErrTooOften) {
		t.Errorf("a third submission: %v; want busy", err)
	}
	h.pass(time.Hour)
	s, _ := h.begin(t)
	h.send(t, s, "an hour later")
}

func TestBytesOfOneVisit(t *testing.T) {
	h := newHouse(t, func(o *intake.Options) {
		o.Limits.Visit.Bytes = intake.Rate{Burst: 1000, Hour: 500}
	})
	s, _ := h.begin(t)
	// What is under way goes on: it ends over the limit, and the next one is refused.
	if got := h.send(t, s, "", strings.Repeat("b", 1400)); got.Err != nil {
		t.Fatal(got.Err)
	}
	if _, err := h.Submit(s); !errors.Is(err, intake.ErrTooOften) {
		t.Errorf("the next: %v; want too often", err)
	}
	h.pass(20 * time.Minute)
	if got := h.fetch(t); len(got) != 1 {
		t.Errorf("%d envelopes; want one", len(got))
	}
	other, _ := h.begin(t)
	h.send(t, other, "another visit")
}

// slow is a file of which not all arrives until it is let go.
type slow struct {
	first io.Reader
	rest  chan struct{}
}

func (s slow) Read(p []byte) (int, error) {
	if n, err := s.first.Read(p); n > 0 || err != io.EOF {
		return n, err
	}
	<-s.rest
	return 0, errors.New("hung up")
}

func TestFewPlacesForOneVisit(t *testing.T) {
	h := newHouse(t, nil)
	s, _ := h.begin(t)
	var under []*intake.Submission
	for range 2 {
		sub, err := h.Submit(s)
		if err != nil {
			t.Fatal(err)
		}
		under = append(under, sub)
	}
	if _, err := h.Submit(s); !errors.Is(err, intake.ErrTooOften) {
		t.Errorf("a third at once: %v; want too often", err)
	}
	for _, sub := range under {
		sub.Finish()
	}
	h.send(t, s, "after they have ended")
}

// TestTheSlowestMakesPlace: who holds all places with next to nothing loses one to
// who has something to send; who sends at a fair rate keeps it.
func TestTheSlowestMakesPlace(t *testing.T) {
	h := newHouse(t, func(o *intake.Options) {
		o.Limits.Uploads, o.Limits.Fair = 2, 1000
	})
	type upload struct {
		sub  *intake.Submission
		rest chan struct{}
		done chan intake.Arrival
	}
	start := func(bytes int) upload {
		s, _ := h.begin(t)
		sub, err := h.Submit(s)
		if err != nil {
			t.Fatal(err)
		}
		u := upload{sub, make(chan struct{}), make(chan intake.Arrival, 1)}
		read := make(chan struct{})
		sub.OnHangUp(sync.OnceFunc(func() { close(u.rest) }))
		go func() {
			sub.File("first.txt", strings.NewReader(strings.Repeat("x", bytes)))
			close(read)
			sub.File("second.txt", slow{strings.NewReader("begun"), u.rest})
			got, _ := sub.Finish()
			u.done <- got
		}()
		<-read
		return u
	}
	fair, lame := start(400_000), start(10)
	s, _ := h.begin(t)
	if _, err := h.Submit(s); !errors.Is(err, fault.Busy) {
		t.Errorf("before anybody can be told slow: %v; want busy", err)
	}
	h.pass(3 * time.Minute)
	h.send(t, s, "I have something to send")
	got := <-lame.done
	if !got.Kept || len(got.Parts) != 2 || got.Parts[0].Cut || !got.Parts[1].Cut {
		t.Errorf("what was hung up on: %+v; want its whole file, and the beginning of the other", got)
	}
	again := start(10)
	h.pass(30 * time.Second)
	if _, err := h.Submit(s); !errors.Is(err, fault.Busy) {
		t.Errorf("while one is fair and one is new: %v; want busy", err)
	}
	select {
	case <-fair.done:
		t.Error("the fair one was hung up on")
	default:
	}
	close(fair.rest)
	close(again.rest)
	<-fair.done
	<-again.done
}

func TestWhenAnUploadIsLate(t *testing.T) {
	l := intake.Limits{Silence: 10 * time.Minute, Grace: 15 * time.Minute, Slowest: 1000}
	began := time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		after time.Duration
		n     int64
		want  time.Duration // since it began
	}{
		{0, 0, 10 * time.Minute},
		{9 * time.Minute, 0, 15 * time.Minute}, // the average is what is short
		{9 * time.Minute, 1_000_000, 19 * time.Minute},
		{24 * time.Hour, 1000 * 24 * 3600, 24*time.Hour + 10*time.Minute},
		{24 * time.Hour, 1000 * 23 * 3600, 23*time.Hour + 15*time.Minute},
	} {
		if got := l.Late(began, began.Add(c.after), c.n).Sub(began); got != c.want {
			t.Errorf("%d bytes after %v: late at %v; want %v", c.n, c.after, got, c.want)
		}
	}
}

// TestAFloodOfVisits: those who only begin push each other out, and nobody who did
// more.
func TestAFloodOfVisits(t *testing.T) {
	h := newHouse(t, func(o *intake.Options) { o.Limits.Sessions = 10 })
	sent, _ := h.begin(t)
	h.send(t, sent, "hello")
	words, _ := codename.New("en").AppendText(nil)
	back, err := h.Return(t.Context(), words)
	if err != nil {
		t.Fatal(err)
	}
	kept, _ := h.begin(t)
	there := func(s *intake.Session) bool { _, err := h.Session(s.Token()); return err == nil }
	var unused []*intake.Session
	for range 100 {
		s, err := h.Begin("en")
		if err != nil {
			t.Fatal(err)
		}
		unused = append(unused, s)
	}
	for i, s := range unused {
		if got, want := there(s), i >= 93; got != want {
			t.Errorf("unused visit %d is there: %v; want %v", i, got, want)
		}
	}
	if !there(sent) || !there(back) || !there(kept) {
		t.Error("a visit that did something was dropped for one that did nothing")
	}
	// Codenames that were kept make place for each other next, then what is proven:
	// what was seen longest ago first, and never an upload.
	busy, _ := h.begin(t)
	sub, err := h.Submit(busy)
	if err != nil {
		t.Fatal(err)
	}
	for range 30 {
		h.begin(t)
	}
	if !there(sent) || !there(back) || there(kept) || !there(busy) {
		t.Errorf("sent %v, back %v, busy %v; want them there; kept %v", there(sent), there(back), there(busy), there(kept))
	}
	for range 9 {
		s, _ := h.begin(t)
		h.send(t, s, "hello")
	}
	if there(sent) || !there(busy) {
		t.Errorf("sent long ago %v, busy %v; want the second only", there(sent), there(busy))
	}
	sub.Finish()
}

// TestAFullTableLeavesPlaces: whoever fills the table with visits of one rank, and
// asks for their pages, leaves room for those who begin and write.
func TestAFullTableLeavesPlaces(t *testing.T) {
	const full, quarter = 16, 4
	words, _ := codename.New("en").AppendText(nil)
	for what, join := range map[string]func(*house) *intake.Session{
		"sent": func(h *house) *intake.Session {
			s, _ := h.begin(t)
			h.send(t, s, "a message of the flood")
			return s
		},
		"came back": func(h *house) *intake.Session {
			s, err := h.Return(t.Context(), words)
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
		"kept": func(h *house) *intake.Session { s, _ := h.begin(t); return s },
	} {
		h := newHouse(t, func(o *intake.Options) { o.Limits.Sessions = full })
		var flood []*intake.Session
		for range full {
			flood = append(flood, join(h))
		}
		there := func(s *intake.Session) bool { _, err := h.Session(s.Token()); return err == nil }
		goesOn := func() { // for less than a quarter of the places
			for range quarter - 1 {
				h.pass(5 * time.Second)
				for i, s := range flood {
					if there(s); i < full {
						s.Keep() // once more
					}
				}
				s, err := h.Begin("en")
				if err != nil {
					t.Fatal(err)
				}
				flood = append(flood, s)
			}
		}
		goesOn()
		goesOn()
		source, err := h.Begin("en")
		if err != nil {
			t.Fatal(err)
		}
		goesOn()
		if !there(source) {
			t.Errorf("%s: who began lost their visit, and the codename with it", what)
			continue
		}
		source.Keep()
		goesOn()
		if !there(source) {
			t.Errorf("%s: who kept the codename lost their visit before they wrote", what)
			continue
		}
		if got := h.send(t, source, "What I have to say."); !got.Kept {
			t.Errorf("%s: %v", what, got.Err)
		}
		for range full { // nor do those who begin take all places
			h.begin(t)
		}
		if !there(source) {
			t.Errorf("%s: who sent something made place for those who did less", what)
		}
	}
}

// small is a store on a disk with so much left.
type small struct {
	intake.Store
	free *atomic.Int64
}

func (s small) Space(context.Context) (free, whole int64, err error) {
	return s.free.Load(), 1 << 41, nil
}

func TestTheReserveOfTheDisk(t *testing.T) {
	var free atomic.Int64
	free.Store(1 << 40)
	h := newHouse(t, func(o *intake.Options) { o.Store = small{o.Store, &free} })
	s, _ := h.begin(t)
	under, err := h.Submit(s)
	if err != nil {
		t.Fatal(err)
	}
	free.Store(1<<30 - 1)
	if _, err := h.Submit(s); !errors.Is(err, fault.Full) {
		t.Errorf("with less than the reserve left: %v; want full", err)
	}
	under.Text(strings.NewReader("under way"))
	if got, err := under.Finish(); err != nil || got.Err != nil {
		t.Errorf("what was under way: %v, %v; want it kept", got.Err, err)
	}
	free.Store(1 << 30)
	h.send(t, s, "there is room again")
	if real, whole, err := newHouse(t, nil).store.Space(t.Context()); err != nil || real <= 0 || whole < real {
		t.Errorf("%d bytes free of %d, %v", real, whole, err)
	}
}

func TestAFirstMessageSaysSomething(t *testing.T) {
	h := newHouse(t, func(o *intake.Options) { o.Limits.First = 10 })
	finish := func(s *intake.Session, f func(*intake.Submission)) (intake.Arrival, error) {
		t.Helper()
		sub, err := h.Submit(s)
		if err != nil {
			t.Fatal(err)
		}
		f(sub)
		return sub.Finish()
	}
	text := func(words string) func(*intake.Submission) {
		return func(sub *intake.Submission) { sub.Text(strings.NewReader(words)) }
	}
	s, _ := h.begin(t)
	for _, words := range []string{"hi", "  123456789 \r\n", "ééééééééé"} {
		got, err := finish(s, text(words))
		if !errors.Is(err, intake.ErrShort) || got.Kept || string(got.Message) != words {
			t.Errorf("%q: kept %v, %v; want it refused, and given back: %q", words, got.Kept, err, got.Message)
		}
	}
	if n := len(h.fetch(t)); n != 0 {
		t.Fatalf("%d envelopes; want none", n)
	}
	for name, f := range map[string]func(*intake.Submission){
		"ten characters": text("éééééééééé"),
		"a file too": func(sub *intake.Submission) {
			sub.Text(strings.NewReader("hi"))
			sub.File("", strings.NewReader("")) // a field left empty
			sub.File("a.txt", strings.NewReader("a"))
		},
		"a file only": func(sub *intake.Submission) { sub.File("a.txt", strings.NewReader("")) },
		"broken off before the file": func(sub *intake.Submission) {
			sub.Text(strings.NewReader("hi"))
			sub.Break()
		},
		"broken off in the file": func(sub *intake.Submission) {
			sub.Text(strings.NewReader("hi"))
			sub.File("a.txt", slow{strings.NewReader(""), closed})
		},
	} {
		s, _ := h.begin(t)
		if got, err := finish(s, f); err != nil || !got.Kept {
			t.Errorf("%s: kept %v, %v", name, got.Kept, err)
		}
		if got, err := finish(s, text("more")); err != nil || !got.Kept {
			t.Errorf("%s, and then a short one: kept %v, %v", name, got.Kept, err)
		}
	}
	for _, o := range h.fetch(t) {
		if len(o.parts) == 2 && string(o.body[0]) != "hi" {
			t.Errorf("a file came with %q; want its message", o.body[0])
		}
	}
	words, _ := codename.New("en").AppendText(nil)
	back, err := h.Return(t.Context(), words)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := finish(back, text("yes")); err != nil || !got.Kept {
		t.Errorf("an answer of who came back: kept %v, %v", got.Kept, err)
	}
}

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// TestTheCodenameIsNotTold: nothing that is sealed has the codename in it, neither
// on the first visit nor after a return.
func TestTheCodenameIsNotTold(t *testing.T) {
	h := newHouse(t, nil)
	first, words := h.begin(t)
	back, err := h.Return(t.Context(), words)
	if err != nil {
		t.Fatal(err)
	}
	list := strings.Split(string(words), "-")
	for name, s := range map[string]*intake.Session{"first": first, "back": back} {
		for _, text := range []string{
			"My words: " + string(words), strings.ToUpper(strings.Join(list[3:7], " ")),
			strings.Repeat("long ", 10_000) + strings.Join(list, "\r\n"),
		} {
			sub, err := h.Submit(s)
			if err != nil {
				t.Fatal(err)
			}
			if err := sub.Text(strings.NewReader(text)); !errors.Is(err, intake.ErrTold) {
				t.Errorf("%s: a message with the words: %v; want it refused", name, err)
			}
			sub.File("after.txt", strings.NewReader("after"))
			if got, err := sub.Finish(); !errors.Is(err, intake.ErrTold) || got.Kept || string(got.Message) != text {
				t.Errorf("%s: kept %v, %v", name, got.Kept, err)
			}
		}
		if n := len(h.fetch(t)); n != 0 {
			t.Fatalf("%s: %d envelopes; want none", name, n)
		}
	}
	sub, err := h.Submit(first)
	if err != nil {
		t.Fatal(err)
	}
	sub.Text(strings.NewReader("the files"))
	sub.File("whole.txt", strings.NewReader("whole"))
	if err := sub.File(strings.Join(list, "_")+".txt", strings.NewReader("x")); !errors.Is(err, intake.ErrTold) {
		t.Errorf("a name with the words: %v", err)
	}
	if err := sub.Text(strings.NewReader(string(words))); err == nil {
		t.Error("a message after it was taken")
	}
	got, err := sub.Finish()
	if err != nil || !got.Kept || !errors.Is(got.Err, intake.ErrTold) || len(got.Parts) != 2 {
		t.Errorf("%+v, %v; want what came before the name", got, err)
	}
	all := h.fetch(t)
	if len(all) != 1 || len(all[0].parts) != 2 || all[0].End() != envelope.Cut {
		t.Errorf("the desk has %d envelopes", len(all))
	}
}

// TestWhatManySend: the same from several visits of one day is marked, inside the
// envelope.
func TestWhatManySend(t *testing.T) {
	h := newHouse(t, func(o *intake.Options) { o.Limits.Repeats = 3 })
	marked := func(s *intake.Session, message string, files ...string) bool {
		t.Helper()
		if got := h.send(t, s, message, files...); got.Err != nil {
			t.Fatal(got.Err)
		}
		all := h.fetch(t)
		if len(all) != 1 || all[0].End() != envelope.Whole {
			t.Fatalf("%d envelopes", len(all))
		}
		list, _ := h.store.Envelopes(t.Context())
		if err := h.store.DestroyEnvelopes(t.Context(), []courier.EnvelopeID{list[0].ID}); err != nil {
			t.Fatal(err)
		}
		return all[0].Repeated()
	}
	visit := func() *intake.Session { s, _ := h.begin(t); return s }
	big := strings.Repeat("advertisement ", 20_000)
	one := visit()
	for range 5 {
		if marked(one, "buy it", big) {
			t.Error("one visit that repeats itself is marked")
		}
	}
	for i := range 2 {
		if marked(visit(), "buy it", big) {
			t.Errorf("visit %d is marked", i+2)
		}
	}
	if !marked(visit(), " buy it\r\n", big) {
		t.Error("the fourth visit is not marked")
	}
	if !marked(visit(), "", big) || !marked(visit(), "buy it") {
		t.Error("a part of it alone is not marked")
	}
	if marked(visit(), "buy it", big, "and something else") || marked(visit(), "do not buy it", big) || marked(visit(), "", big+".") {
		t.Error("what has something of its own is marked")
	}
	h.pass(24 * time.Hour)
	if marked(visit(), "buy it", big) {
		t.Error("marked on the next day")
	}
}

// TestTheLanes: when the lane of returns is full, submissions are sealed with a way
// back all the same; when that of submissions is, people come back.
func TestTheLanes(t *testing.T) {
	h := newHouse(t, func(o *intake.Options) { o.Limits = intake.Limits{Returns: 30, Uploads: 30} })
	words, _ := codename.New("en").AppendText(nil)
	end := h.Block(true)
	if _, err := h.Return(t.Context(), words); !errors.Is(err, fault.Busy) {
		t.Errorf("a return while the lane is full: %v; want busy", err)
	}
	s, _ := h.begin(t)
	if got := h.send(t, s, "hello"); !got.Answerable {
		t.Error("the newsroom cannot answer what was sent during a flood of returns")
	}
	end()
	end = h.Block(false)
	defer end()
	if _, err := h.Return(t.Context(), words); err != nil {
		t.Errorf("a return during a flood of submissions: %v", err)
	}
	// What is sent meanwhile is kept, and says that it has no way back.
	s, _ = h.begin(t)
	if got := h.send(t, s, "hello"); got.Answerable {
		t.Error("there is a way back without a key")
	}
}

// TestLeavingWhileWaiting: a visit that ends while it waits for a place takes none with it.
func TestLeavingWhileWaiting(t *testing.T) {
	h := newHouse(t, func(o *intake.Options) { o.Limits.Uploads = 1 })
	a, _ := h.begin(t)
	first, err := h.Submit(a)
	if err != nil {
		t.Fatal(err)
	}
	hung := make(chan struct{})
	first.OnHangUp(func() { close(hung) })
	h.pass(3 * time.Minute)
	b, _ := h.begin(t)
	got := make(chan *intake.Submission, 1)
	go func() {
		sub, _ := h.Submit(b)
		got <- sub
	}()
	<-hung
	b.Leave() // in another tab
	first.Finish()
	sub := <-got
	if sub == nil {
		t.Fatal("no place")
	}
	sub.File("x", strings.NewReader("hello"))
	sub.Finish()
	c, _ := h.begin(t)
	if sub, err = h.Submit(c); err != nil {
		t.Fatalf("the place is gone: %v", err)
	}
	sub.Finish()
}
