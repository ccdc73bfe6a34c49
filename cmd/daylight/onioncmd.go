package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"daylight/fault"
	"daylight/internal/durable"
	"daylight/internal/onion"
)

type onionCmd struct {
	Show   onionShowCmd   `cmd:"" default:"1" help:"Print the addresses, or what belongs into torrc, and who is let in."`
	Admit  onionAdmitCmd  `cmd:"" help:"Let in a desk at intake, or an editor at the desk."`
	Revoke onionRevokeCmd `cmd:"" help:"Let somebody in no more."`
	Renew  onionRenewCmd  `cmd:"" help:"Make a new key for the desk to be let in with at intake."`
}

// openOnion opens an instance of a role that can have an onion service.
func (a *app) openOnion() (instance, config, error) {
	in, err := openInstance(a.data)
	if err != nil {
		return in, config{}, err
	}
	if in.Role != "intake" && in.Role != "desk" {
		return in, config{}, fault.Say(in.dir+" is neither an intake nor a desk. An archive is served by its own web server, and by its onion service.", fault.Invalid)
	}
	c, err := loadConfig(in.dir)
	return in, c, err
}

type onionShowCmd struct{}

func (onionShowCmd) Help() string {
	return "Example: daylight onion --data /srv/intake\n\nIt needs no tor: an address follows from its key."
}

func (onionShowCmd) Run(a *app) error {
	in, c, err := a.openOnion()
	if err != nil {
		return err
	}
	services, err := in.services(c)
	if err != nil {
		return err
	}
	who, err := in.admitted()
	if err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(who))
	own, err := in.knownAs()
	if err != nil {
		return err
	}
	lead := ""
	switch mode := onionOf(in, c); {
	case a.json:
		out := map[string]any{"onion": mode, "admitted": append([]string{}, names...)}
		if mode == "control" {
			for i, s := range services {
				out[[]string{"pages", "courier"}[i]] = s.Key.Address().Host()
			}
		}
		if own != "" {
			out["known_at_intake_as"] = own
		}
		return a.print(out)
	case mode == "torrc":
		lead = "# " // all of it may go into that file
		if err := in.printTorrc(a, services, who); err != nil {
			return err
		}
	case mode == "":
		fmt.Fprintln(a.stdout, "There is no onion service here: daylight.toml says onion = \"\".")
	default:
		fmt.Fprintf(a.stdout, "Pages:    http://%s\n", services[0].Key.Address().Host())
		if len(services) > 1 {
			fmt.Fprintf(a.stdout, "Courier:  %s\n          Into daylight.toml of the desk: courier = \"onion:%[1]s\"\n", services[1].Key.Address().Host())
		}
	}
	if in.Role == "desk" || len(services) > 1 {
		fmt.Fprintf(a.stdout, "%sLet in:   %s\n", lead, cmp.Or(strings.Join(names, ", "), "nobody"))
	}
	if own == "" {
		return nil
	}
	fmt.Fprintf(a.stdout, "%sAt intake this desk is known by its key, which is public/%s too:\n%[1]s          %[3]s\n", lead, pubAtIntake, own)
	if address, ok := courierAddress(c); ok && c.Tor.Control == "" {
		key, err := in.clientKey()
		if err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "%sInto a file daylight.auth_private in the ClientOnionAuthDir of tor, secret:\n%[1]s          %[2]s", lead, key.File(address))
	}
	return nil
}

// knownAs is the public key that intake knows a desk by, "" for an intake.
func (in instance) knownAs() (string, error) {
	if in.Role != "desk" {
		return "", nil
	}
	key, err := in.clientKey()
	if err != nil {
		return "", err
	}
	return key.Public().String(), nil
}

// printTorrc prints what belongs into torrc, and beside it, by Debian's layout.
func (in instance) printTorrc(a *app, services []onion.Service, who map[string]onion.ClientPublic) error {
	for i, s := range services {
		if !s.Open && len(s.Clients) == 0 {
			fmt.Fprintln(a.stdout, "# Another service follows once somebody is let in: daylight onion admit")
			continue
		}
		dir := "/var/lib/tor/daylight-" + in.Role
		if i > 0 {
			dir += "-courier"
		}
		text, err := s.Torrc(dir)
		if err != nil {
			return err
		}
		if !s.Open { // without these files tor would let in everybody
			fmt.Fprintf(a.stdout, "# First, as root, who is let in:\n# install -d -m 700 -o debian-tor -g debian-tor %[1]s %[1]s/authorized_clients\n", dir)
			for _, name := range slices.Sorted(maps.Keys(who)) {
				fmt.Fprintf(a.stdout, "# echo %s >%s/authorized_clients/%s.auth\n", who[name], dir, name)
			}
		}
		fmt.Fprintf(a.stdout, "%s# Its address is then in %s/hostname.\n\n", text, dir)
	}
	return nil
}

