// Package sqlite keeps what the desk knows in one encrypted SQLite database. It
// holds no rule of the desk: those are in package desk's own types, which Update
// hands to it and takes back.
package sqlite

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/klauspost/compress/zstd"

	"daylight/desk"
	"daylight/fault"
	"daylight/internal/sqlkit"
)

// DB is the desk's database.
type DB struct {
	db  *sql.DB
	key *sqlkit.Key
	zip *zstd.Encoder
	raw *zstd.Decoder
}

// Open opens the database at path, or makes it. A wrong key is fault.Damaged.
func Open(ctx context.Context, path string, key *sqlkit.Key) (*DB, error) {
	db, err := sqlkit.Open(ctx, path, sqlkit.Options{Key: key, Schema: schema})
	if err != nil {
		return nil, fmt.Errorf("desk's database: %w", err)
	}
	zip, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	raw, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &DB{db, key, zip, raw}, nil
}

// Close closes the database.
func (d *DB) Close() error {
	d.raw.Close()
	return d.db.Close()
}

// Stores are the stores of the desk, all in this database.
func (d *DB) Stores() desk.Stores {
	return desk.Stores{Users: users{d.db}, Conversations: conversations{d.db}, Envelopes: envelopes{d.db}, Cases: cases{d.db},
		Documents: documents{d}, Releases: releases{d.db}, Receipts: receipts{d.db}, Saved: saved{d.db}, Audit: audit{d.db}}
}

// Backup writes a copy of the database to a new file, under the same key, while
// the desk goes on working.
func (d *DB) Backup(ctx context.Context, path string) error {
	to := url.URL{Scheme: "file", OmitHost: true, Path: path}
	if d.key != nil {
		to.RawQuery = url.Values{"vfs": {"adiantum"}, "hexkey": {hex.EncodeToString(d.key[:])}}.Encode()
	}
	if _, err := d.db.ExecContext(ctx, "VACUUM INTO ?", to.String()); err != nil {
		// SQLite's own words would name the file as it was given, with the key in it.
		return fmt.Errorf("back up desk's database: the copy could not be written: is there a file of that name, or no space? %w", fault.Full)
	}
	return nil
}

// schema. Times are Unix seconds. A thing with rules of its own is one JSON text,
// beside the columns that it is looked up by. Items are narrow, so that counting
// millions is quick; what is large is in bodies.
var schema = []string{`
CREATE TABLE users (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE tokens (hash BLOB PRIMARY KEY, session INTEGER NOT NULL, editor TEXT NOT NULL, made INTEGER NOT NULL, seen INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE conversations (id TEXT PRIMARY KEY, mailbox TEXT UNIQUE, body TEXT NOT NULL);
CREATE TABLE envelopes (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE cases (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, collection TEXT NOT NULL UNIQUE, body TEXT NOT NULL);
CREATE TABLE releases (number INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE audit (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, editor TEXT NOT NULL, act TEXT NOT NULL, thing TEXT NOT NULL, hash BLOB NOT NULL);

CREATE TABLE collections (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);
CREATE TABLE items (
	n          INTEGER PRIMARY KEY,
	collection INTEGER NOT NULL REFERENCES collections,
	path       TEXT NOT NULL,
	level      INTEGER NOT NULL,
	size       INTEGER NOT NULL,
	hash       BLOB,             -- NULL where there were no bytes to keep
	state      TEXT NOT NULL,
	reason     TEXT NOT NULL DEFAULT '',
	id         BLOB UNIQUE,      -- of a document
	same       BLOB,             -- of a duplicate: the document's id
	holder     INTEGER,          -- the item that it was found in
	holds      INTEGER NOT NULL DEFAULT 0,
	act        TEXT NOT NULL DEFAULT '',
	plan       TEXT NOT NULL DEFAULT '',
	language   TEXT NOT NULL DEFAULT '',
	type       TEXT NOT NULL DEFAULT '',
	damaged    INTEGER NOT NULL DEFAULT 0,
	message    INTEGER NOT NULL DEFAULT 0,
	indexed    INTEGER NOT NULL DEFAULT 1,
	UNIQUE (collection, path)
);
CREATE INDEX items_hash ON items (hash) WHERE hash IS NOT NULL AND id IS NOT NULL;
CREATE INDEX items_same ON items (same) WHERE same IS NOT NULL;
CREATE INDEX items_holder ON items (holder) WHERE holder IS NOT NULL;
CREATE INDEX items_lost ON items (collection) WHERE level > 0 AND holder IS NULL;
CREATE INDEX items_unindexed ON items (collection) WHERE indexed = 0;
CREATE TABLE bodies (
	n    INTEGER PRIMARY KEY REFERENCES items,
	find TEXT NOT NULL,          -- title and path in lower case, for filters
	body BLOB NOT NULL,          -- the document without its text, JSON, zstd
	text BLOB                    -- zstd; NULL where there is none
);
CREATE TABLE done (collection INTEGER NOT NULL, path TEXT NOT NULL, PRIMARY KEY (collection, path)) WITHOUT ROWID;
`, `
CREATE TABLE receipts (hash BLOB PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
`, `
CREATE TABLE saved (id TEXT PRIMARY KEY, title TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
`, `
CREATE TABLE unopened (          -- envelopes
	id   TEXT PRIMARY KEY,
	day  TEXT NOT NULL,
	size INTEGER NOT NULL,
	kept BLOB,                   -- NULL once it is destroyed
	why  TEXT NOT NULL
) WITHOUT ROWID;
`, `
CREATE INDEX conversations_replying ON conversations (id) WHERE ` + isReplying + `;
CREATE INDEX conversations_of_cases ON conversations (id) WHERE ` + isOfACase + `;
`}

// one reads a JSON body into v, or says fault.NotFound.
func one(row *sql.Row, v any) error {
	var body string
	err := row.Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return fault.NotFound
	}
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(body), v)
}

// list reads JSON bodies.
func list[T any](ctx context.Context, db *sql.DB, query string, args ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		var body string
		var v T
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(body), &v); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

func body(v any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // these characters would have six bytes each
	err := e.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// update reads a JSON body, hands it to f, and writes it back, in one transaction.
func update[T any](ctx context.Context, db *sql.DB, read, write string, id string, f func(*T) error) error {
	return sqlkit.Tx(ctx, db, func(tx *sql.Tx) error {
		var v T
		if err := one(tx.QueryRowContext(ctx, read, id), &v); err != nil {
			return err
		}
		if err := f(&v); err != nil {
			return err
		}
		b, err := body(v)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, write, b, id)
		return err
	})
}
