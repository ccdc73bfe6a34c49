package sqlite

import (
	"context"
	"crypto/cipher"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"daylight/courier"
	"daylight/fault"
	"daylight/internal/durable"
	"daylight/internal/sqlkit"
)

func (s *Store) replyPath(file string) string { return filepath.Join(s.dir, "replies", file) }

// PutReply implements intake.Mailboxes.
func (s *Store) PutReply(ctx context.Context, box courier.MailboxID, id courier.ReplyID, day string, sealed io.Reader) error {
	var known int
	err := s.db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM reply WHERE box = ?1 AND id = ?2)
		+ (SELECT count(*) FROM destroyed WHERE id = ?2)`, string(box), string(id)).Scan(&known)
	if err != nil || known > 0 {
		return err
	}
	file, key := randomName(), newKey()
	if err := s.writeWrapped(s.replyPath(file), key, day, sealed); err != nil {
		return fmt.Errorf("put reply: %w", err)
	}
	placed := false
	err = sqlkit.Tx(ctx, s.db, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO reply VALUES (?, ?, ?, ?)", string(box), string(id), file, key)
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		placed = n == 1
		return err
	})
	if err != nil || !placed { // somebody left the same one at the same time
		os.Remove(s.replyPath(file))
	}
	if err != nil {
		return fmt.Errorf("put reply: %w", err)
	}
	return nil
}

func (s *Store) writeWrapped(path string, key []byte, day string, r io.Reader) error {
	stream, err := wrap(key)
	if err != nil {
		return err
	}
	f, err := durable.Create(path)
	if err != nil {
		return kind(err)
	}
	defer f.Abort()
	if _, err := io.Copy(cipher.StreamWriter{S: stream, W: f.File}, r); err != nil {
		return kind(err)
	}
	if err := f.Commit(); err != nil {
		return kind(err)
	}
	return dated(path, day)
}

// Replies implements intake.Mailboxes.
func (s *Store) Replies(ctx context.Context, box courier.MailboxID) ([]courier.ReplyID, error) {
	rows, err := query(ctx, s.db, "SELECT id FROM reply WHERE box = ? ORDER BY id", scanOne, string(box))
	if err != nil {
		return nil, fmt.Errorf("list replies: %w", err)
	}
	ids := make([]courier.ReplyID, len(rows))
	for i, r := range rows {
		ids[i] = courier.ReplyID(r)
	}
	return ids, nil
}

// OpenReply implements intake.Mailboxes.
func (s *Store) OpenReply(ctx context.Context, box courier.MailboxID, id courier.ReplyID) (io.ReadCloser, error) {
	var file string
	var key []byte
	err := s.db.QueryRowContext(ctx, "SELECT file, key FROM reply WHERE box = ? AND id = ?", string(box), string(id)).Scan(&file, &key)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("open reply: %w", fault.NotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("open reply: %w", err)
	}
	return openWrapped(s.replyPath(file), key)
}

// remembered is for how long it is known that a reply was destroyed, so that a courier
// on a stick does not bring it back. It is not for ever, because it tells on what day
// some source was here.
const remembered = "-90 days"

// DestroyReply implements intake.Mailboxes: the key first, then the file.
func (s *Store) DestroyReply(ctx context.Context, box courier.MailboxID, id courier.ReplyID, day string) error {
	var file string
	err := sqlkit.Tx(ctx, s.db, func(tx *sql.Tx) error {
		row := tx.QueryRowContext(ctx, "DELETE FROM reply WHERE box = ? AND id = ? RETURNING file", string(box), string(id))
		if err := row.Scan(&file); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO destroyed VALUES (?, ?)", string(id), day); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "DELETE FROM destroyed WHERE day < date(?, ?)", day, remembered)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("destroy reply: %w", fault.NotFound)
	}
	if err != nil {
		return fmt.Errorf("destroy reply: %w", err)
	}
	s.forget(ctx)
	if err := os.Remove(s.replyPath(file)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("destroy reply: %w", kind(err))
	}
	return nil
}
