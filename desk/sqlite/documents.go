package sqlite

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"

	"daylight/blob"
	"daylight/corpus"
	"daylight/desk"
	"daylight/fault"
	"daylight/ingest"
	"daylight/internal/sqlkit"
)

type documents struct{ *DB }

func (s documents) Ledger(c corpus.CollectionID) ingest.Ledger { return ledger{s.DB, c} }

// columns of an item, for scan; after them come body and text, or NULL.
const columns = `i.n, i.path, i.level, i.size, i.hash, i.state, i.reason, i.id, i.same, coalesce(h.path, ''), i.holds, i.plan, `

const tables = ` FROM items i LEFT JOIN items h ON h.n = i.holder `

const bodies = tables + `LEFT JOIN bodies b ON b.n = i.n `

func (s documents) scan(row interface{ Scan(...any) error }) (n int64, i desk.Item, err error) {
	var hash, id, same, body, text []byte
	var plan string
	err = row.Scan(&n, &i.Path, &i.Level, &i.Size, &hash, &i.State, &i.Reason, &id, &same, &i.Holder, &i.Holds, &plan, &body, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return n, i, fmt.Errorf("document: %w", fault.NotFound)
	}
	if err != nil {
		return n, i, err
	}
	copy(i.Hash[:], hash)
	copy(i.Of[:], same)
	if plan != "" {
		if err := json.Unmarshal([]byte(plan), &i.Plan); err != nil {
			return n, i, err
		}
	}
	switch {
	case body != nil:
		i.Document, err = s.unpack(body, text)
	case id != nil:
		i.Document = &corpus.Document{ID: corpus.DocumentID(id)}
	}
	return n, i, err
}

func (s documents) Get(ctx context.Context, c corpus.CollectionID, id corpus.DocumentID) (desk.Item, error) {
	_, i, err := s.scan(s.db.QueryRowContext(ctx, "SELECT "+columns+"b.body, b.text"+bodies+"WHERE i.id = ? AND i.collection = "+ofCollection, id[:], c))
	return i, err
}

// where is the condition that a filter says.
func where(c corpus.CollectionID, f desk.Filter) (string, []any) {
	cond, args := "WHERE i.collection = "+ofCollection, []any{c}
	add := func(s string, a ...any) { cond += " AND " + s; args = append(args, a...) }
	if len(f.States) > 0 {
		add("i.state IN (SELECT value FROM json_each(?))", array(f.States))
	}
	if len(f.Acts) > 0 {
		add("i.act IN (SELECT value FROM json_each(?))", array(f.Acts))
	}
	if f.Language != "" {
		add("i.language = ?", known(f.Language))
	}
	if f.Type != "" {
		add("i.type = ?", f.Type)
	}
	if f.Error {
		add("i.damaged = 1")
	}
	if f.Documents {
		add("i.id IS NOT NULL")
	}
	if f.Name != "" {
		add("instr(b.find, ?) > 0", strings.ToLower(f.Name))
	}
	if f.IDs != nil {
		ids := make([]string, len(f.IDs))
		for n, id := range f.IDs {
			ids[n] = hex.EncodeToString(id[:])
		}
		add("i.id IN (SELECT unhex(value) FROM json_each(?))", array(ids))
	}
	return cond, args
}

// unknown is how filters and counts name a language that is not known.
const unknown = "unknown"

func known(language string) string {
	if language == unknown {
		return ""
	}
	return language
}

func array[T any](list []T) string {
	b, err := json.Marshal(list)
	if err != nil {
		panic(err) // strings only
	}
	return string(b)
}

func (s documents) Each(ctx context.Context, c corpus.CollectionID, f desk.Filter, text bool) iter.Seq2[desk.Item, error] {
	depth := textless
	if text {
		depth = full
	}
	return s.each(ctx, c, f, depth)
}

func (s documents) Outline(ctx context.Context, c corpus.CollectionID) iter.Seq2[desk.Item, error] {
	return s.each(ctx, c, desk.Filter{}, bare)
}

// depth is how much is read of a document.
type depth int

const (
	bare     depth = iota // its id
	textless              // all but its text
	full
)

