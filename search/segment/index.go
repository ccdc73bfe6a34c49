// Package segment is the search engine of Daylight for one machine: a search.Index
// of immutable segments in a folder. It promises exact totals and facets, the order
// that package search defines, and that a batch is found and durable, all of it, when
// Apply returns. It refuses to answer from bytes that are not what was written.
//
// A folder holds
//
//	manifest        which segments there are; replaced as a whole; see manifest.go
//	00000001.seg    documents: postings, dictionaries, columns; see file.go
//	00000001-7.del  what is deleted of them; see tombstones.go
//	lock            held by the one process that writes
//
// Apply makes new segments of a batch, and a manifest. A goroutine merges segments
// of like size, so that there are few. A search runs over each segment apart, finds
// all that matches as a set, counts by columns, and scores for the order. Readers of
// other processes follow the manifest. Files that no manifest names are removed at
// once: those who have mapped them keep them.
//
// A word is looked up as it is, and as each form of an equal stem that stands in a
// document of that language: the text is indexed in its forms only, so that phrases
// are exact and the stemmer runs once a form.
package segment

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"daylight/corpus"
	"daylight/fault"
	"daylight/internal/durable"
	"daylight/search"
)

// Options are what may be tuned. The zero value is good.
type Options struct {
	// Workers is how many goroutines make the segments of one batch; 0 is one a
	// processor.
	Workers int

	// Documents is how many a segment has at most when it is made of a batch, and
	// MergedDocuments when it is made of segments; 0 is 50,000 and 1,000,000.
	Documents       int
	MergedDocuments int

	// Failed is told of a merge that failed: nothing is lost, and it is tried again
	// after the next Apply. It may be nil.
	Failed func(error)
}

// Limits of one segment while it is made, in memory, and of one field.
const (
	defaultDocuments = 50_000
	defaultMerged    = 1_000_000
	buildMemory      = 192 << 20
	maxField         = 512 << 20
)

// Index is an index open for writing and searching.
type Index struct {
	store
	o    Options
	lock *durable.Lock
	next atomic.Uint64 // the number of the next segment

	write  sync.Mutex // held to change the manifest
	broken error      // a manifest may have been written, or not

	merging sync.Mutex // held to merge
	wake    chan struct{}
	stop    context.CancelFunc
	stopped chan struct{}
}

// Open opens the index in a folder, and makes the folder when there is none. While it
// is open, no other process can open it for writing: fault.Busy.
func Open(dir string, o Options) (_ *Index, err error) {
	o = o.withDefaults()
	if err := durable.MkdirAll(dir); err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	lock, err := durable.TryLock(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	defer func() {
		if err != nil {
			lock.Unlock()
		}
	}()
	m, err := readManifest(dir)
	if err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	if err := sweep(dir, m); err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	s, err := loadSnapshot(dir, m, nil)
	if err != nil {
		return nil, fmt.Errorf("open index: %w", missing(err))
	}
	ctx, stop := context.WithCancel(context.Background())
	x := &Index{o: o, lock: lock, wake: make(chan struct{}, 1), stop: stop, stopped: make(chan struct{})}
	x.dir, x.cur = dir, s
	x.next.Store(m.Next)
	go x.mergeAll(ctx)
	return x, nil
}

// missing makes damage of a file that the manifest names and that is not there.
func missing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", err, fault.Damaged)
	}
	return err
}

func (o Options) withDefaults() Options {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Documents <= 0 {
		o.Documents = defaultDocuments
	}
	if o.MergedDocuments <= 0 {
		o.MergedDocuments = defaultMerged
	}
	o.Documents = min(o.Documents, maxDocs)
	o.MergedDocuments = min(o.MergedDocuments, maxDocs)
	return o
}

