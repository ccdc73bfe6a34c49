package sqlite

import (
	"context"
	"database/sql"
	"os"
	"sync"
	"testing"
	"time"

	"daylight/courier"
	"daylight/intake"
)

// KeepWhile keeps a slot while somebody who reads is between the database and what
// stands in memory.
func (s *Store) KeepWhile(kept intake.Slot, read func()) error {
	sl := kept.(*slot)
	conn, err := s.db.Conn(context.Background()) // the only one
	if err != nil {
		return err
	}
	until := func(done func(sql.DBStats) bool) {
		for !done(s.db.Stats()) {
			time.Sleep(time.Millisecond)
		}
	}
	before := s.db.Stats().WaitCount
	var reading sync.WaitGroup
	reading.Go(read)
	until(func(now sql.DBStats) bool { return now.WaitCount > before }) // it waits for the connection
	s.mu.Lock()
	conn.Close()                                                // and it has it
	until(func(now sql.DBStats) bool { return now.InUse == 0 }) // it has read rows, and memory is not to be had
	err = s.keep(context.Background(), sl.id, sl.size)
	delete(s.active, sl.id)
	delete(s.unkept, sl.id)
	s.mu.Unlock()
	reading.Wait()
	return err
}

// IDOf is under which name a slot is kept.
func IDOf(sl intake.Slot) courier.EnvelopeID { return sl.(*slot).id }

// WhileBroken runs f while nothing can be written to the pool.
func (s *Store) WhileBroken(t *testing.T, f func()) {
	works := s.pool.file
	broken, err := os.Open(works.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer broken.Close()
	s.pool.file = broken
	defer func() { s.pool.file = works }()
	f()
}
