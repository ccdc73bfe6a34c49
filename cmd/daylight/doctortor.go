package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"daylight/internal/onion"
)

// tor looks whether the tor of this machine leads to an instance those that it should,
// and writes nothing down of them. What tor was told by its control port it is asked
// there; the rest stands in torrc.
func (d *doctor) tor(in instance, cfg config) {
	if in.Trial || in.Role != "intake" && in.Role != "desk" {
		return
	}
	mode := onionOf(in, cfg)
	if in.Role == "intake" {
		d.socket("intake", cfg.Intake.Listen)
	} else if mode != "" {
		d.socket("the desk", cfg.Desk.Listen)
	}
	if in.asksTor(cfg) {
		d.control(in, cfg)
	}
	if mode == "control" || in.Role == "desk" && mode == "" {
		return
	}
	lines := d.torrc("etc/tor/torrc", 0)
	if len(lines) == 0 {
		d.warn("Who comes to the "+in.Role+" by an onion service comes by tor only.", "Install it, and set it up as docs/operations/onion.md shows. If it is, run this as root: torrc may be closed to others.", "no /etc/tor/torrc that can be read")
		return
	}
	if in.Role == "desk" {
		d.closedService(lines, "the desk", cfg.Desk.Listen)
	} else {
		d.openService(lines, cfg.Intake.Listen)
		if cfg.Intake.Courier == "onion" {
			d.closedService(lines, "the courier's socket", "unix:"+courierSocket(cfg))
		}
	}
	d.torLog("torrc", lines)
}

// socket looks at the way from tor to an instance.
func (d *doctor) socket(what, listen string) {
	socket, unix := strings.CutPrefix(listen, "unix:")
	if !unix {
		d.warn("Every program of this machine can connect to a port, and a firewall that is wrong opens it to the network.",
			"Set listen to a socket, as docs/operations/intake.md shows.", "%s listens on a port: %s", what, listen)
	} else if st, err := os.Stat(filepath.Dir(socket)); err != nil {
		d.broken("Nobody reaches "+what+".", "Make it, with tor's group and mode 0750.", "the folder of the socket is not there: %v", err)
	} else if st.Mode().Perm()&0o007 != 0 {
		d.warn("Every account of this machine can connect as if it were tor.", "Run: chmod o= "+filepath.Dir(socket), "the folder of the socket is open to others")
	}
}

// control asks a tor by its control port.
func (d *doctor) control(in instance, cfg config) {
	const why = "Without tor the onion services are not there."
	control, err := onion.Dial(d.app.ctx, cfg.Tor.Control)
	if err != nil {
		d.broken(why, "Start tor, and let the account of this instance use its control port (on Debian: group debian-tor).", "%s: %v", in.Role, err)
		return
	}
	defer control.Close()
	version, err := control.Info(d.app.ctx, "version")
	if err != nil {
		d.broken(why, "Look at tor's log.", "%s: %v", in.Role, err)
		return
	}
	if n, err := control.Bootstrap(d.app.ctx); err != nil || n < 100 {
		d.warn("Nobody reaches the onion services before it is there.", "Wait a few minutes; then look at tor's log, the network and the clock.", "tor %s is on its way into the network: %d %%", version, n)
	} else {
		d.ok("tor %s is in the network", version)
	}
	var lines [][]string
	for _, key := range []string{"Log", "SafeLogging", "HiddenServiceSingleHopMode", "HiddenServiceNonAnonymousMode"} {
		values, err := control.Conf(d.app.ctx, key)
		if err != nil {
			d.warn("It could write down who comes, and when.", "Look at tor's log, and into torrc.", "tor does not tell its settings: %v", err)
			return
		}
		for _, v := range values {
			lines = append(lines, strings.Fields(key+" "+v))
		}
	}
	d.torLog("tor", lines)
}

// services are the onion services of torrc that lead to where somebody listens, each
// as its lines: they stand between its HiddenServiceDir and the next.
func services(lines [][]string, listen string) (all [][][]string) {
	for i, l := range lines {
		if !strings.EqualFold(l[0], "HiddenServicePort") || len(l) < 3 || strings.Trim(l[2], `"`) != listen {
			continue
		}
		from, to := i, i
		for from > 0 && !strings.EqualFold(lines[from][0], "HiddenServiceDir") {
			from--
		}
		for to < len(lines) && !strings.EqualFold(lines[to][0], "HiddenServiceDir") {
			to++
		}
		all = append(all, lines[from:to])
	}
	return all
}