// sweep removes what a crash left: files that the manifest does not name.
func sweep(dir string, m *manifest) error {
	keep := map[string]bool{}
	for _, e := range m.Segments {
		keep[segmentName(e.Number)] = true
		if e.Deleted != nil {
			keep[tombstoneName(e.Number, e.Deleted.Version)] = true
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		name := f.Name()
		if !keep[name] && (strings.HasSuffix(name, ".seg") || strings.HasSuffix(name, ".del")) {
			removeFile(filepath.Join(dir, name))
		}
	}
	return durable.Sweep(dir)
}

// Search fulfils search.Searcher.
func (x *Index) Search(ctx context.Context, r search.Request) (search.Result, error) {
	return x.search(ctx, r)
}

// Len fulfils search.Index.
func (x *Index) Len() int { return x.size() }

// Close ends merges and closes the index. Searches that run end well.
func (x *Index) Close() error {
	x.stop()
	<-x.stopped
	x.write.Lock()
	defer x.write.Unlock()
	if x.lock == nil {
		return nil
	}
	lock := x.lock
	x.lock = nil
	return errors.Join(x.swap(nil), lock.Unlock())
}

// Apply fulfils search.Index. Segments are made before anybody waits for anybody, so
// several Apply at once use several processors.
func (x *Index) Apply(ctx context.Context, b search.Batch) error {
	put, gone, err := prepare(b)
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	made, err := x.build(ctx, put)
	if err == nil {
		err = x.commit(ctx, made, gone)
	}
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	return x.keepUp(ctx)
}

// prepare returns the documents to put, each id once, and all ids to delete first.
func prepare(b search.Batch) (put []*search.Document, gone map[corpus.DocumentID]bool, err error) {
	gone = make(map[corpus.DocumentID]bool, len(b.Delete)+len(b.Put))
	for _, id := range b.Delete {
		gone[id] = true
	}
	last := make(map[corpus.DocumentID]int, len(b.Put))
	for i := range b.Put {
		d := &b.Put[i]
		if d.ID.IsZero() {
			return nil, nil, fmt.Errorf("a document without an id: %w", fault.Invalid)
		}
		for _, f := range append([]string{search.FieldAttachment}, search.BareFields...) {
			if len(d.Field(f)) > maxField {
				return nil, nil, fmt.Errorf("document %s: %s is longer than %d bytes: %w", d.ID, f, maxField, fault.TooLarge)
			}
		}
		last[d.ID] = i
		gone[d.ID] = true
	}
	for i := range b.Put {
		if last[b.Put[i].ID] == i {
			put = append(put, &b.Put[i])
		}
	}
	return put, gone, nil
}

// build makes segments of documents, several at once.
func (x *Index) build(ctx context.Context, put []*search.Document) (made []entry, err error) {
	var mu sync.Mutex // of made, err and put
	take := func() (d *search.Document) {
		mu.Lock()
		defer mu.Unlock()
		if len(put) > 0 && err == nil {
			d, put = put[0], put[1:]
		}
		return d
	}
	var all sync.WaitGroup
	// A small batch is one segment: many small ones would only be merged.
	for range min(x.o.Workers, 1+len(put)/4000) {
		all.Go(func() {
			for d := take(); d != nil; d = take() {
				b := newBuilder()
				for ; d != nil; d = take() {
					b.add(d)
					if len(b.table.ids) >= x.o.Documents || b.memory() >= buildMemory || ctx.Err() != nil {
						break
					}
				}
				e, e2 := x.writeSegment(ctx, b)
				mu.Lock()
				if e2 == nil {
					made = append(made, e)
				} else if err == nil {
					err = e2
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if err != nil {
		x.remove(made)
		return nil, err
	}
	return made, nil
}

func (x *Index) writeSegment(ctx context.Context, b *builder) (entry, error) {
	if err := ctx.Err(); err != nil {
		return entry{}, err
	}
	number := x.next.Add(1) - 1
	w, err := b.write(filepath.Join(x.dir, segmentName(number)))
	return entry{Number: number, Docs: w.docs, Size: w.size, Check: w.check}, err
}

// remove removes the files of segments that no manifest ever named.
func (x *Index) remove(made []entry) {
	for _, e := range made {
		removeFile(filepath.Join(x.dir, segmentName(e.Number)))
	}
}
