package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"daylight/courier/folder"
	"daylight/desk"
	"daylight/envelope"
	"daylight/fault"
)

// theWords are the newsroom's, as it would publish them.
func (n *newsroom) theWords() string {
	n.t.Helper()
	signer, err := os.ReadFile(filepath.Join(n.deskDir, "public", pubNewsroom))
	if err != nil {
		n.t.Fatal(err)
	}
	words, err := envelope.Fingerprint(n.intake.Keys().Newsroom, string(signer))
	if err != nil {
		n.t.Fatal(err)
	}
	return words
}

// typed makes what the program reads from its input.
func typed(t *testing.T, line string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, line+"\n")
	w.Close()
	before := os.Stdin
	os.Stdin = r
	t.Cleanup(func() { os.Stdin = before; r.Close() })
}

// racing is somebody else who destroys just before: the first answer before it is read,
// and those that shall be destroyed.
type racing struct {
	http.Handler
	first atomic.Bool
}

func (c *racing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/sealed/destroy" || r.URL.Path == "/sealed/reply" && c.first.CompareAndSwap(false, true) {
		b, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(b))
		other := httptest.NewRequest(http.MethodPost, "http://"+r.Host+"/sealed/destroy", bytes.NewReader(b))
		other.Header = r.Header
		c.Handler.ServeHTTP(httptest.NewRecorder(), other)
	}
	c.Handler.ServeHTTP(w, r)
}

// TestRepliesGoneBetween: an answer that is destroyed between list and reading is told
// of, and does not take the others along.
func TestRepliesGoneBetween(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	n := newNewsroom(t)
	server := httptest.NewServer(&racing{Handler: n.intake.handler})
	defer server.Close()
	words, message := n.theWords(), filepath.Join(t.TempDir(), "message")
	if err := os.WriteFile(message, []byte("Look at the sluice."), 0o600); err != nil {
		t.Fatal(err)
	}
	m := eightWords.FindStringSubmatch(daylight(t, "send", "--to", server.URL, "--words", words, "--message", message))
	n.round()
	n.round()
	if err := n.desk.PutUser(t.Context(), desk.Operator, desk.User{ID: "hana", Name: "Hana", Roles: []desk.Role{desk.Handler}}); err != nil {
		t.Fatal(err)
	}
	all, err := n.desk.Conversations(t.Context(), "hana")
	if err != nil || len(all) != 1 {
		t.Fatalf("%d conversations, %v", len(all), err)
	}
	for range 2 {
		if err := n.desk.Reply(t.Context(), "hana", all[0].ID, "Which year?", nil); err != nil {
			t.Fatal(err)
		}
	}
	n.round()
	typed(t, m[1])
	said := daylight(t, "replies", "--to", server.URL, "--words", words, "--destroy")
	if strings.Count(said, "Which year?") != 1 || strings.Count(said, "is gone") != 1 || strings.Contains(said, "Not destroyed") || !strings.Contains(said, "Destroyed on intake") {
		t.Errorf("with one of two answers destroyed by somebody else:\n%s", said)
	}
}

// cutting breaks the first pieces that are sent in their middle.
type cutting struct {
	http.Handler
	left atomic.Int64
}

func (c *cutting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPut && c.left.Add(-1) >= 0 {
		r.Body = http.MaxBytesReader(w, r.Body, 300_000)
		c.Handler.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}
	c.Handler.ServeHTTP(w, r)
}

var eightWords = regexp.MustCompile(`(?m)^    ([a-z]+(?:-[a-z]+){7})$`)

