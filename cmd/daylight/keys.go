package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"golang.org/x/mod/sumdb/note"

	"daylight/custody"
	"daylight/desk"
	"daylight/envelope"
	"daylight/fault"
	"daylight/internal/durable"
	"daylight/internal/onion"
	"daylight/internal/sqlkit"
	"daylight/publog"
	"daylight/release"
)

// The files of an instance that have to do with keys. The desk makes what the two
// others need to know of it, in its folder public: newsroom.pub, whose signatures
// to believe, sources.keys, whom intake seals to, and intake.auth, whom it lets in.
const (
	keyDatabase  = "database.key" // intake, desk: 64 hexadecimal digits
	keyBlobs     = "blobs.key"    // desk: likewise
	keyEnvelopes = "envelope.key" // desk: opens what sources send; retired keys stay in it
	keyReleases  = "release.key"  // desk: signs releases, the log, key lists
	keyReceipts  = "receipts.key" // intake: signs for what it receives
	pubNewsroom  = "newsroom.pub"
	pubSources   = "sources.keys"
	pubIntake    = "intake.pub"  // intake: whose receipts to believe
	pubIntakes   = "intakes.pub" // desk: those that it believes, one on a line
)

func today() string { return time.Now().UTC().Format(time.DateOnly) }

type keysCmd struct {
	Make         keysMakeCmd         `cmd:"" help:"Make an instance of one role, with its keys."`
	Believe      keysBelieveCmd      `cmd:"" help:"Desk: believe the receipts of an intake."`
	List         keysListCmd         `cmd:"" help:"List the channels and keys of an instance."`
	Fingerprint  keysFingerprintCmd  `cmd:"" help:"Print the words that stand for the newsroom."`
	NewRecipient keysNewRecipientCmd `cmd:"" help:"Make a private key on this machine, which may be offline."`
	Add          keysAddCmd          `cmd:"" help:"Let another key open what a channel gets."`
	Retire       keysRetireCmd       `cmd:"" help:"Seal nothing to a key any more."`
	Rotate       keysRotateCmd       `cmd:"" help:"Make a new key for a channel, and retire the desk's old one."`
	Channel      keysChannelCmd      `cmd:"" help:"Teams with keys of their own, that sources can choose."`
	Paper        keysPaperCmd        `cmd:"" help:"Print private keys as pages that can be typed back."`
	RestorePaper keysRestorePaperCmd `cmd:"" help:"Make a key file of what was typed from a page."`
}

type keysMakeCmd struct {
	Role     string `required:"" enum:"intake,desk,archive" help:"intake, desk or archive."`
	Name     string `default:"Daylight" help:"Desk: the newsroom's name, as keys and releases carry it; it goes into daylight.toml."`
	Newsroom string `type:"path" placeholder:"DIR" help:"Intake and archive: the folder \"public\" that the desk made, carried here by hand."`
}

func (keysMakeCmd) Help() string {
	return `Example, on three machines, the desk first:

    daylight keys make --role desk --data /srv/desk --name "The Harbour Post"
    daylight keys make --role intake --data /srv/intake --newsroom /media/stick/public
    daylight keys make --role archive --data /srv/archive --newsroom /media/stick/public

Private keys are made on the desk and stay there.`
}

func (c *keysMakeCmd) Run(a *app) error {
	if c.Role != "desk" && c.Newsroom == "" {
		return fault.Say("The "+c.Role+" needs the newsroom's public keys: --newsroom DIR, the folder \"public\" of the desk. Nothing was made.", fault.Invalid)
	}
	if c.Newsroom != "" {
		if err := there(c.Newsroom); err != nil {
			return err
		}
	}
	err := makeWhole(a.data, func(part string) error {
		in, err := makeInstance(part, c.Role, false)
		if err != nil {
			return err
		}
		if c.Role == "desk" && c.Name != unnamed {
			settings, err := toml.Marshal(map[string]string{"newsroom": c.Name})
			if err != nil {
				return fmt.Errorf("make instance: %w", err)
			}
			if err := durable.WriteFile(in.path("daylight.toml"), settings); err != nil {
				return fmt.Errorf("make instance: %w", err)
			}
		}
		return makeKeys(in, c.Name, c.Newsroom)
	})
	if err != nil {
		return err
	}
	in, err := openInstance(a.data)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "Made the %s in %s.\n", c.Role, in.dir)
	if c.Role == "intake" {
		fmt.Fprintf(a.stdout, "Carry %s to the desk: daylight keys believe FILE.\n", in.path("public", pubIntake))
	}
	if c.Role == "desk" {
		fmt.Fprintf(a.stdout, "Carry %s to intake and archive. Keep a copy of %s somewhere safe: without it nothing that sources sent can be opened.\n",
			in.path("public"), in.path("keys"))
	}
	return keysListCmd{}.Run(&app{data: in.dir, stdout: a.stdout})
}

