package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"daylight/blob"
	"daylight/corpus"
	"daylight/ingest"
	"daylight/internal/sqlkit"
	"daylight/search"
)

// ledger is the ingest.Ledger of one collection.
type ledger struct {
	*DB
	id corpus.CollectionID
}

const ofCollection = "(SELECT n FROM collections WHERE id = ?)"

func (l ledger) Done(ctx context.Context, path string) (ok bool, err error) {
	return ok, l.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM done WHERE collection = "+ofCollection+" AND path = ?)", l.id, path).Scan(&ok)
}

func (l ledger) Find(ctx context.Context, hash blob.Ref) (corpus.DocumentID, bool, error) {
	if hash.IsZero() {
		return corpus.DocumentID{}, false, nil
	}
	var raw []byte
	err := l.db.QueryRowContext(ctx, "SELECT id FROM items WHERE hash = ? AND id IS NOT NULL AND collection = "+ofCollection, hash[:], l.id).Scan(&raw)
	if errors.Is(err, sql.ErrNoRows) {
		return corpus.DocumentID{}, false, nil
	}
	var id corpus.DocumentID
	copy(id[:], raw)
	return id, err == nil, err
}

func (l ledger) At(ctx context.Context, path string) (hash blob.Ref, recorded bool, err error) {
	var raw []byte // nil where there were no bytes
	err = l.db.QueryRowContext(ctx, "SELECT hash FROM items WHERE collection = "+ofCollection+" AND path = ?", l.id, path).Scan(&raw)
	if errors.Is(err, sql.ErrNoRows) {
		return blob.Ref{}, false, nil
	}
	copy(hash[:], raw)
	return hash, err == nil, err
}

func (l ledger) Commit(ctx context.Context, records []ingest.Record, done []string) error {
	if len(records) == 0 && len(done) == 0 {
		return nil
	}
	// Compressing is the slow part; it needs no transaction.
	packed := make([]packed, len(records))
	for i, r := range records {
		var err error
		if packed[i], err = l.pack(r.Document, r.Path); err != nil {
			return fmt.Errorf("pack document: %w", err)
		}
	}
	return sqlkit.Tx(ctx, l.db, func(tx *sql.Tx) error {
		c := commit{ctx: ctx, tx: tx, placed: map[string]place{}, holders: map[int64]bool{}}
		if err := c.begin(l.id); err != nil {
			return err
		}
		defer c.end()
		for i, r := range records {
			if err := c.insert(r, packed[i]); err != nil {
				return fmt.Errorf("record item: %w", err)
			}
		}
		for _, path := range done {
			if _, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO done (collection, path) VALUES (?, ?)", c.collection, path); err != nil {
				return err
			}
		}
		return c.adopt()
	})
}

// packed is a document as it is kept.
type packed struct {
	find string
	body []byte
	text []byte
}

func (d *DB) pack(doc *corpus.Document, path string) (packed, error) {
	if doc == nil {
		return packed{}, nil
	}
	bare := *doc
	bare.Text = ""
	b, err := json.Marshal(bare)
	if err != nil {
		return packed{}, err
	}
	p := packed{find: strings.ToLower(doc.Title + "\n" + path), body: d.zip.EncodeAll(b, nil)}
	if doc.Text != "" {
		p.text = d.zip.EncodeAll([]byte(doc.Text), nil)
	}
	return p, nil
}

// commit writes one group.
type commit struct {
	ctx          context.Context
	tx           *sql.Tx
	collection   int64
	item, bodies *sql.Stmt
	find         *sql.Stmt
	placed       map[string]place // paths seen in this group
	holders      map[int64]bool   // items that are marked as holding something
}

type place struct {
	n     int64
	level int
}

func (c *commit) begin(id corpus.CollectionID) (err error) {
	if _, err = c.tx.ExecContext(c.ctx, "INSERT OR IGNORE INTO collections (id) VALUES (?)", id); err != nil {
		return err
	}
	if err = c.tx.QueryRowContext(c.ctx, "SELECT n FROM collections WHERE id = ?", id).Scan(&c.collection); err != nil {
		return err
	}
	if c.item, err = c.tx.PrepareContext(c.ctx, `INSERT OR IGNORE INTO items
		(collection, path, level, size, hash, state, id, same, holder, language, type, damaged, message, indexed)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, nullif(?, 0), ?, ?, ?, ?, ?)`); err != nil {
		return err
	}
	if c.bodies, err = c.tx.PrepareContext(c.ctx, "INSERT INTO bodies (n, find, body, text) VALUES (?, ?, ?, ?)"); err != nil {
		return err
	}
	c.find, err = c.tx.PrepareContext(c.ctx, "SELECT n, level FROM items WHERE collection = ? AND path = ?")
	return err
}

