// Package archive is the role that readers meet: it imports releases and shows
// what they hold. It promises that everything released can be found, that every
// number is exact and can be run again, and that whatever it shows comes with what
// a stranger needs to check it. It holds nothing unreleased, parses no document,
// and while serving it writes nothing: no account, no query, no trace of a reader.
//
// A release becomes visible by one switch of the catalogue (Store.Switch). The
// search index is derived from the catalogue and follows at once; between the two,
// and after a crash between the two until the next import, Status.Indexing says
// so, and pages tell it.
package archive

import (
	"context"
	"fmt"
	"sync"

	"daylight/blob"
	"daylight/fault"
	"daylight/publog"
	"daylight/search"
)

// Options are what an archive reads.
type Options struct {
	Catalog Catalog
	Blobs   blob.Store
	Index   search.Searcher
	Log     publog.Store // the mirror of the publication log; nil for a preview, which has no proofs
	Keys    publog.Keys  // of the newsroom
}

// Archive is a Reader. It is safe for concurrent use.
type Archive struct {
	o Options

	mu   sync.Mutex
	now  state
	memo map[string]any // what was computed for state now: published queries only, never a reader's
}

var _ Reader = (*Archive)(nil)

// Open checks that the archive's parts answer.
func Open(ctx context.Context, o Options) (*Archive, error) {
	if o.Log == nil {
		o.Log = publog.Memory()
	}
	a := &Archive{o: o}
	if _, err := o.Catalog.Head(ctx); err != nil {
		return nil, fmt.Errorf("open archive: %w", err)
	}
	if _, err := publog.Open(o.Log, o.Keys); err != nil {
		return nil, fmt.Errorf("open archive: %w", err)
	}
	return a, nil
}

// state is what answers depend on; when it changes, everything kept is dropped.
type state struct {
	head    Head
	indexed int // documents in the index, where it tells
}

// Status says how fresh the answers are.
func (a *Archive) Status(ctx context.Context) (Status, error) {
	s, err := a.state(ctx)
	if err != nil {
		return Status{}, err
	}
	return remember(a, s, "status", func() (Status, error) {
		releases, err := a.o.Catalog.Releases(ctx)
		if err != nil {
			return Status{}, err
		}
		status := Status{Release: s.head.Release, Indexing: s.head.Indexed < s.head.Release, Releases: releases}
		if len(releases) > 0 {
			status.Day, status.Newsroom = releases[0].Day, releases[0].Newsroom
		}
		return status, nil
	})
}

func (a *Archive) state(ctx context.Context) (state, error) {
	head, err := a.o.Catalog.Head(ctx)
	if err != nil {
		return state{}, fmt.Errorf("archive: %w", err)
	}
	s := state{head: head}
	if sized, ok := a.o.Index.(interface{ Len() int }); ok {
		s.indexed = sized.Len()
	}
	return s, nil
}

// remember computes a value once for a state of the archive.
func remember[T any](a *Archive, s state, key string, compute func() (T, error)) (T, error) {
	a.mu.Lock()
	if a.now != s || a.memo == nil {
		a.now, a.memo = s, map[string]any{}
	}
	v, ok := a.memo[key].(T)
	a.mu.Unlock()
	if ok {
		return v, nil
	}
	v, err := compute()
	if err != nil {
		return v, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.now == s {
		a.memo[key] = v
	}
	return v, nil
}

// openLog gives the log as the newest import left it.
func (a *Archive) openLog(ctx context.Context) (*publog.Log, error) {
	s, err := a.state(ctx)
	if err != nil {
		return nil, err
	}
	return remember(a, s, "log", func() (*publog.Log, error) {
		l, err := publog.Open(a.o.Log, a.o.Keys)
		if err != nil {
			return nil, fmt.Errorf("archive: %w", err)
		}
		return l, nil
	})
}

func notFound(what string) error { return fmt.Errorf("%s: %w", what, fault.NotFound) }
