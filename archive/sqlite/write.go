package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"daylight/archive"
	"daylight/blob"
	"daylight/corpus"
	"daylight/fault"
	"daylight/internal/sqlkit"
	"daylight/release"
)

// Begin starts or goes on with staging a release.
func (c *Catalog) Begin(ctx context.Context, r archive.Release) (archive.Staging, error) {
	s := &staging{c: c, number: r.Number}
	err := sqlkit.Tx(ctx, c.db, func(tx *sql.Tx) error {
		var head int
		if err := tx.QueryRow("SELECT release FROM head").Scan(&head); err != nil {
			return err
		}
		if r.Number <= head || head > 0 && r.Number != head+1 {
			return fmt.Errorf("release %d after release %d: %w", r.Number, head, fault.Conflict)
		}
		if err := dropOthers(ctx, tx, head, r); err != nil {
			return err
		}
		err := tx.QueryRow("SELECT staged FROM release WHERE number = ?", r.Number).Scan(&s.done)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		_, err = tx.Exec("INSERT INTO release VALUES (?, ?, ?, ?, ?, 0)", r.Number, r.Newsroom, r.Day, r.Checkpoint[:], r.Entries)
		return err
	})
	return s, wrap("begin release", err)
}

// dropOthers takes back what was staged of any release but this one.
func dropOthers(ctx context.Context, tx *sql.Tx, head int, r archive.Release) error {
	for {
		var number int
		err := tx.QueryRow("SELECT number FROM release WHERE number > ? AND (number <> ? OR checkpoint <> ?)",
			head, r.Number, r.Checkpoint[:]).Scan(&number)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, q := range []string{
			"DELETE FROM entry WHERE first = ?", "DELETE FROM rendition WHERE first = ?", "DELETE FROM document WHERE first = ?",
			fmt.Sprintf("UPDATE entry SET last = %d WHERE last = ?", forever),
			fmt.Sprintf("UPDATE rendition SET last = %d WHERE last = ?", forever),
			fmt.Sprintf("UPDATE document SET last = %d WHERE last = ?", forever),
			"DELETE FROM release WHERE number = ?",
		} {
			if _, err := tx.ExecContext(ctx, q, number); err != nil {
				return err
			}
		}
	}
}

type staging struct {
	c            *Catalog
	number, done int
}

func (s *staging) Done() int { return s.done }

// Put stages entries in one transaction with their number.
func (s *staging) Put(ctx context.Context, entries []archive.Staged) error {
	bodies := make([][]byte, len(entries))
	for i := range entries {
		bodies[i] = s.c.pack(entries[i].Body) // before the lock is taken
	}
	err := sqlkit.Tx(ctx, s.c.db, func(tx *sql.Tx) error {
		w, err := prepare(ctx, tx)
		if err != nil {
			return err
		}
		defer w.close()
		for i := range entries {
			if err := w.put(s.number, &entries[i], bodies[i]); err != nil {
				return fmt.Errorf("entry %d: %w", s.done+i, err)
			}
		}
		_, err = tx.Exec("UPDATE release SET staged = staged + ? WHERE number = ?", len(entries), s.number)
		return err
	})
	if err == nil {
		s.done += len(entries)
	}
	return wrap("stage release", err)
}

// writer holds the statements of one transaction.
type writer struct {
	endEntry, addEntry, addLink                               *sql.Stmt
	knowsDocument, endDocument, dropDocument, addDocument     *sql.Stmt
	endRendition, endRenditions, dropRenditions, addRendition *sql.Stmt
}

func prepare(ctx context.Context, tx *sql.Tx) (*writer, error) {
	w := &writer{}
	for _, s := range []struct {
		to    **sql.Stmt
		query string
	}{
		{&w.endEntry, "UPDATE entry SET last = ?1 WHERE kind = ?2 AND id = ?3 AND first < ?1 AND last > ?1"},
		{&w.addEntry, "INSERT OR REPLACE INTO entry (kind, id, first, last, leaf, salt, payload, size, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"},
		{&w.knowsDocument, "SELECT EXISTS (SELECT 1 FROM document WHERE id = ?1)"},
		{&w.endDocument, "UPDATE document SET last = ?1 WHERE id = ?2 AND first < ?1 AND last > ?1"},
		{&w.dropDocument, "DELETE FROM document WHERE first = ?1 AND id = ?2"},
		{&w.dropRenditions, "DELETE FROM rendition WHERE first = ?1 AND document = ?2"},
		{&w.addDocument, `INSERT INTO document (id, first, last, collection, parent, title, name, type, size, date, language,
			origin, state, sender, leaf, salt, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&w.endRenditions, "UPDATE rendition SET last = ?1 WHERE document = ?2 AND first < ?1 AND last > ?1"},
		{&w.endRendition, "UPDATE rendition SET last = ?1 WHERE document = ?2 AND name = ?3 AND first < ?1 AND last > ?1"},
		{&w.addRendition, `INSERT OR REPLACE INTO rendition (document, name, first, last, original, leaf, salt, payload, size, body)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&w.addLink, "INSERT OR IGNORE INTO link (message, document, own) VALUES (?, ?, ?)"},
	} {
		var err error
		if *s.to, err = tx.PrepareContext(ctx, s.query); err != nil {
			w.close()
			return nil, err
		}
	}
	return w, nil
}

func (w *writer) close() {
	for _, s := range []*sql.Stmt{w.endEntry, w.addEntry, w.addLink, w.knowsDocument, w.endDocument, w.dropDocument, w.addDocument,
		w.endRendition, w.endRenditions, w.dropRenditions, w.addRendition} {
		if s != nil {
			s.Close()
		}
	}
}

