// Package intake receives what anonymous sources send, seals it to the newsroom's
// public keys as it arrives, and holds it until the desk has fetched it. It keeps
// replies for sources who come back with their codename. It holds no key that
// opens an envelope, keeps no record of a source, and cannot read back what it
// sealed. It is blind at rest: while it runs, it sees what arrives.
package intake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"daylight/custody"
	"daylight/envelope"
	"daylight/fault"
)

// Options say what an intake is made of.
type Options struct {
	Store    Store
	Verifier note.Verifier    // the newsroom's: only its key lists are taken
	Custody  *custody.Signer  // signs receipts for files; nil for none
	Keys     []byte           // a key list for the first start; may be nil when the store has one
	Now      func() time.Time // nil: the clock
	Limits   Limits           // zero values: those of a small host

	Retention Retention     // zero: 30 ± 7 days
	Beat      time.Duration // between two beats of the store, on average; zero: a minute
	Log       *slog.Logger  // of the store's upkeep; nil: nowhere
}

// Limits bound what strangers can make intake do.
type Limits struct {
	Message  int64         // bytes of a message; what is beyond is cut
	Upload   int64         // bytes of one submission in all
	Files    int           // files of one submission
	Uploads  int           // submissions at the same time
	Own      int           // of them, those of one visit
	Parcels  int           // envelopes of sources' own programs that have begun to arrive
	Sessions int           // people here at the same time
	Reply    int64         // bytes of a sealed reply that the desk leaves
	Returns  int           // returns that wait for their keys at the same time
	Lanes    int           // key derivations at once, for returns and for submissions each; 64 MiB apiece
	Idle     time.Duration // a session ends after so long without a request
	Longest  time.Duration // and after so long in any case

	All, Visit Rates // of all visits together, and of one

	Silence time.Duration // an upload ends when nothing arrives for so long,
	Grace   time.Duration // or when, after this,
	Slowest int64         // fewer bytes a second have arrived since it began
	Fair    int64         // bytes a second that nobody is asked to make place for others at

	Reserve int64 // bytes of disk below which nothing new is taken; less than 0: none
	First   int   // characters of a first message without a file; less than 0: any
	Repeats int   // visits of one day after which the same content is marked; less than 0: never
}

// defaultLimits are for a small host.
var defaultLimits = Limits{
	Message: 100_000, Upload: 4 << 30, Files: 100, Uploads: 200, Sessions: 50_000, Reply: 1 << 30,
	Returns: 64, Lanes: 1, Idle: 30 * time.Minute, Longest: 4 * time.Hour, Own: 2, Parcels: 1_000,

	// A lane derives about ten keys a second on a slow core: more would only wait.
	// Without a cookie each request is a visit of its own, so the limits of one visit
	// stop what goes wrong in a browser, and those of all stop what means harm.
	// Pages are as many as take a tenth of a core; what is beyond is answered for the
	// price of a connection.
	All: Rates{Begins: Rate{2_000, 360_000}, Returns: Rate{200, 36_000}, Submissions: Rate{500, 36_000},
		Pages: Rate{2_000, 1_080_000}, Bytes: Rate{64 << 30, 32 << 30}},
	Visit: Rates{Begins: Rate{10, 60}, Returns: Rate{10, 60}, Submissions: Rate{20, 60}, Pages: Rate{300, 3_600}, Bytes: Rate{16 << 30, 4 << 30}},

	// Circuits through Tor stall for minutes, and the slowest carry some kilobytes a second.
	Silence: 10 * time.Minute, Grace: 15 * time.Minute, Slowest: 1_000, Fair: 10_000,

	Reserve: 1 << 30, First: 30, Repeats: 5,
}

// Intake is the role. It is safe for concurrent use.
type Intake struct {
	store    Store
	verifier note.Verifier
	custody  *custody.Signer
	now      func() time.Time
	limits   Limits
	keeps    Retention

	sessions sessions
	tallies  tallies
	running  running
	repeats  repeats
	visits   *visits
	parcels  parcels
	uploads  chan struct{}
	returns  lane // of people who come back
	firsts   lane // of first submissions, which returns cannot hold up

	mu     sync.RWMutex
	keys   envelope.KeyList
	signed []byte // the same, as the newsroom signed it

	stop    context.CancelFunc
	working sync.WaitGroup
	close   func() error // once
}

// Open starts an intake. Without a key list in the store or in the options it is
// fault.NotFound: there would be nobody to seal to.
func Open(ctx context.Context, o Options) (*Intake, error) {
	in := &Intake{store: o.Store, verifier: o.Verifier, custody: o.Custody, now: o.Now, limits: o.Limits.filled(),
		keeps: cmp.Or(o.Retention, defaultRetention), visits: newVisits()}
	if in.now == nil {
		in.now = time.Now
	}
	if err := in.loadKeys(ctx, o.Keys); err != nil {
		return nil, fmt.Errorf("open intake: %w", err)
	}
	in.uploads = make(chan struct{}, in.limits.Uploads)
	in.returns = newLane(in.limits.Lanes, in.limits.Returns)
	in.firsts = newLane(in.limits.Lanes, in.limits.Uploads)
	in.sessions.byName = map[[32]byte]*held{}
	in.running.all = map[*upload]bool{}
	in.close = sync.OnceValue(in.end)
	ctx, in.stop = context.WithCancel(context.WithoutCancel(ctx))
	in.working.Go(func() { in.sweep(ctx) })
	in.tend(ctx, cmp.Or(o.Beat, defaultBeat), cmp.Or(o.Log, slog.New(slog.DiscardHandler)))
	return in, nil
}

