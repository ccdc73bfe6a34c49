package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"syscall"

	"daylight/courier"
	"daylight/fault"
	"daylight/intake"
)

// Create implements intake.Envelopes.
func (s *Store) Create(ctx context.Context, day, until string) (intake.Slot, error) {
	sl := &slot{store: s, id: courier.EnvelopeID(randomName())}
	key := newKey()
	var err error
	if sl.writer, err = newWriter(s.pool, key); err != nil {
		return nil, err
	}
	s.mark(sl.id, true)
	s.layout.RLock()
	err = s.tx(ctx, func(tx *sql.Tx) error {
		if err := s.putItem(ctx, tx, string(sl.id), until, key, 0, nil); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO envelope VALUES (?, ?, 0)", string(sl.id), day)
		return err
	})
	s.layout.RUnlock()
	if err != nil {
		s.mark(sl.id, false)
		return nil, fmt.Errorf("create envelope: %w", err)
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

func (s *Store) isActive(id courier.EnvelopeID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.active[id]
}

func (s *Store) arriving() []courier.EnvelopeID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.active))
}

// slot is one envelope that arrives. The database knows of its blocks before
// anything is written to them.
type slot struct {
	*writer
	store *Store
	id    courier.EnvelopeID
	done  bool
}

// Room implements intake.Slot. It takes an eighth more than is asked for, up to
// maxAhead, so that a long upload asks the database seldom.
func (s *slot) Room(n int64) (int64, error) {
	have := s.room()
	if n <= have {
		return have, nil
	}
	lacks := blocksFor(n - have)
	err := s.take(lacks + int(min(have/8, maxAhead)/blockSize))
	if errors.Is(err, fault.Full) {
		err = s.take(lacks)
	}
	if err != nil {
		return have, fmt.Errorf("make room: %w", err)
	}
	return s.room(), nil
}

const maxAhead = 16 << 20

func blocksFor(bytes int64) int { return int((bytes + blockSize - 1) / blockSize) }

func (s *slot) take(n int) error {
	blocks, err := s.pool.take(n, reserve)
	if err != nil {
		return err
	}
	ctx := context.Background()
	if err := s.store.tx(ctx, func(tx *sql.Tx) error {
		return putBlocks(ctx, tx, string(s.id), s.room()/blockSize, blocks)
	}); err != nil {
		s.pool.give(places(blocks))
		return err
	}
	s.ahead = append(s.ahead, blocks...)
	return nil
}

func (s *slot) Write(p []byte) (int, error) {
	if _, err := s.Room(s.size + int64(len(p))); err != nil {
		return 0, err
	}
	return s.writer.Write(p)
}

// Keep implements intake.Slot.
func (s *slot) Keep(ctx context.Context) error {
	if s.done {
		return fmt.Errorf("keep envelope: %w", fs.ErrClosed)
	}
	s.done = true
	err := s.pool.file.Sync()
	if err == nil {
		err = s.store.keep(ctx, s.id, s.size)
	}
	s.store.mu.Lock()
	delete(s.store.active, s.id)
	if err != nil && !errors.Is(err, fault.Gone) {
		s.store.unkept[s.id] = s.size
	}
	s.store.mu.Unlock()
	if err != nil {
		return fmt.Errorf("keep envelope: %w", kind(err))
	}
	s.store.settle(ctx)
	if s.err != nil { // what came before it is there
		return fmt.Errorf("keep envelope: %w", s.err)
	}
	return nil
}

// keep lets an envelope be fetched, and takes back the blocks that it did not need.
// fault.Gone where it was destroyed meanwhile.
func (s *Store) keep(ctx context.Context, id courier.EnvelopeID, size int64) error {
	var freed []int64
	if err := s.tx(ctx, func(tx *sql.Tx) (err error) {
		r, err := tx.ExecContext(ctx, "UPDATE item SET size = ? WHERE id = ?", size, string(id))
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil {
			return err
		} else if n == 0 {
			return fault.Gone
		}
		if _, err := tx.ExecContext(ctx, "UPDATE envelope SET kept = 1 WHERE id = ?", string(id)); err != nil {
			return err
		}
		freed, err = query(ctx, tx, "DELETE FROM block WHERE item = ? AND seq >= ? RETURNING place", scanOne[int64], string(id), blocksFor(size))
		return err
	}); err != nil {
		return err
	}
	s.pool.give(freed)
	return nil
}

// Drop implements intake.Slot.
func (s *slot) Drop() {
	if s.done {
		return
	}
	s.done = true
	defer s.store.mark(s.id, false)
	s.store.DestroyEnvelopes(context.Background(), []courier.EnvelopeID{s.id}) // what stays is kept at the next start
}

// Envelopes implements intake.Envelopes. What could not be closed, for want of
// space, is listed with the rest. The size of what is neither is not known yet: it
// arrives, or was kept since the row was read.
func (s *Store) Envelopes(ctx context.Context) ([]courier.Envelope, error) {
	type row struct {
		courier.Envelope
		kept bool
	}
	rows, err := query(ctx, s.db, "SELECT id, day, size, kept FROM envelope JOIN item USING (id) ORDER BY id",
		func(r *sql.Rows) (e row, err error) { return e, r.Scan(&e.ID, &e.Day, &e.Size, &e.kept) })
	if err != nil {
		return nil, fmt.Errorf("list envelopes: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []courier.Envelope
	for _, e := range rows {
		if size, late := s.unkept[e.ID]; late {
			e.Size, e.kept = size, true
		}
		if e.kept {
			list = append(list, e.Envelope)
		}
	}
	return list, nil
}

// OpenEnvelope implements intake.Envelopes.
func (s *Store) OpenEnvelope(ctx context.Context, id courier.EnvelopeID) (io.ReadCloser, error) {
	s.mu.Lock()
	size, late := s.unkept[id] // before the row, which has the size from the moment when this has not
	s.mu.Unlock()
	r, err := s.openItem(ctx, "SELECT id, key, size FROM item JOIN envelope USING (id) WHERE id = ? AND (kept OR ?)", string(id), late)
	if err != nil {
		return nil, fmt.Errorf("open envelope: %w", err)
	}
	if late {
		r.size = size
	}
	return r, nil
}

// DestroyEnvelopes implements intake.Envelopes.
func (s *Store) DestroyEnvelopes(ctx context.Context, ids []courier.EnvelopeID) error {
	if err := s.erase(ctx, func(tx *sql.Tx) (freed []int64, changed bool, _ error) {
		for _, id := range ids {
			var there int
			if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM envelope WHERE id = ?", string(id)).Scan(&there); err != nil {
				return nil, false, err
			}
			if there == 0 {
				continue
			}
			places, err := deleteItem(ctx, tx, string(id))
			if err != nil {
				return nil, false, err
			}
			freed, changed = append(freed, places...), true
		}
		return freed, changed, nil
	}); err != nil {
		return fmt.Errorf("destroy envelopes: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		delete(s.unkept, id)
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
