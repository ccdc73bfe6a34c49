package sqlite

import (
	"context"
	"crypto/cipher"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"daylight/courier"
	"daylight/fault"
)

// settle ends everything that changes the store, a beat among it, in the same way:
// the log goes into the database, and all files get the same times. Where it fails,
// what was done is done; a beat tries again, and says so.
func (s *Store) settle(ctx context.Context) error {
	// When somebody waits for the database it may stay in the log: a beat takes it.
	s.db.ExecContext(context.WithoutCancel(ctx), "PRAGMA wal_checkpoint(TRUNCATE)")
	return s.touch()
}

// touch gives the folder and all files in it the same times: that of the last change
// is now, which nobody can set otherwise, so it is the last time that something
// happened or a beat came. The others are days. That of the last read lies in the
// future, because Linux then leaves it alone (relatime), when somebody reads replies
// or the courier fetches.
func (s *Store) touch() error {
	today := time.Now().UTC().Truncate(24 * time.Hour)
	files, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("times of files: %w", err)
	}
	names := []string{s.dir}
	for _, f := range files {
		names = append(names, filepath.Join(s.dir, f.Name()))
	}
	for _, name := range names {
		if err := os.Chtimes(name, today.AddDate(0, 0, 3), today); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("times of files: %w", kind(err))
		}
	}
	return nil
}

// Beat implements intake.Upkeep: it writes to the pool and to the database what
// means nothing, has the rows lie as they are sorted, and ends as an arrival does.
func (s *Store) Beat(ctx context.Context) error {
	err := s.pool.stir()
	if err == nil {
		err = s.pool.file.Sync()
	}
	if err == nil {
		err = s.keepLate(ctx)
	}
	if err == nil {
		err = s.tx(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "UPDATE upkeep SET beat = ?", random(keySize))
			return err
		})
	}
	if err == nil {
		_, err = s.db.ExecContext(ctx, "VACUUM")
	}
	if err = errors.Join(err, s.settle(ctx)); err != nil {
		return fmt.Errorf("beat: %w", kind(err))
	}
	return nil
}

// keepLate keeps what the database did not take before.
func (s *Store) keepLate(ctx context.Context) error {
	s.mu.Lock()
	late := maps.Clone(s.unkept)
	s.mu.Unlock()
	for id, size := range late {
		if err := s.keep(ctx, id, size); err != nil && !errors.Is(err, fault.Gone) {
			return err
		}
		s.mu.Lock()
		delete(s.unkept, id)
		s.mu.Unlock()
	}
	return nil
}

// Rewritten implements intake.Upkeep.
func (s *Store) Rewritten(ctx context.Context) (day string, err error) {
	return day, s.db.QueryRowContext(ctx, "SELECT rewritten FROM upkeep").Scan(&day)
}

// Rewrite implements intake.Upkeep. It can end at any moment, and be begun again.
func (s *Store) Rewrite(ctx context.Context, day string) error {
	if err := s.expire(ctx, s.overOn(day)); err != nil {
		return fmt.Errorf("rewrite: destroy what is over: %w", err)
	}
	if err := s.move(ctx); err != nil {
		return fmt.Errorf("rewrite: %w", kind(err))
	}
	if err := s.renew(ctx, day); err != nil {
		return fmt.Errorf("rewrite: %w", kind(err))
	}
	return nil
}

// overOn is the day up to which a rewrite destroys. A clock that is wrong must not end
// everything at once: it is no more than a day after that of the last, also when that
// did not finish. So what a gap ended goes with the next day's.
func (s *Store) overOn(day string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if day != s.tried {
		last, _ := time.Parse(time.DateOnly, s.tried)
		s.over, s.tried = min(day, last.AddDate(0, 0, 1).Format(time.DateOnly)), day
	}
	return s.over
}

// expire destroys what was to be kept until the day, and in any case takes a new
// root key. What is still arriving, into blocks that its slot knows, has a week more.
func (s *Store) expire(ctx context.Context, day string) error {
	return s.erase(ctx, func(tx *sql.Tx) (freed []int64, _ bool, err error) {
		for _, id := range s.arriving() {
			if _, err := tx.ExecContext(ctx, "UPDATE item SET until = date(?1, '7 days') WHERE id = ?2 AND until <= ?1", day, string(id)); err != nil {
				return nil, false, err
			}
		}
		freed, err = query(ctx, tx, "SELECT place FROM block JOIN item ON item.id = block.item WHERE until <= ?", scanOne[int64], day)
		if err != nil {
			return nil, false, err
		}
		for _, table := range []string{"item", "destroyed"} {
			if _, err := tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE until <= ?", day); err != nil {
				return nil, false, err
			}
		}
		return freed, true, nil
	})
}

// Purge destroys everything sealed, whatever its day, and forgets what was destroyed
// before. It says how many there were. The root key goes first: that needs no room,
// and nothing can be read from then on, whatever comes of the rest.
func (s *Store) Purge(ctx context.Context) (envelopes, replies int, err error) {
	row := s.db.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM envelope), (SELECT count(*) FROM reply)")
	if err := row.Scan(&envelopes, &replies); err != nil {
		return 0, 0, fmt.Errorf("purge: %w", err)
	}
	if err := s.spoilAll(); err != nil {
		return 0, 0, fmt.Errorf("purge: %w", err)
	}
	day, err := s.Rewritten(ctx)
	if err == nil {
		err = s.erase(ctx, s.deleteAll(ctx))
	}
	if err == nil {
		err = s.renew(ctx, day)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("purge: nothing can be read any more, but all is still listed: %w", kind(err))
	}
	return envelopes, replies, nil
}

