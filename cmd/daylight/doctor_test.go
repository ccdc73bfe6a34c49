package main

import (
	"bufio"
	"cmp"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// tree writes files below a folder that stands for the machine's root.
func writeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

const swapHead = "Filename Type Size Used Priority\n"

// The doctor sees what is wrong with a machine, and leaves alone what is well.
func TestDoctorOfMachine(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "socket")
	if err := os.Chmod(filepath.Dir(socket), 0o750); err != nil {
		t.Fatal(err)
	}
	cfg := config{Intake: intakeConfig{Listen: "unix:" + socket}}
	service := fmt.Sprintf("HiddenServiceDir /var/lib/tor/other\nHiddenServicePort 80 unix:/else\nhiddenservicedir /var/lib/tor/daylight # ours\n"+
		"HiddenServicePort 80 %s\nHiddenServicePoWDefensesEnabled 1\n", cfg.Intake.Listen)
	swap := func(d *doctor) { d.swap() }
	dumps := func(d *doctor) { d.dumps() }
	clock := func(d *doctor) { d.clock(instance{dir: filepath.Dir(socket)}) }
	tor := func(d *doctor) { d.tor(instance{Role: "intake"}, cfg) }
	forDesks := cfg
	forDesks.Intake.Onion, forDesks.Intake.Courier = "torrc", "onion"
	courier := func(d *doctor) { d.tor(instance{Role: "intake"}, forDesks) }
	both := service + "HiddenServiceDir /var/lib/tor/courier\nHiddenServicePort 80 unix:" + courierSocket(forDesks) + "\n"
	editors := func(d *doctor) {
		d.tor(instance{Role: "desk"}, config{Desk: deskConfig{Listen: cfg.Intake.Listen, Onion: "torrc"}})
	}
	const client = "descriptor:x25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
	for name, c := range map[string]struct {
		look  func(*doctor)
		files map[string]string
		want  string // state and words of a finding; "" when all must be well
	}{
		"no swap":               {swap, map[string]string{"proc/swaps": swapHead}, ""},
		"swap on a disk":        {swap, map[string]string{"proc/swaps": swapHead + "/dev/vda2 partition 9 0 -2\n"}, "warning swap that is not encrypted: /dev/vda2"},
		"swap in a file":        {swap, map[string]string{"proc/swaps": swapHead + "/swapfile file 9 0 -2\n"}, "warning swap that is not encrypted: /swapfile"},
		"swap that is sealed":   {swap, map[string]string{"proc/swaps": swapHead + "/dev/dm-1 partition 9 0 -2\n", "sys/class/block/dm-1/dm/uuid": "CRYPT-PLAIN-x"}, ""},
		"swap on sealed volume": {swap, map[string]string{"proc/swaps": swapHead + "/dev/dm-1 partition 9 0 -2\n", "sys/class/block/dm-1/dm/uuid": "LVM-x", "sys/class/block/dm-1/slaves/dm-0/x": "", "sys/class/block/dm-0/dm/uuid": "CRYPT-LUKS2-x"}, ""},
		"swap on open volume":   {swap, map[string]string{"proc/swaps": swapHead + "/dev/dm-1 partition 9 0 -2\n", "sys/class/block/dm-1/dm/uuid": "LVM-x", "sys/class/block/dm-1/slaves/vda3/x": ""}, "warning swap that is not encrypted: /dev/dm-1"},
		"swap in memory":        {swap, map[string]string{"proc/swaps": swapHead + "/dev/zram0 partition 9 0 -2\n", "sys/class/block/zram0/backing_dev": "none\n"}, ""},
		"zram with a disk":      {swap, map[string]string{"proc/swaps": swapHead + "/dev/zram0 partition 9 0 -2\n", "sys/class/block/zram0/backing_dev": "/dev/vda4\n"}, "warning swap that is not encrypted: /dev/zram0"},
		"dumps to a file":       {dumps, map[string]string{"proc/sys/kernel/core_pattern": "core\n"}, ""},
		"dumps to nothing":      {dumps, map[string]string{"proc/sys/kernel/core_pattern": "|/bin/false\n"}, ""},
		"dumps to a program":    {dumps, map[string]string{"proc/sys/kernel/core_pattern": "|/lib/systemd/systemd-coredump %P\n"}, "warning core dumps go to a program"},
		"a clock behind":        {clock, map[string]string{"var/lib/tor/cached-microdesc-consensus": "network-status-version 3 microdesc\nvalid-after " + time.Now().UTC().Add(3*time.Hour).Format(time.DateTime) + "\n"}, "broken the clock is behind the Tor network by 3h0m0s"},
		"tor as it should be":   {tor, map[string]string{"etc/tor/torrc": service}, ""},
		"tor in included files": {tor, map[string]string{"etc/tor/torrc": "%include /etc/tor/torrc.d\n", "etc/tor/torrc.d/daylight": service}, ""},
		"no tor":                {tor, nil, "warning no /etc/tor/torrc that can be read"},
		"tor leads elsewhere":   {tor, map[string]string{"etc/tor/torrc": strings.ReplaceAll(service, socket, "/x")}, "warning no onion service in torrc leads to unix:" + socket},
		"no proof of work":      {tor, map[string]string{"etc/tor/torrc": strings.ReplaceAll(service, "Enabled 1", "Enabled 0")}, "warning the onion service asks for no proof of work"},
		"another's work":        {tor, map[string]string{"etc/tor/torrc": strings.ReplaceAll(service, "HiddenServicePoWDefensesEnabled 1\n", "HiddenServiceDir /third\nHiddenServicePoWDefensesEnabled 1\n")}, "warning the onion service asks for no proof of work"},
		"addresses logged":      {tor, map[string]string{"etc/tor/torrc": service + "SafeLogging 0\n"}, "broken torrc: SafeLogging 0"},
		"visits logged":         {tor, map[string]string{"etc/tor/torrc": service + "Log info file /var/log/tor/x\n"}, "broken torrc: Log info"},
		"a courier's service":   {courier, map[string]string{"etc/tor/torrc": both, "var/lib/tor/courier/authorized_clients/desk.auth": client}, ""},
		"open to all":           {courier, map[string]string{"etc/tor/torrc": both}, "broken /var/lib/tor/courier/authorized_clients has no file of a client"},
		"a client of no name":   {courier, map[string]string{"etc/tor/torrc": both, "var/lib/tor/courier/authorized_clients/desk": client}, "broken /var/lib/tor/courier/authorized_clients has no file of a client"},
		"no courier's service":  {courier, map[string]string{"etc/tor/torrc": service}, "warning no onion service in torrc leads to unix:" + courierSocket(forDesks)},
		"editors' service":      {editors, map[string]string{"etc/tor/torrc": service, "var/lib/tor/daylight/authorized_clients/ana.auth": client}, ""},
		"desk open to all":      {editors, map[string]string{"etc/tor/torrc": service}, "broken /var/lib/tor/daylight/authorized_clients has no file of a client"},
		"one hop":               {tor, map[string]string{"etc/tor/torrc": service + "HiddenServiceSingleHopMode 1\n"}, "broken torrc: HiddenServiceSingleHopMode 1"},
	} {
		t.Run(name, func(t *testing.T) {
			d := &doctor{root: writeTree(t, c.files)}
			c.look(d)
			var all []string
			for _, l := range d.lines {
				if l.State != "ok" {
					all = append(all, l.State+" "+l.What)
					if l.Why == "" || l.Do == "" {
						t.Errorf("%q says not why, or not what to do", l.What)
					}
				}
			}
			switch got := strings.Join(all, "\n"); {
			case len(d.lines) == 0:
				t.Error("nothing is said")
			case c.want == "" && got != "", !strings.HasPrefix(got, c.want):
				t.Errorf("got %q; want %q", got, c.want)
			}
		})
	}
}

