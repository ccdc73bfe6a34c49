package main

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"daylight/codename"
	"daylight/courier"
	"daylight/courier/folder"
	"daylight/envelope"
	"daylight/fault"
	"daylight/text"
)

type repliesCmd struct {
	newsroomFlags
	Save    string `type:"path" help:"Write files that come with answers into this folder." placeholder:"DIR"`
	Destroy bool   `help:"Destroy the answers on the submission system that were read whole, and whose files were saved."`
}

func (repliesCmd) Help() string {
	return `Example: daylight replies --to ADDRESS.onion --words "seven words of the newsroom" --save DIR --destroy

Answers are opened on this machine. The submission system is told what opens a mailbox, and a number by which it counts visits, never the codename. It cannot tell
whether the mailbox was ever used. Destroyed there; the newsroom may already hold a copy.

Keep the number of today. When you come back on another day, it must be the number of the last day: then nobody asked for these
answers in between. If its first half is another one, the submission system was started anew, and cannot tell. If only its second
half is, somebody asked, or very many people were there: get a new codename. All of one day (UTC) counts as one: on
the day itself there is nothing to compare.`
}

func (c *repliesCmd) Run(a *app) error {
	list, err := c.newsroom(a)
	if err != nil {
		return err
	}
	words, err := a.askCodename()
	if err != nil {
		return err
	}
	defer words.Wipe()
	seed := words.Seed(list.Newsroom[:])
	defer seed.Wipe()
	key, err := envelope.FromSecret(seed.Key(codename.LabelReply))
	if err != nil {
		return err
	}
	way, counted := seed.Key(codename.LabelOpens), seed.Key(codename.LabelVisits)
	opens := hex.EncodeToString(way[:])
	client, err := c.client()
	if err != nil {
		return err
	}
	letters, visits, err := c.letters(a, client, opens, hex.EncodeToString(counted[:]), key)
	if err != nil {
		return err
	}
	if m := visitNumbers.FindStringSubmatch(visits); m == nil {
		fmt.Fprintln(a.stdout, "Too many people are there now: it gives no numbers that tell whether somebody else used these words. Try again in an hour.")
	} else {
		fmt.Fprintf(a.stdout, "Number of today: %s. Number of the last day before today: %s. See daylight replies -h.\n\n", m[2], m[1])
	}
	if len(letters) == 0 {
		fmt.Fprintln(a.stdout, "There is no answer. Perhaps nobody has written yet, or it was destroyed; a mailbox that was never used looks the same.")
		return nil
	}
	destroyed := 0
	for _, l := range letters {
		l.print(a.stdout)
		if c.Destroy && !l.read && !l.gone {
			fmt.Fprintln(a.stdout, "Not destroyed: it was not read whole, or its files are not saved (--save DIR).")
		}
		if c.Destroy && l.read {
			done, err := client.post(a.ctx, "/sealed/destroy", opens+" "+string(l.id))
			if err == nil {
				done.Close()
			} else if !errors.Is(err, fault.NotFound) { // gone is gone
				return err
			}
			destroyed++
		}
	}
	if destroyed > 0 {
		fmt.Fprintln(a.stdout, "Destroyed on intake; the newsroom may already hold a copy.")
	}
	return nil
}

// visitNumbers are what the submission system says of visits: of the last day, and of
// today.
var visitNumbers = regexp.MustCompile(`^(\d{3} \d{3}), (\d{3} \d{3})$`)

// opened is an answer, read on this machine.
type opened struct {
	id    courier.ReplyID
	at    time.Time
	text  string
	files []string
	end   envelope.End
	read  bool // all of it, and files are saved
	gone  bool // between the list, which has it, and the reading
}

func (l opened) print(w io.Writer) {
	if l.gone {
		fmt.Fprint(w, "An answer is gone: it was still in the list, and was destroyed before it was read, by somebody with your codename or because its time was over.\n\n")
		return
	}
	when := "An answer that does not open"
	if !l.at.IsZero() {
		when = "Answer of " + l.at.UTC().Format(time.DateOnly)
	}
	fmt.Fprintf(w, "%s\n\n%s\n", when, printable(l.text))
	for _, f := range l.files {
		fmt.Fprintf(w, "  file: %s\n", f)
	}
	if l.end != envelope.Whole {
		fmt.Fprintln(w, "A part of this answer is missing or damaged.")
	}
	fmt.Fprintln(w)
}

