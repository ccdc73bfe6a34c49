package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// tor looks whether a tor of this machine leads sources to intake, and writes
// nothing down of them.
func (d *doctor) tor(cfg config) {
	socket, unix := strings.CutPrefix(cfg.Intake.Listen, "unix:")
	if !unix {
		d.warn("Every program of this machine can connect to a port, and a firewall that is wrong opens it to the network.",
			"Set intake.listen to a socket, as docs/operations/intake.md shows.", "intake listens on a port: %s", cfg.Intake.Listen)
	} else if st, err := os.Stat(filepath.Dir(socket)); err != nil {
		d.broken("Nobody reaches intake.", "Make it, with tor's group and mode 0750.", "the folder of the socket is not there: %v", err)
	} else if st.Mode().Perm()&0o007 != 0 {
		d.warn("Every account of this machine can connect as if it were tor.", "Run: chmod o= "+filepath.Dir(socket), "the folder of the socket is open to others")
	}
	lines := d.torrc("etc/tor/torrc", 0)
	if len(lines) == 0 {
		d.warn("Sources reach intake by tor only.", "Install it, and set it up as docs/operations/intake.md shows.", "no /etc/tor/torrc that can be read")
		return
	}
	d.torService(lines, cfg.Intake.Listen)
	d.torLog(lines)
}

// torService finds the onion service that leads to where intake listens.
func (d *doctor) torService(lines [][]string, listen string) {
	found, work := false, false
	for i, l := range lines {
		if !strings.EqualFold(l[0], "HiddenServicePort") || len(l) < 3 || strings.Trim(l[2], `"`) != listen {
			continue
		}
		found = true
		// A service's lines stand between its HiddenServiceDir and the next.
		from, to := i, i
		for from > 0 && !strings.EqualFold(lines[from][0], "HiddenServiceDir") {
			from--
		}
		for to < len(lines) && !strings.EqualFold(lines[to][0], "HiddenServiceDir") {
			to++
		}
		work = work || slices.ContainsFunc(lines[from:to], func(l []string) bool {
			return strings.EqualFold(l[0], "HiddenServicePoWDefensesEnabled") && len(l) > 1 && l[1] == "1"
		})
	}
	switch {
	case !found:
		d.warn("Sources reach intake by tor only. (Where tor is told by its control port, this is as it should be.)",
			"Add it, as docs/operations/intake.md shows: HiddenServicePort 80 "+listen, "no onion service in torrc leads to %s", listen)
	case !work:
		d.warn("Who floods the service keeps sources out.", "Add HiddenServicePoWDefensesEnabled 1 below its HiddenServiceDir.", "the onion service asks for no proof of work")
	default:
		d.ok("torrc: an onion service leads to intake, with proof of work")
	}
}

// torLog finds settings by which tor writes down who was here and when.
func (d *doctor) torLog(lines [][]string) {
	clean := true
	for _, l := range lines {
		value := strings.ToLower(strings.Join(l[1:], " "))
		switch name := strings.ToLower(l[0]); {
		case name == "safelogging" && value == "0":
			clean = false
			d.broken("Tor writes down addresses.", "Take the line out of torrc: SafeLogging 1 is what it does without.", "torrc: SafeLogging 0")
		case name == "log" && (strings.HasPrefix(value, "debug") || strings.HasPrefix(value, "info")):
			clean = false
			d.broken("Tor writes down, with times, when somebody came.", "Set it to notice, or take it out.", "torrc: Log %s", strings.Fields(value)[0])
		case name == "hiddenservicesinglehopmode" && value == "1", name == "hiddenservicenonanonymousmode" && value == "1":
			clean = false
			d.broken("Everybody can find out where this machine stands.", "Take it out of torrc, and make a new address: this one is known.", "torrc: %s 1", l[0])
		}
	}
	if clean {
		d.ok("torrc: nothing is logged that tells of sources")
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