// TestDoctorAsksTor: what torrc would show, a tor is asked for by its control port.
func TestDoctorAsksTor(t *testing.T) {
	dir, err := os.MkdirTemp("", "tor") // names of sockets are short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "control"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	logs := make(chan string, 1)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			answers := map[string]string{
				"PROTOCOLINFO 1":                        "250-PROTOCOLINFO 1\r\n250-AUTH METHODS=NULL\r\n250-VERSION Tor=\"0.4.9.1\"\r\n250 OK",
				"GETINFO version":                       "250-version=0.4.9.1\r\n250 OK",
				"GETINFO status/bootstrap-phase":        "250-status/bootstrap-phase=NOTICE BOOTSTRAP PROGRESS=100 TAG=done\r\n250 OK",
				"GETCONF Log":                           "250-Log=notice syslog\r\n250 Log=" + <-logs,
				"GETCONF SafeLogging":                   "250 SafeLogging=1",
				"GETCONF HiddenServiceSingleHopMode":    "250 HiddenServiceSingleHopMode=0",
				"GETCONF HiddenServiceNonAnonymousMode": "250 HiddenServiceNonAnonymousMode=0",
			}
			for s := bufio.NewScanner(c); s.Scan(); {
				fmt.Fprintf(c, "%s\r\n", cmp.Or(answers[s.Text()], "250 OK"))
			}
			c.Close()
		}
	}()
	cfg := config{Intake: intakeConfig{Listen: "unix:" + filepath.Join(dir, "intake.sock"), Onion: "control", Courier: "onion"},
		Tor: torConfig{Control: "unix:" + filepath.Join(dir, "control")}}
	for _, c := range []struct{ log, folder, want string }{
		{"warn file /log", dir, ""},
		{"info file /log", dir, "tor: Log info"},
		{"warn file /log", dir + "/gone", "the folder of the socket is not there"},
	} {
		cfg.Intake.Listen = "unix:" + c.folder + "/intake.sock"
		logs <- c.log
		d := &doctor{app: &app{ctx: t.Context()}, root: dir}
		d.tor(instance{Role: "intake"}, cfg)
		var broken []string
		for _, l := range d.lines {
			if l.State != "ok" {
				broken = append(broken, l.What)
			}
		}
		if got := strings.Join(broken, "\n"); len(d.lines) < 2 || !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%+v: %+v", c, d.lines)
		}
	}
}

