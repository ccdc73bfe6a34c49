//go:build unix

package web_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	"daylight/intake/web"
)

// asked is one request of a browser, with what of the answer can be weighed.
type asked struct {
	*http.Request
	status, size int
	typ          string
}

// onionSite is intake behind an onion service, with a list of what it was asked.
type onionSite struct {
	*house
	mu   sync.Mutex
	all  []asked
	tor  *tor
	port int
}

func newOnionSite(t *testing.T) *onionSite {
	t.Helper()
	s := &onionSite{house: newHouse(t, nil)}
	pages, err := web.New(s.in, web.Options{Signer: s.public, Log: slog.New(slog.NewTextHandler(s.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		counted := &countedWriter{ResponseWriter: w, status: http.StatusOK}
		if body, ok := probes[r.URL.Path]; ok {
			w.Header().Set("Content-Type", body.typ)
			fmt.Fprint(w, body.text)
		} else {
			pages.ServeHTTP(counted, r)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all = append(s.all, asked{r, counted.status, counted.size, w.Header().Get("Content-Type")})
	}))
	t.Cleanup(server.Close)
	s.tor, s.port = newTor(t, address, server.Listener.Addr().String())
	s.url = "http://" + address
	return s
}

type countedWriter struct {
	http.ResponseWriter
	status, size int
}

func (w *countedWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *countedWriter) Write(b []byte) (int, error) {
	w.size += len(b)
	return w.ResponseWriter.Write(b)
}

// requests are those since the beginning.
func (s *onionSite) requests() []asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

// probes are a page with what Safest blocks, and what it would load.
var probes = map[string]struct{ typ, text string }{
	"/probe": {"text/html", `<!doctype html><title>probe</title><style>@font-face{font-family:f;src:url(/probe.woff2)}body{font-family:f}</style>
<script>document.title="ran"</script><script src="/probe.js"></script><body onload="document.title='ran'">text <svg id="s" width="40" height="40"></svg><math id="m"><mi>x</mi></math><video src="/probe.webm" preload="auto"></video>`},
	"/probe.js": {"text/javascript", `document.title="ran"`}, "/probe.woff2": {"font/woff2", ""}, "/probe.webm": {"video/webm", ""},
}

// TestSafest is a source's part of the story in the browser that Tor Browser is made
// of, with its settings at "Safest", by an onion service's name; and what two visits
// leave on the disk, of which one ends as guidance says, and one by pulling the plug.
func TestSafest(t *testing.T) {
	s := newOnionSite(t)
	home := t.TempDir()
	f := startFirefox(t, home, map[string]any{"network.proxy.socks_port": s.port})
	isSafest(t, f, s)

	// The first visit.
	for _, path := range []string{"/protection", "/guide", "/guide/device", "/guide/network", "/guide/metadata", "/guide/returning", "/guide/address", "/guide/leaving", "/ru/", "/ar/"} {
		f.open(s.url + path)
	}
	f.open(s.url)
	f.sees("What is protected", "Nothing here has been independently audited.")
	words := f.begin(t)
	visit := f.cookies(t)
	f.press("I have kept it. Go on")
	dir := t.TempDir()
	var paths []string
	for _, file := range three {
		paths = append(paths, filepath.Join(dir, file.name))
		if err := os.WriteFile(paths[len(paths)-1], []byte(file.body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f.fill("message", "It is about quicksilver.")
	f.fill("files", strings.Join(paths, "\n"))
	f.press("Send")
	f.sees("It has arrived", "letter.eml", "отчёт.pdf", "all.zip", "280 kB", "Files: 3")
	f.press("Leave now")
	f.sees("Now choose “New Identity” in Tor Browser")
	secrets := newSecrets(words, "quicksilver", "letter.eml", "отчёт.pdf", "marzipan", "periwinkle", visit)
	f.showsNothingOf(t, secrets)

	got := s.fetch(t)
	if len(got) != 1 || got[0].text != "It is about quicksilver." || len(got[0].files) != 3 {
		t.Fatalf("the desk has %d envelopes", len(got))
	}
	for i, file := range got[0].files {
		if file != three[i] {
			t.Errorf("file %d is %q with %d bytes", i, file.name, len(file.body))
		}
	}
	s.answer(t, got[0].Address(), "Is the marzipan still there?", file{"periwinkle.txt", "plan"})

	// The second.
	f.open(s.url + "/return")
	f.fill("codename", "one two")
	f.press("Come back")
	f.sees("A codename has eight words. Counted here: 2.")
	f.fill("codename", asTyped(words))
	f.press("Come back")
	f.sees("Is the marzipan still there?", "periwinkle.txt")
	f.press("Destroy this answer")
	f.sees("Destroyed on intake; the newsroom may already hold a copy.", "There is no answer here.")
	secrets = secrets.and(f.cookies(t))
	f.press("Leave now")
	f.sees("Now choose “New Identity” in Tor Browser")
	f.showsNothingOf(t, secrets)

	// A visit that runs out.
	f.open(s.url)
	secrets = secrets.and(f.begin(t), f.cookies(t))
	s.now = s.now.Add(31 * time.Minute)
	f.press("I have kept it. Go on")
	f.sees("Now choose “New Identity” in Tor Browser", "Your visit has ended")
	f.showsNothingOf(t, secrets)

	f.quit()
	s.wants(t)
	for _, trace := range secrets.and(address, address[:20]).traces(t, home) {
		t.Errorf("after the visit, %s", trace)
	}

	// The plug is pulled while somebody writes.
	f = startFirefox(t, home, map[string]any{"network.proxy.socks_port": s.port})
	more := f.unfinished(t, s)
	f.kill()
	for _, trace := range secrets.and(address, address[:20], more).traces(t, home) {
		t.Errorf("after the plug was pulled, %s", trace)
	}
	s.wants(t)
}

// TestTracesAreFound is the same unfinished visit in the same browser with the
// settings that Firefox comes with: the search finds where it was, what was typed,
// and the cookie. What intake showed it does not find there either: no page of a visit
// goes into a cache.
func TestTracesAreFound(t *testing.T) {
	s := newOnionSite(t)
	home := t.TempDir()
	f := startFirefox(t, home, map[string]any{"network.proxy.socks_port": s.port, "browser.privatebrowsing.autostart": false,
		"browser.cache.disk.enable": true, "browser.sessionstore.privacy_level": 0, "browser.sessionstore.resume_from_crash": true,
		"browser.formfill.enable": true, "privacy.resistFingerprinting": false, "permissions.memory_only": false})
	written := f.unfinished(t, s)
	cookie := f.cookies(t)
	for what, secret := range map[string]string{"the address": address, "what was typed": "quicksilver", "the cookie": cookie} {
		found := false
		for end := time.Now().Add(time.Minute); !found && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			found = len(newSecrets("", secret).traces(t, home)) > 0
		}
		if !found {
			t.Errorf("%s is not found: the search cannot fail", what)
		}
	}
	f.open(s.url)
	seen := f.begin(t)
	f.quit() // and writes what it has in its cache
	if len(newSecrets("", "prefers-color-scheme").traces(t, filepath.Join(home, "profile", "cache2"))) == 0 {
		t.Error("the style sheet is not in the cache: the search for pages cannot fail")
	}
	for _, codename := range []string{written, seen} {
		for _, trace := range newSecrets(codename).traces(t, home) {
			t.Error(trace)
		}
	}
	for _, form := range []string{"… quicksilver", "q\x00u\x00i\x00c\x00k\x00s\x00i\x00l\x00v\x00e\x00r\x00",
		"mozLz40\x00\x12\x00\x00\x00\xc2silver quick\x0c\x00\x00"} { // "silver quick", and six bytes again from twelve before
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "leak"), []byte(form), 0o600); err != nil {
			t.Fatal(err)
		}
		if len(newSecrets("", "quicksilver").traces(t, dir)) != 1 {
			t.Errorf("%q is not found", form)
		}
	}
}

// TestTheLevelIsSaid: a browser that runs scripts says so to its owner where a visit
// begins, by a rule of the style sheet. Intake learns nothing of it: what is asked for is
// the same, and at "Safest" the pages are silent.
func TestTheLevelIsSaid(t *testing.T) {
	s := newOnionSite(t)
	f := startFirefox(t, t.TempDir(), map[string]any{"network.proxy.socks_port": s.port})
	const said = "This browser runs scripts: its security level is not “Safest”."
	asks := map[bool]string{}
	for _, scripts := range []bool{false, true} {
		f.privileged(fmt.Sprintf(`Services.prefs.setBoolPref("javascript.enabled", %v)`, scripts), nil)
		before := len(s.requests())
		for path, shows := range map[string]string{"/": "Get a codename", "/return": "Your eight words"} {
			f.open(s.url + path)
			f.sees(shows)
			if strings.Contains(f.text(), said) != scripts {
				t.Errorf("%s, with scripts %v:\n%s", path, scripts, f.text())
			}
		}
		f.open(s.url + "/ru/return")
		if strings.Contains(f.text(), "Этот браузер выполняет скрипты") != scripts {
			t.Errorf("in Russian, with scripts %v:\n%s", scripts, f.text())
		}
		paths := map[string]bool{}
		for _, r := range s.requests()[before:] {
			paths[r.Method+" "+r.RequestURI] = r.URL.Path != "/favicon.ico" && r.URL.Path != "/style.css" // it may have these
		}
		maps.DeleteFunc(paths, func(_ string, page bool) bool { return !page })
		asks[scripts] = fmt.Sprint(paths)
	}
	if asks[true] != asks[false] {
		t.Errorf("with scripts it asks for %s, without for %s", asks[true], asks[false])
	}
	s.wants(t)
}

// unfinished begins a visit, writes and does not send; it returns the codename.
func (f *firefox) unfinished(t *testing.T, s *onionSite) string {
	t.Helper()
	f.open(s.url)
	words := f.begin(t)
	f.press("I have kept it. Go on")
	f.fill("message", "It is about quicksilver, and not yet sent.")
	time.Sleep(2 * time.Second) // in which the browser keeps what it would open again
	return words
}

// begin gets a codename.
func (f *firefox) begin(t *testing.T) string {
	t.Helper()
	f.press("Get a codename")
	f.sees("These eight words are the only way back")
	m := shown.FindStringSubmatch(f.source())
	if m == nil || strings.Count(m[len(m)-1], "-") != 7 {
		t.Fatalf("no codename:\n%s", f.text())
	}
	return m[len(m)-1]
}

// cookies are what the browser has of this site, and want it to be one.
func (f *firefox) cookies(t *testing.T) string {
	t.Helper()
	all := f.jar()
	if len(all) != 1 || all[0].Name != "visit" || len(all[0].Value) != 64 {
		t.Fatalf("the browser has %d cookies; want one", len(all))
	}
	return all[0].Value
}

type kept struct{ Name, Value string }

// jar is all that the browser has of cookies, of private windows and others.
func (f *firefox) jar() (all []kept) {
	f.t.Helper()
	f.privileged(`return ["{}", '{"privateBrowsingId": 1}'].flatMap(p => Services.cookies.getCookiesWithOriginAttributes(p)).map(c => ({Name: c.name, Value: c.value}))`, &all)
	return all
}

// showsNothingOf goes back through all pages of the visit: none is shown again, and no
// cookie is left.
func (f *firefox) showsNothingOf(t *testing.T, secrets secrets) {
	t.Helper()
	if all := f.jar(); len(all) > 0 {
		t.Errorf("the browser has %d cookies after the visit", len(all))
	}
	for range 50 {
		if err := f.try("WebDriver:Back", nil, nil); err != nil && !strings.Contains(err.Error(), "error page") {
			t.Fatal(err)
		}
		var at string
		f.ask("WebDriver:GetCurrentURL", nil, &at)
		for _, what := range secrets.in([]byte(f.source())) {
			t.Errorf("the back button shows %s at %s", what, at)
		}
		var back bool
		f.privileged("return gBrowser.webNavigation.canGoBack", &back)
		if !back {
			return
		}
	}
	t.Error("the back button leads on and on")
}

// isSafest wants each setting to be one that this Firefox has, the window to be
// private, and a page to be unable to do what Safest forbids.
func isSafest(t *testing.T, f *firefox, s *onionSite) {
	t.Helper()
	var state struct {
		Values  map[string]any
		Private bool
	}
	var names []string
	for name := range safest {
		names = append(names, name)
	}
	f.privileged(`const values = {};
		for (const name of arguments[0]) {
			const type = Services.prefs.getPrefType(name);
			values[name] = type === Services.prefs.PREF_BOOL ? Services.prefs.getBoolPref(name) :
				type === Services.prefs.PREF_INT ? Services.prefs.getIntPref(name) : Services.prefs.getStringPref(name);
			if (Services.prefs.getDefaultBranch("").getPrefType(name) === Services.prefs.PREF_INVALID) values[name] = "no such setting";
		}
		return {Values: values, Private: PrivateBrowsingUtils.isWindowPrivate(window)}`, &state, names)
	if !state.Private {
		t.Error("the window is not private")
	}
	for name, want := range safest {
		if got := state.Values[name]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s is %v; want %v", name, got, want)
		}
	}
	f.open(s.url + "/probe")
	var title string
	f.ask("WebDriver:GetTitle", nil, &title)
	if title != "probe" {
		t.Errorf("a script ran: %q", title)
	}
	for _, r := range s.requests() {
		if r.URL.Path != "/probe" && r.URL.Path != "/favicon.ico" {
			t.Errorf("the browser asked for %s", r.URL.Path)
		}
	}
}

// ours are the addresses of intake that are no page.
var ours = map[string]string{"/style.css": "text/css; charset=utf-8", "/favicon.ico": ""}

// wants looks at everything that the browser asked for: one host, plain pages of a
// small size, forms that say where they stood.
func (s *onionSite) wants(t *testing.T) {
	t.Helper()
	s.tor.mu.Lock()
	for name, n := range s.tor.asked {
		if name != address+":80" && name != address+":443" { // it tries https first, and finds none
			t.Errorf("the browser went to %s, %d times", name, n)
		}
	}
	s.tor.mu.Unlock()
	style, largest := 0, 0
	for _, r := range s.requests() {
		path := r.URL.Path
		if strings.HasPrefix(path, "/probe") {
			continue
		}
		if typ, there := ours[path]; there && r.typ != typ || !there && r.typ != "text/html; charset=utf-8" && r.status != http.StatusSeeOther {
			t.Errorf("%s is %s", path, r.typ)
		}
		if r.Host != address || r.URL.RawQuery != "" {
			t.Errorf("%s was asked of %s, with the query %q", path, r.Host, r.URL.RawQuery)
		}
		if path == "/style.css" {
			style = max(style, r.size)
		} else {
			largest = max(largest, r.size)
		}
		if r.Method == http.MethodPost && (r.Header.Get("Origin") != s.url || r.Header.Get("Sec-Fetch-Site") != "same-origin") {
			t.Errorf("the form at %s came with the origin %q, %q", path, r.Header.Get("Origin"), r.Header.Get("Sec-Fetch-Site"))
		}
	}
	if style == 0 || largest >= 30<<10 || style >= 30<<10 {
		t.Errorf("the largest page has %d bytes, the style sheet %d; each may have 30 kB", largest, style)
	}
	t.Logf("%d requests, all of them to intake; the largest page %d bytes, the style sheet %d", len(s.requests()), largest, style)
}

// secrets are what must be nowhere after a visit: name → forms.
type secrets map[string][][]byte

// newSecrets are those of a visit. Two words of a codename beside each other are
// enough; one alone may stand in any list of words.
func newSecrets(codename string, others ...string) secrets {
	s := secrets{}
	if words := strings.Split(codename, "-"); codename != "" {
		for i := 1; i < len(words); i++ {
			s.add("the codename", words[i-1]+"-"+words[i])
			s.add("the codename", words[i-1]+" "+words[i])
		}
	}
	return s.and(others...)
}

func (s secrets) and(others ...string) secrets {
	all := secrets{}
	for what, forms := range s {
		all[what] = forms
	}
	for _, other := range others {
		all.add(other, other)
	}
	return all
}

// add adds a text as programs write it: UTF-8, UTF-16, and escaped for an address.
func (s secrets) add(what, text string) {
	var wide []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		wide = binary.LittleEndian.AppendUint16(wide, unit)
	}
	s[what] = append(s[what], []byte(text), wide, []byte(url.PathEscape(text)), []byte(url.QueryEscape(text)))
}

