package onion

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"daylight/fault"
)

func key(b byte) *Key { return &Key{b} }

func TestAddress(t *testing.T) {
	// The first key of RFC 8032, 7.1, with the address that tor makes of it.
	seed, _ := hex.DecodeString("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
	const want = "25njqamcweflpvkl73j4szahhihoc4xt3ktcgjnpaingr5yhkenl5sid"
	k := Key(seed)
	if got := k.Address(); got != want {
		t.Errorf("address %s; want %s", got, want)
	}
	for _, s := range []string{want, want + ".onion", " " + strings.ToUpper(want) + ".ONION\n"} {
		if a, err := ParseAddress(s); err != nil || a != want {
			t.Errorf("%q: %s, %v", s, a, err)
		}
	}
	for _, s := range []string{"", "x.onion", "http://" + want + ".onion", want[1:], "35" + want[2:], want[:55] + "c", want + ".onion.example"} {
		if _, err := ParseAddress(s); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v; want not valid", s, err)
		}
	}
}

func TestClientKeys(t *testing.T) {
	k, err := NewClientKey()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseClientKey(k.Base32() + "\n")
	if err != nil || again.Public() != k.Public() {
		t.Errorf("a key read back: %v", err)
	}
	for _, text := range []string{k.Public().String() + "\n", k.Public().base32()} {
		if p, err := ParseClientPublic(text); err != nil || p != k.Public() {
			t.Errorf("%q: %v", text, err)
		}
	}
	if want := "a:descriptor:x25519:" + k.Base32() + "\n"; k.File("a") != want {
		t.Errorf("file %q; want %q", k.File("a"), want)
	}
	for _, bad := range []string{"", "descriptor:x25519:", "descriptor:rsa:" + k.Base32(), k.Base32()[1:], k.Base32() + "A", strings.ToLower(k.Base32())} {
		if _, err := ParseClientPublic(bad); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v; want not valid", bad, err)
		}
		if _, err := ParseClientKey(bad); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v; want not valid", bad, err)
		}
	}
}