// makeKeys fills the folder keys of a new instance.
func makeKeys(in instance, newsroom, public string) error {
	write := func(name string, text []byte) error {
		if err := durable.WriteFile(in.path("keys", name), text); err != nil {
			return fmt.Errorf("make keys: %w", err)
		}
		return nil
	}
	if in.Role != "archive" { // what an archive holds is public
		if err := write(keyDatabase, newSecret()); err != nil {
			return err
		}
	}
	if in.Role != "desk" {
		for _, name := range []string{pubNewsroom, pubSources} {
			b, err := os.ReadFile(filepath.Join(public, name))
			if err != nil {
				return fmt.Errorf("newsroom's public keys: %w", err)
			}
			if err := write(name, b); err != nil {
				return err
			}
		}
		if in.Role == "intake" {
			if _, err := in.receipts(); err != nil {
				return err
			}
			return makeIntakeOnion(in, public)
		}
		return nil
	}
	if err := write(keyBlobs, newSecret()); err != nil {
		return err
	}
	// The day keeps its name apart from that of the key that signs.
	key, err := envelope.NewKey(newsroom + " " + today())
	if err != nil {
		return fmt.Errorf("make keys: %w", err)
	}
	text, err := key.MarshalText()
	if err != nil {
		return fmt.Errorf("make keys: %w", err)
	}
	if err := write(keyEnvelopes, text); err != nil {
		return err
	}
	private, verifier, err := publog.GenerateKey(signerName(newsroom))
	if err != nil {
		return fmt.Errorf("make keys: %w", err)
	}
	if err := write(keyReleases, []byte(private+"\n")); err != nil {
		return err
	}
	signer, err := publog.ParseSigner(private)
	if err != nil {
		return fmt.Errorf("make keys: %w", err)
	}
	list := envelope.KeyList{Serial: 1, Channels: []envelope.Channel{{ID: envelope.FirstChannel,
		Names: []envelope.Words{{Language: "en", Text: newsroom}}, Keys: []envelope.PublicKey{key.Public()}}}}
	rand.Read(list.Newsroom[:])
	signed, err := list.Sign(signer)
	if err != nil {
		return fmt.Errorf("make keys: %w", err)
	}
	if err := durable.MkdirAll(in.path("public")); err != nil {
		return err
	}
	if !in.Trial { // what a demonstration publishes is its sample
		err := in.writeKeyEvents(1, []release.Key{
			{Event: release.KeyAdded, Use: release.KeySigns, Name: signer.Name(), Public: verifier, Date: today()},
			{Event: release.KeyAdded, Use: release.KeyOpens, Name: key.Name, Public: key.Public().String(), Channels: []string{envelope.FirstChannel}, Date: today()},
		})
		if err != nil {
			return err
		}
	}
	if _, err := in.onionKey(keyOnion); err != nil {
		return err
	}
	if err := in.makeClientKey(); err != nil {
		return err
	}
	if err := durable.WriteFile(in.path("public", pubNewsroom), []byte(verifier+"\n")); err != nil {
		return err
	}
	return durable.WriteFile(in.path("public", pubSources), signed)
}

// receipts is the key that intake signs for files with: made when it is not there, with
// its public half in the folder public.
func (in instance) receipts() (*custody.Signer, error) {
	text, err := in.secret(keyReceipts)
	if errors.Is(err, os.ErrNotExist) {
		verifier, err := in.newsroomVerifier()
		if err != nil {
			return nil, err
		}
		if text, err = custody.Generate(verifier.Name() + "-intake"); err != nil {
			return nil, err
		}
		if err := durable.WriteFile(in.path("keys", keyReceipts), text); err != nil {
			return nil, fmt.Errorf("make keys: %w", err)
		}
	} else if err != nil {
		return nil, err
	}
	s, err := custody.ParseSigner(text)
	if err != nil {
		return nil, fault.Say("keys/"+keyReceipts+" is damaged. Take it from the backup.", err)
	}
	if err := durable.MkdirAll(in.path("public")); err != nil {
		return nil, err
	}
	return s, durable.WriteFile(in.path("public", pubIntake), []byte(s.Key()+"\n"))
}

