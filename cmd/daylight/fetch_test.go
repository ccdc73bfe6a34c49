package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"daylight/blob"
	"daylight/courier"
	"daylight/desk"
	"daylight/desk/desktest"
)

// rounds is an intake that ends the test after some rounds.
type rounds struct {
	*desktest.Intake
	left int
	stop func()
}

func (r *rounds) Envelopes(ctx context.Context) ([]courier.Envelope, error) {
	if r.left--; r.left == 0 {
		r.stop()
	}
	return r.Intake.Envelopes(ctx)
}

// TestFetchSaysOnceWhatDoesNotOpenAndHandsOverOnItsWay: a line with every round would
// hide the others; and looking at a desk, as doctor does, hands over nothing.
func TestFetchSaysOnceWhatDoesNotOpenAndHandsOverOnItsWay(t *testing.T) {
	log := &lockedBuffer{}
	a := &app{ctx: t.Context(), data: filepath.Join(t.TempDir(), "try"), stdout: log, stderr: log, log: slog.New(slog.NewTextHandler(log, nil))}
	trial, err := a.openTrial(false)
	if err != nil {
		t.Fatal(err)
	}
	if err := trial.closers.Close(); err != nil {
		t.Fatal(err)
	}
	told := 0
	open := func(published func(context.Context, desk.Release) error) *deskRole {
		t.Helper()
		d, err := a.openDesk(trial.in["desk"], trial.cfg, published)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := open(func(context.Context, desk.Release) error { told++; return nil })
	c, err := d.NewCase(t.Context(), desk.Operator, "Corrections")
	if err != nil {
		t.Fatal(err)
	}
	ref, err := someBlob(t, d)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.stores.Releases.Put(t.Context(), desk.Release{Number: 1, Case: c.ID, File: ref, Published: true}); err != nil {
		t.Fatal(err)
	}
	d.closers.Close()
	open(nil).closers.Close()

	d = open(func(context.Context, desk.Release) error { told++; return nil })
	defer d.closers.Close()
	ctx, stop := context.WithCancel(t.Context())
	in := &rounds{Intake: desktest.NewIntake(), left: 3, stop: stop}
	in.Leave([]byte("no envelope"))
	a.fetch(ctx, d, d.at(in), time.Millisecond)
	if told != 1 {
		t.Errorf("handed over %d times; want once", told)
	}
	if n := strings.Count(log.String(), "no key of this desk opens some envelopes"); n != 1 {
		t.Errorf("said %d times; want once:\n%s", n, log)
	}
	ctx, stop = context.WithCancel(t.Context())
	a.fetch(ctx, d, d.at(unreachable{&rounds{Intake: desktest.NewIntake(), left: 3, stop: stop}}), time.Millisecond)
	if n := strings.Count(log.String(), "fetch from intake; "); n != 1 {
		t.Errorf("said %d times; want once:\n%s", n, log)
	}
}

// unreachable is an intake that does not answer.
type unreachable struct{ *rounds }

func (u unreachable) Envelopes(ctx context.Context) ([]courier.Envelope, error) {
	u.rounds.Envelopes(ctx)
	return nil, errors.New("no way to intake")
}

// someBlob keeps bytes that stand for the file of a release.
func someBlob(t *testing.T, d *deskRole) (ref blob.Ref, err error) {
	batch, err := d.ingest.Blobs.Begin(t.Context())
	if err != nil {
		return ref, err
	}
	defer batch.Abort()
	if ref, _, err = batch.Put(strings.NewReader("a release")); err != nil {
		return ref, err
	}
	return ref, batch.Commit()
}
