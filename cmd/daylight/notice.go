package main

import (
	"context"
	"fmt"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"daylight/fault"
	"daylight/internal/notice"
)

type noticeConfig struct {
	At       string `toml:"at"`
	To       string `toml:"to"`
	Key      string `toml:"key"`
	Server   string `toml:"server"`
	From     string `toml:"from"`
	User     string `toml:"user"`
	Password string `toml:"password"`
}

// sender is who brings the notice; nil where none is wanted. Paths are from dir.
func (c noticeConfig) sender(dir string) (notice.Sender, notice.At, error) {
	if c.At == "" {
		return nil, notice.At{}, nil
	}
	at, err := notice.ParseAt(c.At)
	if err != nil {
		return nil, at, err
	}
	if u, err := url.Parse(c.To); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
		return &notice.Webhook{URL: c.To}, at, nil
	}
	m := &notice.Mail{Server: c.Server, User: c.User}
	if m.To, err = bareAddress(c.To); err != nil {
		return nil, at, fault.Say("notice.to is neither an e-mail address nor the address of a webhook.", err)
	}
	if m.From, err = bareAddress(c.From); err != nil {
		return nil, at, fault.Say("notice.from is no e-mail address.", err)
	}
	key, err := os.ReadFile(from(dir, c.Key))
	if err != nil {
		return nil, at, fault.Say("The OpenPGP key of the notice, "+c.Key+", cannot be read.", err)
	}
	if err := m.ParseKey(key, time.Now()); err != nil {
		return nil, at, err
	}
	if c.User != "" {
		b, err := os.ReadFile(from(dir, c.Password))
		if err != nil {
			return nil, at, fault.Say("The password of the mail server, "+c.Password+", cannot be read.", err)
		}
		m.Password = strings.TrimSpace(string(b))
	}
	return m, at, nil
}

func bareAddress(s string) (string, error) {
	a, err := mail.ParseAddress(s)
	if err != nil {
		return "", fmt.Errorf("%w: %w", fault.Invalid, err)
	}
	return a.Address, nil
}

// from is a path as the settings have it: relative ones are from the instance.
func from(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// remind sends the notice every day until ctx is done.
func (a *app) remind(ctx context.Context, s notice.Sender, at notice.At) {
	notice.Run(ctx, at, s, func(err error) { a.log.Error("the daily notice was not sent", "err", err) })
}