func dial(t *testing.T, f *fakeTor) (*Control, error) {
	t.Helper()
	c, err := Dial(t.Context(), "unix:"+f.path)
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

func TestSigningIn(t *testing.T) {
	for methods, first := range map[string]string{
		"COOKIE,SAFECOOKIE,HASHEDPASSWORD": "AUTHCHALLENGE",
		"COOKIE":                           "AUTHENTICATE 63",
		"NULL":                             "AUTHENTICATE",
	} {
		f := newFakeTor(t, methods)
		f.start()
		c, err := dial(t, f)
		if err != nil {
			t.Errorf("%s: %v", methods, err)
			continue
		}
		if n, err := c.Bootstrap(t.Context()); err != nil || n != 85 {
			t.Errorf("bootstrap %d, %v; want 85", n, err)
		}
		if got, err := c.Info(t.Context(), "config-text"); err != nil || got != "Log notice\n.dot" {
			t.Errorf("data %q, %v", got, err)
		}
		for key, want := range map[string][]string{"SafeLogging": {"1"}, "Log": {"notice syslog", "info file /log"}, "DataDirectory": nil} {
			if got, err := c.Conf(t.Context(), key); err != nil || !slices.Equal(got, want) {
				t.Errorf("setting %s is %q, %v; want %q", key, got, err, want)
			}
		}
		if len(f.said(first)) != 1 {
			t.Errorf("%s: %q; want one %s", methods, f.lines, first)
		}
	}
	f := newFakeTor(t, "HASHEDPASSWORD")
	f.start()
	if _, err := dial(t, f); !errors.Is(err, fault.Forbidden) {
		t.Errorf("where tor wants a password: %v", err)
	}
}

// TestWhoIsNotTorLearnsNothing: somebody listens where tor should.
func TestWhoIsNotTorLearnsNothing(t *testing.T) {
	f := newFakeTor(t, "COOKIE,SAFECOOKIE")
	f.liar = true
	f.start()
	if _, err := dial(t, f); !errors.Is(err, fault.Unverified) || len(f.said("AUTHENTICATE")) != 0 {
		t.Errorf("who does not know the cookie: %v, and was told %q", err, f.said("AUTHENTICATE"))
	}
	f = newFakeTor(t, "COOKIE")
	f.start()
	if err := os.WriteFile(f.cookieFile(), []byte("some other file of ours, longer than a cookie"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := dial(t, f); !errors.Is(err, fault.Invalid) || len(f.said("AUTHENTICATE")) != 0 {
		t.Errorf("a file that is no cookie: %v, and was told %q", err, f.said("AUTHENTICATE"))
	}
}

func TestServices(t *testing.T) {
	f := newFakeTor(t, "NULL")
	f.start()
	c, err := dial(t, f)
	if err != nil {
		t.Fatal(err)
	}
	one := ClientPublic(bytes.Repeat([]byte{1}, 32))
	for want, s := range map[string]Service{
		"Flags=DiscardPK PoWDefensesEnabled=1 PoWQueueRate=20 PoWQueueBurst=200 Port=80,unix:/run/a.sock": {
			Key: key(1), Socket: "/run/a.sock", Open: true, Work: &Work{20, 200}},
		"Flags=DiscardPK,V3Auth Port=80,unix:/run/b.sock ClientAuthV3=" + one.base32(): {
			Key: key(2), Socket: "/run/b.sock", Clients: []ClientPublic{one}},
	} {
		if err := c.Add(t.Context(), s); err != nil {
			t.Error(err)
		}
		added := f.said("ADD_ONION")
		if got := added[len(added)-1]; got != "ADD_ONION "+s.Key.blob()+" "+want {
			t.Errorf("%s; want %s", got, want)
		}
	}
	for what, s := range map[string]Service{
		"lets in nobody":     {Key: key(1), Socket: "/run/a.sock"},
		"open, with clients": {Key: key(1), Socket: "/run/a.sock", Open: true, Clients: []ClientPublic{one}},
		"relative":           {Key: key(1), Socket: "a.sock", Open: true},
		"another word":       {Key: key(1), Socket: "/run/a Port=22,127.0.0.1:22", Open: true},
		"another line":       {Key: key(1), Socket: "/run/a\r\nSIGNAL HALT", Open: true},
		"another target":     {Key: key(1), Socket: "/run/a,b", Open: true},
	} {
		if err := c.Add(t.Context(), s); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v; want not valid", what, err)
		}
		if _, err := s.Torrc("/var/lib/tor/x"); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s in torrc: %v; want not valid", what, err)
		}
	}
	if len(f.said("ADD_ONION")) != 2 {
		t.Error("tor was told of a service that is not valid")
	}
	torrc, err := Service{Key: key(1), Socket: "/run/a.sock", Open: true, Work: &Work{20, 200}}.Torrc("/var/lib/tor/x")
	if want := "HiddenServiceDir /var/lib/tor/x\nHiddenServicePort 80 unix:/run/a.sock\nHiddenServicePoWDefensesEnabled 1\nHiddenServicePoWQueueRate 20\nHiddenServicePoWQueueBurst 200\n"; err != nil || torrc != want {
		t.Errorf("%q, %v; want %q", torrc, err, want)
	}
}

func TestWhatTorRefusesIsSaidWithoutTheKey(t *testing.T) {
	f := newFakeTor(t, "NULL")
	k, err := NewClientKey()
	if err != nil {
		t.Fatal(err)
	}
	f.answer = func(line string) string {
		switch {
		case strings.HasPrefix(line, "ADD_ONION"):
			return "512 Unknown argument \"\x1b[2J" + line + "\"\r\n"
		case strings.HasPrefix(line, "ONION_CLIENT_AUTH_ADD"):
			return "512 Bad \r\n"
		}
		return ""
	}
	f.start()
	c, err := dial(t, f)
	if err != nil {
		t.Fatal(err)
	}
	err = c.Add(t.Context(), Service{Key: key(1), Socket: "/run/a.sock", Open: true, Work: &Work{1, 2}})
	if err == nil || !strings.Contains(err.Error(), "proof of work") || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("%v; want it to say what this tor lacks, in plain letters", err)
	}
	if err != nil && strings.Contains(err.Error(), key(1).blob()[20:]) {
		t.Error("the error has the key of the service")
	}
	err = c.Authorize(t.Context(), Client{Address: key(1).Address(), Key: k})
	if err == nil || strings.Contains(err.Error(), k.Base32()) {
		t.Errorf("%v; want an error without the key", err)
	}
	f.answer = func(line string) string {
		if strings.HasPrefix(line, "ADD_ONION") {
			return "250-ServiceID=" + string(key(2).Address()) + "\r\n250 OK\r\n"
		}
		return ""
	}
	if err := c.Add(t.Context(), Service{Key: key(1), Socket: "/run/a.sock", Open: true}); !errors.Is(err, fault.Invalid) {
		t.Errorf("another address than the key's: %v", err)
	}
}

