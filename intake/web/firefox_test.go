//go:build unix

package web_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Tor Browser cannot be installed from a package archive: Debian's launcher downloads it
// from elsewhere. Here is Debian's Firefox ESR, of which Tor Browser is made, with the
// settings that Tor Browser has at its level "Safest"; docs/design says what differs.

// safest are Tor Browser's settings that bear on what a page can do and what a visit
// leaves, from its 001-base-profile.js, 000-tor-browser.js and SecurityLevel.sys.mjs.
var safest = map[string]any{
	// The level "Safest".
	"javascript.options.ion": false, "javascript.options.baselinejit": false, "javascript.options.native_regexp": false,
	"javascript.options.asmjs": false, "javascript.options.wasm": false, "mathml.disabled": true, "svg.disabled": true,
	"gfx.font_rendering.graphite.enabled": false, "gfx.font_rendering.opentype_svg.enabled": false,
	// What NoScript does there: no scripts, fonts, media, WebGL.
	"javascript.enabled": false, "gfx.downloadable_fonts.enabled": false, "webgl.disabled": true,
	"media.webaudio.enabled": false, "media.mediasource.enabled": false, "media.ogg.enabled": false, "media.webm.enabled": false, "media.mp4.enabled": false,
	// Nothing on disk.
	"browser.privatebrowsing.autostart": true, "browser.cache.disk.enable": false, "permissions.memory_only": true, "security.nocertdb": true,
	"signon.rememberSignons": false, "signon.formlessCapture.enabled": false, "browser.formfill.enable": false, "browser.sessionstore.privacy_level": 2,
	"browser.privatebrowsing.forceMediaMemoryCache": true, "browser.sessionstore.resume_from_crash": false,
	"browser.pagethumbnails.capturing_disabled": true,
	// Who sees what, and from where.
	"privacy.resistFingerprinting": true, "privacy.firstparty.isolate": true, "privacy.partition.network_state": false,
	"network.cookie.cookieBehavior": 1, "network.cookie.cookieBehavior.pbmode": 1, "network.http.referer.hideOnionSource": true,
	"network.http.referer.defaultPolicy": 2, "network.http.referer.defaultPolicy.pbmode": 2, "network.http.referer.XOriginTrimmingPolicy": 2,
	"dom.security.https_only_mode": true, "dom.security.https_only_mode_pbm": true, "dom.securecontext.allowlist_onions": true,
	"dom.serviceWorkers.enabled": false, "media.peerconnection.enabled": false, "geo.enabled": false, "privacy.globalprivacycontrol.enabled": true,
	// All of it through Tor: here, through a proxy that lists what was asked for.
	"network.proxy.type": 1, "network.proxy.socks": "127.0.0.1", "network.proxy.socks_remote_dns": true, "network.proxy.no_proxies_on": "",
	"network.proxy.allow_hijacking_localhost": true, "network.proxy.failover_direct": false, "network.dns.disabled": true,
	"network.dns.blockDotOnion": false,
	// No requests of the browser's own.
	"network.captive-portal-service.enabled": false, "network.connectivity-service.enabled": false, "network.prefetch-next": false,
	"network.predictor.enabled": false, "network.http.speculative-parallel-limit": 0, "browser.places.speculativeConnect.enabled": false,
	"app.normandy.enabled": false, "app.shield.optoutstudies.enabled": false, "browser.safebrowsing.malware.enabled": false,
	"browser.safebrowsing.phishing.enabled": false, "browser.safebrowsing.downloads.enabled": false, "browser.safebrowsing.downloads.remote.enabled": false,
	"browser.safebrowsing.blockedURIs.enabled": false, "browser.region.update.enabled": false, "browser.region.network.url": "",
	"browser.search.update": false, "browser.newtabpage.enabled": false, "browser.startup.homepage": "about:blank",
	"datareporting.healthreport.uploadEnabled": false, "datareporting.policy.dataSubmissionEnabled": false, "toolkit.telemetry.unified": false,
	"toolkit.telemetry.server": "data:,", "extensions.getAddons.cache.enabled": false, "dom.push.enabled": false, "dom.push.serverURL": "",
	"media.gmp-manager.updateEnabled": false, "media.gmp-provider.enabled": false, "identity.fxaccounts.enabled": false, "security.pki.crlite_mode": 0,
	"security.remote_settings.intermediates.enabled": false, "security.remote_settings.crlite_filters.enabled": false,
	"extensions.webextensions.restrictedDomains": "", "browser.aboutwelcome.enabled": false,
}

// bench are settings of the test alone: how it drives the browser, and what Tor Browser
// switches off by being built without it.
var bench = map[string]any{
	"marionette.port": 0, "remote.prefs.recommended": false, "dom.file.createInChild": true,
	"services.settings.server": "data:,#remote-settings-dummy/v1", "telemetry.fog.test.localhost_port": -1, "datareporting.usage.uploadEnabled": false,
	"browser.newtabpage.activity-stream.testing.shouldInitializeFeeds": false, "browser.topsites.contile.enabled": false, "browser.shell.checkDefaultBrowser": false, "app.update.disabledForTesting": true,
	"extensions.update.enabled": false, "extensions.systemAddon.update.enabled": false, "browser.sessionstore.interval": 1000,
}

