package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"daylight/desk"
	deskweb "daylight/desk/web"
	"daylight/fault"
	"daylight/internal/durable"
	"daylight/internal/httpkit"
	"daylight/sample"
)

type tryCmd struct {
	Port int `default:"7101" help:"Port of intake; desk and archive take the next two. 0 takes any."`
}

func (tryCmd) Help() string {
	return `Example: daylight try --data try

Makes a trial instance where there is none: all keys in one folder, and a sample collection, a fictional leak,
already published. Never use it with real sources. Stop it with Ctrl-C; it goes on where it was when you start it again.`
}

// banner stands on every page of a trial.
const banner = "Demonstration: everything here is invented, and all keys lie in one place. Do not send anything real."

// trialUsers are the people of a demonstration.
var trialUsers = []desk.User{
	{ID: "hana", Name: "Hana (handler)", Roles: []desk.Role{desk.Handler}},
	{ID: "remy", Name: "Rémy (redactor)", Roles: []desk.Role{desk.Redactor}},
	{ID: "ana", Name: "Ana (editor)", Roles: []desk.Role{desk.Editor}},
	{ID: "bo", Name: "Bo (editor)", Roles: []desk.Role{desk.Editor}},
}

func (c *tryCmd) Run(a *app) error {
	t, err := a.openTrial(true)
	if err != nil {
		return err
	}
	defer t.closers.Close()
	if err := writeStory(a.data); err != nil {
		return fmt.Errorf("write files to send: %w", err)
	}
	ls, err := listenLoopback(c.Port)
	if err != nil {
		return err
	}
	return t.run(ls, func(links []string) {
		fmt.Fprintf(a.stdout, "\nReady. Everything runs on this machine alone.\n\n  %-24s %s\n  %-24s %s\n  %-24s %s\n\nSign in to the desk (each link works once):\n\n",
			"Read the archive", siteURL("archive", ls[2]), "Send documents", siteURL("intake", ls[0]), "Work at the desk", siteURL("desk", ls[1]))
		for i, u := range trialUsers {
			// A name for each person: what one name gives a browser, another does not
			// get, so that all four can be signed in side by side.
			fmt.Fprintf(a.stdout, "  %-24s %s\n", u.Name, signInURL(siteURL(string(u.ID)+".desk", ls[1]), links[i]))
		}
		fmt.Fprintf(a.stdout, "\nFiles that a source could send are in %s\n\nStop: Ctrl-C.\n", storyFolder(a.data))
	})
}

// storyFolder is where a trial has files for whoever plays the source.
func storyFolder(data string) string { return filepath.Join(data, "to-send") }

func writeStory(data string) error {
	if err := durable.MkdirAll(storyFolder(data)); err != nil {
		return err
	}
	for name, body := range sample.Story() {
		if err := durable.WriteFile(filepath.Join(storyFolder(data), name), body); err != nil {
			return err
		}
	}
	return nil
}

// listenLoopback opens three ports next to one another, for intake, desk and
// archive; where one is taken, any others.
func listenLoopback(port int) (ls [3]net.Listener, err error) {
	for i := range ls {
		n := 0
		if port > 0 {
			n = port + i
		}
		if ls[i], err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", n)); err != nil {
			for _, l := range ls[:i] {
				l.Close()
			}
			if port > 0 {
				return listenLoopback(0)
			}
			return ls, fmt.Errorf("listen: %w", err)
		}
	}
	return ls, nil
}

// siteURL names a role's site. Each has a name of its own, because the ports of
// one name share their cookies.
func siteURL(role string, l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return "http://" + role + ".localhost:" + port
}

// trial is the three roles of a trial instance in one process.
type trial struct {
	app    *app
	cfg    config
	intake *intakeRole
	desk   *deskRole
	in     map[string]instance

	importing sync.Mutex
	closers
}

