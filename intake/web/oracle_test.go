package web_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	mrand "math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"daylight/codename"
	"daylight/courier"
	"daylight/envelope"
	"daylight/intake"
	"daylight/internal/httpkit"
)

// A codename that was used, and for which no answer waits, must not be told from one
// that never was. One for which an answer waits shows it: that is what it is for.
// So pairs of two codenames are looked at over and over, in random order, and all
// pages of all of them must be one page; and the times must not differ by the test
// of verdict. Times are a matter of `make soak`: see scripts/soak.

// known are the ways in which a codename was used; pairs have them in turn.
var known = []string{"sent something", "destroyed an answer", "had an answer whose day came"}

type pair struct{ used, fresh codenameOf }

// codenameOf is what one person has.
type codenameOf struct {
	words string
	opens string       // the mailbox, for a program
	visit *http.Cookie // of somebody who came back with the words
}

// telling is a store that tells who was here, for tests that must see it: by the time
// that it takes, or by an answer that does not open.
type telling struct {
	intake.Store
	who map[courier.MailboxID]bool
	by  time.Duration
	lie bool
}

func (s *telling) Replies(ctx context.Context, box courier.MailboxID) ([]courier.ReplyID, error) {
	// A look at the map alone tells: 0.1 µs, as the test found.
	if (s.by > 0 || s.lie) && s.who[box] {
		for began := time.Now(); time.Since(began) < s.by; {
		}
		if s.lie {
			return []courier.ReplyID{replyID(1)}, nil
		}
	}
	return s.Store.Replies(ctx, box)
}

func (s *telling) OpenReply(ctx context.Context, box courier.MailboxID, id courier.ReplyID) (io.ReadCloser, error) {
	if s.lie {
		return io.NopCloser(strings.NewReader("")), nil
	}
	return s.Store.OpenReply(ctx, box, id)
}

// oracleHouse is an intake with n pairs, and answers for others.
func oracleHouse(t *testing.T, n int) (*house, []pair, *telling) {
	store := &telling{who: map[courier.MailboxID]bool{}}
	h := newHouse(t, func(h *house, o *intake.Options) {
		unlimited(h, o)
		store.Store, o.Store = o.Store, store
	})
	var pairs []pair
	for i := range n {
		s, err := h.in.Begin("en")
		if err != nil {
			t.Fatal(err)
		}
		c, err := s.Codename()
		if err != nil {
			t.Fatal(err)
		}
		words, _ := c.AppendText(nil)
		sub, err := h.in.Submit(s)
		if err != nil {
			t.Fatal(err)
		}
		sub.Text(strings.NewReader("What I have to say."))
		if _, err := sub.Finish(); err != nil {
			t.Fatal(err)
		}
		to := h.fetch(t)[0]
		if known[i%len(known)] != known[0] {
			h.answer(t, to.Address(), "What we have to say.")
		}
		used := codenameOf{words: string(words)}
		if known[i%len(known)] == "destroyed an answer" {
			if err := h.in.DestroyReply(t.Context(), h.key32(t, used.words, codename.LabelOpens), replyID(replies)); err != nil {
				t.Fatal(err)
			}
		}
		if i%2 == 0 {
			h.acknowledge(t, to.id)
		}
		store.who[mailbox(to.Address())] = true
		never, _ := codename.New("en").AppendText(nil)
		pairs = append(pairs, pair{used, codenameOf{words: string(never)}})
		// fetch looks at the first: there is to be no other.
		h.destroyAll(t)
	}
	for _, day := range []string{"2027-05-31", "2027-06-01"} { // that of all answers, and the one before
		if err := h.store.Rewrite(t.Context(), day); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		h.answer(t, &envelope.Address{Mailbox: strings.Repeat("5a", 32), Key: h.key.Recipient().String()}, "For somebody else.")
	}
	for i := range pairs {
		for _, c := range []*codenameOf{&pairs[i].used, &pairs[i].fresh} {
			s, err := h.in.Return(t.Context(), []byte(c.words))
			if err != nil {
				t.Fatal(err)
			}
			c.visit = &http.Cookie{Name: "visit", Value: s.Token().String()}
			c.opens = h.key32(t, c.words, codename.LabelOpens)
		}
	}
	return h, pairs, store
}