// TestSendFromTheSourcesMachine: sealed there, broken on the way, opened at the desk;
// the answer is read, saved and destroyed with the codename alone.
func TestSendFromTheSourcesMachine(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	n := newNewsroom(t)
	way := &cutting{Handler: n.intake.handler}
	way.left.Store(2)
	server := httptest.NewServer(way)
	defer server.Close()
	words, dir := n.theWords(), t.TempDir()
	report := make([]byte, 2<<20)
	rand.Read(report)
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file, message := write("report.bin", report), write("message", []byte("Look at the report."))

	// A codename in the message stays here.
	typed(t, "abacus-abdomen-afterlife-cone-pedometer-zoom-idealize-untying")
	told := write("told", []byte("I am Abacus, abdomen afterlife cone."))
	var out, errs bytes.Buffer
	if code := run([]string{"send", "--return", "--to", server.URL, "--words", words, "--message", told}, &out, &errs); code != exitUsage || !strings.Contains(errs.String(), "Nothing was sent") {
		t.Errorf("with the codename: exit code %d: %s", code, &errs)
	}

	// Other words are another newsroom's: nothing is sent.
	wrong := "abacus abdomen abdominal abide abiding ability ablaze"
	if code := run([]string{"send", "--to", server.URL, "--words", wrong, file}, &out, &errs); code != exitUnverified || !strings.Contains(errs.String(), "Nothing was sent") {
		t.Errorf("with other words: exit code %d: %s", code, &errs)
	}
	errs.Reset()
	if code := run([]string{"send", "--to", "http://127.0.0.1:1", "--words", "abacus abdomen", file}, &out, &errs); code != exitUsage || !strings.Contains(errs.String(), "there are 2.") {
		t.Errorf("with two words, before anything is asked: exit code %d: %s", code, &errs)
	}

	// A day that is none is said before anything is sealed.
	errs.Reset()
	if code := run([]string{"send", "--to", server.URL, "--words", words, "--not-before", "31.1.2027", file}, &out, &errs); code != exitUsage || !strings.Contains(errs.String(), "written as 2027-01-31. Nothing was sent.") {
		t.Errorf("with a day that is none: exit code %d: %s", code, &errs)
	}

	said := daylight(t, "send", "--to", server.URL, "--words", strings.ToUpper(strings.ReplaceAll(words, " ", "-")), "--message", message, "--not-before", "2027-01-31", "--no-quotes", file)
	m := eightWords.FindStringSubmatch(said)
	if m == nil || !strings.Contains(said, "It has arrived, sealed") {
		t.Fatalf("it says:\n%s", said)
	}
	left, _ := os.ReadDir(os.TempDir())
	for _, f := range left {
		if !f.IsDir() {
			t.Errorf("the sealed envelope is still there: %s", f.Name())
		}
	}
	n.round()
	if got := n.round(); got.Unopened > 0 {
		t.Fatalf("round: %+v", got)
	}
	ctx := t.Context()
	if err := n.desk.PutUser(ctx, desk.Operator, desk.User{ID: "hana", Name: "Hana", Roles: []desk.Role{desk.Handler}}); err != nil {
		t.Fatal(err)
	}
	all, err := n.desk.Conversations(ctx, "hana")
	if err != nil || len(all) != 1 || len(all[0].Messages) != 1 {
		t.Fatalf("%d conversations, %v", len(all), err)
	}
	got := all[0].Messages[0]
	_, body, err := n.desk.OpenFile(ctx, "hana", all[0].ID, got.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	arrived, _ := io.ReadAll(body)
	body.Close()
	if asks := (envelope.Conditions{Before: "2027-01-31", Unquoted: true}); got.Conditions != asks {
		t.Errorf("the desk reads that the source asks for %+v; want %+v", got.Conditions, asks)
	}
	if got.Text != "Look at the report." || got.Files[0].Name != "report.bin" || !bytes.Equal(arrived, report) || got.Cut {
		t.Errorf("the desk has %q, %+v, %d bytes", got.Text, got.Files, len(arrived))
	}

	if err := n.desk.Reply(ctx, "hana", all[0].ID, "Thank you. \x1b[2J Which year?", []desk.Attachment{{Name: "../../.list.txt", Body: strings.NewReader("three dates")}}); err != nil {
		t.Fatal(err)
	}
	n.round()
	saved := filepath.Join(dir, "saved")
	os.Mkdir(saved, 0o700)
	replies := func(more ...string) string {
		typed(t, strings.Replace(strings.ToUpper(m[1][:1])+m[1][1:], "-", " ", 1))
		return daylight(t, append([]string{"replies", "--to", server.URL, "--words", words, "--destroy"}, more...)...)
	}
	if said := replies(); !strings.Contains(said, "Not destroyed") || strings.Contains(said, "Destroyed on intake") {
		t.Errorf("with a file that is not saved:\n%q", said)
	}
	if said := replies(); !regexp.MustCompile(`(?m)^Number of today: \d{3} \d{3}\. Number of the last day .*: \d{3} \d{3}\.`).MatchString(said) {
		t.Errorf("no numbers of visits:\n%s", said)
	}
	if said := replies("--save", saved); !strings.Contains(said, "Which year?") || strings.Contains(said, "\x1b") || !strings.Contains(said, "Destroyed on intake; the newsroom may already hold a copy.") {
		t.Errorf("replies says:\n%q", said)
	}
	if b, err := os.ReadFile(filepath.Join(saved, "list.txt")); err != nil || string(b) != "three dates" {
		t.Errorf("saved %q, %v", b, err)
	}
	if said := replies(); !strings.Contains(said, "There is no answer") {
		t.Errorf("after they were destroyed:\n%s", said)
	}

	// A slip that leaves no reading is told by its place, and nobody is asked.
	typed(t, "qqqq "+strings.Join(strings.Split(m[1], "-")[1:7], " ")+" zzzz")
	server.Close()
	errs.Reset()
	if code := run([]string{"replies", "--to", server.URL, "--keys", filepath.Join(n.deskDir, "public"), "--words", words}, &out, &errs); code != exitUsage || !strings.Contains(errs.String(), "number 1 8") {
		t.Errorf("a slip: exit code %d: %s", code, &errs)
	}
}

// TestSendOnAStick: no network, and no reply is left on what is carried.
func TestSendOnAStick(t *testing.T) {
	n := newNewsroom(t)
	stick := t.TempDir()
	note := filepath.Join(t.TempDir(), "note.txt")
	if err := os.WriteFile(note, []byte("the ledger is false"), 0o600); err != nil {
		t.Fatal(err)
	}
	said := daylight(t, "send", "--keys", filepath.Join(n.deskDir, "public"), "--words", n.theWords(), "--out", stick, note)
	if eightWords.FindString(said) == "" || !strings.Contains(said, "Carry it to the newsroom") {
		t.Errorf("it says:\n%s", said)
	}
	f, err := folder.Open(stick)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, want := range []int{1, 0} {
		if got, err := n.desk.Receive(t.Context(), f); err != nil || got.Envelopes != want || got.Unopened != 0 {
			t.Errorf("received %+v, %v; want %d", got, err, want)
		}
	}
	if left, _ := os.ReadDir(filepath.Join(stick, "envelopes")); len(left) != 0 {
		t.Errorf("%d envelopes are still on the stick", len(left))
	}
}

// TestFetchFromIntakesStick: what the command takes in from a stick that intake wrote is
// destroyed at intake as if the desk had fetched it while it runs.
func TestFetchFromIntakesStick(t *testing.T) {
	n := newNewsroom(t)
	sub := n.begin("newsroom")
	sub.Text(strings.NewReader("the ledger is false"))
	n.finish(sub)
	stick, desk := t.TempDir(), filepath.Join(t.TempDir(), "desk")
	f, err := folder.Open(stick)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := exec.Command("cp", "-a", n.deskDir, desk).Run(); err != nil { // one that does not run
		t.Fatal(err)
	}
	for _, want := range []folder.Report{{Envelopes: 1}, {Acknowledged: 1}} {
		if got, err := f.Sync(t.Context(), n.intake.Courier(), n.intake.desk); err != nil || got != want {
			t.Errorf("carried %+v, %v; want %+v", got, err, want)
		}
		daylight(t, "fetch", "--data", desk, stick)
	}
	if left := len(n.sealed()); left != 0 {
		t.Errorf("%d envelopes are still at intake", left)
	}
}

// TestSendTriesAgain: what passes does not end an upload, and what does not pass does.
func TestSendTriesAgain(t *testing.T) {
	const size = 10
	for name, c := range map[string]struct {
		head func(asked int64) int // status of an answer to where the upload is; 0 says that one byte is there
		puts int64                 // pieces that are refused
		want int64                 // pieces sent
		ok   bool
	}{
		"one busy answer":                    {func(int64) int { return 0 }, 1, 2, true},
		"busy for good":                      {func(int64) int { return 0 }, 1000, mostTries, false},
		"every other question is lost, too":  {func(n int64) int { return int(n%2) * http.StatusInternalServerError }, 1000, mostTries / 2, false},
		"every second question lost, passes": {func(n int64) int { return int(n%2) * http.StatusInternalServerError }, 2, 3, true},
	} {
		var heads, puts atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead {
				n := heads.Add(1)
				if status := c.head(n); status != 0 && n < 100 { // what has no end ends here
					w.WriteHeader(status)
					return
				}
				w.Header().Set(uploadOffset, "1")
				if n >= 100 {
					w.Header().Set(uploadOffset, "10")
				}
				return
			}
			if puts.Add(1) <= c.puts {
				w.WriteHeader(http.StatusServiceUnavailable) // as the door does: it says no more
				return
			}
			w.Header().Set(uploadOffset, "10")
		}))
		client, err := (&newsroomFlags{To: server.URL}).client()
		if err != nil {
			t.Fatal(err)
		}
		client.pause = time.Millisecond
		p := parcel{client: client, id: "0", file: strings.NewReader("0123456789"), size: size, bar: (&app{stderr: io.Discard}).bar("Sending")}
		err = p.send(t.Context())
		if puts.Load() != c.want || (err == nil) != c.ok || !c.ok && !errors.Is(err, fault.Busy) {
			t.Errorf("%s: %d pieces, %d questions, %v; want %d pieces", name, puts.Load(), heads.Load(), err, c.want)
		}
		server.Close()
	}
}

