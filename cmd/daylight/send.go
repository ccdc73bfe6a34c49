package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"daylight/codename"
	"daylight/envelope"
	"daylight/fault"
	"daylight/internal/durable"
)

type sendCmd struct {
	newsroomFlags
	Channel   string   `help:"Which team shall read it; default: the newsroom's first." placeholder:"ID"`
	Message   string   `help:"File with a message; - reads it from the terminal." placeholder:"FILE"`
	Return    bool     `help:"Ask for a codename that you have. Without it you get a new one."`
	Language  string   `default:"en" enum:"en,es,fr,ru,ar,de" help:"Of the words of a new codename."`
	NotBefore string   `help:"Ask that nothing of it is published before a day: 2027-01-31." placeholder:"DAY"`
	NoQuotes  bool     `help:"Ask that what you write is not quoted."`
	Out       string   `type:"path" help:"Write the sealed envelope into this folder, a stick for example, and send nothing." placeholder:"DIR"`
	Sealed    string   `type:"path" help:"Go on with an envelope that was sealed before." placeholder:"FILE"`
	Files     []string `arg:"" optional:"" type:"path" help:"Files." placeholder:"FILE"`
}

func (sendCmd) Help() string {
	return `Examples:

    daylight send --to ADDRESS.onion --words "seven words of the newsroom" --message - report.pdf
    daylight send --keys /media/stick/public --words "…" --out /media/stick report.pdf

The message and the files are sealed on this machine, before anything leaves it, to keys that only the newsroom has: the
submission system never sees them, nor file names, nor the codename. It does see that a program sent it, how much that is
(rounded), and when. The words are the newsroom's fingerprint: take them from print or another site, never from the place
that gives you its keys. Days before which not to publish, and no quoting, are requests: people in the
newsroom read them, and decide. An upload that breaks goes on where it was. This program needs Tor on this machine (Tor Browser's
port is 127.0.0.1:9150). Nothing protects against what documents say, or a machine that somebody watches.`
}

func (c *sendCmd) Run(a *app) error {
	if c.Sealed != "" {
		return c.upload(a, c.Sealed)
	}
	if len(c.Files) == 0 && c.Message == "" {
		return fault.Say("There is nothing to send: name files, or a message with --message.", fault.Invalid)
	}
	if len(c.Files) >= envelope.MaxEntries { // a message is one more
		return fault.Say(fmt.Sprintf("These are more than %d files. Put them into an archive (zip) and send that, or send some at a time. Nothing was sent.", envelope.MaxEntries-1), fault.TooLarge)
	}
	if _, err := time.Parse(time.DateOnly, c.NotBefore); c.NotBefore != "" && err != nil {
		return fault.Say("A day is written as 2027-01-31. Nothing was sent.", fault.Invalid)
	}
	files := c.Files
	if c.Message != "" && c.Message != "-" {
		files = append([]string{c.Message}, files...)
	}
	if err := there(files...); err != nil {
		return fault.Say(strings.TrimSuffix(words(err), ".")+". Nothing was sent.", err)
	}
	list, err := c.newsroom(a)
	if err != nil {
		return err
	}
	words, err := c.codename(a)
	if err != nil {
		return err
	}
	defer words.Wipe()
	path, err := c.seal(a, list, words)
	if err != nil {
		return err
	}
	if !c.Return {
		text, _ := words.AppendText(nil)
		fmt.Fprintf(a.stdout, "Your codename, shown now and never again: it is the only way to our answer.\n\n    %s\n\n", text)
		clear(text)
	}
	if c.Out != "" {
		fmt.Fprintf(a.stdout, "Sealed: %s. Carry it to the newsroom. It can be opened only there.\n", path)
		return nil
	}
	return c.upload(a, path)
}

func (c *sendCmd) codename(a *app) (*codename.Codename, error) {
	if !c.Return {
		return codename.New(c.Language), nil
	}
	return a.askCodename()
}

// seal makes the envelope: a file that tells nothing but its rounded size.
func (c *sendCmd) seal(a *app, list envelope.KeyList, words *codename.Codename) (path string, err error) {
	if c.Channel != "" {
		if _, err := list.Channel(c.Channel); err != nil {
			return "", fault.Say("The newsroom has no channel "+c.Channel+". Nothing was sealed.", err)
		}
	}
	dir := os.TempDir()
	if c.Out != "" {
		dir = filepath.Join(c.Out, "envelopes") // where a desk looks for what was carried
		if err := durable.MkdirAll(dir); err != nil {
			return "", err
		}
	}
	f, err := os.CreateTemp(dir, ".*")
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			os.Remove(f.Name())
		}
	}()
	s, err := list.Seal(f, envelope.Head{Time: time.Now(), Path: "send"}, c.Channel)
	if err != nil {
		return "", err
	}
	seed := words.Seed(list.Newsroom[:])
	defer seed.Wipe()
	reply, err := envelope.FromSecret(seed.Key(codename.LabelReply))
	if err != nil {
		return "", err
	}
	box := codename.Mailbox(seed.Key(codename.LabelOpens))
	if err := s.Address(envelope.Address{Mailbox: hex.EncodeToString(box[:]), Key: reply.Recipient().String()}); err != nil {
		return "", err
	}
	if err := s.Conditions(envelope.Conditions{Before: c.NotBefore, Unquoted: c.NoQuotes}); err != nil {
		return "", err
	}
	if err := c.fill(a, s, words); err != nil {
		return "", err
	}
	if err := errors.Join(s.Close(), f.Sync()); err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	if c.Out == "" {
		return f.Name(), nil
	}
	var id [16]byte
	rand.Read(id[:])
	whole := filepath.Join(dir, today()+"."+hex.EncodeToString(id[:]))
	day, _ := time.Parse(time.DateOnly, today())
	return whole, errors.Join(os.Chtimes(f.Name(), day, day), os.Rename(f.Name(), whole))
}