// inbox looks from the derived key on: the visit has it, as it comes of Argon2.
func (h *house) inbox(c codenameOf) (time.Duration, string) {
	r := httptest.NewRequest("GET", h.url+"/inbox", nil)
	r.AddCookie(c.visit)
	return h.timed(r)
}

// listed asks as a source's own program does, which derives what opens the mailbox.
func (h *house) listed(c codenameOf) (time.Duration, string) {
	return h.timed(httptest.NewRequest("POST", h.url+"/sealed/replies", strings.NewReader(c.opens)))
}

func (h *house) timed(r *http.Request) (time.Duration, string) {
	w := httptest.NewRecorder()
	began := time.Now()
	h.pages.ServeHTTP(w, r)
	took := time.Since(began)
	return took, random.ReplaceAllString(fmt.Sprint(w.Code, w.Header(), w.Body), "")
}

// random is all that is another in each answer, whoever asks: the cookie, the date, and
// the numbers by which sources see whether somebody used their words.
var random = regexp.MustCompile(`visit=[0-9a-f]{64}|Date: [^\r]*|\b\d{3} \d{3}\b`)

var cookieOf = regexp.MustCompile(`visit=[0-9a-f]{64}`)

// whole types the words, and follows to the inbox: with Argon2, over a socket. Of what
// comes back, to the byte, only what is random is left out.
func (h *house) whole(t *testing.T, socket string) func(codenameOf) (time.Duration, string) {
	host := strings.TrimPrefix(h.url, "http://")
	ask := func(request string) string {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, request)
		answer, err := io.ReadAll(conn)
		if err != nil {
			t.Fatal(err)
		}
		return string(answer)
	}
	return func(c codenameOf) (time.Duration, string) {
		form := h.urlWay() + "&codename=" + url.QueryEscape(c.words)
		first := fmt.Sprintf("POST /return HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", host, len(form), form)
		began := time.Now()
		back := ask(first)
		inbox := ask(fmt.Sprintf("GET /inbox HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\n\r\n", host, cookieOf.FindString(back)))
		took := time.Since(began)
		return took, random.ReplaceAllString(back+inbox, "")
	}
}

// serveOn serves the pages as the program does, on a unix socket.
func (h *house) serveOn(t testing.TB) (socket string) {
	socket = filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); httpkit.Serve(ctx, l, h.pages, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() { stop(); <-done })
	return socket
}

// trials looks at both codenames of each pair so many times: pairs in random order,
// and in random order within a pair. It gives by how much longer that which was used
// took, in microseconds, for each pair; and how many answers were another than the first.
func trials(pairs []pair, times int, look func(codenameOf) (time.Duration, string)) (longer [][]float64, others int) {
	_, want := look(pairs[0].fresh)
	longer = make([][]float64, len(pairs))
	for range times {
		for _, i := range mrand.Perm(len(pairs)) {
			both, took := []codenameOf{pairs[i].used, pairs[i].fresh}, [2]time.Duration{}
			first := mrand.IntN(2)
			for _, j := range []int{first, 1 - first} {
				var got string
				if took[j], got = look(both[j]); got != want {
					others++
				}
			}
			longer[i] = append(longer[i], float64(took[0]-took[1])/float64(time.Microsecond))
		}
	}
	return longer, others
}

// verdict is what the times say: Wilcoxon's signed-rank test, two-sided, of the medians
// of all pairs. The pair is its unit, because the looks at one are not independent: they
// share the place of a visit in memory and the moment. It asks for no distribution. How
// much longer is the estimate of Hodges and Lehmann, with the interval that belongs to the
// test, of 99.9 %.
type verdict struct{ p, longer, low, high float64 }

// alpha is how seldom the test may see what is not there.
const alpha = 0.0001

func (v verdict) differs() bool { return v.p < alpha }

func (v verdict) String() string {
	return fmt.Sprintf("used codenames take %+.3f µs longer (99.9 %%: %+.3f to %+.3f), p = %.2g", v.longer, v.low, v.high, v.p)
}