// TestAnAnswerThatDoesNotCome: the connection is given up, since the answer could
// come for the next question.
func TestAnAnswerThatDoesNotCome(t *testing.T) {
	f := newFakeTor(t, "NULL")
	f.answer = func(line string) string {
		if strings.HasPrefix(line, "GETINFO") {
			return "250-version=\r\n" // without end
		}
		return ""
	}
	f.start()
	c, err := dial(t, f)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Info(ctx, "version"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v; want that it took too long", err)
	}
	<-c.Broken()
}

// states are what a Keeper tells, "stands" when all is well.
type states chan string

func (s states) tell(err error) {
	if err == nil {
		s <- "stands"
		return
	}
	s <- err.Error()
}

// until reads until a state has a text, and wants no state twice in a row.
func (s states) until(t *testing.T, text string) {
	t.Helper()
	end := time.After(time.Minute)
	for last := ""; ; {
		select {
		case now := <-s:
			if now == last {
				t.Errorf("said twice: %s", now)
			}
			if last = now; strings.Contains(now, text) {
				return
			}
		case <-end:
			t.Fatalf("never said: %s", text)
		}
	}
}

func TestKeeper(t *testing.T) {
	f := newFakeTor(t, "COOKIE,SAFECOOKIE")
	k, err := NewClientKey()
	if err != nil {
		t.Fatal(err)
	}
	pages, desks := *key(1), *key(2)
	var mu sync.Mutex
	clients := []ClientPublic{{1}}
	said := make(states, 100)
	keeper := Keeper{Control: "unix:" + f.path, Every: 10 * time.Millisecond, State: said.tell, Want: func() (Wanted, error) {
		mu.Lock()
		defer mu.Unlock()
		if clients == nil {
			return Wanted{}, errors.New("a damaged file")
		}
		return Wanted{
			Services: []Service{{Key: &pages, Socket: "/run/a.sock", Open: true}, {Key: &desks, Socket: "/run/b.sock", Clients: clients}},
			Clients:  []Client{{Address: key(0).Address(), Key: k}},
		}, nil
	}}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { keeper.Run(ctx); close(done) }()

	said.until(t, "tor's control port: dial")
	f.start()
	both := func() bool { return len(f.services) == 2 }
	f.until("both services", both)
	said.until(t, "stands")

	f.stop() // a crash
	f.until("the services are gone", func() bool { return len(f.services) == 0 })
	said.until(t, "tor")
	f.start()
	f.until("both services again", both)
	said.until(t, "stands")

	mu.Lock()
	clients = []ClientPublic{{1}, {2}}
	mu.Unlock()
	f.until("a service with two clients", func() bool {
		return strings.Count(f.lines[len(f.lines)-1], "ClientAuthV3=") == 2
	})
	f.until("both services with it", both)
	if n := len(f.said("DEL_ONION")); n != 1 || f.said("DEL_ONION")[0] != "DEL_ONION "+string(desks.Address()) {
		t.Errorf("taken away: %q; want the desks' only", f.said("DEL_ONION"))
	}
	mu.Lock()
	clients = nil
	mu.Unlock()
	said.until(t, "a damaged file")
	f.until("both services all the same", both)

	stop()
	<-done
	f.until("no service after the end", func() bool { return len(f.services) == 0 })
	if len(f.said("ONION_CLIENT_AUTH_ADD "+string(key(0).Address())+" x25519:")) < 2 {
		t.Error("after the crash tor has no key for the service of others")
	}
}

