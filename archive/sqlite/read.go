package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"iter"
	"slices"
	"strings"
	"time"

	"daylight/archive"
	"daylight/blob"
	"daylight/corpus"
	"daylight/release"
)

const entryColumns = "first, leaf, salt, payload, size, body"

// Entry finds an entry by kind and id.
func (c *Catalog) Entry(ctx context.Context, kind release.Kind, id string) (archive.Entry, error) {
	row := c.db.QueryRowContext
	switch kind {
	case release.KindDocument:
		doc, err := corpus.ParseDocumentID(id)
		if err != nil {
			return archive.Entry{}, wrap("read document", sql.ErrNoRows)
		}
		e, err := c.entry(row(ctx, "SELECT first, leaf, salt, NULL, 0, body FROM live_document WHERE id = ?", doc[:]))
		e.Kind, e.ID = kind, id
		return e, wrap("read document", err)
	case release.KindRendition:
		of, name, _ := strings.Cut(id, "/")
		doc, err := corpus.ParseDocumentID(of)
		if err != nil {
			return archive.Entry{}, wrap("read rendition", sql.ErrNoRows)
		}
		e, err := c.entry(row(ctx, "SELECT "+entryColumns+" FROM live_rendition WHERE document = ? AND name = ?", doc[:], name))
		e.Kind, e.ID = kind, id
		return e, wrap("read rendition", err)
	}
	e, err := c.entry(row(ctx, "SELECT "+entryColumns+" FROM live_entry WHERE kind = ? AND id = ?", kind, id))
	e.Kind, e.ID = kind, id
	return e, wrap("read entry", err)
}

// entry scans entryColumns, after those that go into more.
func (c *Catalog) entry(row scanner, more ...any) (archive.Entry, error) {
	var e archive.Entry
	var salt, payload, body []byte
	var size int64
	if err := row.Scan(append(more, &e.Release, &e.Index, &salt, &payload, &size, &body)...); err != nil {
		return e, err
	}
	copy(e.Salt[:], salt)
	if payload != nil {
		e.Payload = &release.Payload{Size: size, SHA256: [32]byte(payload)}
	}
	var err error
	e.Body, err = c.unpack(body)
	return e, err
}

// Entries lists the entries of a kind.
func (c *Catalog) Entries(ctx context.Context, kind release.Kind) ([]archive.Entry, error) {
	scan := func(row scanner) (archive.Entry, error) {
		var id string
		e, err := c.entry(row, &id)
		e.Kind, e.ID = kind, id
		return e, err
	}
	return collect(ctx, c.db, scan, "SELECT id, "+entryColumns+" FROM live_entry WHERE kind = ? ORDER BY id", kind)
}

const rowColumns = "d.id, d.collection, d.parent, d.title, d.name, d.type, d.size, d.date, d.language, d.origin, d.state, d.sender"

func scanRow(row scanner) (archive.Row, error) { return scanRowAnd(row) }

func scanRowAnd(row scanner, more ...any) (archive.Row, error) {
	var r archive.Row
	var id, parent []byte
	var date sql.NullInt64
	err := row.Scan(append([]any{&id, &r.Collection, &parent, &r.Title, &r.Name, &r.Type, &r.Size, &date,
		&r.Language, &r.Origin, &r.State, &r.From}, more...)...)
	copy(r.ID[:], id)
	copy(r.Parent[:], parent)
	if date.Valid {
		r.Date = time.Unix(date.Int64, 0).UTC()
	}
	return r, err
}

// Rows reads what lists show of some documents.
func (c *Catalog) Rows(ctx context.Context, ids []corpus.DocumentID) (map[corpus.DocumentID]archive.Row, error) {
	found := make(map[corpus.DocumentID]archive.Row, len(ids))
	for part := range slices.Chunk(ids, 500) {
		rows, err := collect(ctx, c.db, scanRow,
			"SELECT "+rowColumns+" FROM live_document d WHERE d.id IN ("+marks(len(part))+")", idArgs(part)...)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			found[r.ID] = r
		}
	}
	return found, nil
}

// Bodies reads the entries of some documents.
func (c *Catalog) Bodies(ctx context.Context, ids []corpus.DocumentID) (map[corpus.DocumentID]archive.Entry, error) {
	found := make(map[corpus.DocumentID]archive.Entry, len(ids))
	scan := func(row scanner) (archive.Entry, error) {
		var id []byte
		e, err := c.entry(row, &id)
		e.Kind, e.ID = release.KindDocument, corpus.DocumentID(id).String()
		return e, err
	}
	for part := range slices.Chunk(ids, 500) {
		entries, err := collect(ctx, c.db, scan,
			"SELECT id, first, leaf, salt, NULL, 0, body FROM live_document WHERE id IN ("+marks(len(part))+")", idArgs(part)...)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			id, err := corpus.ParseDocumentID(e.ID)
			if err != nil {
				return nil, err
			}
			found[id] = e
		}
	}
	return found, nil
}

// Parts lists the parts of a container.
func (c *Catalog) Parts(ctx context.Context, parent corpus.DocumentID, limit int) ([]archive.Row, int, error) {
	var n int
	if err := c.db.QueryRowContext(ctx, "SELECT count(*) FROM live_document WHERE parent = ?", parent[:]).Scan(&n); err != nil {
		return nil, 0, wrap("count parts", err)
	}
	rows, err := collect(ctx, c.db, scanRow,
		"SELECT "+rowColumns+" FROM live_document d WHERE d.parent = ? ORDER BY d.name, d.id LIMIT ?", parent[:], limit)
	return rows, n, err
}