func (c *commit) end() {
	for _, s := range []*sql.Stmt{c.item, c.bodies, c.find} {
		if s != nil {
			s.Close()
		}
	}
}

func (c *commit) insert(r ingest.Record, p packed) error {
	holder, err := c.holder(r.Path, r.Level)
	if err != nil {
		return err
	}
	var hash, id, same any // NULL where there is none: an empty blob would not be
	if !r.Hash.IsZero() {
		hash = r.Hash[:]
	}
	var language, kind string
	var damaged, message bool
	indexed := true
	if d := r.Document; d != nil {
		id, language, kind = d.ID[:], d.Language(), d.Type
		damaged, indexed = d.Error != "", r.State != corpus.Pending
	}
	message = r.Message
	if !r.Of.IsZero() {
		same = r.Of[:]
	}
	done, err := c.item.ExecContext(c.ctx, c.collection, r.Path, r.Level, r.Size, hash, string(r.State), id, same, holder,
		language, kind, damaged, message, indexed)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return err // recorded before: it stays as it is
	}
	n, err := done.LastInsertId()
	if err != nil {
		return err
	}
	c.placed[r.Path] = place{n, r.Level}
	if p.body == nil {
		return nil
	}
	_, err = c.bodies.ExecContext(c.ctx, n, p.find, p.body, p.text)
	return err
}

// holder finds the item that one was found in: the longest beginning of its path,
// up to a slash, that is the path of an item one level up. Names may hold slashes,
// so the last slash need not be the one.
func (c *commit) holder(path string, level int) (int64, error) {
	if level == 0 {
		return 0, nil
	}
	for i := len(path) - 1; i > 0; i-- {
		if path[i] != '/' {
			continue
		}
		p, ok := c.placed[path[:i]]
		if !ok {
			err := c.find.QueryRowContext(c.ctx, c.collection, path[:i]).Scan(&p.n, &p.level)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return 0, err
			}
			c.placed[path[:i]] = p
		}
		if p.level != level-1 {
			continue
		}
		if !c.holders[p.n] {
			c.holders[p.n] = true
			_, err := c.tx.ExecContext(c.ctx, "UPDATE items SET holds = 1 WHERE n = ? AND holds = 0", p.n)
			return p.n, err
		}
		return p.n, nil
	}
	return 0, nil
}

