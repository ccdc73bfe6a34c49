package sqlite

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"daylight/fault"
	"daylight/internal/durable"
)

// sector is what a disk writes at once, and more than any file system keeps within
// an inode.
const sector = 4096

// root is the key that wraps the keys of all items. What a database leaves behind
// on a disk cannot be said: its log is cut off and begun again, its pages move. So
// destruction hangs on a file of two sectors, which are overwritten where they lie:
// one holds the key in use, the other is noise. The database says which, in turn; how
// often they took turns is counted nowhere.
type root struct {
	file *os.File

	mu   sync.Mutex
	turn int64
	key  cipher.AEAD // of turn; nil: not read yet
}

// openRoot opens the file, or makes it when nothing is wrapped yet.
func openRoot(path string, wrapped bool) (*root, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if wrapped {
			return nil, fmt.Errorf("the root key is not there: %w", fault.Damaged)
		}
		if err := durable.WriteFile(path, random(2*sector)); err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	return &root{file: f}, err
}

// of is the key that the database is wrapped with, by whoever asks within a
// transaction or while the layout is held.
func (r *root) of(ctx context.Context, q querier) (turn int64, key cipher.AEAD, err error) {
	if err := q.QueryRowContext(ctx, "SELECT turn FROM upkeep").Scan(&turn); err != nil {
		return 0, nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.key == nil || r.turn != turn {
		b := make([]byte, sector)
		if _, err := r.file.ReadAt(b, turn*sector); err != nil {
			return 0, nil, fmt.Errorf("read root key: %w", err)
		}
		if r.key, err = rootKey(b); err != nil {
			return 0, nil, err
		}
		r.turn = turn
	}
	return turn, r.key, nil
}

// rootKey hangs on every bit of a sector.
func rootKey(sector []byte) (cipher.AEAD, error) {
	sum := sha256.Sum256(sector)
	c, err := aes.NewCipher(sum[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(c)
}

// place writes a new key for a turn that has not come yet.
func (r *root) place(turn int64) (cipher.AEAD, error) {
	b := random(sector)
	if err := r.write(b, turn); err != nil {
		return nil, err
	}
	return rootKey(b)
}

// spoil overwrites the key of a turn that is over, and does not remember it.
func (r *root) spoil(turn int64) error {
	r.mu.Lock()
	r.key = nil
	r.mu.Unlock()
	return r.write(random(sector), turn)
}

// spoilAll overwrites the key of every turn: what it wraps can only be destroyed.
func (s *Store) spoilAll() error {
	s.layout.Lock()
	defer s.layout.Unlock()
	return errors.Join(s.root.spoil(0), s.root.spoil(1))
}

func (r *root) write(b []byte, turn int64) error {
	if _, err := r.file.WriteAt(b, turn*sector); err != nil {
		return fmt.Errorf("write root key: %w", kind(err))
	}
	if err := r.file.Sync(); err != nil {
		return fmt.Errorf("write root key: %w", kind(err))
	}
	return nil
}

// querier is a database or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// unwrapped is the key of an item.
func unwrapped(root cipher.AEAD, wrapped []byte) ([]byte, error) {
	key, err := root.Open(nil, nil, wrapped, nil)
	if err != nil {
		return nil, fmt.Errorf("key of an item: %w", fault.Damaged)
	}
	return key, nil
}

// erase runs f, which deletes items, and gives all that stay a new root key: who has
// an older image of the database, or of its log, has nothing to open it with. When f
// says that nothing was deleted, nothing happens.
func (s *Store) erase(ctx context.Context, f func(*sql.Tx) (freed []int64, changed bool, _ error)) error {
	s.layout.Lock()
	defer s.layout.Unlock()
	var turn int64
	var freed []int64
	changed := false
	err := s.tx(ctx, func(tx *sql.Tx) (err error) {
		var old cipher.AEAD
		if freed, changed, err = f(tx); err != nil || !changed {
			return err
		}
		if turn, old, err = s.root.of(ctx, tx); err != nil {
			return err
		}
		next, err := s.root.place(1 - turn)
		if err != nil {
			return err
		}
		if err := rewrap(ctx, tx, old, next); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE upkeep SET turn = 1 - turn")
		return err
	})
	if err != nil || !changed {
		return err
	}
	s.pool.give(freed)
	defer s.settle(ctx)
	return s.root.spoil(turn)
}

func rewrap(ctx context.Context, tx *sql.Tx, old, next cipher.AEAD) error {
	type row struct {
		id  string
		key []byte
	}
	rows, err := query(ctx, tx, "SELECT id, key FROM item", func(r *sql.Rows) (w row, err error) { return w, r.Scan(&w.id, &w.key) })
	if err != nil {
		return err
	}
	update, err := tx.PrepareContext(ctx, "UPDATE item SET key = ? WHERE id = ?")
	if err != nil {
		return err
	}
	defer update.Close()
	for _, r := range rows {
		key, err := unwrapped(old, r.key)
		if err != nil {
			return err
		}
		if _, err := update.ExecContext(ctx, next.Seal(nil, nil, key, nil), r.id); err != nil {
			return err
		}
	}
	return nil
}