// patience is how long a page may take: a machine may have other things to do.
const patience = 2 * time.Minute

// firefox is a browser in a home of its own.
type firefox struct {
	t    *testing.T
	home string // its profile and everything else that it may write
	cmd  *exec.Cmd
	out  *lines
	conn net.Conn
	r    *bufio.Reader
	n    int
}

// startFirefox starts the Firefox that DAYLIGHT_FIREFOX names, with settings over those
// of Tor Browser.
func startFirefox(t *testing.T, home string, over map[string]any) *firefox {
	t.Helper()
	path := os.Getenv("DAYLIGHT_FIREFOX")
	if path == "" {
		t.Skip("DAYLIGHT_FIREFOX does not name a Firefox ESR; `make test` does")
	}
	profile := filepath.Join(home, "profile")
	if err := os.MkdirAll(profile, 0o700); err != nil {
		t.Fatal(err)
	}
	prefs := maps.Clone(safest)
	maps.Copy(prefs, bench)
	maps.Copy(prefs, over)
	var js bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(prefs)) {
		value, _ := json.Marshal(prefs[name])
		fmt.Fprintf(&js, "user_pref(%q, %s);\n", name, value)
	}
	if err := os.WriteFile(filepath.Join(profile, "user.js"), js.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	active := filepath.Join(profile, "MarionetteActivePort")
	os.Remove(active)
	f := &firefox{t: t, home: home, out: &lines{}, cmd: exec.Command(path, "--headless", "--no-remote", "--marionette",
		"--remote-allow-system-access", "--profile", profile, "about:blank")}
	f.cmd.Env = append(os.Environ(), "HOME="+home, "TMPDIR="+home, "XDG_CACHE_HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_DATA_HOME="+home,
		"XDG_RUNTIME_DIR="+home, "MOZ_CRASHREPORTER_DISABLE=1",
		"MOZ_REMOTE_SETTINGS_DEVTOOLS=1", "LC_ALL=C.UTF-8") // without it Firefox would not believe services.settings.server
	f.cmd.Stdout, f.cmd.Stderr = f.out, f.out
	f.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // with the processes that it starts
	if err := f.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.kill)
	var err error
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		var port []byte
		if port, err = os.ReadFile(active); err == nil && len(port) > 0 {
			if f.conn, err = net.Dial("tcp", "127.0.0.1:"+string(port)); err == nil {
				break
			}
		}
		if time.Now().After(end) {
			t.Fatalf("Firefox does not start: %v\n%s", err, f.out)
		}
	}
	f.r = bufio.NewReader(f.conn)
	f.receive(new(json.RawMessage)) // its greeting
	f.ask("WebDriver:NewSession", nil, nil)
	f.ask("WebDriver:SetTimeouts", map[string]any{"implicit": patience.Milliseconds(), "pageLoad": patience.Milliseconds()}, nil)
	return f
}

// kill ends the browser as pulling the plug does.
func (f *firefox) kill() {
	if f.cmd.ProcessState == nil {
		syscall.Kill(-f.cmd.Process.Pid, syscall.SIGKILL)
		f.cmd.Wait()
	}
}

// quit ends it as a person does, and waits until it is gone.
func (f *firefox) quit() {
	f.t.Helper()
	f.ask("Marionette:Quit", map[string]any{"flags": []string{"eAttemptQuit"}}, nil)
	done := make(chan error, 1)
	go func() { done <- f.cmd.Wait() }()
	select {
	case <-done:
	case <-time.After(patience):
		syscall.Kill(-f.cmd.Process.Pid, syscall.SIGKILL)
		<-done
		f.t.Fatalf("Firefox does not end:\n%s", f.out)
	}
}

// Marionette: a message is its length, a colon, and JSON: [0, number, command,
// parameters] there, [1, number, error, result] back.

func (f *firefox) receive(into any) {
	f.t.Helper()
	f.conn.SetReadDeadline(time.Now().Add(2 * patience))
	head, err := f.r.ReadString(':')
	n, _ := strconv.Atoi(strings.TrimSuffix(head, ":"))
	b := make([]byte, n)
	if err == nil {
		_, err = io.ReadFull(f.r, b)
	}
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		f.t.Fatalf("Firefox: %v\n%s", err, f.out)
	}
}

// try does a command, and returns what Firefox says against it.
func (f *firefox) try(command string, parameters map[string]any, result any) error {
	f.t.Helper()
	if parameters == nil {
		parameters = map[string]any{}
	}
	f.n++
	b, _ := json.Marshal([]any{0, f.n, command, parameters})
	if _, err := fmt.Fprintf(f.conn, "%d:%s", len(b), b); err != nil {
		f.t.Fatalf("%s: %v", command, err)
	}
	var answer [4]json.RawMessage
	f.receive(&answer)
	if string(answer[2]) != "null" {
		var problem struct{ Error, Message string }
		json.Unmarshal(answer[2], &problem)
		return fmt.Errorf("%s: %s: %s", command, problem.Error, problem.Message)
	}
	if result != nil {
		value := struct{ Value any }{result}
		if err := json.Unmarshal(answer[3], &value); err != nil {
			if err = json.Unmarshal(answer[3], result); err != nil { // commands that find several things answer without it
				f.t.Fatalf("%s: %v", command, err)
			}
		}
	}
	return nil
}

