package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"daylight/custody"
	"daylight/fault"
	"daylight/intake/sqlite"
)

type doctorCmd struct{}

func (doctorCmd) Help() string {
	return `Example: daylight doctor --data /srv/desk

Each line says what was looked at and, where it is not well, why that matters and what to do. The exit code is 1 when
something is broken. Run it as the account that the role runs as, with the rights that it has then.`
}

// finding is one line of the doctor's.
type finding struct {
	State string `json:"state"` // ok, warning, broken
	What  string `json:"what"`
	Why   string `json:"why,omitempty"` // it matters
	Do    string `json:"do,omitempty"`
}

// doctor collects findings.
type doctor struct {
	app   *app
	root  string // of the machine: "/"
	lines []finding
}

func (d *doctor) ok(format string, args ...any) {
	d.lines = append(d.lines, finding{State: "ok", What: fmt.Sprintf(format, args...)})
}

func (d *doctor) warn(why, do, format string, args ...any) {
	d.lines = append(d.lines, finding{"warning", fmt.Sprintf(format, args...), why, do})
}

func (d *doctor) broken(why, do, format string, args ...any) {
	d.lines = append(d.lines, finding{"broken", fmt.Sprintf(format, args...), why, do})
}

func (c *doctorCmd) Run(a *app) error {
	in, err := openInstance(a.data)
	if err != nil {
		return err
	}
	d := &doctor{app: a, root: "/"}
	d.machine(in)
	if in.Role == "trial" {
		d.warn("Whoever takes this machine has everything.", "Never use it with real sources.", "%s is a trial: all keys lie in one place", in.dir)
		for _, role := range roles {
			part, err := openInstance(in.path(role))
			if err != nil {
				d.broken("", "Make a new trial in another folder.", "%s of the trial: %v", role, err)
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
			if l.Why != "" {
				fmt.Fprintf(d.app.stdout, "         why: %s\n", l.Why)
			}
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

// role looks at one instance.
func (d *doctor) role(in instance) {
	cfg, err := loadConfig(in.dir)
	if err != nil {
		d.broken("", "Mend daylight.toml; `daylight config` shows every setting.", "%s: %v", in.Role, err)
		return
	}
	d.permissions(in)
	d.backup(in)
	d.tor(in, cfg)
	unlock, err := in.lock()
	if err != nil {
		d.ok("%s runs: its state is looked at when it is stopped", in.Role)
		return
	}
	defer unlock()
	switch in.Role {
	case "intake":
		d.intake(in)
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
		d.broken("What is damaged may be lost, and more with each start.", "Take the backup: daylight restore. Keep this folder until that works.", "%s is damaged: %v", in.Role, err)
	default:
		d.broken("", "See the operator's pages in docs/operations.", "%s does not open: %v", in.Role, err)
	}
}

// intake looks at one without a change to it: times of files tell when something was
// done there.
func (d *doctor) intake(in instance) {
	day, err := in.lookAtIntake(d.app.ctx)
	switch late := time.Now().UTC().AddDate(0, 0, -2).Format(time.DateOnly); {
	case errors.Is(err, fault.NotFound):
		d.ok("intake was never started: it holds nothing")
	case errors.Is(err, fault.Conflict):
		d.warn("It is looked at once it was started and stopped.", "Start intake: what was left half way is ended, and an older database brought up to date. One of a newer program needs that program.", "%v", err)
	default:
		d.opens(in, func() error { return err })
		if err == nil && day < late {
			d.warn("Until the rewrite nothing that is over is destroyed.", "Let intake run, and look into its log.", "what intake holds was last written anew on %s", day)
		} else if err == nil {
			d.ok("what intake holds was last written anew on %s", day)
		}
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(in.dir, &st); err != nil {
		return
	}
	if name := elsewhere[uint32(st.Type)]; name != "" {
		d.warn("It writes changes to another place: what is destroyed may still be found on the disk.", "Put the instance on ext4 or xfs, without snapshots.", "intake lies on %s", name)
	}
}

// lookAtIntake reads what serve does, and says on which day all that intake holds was last
// written anew.
func (in instance) lookAtIntake(ctx context.Context) (rewritten string, err error) {
	if _, _, err := in.keyList(); err != nil {
		return "", err
	}
	if text, err := in.secret(keyReceipts); err == nil {
		if _, err := custody.ParseSigner(text); err != nil {
			return "", fmt.Errorf("key %s: %w", keyReceipts, err)
		}
	} else if !errors.Is(err, fs.ErrNotExist) { // serve makes it
		return "", err
	}
	key, err := in.databaseKey()
	if err != nil {
		return "", err
	}
	return sqlite.Look(ctx, in.path("state"), *key)
}

// elsewhere are file systems that do not overwrite a file where it lies.
var elsewhere = map[uint32]string{0x9123683e: "btrfs", 0x2fc12fc1: "zfs", 0xf2f52010: "f2fs", 0xca451a4e: "bcachefs", 0x3434: "nilfs", 0x6969: "nfs"}

func (d *doctor) desk(in instance, cfg config) {
	switch s, at, err := cfg.Notice.sender(in.dir); {
	case err != nil:
		d.broken("Nobody is reminded to look at the desk.", "Mend [notice] in daylight.toml.", "the daily notice cannot be sent: %s", words(err))
	case s != nil:
		d.ok("the daily notice goes out at %02d:%02d UTC", at.Hour, at.Minute)
	}
	d.opens(in, func() error {
		r, err := d.app.openDesk(in, cfg, nil)
		if err != nil {
			return err
		}
		defer r.closers.Close()
		d.sandbox(r, cfg)
		n, err := r.CheckAudit(d.app.ctx)
		if err != nil {
			return err
		}
		d.ok("audit log: %d entries, the chain holds", n)
		return nil
	})
}

func (d *doctor) sandbox(r *deskRole, cfg config) {
	missing := strings.Join(r.pool.Available().Missing, ", ")
	switch {
	case r.confined(cfg) != nil:
		d.broken("One hostile file could take over the desk with everything on it: serve and ingest refuse to start.",
			"Run the desk on a kernel with Landlock and seccomp: Debian 12 or later has both.", "the sandbox goes without: %s", missing)
	case missing != "":
		d.warn("Documents are read with the rest of the confinement.", "Run the desk on a kernel that has it, outside of a container.", "the sandbox goes without: %s", missing)
	default:
		d.ok("the sandbox has all of its confinement")
	}
}

// permissions wants an instance to be its owner's alone.
func (d *doctor) permissions(in instance) {
	st, err := os.Stat(in.dir)
	if err == nil && st.Mode().Perm()&0o027 != 0 {
		d.broken("Other accounts of this machine, and what breaks into them, can look in or put files there.", "Run: chmod g-w,o= "+in.dir,
			"%s: its folder is open to others", in.Role)
	}
	open, foreign := 0, 0
	err = errors.Join(err, filepath.WalkDir(in.path("keys"), func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			open++
		}
		if owner(info) != owner(st) {
			foreign++
		}
		return nil
	}))
	switch {
	case err != nil:
		d.broken("Without them nothing that is here opens.", "Take the keys from the backup.", "%s: keys cannot be read: %v", in.Role, err)
	case open > 0:
		d.broken("Who has the keys has what they open.", "Run: chmod -R go= "+in.path("keys"), "%s: %d key files can be read by others", in.Role, open)
	case foreign > 0:
		d.broken("The role cannot read them, or somebody else can change them.", "Run: chown -R --reference="+in.dir+" "+in.path("keys"),
			"%s: %d key files belong to another account than the folder", in.Role, foreign)
	default:
		d.ok("%s: keys are readable by their owner only", in.Role)
	}
}

// backup wants one that is not old. An archive can be made again of its releases.
func (d *doctor) backup(in instance) {
	if in.Trial || in.Role == "archive" {
		return
	}
	const why, do = "What is on this disk only is lost with it: keys above all.", "Run: daylight backup, and carry the file to another place."
	last, err := in.lastBackup()
	switch days := int(time.Since(last).Hours() / 24); {
	case errors.Is(err, fs.ErrNotExist):
		d.warn(why, do, "%s: no backup was made here", in.Role)
	case err != nil:
		d.warn(why, do, "%s: cannot read when the last backup was made: %v", in.Role, err)
	case days > 7:
		d.warn(why, do, "%s: the last backup is %d days old", in.Role, days)
	default:
		d.ok("%s: backup of %s", in.Role, last.Format(time.DateOnly))
	}
}