// deleteAll deletes everything. What is still arriving goes too: but its slot may write
// to its blocks, so nothing else lies there before the next start.
func (s *Store) deleteAll(ctx context.Context) func(*sql.Tx) ([]int64, bool, error) {
	return func(tx *sql.Tx) (freed []int64, _ bool, err error) {
		for _, id := range s.arriving() {
			if _, err := tx.ExecContext(ctx, "DELETE FROM block WHERE item = ?", string(id)); err != nil {
				return nil, false, err
			}
		}
		if freed, err = query(ctx, tx, "SELECT place FROM block", scanOne[int64]); err != nil {
			return nil, false, err
		}
		for _, table := range []string{"item", "destroyed"} {
			if _, err := tx.ExecContext(ctx, "DELETE FROM "+table); err != nil {
				return nil, false, err
			}
		}
		return freed, true, nil
	}
}

// atOnce is how many blocks move with one commit.
const atOnce = 256

// moved is a block that moves.
type moved struct {
	item string
	seq  int64
	from block
	to   block
}

// move writes every block that is not arriving to another place, encrypted from
// another beginning. The database points to the old one until the new one is on the
// disk.
func (s *Store) move(ctx context.Context) error {
	buf := make([]byte, blockSize)
	var last moved
	for {
		vacant, _ := s.pool.vacant()
		n := max(1, min(atOnce, vacant))
		rows, err := query(ctx, s.db, "SELECT item, seq, place, iv FROM block WHERE (item, seq) > (?, ?) ORDER BY item, seq LIMIT ?",
			func(r *sql.Rows) (m moved, err error) { return m, r.Scan(&m.item, &m.seq, &m.from.place, &m.from.iv) }, last.item, last.seq, n)
		if err != nil || len(rows) == 0 {
			return err
		}
		last = rows[len(rows)-1]
		if err := s.moveSome(ctx, rows, buf); err != nil {
			return err
		}
	}
}

func (s *Store) moveSome(ctx context.Context, rows []moved, buf []byte) error {
	targets, err := s.pool.take(len(rows), 0)
	if err != nil {
		return err
	}
	free := places(targets) // until the rows point there
	defer func() { s.pool.give(free) }()
	going, err := s.copyBlocks(ctx, rows, targets, buf)
	if err != nil {
		return err
	}
	if err := s.pool.file.Sync(); err != nil {
		return err
	}
	s.layout.Lock()
	defer s.layout.Unlock()
	then := map[int64]bool{}
	for _, place := range free {
		then[place] = true
	}
	if err := s.tx(ctx, func(tx *sql.Tx) error {
		for _, m := range going {
			r, err := tx.ExecContext(ctx, "UPDATE block SET place = ?, iv = ? WHERE item = ? AND seq = ? AND place = ?",
				m.to.place, m.to.iv, m.item, m.seq, m.from.place)
			if err != nil {
				return err
			}
			if n, err := r.RowsAffected(); err != nil {
				return err
			} else if n == 1 { // otherwise it was destroyed meanwhile
				delete(then, m.to.place)
				then[m.from.place] = true
			}
		}
		return nil
	}); err != nil {
		return err
	}
	free = free[:0]
	for place := range then {
		free = append(free, place)
	}
	return nil
}

// copyBlocks copies blocks to their targets, and leaves out those of envelopes that
// are arriving or gone.
func (s *Store) copyBlocks(ctx context.Context, rows []moved, targets []block, buf []byte) (going []moved, _ error) {
	var item *reader
	for i, m := range rows {
		if s.isActive(courier.EnvelopeID(m.item)) {
			continue
		}
		if item == nil || item.item != m.item {
			var err error
			item, err = s.openItem(ctx, "SELECT id, key, size FROM item WHERE id = ?", m.item)
			if errors.Is(err, fault.NotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
		}
		m.to = targets[i]
		if _, err := s.pool.file.ReadAt(buf, m.from.place*blockSize); err != nil {
			return nil, err
		}
		cipher.NewCTR(item.key, m.from.iv).XORKeyStream(buf, buf)
		cipher.NewCTR(item.key, m.to.iv).XORKeyStream(buf, buf)
		if _, err := s.pool.file.WriteAt(buf, m.to.place*blockSize); err != nil {
			return nil, err
		}
		going = append(going, m)
	}
	return going, nil
}

// renew writes what nothing lies in: the free part of the pool, and the database
// without what was deleted.
func (s *Store) renew(ctx context.Context, day string) error {
	for place, more := int64(0), true; more; place++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		if more, err = s.pool.scrub(place); err != nil {
			return err
		}
	}
	if err := s.pool.file.Sync(); err != nil {
		return err
	}
	if _, err := s.db.ExecContext(ctx, "VACUUM"); err != nil {
		return err
	}
	if _, err := s.db.ExecContext(ctx, "UPDATE upkeep SET rewritten = ?", day); err != nil {
		return err
	}
	return s.settle(ctx)
}
