package sqlite

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// old is what an earlier version kept: a file of its own, encrypted with a key of
// its own, from zero.
type old struct {
	box, id, file, day string
	key                []byte
}

// takeOver moves what an earlier version kept into the pool. One after the other: a
// crash leaves the rest for the next start.
func (s *Store) takeOver(ctx context.Context) error {
	var there int
	if err := s.db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name = 'old_reply'").Scan(&there); err != nil || there == 0 {
		return err
	}
	all, err := query(ctx, s.db, `SELECT '', id, 'envelopes/' || id, day, key FROM old_envelope
		UNION ALL SELECT box, id, 'replies/' || file, '', key FROM old_reply`,
		func(r *sql.Rows) (o old, err error) { return o, r.Scan(&o.box, &o.id, &o.file, &o.day, &o.key) })
	if err != nil {
		return err
	}
	for _, o := range all {
		if err := s.takeOne(ctx, o); err != nil {
			return fmt.Errorf("take over what an earlier version kept: %w", err)
		}
	}
	for _, folder := range []string{"envelopes", "replies"} {
		if err := os.RemoveAll(filepath.Join(s.dir, folder)); err != nil {
			return err
		}
	}
	return s.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DROP TABLE old_envelope; DROP TABLE old_reply")
		return err
	})
}

func (s *Store) takeOne(ctx context.Context, o old) error {
	sealed, day, err := s.openOld(o)
	if err != nil {
		return err
	}
	defer sealed.Close()
	var until string // drawn as intake does it
	if err := s.db.QueryRowContext(ctx, "SELECT date(?, (23 + abs(random() % 15)) || ' days')", day).Scan(&until); err != nil {
		return err
	}
	item := randomName()
	if o.box == "" {
		item = o.id
	}
	if _, err := s.place(ctx, item, until, sealed, func(tx *sql.Tx) (bool, error) {
		if o.box == "" {
			if _, err := tx.ExecContext(ctx, "INSERT INTO envelope VALUES (?, ?, 1)", o.id, o.day); err != nil {
				return false, err
			}
			_, err := tx.ExecContext(ctx, "DELETE FROM old_envelope WHERE id = ?", o.id)
			return true, err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO reply VALUES (?, ?, ?)", o.box, o.id, item); err != nil {
			return false, err
		}
		_, err := tx.ExecContext(ctx, "DELETE FROM old_reply WHERE box = ? AND id = ?", o.box, o.id)
		return true, err
	}); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(s.dir, o.file)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// openOld opens a file. That of an envelope may be missing after a crash: it opens
// empty. The day of a reply was kept as the date of its file only.
func (s *Store) openOld(o old) (io.ReadCloser, string, error) {
	f, err := os.Open(filepath.Join(s.dir, o.file))
	if errors.Is(err, fs.ErrNotExist) && o.day != "" {
		return io.NopCloser(bytes.NewReader(nil)), o.day, nil
	}
	if err != nil {
		return nil, "", kind(err)
	}
	info, err := f.Stat()
	if err == nil && o.day == "" {
		o.day = info.ModTime().UTC().Format(time.DateOnly)
	}
	var c cipher.Block
	if err == nil {
		c, err = newCipher(o.key)
	}
	if err != nil {
		f.Close()
		return nil, "", err
	}
	return struct {
		io.Reader
		io.Closer
	}{cipher.StreamReader{S: cipher.NewCTR(c, make([]byte, aes.BlockSize)), R: f}, f}, o.day, nil
}
