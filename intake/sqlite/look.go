package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"daylight/fault"
	"daylight/internal/sqlkit"
)

// Look reads a store that no process has open, and says on which day all of it was last
// written anew. It changes nothing: not a byte, nor a time of a file. fault.NotFound
// where none was ever opened, fault.Conflict where it must be opened first: its schema is
// another version's, or it was not closed.
func Look(ctx context.Context, dir string, key sqlkit.Key) (rewritten string, err error) {
	path := filepath.Join(dir, "intake.db")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		for _, name := range []string{"pool", "root.key"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				return "", fmt.Errorf("look at intake store: the database is gone, and %s is there: %w", name, fault.Damaged)
			}
		}
		return "", fmt.Errorf("look at intake store: %w", fault.NotFound)
	}
	if log, err := os.Stat(path + "-wal"); err == nil && log.Size() > 0 {
		return "", fmt.Errorf("look at intake store: it was not closed: %w", fault.Conflict)
	}
	db, err := sqlkit.Open(ctx, path, sqlkit.Options{Key: &key, Schema: schema, Alone: true, Still: true})
	if err != nil {
		return "", fmt.Errorf("look at intake store: %w", err)
	}
	defer db.Close()
	wrapped, err := query(ctx, db, "SELECT key FROM item", scanOne[[]byte])
	if err == nil && len(wrapped) > 0 {
		err = opensAll(ctx, filepath.Join(dir, "root.key"), db, wrapped)
	}
	var blocks int64
	if err == nil {
		err = db.QueryRowContext(ctx, "SELECT coalesce(max(place) + 1, 0) FROM block").Scan(&blocks)
	}
	if err == nil && blocks > 0 {
		if st, serr := os.Stat(filepath.Join(dir, "pool")); serr != nil || st.Size() < blocks*blockSize {
			err = fmt.Errorf("the pool is not whole: %w", fault.Damaged)
		}
	}
	if err == nil {
		err = db.QueryRowContext(ctx, "SELECT rewritten FROM upkeep").Scan(&rewritten)
	}
	if err != nil {
		return "", fmt.Errorf("look at intake store: %w", err)
	}
	return rewritten, nil
}

// opensAll tries the root key on the keys of all items.
func opensAll(ctx context.Context, path string, q querier, wrapped [][]byte) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("root key: %w", fault.Damaged)
	}
	defer f.Close()
	_, root, err := (&root{file: f}).of(ctx, q)
	for _, w := range wrapped {
		if err == nil {
			_, err = unwrapped(root, w)
		}
	}
	return err
}
