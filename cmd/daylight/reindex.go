package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"daylight/archive"
	"daylight/archive/sqlite"
	"daylight/corpus"
	"daylight/desk"
	desksqlite "daylight/desk/sqlite"
	"daylight/fault"
	"daylight/ingest"
	"daylight/internal/durable"
	"daylight/search/segment"
)

type reindexCmd struct {
	Anew bool `help:"Begin with nothing, also where one was stopped."`
}

func (reindexCmd) Help() string {
	return `Example: daylight reindex --data /srv/archive

The index is made of the catalogue, which is the truth. Stop the instance first. It can be stopped at any moment: run again,
it goes on.`
}

func (c *reindexCmd) Run(a *app) error {
	in, err := openInstance(a.data)
	if err != nil {
		return err
	}
	if in.Role == "intake" {
		return fault.Say("Intake has no search index. Nothing was changed.", fault.Invalid)
	}
	unlock, err := in.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if in.Role != "archive" {
		if err := c.desk(a); err != nil {
			return err
		}
	}
	if in.Role != "desk" {
		return c.archive(a)
	}
	return nil
}

// reindexing is a mark beside the index: it is being made, of what the mark says.
const reindexing = "reindexing"

// begin takes an index away, unless a reindex of the same has begun it and something is
// left to do. lost notes first that nothing is indexed: whatever stops it, the next one
// goes on.
func (c *reindexCmd) begin(in instance, of string, left bool, lost func() error) error {
	if was, err := os.ReadFile(in.path(reindexing)); err == nil && string(was) == of && left && !c.Anew {
		if index, err := segment.Open(in.path("index"), segment.Options{}); err == nil {
			return index.Close()
		}
	}
	// First the mark of one that was stopped: whatever stops this one, what it has not yet
	// taken away is not gone on with.
	if err := os.Remove(in.path(reindexing)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := lost(); err != nil {
		return err
	}
	if err := os.RemoveAll(in.path("index")); err != nil {
		return err
	}
	return durable.WriteFile(in.path(reindexing), []byte(of))
}

// desk makes the index of the desk of its ledgers.
func (c *reindexCmd) desk(a *app) error {
	in, err := roleInstance(a.data, "desk")
	if err != nil {
		return err
	}
	cfg, err := loadConfig(in.dir)
	if err != nil {
		return err
	}
	key, err := in.databaseKey()
	if err != nil {
		return err
	}
	store, err := desksqlite.Open(a.ctx, in.path("desk.db"), key)
	if err != nil {
		return err
	}
	list, err := a.ledgers(store.Stores())
	if err == nil {
		err = c.begin(in, "desk", list.unindexed, func() error { return list.lost(a.ctx) })
	}
	if err = errors.Join(err, store.Close()); err != nil {
		return err
	}
	d, err := a.openDesk(in, cfg, nil)
	if err != nil {
		return err
	}
	defer d.closers.Close()
	bar, began, before := a.bar("Indexing"), time.Now(), d.index.Len()
	defer bar.done()
	for _, id := range list.of {
		run := d.ingest
		run.Collection, run.Ledger = id, d.stores.Documents.Ledger(id)
		run.Progress = func(ingest.Progress) { bar.indexed(d.index.Len(), before, list.documents, time.Since(began)) }
		if _, err := run.Run(a.ctx, func(func(ingest.Item, error) bool) {}); err != nil {
			return err
		}
	}
	bar.done()
	fmt.Fprintf(a.stdout, "desk: %d documents\n", d.index.Len())
	return os.Remove(in.path(reindexing))
}

// ledgers are those of all cases.
type ledgers struct {
	stores    desk.Stores
	of        []corpus.CollectionID
	documents int // that an index of them has in the end
	unindexed bool
}

func (a *app) ledgers(s desk.Stores) (*ledgers, error) {
	cases, err := s.Cases.All(a.ctx)
	if err != nil {
		return nil, err
	}
	list := &ledgers{stores: s}
	for _, c := range cases {
		l := s.Documents.Ledger(c.Collection.ID)
		sum, err := l.Balance(a.ctx)
		if err != nil {
			return nil, err
		}
		waits, err := l.Unindexed(a.ctx, 1)
		if err != nil {
			return nil, err
		}
		all := sum.Total()
		list.of = append(list.of, c.Collection.ID)
		list.documents += int(all.Received.Files)
		for _, s := range []corpus.State{corpus.Duplicate, corpus.Quarantined, corpus.Destroyed} {
			list.documents -= int(all.States[s].Files)
		}
		list.unindexed = list.unindexed || len(waits) > 0
	}
	return list, nil
}

// lost says in each ledger that nothing is indexed.
func (l *ledgers) lost(ctx context.Context) error {
	for _, id := range l.of {
		if err := l.stores.Documents.Ledger(id).IndexLost(ctx); err != nil {
			return err
		}
	}
	return nil
}

// archive likewise, of the catalogue at its newest release.
func (c *reindexCmd) archive(a *app) error {
	in, err := roleInstance(a.data, "archive")
	if err != nil {
		return err
	}
	done, err := in.take(in.path(importName))
	if err != nil {
		return err
	}
	defer done()
	catalog, err := sqlite.Open(a.ctx, in.path("catalog.db"))
	if err != nil {
		return err
	}
	head, err := catalog.Head(a.ctx)
	if err == nil {
		err = c.begin(in, fmt.Sprint("release ", head.Release), head.Indexed == 0, func() error { return catalog.Indexed(a.ctx, 0) })
	}
	if err = errors.Join(err, catalog.Close()); err != nil {
		return err
	}
	s, err := openArchiveStore(a.ctx, in)
	if err != nil {
		return err
	}
	defer s.Close()
	bar, began, before := a.bar("Indexing"), time.Now(), s.importer.Index.Len()
	defer bar.done()
	s.importer.Progress = func(p archive.Progress) { bar.indexed(p.Indexed, before, p.Docs, time.Since(began)) }
	if err := s.importer.Rebuild(a.ctx); err != nil {
		return err
	}
	bar.done()
	fmt.Fprintf(a.stdout, "archive: %d documents\n", s.importer.Index.Len())
	return os.Remove(in.path(reindexing))
}
