package onion

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"daylight/fault"
)

// Control is a connection to tor's control port, signed in. It is safe for
// concurrent use; commands follow one another.
type Control struct {
	conn    net.Conn
	stop    context.CancelFunc // closes conn
	replies chan reply
	broken  chan struct{} // closed with err set
	err     error

	mu sync.Mutex // of the command under way
}

// patience is how long tor may take for an answer: a tor on a slow disk, no network.
const patience = time.Minute

// Dial connects to a control port, "unix:/path" or "host:port", and signs in.
func Dial(ctx context.Context, address string) (*Control, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	network, address := endpoint(address)
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("tor's control port: %w", err)
	}
	c := &Control{conn: conn, replies: make(chan reply), broken: make(chan struct{})}
	open, stop := context.WithCancel(context.Background())
	context.AfterFunc(open, func() { conn.Close() })
	c.stop = stop
	go c.read(open)
	if err := c.authenticate(ctx); err != nil {
		c.Close()
		return nil, fmt.Errorf("tor's control port: %w", err)
	}
	return c, nil
}

// endpoint reads "unix:/path" or "host:port".
func endpoint(address string) (network, rest string) {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return "unix", path
	}
	return "tcp", address
}

// read hands replies on until the connection breaks.
func (c *Control) read(open context.Context) {
	defer close(c.broken)
	defer c.stop()
	r := bufio.NewReaderSize(c.conn, maxLine)
	for {
		rep, err := readReply(r)
		if err == io.EOF {
			err = errors.New("tor closed the connection")
		}
		if err != nil {
			c.err = err
			return
		}
		if rep.code >= 600 { // an event; we ask for none
			continue
		}
		select {
		case c.replies <- rep:
		case <-open.Done():
			c.err = net.ErrClosed
			return
		}
	}
}

// Broken is closed when the connection is no more. Services that it made are gone
// then, too.
func (c *Control) Broken() <-chan struct{} { return c.broken }

// Close ends the connection, and the services that it made.
func (c *Control) Close() error {
	c.stop()
	<-c.broken
	return nil
}

// command sends one line and waits for its reply. Of the line, an error tells the
// first word only: others may be secret. A command that gets no answer in time ends
// the connection, because the next answer could be taken for another's.
func (c *Control) command(ctx context.Context, line string) (reply, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	word, _, _ := strings.Cut(line, " ")
	if strings.ContainsAny(line, "\r\n") {
		return reply{}, fmt.Errorf("%s: more than one line: %w", word, fault.Invalid)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	end := context.AfterFunc(ctx, c.stop)
	defer end()
	if _, err := io.WriteString(c.conn, line+"\r\n"); err != nil {
		return reply{}, fmt.Errorf("%s: %w", word, err)
	}
	select {
	case rep := <-c.replies:
		if rep.code/100 != 2 {
			return rep, fmt.Errorf("%s: tor says %d %s", word, rep.code, clean(rep.lines[len(rep.lines)-1]))
		}
		return rep, nil
	case <-c.broken:
		if ctx.Err() != nil {
			return reply{}, fmt.Errorf("%s: %w", word, ctx.Err())
		}
		return reply{}, fmt.Errorf("%s: %w", word, c.err)
	}
}

// clean is a text of tor's as a log may have it: plain letters, and none of the long
// words that keys are, should tor repeat what it was told.
func clean(s string) string {
	words := strings.Fields(strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '.'
		}
		return r
	}, s))
	for i, w := range words {
		if len(w) > 30 {
			words[i] = "…"
		}
	}
	return strings.Join(words[:min(len(words), 30)], " ")
}

// Info asks for one thing that GETINFO knows.
func (c *Control) Info(ctx context.Context, key string) (string, error) {
	rep, err := c.command(ctx, "GETINFO "+key)
	if err != nil {
		return "", err
	}
	v, ok := rep.value(key + "=")
	if !ok {
		return "", fmt.Errorf("GETINFO: tor says nothing of %s: %w", key, fault.NotFound)
	}
	return v, nil
}

// Conf asks for a setting of tor's: one that may stand there more than once has as
// many values.
func (c *Control) Conf(ctx context.Context, key string) ([]string, error) {
	rep, err := c.command(ctx, "GETCONF "+key)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, l := range rep.lines {
		if v, ok := strings.CutPrefix(l, key+"="); ok {
			all = append(all, v)
		}
	}
	return all, nil
}

// Bootstrap is how far tor is on its way into the network, in percent.
func (c *Control) Bootstrap(ctx context.Context) (int, error) {
	phase, err := c.Info(ctx, "status/bootstrap-phase")
	if err != nil {
		return 0, err
	}
	f, err := fields(phase)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(f["PROGRESS"])
	if err != nil || n < 0 || n > 100 {
		return 0, fmt.Errorf("GETINFO: bootstrap: %w", fault.Invalid)
	}
	return n, nil
}

// Add makes a service, which ends with this connection.
func (c *Control) Add(ctx context.Context, s Service) error {
	if err := s.check(); err != nil {
		return err
	}
	rep, err := c.command(ctx, s.command())
	switch {
	case rep.code == 512 && s.Work != nil:
		return fmt.Errorf("%w. Is this tor older than 0.4.9, or made without proof of work? Put the service into torrc instead", err)
	case err != nil:
		return err
	}
	if id, ok := rep.value("ServiceID="); !ok || id != string(s.Key.Address()) {
		return fmt.Errorf("ADD_ONION: tor made another address than our key's: %w", fault.Invalid)
	}
	return nil
}

// Remove ends a service that this connection made.
func (c *Control) Remove(ctx context.Context, a Address) error {
	_, err := c.command(ctx, "DEL_ONION "+string(a))
	return err
}

// Authorize gives tor the key to a service of somebody else's, until tor ends.
func (c *Control) Authorize(ctx context.Context, k Client) error {
	_, err := c.command(ctx, k.command())
	return err
}
