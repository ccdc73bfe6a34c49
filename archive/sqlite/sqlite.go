// Package sqlite keeps an archive's catalogue in one SQLite file: archive.Store to
// import, archive.Catalog to serve. The file is not encrypted, since it holds only
// what is public, but what was withdrawn is overwritten in it (secure_delete). What
// is not public yet, a candidate that the desk tries, goes into an OpenSealed one.
package sqlite

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"daylight/archive"
	"daylight/fault"
	"daylight/internal/sqlkit"
)

//go:embed schema.sql
var schema string

// forever stands in the column last of what nothing took away yet.
const forever = 1<<63 - 1

// Catalog is an archive.Store on a SQLite file.
type Catalog struct {
	db     *sql.DB
	encode *zstd.Encoder
	decode *zstd.Decoder
}

var _ archive.Store = (*Catalog)(nil)

// Open opens the catalogue to import into, and makes it where it is not there.
func Open(ctx context.Context, path string) (*Catalog, error) {
	return open(ctx, path, sqlkit.Options{Schema: []string{schema}})
}

// OpenSealed is Open for a catalogue of what is not public: its file, and the logs
// beside it, are encrypted with the key.
func OpenSealed(ctx context.Context, path string, key sqlkit.Key) (*Catalog, error) {
	return open(ctx, path, sqlkit.Options{Key: &key, Schema: []string{schema}})
}

// OpenReadOnly opens the catalogue to serve from. A file that is not there is an
// error. What another process switches on is seen at once.
func OpenReadOnly(ctx context.Context, path string) (*Catalog, error) {
	return open(ctx, path, sqlkit.Options{Schema: []string{schema}, ReadOnly: true})
}

func open(ctx context.Context, path string, o sqlkit.Options) (*Catalog, error) {
	db, err := sqlkit.Open(ctx, path, o)
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	encode, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	// A body is at most what a release may hold; the decoder need not trust it.
	decode, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(1<<30), zstd.WithDecoderConcurrency(0))
	if err != nil {
		return nil, err
	}
	return &Catalog{db, encode, decode}, nil
}

// Close closes the file.
func (c *Catalog) Close() error {
	c.decode.Close()
	return c.db.Close()
}

func (c *Catalog) pack(b []byte) []byte { return c.encode.EncodeAll(b, nil) }

func (c *Catalog) unpack(b []byte) ([]byte, error) {
	out, err := c.decode.DecodeAll(b, nil)
	if err != nil {
		return nil, fmt.Errorf("unpack entry: %w: %w", fault.Damaged, err)
	}
	return out, nil
}

// Head is one row, read anew each time: another process may have switched.
func (c *Catalog) Head(ctx context.Context) (archive.Head, error) {
	var h archive.Head
	err := c.db.QueryRowContext(ctx, "SELECT release, indexed FROM head").Scan(&h.Release, &h.Indexed)
	return h, wrap("read head", err)
}

// Releases lists what was switched on.
func (c *Catalog) Releases(ctx context.Context) ([]archive.Release, error) {
	return collect(ctx, c.db, scanRelease,
		"SELECT number, newsroom, day, checkpoint, entries FROM release, head WHERE number <= head.release ORDER BY number DESC")
}

func scanRelease(rows scanner) (archive.Release, error) {
	var r archive.Release
	var checkpoint []byte
	err := rows.Scan(&r.Number, &r.Newsroom, &r.Day, &checkpoint, &r.Entries)
	copy(r.Checkpoint[:], checkpoint)
	return r, err
}

type scanner interface{ Scan(...any) error }

// collect runs a query and scans each of its rows.
func collect[T any](ctx context.Context, db *sql.DB, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, wrap("read catalogue", err)
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, wrap("read catalogue", err)
		}
		all = append(all, v)
	}
	return all, wrap("read catalogue", rows.Err())
}

func wrap(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		err = fault.NotFound
	}
	return fmt.Errorf("%s: %w", doing, err)
}
