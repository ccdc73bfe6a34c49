package envelope

import (
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"daylight/fault"
)

// Bounds of a list. An envelope grows by 1.6 kB for each key of the channel that has
// most of them, whichever it is for.
const (
	MaxChannels = 16
	MaxKeys     = 16 // of one channel

	maxLanguages = 40
)

// KeyList is what a newsroom tells its intake and its sources: whom to seal to. It is
// signed by the newsroom, so that who carries it cannot change it, and numbered, so
// that an old one cannot come back.
type KeyList struct {
	Newsroom [16]byte // random, made once: the salt of all codenames
	Serial   int      // from 1; a list replaces those with smaller numbers
	Channels []Channel
}

// Channel is a team of the newsroom with keys of its own, that a source may choose. A
// newsroom that is one team has one channel, and offers no choice. The first is for
// those who choose none.
type Channel struct {
	ID    string // a-z, 0-9 and hyphens: what the head of an envelope says
	Names []Words
	About []Words // a sentence on who reads what is sent there; may be empty
	Keys  []PublicKey
}

// Words is a text in a language.
type Words struct{ Language, Text string }

// Name is the channel's name in a language or, where it has none, in its first.
func (c Channel) Name(language string) string { return said(language, c.Names) }

// Purpose is the sentence about the channel, likewise.
func (c Channel) Purpose(language string) string { return said(language, c.About) }

func said(language string, list []Words) string {
	for _, w := range list {
		if w.Language == language {
			return w.Text
		}
	}
	if len(list) == 0 {
		return ""
	}
	return list[0].Text
}

// Channel finds a channel by its id. "" is the first.
func (l KeyList) Channel(id string) (Channel, error) {
	for _, c := range l.Channels {
		if id == "" || c.ID == id {
			return c, nil
		}
	}
	return Channel{}, fmt.Errorf("no such channel: %w", fault.NotFound)
}

// Keys are all keys of the list, each once.
func (l KeyList) Keys() []PublicKey {
	var all []PublicKey
	for _, c := range l.Channels {
		for _, k := range c.Keys {
			if !slices.ContainsFunc(all, func(have PublicKey) bool { return have.Name == k.Name }) {
				all = append(all, k)
			}
		}
	}
	return all
}

// Seal starts a request to a channel, as Channel finds it. Only its keys open it, and
// nothing outside of the seal tells which they are: the stanzas of a hybrid key name
// no key, and there are as many of them as for the largest channel of the list. Those
// that are missing are for keys that nobody has.
func (l KeyList) Seal(w io.Writer, head Head, channel string) (*Sealer, error) {
	c, err := l.Channel(channel)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	var to []age.Recipient
	for _, k := range c.Keys {
		to = append(to, k.HybridRecipient)
	}
	most := 0
	for _, other := range l.Channels {
		most = max(most, len(other.Keys))
	}
	for len(to) < most {
		nobody, err := age.GenerateHybridIdentity()
		if err != nil {
			return nil, fmt.Errorf("seal: %w", err)
		}
		to = append(to, nobody.Recipient())
	}
	head.Kind, head.Channel, head.Serial = Request, c.ID, l.Serial
	return Seal(w, head, to...)
}

const listHead = "daylight keys 0"

// text is the list as it is signed. There is one way to write a list.
func (l KeyList) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nnewsroom %x\nserial %d\n", listHead, l.Newsroom, l.Serial)
	for _, c := range l.Channels {
		fmt.Fprintf(&b, "channel %s\n", c.ID)
		for _, w := range c.Names {
			fmt.Fprintf(&b, "name %s %s\n", w.Language, w.Text)
		}
		for _, w := range c.About {
			fmt.Fprintf(&b, "about %s %s\n", w.Language, w.Text)
		}
		for _, k := range c.Keys {
			fmt.Fprintf(&b, "key %s %s\n", k.HybridRecipient, k.Name)
		}
	}
	return b.String()
}

// Sign writes the list as a signed note (C2SP signed-note): lines of text and one
// signature line a signer.
func (l KeyList) Sign(signers ...note.Signer) ([]byte, error) {
	if err := l.Check(); err != nil {
		return nil, fmt.Errorf("sign key list: %w", err)
	}
	signed, err := note.Sign(&note.Note{Text: l.text()}, signers...)
	if err != nil {
		return nil, fmt.Errorf("sign key list: %w", err)
	}
	return signed, nil
}

// ParseKeyList reads a list that one of the verifiers vouches for. A list that
// none does is fault.Unverified; one that cannot be read is fault.Damaged.
func ParseKeyList(signed []byte, trusted ...note.Verifier) (KeyList, error) {
	n, err := note.Open(signed, note.VerifierList(trusted...))
	if err != nil {
		return KeyList{}, fmt.Errorf("key list: %w", fault.Unverified)
	}
	l, err := parseList(n.Text)
	if err != nil {
		return KeyList{}, fmt.Errorf("key list: %w: %w", fault.Damaged, err)
	}
	return l, nil
}

// FirstChannel is the id that a newsroom's first channel has when it is made.
const FirstChannel = "newsroom"

// ofOldLists stands in lists that were written before there were channels, and whose
// keys came first, as if they had one.
const ofOldLists = "channel " + FirstChannel + "\nname en Newsroom\n"