// TestDialer speaks SOCKS as tor does.
func TestDialer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	asked := make(chan [2]string, 3) // password, name
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r := bufio.NewReader(c)
			head := make([]byte, 4)
			io.ReadFull(r, head[:2])
			io.ReadFull(r, make([]byte, head[1]))
			c.Write([]byte{5, 2}) // name and password, as tor prefers
			text := func() string {
				n, _ := r.ReadByte()
				b := make([]byte, n)
				io.ReadFull(r, b)
				return string(b)
			}
			r.ReadByte()
			text()
			password := text()
			c.Write([]byte{1, 0})
			io.ReadFull(r, head)
			asked <- [2]string{password, text()}
			io.ReadFull(r, head[:2])
			c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
			c.Close()
		}
	}()
	seen := map[string]bool{}
	for range 2 {
		d, err := Dialer("unix:" + path)
		if err != nil {
			t.Fatal(err)
		}
		c, err := d.DialContext(t.Context(), "tcp", "nowhere.onion:80")
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		got := <-asked
		if got[1] != "nowhere.onion" {
			t.Errorf("tor is asked for %q", got[1])
		}
		seen[got[0]] = true
	}
	if len(seen) != 2 {
		t.Error("two dialers share their circuits")
	}
}

func TestReplies(t *testing.T) {
	for text, want := range map[string]string{
		"250 OK\r\n":                            "250|OK",
		"250 OK\n":                              "250|OK",
		"250-a=1\r\n250-b\r\n250 OK\r\n":        "250|a=1|b|OK",
		"250+k=\r\nx\r\n..y\r\n.\r\n250 OK\r\n": "250|k=\nx\n.y|OK",
		"515 no\r\n":                            "515|no",
		"250-a\r\n251 OK\r\n":                   "not valid",
		"25 OK\r\n":                             "not valid",
		"250\r\n":                               "not valid",
		"250*OK\r\n":                            "not valid",
		"-50 OK\r\n":                            "not valid",
		"250-a\r\n":                             "EOF",
		"250+k=\r\nx\r\n":                       "EOF",
		"250 " + strings.Repeat("x", maxLine):   "too large",
		strings.Repeat("250-"+strings.Repeat("x", 1000)+"\r\n", 2000): "too large",
	} {
		rep, err := readReply(bufio.NewReaderSize(strings.NewReader(text), maxLine))
		got := ""
		switch {
		case errors.Is(err, fault.Invalid):
			got = "not valid"
		case errors.Is(err, fault.TooLarge):
			got = "too large"
		case err != nil:
			got = err.Error()
		default:
			got = strings.Join(append([]string{string([]byte{byte('0' + rep.code/100), byte('0' + rep.code/10%10), byte('0' + rep.code%10)})}, rep.lines...), "|")
		}
		if got != want {
			t.Errorf("%.60q: %.60q; want %q", text, got, want)
		}
	}
}

func FuzzReply(f *testing.F) {
	f.Add([]byte("250-AUTH METHODS=COOKIE,SAFECOOKIE COOKIEFILE=\"/run/tor/control.authcookie\"\r\n250 OK\r\n"))
	f.Add([]byte("250+k=\r\nx\r\n..y\r\n.\r\n250 OK\r\n"))
	f.Add([]byte("250-X=\"\\303\\n\\\"\" Y Z=\r\n250 OK\r\n650 EVENT\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		rep, err := readReply(bufio.NewReaderSize(bytes.NewReader(b), maxLine))
		if err != nil {
			return
		}
		if rep.code < 100 || rep.code > 999 || len(rep.lines) == 0 {
			t.Errorf("code %d, %d lines", rep.code, len(rep.lines))
		}
		for _, l := range rep.lines {
			fields(l)
			clean(l)
		}
		if v, ok := rep.value("k="); ok && len(v) > len(b) {
			t.Errorf("a value of %d bytes out of %d", len(v), len(b))
		}
	})
}

