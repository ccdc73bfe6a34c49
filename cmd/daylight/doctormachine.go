package main

import (
	"bufio"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"daylight/internal/secret"
)

// machine looks at what all roles need.
func (d *doctor) machine(in instance) {
	d.disk(in)
	d.swap()
	d.dumps()
	d.clock(in)
	if in.Role == "intake" || in.Role == "desk" {
		gaps := secret.Hide()
		if in.Role == "intake" {
			gaps = append(gaps, secret.Lock()...)
		}
		for _, g := range gaps {
			d.warn("What sources send passes through its memory.", g.Do, "started from here, %s would go without: %s", in.Role, g.What)
		}
		if len(gaps) == 0 {
			d.ok("started from here, %s hides its memory", in.Role)
		}
	}
}

func (d *doctor) disk(in instance) {
	var st syscall.Statfs_t
	if syscall.Statfs(in.dir, &st) != nil {
		return
	}
	if free := st.Bavail * uint64(st.Bsize); free < 1<<30 {
		d.warn("Intake refuses submissions when the disk is full, and the desk stops reading.", "Make room.", "%d MiB free on the disk", free>>20)
	} else {
		d.ok("%d GiB free on the disk", free>>30)
	}
}

// read is a file of the machine's, or nothing.
func (d *doctor) read(path string) string {
	b, _ := os.ReadFile(filepath.Join(d.root, path))
	return string(b)
}

// swap wants none that writes memory to a disk in the clear.
func (d *doctor) swap() {
	var open []string
	for _, line := range strings.Split(d.read("proc/swaps"), "\n")[1:] {
		if f := strings.Fields(line); len(f) > 0 && (f[1] != "partition" || !d.shut(filepath.Base(d.resolve(f[0])))) {
			open = append(open, f[0])
		}
	}
	if len(open) > 0 {
		d.warn("What is in memory is written there, and stays on the disk: what sources send, codenames, keys.",
			"Turn it off (swapoff -a, and its lines in /etc/fstab), or encrypt it with a key of its own at each start (crypttab, option swap).",
			"swap that is not encrypted: %s", strings.Join(open, ", "))
		return
	}
	d.ok("no swap in the clear")
}

// resolve follows /dev/mapper/NAME to /dev/dm-N.
func (d *doctor) resolve(dev string) string {
	if to, err := os.Readlink(filepath.Join(d.root, dev)); err == nil {
		return to
	}
	return dev
}

// shut says whether a block device is encrypted, or one in memory. What lies on
// others is as open as they are.
func (d *doctor) shut(dev string) bool {
	sys := filepath.Join("sys/class/block", dev)
	if strings.HasPrefix(d.read(filepath.Join(sys, "dm/uuid")), "CRYPT-") {
		return true
	}
	if strings.HasPrefix(dev, "zram") {
		back := strings.TrimSpace(d.read(filepath.Join(sys, "backing_dev")))
		return back == "" || back == "none"
	}
	below, _ := os.ReadDir(filepath.Join(d.root, sys, "slaves"))
	for _, b := range below {
		if !d.shut(b.Name()) {
			return false
		}
	}
	return len(below) > 0
}

// dumps looks where the kernel puts the memory of what crashes.
func (d *doctor) dumps() {
	pattern := strings.TrimSpace(d.read("proc/sys/kernel/core_pattern"))
	if strings.HasPrefix(pattern, "|") && !strings.HasSuffix(strings.Fields(pattern)[0], "/false") {
		d.warn("Daylight's own dumps are off. A crash of tor would hand its memory, with what passes through it, to a program that keeps it.",
			"Run: sysctl -w kernel.core_pattern='|/bin/false', and keep it in /etc/sysctl.d.", "core dumps go to a program")
		return
	}
	d.ok("core dumps go to no program")
}

// clock wants a time that somebody keeps, and that tor can work with.
func (d *doctor) clock(in instance) {
	const why = "Tor refuses to work with a wrong clock, and days of arrival and of key lists would be wrong."
	now := time.Now()
	switch from, ok := d.consensus(); {
	case ok && now.Before(from.Add(-time.Minute)):
		d.broken(why, "Set it: timedatectl set-ntp true.", "the clock is behind the Tor network by %s or more", from.Sub(now).Round(time.Minute))
		return
	case newest(in.dir).After(now.Add(time.Minute)):
		d.broken(why, "Set it: timedatectl set-ntp true.", "the clock is behind files of this instance")
		return
	}
	if sync, known := synchronised(); known && !sync {
		d.warn(why, "Run: timedatectl set-ntp true. On a machine without a network, compare it with a clock by hand.", "nothing keeps the clock right")
		return
	}
	d.ok("the clock is kept")
}

// consensus is from when the Tor network's word that tor has here is valid.
func (d *doctor) consensus() (time.Time, bool) {
	for _, name := range []string{"cached-microdesc-consensus", "cached-consensus"} {
		f, err := os.Open(filepath.Join(d.root, "var/lib/tor", name))
		if err != nil {
			continue
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		for n := 0; n < 20 && lines.Scan(); n++ {
			if at, ok := bytes.CutPrefix(lines.Bytes(), []byte("valid-after ")); ok {
				t, err := time.Parse(time.DateTime, string(at))
				return t, err == nil
			}
		}
	}
	return time.Time{}, false
}

// newest is when something directly in a folder last changed.
func newest(dir string) (t time.Time) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.ModTime().After(t) {
			t = info.ModTime()
		}
	}
	return t
}

// owner is the account that a file belongs to.
func owner(info fs.FileInfo) uint32 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Uid
	}
	return 0
}
