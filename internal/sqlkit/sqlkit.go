// Package sqlkit opens SQLite databases the one way that Daylight uses them:
// encrypted, in WAL mode, migrated, with times out of the schema's hands. It knows
// no role.
package sqlkit

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
	_ "github.com/ncruces/go-sqlite3/vfs/adiantum" // registers the encrypting file system

	"daylight/fault"
)

// Key is the 32 bytes that a database file is encrypted with.
type Key [32]byte

// Options say how to open.
type Options struct {
	Key      *Key     // nil: not encrypted. Only what is public anyway may do without.
	ReadOnly bool     // the file must be there; migrations are checked, not run
	Still    bool     // ReadOnly, and nobody has it open: nothing is written beside it either, and a log there is not read
	Schema   []string // migrations, oldest first; each runs once, in a transaction of its own
	Alone    bool     // one connection, which keeps the file to itself: no shared memory beside it, whose times could tell of reads
}

// Open opens the database at path, makes it when it is not there, and brings its
// schema up to date. A wrong key, or a file that is no database, is
// fault.Damaged; a schema newer than Options.Schema is fault.Conflict.
func Open(ctx context.Context, path string, o Options) (*sql.DB, error) {
	o.ReadOnly = o.ReadOnly || o.Still
	db, err := connect(path, o)
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, db, o); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// OpenAny opens a database that is there whatever its schema, for tools and tests
// that look into it.
func OpenAny(ctx context.Context, path string, key *Key) (*sql.DB, error) {
	db, err := connect(path, Options{Key: key})
	if err != nil {
		return nil, err
	}
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("open database: %w", kind(err))
	}
	return db, nil
}

func connect(path string, o Options) (*sql.DB, error) {
	q := url.Values{"_txlock": {"immediate"}}
	if o.Key != nil {
		q.Set("vfs", "adiantum")
	}
	if o.Still {
		q.Set("immutable", "1")
	}
	if o.ReadOnly {
		q.Set("mode", "ro")
		q.Set("_txlock", "deferred")
	}
	dsn := (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}).String()
	db, err := driver.Open(dsn, func(c *sqlite3.Conn) error { return prepare(c, o) })
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if o.Alone {
		db.SetMaxOpenConns(1)
	}
	return db, nil
}

// prepare sets up one connection. The key must come first, and never passes
// through the name of the database, which the driver keeps and prints.
func prepare(c *sqlite3.Conn, o Options) error {
	if o.Key != nil {
		if err := c.Exec("PRAGMA hexkey='" + hex.EncodeToString(o.Key[:]) + "'"); err != nil {
			return err
		}
	}
	pragmas := "PRAGMA busy_timeout=60000; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA temp_store=MEMORY;"
	if o.Alone {
		pragmas += "PRAGMA locking_mode=EXCLUSIVE;"
	}
	if !o.ReadOnly {
		pragmas += "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;"
	}
	return c.Exec(pragmas)
}

func migrate(ctx context.Context, db *sql.DB, o Options) error {
	var have int
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have); err != nil {
		return fmt.Errorf("read database: %w", kind(err))
	}
	if have > len(o.Schema) {
		return fmt.Errorf("database has schema %d, this program knows up to %d: %w", have, len(o.Schema), fault.Conflict)
	}
	if o.ReadOnly && have < len(o.Schema) {
		return fmt.Errorf("database has schema %d, this program needs %d: %w", have, len(o.Schema), fault.Conflict)
	}
	for n := have; n < len(o.Schema); n++ {
		if err := Tx(ctx, db, func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, o.Schema[n]); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version=%d", n+1))
			return err
		}); err != nil {
			return fmt.Errorf("migrate database to %d: %w", n+1, err)
		}
	}
	return nil
}

// Tx runs f in a transaction: committed when f returns nil, rolled back otherwise.
func Tx(ctx context.Context, db *sql.DB, f func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", kind(err))
	}
	defer tx.Rollback() // after Commit it does nothing
	if err := f(tx); err != nil {
		return kind(err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", kind(err))
	}
	return nil
}

// kind adds the kinds of fault that callers ask for.
func kind(err error) error {
	switch {
	case errors.Is(err, sqlite3.NOTADB), errors.Is(err, sqlite3.CORRUPT):
		return fmt.Errorf("%w: %w", fault.Damaged, err)
	case errors.Is(err, sqlite3.FULL), errors.Is(err, sqlite3.IOERR_WRITE):
		return fmt.Errorf("%w: %w", fault.Full, err)
	case errors.Is(err, sqlite3.BUSY):
		return fmt.Errorf("%w: %w", fault.Busy, err)
	}
	return err
}
