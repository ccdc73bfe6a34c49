package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/term"

	"daylight/codename"
	"daylight/envelope"
	"daylight/fault"
	"daylight/internal/httpkit"
	"daylight/internal/onion"
)

// newsroomFlags say which newsroom, and how to reach it.
type newsroomFlags struct {
	To    string `help:"Address of the submission system: ADDRESS.onion." placeholder:"ADDRESS"`
	Words string `help:"The newsroom's seven words, from a place that you trust." placeholder:"WORDS"`
	Keys  string `type:"path" help:"Folder with newsroom.pub and sources.keys, in place of asking the address." placeholder:"DIR"`
	Socks string `default:"127.0.0.1:9050" help:"Tor's SOCKS port."`
}

// newsroom takes the newsroom's list of keys, and believes it only if the key that
// signs it has the words that were given.
func (c *newsroomFlags) newsroom(a *app) (n envelope.KeyList, err error) {
	if c.Words == "" {
		return n, fault.Say("Which newsroom? Give its seven words with --words: from print, or another site of its own, not from the place that gives you its keys. Nothing was sent.", fault.Invalid)
	}
	given := typedWords(c.Words)
	if len(given) != envelope.FingerprintWords {
		return n, fault.Say(fmt.Sprintf("A newsroom has seven words; in --words there are %d. Put quotes around them. Nothing was sent.", len(given)), fault.Invalid)
	}
	signer, signed, err := c.lists(a)
	if err != nil {
		return n, err
	}
	v, err := note.NewVerifier(strings.TrimSpace(string(signer)))
	if err != nil {
		return n, fault.Say("What came is no newsroom's key. Nothing was sent.", fmt.Errorf("%w: %w", fault.Unverified, err))
	}
	if n, err = envelope.ParseKeyList(signed, v); err != nil {
		return n, fault.Say("The list of keys is not signed by the newsroom's key. Nothing was sent.", err)
	}
	words, err := envelope.Fingerprint(n.Newsroom, string(signer))
	if err != nil {
		return n, err
	}
	if !slices.Equal(typedWords(words), given) {
		return n, fault.Say("These are another newsroom's keys: their words are not the ones that you gave. Somebody may be in between, or a word is mistyped. Nothing was sent.", fault.Unverified)
	}
	return n, nil
}

// maxKeys bounds what is read of keys.
const maxKeys = 1 << 20

// lists reads the newsroom's public key and its signed list.
func (c *newsroomFlags) lists(a *app) (signer, signed []byte, err error) {
	if c.Keys != "" {
		signer, err = os.ReadFile(filepath.Join(c.Keys, pubNewsroom))
		if err == nil {
			signed, err = os.ReadFile(filepath.Join(c.Keys, pubSources))
		}
		if err != nil {
			return nil, nil, fault.Say(c.Keys+" does not hold a newsroom's public keys.", err)
		}
		return signer, signed, nil
	}
	client, err := c.client()
	if err != nil {
		return nil, nil, err
	}
	if signer, err = client.get(a.ctx, "/keys/signer"); err == nil {
		signed, err = client.get(a.ctx, "/keys")
	}
	if err != nil {
		return nil, nil, fault.Say("The submission system does not answer. Is Tor running here, and the address right to its last letter? Nothing was sent.", err)
	}
	return signer, signed, nil
}

// sourceClient speaks with a submission system for a source. It follows no redirect
// and keeps no cookie.
type sourceClient struct {
	base  string
	http  *http.Client
	pause time.Duration // after a break
}

// client reaches onion services through Tor, and nothing else but this machine itself.
func (c *newsroomFlags) client() (*sourceClient, error) {
	u, err := url.Parse(c.To)
	if err == nil && u.Scheme == "" {
		u, err = url.Parse("http://" + c.To)
	}
	if c.To == "" || err != nil || u.Host == "" {
		return nil, fault.Say("Where to? Give the newsroom's address with --to ADDRESS.onion.", fault.Invalid)
	}
	t := &http.Transport{DisableCompression: true, MaxResponseHeaderBytes: 16 << 10, ResponseHeaderTimeout: 5 * time.Minute}
	host := u.Hostname()
	switch ip := net.ParseIP(host); {
	case strings.HasSuffix(host, ".onion"):
		d, err := onion.Dialer(c.Socks)
		if err != nil {
			return nil, err
		}
		t.DialContext = d.DialContext
	case ip != nil && ip.IsLoopback(), host == "localhost", strings.HasSuffix(host, ".localhost"):
		t.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", u.Port()))
		}
	default:
		return nil, fault.Say("The address does not end in .onion. Nothing is sent outside of Tor.", fault.Invalid)
	}
	return &sourceClient{base: "http://" + u.Host, pause: 2 * time.Second,
		http: &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, nil
}

