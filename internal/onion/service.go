package onion

import (
	"fmt"
	"strings"

	"daylight/fault"
)

// Service is an onion service: what arrives for its port 80 goes to a unix socket.
type Service struct {
	Key    *Key
	Socket string // absolute path

	// Open lets everybody in. Otherwise only those do get in who have a key to one of
	// Clients, and a service without any is refused.
	Open    bool
	Clients []ClientPublic

	// Work defends the service with tor's proof of work: once more clients come than
	// it takes in, those who did work come first. It costs nobody anything before.
	Work *Work
}

// Work says from when on proof of work counts.
type Work struct {
	Rate  int // clients a second that are taken in
	Burst int // and at once
}

func (s Service) check() error {
	// A blank or quotation mark would be another word to tor.
	if !strings.HasPrefix(s.Socket, "/") || strings.ContainsFunc(s.Socket, func(r rune) bool { return r <= ' ' || r == '"' || r == ',' || r == '\\' || r == 0x7f }) {
		return fmt.Errorf("socket of an onion service: want an absolute path without blanks: %w", fault.Invalid)
	}
	if s.Open == (len(s.Clients) > 0) {
		return fmt.Errorf("onion service: want clients that are let in, or that it is open: %w", fault.Invalid)
	}
	return nil
}

// command makes the service on a control connection, and ends it with that: a key
// that lies with us is not left with a tor that nobody looks after.
func (s Service) command() string {
	var b strings.Builder
	fmt.Fprintf(&b, "ADD_ONION %s", s.Key.blob())
	if !s.Open {
		b.WriteString(" Flags=DiscardPK,V3Auth")
	} else {
		b.WriteString(" Flags=DiscardPK")
	}
	if w := s.Work; w != nil {
		fmt.Fprintf(&b, " PoWDefensesEnabled=1 PoWQueueRate=%d PoWQueueBurst=%d", w.Rate, w.Burst)
	}
	fmt.Fprintf(&b, " Port=80,unix:%s", s.Socket)
	for _, c := range s.Clients {
		fmt.Fprintf(&b, " ClientAuthV3=%s", c.base32())
	}
	return b.String()
}

// Torrc is the service for who would rather have tor keep its key: the lines of
// torrc. dir is the folder that tor makes for it; the clients' files go there, into
// authorized_clients.
func (s Service) Torrc(dir string) (string, error) {
	if err := s.check(); err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "HiddenServiceDir %s\nHiddenServicePort 80 unix:%s\n", dir, s.Socket)
	if w := s.Work; w != nil {
		fmt.Fprintf(&b, "HiddenServicePoWDefensesEnabled 1\nHiddenServicePoWQueueRate %d\nHiddenServicePoWQueueBurst %d\n", w.Rate, w.Burst)
	}
	return b.String(), nil
}
