package onion

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"daylight/fault"
)

// authenticate signs in by what tor offers, the best first: by a cookie file without
// showing the cookie, by the cookie, by nothing (control-spec, "AUTHENTICATE").
func (c *Control) authenticate(ctx context.Context) error {
	rep, err := c.command(ctx, "PROTOCOLINFO 1")
	if err != nil {
		return err
	}
	line, ok := rep.value("AUTH ")
	if !ok {
		return fmt.Errorf("PROTOCOLINFO: no way to sign in: %w", fault.Invalid)
	}
	f, err := fields(line)
	if err != nil {
		return err
	}
	methods := strings.Split(f["METHODS"], ",")
	switch {
	case slices.Contains(methods, "SAFECOOKIE"):
		return c.safeCookie(ctx, f["COOKIEFILE"])
	case c.conn.RemoteAddr().Network() == "tcp":
		// Any account of this machine can listen on a port, and would be handed the keys
		// of the onion services: only SAFECOOKIE proves who answers.
		return fmt.Errorf("tor's control port does not prove that it is tor's; set CookieAuthentication 1 in torrc, or use its socket: %w", fault.Forbidden)
	case slices.Contains(methods, "COOKIE"):
		cookie, err := readCookie(f["COOKIEFILE"])
		if err != nil {
			return err
		}
		_, err = c.command(ctx, "AUTHENTICATE "+hex.EncodeToString(cookie))
		return err
	case slices.Contains(methods, "NULL"):
		_, err = c.command(ctx, "AUTHENTICATE")
		return err
	}
	return fmt.Errorf("tor wants a password; set CookieAuthentication 1 in torrc: %w", fault.Forbidden)
}

// What the two sums are keyed with (control-spec, "AUTHCHALLENGE").
const (
	serverToController = "Tor safe cookie authentication server-to-controller hash"
	controllerToServer = "Tor safe cookie authentication controller-to-server hash"
)

func (c *Control) safeCookie(ctx context.Context, file string) error {
	cookie, err := readCookie(file)
	if err != nil {
		return err
	}
	nonce := make([]byte, 32)
	rand.Read(nonce)
	rep, err := c.command(ctx, "AUTHCHALLENGE SAFECOOKIE "+hex.EncodeToString(nonce))
	if err != nil {
		return err
	}
	line, _ := rep.value("AUTHCHALLENGE ")
	f, err := fields(line)
	if err != nil {
		return err
	}
	theirs, err1 := hex.DecodeString(f["SERVERNONCE"])
	sum, err2 := hex.DecodeString(f["SERVERHASH"])
	if err1 != nil || err2 != nil || len(theirs) != 32 {
		return fmt.Errorf("AUTHCHALLENGE: %w", fault.Invalid)
	}
	if !hmac.Equal(sum, cookieSum(serverToController, cookie, nonce, theirs)) {
		return fmt.Errorf("AUTHCHALLENGE: who answers does not know tor's cookie: %w", fault.Unverified)
	}
	_, err = c.command(ctx, "AUTHENTICATE "+hex.EncodeToString(cookieSum(controllerToServer, cookie, nonce, theirs)))
	return err
}

func cookieSum(key string, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, []byte(key))
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// readCookie reads a file that tor names. It must be as long as a cookie: who only
// says to be tor must not have us read anything else to them.
func readCookie(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("tor's cookie: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() != 32 {
		return nil, fmt.Errorf("tor's cookie: not 32 bytes: %w", fault.Invalid)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("tor's cookie: %w", err)
	}
	defer f.Close()
	cookie := make([]byte, 32)
	if _, err := io.ReadFull(f, cookie); err != nil {
		return nil, fmt.Errorf("tor's cookie: %w", err)
	}
	return cookie, nil
}
