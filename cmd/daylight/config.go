package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"daylight/fault"
)

// defaultConfig is both the manual and the defaults: it is read before the
// operator's own file, and `daylight config` prints it.
const defaultConfig = `# daylight.toml: the settings of one instance, all with defaults that work.
# Secrets are never written here: they are paths to files.

# The name of the newsroom, as intake and archive have it in the head of each page and the
# desk in each release. It stands there for people: the seven words tell whose an intake is.
newsroom = "Daylight"

[intake]
# Where the submission system answers: unix:/path/to/socket, for an onion service.
# It must not be reachable from anywhere but Tor; host:port is for trying it out.
listen = "127.0.0.1:7101"
# Its onion service. "control": Daylight makes it and keeps it, through tor's control
# port, with proof of work on. "torrc": tor does; daylight onion prints the lines.
# "": there is none.
onion = ""
# Whether forms are taken where the page's address does not end in .onion. Networks on
# the way can see who comes there; a notice above every page says so.
clearnet = false
# The largest upload, in bytes, of one submission with all its files: 1 MiB to 1 PiB.
max_upload = 4294967296
# Bytes of room, in the pool and on the disk, below which nothing new is taken; what is
# under way goes on. 0 for none. Of the room above it, what programs send (daylight send)
# takes half at most: the other half is for pages.
reserve = 1073741824
# Characters that a first message has at least, when no file comes with it. 0 for any.
first_message = 30
# How the desk fetches envelopes and leaves replies and keys. "onion": by an onion
# service of its own, which lets in only desks with a key (socket: courier.sock, beside
# the other). A folder, which may lie on a stick: one on it, and not the place where it
# is mounted, which is there without it too. "": not at all.
courier = ""
# Room for what is sealed, in bytes, taken on the disk at the start and all of it
# written anew once a day. It grows when it must, by 8 MiB, and that can be seen on a
# disk: give it more than ever lies here between two fetches.
pool = 33554432
# What nobody fetched, and answers that nobody destroyed, are destroyed after so many
# days, give or take a random number of them up to the spread: after one day at the
# least, and 3650 at the most.
retention_days = 30
retention_spread = 7

[desk]
# Where editors open the desk. The newsroom's own network, never a public address.
listen = "127.0.0.1:7102"
# The editors' own onion service, as for intake. It lets in only editors with a key.
onion = ""
# The way to intake: "onion:ADDRESS.onion", which daylight onion prints there; the
# folder that intake keeps for the desk; "" for none.
courier = ""
# How often the desk looks there.
fetch_every = "1m"
# Bytes that envelopes which no key of the desk opens may take on its disk, most of them
# junk; each counts as 128 KiB at least. Beyond that they stay at intake. 0 for none.
unopened = 10000000000
# Processes that read documents at the same time.
workers = 2
# The address of the public archive, that the desk links to from what it released; ""
# for no link. The desk itself never asks for it.
archive = ""
# true lets documents be read on a machine without Landlock or seccomp, where one
# hostile file can take over the desk with everything on it. Never with real ones.
read_hostile_documents_unconfined = false

[notice]
# Once a day, at this hour (UTC, "09:00"), the desk reminds somebody to look at it:
# always with the same words, whether or not something came. "" for never.
at = ""
# To whom: an e-mail address, or a webhook inside the newsroom's network (https://…).
to = ""
# For e-mail: the file with the OpenPGP public key of who gets it, the mail server
# with its port, and the address that it comes from.
key = ""
server = ""
from = ""
# An account of the mail server, and the file with its password, where it wants one.
user = ""
password = ""

[tor]
# The tor beside us. Debian's has both under these names. "" for control on a desk:
# tor has the key to intake by its own settings.
control = "unix:/run/tor/control"
socks = "unix:/run/tor/socks"

[archive]
# Where readers open the archive.
listen = "127.0.0.1:7103"
# The address of the submission system that "Send documents" tells readers of.
submit_address = ""
`

// maxDays is how long intake keeps at the most. Its store compares days as text, which
// ends in the year 9999.
const maxDays = 3650

// unnamed is the name of a newsroom that has set none.
const unnamed = "Daylight"

// config is daylight.toml, read.
type config struct {
	Newsroom string        `toml:"newsroom"`
	Intake   intakeConfig  `toml:"intake"`
	Desk     deskConfig    `toml:"desk"`
	Notice   noticeConfig  `toml:"notice"`
	Archive  archiveConfig `toml:"archive"`
	Tor      torConfig     `toml:"tor"`
}

type torConfig struct {
	Control string `toml:"control"`
	Socks   string `toml:"socks"`
}

