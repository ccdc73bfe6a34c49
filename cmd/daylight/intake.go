package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/mod/sumdb/note"

	"daylight/courier/folder"
	"daylight/intake"
	"daylight/intake/sqlite"
	"daylight/intake/web"
	"daylight/internal/durable"
)

// intakeRole is an intake that runs.
type intakeRole struct {
	*intake.Intake
	store   *sqlite.Store
	desk    note.Verifier // whose word on a stick is believed
	handler http.Handler
	closers
}

// end ends the intake with ctx. It goes beside what serves the pages, which still has
// ten seconds then: so whoever sends is told what was kept.
func (r *intakeRole) end(ctx context.Context) error {
	<-ctx.Done()
	return r.Intake.Close()
}

// openIntake opens the intake of an instance.
func (a *app) openIntake(in instance, c config, banner string) (_ *intakeRole, err error) {
	r := &intakeRole{}
	defer func() {
		if err != nil {
			r.closers.Close()
		}
	}()
	verifier, err := in.newsroomVerifier()
	if err != nil {
		return nil, err
	}
	keys, err := in.public(pubSources)
	if err != nil {
		return nil, err
	}
	receipts, err := in.receipts()
	if err != nil {
		return nil, err
	}
	if r.store, err = a.openIntakeStore(in); err != nil {
		return nil, err
	}
	r.closers = append(r.closers, r.store)
	if err := r.store.Reserve(c.Intake.Pool); err != nil {
		return nil, fmt.Errorf("room for what arrives: %w", err)
	}
	r.desk = verifier
	r.Intake, err = intake.Open(a.ctx, intake.Options{Store: r.store, Verifier: verifier, Custody: receipts, Keys: keys, Log: a.log,
		Limits:    intake.Limits{Upload: c.Intake.MaxUpload, Reserve: orNone(c.Intake.Reserve), First: orNone(c.Intake.First)},
		Retention: intake.Retention{Days: c.Intake.Days, Spread: c.Intake.Spread}})
	if err != nil {
		return nil, err
	}
	r.closers = append(r.closers, r.Intake)
	signer, err := in.public(pubNewsroom)
	if err != nil {
		return nil, err
	}
	name := c.Newsroom
	if name == unnamed {
		name = "" // the pages have a title of their own, in each language
	}
	r.handler, err = web.New(r.Intake, web.Options{Name: name, Banner: banner, Signer: string(signer), Log: a.log, Clearnet: c.Intake.Clearnet || in.Trial})
	return r, err
}

// orNone tells intake that 0 means none: its own 0 is a limit of its choice.
func orNone[N int | int64](n N) N {
	if n == 0 {
		return -1
	}
	return n
}

func (a *app) openIntakeStore(in instance) (*sqlite.Store, error) {
	key, err := in.databaseKey()
	if err != nil {
		return nil, err
	}
	dir := in.path("state")
	if err := durable.MkdirAll(dir); err != nil {
		return nil, err
	}
	return sqlite.Open(a.ctx, dir, *key)
}

// inFolder makes one round over a courier's folder. It is open for no longer: a stick is
// taken away between rounds, and what is put in again is another file system.
func inFolder(dir string, do func(*folder.Folder) error) error {
	f, err := folder.Open(dir)
	if err != nil {
		return fmt.Errorf("the courier's folder is not there, or cannot be opened; what waits is kept, and goes on when it is back: %w", err)
	}
	defer f.Close()
	return do(f)
}

// syncFolder carries envelopes and replies between intake and a folder, until ctx
// is done. What fails is tried again with the next round, and logged when it changes.
func (a *app) syncFolder(ctx context.Context, in *intakeRole, dir string, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for last := ""; ; {
		now := ""
		var got folder.Report
		err := inFolder(dir, func(f *folder.Folder) (err error) { got, err = f.Sync(ctx, in.Courier(), in.desk); return err })
		if err != nil && ctx.Err() == nil {
			now = err.Error()
		}
		if got.Keys {
			a.log.Info("the courier brought a list of keys", "serial", in.Keys().Serial)
		}
		if got.Damaged > 0 {
			a.log.Warn("copies in the courier's folder were damaged; they are written anew", "count", got.Damaged)
		}
		if got.Unsigned > 0 {
			a.log.Warn("the courier's folder says of envelopes that they were fetched, without the desk's signature or of other bytes than these; they stay here, and are put there anew", "count", got.Unsigned)
		}
		if now != last && now != "" {
			a.log.Error("courier folder", "err", now)
		}
		last = now
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
