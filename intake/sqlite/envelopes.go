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
	"syscall"

	"daylight/courier"
	"daylight/fault"
	"daylight/intake"
	"daylight/internal/durable"
	"daylight/internal/sqlkit"
)

func (s *Store) envelopePath(id courier.EnvelopeID) string {
	return filepath.Join(s.dir, "envelopes", filepath.Base(string(id)))
}

// Create implements intake.Envelopes.
func (s *Store) Create(ctx context.Context, day string) (intake.Slot, error) {
	id, key := courier.EnvelopeID(randomName()), newKey()
	stream, err := wrap(key)
	if err != nil {
		return nil, err
	}
	s.mark(id, true)
	if err := sqlkit.Tx(ctx, s.db, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO envelope (id, day, key) VALUES (?, ?, ?)", string(id), day, key)
		return err
	}); err != nil {
		s.mark(id, false)
		return nil, fmt.Errorf("create envelope: %w", err)
	}
	f, err := os.OpenFile(s.envelopePath(id), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = durable.SyncDir(filepath.Join(s.dir, "envelopes"))
	}
	sl := &slot{store: s, id: id, day: day, file: f, stream: stream}
	if err != nil {
		sl.Drop()
		return nil, fmt.Errorf("create envelope: %w", kind(err))
	}
	return sl, nil
}

func (s *Store) mark(id courier.EnvelopeID, active bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if active {
		s.active[id] = true
	} else {
		delete(s.active, id)
	}
}

// slot is one envelope that arrives. Its file grows by whole steps, ahead of what
// is written, so that its size tells little while it does.
type slot struct {
	store   *Store
	id      courier.EnvelopeID
	day     string
	file    *os.File
	stream  cipher.Stream
	buf     []byte
	written int64
	room    int64
	done    bool
}

// step is what a file grows by: less than the smallest envelope would waste, more
// than asking for each chunk would cost.
const step = 1 << 20

// Room implements intake.Slot.
func (s *slot) Room(n int64) (int64, error) {
	if n <= s.room {
		return s.room, nil
	}
	want := (n + step - 1) / step * step
	if err := allocate(s.file, s.room, want-s.room); err != nil {
		return s.room, fmt.Errorf("make room: %w", kind(err))
	}
	s.room = want
	return s.room, nil
}

func (s *slot) Write(p []byte) (int, error) {
	if cap(s.buf) < len(p) {
		s.buf = make([]byte, len(p))
	}
	b := s.buf[:len(p)]
	s.stream.XORKeyStream(b, p)
	n, err := s.file.WriteAt(b, s.written)
	s.written += int64(n)
	if err != nil {
		return n, fmt.Errorf("write envelope: %w", kind(err))
	}
	return n, nil
}

// Keep implements intake.Slot.
func (s *slot) Keep(ctx context.Context) error {
	if s.done {
		return fmt.Errorf("keep envelope: %w", fs.ErrClosed)
	}
	s.done = true
	defer s.store.mark(s.id, false)
	err := errors.Join(s.file.Truncate(s.written), s.file.Sync(), s.file.Close(), dated(s.file.Name(), s.day))
	if err != nil {
		return fmt.Errorf("keep envelope: %w", kind(err))
	}
	return sqlkit.Tx(ctx, s.store.db, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE envelope SET kept = 1 WHERE id = ?", string(s.id))
		return err
	})
}

// Drop implements intake.Slot.
func (s *slot) Drop() {
	if s.done {
		return
	}
	s.done = true
	defer s.store.mark(s.id, false)
	if s.file != nil {
		s.file.Close()
	}
	s.store.DestroyEnvelopes(context.Background(), []courier.EnvelopeID{s.id}) // what stays is settled at the next start
}

// Envelopes implements intake.Envelopes. What could not be closed, for want of
// space, is listed with the rest: it opens up to its break.
func (s *Store) Envelopes(ctx context.Context) ([]courier.Envelope, error) {
	rows, err := query(ctx, s.db, "SELECT id, day FROM envelope ORDER BY id", scanTwo)
	if err != nil {
		return nil, fmt.Errorf("list envelopes: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []courier.Envelope
	for _, r := range rows {
		e := courier.Envelope{ID: courier.EnvelopeID(r[0]), Day: r[1]}
		if s.active[e.ID] {
			continue
		}
		if info, err := os.Stat(s.envelopePath(e.ID)); err == nil {
			e.Size = info.Size()
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("list envelopes: %w", err)
		}
		list = append(list, e)
	}
	return list, nil
}

// OpenEnvelope implements intake.Envelopes.
func (s *Store) OpenEnvelope(ctx context.Context, id courier.EnvelopeID) (io.ReadCloser, error) {
	s.mu.Lock()
	active := s.active[id]
	s.mu.Unlock()
	var key []byte
	err := s.db.QueryRowContext(ctx, "SELECT key FROM envelope WHERE id = ?", string(id)).Scan(&key)
	if errors.Is(err, sql.ErrNoRows) || active {
		return nil, fmt.Errorf("open envelope: %w", fault.NotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("open envelope: %w", err)
	}
	return openWrapped(s.envelopePath(id), key)
}

// openWrapped opens a file that was encrypted with the key.
func openWrapped(path string, key []byte) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open file: %w", kind(err))
	}
	stream, err := wrap(key)
	if err != nil {
		f.Close()
		return nil, err
	}
	return unwrapped{cipher.StreamReader{S: stream, R: f}, f}, nil
}

// DestroyEnvelopes implements intake.Envelopes: the keys first, which is what
// counts, then the files.
func (s *Store) DestroyEnvelopes(ctx context.Context, ids []courier.EnvelopeID) error {
	var gone []courier.EnvelopeID
	if err := sqlkit.Tx(ctx, s.db, func(tx *sql.Tx) error {
		for _, id := range ids {
			r, err := tx.ExecContext(ctx, "DELETE FROM envelope WHERE id = ?", string(id))
			if err != nil {
				return err
			}
			if n, _ := r.RowsAffected(); n > 0 {
				gone = append(gone, id)
			}
		}
		return nil
	}); err != nil {
		return fmt.Errorf("destroy envelopes: %w", err)
	}
	if len(gone) > 0 {
		s.forget(ctx)
	}
	for _, id := range gone {
		if err := os.Remove(s.envelopePath(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("destroy envelopes: %w", kind(err))
		}
	}
	return nil
}

// kind adds the kinds of fault that callers ask for, and leaves out the path.
func kind(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fault.Full
	case errors.Is(err, fs.ErrNotExist):
		return fault.NotFound
	}
	return err
}
