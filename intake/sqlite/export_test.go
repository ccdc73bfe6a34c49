package sqlite

import (
	"context"
	"sync"
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
	var reading sync.WaitGroup
	reading.Go(read)
	time.Sleep(20 * time.Millisecond) // it waits for the connection
	s.mu.Lock()
	conn.Close()
	time.Sleep(20 * time.Millisecond) // it has read rows, and waits for memory
	err = s.keep(context.Background(), sl.id, sl.size)
	delete(s.active, sl.id)
	delete(s.unkept, sl.id)
	s.mu.Unlock()
	reading.Wait()
	return err
}

// IDOf is under which name a slot is kept.
func IDOf(sl intake.Slot) courier.EnvelopeID { return sl.(*slot).id }