func (s documents) each(ctx context.Context, c corpus.CollectionID, f desk.Filter, how depth) iter.Seq2[desk.Item, error] {
	return func(yield func(desk.Item, error) bool) {
		err := s.rows(ctx, s.db, c, f, how, "ORDER BY i.n", nil, func(_ int64, i desk.Item) bool { return yield(i, nil) })
		if err != nil {
			yield(desk.Item{}, err)
		}
	}
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// rows hands the items that a filter chooses to f, until it says no.
func (s documents) rows(ctx context.Context, q querier, c corpus.CollectionID, f desk.Filter, how depth, end string, more []any, each func(int64, desk.Item) bool) error {
	cond, args := where(c, f)
	from := "NULL, NULL" + bodies
	switch {
	case how == full:
		from = "b.body, b.text" + bodies
	case how == textless:
		from = "b.body, NULL" + bodies
	case f.Name == "": // which looks into bodies
		from = "NULL, NULL" + tables
	}
	rows, err := q.QueryContext(ctx, "SELECT "+columns+from+cond+" "+end, append(args, more...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		n, i, err := s.scan(rows)
		if err != nil {
			return err
		}
		if !each(n, i) {
			return nil
		}
	}
	return rows.Err()
}

func (s documents) Page(ctx context.Context, c corpus.CollectionID, f desk.Filter, skip, n int) (items []desk.Item, total int, err error) {
	cond, args := where(c, f)
	from := " FROM items i "
	if f.Name != "" {
		from += "JOIN bodies b ON b.n = i.n "
	}
	if err := s.db.QueryRowContext(ctx, "SELECT count(*)"+from+cond, args...).Scan(&total); err != nil {
		return nil, 0, err
	}
	err = s.rows(ctx, s.db, c, f, textless, "ORDER BY i.n LIMIT ? OFFSET ?", []any{n, skip}, func(_ int64, i desk.Item) bool {
		items = append(items, i)
		return true
	})
	return items, total, err
}

func (s documents) Parts(ctx context.Context, c corpus.CollectionID, path string) (items []desk.Item, err error) {
	err = s.rows(ctx, s.db, c, desk.Filter{}, textless,
		"AND i.holder = (SELECT n FROM items WHERE collection = "+ofCollection+" AND path = ?) ORDER BY i.n", []any{c, path},
		func(_ int64, i desk.Item) bool { items = append(items, i); return true })
	return items, err
}

func (s documents) Places(ctx context.Context, c corpus.CollectionID, id corpus.DocumentID) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT path FROM items WHERE collection = `+ofCollection+` AND id = ?
		UNION ALL SELECT path FROM (SELECT path FROM items WHERE same = ? AND collection = `+ofCollection+` ORDER BY n)`, c, id[:], id[:], c)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var paths []string
	for rows.Next() {
		var p string
		if err := rows.Scan(&p); err != nil {
			return nil, err
		}
		paths = append(paths, p)
	}
	return paths, rows.Err()
}

// updateGroup is how many items are read before they are written: a table is not
// read while it changes.
const updateGroup = 2000

func (s documents) Update(ctx context.Context, c corpus.CollectionID, f desk.Filter, change func(*desk.Item) error) (int, error) {
	total := 0
	err := sqlkit.Tx(ctx, s.db, func(tx *sql.Tx) error {
		write, err := tx.PrepareContext(ctx, "UPDATE items SET state = ?, reason = ?, act = ?, plan = ?, indexed = max(indexed, ?) WHERE n = ?")
		if err != nil {
			return err
		}
		defer write.Close()
		type numbered struct {
			n int64
			desk.Item
		}
		for last := int64(0); ; {
			var group []numbered
			err := s.rows(ctx, tx, c, f, textless, "AND i.n > ? ORDER BY i.n LIMIT ?", []any{last, updateGroup},
				func(n int64, i desk.Item) bool { group = append(group, numbered{n, i}); return true })
			if err != nil || len(group) == 0 {
				return err
			}
			for _, g := range group {
				before := g.Document
				if err := change(&g.Item); err != nil {
					return err
				}
				plan, err := body(g.Plan)
				if err != nil {
					return err
				}
				gone := g.State == corpus.Destroyed // never to be indexed again
				if _, err := write.ExecContext(ctx, string(g.State), string(g.Reason), string(g.Plan.Act), plan, gone, g.n); err != nil {
					return err
				}
				if g.Document != before {
					if err := s.replace(ctx, tx, g.n, g.Item); err != nil {
						return err
					}
				}
				last = g.n
				total++
			}
		}
	})
	return total, err
}

// replace writes another document in place of one; its text and its bytes' hash go.
func (s documents) replace(ctx context.Context, tx *sql.Tx, n int64, i desk.Item) error {
	p, err := s.pack(i.Document, i.Path)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE bodies SET find = ?, body = ?, text = NULL WHERE n = ?", p.find, p.body, n); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "UPDATE items SET language = ?, type = ?, damaged = ? WHERE n = ?",
		i.Document.Language(), i.Document.Type, i.Document.Error != "", n)
	return err
}

func (s documents) Needs(ctx context.Context, ref blob.Ref) (ok bool, err error) {
	return ok, s.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM items WHERE hash = ? AND id IS NOT NULL AND state != ?)",
		ref[:], string(corpus.Destroyed)).Scan(&ok)
}

func (s documents) Count(ctx context.Context, c corpus.CollectionID, facet string) (map[string]int, error) {
	switch facet {
	case "state", "act", "language", "type":
	default:
		return nil, fmt.Errorf("facet %q: %w", facet, fault.Invalid)
	}
	rows, err := s.db.QueryContext(ctx, "SELECT "+facet+", count(*) FROM items WHERE collection = "+ofCollection+
		" AND id IS NOT NULL GROUP BY 1", c)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	counts := map[string]int{}
	for rows.Next() {
		var value string
		var n int
		if err := rows.Scan(&value, &n); err != nil {
			return nil, err
		}
		if value == "" && facet != "act" {
			value = unknown
		}
		counts[value] += n
	}
	return counts, rows.Err()
}