// loadKeys takes the list of the store, or the given one where it is newer.
func (in *Intake) loadKeys(ctx context.Context, given []byte) error {
	stored, err := in.store.KeyList(ctx)
	if err == nil {
		if in.keys, err = envelope.ParseKeyList(stored, in.verifier); err != nil {
			return err
		}
		in.signed = stored
	} else if !errors.Is(err, fault.NotFound) || given == nil {
		return fmt.Errorf("keys to seal to: %w", err)
	}
	if given == nil {
		return nil
	}
	err = in.putKeys(ctx, given)
	if errors.Is(err, fault.Conflict) && in.keys.Serial > 0 {
		return nil // the store's is newer
	}
	return err
}

// putKeys takes a list that the newsroom signed, of this newsroom, and not older
// than the one in use.
func (in *Intake) putKeys(ctx context.Context, list []byte) error {
	l, err := envelope.ParseKeyList(list, in.verifier)
	if err != nil {
		return err
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.keys.Serial > 0 && l.Newsroom != in.keys.Newsroom:
		return fmt.Errorf("key list of another newsroom: %w", fault.Conflict)
	case l.Serial < in.keys.Serial:
		return fmt.Errorf("key list %d, %d is in use: %w", l.Serial, in.keys.Serial, fault.Conflict)
	}
	if err := in.store.PutKeyList(ctx, list); err != nil {
		return fmt.Errorf("keep key list: %w", err)
	}
	in.keys, in.signed = l, slices.Clone(list)
	return nil
}

// Keys is the list in use.
func (in *Intake) Keys() envelope.KeyList {
	in.mu.RLock()
	defer in.mu.RUnlock()
	return in.keys
}

// SignedKeys is the list in use as the newsroom signed it, for sources whose own
// programs check it.
func (in *Intake) SignedKeys() []byte {
	in.mu.RLock()
	defer in.mu.RUnlock()
	return in.signed
}

// Limits are the bounds in force, for pages to tell.
func (in *Intake) Limits() Limits { return in.limits }

// Retention is the one in force, for pages to tell.
func (in *Intake) Retention() Retention { return in.keeps }

// How long Close takes at most. The service manager must let it: systemd gives 90
// seconds.
const (
	lastCall = 5 * time.Second  // for uploads under way to end by themselves: a message does
	lastWait = 40 * time.Second // in all, which only a disk takes that does not answer
)

// Close ends everything. Uploads under way have a moment to end by themselves; then
// they are hung up on, what came of them is kept, with an address, and who sent it can
// still be told. Nothing new is taken. The store stays open, and nothing writes to it
// any more, unless there is an error: what a disk does not take in time is settled at
// the next start.
func (in *Intake) Close() error {
	defer in.sessions.clear() // also of visits since the first time
	return in.close()
}

func (in *Intake) end() error {
	in.stop()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		in.endUploads()
		in.endParcels()
		in.working.Wait()
	}()
	select {
	case <-ended:
		return nil
	case <-time.After(lastWait):
		return fmt.Errorf("close intake: not all that came is kept: %w", fault.Busy)
	}
}

// day is all of the time that is kept outside an envelope.
func (in *Intake) day() string { return in.now().UTC().Format(time.DateOnly) }

func (l Limits) filled() Limits {
	d := defaultLimits
	l.Message, l.Upload, l.Reply = cmp.Or(l.Message, d.Message), cmp.Or(l.Upload, d.Upload), cmp.Or(l.Reply, d.Reply)
	l.Files, l.Uploads, l.Sessions = cmp.Or(l.Files, d.Files), cmp.Or(l.Uploads, d.Uploads), cmp.Or(l.Sessions, d.Sessions)
	l.Returns, l.Lanes = cmp.Or(l.Returns, d.Returns), cmp.Or(l.Lanes, d.Lanes)
	l.Idle, l.Longest = cmp.Or(l.Idle, d.Idle), cmp.Or(l.Longest, d.Longest)
	l.Parcels = cmp.Or(l.Parcels, d.Parcels)
	l.Own, l.All, l.Visit = cmp.Or(l.Own, d.Own), l.All.filled(d.All), l.Visit.filled(d.Visit)
	l.Silence, l.Grace = cmp.Or(l.Silence, d.Silence), cmp.Or(l.Grace, d.Grace)
	l.Slowest, l.Fair = cmp.Or(l.Slowest, d.Slowest), cmp.Or(l.Fair, d.Fair)
	l.Reserve, l.First, l.Repeats = cmp.Or(l.Reserve, d.Reserve), cmp.Or(l.First, d.First), cmp.Or(l.Repeats, d.Repeats)
	return l
}

func (r Rates) filled(d Rates) Rates {
	return Rates{cmp.Or(r.Begins, d.Begins), cmp.Or(r.Returns, d.Returns), cmp.Or(r.Submissions, d.Submissions), cmp.Or(r.Pages, d.Pages), cmp.Or(r.Bytes, d.Bytes)}
}
