// Package ingest takes files of any kind into a collection: every file, and
// everything inside of it, becomes a document, a duplicate of one, or is
// quarantined, and is recorded so. Nothing is lost and nothing is done twice.
//
// # Order
//
// Items are read in parallel and recorded in the order of the walk: each container
// before its parts, each part before the next. What is recorded is therefore at
// every moment a beginning of the whole, and a run that was killed is continued by
// the next one as if it had never stopped: the same paths, hashes and states.
//
// # Memory
//
// An item whose parts are small is read whole, with all that is inside, by one
// worker. One that holds more than that (a mailbox, a large archive) is read
// twice: once to know what it says of itself, and again part by part, each part
// an item for the workers. So memory depends on neither the size of a file nor
// the depth of nesting.
package ingest

import (
	"context"
	"fmt"
	"io"
	"iter"
	"runtime"
	"time"

	"daylight/blob"
	"daylight/corpus"
	"daylight/extract"
	"daylight/search"
)

// Item is one thing that is handed in.
type Item struct {
	Path string // for people; unique among the items of a collection
	Size int64  // bytes

	// Open gives the bytes. An error quarantines the item.
	Open func(ctx context.Context) (Body, error)
}

// Body is the bytes of an item. Both os.File and blob.Reader are one.
type Body interface {
	io.ReaderAt
	io.Closer
}

// Skipped is the error of an iterator for something that is not an item: a
// symbolic link, a device. The run goes on.
type Skipped struct{ Path, Why string }

func (s *Skipped) Error() string { return fmt.Sprintf("%s: %s", s.Path, s.Why) }

// Ingester takes items into one collection. Collection, Extract, Blobs and Ledger
// are required. It is for one Run at a time.
type Ingester struct {
	Collection corpus.CollectionID
	Extract    extract.Func // see Sandboxed
	Blobs      blob.Store
	Ledger     Ledger
	Index      search.Index // nil: documents wait in the ledger until a run has one

	// Origin says which body a document comes from: entity.Origins.Of. m is the
	// message itself, or the one that the document is attached to. nil: none.
	Origin func(m *corpus.Message, path string) corpus.OriginID

	Limits  Limits
	Workers int // files read at the same time; 0 is one for each processor
	Group   int // items that are made durable together; 0 is 2,000

	// Total is what will be handed in, where that is known: see Measure. It serves
	// only Progress.Left.
	Total corpus.Tally

	Progress func(Progress)         // called now and then, from Run's goroutine; may be nil
	Skipped  func(path, why string) // told what is not an item; may be nil
}

// Limits bound what one item that was handed in may unpack to, at all depths
// together. What is over is not unpacked: its container says so. Zero fields are
// those of DefaultLimits.
type Limits struct {
	Depth int           // containers in containers
	Parts int64         // number of parts
	Bytes int64         // bytes of parts, or Ratio, whichever is more
	Ratio int64         // bytes of parts for each byte of the item
	Wall  time.Duration // the time that it takes
	File  extract.Limits

	// Memory is what one worker may hold of an item: 32 MiB. An item with more inside
	// is read part by part; a part of more than a quarter goes to the store at once.
	Memory int64
}

// DefaultLimits are generous to real archives; they end bombs.
var DefaultLimits = Limits{Depth: 32, Parts: 20_000_000, Bytes: 4 << 30, Ratio: 100, Wall: 24 * time.Hour, Memory: 32 << 20}

func (l Limits) orDefault() Limits {
	d := DefaultLimits
	if l.Depth == 0 {
		l.Depth = d.Depth
	}
	if l.Parts == 0 {
		l.Parts = d.Parts
	}
	if l.Bytes == 0 {
		l.Bytes = d.Bytes
	}
	if l.Ratio == 0 {
		l.Ratio = d.Ratio
	}
	if l.Wall == 0 {
		l.Wall = d.Wall
	}
	if l.Memory == 0 {
		l.Memory = d.Memory
	}
	return l
}

// Summary is the collection after a run: all that it received, from this run and
// earlier ones, at every level.
type Summary struct {
	Received    corpus.Tally `json:"received"`
	Documents   int64        `json:"documents"`
	Messages    int64        `json:"messages"` // e-mails that are not attached to another, duplicates included
	Duplicates  int64        `json:"duplicates"`
	Quarantined int64        `json:"quarantined"`
	Seconds     float64      `json:"seconds"` // of this run
}

// Progress is how far a run is.
type Progress struct {
	Items int64         // at all levels, that this run has read
	Done  corpus.Tally  // of what was handed in; skipped as done before too
	Total corpus.Tally  // as Ingester.Total
	Rate  float64       // bytes handed in, a second
	Left  time.Duration // 0 when unknown
}

// Run takes in all items. An error of the iterator that is not a *Skipped ends it,
// as does one of the stores; what was recorded until then stays, and another Run
// goes on from there.
func (in *Ingester) Run(ctx context.Context, items iter.Seq2[Item, error]) (Summary, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := newRun(in, in.workers())
	err := r.catchUp(ctx)
	if err == nil {
		err = r.all(ctx, items)
	}
	sum, sumErr := r.summary(context.WithoutCancel(ctx))
	if err == nil {
		err = sumErr
	}
	if err != nil {
		return sum, fmt.Errorf("ingest: %w", err)
	}
	return sum, nil
}

func (in *Ingester) workers() int {
	if in.Workers > 0 {
		return in.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// summary reads the ledger: its figures are right also for what earlier runs did.
func (r *run) summary(ctx context.Context) (Summary, error) {
	s := Summary{Messages: r.messages, Seconds: time.Since(r.start).Seconds()}
	l, err := r.in.Ledger.Balance(ctx)
	if err != nil {
		return s, err
	}
	if err := l.Check(); err != nil {
		return s, err
	}
	total := l.Total()
	s.Received = total.Received
	s.Duplicates = total.States[corpus.Duplicate].Files
	s.Quarantined = total.States[corpus.Quarantined].Files
	s.Documents = total.Received.Files - s.Duplicates - s.Quarantined
	if c, ok := r.in.Ledger.(MessageCounter); ok {
		s.Messages, err = c.Messages(ctx)
	}
	return s, err
}
