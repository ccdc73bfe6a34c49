package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"daylight/courier/folder"
	courieronion "daylight/courier/onion"
	"daylight/desk"
	"daylight/fault"
	"daylight/internal/durable"
	"daylight/internal/onion"
)

// The files of an instance that have to do with onion services. The desk makes the
// key that lets it in at intake; its public half travels in the folder public.
const (
	keyOnion      = "onion.key"   // intake: its address; desk: that of the editors' own onion
	keyForDesks   = "courier.key" // intake: the address that the desk fetches at
	keyAtIntake   = "intake.key"  // desk: lets it in there
	pubAtIntake   = "intake.auth" // desk, public: what intake must know of that
	admittedDesks = "desks"       // intake: NAME.auth, a file each
	admittedEds   = "editors"     // desk: likewise, for the editors' own onion
)

// Proof of work begins to count when more come than any newsroom has: what a source
// costs is one rendezvous a visit.
var onionWork = onion.Work{Rate: 20, Burst: 200}

// courierSocket is where the desk's requests arrive: beside the socket of the pages.
func courierSocket(c config) string {
	return filepath.Join(filepath.Dir(strings.TrimPrefix(c.Intake.Listen, "unix:")), "courier.sock")
}

// onionKey reads a key that an address is made of, and makes it where there is none:
// instances were made before there were any.
func (in instance) onionKey(name string) (*onion.Key, error) {
	k, err := in.secret32(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err := durable.WriteFile(in.path("keys", name), newSecret()); err != nil {
			return nil, fmt.Errorf("make keys: %w", err)
		}
		k, err = in.secret32(name)
	}
	return (*onion.Key)(k), err
}

// clientKey reads the key that lets the desk in at intake, and makes it where there is
// none.
func (in instance) clientKey() (onion.ClientKey, error) {
	text, err := in.secret(keyAtIntake)
	if errors.Is(err, fs.ErrNotExist) {
		if err := in.makeClientKey(); err != nil {
			return onion.ClientKey{}, err
		}
		text, err = in.secret(keyAtIntake)
	}
	if err != nil {
		return onion.ClientKey{}, err
	}
	k, err := onion.ParseClientKey(string(text))
	if err != nil {
		return k, fault.Say("keys/"+keyAtIntake+" is damaged. Take it from the backup, or run `daylight onion renew`.", fault.Damaged)
	}
	return k, nil
}

// admittedDir is the folder of those whom an instance lets in.
func (in instance) admittedDir() string {
	if in.Role == "intake" {
		return in.path("keys", admittedDesks)
	}
	return in.path("keys", admittedEds)
}

// admitted are those whom an instance lets in, by name.
func (in instance) admitted() (map[string]onion.ClientPublic, error) {
	files, err := os.ReadDir(in.admittedDir())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("who is let in: %w", err)
	}
	all := map[string]onion.ClientPublic{}
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), ".auth")
		if !ok {
			continue
		}
		text, err := os.ReadFile(filepath.Join(in.admittedDir(), f.Name()))
		if err != nil {
			return nil, fmt.Errorf("who is let in: %w", err)
		}
		if all[name], err = onion.ParseClientPublic(string(text)); err != nil {
			return nil, fmt.Errorf("who is let in: %s: %w", f.Name(), err)
		}
	}
	return all, nil
}

// wanted is what an instance wants of tor, by its settings. A service that would let
// in nobody is left out: there is nothing to lose by its absence.
func (in instance) wanted(c config) (onion.Wanted, error) {
	var w onion.Wanted
	if in.Role == "desk" {
		if address, ok := courierAddress(c); ok {
			key, err := in.clientKey()
			if err != nil {
				return w, err
			}
			w.Clients = []onion.Client{{Address: address, Key: key}}
		}
	}
	if onionOf(in, c) != "control" {
		return w, nil
	}
	all, err := in.services(c)
	if err != nil {
		return w, err
	}
	for _, s := range all {
		if s.Open || len(s.Clients) > 0 {
			w.Services = append(w.Services, s)
		}
	}
	return w, nil
}

