package main

import (
	"errors"
	"fmt"
	"os"

	"daylight/archive/sqlite"
	"daylight/desk"
	desksqlite "daylight/desk/sqlite"
	"daylight/fault"
	"daylight/ingest"
)

type reindexCmd struct{}

func (reindexCmd) Help() string {
	return `Example: daylight reindex --data /srv/archive

The index is made of the catalogue, which is the truth. Stop the instance first. It can be stopped and run again at any time.`
}

func (reindexCmd) Run(a *app) error {
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
		if err := a.reindexDesk(); err != nil {
			return err
		}
	}
	if in.Role != "desk" {
		return a.reindexArchive()
	}
	return nil
}

// reindexDesk first says in the ledgers that nothing is indexed: whatever stops it,
// the next reindex or ingest goes on.
func (a *app) reindexDesk() error {
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
	cases, err := a.indexLost(store.Stores())
	if err = errors.Join(err, store.Close()); err != nil {
		return err
	}
	if err := os.RemoveAll(in.path("index")); err != nil {
		return err
	}
	d, err := a.openDesk(in, cfg, nil)
	if err != nil {
		return err
	}
	defer d.closers.Close()
	for _, c := range cases {
		run := d.ingest
		run.Collection, run.Ledger = c.Collection.ID, d.stores.Documents.Ledger(c.Collection.ID)
		if _, err := run.Run(a.ctx, func(func(ingest.Item, error) bool) {}); err != nil {
			return err
		}
	}
	fmt.Fprintf(a.stdout, "desk: %d documents\n", d.index.Len())
	return nil
}

func (a *app) indexLost(s desk.Stores) ([]desk.Case, error) {
	cases, err := s.Cases.All(a.ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range cases {
		if err := s.Documents.Ledger(c.Collection.ID).IndexLost(a.ctx); err != nil {
			return nil, err
		}
	}
	return cases, nil
}

// reindexArchive likewise.
func (a *app) reindexArchive() error {
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
	if err := errors.Join(catalog.Indexed(a.ctx, 0), catalog.Close()); err != nil {
		return err
	}
	if err := os.RemoveAll(in.path("index")); err != nil {
		return err
	}
	s, err := openArchiveStore(a.ctx, in)
	if err != nil {
		return err
	}
	defer s.Close()
	n, err := s.importer.Finish(a.ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "archive: %d documents\n", n)
	return nil
}