// fill adds message and files. One that cannot be read ends it: half of what a source
// means to send is not sent.
func (c *sendCmd) fill(a *app, s *envelope.Sealer, words *codename.Codename) error {
	marks := words.Marks()
	if c.Message != "" {
		r, err := a.openInput(c.Message)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(io.LimitReader(r, maxMessage+1))
		if err = errors.Join(err, r.Close()); err != nil {
			return fmt.Errorf("read message: %w", err)
		}
		switch {
		case len(text) > maxMessage:
			return fault.Say("The message is longer than a megabyte: send it as a file. Nothing was sent.", fault.TooLarge)
		case len(bytes.TrimSpace(text)) == 0:
			return fault.Say("The message is empty. Nothing was sent.", fault.Invalid)
		case marks.In(text):
			return fault.Say(toldWords, fault.Invalid)
		}
		if _, err := s.Text(bytes.NewReader(text)); err != nil {
			return fmt.Errorf("seal message: %w", err)
		}
	}
	for _, name := range c.Files {
		if marks.In([]byte(filepath.Base(name))) {
			return fault.Say(toldWords, fault.Invalid)
		}
		f, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("seal: %w", err)
		}
		_, err = s.File(filepath.Base(name), f)
		if err = errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("seal %s: %w", name, err)
		}
	}
	return nil
}

const (
	maxMessage = 1 << 20
	toldWords  = "Your codename, or a part of it, is in the message or in the name of a file. The newsroom would learn the words. Nothing was sent."
)

// openInput opens a file, or what is typed.
func (a *app) openInput(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(os.Stdin), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open message: %w", err)
	}
	return f, nil
}

// A piece of an upload, and how often one that breaks is tried again.
const (
	pieceSize = 16 << 20
	mostTries = 8
)

// upload sends a sealed file, on from where it was.
func (c *sendCmd) upload(a *app, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	p := parcel{client: client, id: hex.EncodeToString(h.Sum(nil)[:16]), file: f, size: st.Size(), bar: a.bar("Sending")}
	err = p.send(a.ctx)
	p.bar.done()
	if err != nil {
		why := err
		if a.ctx.Err() != nil {
			why = errors.New("stopped")
		}
		return fault.Say(fmt.Sprintf("It has not arrived whole: %v. Nothing is lost: the sealed envelope is %s. Go on later: daylight send --to %s --sealed %s", why, path, c.To, path), err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the sealed envelope: %w", err)
	}
	fmt.Fprintf(a.stdout, "It has arrived, sealed. Come back in some days: daylight replies --to %s --words …\n", c.To)
	return nil
}

// parcel is an upload under way.
type parcel struct {
	client *sourceClient
	id     string
	file   io.ReaderAt
	size   int64
	at     int64
	bar    *bar
	before int64     // what was there at the first look
	began  time.Time // when that was
}

func (p *parcel) send(ctx context.Context) error {
	tries := 0
	for {
		before := p.at
		err := p.step(ctx)
		if err == nil && p.at == p.size {
			return nil
		}
		if p.at > before {
			tries = 0
			if err == nil {
				continue
			}
		}
		if err == nil {
			err = fmt.Errorf("the submission system takes nothing: %w", fault.Busy)
		}
		final := errors.Is(err, fault.TooLarge) || errors.Is(err, fault.Invalid) || errors.Is(err, fault.Forbidden) || errors.Is(err, fault.Full)
		if tries++; final || tries >= mostTries || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(tries) * p.client.pause):
		}
	}
}

// step asks where the upload is, and sends the next piece.
func (p *parcel) step(ctx context.Context) error {
	at, err := p.client.offset(ctx, p.id)
	if err == nil && at > p.size {
		err = fmt.Errorf("the submission system says that more has arrived than there is: %w", fault.Invalid)
	}
	if err != nil {
		return err // what is known to be there stays: it is no progress when it is heard of again
	}
	if p.at = at; at == p.size {
		return nil
	}
	if p.began.IsZero() {
		p.before, p.began = at, time.Now()
	}
	n := min(pieceSize, p.size-p.at)
	p.at, err = p.client.put(ctx, p.id, p.at, p.size, &piece{io.NewSectionReader(p.file, p.at, n), p, p.at}, n)
	return err
}

// piece shows how far it was read: one takes minutes through Tor.
type piece struct {
	io.Reader
	of *parcel
	at int64
}

func (r *piece) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.at += int64(n)
	r.of.bar.sent(r.at, r.of.before, r.of.size, time.Since(r.of.began))
	return n, err
}

// typedWords are those of a fingerprint, as people type them.
func typedWords(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r < 'a' || r > 'z' })
}
