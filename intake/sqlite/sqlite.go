// Package sqlite keeps what intake holds: a small encrypted database, and one pool
// of blocks in which all sealed envelopes and replies lie. Each is encrypted once
// more with a key of its own that stands only in the database, wrapped by a root key
// that changes with each destruction: what is destroyed cannot be read, whatever the
// disk keeps of it. Once a day everything is written anew, and in between the times
// of all files are moved on at random, so that they do not tell what happened when.
package sqlite

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"daylight/courier"
	"daylight/fault"
	"daylight/internal/durable"
	"daylight/internal/sqlkit"
)

// Rows are without rowid and sorted by random ids, so that their order tells
// nothing of time. Within a page they lie as they came, until the next beat. Days are
// all that is kept of it.
var schema = []string{`
CREATE TABLE envelope (
	id   TEXT PRIMARY KEY,
	day  TEXT NOT NULL,
	kept INTEGER NOT NULL DEFAULT 0,  -- 0 while it arrives, and after a crash
	key  BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE reply (
	box  TEXT NOT NULL,
	id   TEXT NOT NULL,
	file TEXT NOT NULL,               -- random: the id is known to others
	key  BLOB NOT NULL,
	PRIMARY KEY (box, id)
) WITHOUT ROWID;
CREATE TABLE destroyed (              -- ids of replies that must not come back
	id   TEXT PRIMARY KEY,
	day  TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE keylist (
	one  INTEGER PRIMARY KEY CHECK (one = 1),
	list BLOB NOT NULL
);`, `
ALTER TABLE envelope RENAME TO old_envelope;  -- takeOver empties these two
ALTER TABLE reply RENAME TO old_reply;
CREATE TABLE item (                   -- what is sealed: an envelope or a reply
	id    TEXT PRIMARY KEY,           -- random
	until TEXT NOT NULL,              -- the day on which it is destroyed in any case
	size  INTEGER NOT NULL,
	key   BLOB NOT NULL               -- wrapped by the root key
) WITHOUT ROWID;
CREATE TABLE block (
	item  TEXT NOT NULL REFERENCES item ON DELETE CASCADE,
	seq   INTEGER NOT NULL,
	place INTEGER NOT NULL,
	iv    BLOB NOT NULL,
	PRIMARY KEY (item, seq)
) WITHOUT ROWID;
CREATE TABLE envelope (
	id   TEXT PRIMARY KEY REFERENCES item ON DELETE CASCADE,
	day  TEXT NOT NULL,
	kept INTEGER NOT NULL             -- 0 while it arrives, and after a crash
) WITHOUT ROWID;
CREATE TABLE reply (
	box  TEXT NOT NULL,
	id   TEXT NOT NULL,               -- known to others
	item TEXT NOT NULL UNIQUE REFERENCES item ON DELETE CASCADE,
	PRIMARY KEY (box, id)
) WITHOUT ROWID;
ALTER TABLE destroyed RENAME COLUMN day TO until;
UPDATE destroyed SET until = date(until, (23 + abs(random() % 15)) || ' days');
CREATE TABLE upkeep (
	one       INTEGER PRIMARY KEY CHECK (one = 1),
	turn      INTEGER NOT NULL,       -- the sector of the root key: 0 or 1
	rewritten TEXT NOT NULL,          -- the day of the last rewrite
	beat      BLOB
);
INSERT INTO upkeep VALUES (1, 0, date(), NULL);`}

// Store implements intake.Store in a folder.
type Store struct {
	dir  string
	db   *sql.DB
	lock *durable.Lock
	root *root
	pool *pool

	// layout is held for reading while somebody looks up a row and uses what it
	// names, and for writing while blocks or keys change. It comes before the
	// database, which has one connection.
	layout sync.RWMutex

	mu     sync.Mutex
	active map[courier.EnvelopeID]bool  // slots that are being written
	unkept map[courier.EnvelopeID]int64 // sizes of those that the database did not take yet
	tried  string                       // the day of the last rewrite, finished or not
	over   string                       // up to which it destroys
}

// Open opens the store in dir, which must be there. Envelopes that a crash left
// behind are kept from now on. Another process that has it open is fault.Busy.
func Open(ctx context.Context, dir string, key sqlkit.Key) (_ *Store, err error) {
	s := &Store{dir: dir, active: map[courier.EnvelopeID]bool{}, unkept: map[courier.EnvelopeID]int64{}}
	if s.lock, err = durable.TryLock(filepath.Join(dir, "lock")); err != nil {
		return nil, fmt.Errorf("open intake store: %w", err)
	}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if s.db, err = sqlkit.Open(ctx, filepath.Join(dir, "intake.db"), sqlkit.Options{Key: &key, Schema: schema, Alone: true}); err != nil {
		return nil, fmt.Errorf("open intake store: %w", err)
	}
	if err := s.openFiles(ctx); err != nil {
		return nil, fmt.Errorf("open intake store: %w", err)
	}
	if err := errors.Join(s.takeOver(ctx), s.recover(ctx)); err != nil {
		return nil, fmt.Errorf("recover intake store: %w", err)
	}
	if s.tried, err = s.Rewritten(ctx); err != nil {
		return nil, fmt.Errorf("open intake store: %w", err)
	}
	return s, s.settle(ctx)
}

