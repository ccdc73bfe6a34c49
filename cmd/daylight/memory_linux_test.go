package main

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/blake2b"

	"daylight/codename"
	"daylight/courier"
	"daylight/envelope"
	"daylight/internal/secret/secrettest"
)

// served is an intake that runs as a process of its own, as `serve` runs it.
type served struct {
	*exec.Cmd
	t        *testing.T
	dir      string // of the instance
	newsroom [16]byte
	stderr   *lockedBuffer
}

// serveIntakeOf makes a newsroom's intake, lets prepare put something there, and
// starts it.
func serveIntakeOf(t *testing.T, prepare func(*served, *intakeRole)) *served {
	t.Helper()
	dir := t.TempDir()
	s := &served{t: t, dir: filepath.Join(dir, "intake"), stderr: &lockedBuffer{}}
	for _, args := range [][]string{
		{"keys", "make", "--role", "desk", "--data", dir + "/desk"},
		{"keys", "make", "--role", "intake", "--data", s.dir, "--newsroom", dir + "/desk/public"},
	} {
		if code := run(args, io.Discard, s.stderr); code != 0 {
			t.Fatalf("%v: %s", args, s.stderr)
		}
	}
	in, err := openInstance(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := in.newsroomVerifier()
	if err != nil {
		t.Fatal(err)
	}
	list, err := in.public(pubSources)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := envelope.ParseKeyList(list, verifier)
	if err != nil {
		t.Fatal(err)
	}
	s.newsroom = keys.Newsroom
	if err := os.WriteFile(filepath.Join(s.dir, "daylight.toml"), fmt.Appendf(nil, "[intake]\nlisten = %q\n", "unix:"+s.socket()), 0o600); err != nil {
		t.Fatal(err)
	}
	a := trialApp(t, s.dir)
	cfg, err := loadConfig(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	role, err := a.openIntake(in, cfg, "")
	if err != nil {
		t.Fatal(err)
	}
	prepare(s, role)
	if err := role.closers.Close(); err != nil {
		t.Fatal(err)
	}
	s.Cmd = secrettest.Command("daylight", "serve", "--role", "intake", "--data", s.dir)
	s.Stderr = s.stderr
	if err := s.Start(); err != nil {
		if os.Getuid() != 0 {
			t.Skipf("this user may not look into another process, nor make a namespace: %v", err)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Process.Signal(os.Interrupt)
		s.Wait()
	})
	for i := 0; !strings.Contains(s.stderr.String(), "Serving on"); i++ {
		if i == 1200 {
			t.Fatalf("it does not start: %s", s.stderr)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return s
}

func (s *served) socket() string { return filepath.Join(s.dir, "socket") }

// visitor is somebody's browser.
type visitor struct {
	*http.Client
	t            *testing.T
	words, agent string
}

// visitor comes with an agent that stands in no binary.
func (s *served) visitor() *visitor {
	jar, _ := cookiejar.New(nil)
	return &visitor{t: s.t, agent: "Mozilla/5.0 (" + rand.Text() + ")", Client: &http.Client{Jar: jar, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", s.socket())
	}}}}
}

const intakeURL = "http://daylightdaylightdaylightdaylightdaylightdaylightdaylight.onion" // forms come from onion services only

// wayInForms is what each form holds, so that who changes links on the way is seen.
var wayInForms = fmt.Sprintf(`href="%s/" href="fake.onion" href="https://%s.onion/"`, intakeURL, strings.Repeat("a", 56))

func (v *visitor) do(method, path, kind string, body []byte) string {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, intakeURL+path, bytes.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("User-Agent", v.agent)
	r.Header.Set("Content-Type", kind)
	got, err := v.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil || got.StatusCode != http.StatusOK {
		v.t.Fatalf("%s %s: %d, %v\n%s", method, path, got.StatusCode, err, text)
	}
	return string(text)
}

func (v *visitor) post(path string, fields ...string) string {
	v.t.Helper()
	form := url.Values{"way": {wayInForms}}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return v.do("POST", path, "application/x-www-form-urlencoded", []byte(form.Encode()))
}

// token is what the browser keeps.
func (v *visitor) token() string {
	v.t.Helper()
	u, _ := url.Parse(intakeURL)
	for _, c := range v.Jar.Cookies(u) {
		return c.Value
	}
	v.t.Fatal("no cookie")
	return ""
}

var wordsOnPage = regexp.MustCompile(`[a-z]+(-[a-z]+){7}`)

func (v *visitor) begin() {
	v.t.Helper()
	if v.words = wordsOnPage.FindString(v.post("/begin")); v.words == "" {
		v.t.Fatal("no codename on the page")
	}
	v.post("/codename")
}

func (v *visitor) send(message, name string, file []byte) {
	v.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	w.WriteField("way", wayInForms)
	w.WriteField("message", message)
	f, _ := w.CreateFormFile("files", name)
	f.Write(file)
	w.Close()
	v.do("POST", "/send", w.FormDataContentType(), body.Bytes())
}

// secretsOf are the bytes that a codename becomes on its way to its keys.
func secretsOf(t *testing.T, words string, newsroom [16]byte) map[string][]byte {
	t.Helper()
	c, err := codename.Parse([]byte(words))
	if err != nil {
		t.Fatal(err)
	}
	saved, _ := c.AppendBinary(nil)
	places := saved[1:] // without the number of the list
	seed := c.Seed(newsroom[:])
	reply, mailbox := seed.Key(codename.LabelReply), seed.Key(codename.LabelMailbox)
	key, err := envelope.FromSecret(reply)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"the codename's places":            places,
		"the seed":                         seed[:],
		"what Argon2 begins with":          argonStart(places[:2*codename.Random], newsroom[:]),
		"the reply key":                    reply[:],
		"the reply key as age writes it":   []byte(key.HybridIdentity.String()),
		"the mailbox":                      mailbox[:],
		"the mailbox in hex":               []byte(hex.EncodeToString(mailbox[:])),
		"the public key that replies need": []byte(key.Recipient().String())[:200],
	}
}

// argonStart is the first hash of Argon2id (RFC 9106, 3.2): whoever has it needs no
// codename.
func argonStart(places, salt []byte) []byte {
	password := append([]byte("eff-large-7772\x00"), places...)
	h, _ := blake2b.New512(nil)
	for _, n := range []uint32{4, 32, 64 << 10, 3, 0x13, 2, uint32(len(password))} {
		binary.Write(h, binary.LittleEndian, n)
	}
	h.Write(password)
	binary.Write(h, binary.LittleEndian, uint32(len(salt)))
	h.Write(salt)
	h.Write(make([]byte, 8)) // neither key nor data
	return h.Sum(nil)
}

// canaries are what this visit must not leave.
func (v *visitor) canaries(s *served, message, name, body string) map[string][]byte {
	all := secretsOf(v.t, v.words, s.newsroom)
	maps.Copy(all, canariesOf(message+" "+body, v.words, v.agent, nil, time.Unix(1, 0), time.Unix(0, 0)))
	all["file name"] = []byte(name)
	token, _ := hex.DecodeString(v.token())
	all["token"], all["token in hex"] = token, []byte(v.token())
	return all
}

// nameOfVisit is under what intake remembers a visit while it lasts.
func (v *visitor) nameOfVisit() []byte {
	token, _ := hex.DecodeString(v.token())
	name, err := hkdf.Key(sha256.New, token, nil, "daylight/intake/session/name", 32)
	if err != nil {
		v.t.Fatal(err)
	}
	return name
}

// putReply leaves a reply for a codename.
func putReply(t *testing.T, s *served, r *intakeRole, words, text, name, file string) courier.ReplyID {
	t.Helper()
	keys := secretsOf(t, words, s.newsroom)
	key, err := envelope.FromSecret([32]byte(keys["the reply key"]))
	if err != nil {
		t.Fatal(err)
	}
	var sealed bytes.Buffer
	box := string(keys["the mailbox in hex"])
	w, err := envelope.SealReply(&sealed, envelope.Head{Time: time.Now()}, envelope.Address{Mailbox: box, Key: key.Recipient().String()})
	if err != nil {
		t.Fatal(err)
	}
	w.Text(strings.NewReader(text))
	w.File(name, strings.NewReader(file))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	id := courier.ReplyID(hex.EncodeToString(make([]byte, 16)))
	if err := r.Courier().PutReply(t.Context(), courier.MailboxID(box), id, &sealed); err != nil {
		t.Fatal(err)
	}
	return id
}

// sees wants the search to find what must be there, as somebody is here just now.
// On a slow machine a collection can come between.
func (s *served) sees() {
	s.t.Helper()
	v := s.visitor()
	v.begin()
	for range 10 {
		v.do("GET", "/send", "", nil)
		found, _, err := secrettest.Scan(s.Process.Pid, map[string][]byte{"token": []byte(v.token())})
		if err != nil {
			s.t.Fatal(err)
		}
		if len(found) > 0 {
			return
		}
	}
	s.t.Error("nothing is found of a visit under way: the search looks in the wrong place")
}

// TestMemoryOfIdleIntake: minutes after a visit, the memory of an intake that runs
// holds nothing of it, whether its source left or just closed the browser.
func TestMemoryOfIdleIntake(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a minute, and with the race detector there are terabytes to search")
	}
	t.Parallel()
	mark := rand.Text() // every word of the test has it, and no binary
	words, _ := codename.New("en").AppendText(nil)
	answered := string(words)
	var reply courier.ReplyID
	s := serveIntakeOf(t, func(s *served, r *intakeRole) {
		reply = putReply(t, s, r, answered, "marzipan"+mark, "quince"+mark+".pdf", strings.Repeat("sassafras"+mark+" ", 20_000))
	})
	all := map[string]map[string][]byte{}
	for _, leaves := range []bool{true, false} {
		who := map[bool]string{true: "who left", false: "who closed the browser"}[leaves]
		v := s.visitor()
		v.begin()
		message, name, body := "marmalade"+who[4:7]+mark, "periwinkle"+who[4:7]+mark+".pdf", "hollyhock"+who[4:7]+mark
		v.send(message, name, []byte(strings.Repeat(body+" ", 20_000)))
		back := s.visitor()
		back.words = v.words
		back.post("/return", "codename", strings.ReplaceAll(v.words, "-", " "))
		back.do("GET", "/inbox", "", nil)
		all["sent by one "+who] = v.canaries(s, message, name, body)
		all["of the return of one "+who] = back.canaries(s, message, name, body)

		reader := s.visitor()
		reader.words = answered
		reader.post("/return", "codename", answered)
		if page := reader.do("GET", "/inbox", "", nil); !strings.Contains(page, "marzipan"+mark) {
			t.Fatalf("the reply is not in the inbox:\n%s", page)
		}
		if file := reader.do("GET", fmt.Sprintf("/inbox/%s/0", reply), "", nil); !strings.Contains(file, "sassafras"+mark) {
			t.Fatal("the file of the reply is not what it was")
		}
		read := reader.canaries(s, "marzipan"+mark, "quince"+mark+".pdf", "sassafras"+mark)
		delete(read, "the mailbox in hex") // stands in the database for as long as a reply waits, and so in its cache
		all["read by one "+who] = read
		for i, v := range []*visitor{v, back, reader} {
			if leaves {
				all["sent by one "+who][fmt.Sprintf("name of visit %d", i)] = v.nameOfVisit()
				v.post("/leave")
			}
			v.CloseIdleConnections() // a browser that is closed; the server would do so after two minutes
		}
	}
	look := func() (lines []string) {
		for who, c := range all {
			found, looked, err := secrettest.Scan(s.Process.Pid, c)
			if err != nil || looked < 10<<20 {
				t.Fatalf("looked at %d bytes: %v", looked, err)
			}
			for _, f := range found {
				lines = append(lines, who+": "+f.String())
			}
		}
		return lines
	}
	s.sees()
	found := look()
	for began := time.Now(); len(found) > 0 && time.Since(began) < 5*time.Minute; found = look() {
		t.Logf("after %v: %d places", time.Since(began).Round(time.Second), len(found))
		time.Sleep(10 * time.Second)
	}
	for _, f := range found {
		t.Error(f)
	}
}
