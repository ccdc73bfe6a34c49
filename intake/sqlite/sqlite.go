// Package sqlite keeps what intake holds: a small encrypted database, and a file
// for each sealed envelope and reply. Each file is encrypted once more with a key
// of its own that stands only in the database: when the key goes, the file cannot
// be read, whatever the disk keeps of it.
package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"daylight/courier"
	"daylight/fault"
	"daylight/internal/durable"
	"daylight/internal/sqlkit"
)

// Rows are without rowid and sorted by random ids, so that their order tells
// nothing of time. day is all that is kept of it.
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
);`}

// Store implements intake.Store in a folder.
type Store struct {
	dir  string
	db   *sql.DB
	lock *durable.Lock

	mu     sync.Mutex
	active map[courier.EnvelopeID]bool // slots that are being written
}

// Open opens the store in dir, which must be there. Envelopes that a crash left
// behind are kept from now on. Another process that has it open is fault.Busy.
func Open(ctx context.Context, dir string, key sqlkit.Key) (*Store, error) {
	lock, err := durable.TryLock(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("open intake store: %w", err)
	}
	s := &Store{dir: dir, lock: lock, active: map[courier.EnvelopeID]bool{}}
	for _, sub := range []string{"envelopes", "replies"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			lock.Unlock()
			return nil, fmt.Errorf("open intake store: %w", err)
		}
	}
	if s.db, err = sqlkit.Open(ctx, filepath.Join(dir, "intake.db"), sqlkit.Options{Key: &key, Schema: schema}); err != nil {
		lock.Unlock()
		return nil, fmt.Errorf("open intake store: %w", err)
	}
	if err := s.recover(ctx); err != nil {
		s.Close()
		return nil, fmt.Errorf("recover intake store: %w", err)
	}
	return s, nil
}

// Close closes the store.
func (s *Store) Close() error { return errors.Join(s.db.Close(), s.lock.Unlock()) }

// recover keeps what was arriving when the program ended, and removes files that
// no row names.
func (s *Store) recover(ctx context.Context) error {
	rows, err := query(ctx, s.db, "SELECT id, day FROM envelope WHERE kept = 0", scanTwo)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if err := s.settle(r[0], r[1]); err != nil {
			return err
		}
		if _, err := s.db.ExecContext(ctx, "UPDATE envelope SET kept = 1 WHERE id = ?", r[0]); err != nil {
			return err
		}
	}
	if err := s.removeStrays(ctx, "envelopes", "SELECT id FROM envelope"); err != nil {
		return err
	}
	return s.removeStrays(ctx, "replies", "SELECT file FROM reply")
}

// settle hides where the bytes of an unfinished envelope end, and when it was
// written to.
func (s *Store) settle(id, day string) error {
	f, err := os.OpenFile(s.envelopePath(courier.EnvelopeID(id)), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the crash came before the first byte: listed, and opens empty
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := fillTail(f); err != nil {
		return err
	}
	return errors.Join(f.Sync(), dated(f.Name(), day))
}

func (s *Store) removeStrays(ctx context.Context, folder, names string) error {
	rows, err := query(ctx, s.db, names, scanOne)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, name := range rows {
		known[name] = true
	}
	files, err := os.ReadDir(filepath.Join(s.dir, folder))
	if err != nil {
		return err
	}
	for _, f := range files {
		if !known[f.Name()] {
			if err := os.Remove(filepath.Join(s.dir, folder, f.Name())); err != nil {
				return err
			}
		}
	}
	return nil
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
	return sqlkit.Tx(ctx, s.db, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO keylist VALUES (1, ?)", list)
		return err
	})
}

// forget empties the write-ahead log, which may still hold the page that a
// destroyed key stood on. When others are reading it waits for a later time: the
// pages are encrypted all the same.
func (s *Store) forget(ctx context.Context) {
	s.db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
}

// randomName is 16 random bytes in hex: the only kind of name here.
func randomName() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// dated sets the times of a file to the beginning of a day. The system's own
// change time stays exact; see the threat model.
func dated(path, day string) error {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return err
	}
	return os.Chtimes(path, t, t)
}

// query gathers rows.
func query[T any](ctx context.Context, db *sql.DB, sql string, scan func(*sql.Rows) (T, error), args ...any) ([]T, error) {
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

func scanOne(r *sql.Rows) (s string, err error) { return s, r.Scan(&s) }

func scanTwo(r *sql.Rows) (s [2]string, err error) { return s, r.Scan(&s[0], &s[1]) }