// adopt gives parts that were recorded before their holder to it.
func (c *commit) adopt() error {
	rows, err := c.tx.QueryContext(c.ctx, "SELECT n, path, level FROM items WHERE collection = ? AND level > 0 AND holder IS NULL", c.collection)
	if err != nil {
		return err
	}
	type orphan struct {
		n     int64
		path  string
		level int
	}
	var lost []orphan
	for rows.Next() {
		var o orphan
		if err := rows.Scan(&o.n, &o.path, &o.level); err != nil {
			return errors.Join(err, rows.Close())
		}
		lost = append(lost, o)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, o := range lost {
		in, err := c.holder(o.path, o.level)
		if err != nil {
			return err
		}
		if in == 0 {
			continue
		}
		if _, err := c.tx.ExecContext(c.ctx, "UPDATE items SET holder = ? WHERE n = ?", in, o.n); err != nil {
			return err
		}
	}
	return nil
}

func (l ledger) Balance(ctx context.Context) (corpus.Ledger, error) {
	rows, err := l.db.QueryContext(ctx, `SELECT level, state, reason, count(*), sum(size) FROM items
		WHERE collection = `+ofCollection+` GROUP BY level, state, reason`, l.id)
	if err != nil {
		return corpus.Ledger{}, err
	}
	defer rows.Close()
	var sum corpus.Ledger
	for rows.Next() {
		var level int
		var state corpus.State
		var reason corpus.Reason
		var t corpus.Tally
		if err := rows.Scan(&level, &state, &reason, &t.Files, &t.Bytes); err != nil {
			return sum, err
		}
		add(&sum, level, state, reason, t)
	}
	return sum, rows.Err()
}

// add counts many items of one kind, as corpus.Ledger.Receive counts one.
func add(l *corpus.Ledger, level int, state corpus.State, reason corpus.Reason, t corpus.Tally) {
	for len(l.Levels) <= level {
		l.Levels = append(l.Levels, corpus.Balance{States: map[corpus.State]corpus.Tally{}, Reasons: map[corpus.Reason]corpus.Tally{}})
	}
	b := &l.Levels[level]
	plus := func(a corpus.Tally) corpus.Tally {
		return corpus.Tally{Files: a.Files + t.Files, Bytes: a.Bytes + t.Bytes}
	}
	b.Received = plus(b.Received)
	b.States[state] = plus(b.States[state])
	if state == corpus.Withheld {
		b.Reasons[reason] = plus(b.Reasons[reason])
	}
}

func (l ledger) Messages(ctx context.Context) (n int64, err error) {
	return n, l.db.QueryRowContext(ctx, "SELECT count(*) FROM items WHERE message = 1 AND collection = "+ofCollection, l.id).Scan(&n)
}

// Attached reads the parts of a document one by one until there is enough: a
// mailbox may have a million. A part may have been recorded in a duplicate of its
// parent, where a run was ended between the two.
func (l ledger) Attached(ctx context.Context, id corpus.DocumentID) (string, error) {
	rows, err := l.db.QueryContext(ctx, `SELECT body, text FROM bodies WHERE n IN (
		SELECT n FROM items WHERE holder IN (SELECT n FROM items WHERE id = ? UNION ALL SELECT n FROM items WHERE same = ?)
		AND id IS NOT NULL AND state NOT IN (?, ?)) ORDER BY n`,
		id[:], id[:], string(corpus.Quarantined), string(corpus.Destroyed))
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var found search.Attachments
	for !found.Full() && rows.Next() {
		var body, text sql.RawBytes
		if err := rows.Scan(&body, &text); err != nil {
			return "", err
		}
		part, err := l.unpack(body, text)
		if err != nil {
			return "", err
		}
		if part.Parent == id {
			found.Add(part)
		}
	}
	return found.String(), rows.Err()
}

func (l ledger) Unindexed(ctx context.Context, n int) ([]corpus.Document, error) {
	rows, err := l.db.QueryContext(ctx, `SELECT b.body, b.text FROM items i JOIN bodies b ON b.n = i.n
		WHERE i.indexed = 0 AND i.collection = `+ofCollection+` ORDER BY i.n LIMIT ?`, l.id, n)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var docs []corpus.Document
	for rows.Next() {
		var body, text sql.RawBytes
		if err := rows.Scan(&body, &text); err != nil {
			return nil, err
		}
		d, err := l.unpack(body, text)
		if err != nil {
			return nil, err
		}
		docs = append(docs, *d)
	}
	return docs, rows.Err()
}

func (d *DB) unpack(body, text []byte) (*corpus.Document, error) {
	b, err := d.raw.DecodeAll(body, nil)
	if err != nil {
		return nil, fmt.Errorf("document: %w", err)
	}
	var doc corpus.Document
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("document: %w", err)
	}
	if text != nil {
		t, err := d.raw.DecodeAll(text, nil)
		if err != nil {
			return nil, fmt.Errorf("text of document %s: %w", doc.ID, err)
		}
		doc.Text = string(t)
	}
	return &doc, nil
}

func (l ledger) IndexLost(ctx context.Context) error {
	_, err := l.db.ExecContext(ctx, "UPDATE items SET indexed = 0 WHERE collection = "+ofCollection+" AND state NOT IN (?, ?, ?)",
		l.id, string(corpus.Duplicate), string(corpus.Quarantined), string(corpus.Destroyed))
	return err
}

func (l ledger) Indexed(ctx context.Context, ids []corpus.DocumentID) error {
	return sqlkit.Tx(ctx, l.db, func(tx *sql.Tx) error {
		mark, err := tx.PrepareContext(ctx, "UPDATE items SET indexed = 1 WHERE id = ?")
		if err != nil {
			return err
		}
		defer mark.Close()
		for _, id := range ids {
			if _, err := mark.ExecContext(ctx, id[:]); err != nil {
				return err
			}
		}
		return nil
	})
}