func (f *firefox) ask(command string, parameters map[string]any, result any) {
	f.t.Helper()
	if err := f.try(command, parameters, result); err != nil {
		f.t.Fatalf("%v\non page:\n%s", err, f.text())
	}
}

func (f *firefox) open(url string) {
	f.t.Helper()
	f.ask("WebDriver:Navigate", map[string]any{"url": url}, nil)
}

// element is the first that an XPath finds.
func (f *firefox) element(path string) string {
	f.t.Helper()
	var found map[string]string
	f.ask("WebDriver:FindElement", map[string]any{"using": "xpath", "value": path}, &found)
	for _, id := range found {
		return id
	}
	f.t.Fatalf("no %s", path)
	return ""
}

func (f *firefox) press(button string) {
	f.t.Helper()
	f.ask("WebDriver:ElementClick", map[string]any{"id": f.element(`//button[normalize-space()="` + button + `"]`)}, nil)
}

// fill types into the field of this name; several files are several lines.
func (f *firefox) fill(name, text string) {
	f.t.Helper()
	f.ask("WebDriver:ElementSendKeys", map[string]any{"id": f.element(`//*[@name="` + name + `"]`), "text": text}, nil)
}

// text is what a person reads on the page.
func (f *firefox) text() string {
	var found map[string]string
	if err := f.try("WebDriver:FindElement", map[string]any{"using": "css selector", "value": "body"}, &found); err != nil {
		return err.Error()
	}
	text := ""
	for _, id := range found {
		f.try("WebDriver:GetElementText", map[string]any{"id": id}, &text)
	}
	return text
}

// source is the page as it is, with what is not shown.
func (f *firefox) source() (s string) {
	f.t.Helper()
	f.ask("WebDriver:GetPageSource", nil, &s)
	return s
}

// sees waits for the page that shows these texts.
func (f *firefox) sees(texts ...string) {
	f.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		page := f.text()
		missing := slices.IndexFunc(texts, func(text string) bool { return !strings.Contains(page, text) })
		if missing < 0 {
			return
		}
		if time.Now().After(end) {
			f.t.Fatalf("the page does not show %q:\n%s", texts[missing], page)
		}
	}
}

// privileged asks the browser itself, where pages cannot.
func (f *firefox) privileged(script string, result any, args ...any) {
	f.t.Helper()
	f.ask("Marionette:SetContext", map[string]any{"value": "chrome"}, nil)
	f.ask("WebDriver:ExecuteScript", map[string]any{"script": script, "args": append([]any{}, args...)}, result)
	f.ask("Marionette:SetContext", map[string]any{"value": "content"}, nil)
}

// tor stands where Tor would: a SOCKS proxy (RFC 1928) that leads one name to one
// place, and lists every other name that was asked for.
type tor struct {
	mu    sync.Mutex
	asked map[string]int
}

func newTor(t *testing.T, name, place string) (*tor, int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	p := &tor{asked: map[string]int{}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c, name, place)
		}
	}()
	return p, l.Addr().(*net.TCPAddr).Port
}

func (p *tor) serve(c net.Conn, name, place string) {
	defer c.Close()
	asked, err := socksName(c)
	if err != nil {
		return
	}
	p.mu.Lock()
	p.asked[asked]++
	p.mu.Unlock()
	if asked != name+":80" {
		c.Write([]byte{5, 4, 0, 1, 0, 0, 0, 0, 0, 0}) // host unreachable
		return
	}
	to, err := net.Dial("tcp", place)
	if err != nil {
		return
	}
	defer to.Close()
	c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	go func() {
		io.Copy(to, c)
		to.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(c, to)
}

// socksName reads a greeting without a password, and the request behind it.
func socksName(c io.ReadWriter) (string, error) {
	b := make([]byte, 2+255+2)
	if _, err := io.ReadFull(c, b[:2]); err != nil {
		return "", err
	}
	if _, err := io.ReadFull(c, b[:b[1]]); err != nil {
		return "", err
	}
	c.Write([]byte{5, 0})
	if _, err := io.ReadFull(c, b[:4]); err != nil {
		return "", err
	}
	n, named := map[byte]int{1: net.IPv4len, 4: net.IPv6len}[b[3]], b[3] == 3
	if named {
		if _, err := io.ReadFull(c, b[:1]); err != nil {
			return "", err
		}
		n = int(b[0])
	}
	name := make([]byte, n+2)
	if _, err := io.ReadFull(c, name); err != nil {
		return "", err
	}
	host := string(name[:n])
	if !named {
		host = net.IP(name[:n]).String()
	}
	return net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(name[n:])))), nil
}
