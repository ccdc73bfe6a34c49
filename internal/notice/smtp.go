package notice

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/smtp"
)

// errPlain: a password is not sent in clear.
var errPlain = errors.New("the mail server offers no TLS, and a password is set")

// Send implements Sender. The connection is encrypted where the server can.
func (m *Mail) Send(ctx context.Context) error {
	text, err := m.message()
	if err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(m.Server)
	if err != nil {
		return fmt.Errorf("mail server: %w", err)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", m.Server)
	if err != nil {
		return fmt.Errorf("mail server: %w", err)
	}
	defer conn.Close()
	if until, ok := ctx.Deadline(); ok {
		conn.SetDeadline(until)
	}
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return fmt.Errorf("mail server: %w", err)
	}
	defer c.Close()
	if err := m.talk(c, host, text); err != nil {
		return fmt.Errorf("mail server: %w", err)
	}
	return nil
}

func (m *Mail) talk(c *smtp.Client, host string, text []byte) error {
	if err := c.Hello("localhost"); err != nil { // not the name of the desk
		return err
	}
	secret, _ := c.Extension("STARTTLS")
	if secret {
		if err := c.StartTLS(&tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}); err != nil {
			return err
		}
	}
	if m.User != "" {
		if !secret {
			return errPlain
		}
		if err := c.Auth(smtp.PlainAuth("", m.User, m.Password, host)); err != nil {
			return err
		}
	}
	if err := c.Mail(m.From); err != nil {
		return err
	}
	if err := c.Rcpt(m.To); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Quit()
}