func judge(longer [][]float64) verdict {
	n := float64(len(longer))
	var medians, walsh []float64
	for _, l := range longer {
		slices.Sort(l)
		medians = append(medians, (l[(len(l)-1)/2]+l[len(l)/2])/2)
	}
	sum := 0.0 // of the ranks of those above zero: as many averages of two are above it
	for i, a := range medians {
		for _, b := range medians[i:] {
			walsh = append(walsh, (a+b)/2)
			switch {
			case a+b > 0:
				sum++
			case a+b == 0:
				sum += 0.5
			}
		}
	}
	slices.Sort(walsh)
	mean, deviation := n*(n+1)/4, math.Sqrt(n*(n+1)*(2*n+1)/24)
	outside := max(0, int(mean-3.29*deviation))
	return verdict{p: math.Erfc(math.Abs(sum-mean) / deviation / math.Sqrt2),
		longer: (walsh[(len(walsh)-1)/2] + walsh[len(walsh)/2]) / 2, low: walsh[outside], high: walsh[len(walsh)-1-outside]}
}

// TestOracle: whatever became of a codename, its pages are those of one that never was.
// With DAYLIGHT_SOAK the looks are 100,000 pairs from the derived key on, by each of two
// ways, and 500 through the whole page, and their times must not differ either. Each
// comparison must see a difference that is planted, or it says nothing.
func TestOracle(t *testing.T) {
	soak := os.Getenv("DAYLIGHT_SOAK") != ""
	n := len(known)
	if soak {
		n = 100
	}
	h, pairs, store := oracleHouse(t, n)
	for _, way := range []struct {
		name    string
		look    func(codenameOf) (time.Duration, string)
		some    int // looks at each pair
		many    int // with DAYLIGHT_SOAK
		planted time.Duration
	}{
		{"inbox", h.inbox, 100, 1000, 20 * time.Microsecond},
		{"list of a program", h.listed, 100, 1000, 20 * time.Microsecond},
		{"whole page", h.whole(t, h.serveOn(t)), 1, 5, 20 * time.Millisecond},
	} {
		if soak {
			way.some = way.many
			trials(pairs, 1, way.look) // to get warm
		}
		longer, others := trials(pairs, way.some, way.look)
		v := judge(longer)
		t.Logf("%s: %d pairs of looks, %d answers differ", way.name, way.some*n, others)
		if others > 0 {
			t.Errorf("%s: codenames that were used can be told by bytes", way.name)
		}
		store.lie = true
		if _, others := trials(pairs, 1, way.look); others != n {
			t.Errorf("%s: %d of %d answers differ where used codenames are told; want each", way.name, others, n)
		}
		store.lie = false
		if !soak {
			continue // times say something on a quiet machine only
		}
		t.Logf("%s: %v", way.name, v)
		if v.differs() {
			t.Errorf("%s: codenames that were used can be told by time", way.name)
		}
		store.by = way.planted
		longer, _ = trials(pairs, max(3, way.some/10), way.look)
		store.by = 0
		v = judge(longer)
		t.Logf("%s, %v planted: %v", way.name, way.planted, v)
		if !v.differs() || v.low <= 0 {
			t.Errorf("%s: the test does not see %v: this machine is too restless to tell anything", way.name, way.planted)
		}
	}
}

// TestVerdict: the test of times sees a difference, and none where there is none.
func TestVerdict(t *testing.T) {
	made := mrand.New(mrand.NewPCG(1, 2))
	seen := 0
	for range 200 {
		for _, by := range []float64{0, 5} {
			longer := make([][]float64, 100)
			for i := range longer {
				of := by + made.NormFloat64()/2 // what two visits differ by
				for range 50 {
					// Times have a long tail: some looks meet the collector.
					longer[i] = append(longer[i], of+30*(made.ExpFloat64()-made.ExpFloat64()))
				}
			}
			v := judge(longer)
			switch {
			case by == 0 && v.differs():
				seen++
			case by > 0 && (!v.differs() || v.low <= 0 || v.high < by || v.low > by):
				t.Errorf("%v planted: %v", by, v)
			}
		}
	}
	if seen > 2 {
		t.Errorf("a difference is seen where none is, in %d of 200", seen)
	}
}