// openService wants the service of sources to be there, and to ask for work.
func (d *doctor) openService(lines [][]string, listen string) {
	found := services(lines, listen)
	works := slices.ContainsFunc(found, func(s [][]string) bool {
		return slices.ContainsFunc(s, func(l []string) bool {
			return strings.EqualFold(l[0], "HiddenServicePoWDefensesEnabled") && len(l) > 1 && l[1] == "1"
		})
	})
	switch {
	case len(found) == 0:
		d.warn("Sources reach intake by tor only.", "Add it, as docs/operations/onion.md shows: HiddenServicePort 80 "+listen, "no onion service in torrc leads to %s", listen)
	case !works:
		d.warn("Who floods the service keeps sources out.", "Add HiddenServicePoWDefensesEnabled 1 below its HiddenServiceDir.", "the onion service asks for no proof of work")
	default:
		d.ok("torrc: an onion service leads to intake, with proof of work")
	}
}

// closedService wants the services that lead to a socket to let in only some.
func (d *doctor) closedService(lines [][]string, what, listen string) {
	found := services(lines, listen)
	if len(found) == 0 {
		d.warn("Nobody reaches "+what+" before it is there.", "Add it, as `daylight onion` prints it.", "no onion service in torrc leads to %s", listen)
		return
	}
	for _, s := range found {
		if !strings.EqualFold(s[0][0], "HiddenServiceDir") || len(s[0]) < 2 {
			continue // tor does not start with such a torrc
		}
		dir := filepath.Join(strings.Trim(s[0][1], `"`), "authorized_clients")
		files, err := os.ReadDir(filepath.Join(d.root, dir))
		some := slices.ContainsFunc(files, func(f fs.DirEntry) bool { return strings.HasSuffix(f.Name(), ".auth") })
		switch {
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			d.warn("Where no file of a client lies there, tor lets in everybody.", "Run this as root once more.", "%s cannot be looked at", dir)
		case !some:
			d.broken("Tor lets in everybody who knows the address.", "Make the files that `daylight onion` prints, and run: systemctl reload tor.", "%s has no file of a client: the onion service that leads to %s is open", dir, what)
		default:
			d.ok("torrc: an onion service leads to %s, and lets in only those with a key", what)
		}
	}
}

// torLog finds settings by which tor writes down who was here and when.
func (d *doctor) torLog(where string, lines [][]string) {
	clean := true
	for _, l := range lines {
		value := strings.ToLower(strings.Join(l[1:], " "))
		switch name := strings.ToLower(l[0]); {
		case name == "safelogging" && value == "0":
			clean = false
			d.broken("Tor writes down addresses.", "Take the line out of torrc: SafeLogging 1 is what it does without.", "%s: SafeLogging 0", where)
		case name == "log" && (strings.HasPrefix(value, "debug") || strings.HasPrefix(value, "info")):
			clean = false
			d.broken("Tor writes down, with times, when somebody came.", "Set it to notice, or take it out.", "%s: Log %s", where, strings.Fields(value)[0])
		case name == "hiddenservicesinglehopmode" && value == "1", name == "hiddenservicenonanonymousmode" && value == "1":
			clean = false
			d.broken("Everybody can find out where this machine stands.", "Take it out of torrc, and make a new address: this one is known.", "%s: %s 1", where, l[0])
		}
	}
	if clean {
		d.ok("%s: nothing is logged that tells who came", where)
	}
}

// torrc reads tor's settings into words: files of a pattern, those of folders among
// them, and those that they include.
func (d *doctor) torrc(pattern string, depth int) (lines [][]string) {
	names, _ := filepath.Glob(filepath.Join(d.root, pattern))
	for _, name := range names {
		if st, err := os.Stat(name); depth > 8 || err != nil {
			continue
		} else if name = strings.TrimPrefix(name, d.root); st.IsDir() {
			lines = append(lines, d.torrc(name+"/*", depth+1)...)
			continue
		}
		for line := range strings.Lines(d.read(name)) {
			line, _, _ = strings.Cut(line, "#")
			switch f := strings.Fields(line); {
			case len(f) == 0:
			case f[0] == "%include" && len(f) > 1:
				lines = append(lines, d.torrc(strings.Trim(f[1], `"`), depth+1)...)
			default:
				lines = append(lines, f)
			}
		}
	}
	return lines
}
