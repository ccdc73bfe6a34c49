package notice_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ProtonMail/gopenpgp/v3/crypto"
	"github.com/ProtonMail/gopenpgp/v3/profile"

	"daylight/fault"
	"daylight/internal/notice"
)

// post is a mail server that takes one message and keeps what it was told.
func post(t *testing.T) (address string, told chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	told = make(chan string, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			told <- take(c)
		}
	}()
	return l.Addr().String(), told
}

func take(c net.Conn) string {
	defer c.Close()
	var all strings.Builder
	r := bufio.NewReader(c)
	say := func(s string) { c.Write([]byte(s + "\r\n")) }
	say("220 mail.example")
	for body := false; ; {
		line, err := r.ReadString('\n')
		if err != nil {
			return all.String()
		}
		all.WriteString(line)
		switch {
		case body && line == ".\r\n":
			body = false
			say("250 taken")
		case body:
		case strings.HasPrefix(line, "DATA"):
			body = true
			say("354 go on")
		case strings.HasPrefix(line, "QUIT"):
			say("221 bye")
			return all.String()
		default:
			say("250 mail.example")
		}
	}
}

func newKey(t *testing.T) *crypto.Key {
	t.Helper()
	k, err := crypto.PGPWithProfile(profile.RFC4880()).KeyGeneration().AddUserId("Hana", "hana@news.example").New().GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func public(t *testing.T, k *crypto.Key) []byte {
	t.Helper()
	s, err := k.GetArmoredPublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return []byte(s)
}

// TestMail: outside stands nothing but what is the same every day; inside too.
func TestMail(t *testing.T) {
	address, told := post(t)
	k := newKey(t)
	m := notice.Mail{Server: address, From: "desk@news.example", To: "hana@news.example"}
	if err := m.ParseKey(public(t, k), time.Now()); err != nil {
		t.Fatal(err)
	}
	var outside []string
	for range 2 {
		if err := m.Send(t.Context()); err != nil {
			t.Fatal(err)
		}
		all := <-told
		before, rest, ok := strings.Cut(all, "-----BEGIN PGP MESSAGE-----")
		if !ok || strings.Contains(all, "whether or not") {
			t.Fatalf("the mail is not sealed:\n%s", all)
		}
		outside = append(outside, before)
		d, err := crypto.PGP().Decryption().DecryptionKey(k).New()
		if err != nil {
			t.Fatal(err)
		}
		rest, _, _ = strings.Cut("-----BEGIN PGP MESSAGE-----"+rest, "\r\n.\r\n")
		got, err := d.Decrypt([]byte(rest), crypto.Armor)
		if err != nil || got.String() != notice.Words {
			t.Errorf("inside: %v, %v; want the words", got, err)
		}
	}
	if outside[0] != outside[1] {
		t.Errorf("two days differ:\n%s\n%s", outside[0], outside[1])
	}
	for _, header := range []string{"Subject: " + notice.Subject, "From: desk@news.example", "EHLO localhost"} {
		if !strings.Contains(outside[0], header+"\r\n") {
			t.Errorf("no %q in\n%s", header, outside[0])
		}
	}
}

func TestAPasswordIsNotSentInClear(t *testing.T) {
	address, told := post(t)
	m := notice.Mail{Server: address, From: "desk@news.example", To: "hana@news.example", User: "desk", Password: "secret"}
	if err := m.ParseKey(public(t, newKey(t)), time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := m.Send(t.Context()); err == nil || !strings.Contains(err.Error(), "TLS") {
		t.Errorf("%v; want a refusal", err)
	}
	if all := <-told; strings.Contains(all, "AUTH") {
		t.Errorf("the server was told:\n%s", all)
	}
}

func TestKeysThatCannotSeal(t *testing.T) {
	k := newKey(t)
	private, err := k.Armor()
	if err != nil {
		t.Fatal(err)
	}
	for name, armored := range map[string]string{"none": "", "noise": "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxx\n", "private": private} {
		var m notice.Mail
		if err := m.ParseKey([]byte(armored), time.Now()); !errors.Is(err, fault.Invalid) || fault.Words(err) == "" {
			t.Errorf("%s: %v; want it refused in words", name, err)
		}
	}
}

func TestWebhook(t *testing.T) {
	var got []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := make([]byte, 1000)
		n, _ := r.Body.Read(b)
		got = append(got, r.Method+" "+r.URL.Path+" "+r.UserAgent()+string(b[:n]))
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}
	}))
	defer s.Close()
	if err := (&notice.Webhook{URL: s.URL + "/hook"}).Send(t.Context()); err != nil {
		t.Error(err)
	}
	if err := (&notice.Webhook{URL: s.URL + "/away"}).Send(t.Context()); err == nil {
		t.Error("a redirect is no answer")
	}
	if len(got) != 2 || got[0] != "POST /hook "+notice.Words {
		t.Errorf("got %q", got)
	}
}

// count is a Sender that keeps when it was asked.
type count struct {
	at   []time.Time
	fail int // the first so many
}

func (c *count) Send(context.Context) error {
	c.at = append(c.at, time.Now().UTC())
	if len(c.at) <= c.fail {
		return errors.New("no route")
	}
	return nil
}

// TestSchedule: the hour does not move, whatever happens.
func TestSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at, err := notice.ParseAt("09:30")
		if err != nil {
			t.Fatal(err)
		}
		c, failed := &count{fail: 4}, 0
		ctx, stop := context.WithTimeout(t.Context(), 4*24*time.Hour)
		defer stop()
		notice.Run(ctx, at, c, func(error) { failed++ })
		var got []string
		for _, at := range c.at {
			got = append(got, at.Format("2 15:04"))
		}
		// The clock of the bubble begins at midnight of the first.
		want := "1 09:30, 1 09:40, 1 09:50, 2 09:30, 2 09:40, 3 09:30, 4 09:30"
		if s := strings.Join(got, ", "); s != want || failed != 4 {
			t.Errorf("sent at %s, %d failed; want %s, 4 failed", s, failed, want)
		}
	})
}

func TestHours(t *testing.T) {
	for _, s := range []string{"", "9", "25:00", "09:60", "09:00:00"} {
		if _, err := notice.ParseAt(s); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v; want it refused", s, err)
		}
	}
}
