package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"daylight/fault"
	"daylight/sandbox"
)

type doctorCmd struct{}

func (doctorCmd) Help() string {
	return `Example: daylight doctor --data /srv/desk

Each line says what was looked at and, where it is not well, what to do. The exit code is 1 when something is broken.`
}

// finding is one line of the doctor's.
type finding struct {
	State string `json:"state"` // ok, warning, broken
	What  string `json:"what"`
	Do    string `json:"do,omitempty"`
}

// doctor collects findings.
type doctor struct {
	app   *app
	lines []finding
}

func (d *doctor) ok(format string, args ...any) {
	d.lines = append(d.lines, finding{State: "ok", What: fmt.Sprintf(format, args...)})
}

func (d *doctor) warn(do, format string, args ...any) {
	d.lines = append(d.lines, finding{"warning", fmt.Sprintf(format, args...), do})
}

func (d *doctor) broken(do, format string, args ...any) {
	d.lines = append(d.lines, finding{"broken", fmt.Sprintf(format, args...), do})
}

func (c *doctorCmd) Run(a *app) error {
	in, err := openInstance(a.data)
	if err != nil {
		return err
	}
	d := &doctor{app: a}
	d.machine(in)
	if in.Role == "trial" {
		d.warn("Never use it with real sources.", "%s is a trial: all keys lie in one place", in.dir)
		for _, role := range roles {
			part, err := openInstance(in.path(role))
			if err != nil {
				d.broken("Make a new trial in another folder.", "%s of the trial: %v", role, err)
				continue
			}
			d.role(part)
		}
	} else {
		d.role(in)
	}
	return d.report()
}

func (d *doctor) report() error {
	broken := 0
	for _, l := range d.lines {
		if l.State == "broken" {
			broken++
		}
	}
	if d.app.json {
		if err := d.app.print(d.lines); err != nil {
			return err
		}
	} else {
		for _, l := range d.lines {
			fmt.Fprintf(d.app.stdout, "%-8s %s\n", l.State, l.What)
			if l.Do != "" {
				fmt.Fprintf(d.app.stdout, "         → %s\n", l.Do)
			}
		}
	}
	if broken > 0 {
		return fmt.Errorf("%d of %d checks found something broken", broken, len(d.lines))
	}
	return nil
}

// machine looks at what all roles need.
func (d *doctor) machine(in instance) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(in.dir, &st); err == nil {
		free := st.Bavail * uint64(st.Bsize)
		if free < 1<<30 {
			d.warn("Make room: intake refuses submissions when the disk is full.", "%d MiB free on the disk", free>>20)
		} else {
			d.ok("%d GiB free on the disk", free>>30)
		}
	}
	if swaps, err := os.ReadFile("/proc/swaps"); err == nil && strings.Count(string(swaps), "\n") > 1 {
		d.warn("Turn swap off (swapoff -a) or encrypt it: what is in memory can be written there.", "swap is on")
	} else {
		d.ok("no swap")
	}
	if pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern"); err == nil && strings.HasPrefix(string(pattern), "|") {
		d.warn("Set kernel.core_pattern to nothing: a crash would hand memory to another program.", "core dumps go to a program")
	}
}

// role looks at one instance.
func (d *doctor) role(in instance) {
	cfg, err := loadConfig(in.dir)
	if err != nil {
		d.broken("Mend daylight.toml; `daylight config` shows every setting.", "%s: %v", in.Role, err)
		return
	}
	d.permissions(in)
	unlock, err := in.lock()
	if err != nil {
		d.ok("%s runs: its state is looked at when it is stopped", in.Role)
		return
	}
	defer unlock()
	switch in.Role {
	case "intake":
		d.intake(in, cfg)
	case "desk":
		d.desk(in, cfg)
	case "archive":
		d.opens(in, func() error {
			_, c, err := openArchive(d.app.ctx, in)
			if err == nil {
				err = c.Close()
			}
			return err
		})
	}
}

func (d *doctor) opens(in instance, open func() error) {
	switch err := open(); {
	case err == nil:
		d.ok("%s opens: keys, databases and stores", in.Role)
	case errors.Is(err, fault.Damaged):
		d.broken("Take the backup: daylight restore. Keep this folder until that works.", "%s is damaged: %v", in.Role, err)
	default:
		d.broken("See the operator's pages in docs/operations.", "%s does not open: %v", in.Role, err)
	}
}

func (d *doctor) intake(in instance, cfg config) {
	d.opens(in, func() error {
		r, err := d.app.openIntake(in, cfg, "")
		if err != nil {
			return err
		}
		defer r.closers.Close()
		day, err := r.store.Rewritten(d.app.ctx)
		if err != nil {
			return err
		}
		if late := time.Now().UTC().AddDate(0, 0, -2).Format(time.DateOnly); day < late {
			d.warn("Let intake run, and look into its log: until the rewrite nothing that is over is destroyed.", "what intake holds was last written anew on %s", day)
		} else {
			d.ok("what intake holds was last written anew on %s", day)
		}
		return nil
	})
	var st syscall.Statfs_t
	if err := syscall.Statfs(in.dir, &st); err != nil {
		return
	}
	if name := elsewhere[uint32(st.Type)]; name != "" {
		d.warn("Put the instance on ext4 or xfs, without snapshots.", "intake lies on %s, which writes changes to another place: what is destroyed may still be found on the disk", name)
	}
}

// elsewhere are file systems that do not overwrite a file where it lies.
var elsewhere = map[uint32]string{0x9123683e: "btrfs", 0x2fc12fc1: "zfs", 0xf2f52010: "f2fs", 0xca451a4e: "bcachefs", 0x3434: "nilfs", 0x6969: "nfs"}

func (d *doctor) desk(in instance, cfg config) {
	switch s, at, err := cfg.Notice.sender(in.dir); {
	case err != nil:
		d.broken("Mend [notice] in daylight.toml.", "the daily notice cannot be sent: %s", words(err))
	case s != nil:
		d.ok("the daily notice goes out at %02d:%02d UTC", at.Hour, at.Minute)
	}
	d.opens(in, func() error {
		r, err := d.app.openDesk(in, cfg, nil)
		if err != nil {
			return err
		}
		defer r.closers.Close()
		d.sandbox(r.pool.Available())
		n, err := r.CheckAudit(d.app.ctx)
		if err != nil {
			return err
		}
		d.ok("audit log: %d entries, the chain holds", n)
		return nil
	})
}

func (d *doctor) sandbox(r sandbox.Report) {
	if missing := r.Missing; len(missing) > 0 {
		d.warn("Run the desk on a kernel that has them; documents are read with the rest of the confinement.",
			"the sandbox goes without: %s", strings.Join(missing, ", "))
		return
	}
	d.ok("the sandbox has all of its confinement")
}

// permissions wants keys to be the owner's alone.
func (d *doctor) permissions(in instance) {
	bad := 0
	err := filepath.WalkDir(in.path("keys"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			bad++
		}
		return nil
	})
	switch {
	case err != nil:
		d.broken("Take the keys from the backup.", "%s: keys cannot be read: %v", in.Role, err)
	case bad > 0:
		d.broken("Run: chmod -R go= "+in.path("keys"), "%s: %d key files can be read by others", in.Role, bad)
	default:
		d.ok("%s: keys are readable by their owner only", in.Role)
	}
}