// onionOf is the setting of an instance's role.
func onionOf(in instance, c config) string {
	if in.Role == "desk" {
		return c.Desk.Onion
	}
	return c.Intake.Onion
}

// courierAddress is where the desk finds intake, if it does by an onion service.
func courierAddress(c config) (onion.Address, bool) {
	text, ok := strings.CutPrefix(c.Desk.Courier, "onion:")
	if !ok {
		return "", false
	}
	a, err := onion.ParseAddress(text) // decodeConfig has looked at it
	return a, err == nil
}

// services are the onion services that an instance can have. The first is that of its
// pages.
func (in instance) services(c config) ([]onion.Service, error) {
	who, err := in.admitted()
	if err != nil {
		return nil, err
	}
	var clients []onion.ClientPublic
	for _, name := range slices.Sorted(maps.Keys(who)) {
		if !slices.Contains(clients, who[name]) { // one key under two names
			clients = append(clients, who[name])
		}
	}
	key, err := in.onionKey(keyOnion)
	if err != nil {
		return nil, err
	}
	if in.Role == "desk" {
		return []onion.Service{{Key: key, Socket: strings.TrimPrefix(c.Desk.Listen, "unix:"), Clients: clients}}, nil
	}
	all := []onion.Service{{Key: key, Socket: strings.TrimPrefix(c.Intake.Listen, "unix:"), Open: true, Work: &onionWork}}
	if c.Intake.Courier != "onion" {
		return all, nil
	}
	if key, err = in.onionKey(keyForDesks); err != nil {
		return nil, err
	}
	return append(all, onion.Service{Key: key, Socket: courierSocket(c), Clients: clients}), nil
}

// beOnion has tor do what the instance wants, until ctx is done. A tor that is not
// there keeps nothing from starting: the pages answer on their socket meanwhile.
func (a *app) beOnion(ctx context.Context, in instance, c config) error {
	onion.Keeper{Control: c.Tor.Control, Want: func() (onion.Wanted, error) { return in.wanted(c) }, State: func(err error) {
		if err != nil {
			a.log.Error("tor does not do its part; trying until it does", "err", err)
			return
		}
		a.log.Info("tor does its part")
	}}.Run(ctx)
	return nil
}

// asksTor reports whether the instance uses tor's control port.
func (in instance) asksTor(c config) bool {
	_, dials := courierAddress(c)
	return onionOf(in, c) == "control" || in.Role == "desk" && dials && c.Tor.Control != ""
}

// courier is a round of the desk on its way to intake: a folder, or an onion service.
func (d *deskRole) courier(c config) (round, error) {
	address, ok := courierAddress(c)
	if !ok {
		return func(ctx context.Context) (got desk.Fetched, err error) {
			err = inFolder(c.Desk.Courier, func(f *folder.Folder) (err error) {
				f.Signer = d.signer
				got, err = d.Fetch(ctx, f)
				return err
			})
			return got, err
		}, nil
	}
	dialer, err := onion.Dialer(c.Tor.Socks)
	if err != nil {
		return nil, err
	}
	return d.at(courieronion.New(address.Host(), dialer.DialContext)), nil
}

// serveDesks answers the desk on a socket that tor alone may reach.
func (a *app) serveDesks(ctx context.Context, in *intakeRole, c config) error {
	socket := courierSocket(c)
	if err := private(socket); err != nil {
		return err
	}
	return a.listenAndServe(ctx, "unix:"+socket, courieronion.Handler(in.Courier(), a.log))
}

// private wants the folder of a socket closed to others: whoever reaches the socket
// counts as let in.
func private(socket string) error {
	dir := filepath.Dir(socket)
	st, err := os.Stat(dir)
	if err != nil {
		return fault.Say(dir+", the folder of a socket, is not there. Nothing was started.", err)
	}
	if st.Mode().Perm()&0o007 != 0 {
		return fault.Say(dir+" can be entered by every account of this machine, and who enters it counts as let in. Run `chmod o= "+dir+"`. Nothing was started.", fault.Forbidden)
	}
	return nil
}
