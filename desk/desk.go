// Package desk is where a newsroom works: it fetches what sources sent, opens it,
// and helps a team to decide what to publish. Of material it asks three questions:
// is it accurate, is it newsworthy, is it in the public interest to share it? It
// never asks who a source is or why they act, and has no field for it.
//
// The package promises that originals are never changed; that nothing is released
// without two editors who approve the very manifest that goes out, and who neither
// wrote with its source nor redacted anything in it; that any edit voids what was
// approved; and that every received item is accounted for. It refuses to say who
// approved what to anybody outside: the public record shows roles.
//
// Only the desk dials: Fetch meets intake through package courier. Nothing reaches
// the desk but its own pages.
package desk

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"daylight/blob"
	"daylight/corpus"
	"daylight/extract"
	"daylight/fault"
	"daylight/ingest"
	"daylight/publog"
	"daylight/search"
)

// Options are what a desk is made of. All fields are needed but those that say
// otherwise.
type Options struct {
	Newsroom string // its name, as releases carry it
	LogName  string // the publication log's name: publog.CheckOrigin
	Stores   Stores
	Blobs    blob.Store
	Index    search.Index // of the desk's own documents
	Log      *publog.Log
	Keys     publog.Keys // that the log and releases are checked with
	Signers  []publog.Signer
	Intakes  []string // public keys whose receipts are kept: custody.Signer.Key
	Ingest   Ingest
	Extract  extract.Func // for reading a source's files before they are a case; nil: their text is not shown
	Preview  Preview
	Now      func() time.Time // nil: time.Now
	Unopened int64            // bytes that envelopes which do not open may take here; 0: 10 GB, less: none

	// Published hands a release on; nil is allowed. It is called until it succeeds, and
	// again where a crash came before that was noted: see HandOver.
	Published func(ctx context.Context, r Release) error

	// Keyring reads the keys anew for each round at intake.
	Keyring     func() (Keyring, error)
	Fingerprint string // of the newsroom, in words: envelope.Fingerprint
}

// Ingest takes material into a collection's ledger, and the index. cmd gives the
// one that parses in the sandbox.
type Ingest func(ctx context.Context, c corpus.CollectionID, l ingest.Ledger, m iter.Seq2[Material, error]) error

// Material is one file on its way into a collection. Path is for people.
type Material struct {
	Path string
	Size int64
	Open func(ctx context.Context) (blob.Reader, error)
}

// Preview imports a candidate release into an archive that will be thrown away. The
// candidate continues no log and is signed by a key made for it alone; keys has it.
type Preview func(ctx context.Context, release io.ReaderAt, size int64, keys publog.Keys) (Candidate, error)

// Candidate is a throw-away archive with one candidate release in it.
type Candidate interface {
	// Outputs yields what an archive makes of the release for readers: its pages and
	// the answers of its API. What they do not show, the index among it, is made of
	// the entries, which the gate searches by themselves.
	Outputs(ctx context.Context) iter.Seq2[Output, error]
	// Handler shows the public pages.
	Handler() http.Handler
	Close() error
}

// Output is one thing that an archive derives.
type Output struct {
	Name string // what it is, for people
	Open func() (io.ReadCloser, error)
}

// Desk is the role. It is safe for concurrent use. One process at a time has it.
type Desk struct {
	o Options

	publish  sync.Mutex // one release, gate or preview at a time
	saving   sync.Mutex // one change of saved replies at a time
	handing  sync.Mutex // one HandOver at a time; it guards owes
	owes     bool       // releases may wait to be handed over
	aside    sync.Mutex // one at a time opens again what did not open, or destroys it; it guards keys and untried
	closed   closed
	left     atomic.Int64 // envelopes that stayed at intake in the last round
	keys     string       // that are tried on what did not open: the list's number, and how many
	untried  []Unopened   // on which they are still to be tried
	given    given
	previews previews
	sums     manifests

	// Bytes are committed before a row names them, and who destroys bytes looks whether a
	// row does: two locks keep these apart. keeping is read-locked from the commit of what
	// was read before until its row is written, which takes a moment, and write-locked by
	// who destroys. making is read-locked by who reads bytes that are here, and may take
	// hours: to join them, or to take them into a case. Nobody waits to write-lock it: see
	// destroying. Whose bytes nobody else can have needs neither: sealed replies, envelopes
	// that are set aside, releases.
	keeping, making sync.RWMutex
	stays           error // why bytes are here that are to be destroyed; keeping guards it
}

// Open makes a desk of its parts, and ends what a crash may have left half way.
func Open(ctx context.Context, o Options) (*Desk, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Unopened = max(cmp.Or(o.Unopened, 10_000_000_000), 0)
	d := &Desk{o: o}
	if _, err := d.recover(ctx); err != nil {
		return nil, fmt.Errorf("open desk: %w", err)
	}
	// Should this fail, rounds tell why and try again: a full disk closes no desk.
	_ = d.endDestroying(ctx)
	d.owes = true // who knows what the last process has left
	return d, nil
}

// Fingerprint is the newsroom's, in words, for its people to compare and make known.
func (d *Desk) Fingerprint() string { return d.o.Fingerprint }

// Close throws away what the desk holds open for itself. It leaves the stores.
func (d *Desk) Close() error { return d.previews.close() }

// operator stands among the roles of may for what the command line may do.
const operator Role = "operator"

// may returns the account, if it may act in one of the roles.
func (d *Desk) may(ctx context.Context, by EditorID, any ...Role) (User, error) {
	if by == Operator {
		for _, r := range any {
			if r == operator {
				return User{ID: Operator, Name: "Operator"}, nil
			}
		}
		return User{}, fmt.Errorf("operator: %w", fault.Forbidden)
	}
	u, err := d.o.Stores.Users.User(ctx, by)
	if err != nil {
		return User{}, fmt.Errorf("account %s: %w", by, fault.Unknown)
	}
	if !u.Is(any...) {
		return User{}, fmt.Errorf("account %s, of the roles %v, wants what %v may: %w", by, u.Roles, any, fault.Forbidden)
	}
	return u, nil
}

// material are the roles that may see cases.
var material = []Role{Handler, Redactor, Editor}