func (w *writer) put(number int, e *archive.Staged, body []byte) error {
	switch {
	case e.Row != nil:
		return w.document(number, e, body)
	case e.Kind == release.KindRendition:
		if _, err := w.endRendition.Exec(number, e.Document[:], e.Name); err != nil {
			return err
		}
		hash, size := payload(e)
		_, err := w.addRendition.Exec(e.Document[:], e.Name, number, forever, e.Original, e.Index, e.Salt[:], hash, size, body)
		return err
	case e.Takes.IsZero():
	case e.Name != "":
		if _, err := w.endRendition.Exec(number, e.Takes[:], e.Name); err != nil {
			return err
		}
	default:
		if err := w.end(number, e.Takes); err != nil {
			return err
		}
	}
	if _, err := w.endEntry.Exec(number, e.Kind, e.ID); err != nil {
		return err
	}
	hash, size := payload(e)
	_, err := w.addEntry.Exec(e.Kind, e.ID, number, forever, e.Index, e.Salt[:], hash, size, body)
	return err
}

// end takes a document away, with its renditions: from readers of this release on,
// and whole where this release brought it itself.
func (w *writer) end(number int, id corpus.DocumentID) error {
	var known bool
	if err := w.knowsDocument.QueryRow(id[:]).Scan(&known); err != nil || !known {
		return err // most are new: one look-up instead of four changes
	}
	for _, s := range []*sql.Stmt{w.endDocument, w.endRenditions, w.dropDocument, w.dropRenditions} {
		if _, err := s.Exec(number, id[:]); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) document(number int, e *archive.Staged, body []byte) error {
	r := e.Row
	if err := w.end(number, r.ID); err != nil {
		return err
	}
	var parent, date any
	if !r.Parent.IsZero() {
		parent = r.Parent[:]
	}
	if !r.Date.IsZero() {
		date = r.Date.Unix()
	}
	res, err := w.addDocument.Exec(r.ID[:], number, forever, r.Collection, parent, r.Title, r.Name, r.Type, r.Size, date,
		r.Language, r.Origin, r.State, r.From, e.Index, e.Salt[:], body)
	if err != nil {
		return err
	}
	n, err := res.LastInsertId()
	if err != nil {
		return err
	}
	if e.Links.MessageID != "" {
		if _, err := w.addLink.Exec(e.Links.MessageID, n, true); err != nil {
			return err
		}
	}
	for _, m := range e.Links.Cites {
		if _, err := w.addLink.Exec(m, n, false); err != nil {
			return err
		}
	}
	return nil
}

// payload gives the columns of an entry's payload.
func payload(e *archive.Staged) (hash any, size int64) {
	if e.Payload == nil {
		return nil, 0
	}
	return e.Payload.SHA256[:], e.Payload.Size
}

// Switch makes a staged release the one that readers see.
func (c *Catalog) Switch(ctx context.Context, number int) error {
	err := sqlkit.Tx(ctx, c.db, func(tx *sql.Tx) error {
		res, err := tx.Exec(`UPDATE head SET release = ?1 WHERE release < ?1
			AND EXISTS (SELECT 1 FROM release WHERE number = ?1 AND staged = entries)`, number)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 1 {
			return err
		}
		return fmt.Errorf("release %d is not staged whole, or not newer: %w", number, fault.Conflict)
	})
	return wrap("switch release on", err)
}

// Indexed records how far the index is.
func (c *Catalog) Indexed(ctx context.Context, number int) error {
	_, err := c.db.ExecContext(ctx, "UPDATE head SET indexed = min(?, release)", number)
	return wrap("record index", err)
}

// Forget removes rows that no release shows any more. Those that the index has
// not dropped yet stay, because Changed needs them.
func (c *Catalog) Forget(ctx context.Context) ([]blob.Ref, error) {
	err := sqlkit.Tx(ctx, c.db, func(tx *sql.Tx) error {
		for _, q := range []string{
			"DELETE FROM rendition WHERE last <= (SELECT min(release, indexed) FROM head)",
			"DELETE FROM document WHERE last <= (SELECT min(release, indexed) FROM head)",
			"DELETE FROM entry WHERE last <= (SELECT release FROM head)",
			// The same bytes may stand in another document, which keeps them.
			"DELETE FROM doomed WHERE blob IN (SELECT payload FROM rendition) OR blob IN (SELECT payload FROM entry WHERE payload IS NOT NULL)",
		} {
			if _, err := tx.ExecContext(ctx, q); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, wrap("forget", err)
	}
	// The write-ahead log still holds the old pages until it is folded in.
	if _, err := c.db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		return nil, wrap("forget", err)
	}
	return collect(ctx, c.db, func(row scanner) (blob.Ref, error) {
		var b []byte
		err := row.Scan(&b)
		var ref blob.Ref
		copy(ref[:], b)
		return ref, err
	}, "SELECT blob FROM doomed")
}

// Forgotten records that blobs are deleted.
func (c *Catalog) Forgotten(ctx context.Context, refs []blob.Ref) error {
	err := sqlkit.Tx(ctx, c.db, func(tx *sql.Tx) error {
		for _, r := range refs {
			if _, err := tx.ExecContext(ctx, "DELETE FROM doomed WHERE blob = ?", bytes.Clone(r[:])); err != nil {
				return err
			}
		}
		return nil
	})
	return wrap("forget", err)
}
