package onion

import (
	"bufio"
	"crypto/ed25519"
	"crypto/hmac"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeTor is a control port that keeps the protocol, and its services as long as
// their connection lasts.
type fakeTor struct {
	t       testing.TB
	path    string
	methods string
	cookie  []byte
	liar    bool                     // knows no cookie
	answer  func(line string) string // instead of its own answer, when not ""

	mu       sync.Mutex
	l        net.Listener
	conns    map[net.Conn]bool
	lines    []string
	services map[string]net.Conn
	changed  chan struct{} // a token after each command
}

func newFakeTor(t testing.TB, methods string) *fakeTor {
	t.Helper()
	dir, err := os.MkdirTemp("", "tor")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	f := &fakeTor{t: t, path: filepath.Join(dir, "control"), methods: methods, cookie: []byte(strings.Repeat("c", 31) + "\x00"),
		conns: map[net.Conn]bool{}, services: map[string]net.Conn{}, changed: make(chan struct{}, 1000)}
	if err := os.WriteFile(f.cookieFile(), f.cookie, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.stop)
	return f
}

func (f *fakeTor) cookieFile() string { return f.path + " cookie\"" }

func (f *fakeTor) start() {
	f.t.Helper()
	l, err := net.Listen("unix", f.path)
	if err != nil {
		f.t.Fatal(err)
	}
	f.mu.Lock()
	f.l = l
	f.mu.Unlock()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			f.conns[c] = true
			f.mu.Unlock()
			go f.serve(c)
		}
	}()
}

// stop ends tor as a crash does.
func (f *fakeTor) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.l != nil {
		f.l.Close()
	}
	for c := range f.conns {
		c.Close()
	}
}

func (f *fakeTor) serve(c net.Conn) {
	defer func() {
		c.Close()
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.conns, c)
		for a, owner := range f.services {
			if owner == c {
				delete(f.services, a)
			}
		}
		f.changed <- struct{}{}
	}()
	var clientNonce, serverNonce []byte
	signedIn := false
	for s := bufio.NewScanner(c); s.Scan(); f.changed <- struct{}{} {
		line := s.Text()
		f.mu.Lock()
		f.lines = append(f.lines, line)
		f.mu.Unlock()
		word, rest, _ := strings.Cut(line, " ")
		out := "250 OK\r\n"
		if f.answer != nil {
			if a := f.answer(line); a != "" {
				fmt.Fprint(c, a)
				continue
			}
		}
		switch {
		case word == "PROTOCOLINFO":
			quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(f.cookieFile())
			out = fmt.Sprintf("250-PROTOCOLINFO 1\r\n250-AUTH METHODS=%s COOKIEFILE=\"%s\"\r\n250-VERSION Tor=\"0.4.9.11\"\r\n250 OK\r\n", f.methods, quoted)
		case word == "AUTHCHALLENGE":
			clientNonce, _ = hex.DecodeString(strings.TrimPrefix(rest, "SAFECOOKIE "))
			serverNonce = []byte(strings.Repeat("s", 32))
			known := f.cookie
			if f.liar {
				known = []byte(strings.Repeat("?", 32))
			}
			out = fmt.Sprintf("250 AUTHCHALLENGE SERVERHASH=%X SERVERNONCE=%X\r\n", cookieSum(serverToController, known, clientNonce, serverNonce), serverNonce)
		case word == "AUTHENTICATE":
			proof, _ := hex.DecodeString(rest)
			switch {
			case strings.Contains(f.methods, "SAFECOOKIE"):
				signedIn = hmac.Equal(proof, cookieSum(controllerToServer, f.cookie, clientNonce, serverNonce))
			case strings.Contains(f.methods, "COOKIE"):
				signedIn = hmac.Equal(proof, f.cookie)
			default:
				signedIn = rest == ""
			}
			if !signedIn {
				out = "515 Authentication failed\r\n"
			}
		case !signedIn:
			out = "514 Authentication required.\r\n"
		case word == "ADD_ONION":
			a := addressOf(rest)
			f.mu.Lock()
			f.services[a] = c
			f.mu.Unlock()
			out = "650 STATUS_GENERAL NOTICE what nobody asked for\r\n250-ServiceID=" + a + "\r\n250 OK\r\n"
		case word == "DEL_ONION":
			f.mu.Lock()
			delete(f.services, rest)
			f.mu.Unlock()
		case line == "GETINFO status/bootstrap-phase":
			out = "250-status/bootstrap-phase=NOTICE BOOTSTRAP PROGRESS=85 TAG=ap_conn_done SUMMARY=\"Connected to a relay\"\r\n250 OK\r\n"
		case line == "GETINFO config-text":
			out = "250+config-text=\r\nLog notice\r\n..dot\r\n.\r\n250 OK\r\n"
		case line == "GETCONF SafeLogging":
			out = "250 SafeLogging=1\r\n"
		case line == "GETCONF Log":
			out = "250-Log=notice syslog\r\n250 Log=info file /log\r\n"
		case line == "GETCONF DataDirectory": // it has its default
			out = "250 DataDirectory\r\n"
		}
		fmt.Fprint(c, out)
	}
}

// addressOf makes of an expanded key the address, as tor does.
func addressOf(rest string) string {
	blob, _, _ := strings.Cut(strings.TrimPrefix(rest, "ED25519-V3:"), " ")
	b, _ := base64.StdEncoding.DecodeString(blob)
	for seed := range 3 { // the keys of these tests
		var k Key
		k[0] = byte(seed)
		if k.blob() == "ED25519-V3:"+base64.StdEncoding.EncodeToString(b) {
			return string(base32Lower.EncodeToString(addressBytes(ed25519.NewKeyFromSeed(k[:])[32:])))
		}
	}
	return "unknown"
}

// said returns the commands so far that begin with a word.
func (f *fakeTor) said(word string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, l := range f.lines {
		if strings.HasPrefix(l, word) {
			all = append(all, l)
		}
	}
	return all
}

// until waits for a state of the fake.
func (f *fakeTor) until(what string, ok func() bool) {
	f.t.Helper()
	end := time.After(time.Minute)
	for !func() bool { f.mu.Lock(); defer f.mu.Unlock(); return ok() }() {
		select {
		case <-f.changed:
		case <-end:
			f.t.Fatalf("never: %s", what)
		}
	}
}