type intakeConfig struct {
	Listen    string `toml:"listen"`
	Onion     string `toml:"onion"`
	Clearnet  bool   `toml:"clearnet"`
	MaxUpload int64  `toml:"max_upload"`
	Reserve   int64  `toml:"reserve"`
	First     int    `toml:"first_message"`
	Courier   string `toml:"courier"`
	Pool      int64  `toml:"pool"`
	Days      int    `toml:"retention_days"`
	Spread    int    `toml:"retention_spread"`
}

type deskConfig struct {
	Listen     string   `toml:"listen"`
	Onion      string   `toml:"onion"`
	Courier    string   `toml:"courier"`
	FetchEvery duration `toml:"fetch_every"`
	Unopened   int64    `toml:"unopened"`
	Workers    int      `toml:"workers"`
	Archive    string   `toml:"archive"`

	ReadHostileDocumentsUnconfined bool `toml:"read_hostile_documents_unconfined"`
}

type archiveConfig struct {
	Listen        string `toml:"listen"`
	SubmitAddress string `toml:"submit_address"`
}

// duration is written as "90s", "1m", "24h".
type duration time.Duration

func (d *duration) UnmarshalText(b []byte) error {
	got, err := time.ParseDuration(string(b))
	*d = duration(got)
	return err
}

// loadConfig reads dir/daylight.toml over the defaults. A file that is not there
// is no error; a setting that does not exist is.
func loadConfig(dir string) (config, error) {
	var c config
	if err := decodeConfig(defaultConfig, &c); err != nil {
		return c, err
	}
	text, err := os.ReadFile(filepath.Join(dir, "daylight.toml"))
	if errors.Is(err, os.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("read configuration: %w", err)
	}
	if err := decodeConfig(string(text), &c); err != nil {
		return c, fmt.Errorf("daylight.toml: %w", err)
	}
	return c, nil
}

func decodeConfig(text string, c *config) error {
	meta, err := toml.Decode(text, c)
	if err != nil {
		return fmt.Errorf("%w: %w", err, fault.Invalid)
	}
	if extra := meta.Undecoded(); len(extra) > 0 {
		return fmt.Errorf("there is no setting %q: %w", extra[0].String(), fault.Invalid)
	}
	if c.Intake.MaxUpload < 1<<20 || c.Intake.MaxUpload > 1<<50 {
		return fmt.Errorf("intake.max_upload: want 1048576 to 1125899906842624 bytes: %w", fault.Invalid)
	}
	if c.Intake.Pool < 0 {
		return fmt.Errorf("intake.pool: want no less than nothing: %w", fault.Invalid)
	}
	if d, s := c.Intake.Days, c.Intake.Spread; d < 1 || d > maxDays || s < 0 || s > min(d-1, maxDays-d) {
		return fmt.Errorf("intake.retention_days and retention_spread: want 1 to %d days, whatever is drawn: %w", maxDays, fault.Invalid)
	}
	if c.Intake.Reserve < 0 || c.Intake.First < 0 || c.Intake.First > 1000 {
		return fmt.Errorf("intake: want no reserve below 0, and a first message of 0 to 1000 characters: %w", fault.Invalid)
	}
	if c.Desk.Unopened < 0 {
		return fmt.Errorf("desk.unopened: want no less than nothing: %w", fault.Invalid)
	}
	if c.Desk.Workers < 1 || time.Duration(c.Desk.FetchEvery) < time.Second {
		return fmt.Errorf("desk: want at least one worker, and a second between fetches: %w", fault.Invalid)
	}
	return checkOnions(*c)
}

// checkOnions finds settings of onion services that do not go together.
func checkOnions(c config) error {
	for _, r := range []struct{ name, onion, listen string }{{"intake", c.Intake.Onion, c.Intake.Listen}, {"desk", c.Desk.Onion, c.Desk.Listen}} {
		switch {
		case r.onion == "":
			continue
		case r.onion != "control" && r.onion != "torrc":
			return fmt.Errorf("%s.onion: want \"control\", \"torrc\" or \"\": %w", r.name, fault.Invalid)
		case !strings.HasPrefix(r.listen, "unix:/"):
			return fmt.Errorf("%s.listen: an onion service wants unix:/path/to/socket: %w", r.name, fault.Invalid)
		case r.onion == "control" && c.Tor.Control == "":
			return fmt.Errorf("%s.onion: tor.control is empty: %w", r.name, fault.Invalid)
		}
	}
	if c.Intake.Courier == "onion" && c.Intake.Onion == "" {
		return fmt.Errorf("intake.courier: an onion service for the desk wants intake.onion to be set: %w", fault.Invalid)
	}
	if _, ok := courierAddress(c); !ok && strings.HasPrefix(c.Desk.Courier, "onion:") {
		return fmt.Errorf("desk.courier: not the address of an onion service: %w", fault.Invalid)
	}
	return nil
}