// intakes are the keys whose receipts the desk believes.
func (in instance) intakes() ([]string, error) {
	text, err := os.ReadFile(in.path("keys", pubIntakes))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("keys of intakes: %w", err)
	}
	return strings.Fields(string(text)), nil
}

// believe adds a key to them.
func (in instance) believe(key string) error {
	known, err := in.intakes()
	if err != nil || slices.Contains(known, key) {
		return err
	}
	return durable.WriteFile(in.path("keys", pubIntakes), []byte(strings.Join(append(known, key), "\n")+"\n"))
}

type keysBelieveCmd struct {
	File string `arg:"" type:"path" help:"The file public/intake.pub of the intake." placeholder:"FILE"`
}

func (keysBelieveCmd) Help() string {
	return `Example: daylight keys believe --data /srv/desk /media/stick/intake.pub

Intake signs for each file as it arrives. What it signs lets the newsroom prove later that it published the same bytes. A
desk that runs takes it from its next start on.`
}

func (c *keysBelieveCmd) Run(a *app) error {
	in, err := roleInstance(a.data, "desk")
	if err != nil {
		return err
	}
	text, err := os.ReadFile(c.File)
	if err != nil {
		return fault.Say(c.File+" cannot be read. Nothing was changed.", err)
	}
	key := strings.TrimSpace(string(text))
	v, err := note.NewVerifier(key)
	if err != nil {
		return fault.Say(c.File+" is no public key of an intake. Nothing was changed.", fmt.Errorf("%w: %w", fault.Invalid, err))
	}
	if err := in.believe(key); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "The desk believes receipts of %s.\n", v.Name())
	return nil
}

// makeIntakeOnion makes the keys of intake's addresses, and lets in the desk whose
// public keys these are, if its key is among them.
func makeIntakeOnion(in instance, public string) error {
	for _, name := range []string{keyOnion, keyForDesks} {
		if _, err := in.onionKey(name); err != nil {
			return err
		}
	}
	text, err := os.ReadFile(filepath.Join(public, pubAtIntake))
	if errors.Is(err, os.ErrNotExist) { // of a desk that has made no such key yet
		return nil
	}
	if err != nil {
		return fmt.Errorf("the desk's key: %w", err)
	}
	key, err := onion.ParseClientPublic(string(text))
	if err != nil {
		return fmt.Errorf("the desk's key: %w", err)
	}
	return admit(filepath.Join(in.admittedDir(), "desk.auth"), key)
}

// newSecret is 32 random bytes as a key file has them.
func newSecret() []byte {
	var b [32]byte
	rand.Read(b[:])
	return []byte(hex.EncodeToString(b[:]) + "\n")
}

// signerName is a newsroom's name as signed notes allow it.
func signerName(newsroom string) string {
	return strings.Map(func(r rune) rune {
		if r == '+' || r <= ' ' {
			return '-'
		}
		return r
	}, newsroom)
}

// secret32 reads what newSecret made.
func (in instance) secret32(name string) (*[32]byte, error) {
	text, err := in.secret(name)
	if err != nil {
		return nil, err
	}
	b, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(b) != 32 {
		return nil, fault.Say("keys/"+name+" is damaged. Take it from the backup.", fault.Damaged)
	}
	return (*[32]byte)(b), nil
}

func (in instance) databaseKey() (*sqlkit.Key, error) {
	k, err := in.secret32(keyDatabase)
	return (*sqlkit.Key)(k), err
}

// public reads a file of the newsroom's public keys.
func (in instance) public(name string) ([]byte, error) {
	dir := "keys"
	if in.Role == "desk" {
		dir = "public"
	}
	text, err := os.ReadFile(in.path(dir, name))
	if err != nil {
		return nil, fmt.Errorf("newsroom's public keys: %w", err)
	}
	return text, nil
}

// newsroomKeys are the public keys whose releases this instance believes.
func (in instance) newsroomKeys() (publog.Keys, error) {
	text, err := in.public(pubNewsroom)
	if err != nil {
		return publog.Keys{}, err
	}
	return publog.ParseKeys(string(text))
}