// FuzzFields: what is quoted as tor does reads back as it was.
func FuzzFields(f *testing.F) {
	f.Add("/run/tor/control.authcookie")
	f.Add("a \"b\" \\c\n\303")
	f.Fuzz(func(t *testing.T, s string) {
		var q strings.Builder
		for _, b := range []byte(s) {
			switch {
			case b == '"' || b == '\\':
				q.WriteString(`\` + string(rune(b)))
			case b < ' ' || b > '~':
				q.WriteString(`\` + string([]byte{'0' + b>>6, '0' + b>>3&7, '0' + b&7}))
			default:
				q.WriteByte(b)
			}
		}
		all, err := fields(`METHODS=COOKIE FILE="` + q.String() + `" MORE=1`)
		if err != nil || all["FILE"] != s || all["MORE"] != "1" || all["METHODS"] != "COOKIE" {
			t.Errorf("%q read back as %q, %v", s, all, err)
		}
	})
}

// FuzzKeys reads addresses, and keys of clients: what is taken reads back the same.
func FuzzKeys(f *testing.F) {
	k := ClientKey{1}
	for _, text := range []string{k.Base32(), k.Public().String(), k.Public().base32() + "\n", string(key(1).Address()) + ".onion", " " + k.File(key(1).Address()), prefix} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseAddress(text)
		if again, e := ParseAddress(a.Host()); err == nil && (e != nil || again != a || len(a) != 56) {
			t.Errorf("address %q: %q, %v", text, again, e)
		}
		private, errPrivate := ParseClientKey(text)
		if again, e := ParseClientKey(private.Base32()); errPrivate == nil && (private.Base32() != strings.TrimSpace(text) || e != nil || again != private || private.Public() == ClientPublic{}) {
			t.Errorf("key of a client: %v", e)
		}
		public, errPublic := ParseClientPublic(text)
		if again, e := ParseClientPublic(public.String()); errPublic == nil && (e != nil || again != public) {
			t.Errorf("public key of a client: %q, %v", again, e)
		}
		for _, err := range []error{err, errPrivate, errPublic} {
			if err != nil && !errors.Is(err, fault.Invalid) {
				t.Errorf("error of no kind: %v", err)
			}
		}
	})
}

// TestTorReadsTorrc: what is printed for torrc is valid for a tor, and what is not is
// refused by it.
func TestTorReadsTorrc(t *testing.T) {
	tor := os.Getenv("DAYLIGHT_TOR")
	if tor == "" {
		t.Skip("DAYLIGHT_TOR names no tor")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "torrc")
	verify := func(torrc string) (string, error) {
		if err := os.WriteFile(path, []byte(torrc), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(tor, "--verify-config", "-f", path, "--defaults-torrc", filepath.Join(dir, "none"), "--ignore-missing-torrc", "--DataDirectory", filepath.Join(dir, "data")).CombinedOutput()
		return string(out), err
	}
	one := ClientPublic(bytes.Repeat([]byte{1}, 32))
	torrc := ""
	for at, s := range map[string]Service{
		"sources": {Key: key(1), Socket: "/run/a.sock", Open: true, Work: &Work{20, 200}},
		"desk":    {Key: key(2), Socket: "/run/b.sock", Clients: []ClientPublic{one}},
	} {
		lines, err := s.Torrc(filepath.Join(dir, at))
		if err != nil {
			t.Fatal(err)
		}
		torrc += lines
	}
	if out, err := verify(torrc); err != nil || !strings.Contains(out, "Configuration was valid") {
		t.Errorf("%v:\n%s\n%s", err, torrc, out)
	}
	if out, err := verify(strings.ReplaceAll(torrc, "QueueRate", "QueueRoom")); err == nil {
		t.Errorf("tor takes what it does not know:\n%s", out)
	}
}