func TestDoctorOfInstance(t *testing.T) {
	in, err := makeInstance(filepath.Join(t.TempDir(), "intake"), "intake", false)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in.path("keys", "k"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	says := func(state, what string, look func(*doctor)) {
		t.Helper()
		d := &doctor{}
		look(d)
		for _, l := range d.lines {
			if l.State == state && strings.Contains(l.What, what) {
				return
			}
		}
		t.Errorf("%+v; want %s %q", d.lines, state, what)
	}
	keys := func(d *doctor) { d.permissions(in) }
	says("ok", "keys are readable by their owner only", keys)
	os.Chmod(in.path("keys"), 0o755)
	says("broken", "1 key files can be read by others", keys)
	os.Chmod(in.path("keys"), 0o700)
	os.Chmod(in.dir, 0o755)
	says("broken", "its folder is open to others", keys)
	os.Chmod(in.dir, 0o700)
	if os.Getuid() == 0 {
		os.Chown(in.path("keys", "k"), 65534, 65534)
		says("broken", "1 key files belong to another account", keys)
	}

	synctest.Test(t, func(t *testing.T) { // whose day does not end meanwhile
		backup := func(d *doctor) { d.backup(in) }
		says("warning", "no backup was made here", backup)
		if err := in.backedUp(); err != nil {
			t.Fatal(err)
		}
		says("ok", "backup of 2000-01-01", backup)
		if info, err := os.Stat(in.path(backupName)); err != nil || info.Mode().Perm()&0o004 == 0 {
			t.Errorf("the role cannot read what root noted: %v, %v", info, err)
		}
		os.WriteFile(in.path(backupName), []byte("yesterday"), 0o600)
		says("warning", "cannot read when the last backup was made", backup)
		old := time.Now().UTC().AddDate(0, 0, -9).Format(time.DateOnly)
		if err := os.WriteFile(in.path(backupName), []byte(old+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		says("warning", "the last backup is 9 days old", backup)
	})

	future := time.Now().Add(time.Hour)
	if err := os.Chtimes(in.path(backupName), future, future); err != nil {
		t.Fatal(err)
	}
	says("broken", "the clock is behind files of this instance", func(d *doctor) { d.root = t.TempDir(); d.clock(in) })
}
