package main

import (
	"context"
	"net/http"
	"time"

	"daylight/courier/folder"
	"daylight/intake"
	"daylight/intake/sqlite"
	"daylight/intake/web"
	"daylight/internal/durable"
)

// intakeRole is an intake that runs.
type intakeRole struct {
	*intake.Intake
	handler http.Handler
	closers
}

// openIntake opens the intake of an instance.
func (a *app) openIntake(in instance, c config, banner string) (_ *intakeRole, err error) {
	r := &intakeRole{}
	defer func() {
		if err != nil {
			r.closers.Close()
		}
	}()
	key, err := in.databaseKey()
	if err != nil {
		return nil, err
	}
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
	dir := in.path("state")
	if err := durable.MkdirAll(dir); err != nil {
		return nil, err
	}
	store, err := sqlite.Open(a.ctx, dir, *key)
	if err != nil {
		return nil, err
	}
	r.closers = append(r.closers, store)
	r.Intake, err = intake.Open(a.ctx, intake.Options{Store: store, Verifier: verifier, Custody: receipts, Keys: keys,
		Limits: intake.Limits{Upload: c.Intake.MaxUpload}})
	if err != nil {
		return nil, err
	}
	r.closers = append(r.closers, r.Intake)
	r.handler, err = web.New(r.Intake, web.Options{Banner: banner, Log: a.log})
	return r, err
}

// syncFolder carries envelopes and replies between intake and a folder, until ctx
// is done. What fails is tried again every minute, and logged when it changes.
func (a *app) syncFolder(ctx context.Context, in *intakeRole, f *folder.Folder) {
	every := time.NewTicker(time.Minute)
	defer every.Stop()
	for last := ""; ; {
		now := ""
		if _, err := f.Sync(ctx, in.Courier()); err != nil && ctx.Err() == nil {
			now = err.Error()
		}
		if now != last && now != "" {
			a.log.Error("courier folder", "err", now)
		}
		last = now
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}
