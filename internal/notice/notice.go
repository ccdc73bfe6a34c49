// Package notice reminds people to look at the desk: once a day, at the same hour,
// with the same words, whether or not something came. Whoever watches the mail or
// the network learns that there is a desk, and nothing of what happens there. It is
// never told what happens there.
package notice

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/ProtonMail/gopenpgp/v3/crypto"
	"github.com/ProtonMail/gopenpgp/v3/profile"

	"daylight/fault"
)

// Words are all that is ever said.
const Words = "Look at the desk.\n\n" +
	"This comes every day at the same hour, with these words, whether or not something waits there.\n"

// Subject stands over them in a mail.
const Subject = "Daylight: look at the desk"

// Sender brings the words to somebody.
type Sender interface {
	Send(ctx context.Context) error
}

// Mail sends them by SMTP, sealed with OpenPGP (RFC 4880, which every program reads).
type Mail struct {
	Server   string // host:port
	From, To string // bare addresses
	User     string // "" for a server that asks for none; else only over TLS
	Password string
	key      *crypto.Key
}

// ParseKey takes the public key that mail is sealed to, armored. A private key, or one
// that cannot seal at this time, is fault.Invalid.
func (m *Mail) ParseKey(armored []byte, now time.Time) error {
	key, err := crypto.NewKeyFromArmored(string(armored))
	switch {
	case err != nil:
		return fault.Say("This is no OpenPGP public key in ASCII armor.", fmt.Errorf("key of the notice: %w: %w", fault.Invalid, err))
	case key.IsPrivate():
		return fault.Say("This is a private OpenPGP key. The desk needs the public one: gpg --armor --export.", fmt.Errorf("key of the notice: %w", fault.Invalid))
	case !key.CanEncrypt(now.Unix()):
		return fault.Say("Nothing can be sealed to this OpenPGP key: it has expired or is only for signing.", fmt.Errorf("key of the notice: %w", fault.Invalid))
	}
	m.key = key
	return nil
}

// message is the mail as it is sent.
func (m *Mail) message() ([]byte, error) {
	enc, err := crypto.PGPWithProfile(profile.RFC4880()).Encryption().Recipient(m.key).New()
	if err != nil {
		return nil, fmt.Errorf("seal notice: %w", err)
	}
	sealed, err := enc.Encrypt([]byte(Words))
	if err != nil {
		return nil, fmt.Errorf("seal notice: %w", err)
	}
	armored, err := sealed.ArmorBytes()
	if err != nil {
		return nil, fmt.Errorf("seal notice: %w", err)
	}
	var b bytes.Buffer
	// No Date and no Message-ID: a server that wants them adds its own.
	for _, h := range [][2]string{{"From", m.From}, {"To", m.To}, {"Subject", mime.QEncoding.Encode("utf-8", Subject)},
		{"MIME-Version", "1.0"}, {"Content-Type", "text/plain; charset=utf-8"}, {"Auto-Submitted", "auto-generated"}} { // RFC 3834
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("\r\n")
	b.WriteString(strings.ReplaceAll(strings.ReplaceAll(string(armored), "\r\n", "\n"), "\n", "\r\n"))
	b.WriteString("\r\n")
	return b.Bytes(), nil
}

// Webhook posts them as text to an address inside the newsroom's network.
type Webhook struct {
	URL    string
	client http.Client
}

// Send implements Sender. It follows no redirect, and reads nothing of the answer.
func (w *Webhook) Send(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, strings.NewReader(Words))
	if err != nil {
		return fmt.Errorf("post notice: %w", err)
	}
	r.Header.Set("Content-Type", "text/plain; charset=utf-8")
	r.Header.Set("User-Agent", "")
	w.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := w.client.Do(r)
	if err != nil {
		return fmt.Errorf("post notice: %w", err)
	}
	io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("post notice: the address answers %d", resp.StatusCode)
	}
	return nil
}

// At is a time of the day, UTC.
type At struct{ Hour, Minute int }

// ParseAt reads "09:00".
func ParseAt(s string) (At, error) {
	t, err := time.Parse("15:04", s)
	if err != nil {
		return At{}, fmt.Errorf("hour of the notice: want one like \"09:00\", got %q: %w", s, fault.Invalid)
	}
	return At{t.Hour(), t.Minute()}, nil
}

// Next is the first such time after now.
func (a At) Next(now time.Time) time.Time {
	now = now.UTC()
	next := time.Date(now.Year(), now.Month(), now.Day(), a.Hour, a.Minute, 0, 0, time.UTC)
	if !next.After(now) {
		next = next.AddDate(0, 0, 1)
	}
	return next
}

// A notice that cannot be sent is tried again at fixed times; then its day is over.
const (
	tries = 3
	pause = 10 * time.Minute
	most  = time.Minute // for one try
)

// Run sends at the hour of every day until ctx is done. A day on which the desk was
// off at the hour has none. failed is told of every try that did not work.
func Run(ctx context.Context, at At, s Sender, failed func(error)) {
	for {
		if !sleep(ctx, time.Until(at.Next(time.Now()))) {
			return
		}
		for n := range tries {
			if n > 0 && !sleep(ctx, pause) {
				return
			}
			try, done := context.WithTimeout(ctx, most)
			err := s.Send(try)
			done()
			if err == nil {
				break
			}
			if ctx.Err() == nil {
				failed(err)
			}
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