// do sends a request, and makes an error of every answer but good ones.
func (c *sourceClient) do(ctx context.Context, method, path string, body io.Reader, n int64, header map[string]string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", "")
	for k, v := range header {
		r.Header.Set(k, v)
	}
	if n > 0 {
		r.ContentLength = n
	}
	resp, err := c.http.Do(r)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return nil, fmt.Errorf("the way to the submission system: %w", err)
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	resp.Body.Close()
	kind := cmp.Or(httpkit.FaultOf(resp.StatusCode), fault.Busy) // what nobody foresaw may pass
	return resp, fmt.Errorf("the submission system answers %d: %w", resp.StatusCode, kind)
}

func (c *sourceClient) get(ctx context.Context, path string) ([]byte, error) {
	resp, err := c.do(ctx, http.MethodGet, path, nil, 0, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return io.ReadAll(io.LimitReader(resp.Body, maxKeys))
}

const (
	uploadOffset = "Upload-Offset"
	uploadLength = "Upload-Length"
)

// offset is how much of a parcel has arrived.
func (c *sourceClient) offset(ctx context.Context, id string) (int64, error) {
	resp, err := c.do(ctx, http.MethodHead, "/sealed/"+id, nil, 0, nil)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	return offsetOf(resp)
}

func offsetOf(resp *http.Response) (int64, error) {
	n, err := strconv.ParseInt(resp.Header.Get(uploadOffset), 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("the submission system does not say how much has arrived: %w", fault.Invalid)
	}
	return n, nil
}

// put sends a piece, and returns how much has arrived by then.
func (c *sourceClient) put(ctx context.Context, id string, at, size int64, piece io.Reader, n int64) (int64, error) {
	resp, err := c.do(ctx, http.MethodPut, "/sealed/"+id, piece, n,
		map[string]string{uploadOffset: strconv.FormatInt(at, 10), uploadLength: strconv.FormatInt(size, 10)})
	if resp == nil {
		return at, err
	}
	resp.Body.Close()
	now, bad := offsetOf(resp)
	if bad != nil {
		return at, cmp.Or(err, bad) // a refusal at the door says no more than that
	}
	return now, err
}

// post says a line, and gives the answer.
func (c *sourceClient) post(ctx context.Context, path, line string) (io.ReadCloser, error) {
	resp, err := c.ask(ctx, path, line)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// ask is post, with the head of the answer.
func (c *sourceClient) ask(ctx context.Context, path, line string) (*http.Response, error) {
	return c.do(ctx, http.MethodPost, path, strings.NewReader(line), 0, map[string]string{"Content-Type": "text/plain"})
}

// askCodename reads a codename, which a terminal does not show.
func (a *app) askCodename() (*codename.Codename, error) {
	var typed []byte
	var err error
	if in := int(os.Stdin.Fd()); term.IsTerminal(in) {
		fmt.Fprint(a.stderr, "Codename (it is not shown): ")
		typed, err = term.ReadPassword(in)
		fmt.Fprintln(a.stderr)
	} else {
		typed, err = readLine(os.Stdin)
	}
	defer clear(typed)
	if err != nil {
		return nil, fmt.Errorf("read codename: %w", err)
	}
	c, err := codename.Parse(typed)
	if wrong, ok := errors.AsType[*codename.Error](err); ok {
		return nil, fault.Say(notACodename(wrong), err)
	}
	return c, err
}

// readLine takes a line and nothing behind it, which may be the message.
func readLine(r io.Reader) ([]byte, error) {
	var line []byte
	one := make([]byte, 1)
	for {
		switch n, err := r.Read(one); {
		case n == 1 && one[0] != '\n':
			line = append(line, one[0])
		case n == 1, err == io.EOF:
			return line, nil
		case err != nil:
			return line, err
		}
	}
}

func notACodename(e *codename.Error) string {
	switch {
	case e.Reason == codename.Count:
		return fmt.Sprintf("A codename has %d words; these are %d. Nothing was asked of anybody.", codename.Length, e.Words)
	case len(e.Wrong) > 0:
		return fmt.Sprintf("Not a word of any list: number %s. Nothing was asked of anybody.", strings.Trim(fmt.Sprint(e.Wrong), "[]"))
	}
	return "These words do not belong together: one of them is another, or they are in another order. Nothing was asked of anybody."
}