func (s *Store) openFiles(ctx context.Context) error {
	used, err := query(ctx, s.db, "SELECT place FROM block", scanOne[int64])
	if err != nil {
		return err
	}
	if s.pool, err = openPool(filepath.Join(s.dir, "pool"), used); err != nil {
		return kind(err)
	}
	var items int
	if err := s.db.QueryRowContext(ctx, "SELECT count(*) FROM item").Scan(&items); err != nil {
		return err
	}
	if s.root, err = openRoot(filepath.Join(s.dir, "root.key"), items > 0); err != nil {
		return err
	}
	turn, _, err := s.root.of(ctx, s.db)
	if err != nil {
		return err
	}
	return s.root.spoil(1 - turn) // a crash may have left the one before
}

// Reserve makes the pool at least so large.
func (s *Store) Reserve(bytes int64) error { return s.pool.reserveTo(bytes) }

// Close closes the store. It leaves the same times on all files.
func (s *Store) Close() (err error) {
	if s.db != nil {
		err = s.db.Close()
	}
	if s.pool != nil {
		err = errors.Join(err, s.pool.file.Close())
	}
	if s.root != nil {
		err = errors.Join(err, s.root.file.Close())
	}
	return errors.Join(err, s.touch(), s.lock.Unlock())
}

// recover keeps what was arriving when the program ended: all blocks that it had,
// since nobody knows how far it came.
func (s *Store) recover(ctx context.Context) error {
	return s.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `UPDATE item SET size = ? * (SELECT count(*) FROM block WHERE item = item.id)
			WHERE id IN (SELECT id FROM envelope WHERE kept = 0)`, blockSize); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "UPDATE envelope SET kept = 1 WHERE kept = 0")
		return err
	})
}

// KeyList implements intake.KeyLists.
func (s *Store) KeyList(ctx context.Context) ([]byte, error) {
	var list []byte
	err := s.db.QueryRowContext(ctx, "SELECT list FROM keylist").Scan(&list)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("key list: %w", fault.NotFound)
	}
	return list, err
}

// PutKeyList implements intake.KeyLists.
func (s *Store) PutKeyList(ctx context.Context, list []byte) error {
	if err := s.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO keylist VALUES (1, ?)", list)
		return err
	}); err != nil {
		return err
	}
	s.settle(ctx)
	return nil
}

// tx is a transaction that nobody breaks off once it has begun: after an error it is
// certain that nothing points to the blocks that it would have used.
func (s *Store) tx(ctx context.Context, f func(*sql.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return sqlkit.Tx(context.WithoutCancel(ctx), s.db, f)
}

// putItem adds the row of an item and those of its blocks.
func (s *Store) putItem(ctx context.Context, tx *sql.Tx, id, until string, key []byte, size int64, blocks []block) error {
	_, root, err := s.root.of(ctx, tx)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO item VALUES (?, ?, ?, ?)", id, until, size, root.Seal(nil, nil, key, nil)); err != nil {
		return err
	}
	return putBlocks(ctx, tx, id, 0, blocks)
}

func putBlocks(ctx context.Context, tx *sql.Tx, item string, seq int64, blocks []block) error {
	insert, err := tx.PrepareContext(ctx, "INSERT INTO block VALUES (?, ?, ?, ?)")
	if err != nil {
		return err
	}
	defer insert.Close()
	for i, b := range blocks {
		if _, err := insert.ExecContext(ctx, item, seq+int64(i), b.place, b.iv); err != nil {
			return err
		}
	}
	return nil
}

// openItem opens what a query names: an item's id, key and size.
func (s *Store) openItem(ctx context.Context, query string, args ...any) (*reader, error) {
	r := &reader{store: s}
	s.layout.RLock()
	defer s.layout.RUnlock()
	var wrapped []byte
	err := s.db.QueryRowContext(ctx, query, args...).Scan(&r.item, &wrapped, &r.size)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.NotFound
	}
	if err != nil {
		return nil, err
	}
	_, root, err := s.root.of(ctx, s.db)
	if err != nil {
		return nil, err
	}
	key, err := unwrapped(root, wrapped)
	if err != nil {
		return nil, err
	}
	r.key, err = newCipher(key)
	return r, err
}

// deleteItem deletes an item with all that hangs on it, and says which places are
// free then.
func deleteItem(ctx context.Context, tx *sql.Tx, id string) ([]int64, error) {
	freed, err := query(ctx, tx, "SELECT place FROM block WHERE item = ?", scanOne[int64], id)
	if err == nil {
		_, err = tx.ExecContext(ctx, "DELETE FROM item WHERE id = ?", id)
	}
	return freed, err
}

// randomName is 16 random bytes in hex: the only kind of name here.
func randomName() string { return hex.EncodeToString(random(16)) }

// rowser is a database or a transaction.
type rowser interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// query gathers rows.
func query[T any](ctx context.Context, db rowser, sql string, scan func(*sql.Rows) (T, error), args ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

func scanOne[T any](r *sql.Rows) (v T, err error) { return v, r.Scan(&v) }