// PartBodies reads the entries of a container's parts one by one: a mailbox may
// have a million. Rows of one parent come in order of n without being sorted, which
// would take them all.
func (c *Catalog) PartBodies(ctx context.Context, parent corpus.DocumentID) iter.Seq2[archive.Entry, error] {
	return func(yield func(archive.Entry, error) bool) {
		rows, err := c.db.QueryContext(ctx, `SELECT id, first, leaf, salt, NULL, 0, body FROM document
			WHERE parent = ? AND first <= (SELECT release FROM head) AND last > (SELECT release FROM head) ORDER BY n`, parent[:])
		if err != nil {
			yield(archive.Entry{}, wrap("read parts", err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var id []byte
			e, err := c.entry(rows, &id)
			if err == nil {
				e.Kind, e.ID = release.KindDocument, corpus.DocumentID(id).String()
			}
			if !yield(e, wrap("read parts", err)) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(archive.Entry{}, wrap("read parts", err))
		}
	}
}

// Containers finds those with parts.
func (c *Catalog) Containers(ctx context.Context, ids []corpus.DocumentID) (map[corpus.DocumentID]bool, error) {
	found := map[corpus.DocumentID]bool{}
	for part := range slices.Chunk(ids, 500) {
		parents, err := collect(ctx, c.db, func(row scanner) (id corpus.DocumentID, err error) {
			var b []byte
			err = row.Scan(&b)
			copy(id[:], b)
			return id, err
		}, "SELECT DISTINCT parent FROM live_document WHERE parent IN ("+marks(len(part))+")", idArgs(part)...)
		if err != nil {
			return nil, err
		}
		for _, id := range parents {
			found[id] = true
		}
	}
	return found, nil
}

// Renditions lists the renditions of a document.
func (c *Catalog) Renditions(ctx context.Context, id corpus.DocumentID) ([]archive.Entry, error) {
	scan := func(row scanner) (archive.Entry, error) {
		var name string
		e, err := c.entry(row, &name)
		e.Kind, e.ID = release.KindRendition, id.String()+"/"+name
		return e, err
	}
	return collect(ctx, c.db, scan, "SELECT name, "+entryColumns+" FROM live_rendition WHERE document = ? ORDER BY name", id[:])
}

// SameBytes lists the other documents with the same original.
func (c *Catalog) SameBytes(ctx context.Context, id corpus.DocumentID, original blob.Ref, limit int) ([]archive.Row, error) {
	return collect(ctx, c.db, scanRow, "SELECT "+rowColumns+` FROM live_rendition r JOIN live_document d ON d.id = r.document
		WHERE r.payload = ? AND r.original AND r.document <> ? ORDER BY d.id LIMIT ?`, original[:], id[:], limit)
}

// Linked lists the messages that carry or cite Message-IDs.
func (c *Catalog) Linked(ctx context.Context, messageIDs []string, limit int) ([]archive.Linked, error) {
	asked, err := json.Marshal(messageIDs) // one argument, however many there are
	if err != nil {
		return nil, err
	}
	scan := func(row scanner) (archive.Linked, error) {
		var l archive.Linked
		var own, cites sql.NullString
		var err error
		if l.Row, err = scanRowAnd(row, &own, &cites); err != nil {
			return l, err
		}
		l.MessageID = own.String
		if cites.Valid {
			err = json.Unmarshal([]byte(cites.String), &l.Cites)
		}
		return l, err
	}
	return collect(ctx, c.db, scan, "SELECT "+rowColumns+`,
		(SELECT min(message) FROM link WHERE link.document = d.n AND own),
		(SELECT json_group_array(message) FROM link WHERE link.document = d.n AND NOT own)
		FROM live_document d
		WHERE d.n IN (SELECT document FROM link WHERE message IN (SELECT value FROM json_each(?)))
		ORDER BY d.date, d.id LIMIT ?`, string(asked), limit)
}

// Brought counts the documents of a collection by release.
func (c *Catalog) Brought(ctx context.Context, id corpus.CollectionID) (map[int]int, error) {
	type step struct{ release, files int }
	steps, err := collect(ctx, c.db, func(row scanner) (s step, err error) {
		err = row.Scan(&s.release, &s.files)
		return s, err
	}, "SELECT first, count(*) FROM live_document WHERE collection = ? GROUP BY first", id)
	brought := map[int]int{}
	for _, s := range steps {
		brought[s.release] = s.files
	}
	return brought, err
}

// Changed yields what the index must look at again.
func (c *Catalog) Changed(ctx context.Context, since int) iter.Seq2[archive.Change, error] {
	return func(yield func(archive.Change, error) bool) {
		// A document whose version ended is gone only where no other is live.
		rows, err := c.db.QueryContext(ctx, `
			WITH touched AS (
				SELECT id, parent FROM document, head WHERE first > ?1 AND first <= head.release
				UNION SELECT id, parent FROM document, head WHERE last > ?1 AND last <= head.release
			), wanted AS (SELECT id FROM touched UNION SELECT parent FROM touched WHERE parent IS NOT NULL)
			SELECT id, NOT EXISTS (SELECT 1 FROM live_document d WHERE d.id = wanted.id) FROM wanted ORDER BY id`, since)
		if err != nil {
			yield(archive.Change{}, wrap("list changes", err))
			return
		}
		defer rows.Close()
		for rows.Next() {
			var ch archive.Change
			var id []byte
			err := rows.Scan(&id, &ch.Gone)
			copy(ch.ID[:], id)
			if !yield(ch, wrap("list changes", err)) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(archive.Change{}, wrap("list changes", err))
		}
	}
}

func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }

func idArgs(ids []corpus.DocumentID) []any {
	args := make([]any, len(ids))
	for i := range ids {
		args[i] = ids[i][:]
	}
	return args
}