// newsroomVerifier is the key whose lists of keys this instance believes.
func (in instance) newsroomVerifier() (note.Verifier, error) {
	text, err := in.public(pubNewsroom)
	if err != nil {
		return nil, err
	}
	return note.NewVerifier(strings.TrimSpace(string(text)))
}

// keyList is the signed list of whom intake seals to, and the newsroom's id.
func (in instance) keyList() ([]byte, envelope.KeyList, error) {
	signed, err := in.public(pubSources)
	if err != nil {
		return nil, envelope.KeyList{}, err
	}
	verifier, err := in.newsroomVerifier()
	if err != nil {
		return nil, envelope.KeyList{}, err
	}
	list, err := envelope.ParseKeyList(signed, verifier)
	return signed, list, err
}

// keyring is what the desk opens envelopes with, and what it tells intake. The list is
// read first: a key is on the disk before a list names it.
func (in instance) keyring() (desk.Keyring, error) {
	signed, list, err := in.keyList()
	if err != nil {
		return desk.Keyring{}, err
	}
	private, err := in.privateKeys()
	if err != nil {
		return desk.Keyring{}, err
	}
	return desk.Keyring{Identities: envelope.Identities(private), List: list, Signed: signed}, nil
}

// privateKeys are those of the desk that open envelopes, retired ones among them.
func (in instance) privateKeys() ([]envelope.PrivateKey, error) {
	text, err := in.secret(keyEnvelopes)
	if err != nil {
		return nil, err
	}
	keys, err := envelope.ParsePrivateKeys(text)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", keyEnvelopes, err)
	}
	return keys, nil
}

// fingerprint are the words that stand for the newsroom.
func (in instance) fingerprint() (string, error) {
	text, err := in.public(pubNewsroom)
	if err != nil {
		return "", err
	}
	_, list, err := in.keyList()
	if err != nil {
		return "", err
	}
	return envelope.Fingerprint(list.Newsroom, string(text))
}

type keysListCmd struct{}

func (keysListCmd) Help() string { return "Example: daylight keys list --data /srv/intake" }

func (keysListCmd) Run(a *app) error {
	in, err := openInstance(a.data)
	if err != nil {
		return err
	}
	keys, err := in.newsroomKeys()
	if err != nil {
		return err
	}
	_, list, err := in.keyList()
	if err != nil {
		return err
	}
	words, err := in.fingerprint()
	if err != nil {
		return err
	}
	var retired []string
	if in.Role == "desk" {
		private, err := in.privateKeys()
		if err != nil {
			return err
		}
		for _, k := range private {
			if !slices.ContainsFunc(list.Keys(), func(p envelope.PublicKey) bool { return p.String() == k.Public().String() }) {
				retired = append(retired, k.Name)
			}
		}
	}
	if a.json {
		return a.print(listedKeys(keys.Names(), words, list, retired))
	}
	fmt.Fprintf(a.stdout, "Signs releases and lists: %s\nThe newsroom's words: %s\nList %d:\n", strings.Join(keys.Names(), ", "), words, list.Serial)
	for _, c := range list.Channels {
		fmt.Fprintf(a.stdout, "Channel %s, %s\n", c.ID, c.Name("en"))
		for _, k := range c.Keys {
			fmt.Fprintf(a.stdout, "  Opens what sources send: %s\n", k.Name)
		}
	}
	if in.Role == "intake" {
		fmt.Fprintln(a.stdout, "This is the list that intake was set up with. The courier may have brought newer ones: the page /keys has the one in use.")
	}
	for _, name := range retired {
		fmt.Fprintf(a.stdout, "Retired, opens what was sealed before: %s\n", name)
	}
	return nil
}

// listedKeys is the list of keys for scripts.
func listedKeys(signs []string, words string, list envelope.KeyList, retired []string) any {
	type key struct {
		Name string `json:"name"`
		Key  string `json:"key"`
	}
	type channel struct {
		ID   string `json:"id"`
		Name string `json:"name"`
		Keys []key  `json:"keys"`
	}
	var channels []channel
	for _, c := range list.Channels {
		out := channel{ID: c.ID, Name: c.Name("en")}
		for _, k := range c.Keys {
			out.Keys = append(out.Keys, key{k.Name, k.String()})
		}
		channels = append(channels, out)
	}
	return map[string]any{"signs": signs, "fingerprint": words, "serial": list.Serial, "channels": channels, "retired": retired}
}