// in says which of them stand in b.
func (s secrets) in(b []byte) (found []string) {
	for what, forms := range s {
		if slices.ContainsFunc(forms, func(form []byte) bool { return bytes.Contains(b, form) }) {
			found = append(found, what)
		}
	}
	return found
}

// traces searches the names and contents of all files below a folder.
func (s secrets) traces(t *testing.T, dir string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a browser that still runs takes files away
		}
		if err != nil {
			return err
		}
		where := strings.TrimPrefix(path, dir)
		for _, what := range s.in([]byte(where)) {
			found = append(found, what+" is in a name: "+where)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		if packed, is := bytes.CutPrefix(b, []byte("mozLz40\x00")); is {
			if b, err = unpack(packed); err != nil {
				found = append(found, where+" cannot be read: "+err.Error())
			}
		}
		for _, what := range s.in(b) {
			found = append(found, what+" is in "+where)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// unpack reads what Firefox packs by LZ4: a length in four bytes, then one block.
func unpack(b []byte) (out []byte, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("not an LZ4 block")
		}
	}()
	b = b[4:]
	length := func(n int) int {
		for more := n == 15; more; {
			n += int(b[0])
			more, b = b[0] == 255, b[1:]
		}
		return n
	}
	for len(b) > 0 {
		token := b[0]
		b = b[1:]
		n := length(int(token >> 4))
		out, b = append(out, b[:n]...), b[n:]
		if len(b) == 0 {
			return out, nil
		}
		back := int(binary.LittleEndian.Uint16(b))
		b = b[2:]
		for range length(int(token&15)) + 4 {
			out = append(out, out[len(out)-back])
		}
	}
	return out, nil
}
