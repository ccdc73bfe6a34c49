// Package oniontest runs a private Tor network on loopback for tests: three
// authorities, three relays, and as many other tors as a test asks for. It needs the
// programs tor and tor-gencert, and no network. Everything ends with the test.
package oniontest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"daylight/internal/onion"
)

// Variable names the program tor. Without it, tests that need it are skipped.
const Variable = "DAYLIGHT_TOR"

// Network is a private Tor network that runs.
type Network struct {
	dir         string
	tor         string
	empty       string   // a file, in place of the machine's own settings
	authorities []string // lines of torrc
	began       time.Time
}

// Tor is one tor of it. Its sockets are reached as Daylight's settings name them.
type Tor struct {
	Control string // "unix:/path"
	Socks   string // "unix:/path"
	Log     string // path of its log, which is as safe as tor makes it
	Dir     string

	command []string
	process *os.Process
	ended   chan struct{}
}

// limit is how long the network may take. On two free cores it takes half a minute.
const limit = 4 * time.Minute

// Start starts the network. It takes a while to agree on itself; Join waits for that.
func Start(t testing.TB) *Network {
	t.Helper()
	tor := os.Getenv(Variable)
	if tor == "" {
		t.Skip(Variable + " does not name the program tor")
	}
	// Names of sockets are short: 108 bytes, less than a test's own folder may have.
	dir, err := os.MkdirTemp("", "tor")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	n := &Network{began: time.Now(), dir: dir, tor: tor, empty: filepath.Join(dir, "empty")}
	if err := os.WriteFile(n.empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ports := freePorts(t, 9)
	var all sync.WaitGroup
	lines := make([]string, 3)
	for i := range 3 {
		all.Go(func() { lines[i] = n.authority(t, i, ports[2*i], ports[2*i+1]) })
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
	n.authorities = lines
	for i := range 3 {
		n.start(t, fmt.Sprintf("authority%d", i), fmt.Sprintf(`
AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
ContactInfo nobody@authority%d.test.invalid
Nickname authority%d
Address 127.0.0.1
ORPort 127.0.0.1:%d IPv4Only
DirPort 127.0.0.1:%d IPv4Only
SocksPort 0
AssumeReachable 1
ExitPolicy reject *:*
TestingV3AuthInitialVotingInterval 5
TestingV3AuthInitialVoteDelay 2
TestingV3AuthInitialDistDelay 2
V3AuthVotingInterval 20
V3AuthVoteDelay 4
V3AuthDistDelay 4
TestingDirAuthVoteGuard *
TestingDirAuthVoteHSDir *
TestingMinFastFlagThreshold 0
MinUptimeHidServDirectoryV2 0
`, i, i, ports[2*i], ports[2*i+1]))
	}
	for i := range 3 {
		n.start(t, fmt.Sprintf("relay%d", i), fmt.Sprintf(`
Nickname relay%d
Address 127.0.0.1
ORPort 127.0.0.1:%d IPv4Only
SocksPort 0
AssumeReachable 1
ExitPolicy reject *:*
`, i, ports[6+i]))
	}
	return n
}

// common is what all tors of a test network have.
const common = `
TestingTorNetwork 1
DataDirectory %s
Log notice file %s
SafeLogging 1
ShutdownWaitLength 0
DisableDebuggerAttachment 1
PathsNeededToBuildCircuits 0.6
AvoidDiskWrites 1
NumCPUs 1
Schedulers Vanilla
ControlPort 0
`

// Join starts more tors, for services and for clients, and waits until they can build
// circuits.
func (n *Network) Join(t testing.TB, names ...string) []*Tor {
	t.Helper()
	var tors []*Tor
	for _, name := range names {
		dir := filepath.Join(n.dir, name)
		tor := n.start(t, name, fmt.Sprintf(`
SocksPort unix:%[1]s/socks ExtendedErrors
ControlSocket %[1]s/control
CookieAuthentication 1
`, dir))
		tor.Control, tor.Socks = "unix:"+dir+"/control", "unix:"+dir+"/socks"
		tors = append(tors, tor)
	}
	for _, tor := range tors {
		tor.await(t)
	}
	t.Logf("in the private Tor network after %v", time.Since(n.began).Round(time.Second))
	return tors
}

// Restart ends a tor as a crash would, starts it again, and waits until it can build
// circuits.
func (tor *Tor) Restart(t testing.TB) {
	t.Helper()
	tor.Stop()
	tor.run(t)
	tor.await(t)
}

// Stop ends a tor as a crash would.
func (tor *Tor) Stop() {
	tor.process.Kill()
	<-tor.ended
}

// await waits until the tor is in the network.
func (tor *Tor) await(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	last := errors.New("it did not start")
	for ; ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		c, err := onion.Dial(ctx, tor.Control)
		if err != nil {
			last = err
			continue
		}
		defer c.Close()
		for n := 0; n < 100; time.Sleep(100 * time.Millisecond) {
			if n, err = c.Bootstrap(ctx); err != nil {
				break
			}
			last = fmt.Errorf("%d %% of the way", n)
		}
		if err == nil {
			return
		}
	}
	b, _ := os.ReadFile(tor.Log)
	t.Fatalf("the private Tor network did not come up: %v\n%s", last, b)
}

// start runs a tor with its part of torrc, until the test ends.
func (n *Network) start(t testing.TB, name, torrc string) *Tor {
	t.Helper()
	tor := &Tor{Dir: filepath.Join(n.dir, name)}
	tor.Log = filepath.Join(tor.Dir, "log")
	if err := os.MkdirAll(tor.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(common, tor.Dir, tor.Log) + strings.Join(n.authorities, "\n") + torrc
	file := filepath.Join(tor.Dir, "torrc")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	tor.command = []string{n.tor, "-f", file, "--defaults-torrc", n.empty}
	tor.run(t)
	t.Cleanup(tor.Stop)
	return tor
}

func (tor *Tor) run(t testing.TB) {
	t.Helper()
	process, ended := exec.Command(tor.command[0], tor.command[1:]...), make(chan struct{})
	process.SysProcAttr = dieWithParent()
	if err := process.Start(); err != nil {
		t.Fatalf("start tor: %v", err)
	}
	go func() { process.Wait(); close(ended) }()
	tor.process, tor.ended = process.Process, ended
}

// authority makes the keys of an authority and returns the line that all others
// know it by.
func (n *Network) authority(t testing.TB, i, orPort, dirPort int) string {
	dir := filepath.Join(n.dir, fmt.Sprintf("authority%d", i))
	keys := filepath.Join(dir, "keys")
	if err := os.MkdirAll(keys, 0o700); err != nil {
		t.Error(err)
		return ""
	}
	program, err := filepath.EvalSymlinks(n.tor) // Debian links it to where tor-gencert is not
	if err != nil {
		t.Error(err)
		return ""
	}
	gencert := exec.Command(filepath.Join(filepath.Dir(program), "tor-gencert"), "--create-identity-key", "--passphrase-fd", "0",
		"-m", "1", "-a", fmt.Sprintf("127.0.0.1:%d", dirPort),
		"-i", filepath.Join(keys, "authority_identity_key"), "-s", filepath.Join(keys, "authority_signing_key"), "-c", filepath.Join(keys, "authority_certificate"))
	gencert.Stdin = strings.NewReader("none\n")
	if out, err := gencert.CombinedOutput(); err != nil {
		t.Errorf("tor-gencert: %v\n%s", err, out)
		return ""
	}
	cert, err := os.ReadFile(filepath.Join(keys, "authority_certificate"))
	v3 := regexp.MustCompile(`(?m)^fingerprint ([0-9A-F]{40})$`).FindSubmatch(cert)
	if err != nil || v3 == nil {
		t.Errorf("certificate of an authority: %v", err)
		return ""
	}
	name := fmt.Sprintf("authority%d", i)
	list := exec.Command(n.tor, "--list-fingerprint", "--DataDirectory", dir, "--ORPort", fmt.Sprint(orPort), "--Nickname", name,
		"--TestingTorNetwork", "1", "--DirAuthority", "x 127.0.0.1:1 "+strings.Repeat("f", 40),
		"--Log", "err stderr", "-f", n.empty, "--defaults-torrc", n.empty)
	out, err := list.Output()
	own := regexp.MustCompile(`(?m)^` + name + ` ([0-9A-F ]{40,})$`).FindSubmatch(out)
	if err != nil || own == nil {
		t.Errorf("fingerprint of an authority: %v\n%s", err, out)
		return ""
	}
	return fmt.Sprintf("DirAuthority %s orport=%d no-v2 v3ident=%s 127.0.0.1:%d %s\n", name, orPort, v3[1], dirPort,
		strings.ReplaceAll(string(own[1]), " ", ""))
}

// freePorts are ports of loopback that nobody uses at this moment.
func freePorts(t testing.TB, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}