type onionAdmitCmd struct {
	Name string `arg:"" help:"A name for them: small letters, digits, hyphens."`
	Key  string `arg:"" optional:"" help:"Their public key, or a file that holds it. A desk makes one for an editor who has none." placeholder:"KEY|FILE"`
}

func (onionAdmitCmd) Help() string {
	return `Examples:

    daylight onion admit second-desk /media/stick/public/intake.auth --data /srv/intake
    daylight onion admit ana --data /srv/desk

What runs takes it over within half a minute; with onion = "torrc" see daylight onion.`
}

var plainName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

func (c *onionAdmitCmd) Run(a *app) error {
	in, cfg, err := a.openOnion()
	if err != nil {
		return err
	}
	path, err := in.admittedPath(c.Name)
	if err != nil {
		return err
	}
	if c.Key == "" && in.Role == "intake" {
		return fault.Say("A desk makes its key itself: give intake the file public/"+pubAtIntake+" of the desk. Nothing was changed.", fault.Invalid)
	}
	if c.Key == "" {
		return in.admitNew(a, cfg, c.Name, path)
	}
	text := c.Key
	if b, err := os.ReadFile(c.Key); err == nil {
		text = string(b)
	}
	public, err := onion.ParseClientPublic(text)
	if err != nil {
		return fault.Say("This is neither a key nor a file with one; it looks like descriptor:x25519:… Nothing was changed.", fault.Invalid)
	}
	if err := admit(path, public); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "%s is let in.\n", c.Name)
	return err
}

// admitNew makes a key for an editor. Its private half is shown, and kept nowhere.
func (in instance) admitNew(a *app, c config, name, path string) error {
	key, err := onion.NewClientKey()
	if err != nil {
		return err
	}
	if err := admit(path, key.Public()); err != nil {
		return err
	}
	if a.json {
		return a.print(map[string]string{"admitted": name, "key": key.Base32()})
	}
	_, err = fmt.Fprintf(a.stdout, "%s is let in with this key, which is shown now and never again. Tor Browser asks for it:\n%s\n", name, key.Base32())
	return err
}

func admit(path string, key onion.ClientPublic) error {
	if err := durable.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	return durable.WriteFile(path, []byte(key.String()+"\n"))
}

// admittedPath is the file of somebody who is let in.
func (in instance) admittedPath(name string) (string, error) {
	if !plainName.MatchString(name) {
		return "", fault.Say("A name has small letters, digits and hyphens. Nothing was changed.", fault.Invalid)
	}
	return filepath.Join(in.admittedDir(), name+".auth"), nil
}

type onionRevokeCmd struct {
	Name string `arg:"" help:"Whom to let in no more."`
}

func (onionRevokeCmd) Help() string {
	return "Example: daylight onion revoke ana --data /srv/desk\n\nWhat runs takes it over within half a minute, and ends all that goes through the service at that moment; with onion = \"torrc\" tor has to be told."
}

func (c *onionRevokeCmd) Run(a *app) error {
	in, cfg, err := a.openOnion()
	if err != nil {
		return err
	}
	path, err := in.admittedPath(c.Name)
	if err != nil {
		return err
	}
	err = os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fault.Say("Nobody of that name is let in. Nothing was changed.", fault.NotFound)
	}
	if err == nil {
		err = durable.SyncDir(in.admittedDir())
	}
	if err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	if onionOf(in, cfg) == "torrc" {
		_, err = fmt.Fprintf(a.stdout, "Tor lets in %[1]s until you take %[1]s.auth out of its authorized_clients and reload it. If it is the last file there, take the service out of torrc instead: without any, tor lets in everybody.\n", c.Name)
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "%s is let in no more.\n", c.Name)
	return err
}

type onionRenewCmd struct{}

func (onionRenewCmd) Help() string {
	return "Example: daylight onion renew --data /srv/desk\n\nThe desk reaches intake again once intake knows the new key: carry public/intake.auth there and run daylight onion admit."
}

func (onionRenewCmd) Run(a *app) error {
	in, err := roleInstance(a.data, "desk")
	if err != nil {
		return err
	}
	if err := in.makeClientKey(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "Made a new key. Carry %s to intake and run there: daylight onion admit desk %s\n", in.path("public", pubAtIntake), pubAtIntake)
	return err
}

// makeClientKey makes the key that lets a desk in at intake.
func (in instance) makeClientKey() error {
	key, err := onion.NewClientKey()
	if err != nil {
		return fmt.Errorf("make keys: %w", err)
	}
	if err := durable.WriteFile(in.path("keys", keyAtIntake), []byte(key.Base32()+"\n")); err != nil {
		return fmt.Errorf("make keys: %w", err)
	}
	return durable.WriteFile(in.path("public", pubAtIntake), []byte(key.Public().String()+"\n"))
}