// openTrial opens the trial instance of --data, and makes it when there is none.
// With sample, it publishes the sample first.
func (a *app) openTrial(withSample bool) (_ *trial, err error) {
	t := &trial{app: a, in: map[string]instance{}}
	defer func() {
		if err != nil {
			t.closers.Close()
		}
	}()
	whole, err := openInstance(a.data)
	if errors.Is(err, fault.NotFound) {
		if whole, err = makeTrial(a.data); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	if !whole.Trial {
		return nil, fault.Say(a.data+" is a production instance. A trial needs a folder of its own.", fault.Conflict)
	}
	unlock, err := whole.lock()
	if err != nil {
		return nil, err
	}
	t.closers = append(t.closers, closer(unlock))
	for _, role := range roles {
		if t.in[role], err = openInstance(whole.path(role)); err != nil {
			return nil, err
		}
	}
	if t.cfg, err = loadConfig(whole.dir); err != nil {
		return nil, err
	}
	if t.desk, err = a.openDesk(t.in["desk"], t.cfg, t.published); err != nil {
		return nil, err
	}
	t.closers = append(t.closers, t.desk.closers)
	for _, u := range trialUsers {
		if err := t.desk.PutUser(a.ctx, desk.Operator, u); err != nil {
			return nil, err
		}
	}
	if withSample {
		if err := t.publishSample(a.ctx); err != nil {
			return nil, fmt.Errorf("publish the sample: %w", err)
		}
	}
	return t, nil
}

// makeTrial makes the three instances of a trial.
func makeTrial(dir string) (instance, error) {
	err := makeWhole(dir, func(part string) error {
		whole, err := makeInstance(part, "trial", true)
		if err != nil {
			return err
		}
		for _, role := range []string{"desk", "intake", "archive"} {
			in, err := makeInstance(whole.path(role), role, true)
			if err != nil {
				return err
			}
			if err := makeKeys(in, "Daylight-demonstration", whole.path("desk", "public")); err != nil {
				return err
			}
		}
		receipts, err := instance{Role: "intake", dir: whole.path("intake")}.receipts()
		if err != nil {
			return err
		}
		return instance{Role: "desk", dir: whole.path("desk")}.believe(receipts.Key())
	})
	if err != nil {
		return instance{}, err
	}
	return openInstance(dir)
}

// closer makes a Closer of a function that cannot fail.
type closer func()

func (c closer) Close() error { c(); return nil }

// published brings a release into the trial's archive.
func (t *trial) published(ctx context.Context, r desk.Release) error {
	t.importing.Lock()
	defer t.importing.Unlock()
	s, err := openArchiveStore(ctx, t.in["archive"])
	if err != nil {
		return err
	}
	_, err = s.importFile(ctx, t.in["desk"].releasePath(r.Number))
	return errors.Join(err, s.Close())
}

// run serves the three sites until the program is told to stop. ready is called
// with a sign-in link for each of trialUsers.
func (t *trial) run(ls [3]net.Listener, ready func(links []string)) error {
	a := t.app
	t.cfg.Archive.SubmitAddress = siteURL("intake", ls[0])
	var err error
	if t.intake, err = a.openIntake(t.in["intake"], t.cfg, banner); err != nil {
		return err
	}
	defer t.intake.closers.Close()
	reader, done, err := openArchive(a.ctx, t.in["archive"])
	if err != nil {
		return err
	}
	defer done.Close()
	deskPages, err := deskweb.New(t.desk.Desk, deskweb.Options{Banner: banner, Log: a.log, Archive: siteURL("archive", ls[2])})
	if err != nil {
		return err
	}
	archivePages, err := a.archiveHandler(reader, t.cfg, banner)
	if err != nil {
		return err
	}
	var links []string
	for _, u := range trialUsers {
		link, err := t.desk.Link(a.ctx, desk.Operator, u.ID)
		if err != nil {
			return err
		}
		links = append(links, link)
	}

	ctx, stop := context.WithCancel(a.ctx)
	var work sync.WaitGroup
	errs := make(chan error, 4)
	for i, h := range []http.Handler{t.intake.handler, deskPages, archivePages} {
		work.Go(func() {
			defer stop() // one that ends takes the others along
			errs <- httpkit.Serve(ctx, ls[i], h, a.log)
		})
	}
	work.Go(func() { errs <- t.intake.end(ctx) })
	work.Go(func() { a.fetch(ctx, t.desk, t.desk.at(t.intake.Courier()), time.Second) })
	ready(links)
	work.Wait()
	stop()
	close(errs)
	for e := range errs {
		err = errors.Join(err, e)
	}
	return err
}