// TestTheBarOfAnUpload: it moves within a piece, and reckons with what this run has sent,
// not with what was there before.
func TestTheBarOfAnUpload(t *testing.T) {
	var out strings.Builder
	a := &app{stderr: &out}
	p := &parcel{size: 400e6, before: 300e6, began: time.Now().Add(-10 * time.Second), bar: &bar{app: a, what: "Sending", shown: true}}
	io.CopyN(io.Discard, &piece{strings.NewReader(strings.Repeat("x", 100_000)), p, 309.95e6}, 50_000)
	if said := out.String(); !strings.Contains(said, "Sending: 310.0 of 400.0 MB, 99") || !strings.Contains(said, " kB/s, 1m30s left") || strings.Count(said, "\r") != 1 {
		t.Errorf("the bar says %q", said)
	}
}

// TestSendGoesNowhereElse: outside of Tor nothing is asked, let alone sent.
func TestSendGoesNowhereElse(t *testing.T) {
	for _, to := range []string{"", "example.org", "http://198.51.100.7:80", "https://example.onion.evil.example"} {
		c := newsroomFlags{To: to}
		if _, err := c.client(); err == nil {
			t.Errorf("%q: a client", to)
		}
	}
}

// TestJunkFillsNeitherIntakeNorDesk: what a program sends behind the head of an envelope
// goes through the pages like one, is carried to the desk, leaves intake, and is kept
// there, unopened, for handlers to see.
func TestJunkFillsNeitherIntakeNorDesk(t *testing.T) {
	n := newNewsroom(t)
	server := httptest.NewServer(n.intake.handler)
	defer server.Close()
	client, err := (&newsroomFlags{To: server.URL}).client()
	if err != nil {
		t.Fatal(err)
	}
	junk := append([]byte("age-encryption.org/v1\njunk\n"), make([]byte, 300_000)...)
	for i := range 3 {
		id := strings.Repeat("0", 31) + string(rune('a'+i))
		if at, err := client.put(t.Context(), id, 0, int64(len(junk)), bytes.NewReader(junk), int64(len(junk))); err != nil || at != int64(len(junk)) {
			t.Fatalf("%d bytes taken, %v", at, err)
		}
	}
	if len(n.sealed()) != 3 {
		t.Fatalf("%d envelopes at intake; want the junk", len(n.sealed()))
	}
	unopened := 0
	for range 3 { // to the stick, from it, and the word that it may be destroyed
		unopened += n.round().Unopened
	}
	if left := len(n.sealed()); unopened != 3 || left != 0 {
		t.Errorf("%d set aside, %d still at intake", unopened, left)
	}
	if err := n.desk.PutUser(t.Context(), desk.Operator, desk.User{ID: "hana", Name: "Hana", Roles: []desk.Role{desk.Handler}}); err != nil {
		t.Fatal(err)
	}
	if sum, err := n.desk.Unopened(t.Context(), "hana"); err != nil || sum.Envelopes != 3 || sum.Bytes != int64(3*len(junk)) {
		t.Errorf("handlers see %+v, %v; want three", sum, err)
	}
}
