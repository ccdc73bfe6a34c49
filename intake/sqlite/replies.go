package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"

	"daylight/courier"
	"daylight/fault"
)

// PutReply implements intake.Mailboxes.
func (s *Store) PutReply(ctx context.Context, box courier.MailboxID, id courier.ReplyID, until string, sealed io.Reader) error {
	var known int
	err := s.db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM reply WHERE box = ?1 AND id = ?2)
		+ (SELECT count(*) FROM destroyed WHERE id = ?2)`, string(box), string(id)).Scan(&known)
	if err != nil || known > 0 {
		return err
	}
	item := randomName()
	placed, err := s.place(ctx, item, until, sealed, func(tx *sql.Tx) (bool, error) {
		r, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO reply VALUES (?, ?, ?)", string(box), string(id), item)
		if err != nil {
			return false, err
		}
		n, err := r.RowsAffected()
		return n == 1, err
	})
	if err != nil {
		return fmt.Errorf("put reply: %w", err)
	}
	if placed {
		s.settle(ctx)
	}
	return nil
}

// errSame ends a transaction that has nothing to add.
var errSame = errors.New("it is there already")

// place makes an item of what r holds, whole or not at all. with adds the row that
// names it, in the same transaction, or says that there is one.
func (s *Store) place(ctx context.Context, item, until string, r io.Reader, with func(*sql.Tx) (bool, error)) (bool, error) {
	key := newKey()
	w, err := newWriter(s.pool, key)
	if err != nil {
		return false, err
	}
	whole := &taking{writer: w}
	_, err = io.CopyBuffer(whole, r, make([]byte, blockSize))
	if err == nil {
		err = kind(s.pool.file.Sync())
	}
	if err == nil {
		s.layout.RLock()
		err = s.tx(ctx, func(tx *sql.Tx) error {
			if err := s.putItem(ctx, tx, item, until, key, w.size, whole.blocks); err != nil {
				return err
			}
			placed, err := with(tx)
			if err == nil && !placed {
				err = errSame
			}
			return err
		})
		s.layout.RUnlock()
	}
	if err != nil {
		s.pool.give(places(whole.blocks))
	}
	if errors.Is(err, errSame) {
		return false, nil
	}
	return err == nil, err
}

// taking is a writer that takes blocks as it needs them, and remembers them all.
type taking struct {
	*writer
	blocks []block
}

func (t *taking) Write(p []byte) (int, error) {
	if lacks := t.size + int64(len(p)) - t.room(); lacks > 0 {
		more, err := t.pool.take(blocksFor(lacks), reserve)
		if err != nil {
			return 0, err
		}
		t.ahead, t.blocks = append(t.ahead, more...), append(t.blocks, more...)
	}
	return t.writer.Write(p)
}

// Replies implements intake.Mailboxes.
func (s *Store) Replies(ctx context.Context, box courier.MailboxID) ([]courier.ReplyID, error) {
	ids, err := query(ctx, s.db, "SELECT id FROM reply WHERE box = ? ORDER BY id", scanOne[courier.ReplyID], string(box))
	if err != nil {
		return nil, fmt.Errorf("list replies: %w", err)
	}
	return ids, nil
}

// OpenReply implements intake.Mailboxes.
func (s *Store) OpenReply(ctx context.Context, box courier.MailboxID, id courier.ReplyID) (io.ReadCloser, error) {
	r, err := s.openItem(ctx, "SELECT item, key, size FROM reply JOIN item ON item.id = reply.item WHERE box = ? AND reply.id = ?", string(box), string(id))
	if err != nil {
		return nil, fmt.Errorf("open reply: %w", err)
	}
	return r, nil
}

// DestroyReply implements intake.Mailboxes. That it was destroyed is known until a
// day, so that a courier on a stick does not bring it back; not for ever, because it
// tells that some source was here.
func (s *Store) DestroyReply(ctx context.Context, box courier.MailboxID, id courier.ReplyID, until string) error {
	err := s.erase(ctx, func(tx *sql.Tx) ([]int64, bool, error) {
		var item string
		err := tx.QueryRowContext(ctx, "SELECT item FROM reply WHERE box = ? AND id = ?", string(box), string(id)).Scan(&item)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, false, fault.NotFound
		}
		if err != nil {
			return nil, false, err
		}
		if _, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO destroyed VALUES (?, ?)", string(id), until); err != nil {
			return nil, false, err
		}
		freed, err := deleteItem(ctx, tx, item)
		return freed, true, err
	})
	if err != nil {
		return fmt.Errorf("destroy reply: %w", err)
	}
	return nil
}
