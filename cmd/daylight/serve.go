package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	deskweb "daylight/desk/web"
	"daylight/fault"
	"daylight/internal/httpkit"
	"daylight/internal/secret"
)

type serveCmd struct {
	Role string `required:"" enum:"intake,desk,archive" help:"intake, desk or archive."`
}

func (serveCmd) Help() string {
	return `Example: daylight serve --role archive --data /srv/archive

Each role runs on a machine of its own. A trial instance is refused: its private keys lie beside a public address.`
}

func (c *serveCmd) Run(a *app) error {
	in, err := openInstance(a.data)
	if err != nil {
		return err
	}
	if in.Trial {
		return fault.Say(a.data+" is a trial instance: all of its keys lie in one place. It is never served. `daylight try` shows it; `daylight keys make` makes a real one.", fault.Forbidden)
	}
	if in.Role != c.Role {
		return fault.Say(fmt.Sprintf("%s is the %s of an instance. A folder belongs to one role.", a.data, in.Role), fault.Invalid)
	}
	if c.Role == "intake" {
		// Before anything is opened: what is locked or listened to would be lost.
		if err := secret.Restart(); err != nil {
			a.gap(secret.Gap{What: "what visits leave in memory is not overwritten: " + err.Error(), Do: "Set GODEBUG=clobberfree=1,asyncpreemptoff=1,gcshrinkstackoff=1 where it is started."})
		}
	}
	unlock, err := in.lock()
	if err != nil {
		return err
	}
	defer unlock()
	cfg, err := loadConfig(in.dir)
	if err != nil {
		return err
	}
	switch c.Role {
	case "intake":
		return a.serveIntake(in, cfg)
	case "desk":
		return a.serveDesk(in, cfg)
	}
	return a.serveArchive(in, cfg)
}

func (a *app) serveIntake(in instance, cfg config) error {
	a.harden(in.Role)
	role, err := a.openIntake(in, cfg, "")
	if err != nil {
		return err
	}
	defer role.closers.Close()
	wanted, err := in.wanted(cfg)
	if err != nil {
		return err
	}
	jobs := []job{role.end, func(ctx context.Context) error { return a.listenAndServe(ctx, cfg.Intake.Listen, role.handler) }}
	switch cfg.Intake.Courier {
	case "":
		fmt.Fprintln(a.stderr, "No courier is set: what arrives stays here until daylight.toml names a way for the desk.")
	case "onion":
		if cfg.Intake.Onion == "control" && len(wanted.Services) < 2 {
			fmt.Fprintln(a.stderr, "No desk is let in yet: daylight onion admit.")
		}
		jobs = append(jobs, func(ctx context.Context) error { return a.serveDesks(ctx, role, cfg) })
	default:
		jobs = append(jobs, func(ctx context.Context) error {
			a.syncFolder(ctx, role, cfg.Intake.Courier, time.Minute)
			return nil
		})
	}
	if in.asksTor(cfg) {
		jobs = append(jobs, func(ctx context.Context) error { return a.beOnion(ctx, in, cfg) })
	}
	return a.together(jobs...)
}

func (a *app) serveDesk(in instance, cfg config) error {
	a.harden(in.Role)
	role, err := a.openDesk(in, cfg, nil)
	if err != nil {
		return err
	}
	defer role.closers.Close()
	if err := role.confined(cfg); err != nil {
		return err
	}
	if err := role.noteKeys(a.ctx); err != nil {
		return err
	}
	if err := role.HandOver(a.ctx); err != nil {
		a.log.Error("hand over releases", "err", err)
	}
	pages, err := deskweb.New(role.Desk, deskweb.Options{Log: a.log, Archive: strings.TrimRight(cfg.Desk.Archive, "/")})
	if err != nil {
		return err
	}
	if missing := role.pool.Available().Missing; len(missing) > 0 {
		fmt.Fprintf(a.stderr, "Documents are read with less confinement than Daylight wants; this machine lacks: %s\n", strings.Join(missing, ", "))
	}
	sender, at, err := cfg.Notice.sender(in.dir)
	if err != nil {
		return err
	}
	jobs := []job{func(ctx context.Context) error { return a.listenAndServe(ctx, cfg.Desk.Listen, pages) }}
	if sender != nil {
		jobs = append(jobs, func(ctx context.Context) error { a.remind(ctx, sender, at); return nil })
	}
	if cfg.Desk.Courier != "" {
		meet, err := role.courier(cfg)
		if err != nil {
			return err
		}
		jobs = append(jobs, func(ctx context.Context) error {
			a.fetch(ctx, role, meet, time.Duration(cfg.Desk.FetchEvery))
			return nil
		})
	}
	wanted, err := in.wanted(cfg)
	if err != nil {
		return err
	}
	if cfg.Desk.Onion != "" {
		if err := private(strings.TrimPrefix(cfg.Desk.Listen, "unix:")); err != nil {
			return err
		}
	}
	if cfg.Desk.Onion == "control" && len(wanted.Services) == 0 {
		fmt.Fprintln(a.stderr, "No editor is let in by the onion service yet: daylight onion admit.")
	}
	if in.asksTor(cfg) {
		jobs = append(jobs, func(ctx context.Context) error { return a.beOnion(ctx, in, cfg) })
	}
	return a.together(jobs...)
}

func (a *app) serveArchive(in instance, cfg config) error {
	r, closer, err := openArchive(a.ctx, in)
	if err != nil {
		return err
	}
	defer closer.Close()
	pages, err := a.archiveHandler(r, cfg, "")
	if err != nil {
		return err
	}
	return a.listenAndServe(a.ctx, cfg.Archive.Listen, pages)
}

// listenAndServe answers until ctx is done.
func (a *app) listenAndServe(ctx context.Context, address string, h http.Handler) error {
	l, err := listen(address)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "Serving on %s. Stop: Ctrl-C.\n", l.Addr())
	return httpkit.Serve(ctx, l, h, a.log)
}

// job works until its context is done.
type job func(context.Context) error

// together runs jobs until the program is told to stop. One that ends takes the
// others along.
func (a *app) together(jobs ...job) error {
	ctx, stop := context.WithCancel(a.ctx)
	defer stop()
	var work sync.WaitGroup
	errs := make([]error, len(jobs))
	for i, j := range jobs {
		work.Go(func() {
			defer stop()
			errs[i] = j(ctx)
		})
	}
	work.Wait()
	return errors.Join(errs...)
}

// listen opens host:port or unix:/path. A socket that a dead process left behind
// is taken over.
func listen(address string) (net.Listener, error) {
	path, unix := strings.CutPrefix(address, "unix:")
	if !unix {
		l, err := net.Listen("tcp", address)
		if err != nil {
			return nil, fmt.Errorf("listen: %w", err)
		}
		return l, nil
	}
	if c, err := net.Dial("unix", path); err == nil {
		c.Close()
		return nil, fault.Say(path+" is in use by another process.", fault.Conflict)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("listen: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	// Whoever may enter the folder may connect: Tor runs as another user.
	if err := os.Chmod(path, 0o666); err != nil {
		l.Close()
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}