func parseList(text string) (KeyList, error) {
	var l KeyList
	if i := strings.Index(text, "\nkey "); i >= 0 && !strings.Contains(text, "\nchannel ") {
		text = text[:i+1] + ofOldLists + text[i+1:]
	}
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if err := l.line(i, line); err != nil {
			return l, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	if err := l.Check(); err != nil {
		return l, err
	}
	if l.text() != text {
		return l, fmt.Errorf("not in the form in which lists are written: %w", fault.Invalid)
	}
	return l, nil
}

// line reads one line. That there is one way to write a list is tested afterwards.
func (l *KeyList) line(i int, line string) (err error) {
	word, rest, _ := strings.Cut(line, " ")
	switch i {
	case 0:
		if line != listHead {
			return fmt.Errorf("not a list of version 0: %w", fault.Invalid)
		}
		return nil
	case 1:
		id, err := hex.DecodeString(rest)
		if err != nil || len(id) != len(l.Newsroom) {
			return fmt.Errorf("no newsroom: %w", fault.Invalid)
		}
		copy(l.Newsroom[:], id)
		return nil
	case 2:
		l.Serial, err = strconv.Atoi(rest)
		return err
	}
	if word == "channel" {
		l.Channels = append(l.Channels, Channel{ID: rest})
		return nil
	}
	if len(l.Channels) == 0 {
		return fmt.Errorf("before the first channel: %w", fault.Invalid)
	}
	c := &l.Channels[len(l.Channels)-1]
	first, text, _ := strings.Cut(rest, " ")
	switch word {
	case "name":
		c.Names = append(c.Names, Words{first, text})
	case "about":
		c.About = append(c.About, Words{first, text})
	case "key":
		r, err := age.ParseHybridRecipient(first)
		if err != nil {
			return fmt.Errorf("no key: %w", fault.Invalid)
		}
		c.Keys = append(c.Keys, PublicKey{text, r})
	default:
		return fmt.Errorf("of an unknown kind: %w", fault.Invalid)
	}
	return nil
}

// Check says what is wrong with a list, or nil.
func (l KeyList) Check() error {
	if l.Serial < 1 {
		return fmt.Errorf("no serial number: %w", fault.Invalid)
	}
	if len(l.Channels) < 1 || len(l.Channels) > MaxChannels {
		return fmt.Errorf("%d channels; a list has 1 to %d: %w", len(l.Channels), MaxChannels, fault.Invalid)
	}
	byName, byKey := map[string]string{}, map[string]string{}
	ids := map[string]bool{}
	for _, c := range l.Channels {
		if err := c.check(); err != nil {
			return fmt.Errorf("channel %s: %w", c.ID, err)
		}
		if ids[c.ID] {
			return fmt.Errorf("channel %s is there twice: %w", c.ID, fault.Invalid)
		}
		ids[c.ID] = true
		for _, k := range c.Keys { // a key may be of several channels, under its one name
			key := k.String()
			if have, ok := byName[k.Name]; ok && have != key {
				return fmt.Errorf("two keys of the name %q: %w", k.Name, fault.Invalid)
			}
			if have, ok := byKey[key]; ok && have != k.Name {
				return fmt.Errorf("one key under two names: %w", fault.Invalid)
			}
			byName[k.Name], byKey[key] = key, k.Name
		}
	}
	return nil
}

func (c Channel) check() error {
	if !ValidChannel(c.ID) {
		return fmt.Errorf("an id has 1 to 32 letters a-z, digits and hyphens: %w", fault.Invalid)
	}
	if len(c.Names) == 0 {
		return fmt.Errorf("no name: %w", fault.Invalid)
	}
	if err := checkWords(c.Names, 100); err != nil {
		return fmt.Errorf("name: %w", err)
	}
	if err := checkWords(c.About, 400); err != nil {
		return fmt.Errorf("about: %w", err)
	}
	if len(c.Keys) < 1 || len(c.Keys) > MaxKeys {
		return fmt.Errorf("%d keys; a channel has 1 to %d: %w", len(c.Keys), MaxKeys, fault.Invalid)
	}
	names := map[string]bool{}
	for _, k := range c.Keys {
		if err := checkName(k.Name); err != nil {
			return err
		}
		if names[k.Name] {
			return fmt.Errorf("key %q is there twice: %w", k.Name, fault.Invalid)
		}
		names[k.Name] = true
	}
	return nil
}

// checkWords wants each language once, and texts of one line.
func checkWords(list []Words, most int) error {
	if len(list) > maxLanguages {
		return fmt.Errorf("%d languages; the most is %d: %w", len(list), maxLanguages, fault.Invalid)
	}
	seen := map[string]bool{}
	for _, w := range list {
		if !slug(w.Language, 2, 12) || seen[w.Language] {
			return fmt.Errorf("a language is named once, by a tag like en or pt-br: %w", fault.Invalid)
		}
		seen[w.Language] = true
		if !oneLine(w.Text, most) {
			return fmt.Errorf("one line of at most %d bytes: %w", most, fault.Invalid)
		}
	}
	return nil
}

// ValidChannel reports whether an id can be that of a channel.
func ValidChannel(id string) bool { return slug(id, 1, 32) }

func slug(s string, least, most int) bool {
	ok := len(s) >= least && len(s) <= most && strings.Trim(s, "-") == s
	for _, c := range []byte(s) {
		ok = ok && (c == '-' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9')
	}
	return ok
}