// printable keeps what somebody wrote from driving the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, s)
}

// Bounds of what is read of a mailbox.
const (
	maxIDs    = 1 << 20
	maxAnswer = 1 << 20 // of text
)

func (c *repliesCmd) letters(a *app, client *sourceClient, opens, counted string, key envelope.PrivateKey) (all []opened, visits string, err error) {
	resp, err := client.ask(a.ctx, "/sealed/replies", opens+" "+counted)
	if err != nil {
		return nil, "", err
	}
	list, err := io.ReadAll(io.LimitReader(resp.Body, maxIDs))
	resp.Body.Close()
	if err != nil {
		return nil, "", fmt.Errorf("list answers: %w", err)
	}
	for _, id := range strings.Fields(string(list)) {
		sealed, err := client.post(a.ctx, "/sealed/reply", opens+" "+id)
		if errors.Is(err, fault.NotFound) {
			all = append(all, opened{id: courier.ReplyID(id), gone: true})
			continue
		}
		if err != nil {
			return nil, "", err
		}
		l, err := c.open(sealed, courier.ReplyID(id), key)
		sealed.Close()
		if err != nil {
			return nil, "", err
		}
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b opened) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.id, b.id)) })
	return all, resp.Header.Get("Visit-Numbers"), nil
}

// open reads an answer, and writes its files where they are wanted.
func (c *repliesCmd) open(sealed io.Reader, id courier.ReplyID, key envelope.PrivateKey) (opened, error) {
	l := opened{id: id, end: envelope.Damaged}
	r, err := envelope.Open(sealed, key)
	if err != nil || r.Head.Kind != envelope.Reply {
		return l, nil
	}
	l.at = r.Head.Time
	long := false
	for e := range r.Entries() {
		if e.Type == envelope.Text {
			b, _ := io.ReadAll(io.LimitReader(e, int64(max(0, maxAnswer-len(l.text)))))
			l.text += string(b)
			long = long || len(l.text) >= maxAnswer
			continue
		}
		place := printable(filepath.Base(filepath.FromSlash(strings.ReplaceAll(e.Name, `\`, "/"))))
		if c.Save != "" {
			if place, err = save(c.Save, place, e); err != nil {
				return l, err
			}
		}
		l.files = append(l.files, place)
	}
	l.end = r.End()
	l.read = l.end == envelope.Whole && !long && (len(l.files) == 0 || c.Save != "")
	return l, nil
}

// save writes a new file of a name that says nothing else than its own: what is there
// stays.
func save(dir, name string, r io.Reader) (string, error) {
	name = text.Cut(name, 60) // runes; a file system takes 255 bytes
	if name = strings.TrimLeft(name, "."); name == "" || name == string(filepath.Separator) {
		name = "file"
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", fmt.Errorf("save: %w", err)
	}
	defer root.Close()
	for i := 0; ; i++ {
		as := name
		if i > 0 {
			as = fmt.Sprintf("%d-%s", i, name)
		}
		f, err := root.OpenFile(as, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if os.IsExist(err) && i < 1000 {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("save: %w", err)
		}
		_, err = io.Copy(f, r)
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return "", fmt.Errorf("save: %w", err)
		}
		return filepath.Join(dir, as), nil
	}
}

type fetchCmd struct {
	From string `arg:"" type:"path" help:"Folder that somebody carried here." placeholder:"DIR"`
}

func (fetchCmd) Help() string {
	return `Example: daylight fetch --data /srv/desk /media/stick

Takes in the envelopes that "daylight send --out" has left there, and removes them when they are safe here. No
answer is left on the stick. On one that intake wrote, word is left of which were taken. Stop the desk first.`
}

func (c *fetchCmd) Run(a *app) error {
	if err := there(c.From); err != nil {
		return err
	}
	f, err := folder.Open(c.From)
	if err != nil {
		return err
	}
	defer f.Close()
	return a.withDesk(func(d *deskRole, _ config) error {
		f.Signer = d.signer
		got, err := d.Receive(a.ctx, f)
		fmt.Fprintf(a.stdout, "Taken in: %d. Kept here, but opened by no key of this desk, or damaged: %d.\n", got.Envelopes, got.Unopened)
		if err == nil && got.Left > 0 {
			err = fault.Say(fmt.Sprintf("Left on the stick: %d. They do not open, and there is no more room here for such (unopened, in the settings).", got.Left), fault.Full)
		}
		return err
	})
}
