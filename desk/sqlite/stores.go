package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"time"

	"daylight/blob"
	"daylight/corpus"
	"daylight/courier"
	"daylight/custody"
	"daylight/desk"
	"daylight/fault"
	"daylight/internal/sqlkit"
)

type receipts struct{ db *sql.DB }

func (s receipts) Put(ctx context.Context, of blob.Ref, r custody.Receipt) error {
	b, err := body(r)
	if err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, "INSERT OR IGNORE INTO receipts (hash, body) VALUES (?, ?)", of[:], b)
	return err
}

func (s receipts) Get(ctx context.Context, of blob.Ref) (r custody.Receipt, err error) {
	return r, one(s.db.QueryRowContext(ctx, "SELECT body FROM receipts WHERE hash = ?", of[:]), &r)
}

func (s receipts) Drop(ctx context.Context, of blob.Ref) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM receipts WHERE hash = ?", of[:])
	return err
}

type saved struct{ db *sql.DB }

func (s saved) All(ctx context.Context) ([]desk.SavedReply, error) {
	return list[desk.SavedReply](ctx, s.db, "SELECT body FROM saved ORDER BY title, id")
}

func (s saved) Put(ctx context.Context, r desk.SavedReply) error {
	b, err := body(r)
	if err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, "INSERT OR REPLACE INTO saved (id, title, body) VALUES (?, ?, ?)", r.ID, r.Title, b)
	return err
}

func (s saved) Drop(ctx context.Context, id string) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM saved WHERE id = ?", id)
	return err
}

type users struct{ db *sql.DB }

func (s users) User(ctx context.Context, id desk.EditorID) (u desk.User, err error) {
	return u, one(s.db.QueryRowContext(ctx, "SELECT body FROM users WHERE id = ?", id), &u)
}

func (s users) All(ctx context.Context) ([]desk.User, error) {
	return list[desk.User](ctx, s.db, "SELECT body FROM users ORDER BY id")
}

func (s users) Put(ctx context.Context, u desk.User) error {
	b, err := body(u)
	if err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, "INSERT OR REPLACE INTO users (id, body) VALUES (?, ?)", u.ID, b)
	return err
}

func (s users) PutToken(ctx context.Context, t desk.Token) error {
	_, err := s.db.ExecContext(ctx, "INSERT OR REPLACE INTO tokens (hash, session, editor, made, seen) VALUES (?, ?, ?, ?, ?)",
		t.Hash[:], t.Session, t.Editor, t.Made.Unix(), t.Seen.Unix())
	return err
}

func (s users) Token(ctx context.Context, hash [32]byte) (desk.Token, error) {
	return token(hash, s.db.QueryRowContext(ctx, "SELECT session, editor, made, seen FROM tokens WHERE hash = ?", hash[:]))
}

func (s users) TakeToken(ctx context.Context, hash [32]byte) (desk.Token, error) {
	return token(hash, s.db.QueryRowContext(ctx, "DELETE FROM tokens WHERE hash = ? RETURNING session, editor, made, seen", hash[:]))
}

func token(hash [32]byte, row *sql.Row) (desk.Token, error) {
	t := desk.Token{Hash: hash}
	var made, seen int64
	err := row.Scan(&t.Session, &t.Editor, &made, &seen)
	if errors.Is(err, sql.ErrNoRows) {
		return t, fmt.Errorf("token: %w", fault.NotFound)
	}
	t.Made, t.Seen = time.Unix(made, 0).UTC(), time.Unix(seen, 0).UTC()
	return t, err
}

func (s users) Touch(ctx context.Context, hash [32]byte, seen time.Time) error {
	_, err := s.db.ExecContext(ctx, "UPDATE tokens SET seen = ? WHERE hash = ?", seen.Unix(), hash[:])
	return err
}

func (s users) DropTokens(ctx context.Context, of desk.EditorID, before time.Time) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM tokens WHERE editor = ? OR made < ?", of, before.Unix())
	return err
}

type conversations struct{ db *sql.DB }

func (s conversations) Get(ctx context.Context, id desk.ConversationID) (c desk.Conversation, err error) {
	return c, one(s.db.QueryRowContext(ctx, "SELECT body FROM conversations WHERE id = ?", id), &c)
}

func (s conversations) All(ctx context.Context) ([]desk.Conversation, error) {
	return list[desk.Conversation](ctx, s.db, "SELECT body FROM conversations ORDER BY id")
}

// How a key is written in JSON, which no text in it can be: see the indexes.
const (
	isReplying = `instr(body, '"sealed":') > 0`
	isOfACase  = `instr(body, '"cases":') > 0`
)

func (s conversations) Replying(ctx context.Context) ([]desk.Conversation, error) {
	return list[desk.Conversation](ctx, s.db, "SELECT body FROM conversations WHERE "+isReplying+" ORDER BY id")
}

func (s conversations) Of(ctx context.Context, c desk.CaseID) ([]desk.Conversation, error) {
	return list[desk.Conversation](ctx, s.db, "SELECT body FROM conversations WHERE "+isOfACase+
		" AND EXISTS (SELECT 1 FROM json_each(body, '$.cases') WHERE value = ?) ORDER BY id", c)
}

func (s conversations) Update(ctx context.Context, id desk.ConversationID, f func(*desk.Conversation) error) error {
	return update(ctx, s.db, "SELECT body FROM conversations WHERE id = ?", "UPDATE conversations SET body = ? WHERE id = ?", string(id), f)
}

func (s conversations) Receive(ctx context.Context, e courier.EnvelopeID, box courier.MailboxID, f func(*desk.Conversation) error) error {
	return sqlkit.Tx(ctx, s.db, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO envelopes (id) VALUES (?)", e)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return err
		}
		var c desk.Conversation
		err = fault.NotFound
		if box != "" {
			err = one(tx.QueryRowContext(ctx, "SELECT body FROM conversations WHERE mailbox = ?", box), &c)
		}
		if errors.Is(err, fault.NotFound) {
			c, err = desk.NewConversation(), nil
		}
		if err != nil {
			return err
		}
		if err := f(&c); err != nil {
			return err
		}
		b, err := body(c)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT OR REPLACE INTO conversations (id, mailbox, body) VALUES (?, nullif(?, ''), ?)", c.ID, box, b)
		return err
	})
}

func (s conversations) Received(ctx context.Context, e courier.EnvelopeID) (ok bool, err error) {
	return ok, s.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM envelopes WHERE id = ?)", e).Scan(&ok)
}

type envelopes struct{ db *sql.DB }

func (s envelopes) Put(ctx context.Context, u desk.Unopened) error {
	var kept []byte
	if !u.Kept.IsZero() {
		kept = u.Kept[:]
	}
	_, err := s.db.ExecContext(ctx, "INSERT OR REPLACE INTO unopened (id, day, size, kept, why) VALUES (?, ?, ?, ?, ?)", u.ID, u.Day, u.Size, kept, u.Why)
	return err
}

const selectUnopened = "SELECT id, day, size, kept, why FROM unopened "

func unopened(row interface{ Scan(...any) error }) (u desk.Unopened, err error) {
	var kept []byte
	err = row.Scan(&u.ID, &u.Day, &u.Size, &kept, &u.Why)
	copy(u.Kept[:], kept)
	return u, err
}

func (s envelopes) Get(ctx context.Context, id courier.EnvelopeID) (desk.Unopened, error) {
	u, err := unopened(s.db.QueryRowContext(ctx, selectUnopened+"WHERE id = ?", id))
	if errors.Is(err, sql.ErrNoRows) {
		return u, fmt.Errorf("envelope: %w", fault.NotFound)
	}
	return u, err
}

func (s envelopes) All(ctx context.Context) (all []desk.Unopened, err error) {
	rows, err := s.db.QueryContext(ctx, selectUnopened+"ORDER BY day DESC, id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		u, err := unopened(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, u)
	}
	return all, rows.Err()
}

func (s envelopes) Drop(ctx context.Context, id courier.EnvelopeID) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM unopened WHERE id = ?", id)
	return err
}

type cases struct{ db *sql.DB }

func (s cases) Add(ctx context.Context, c desk.Case) error {
	b, err := body(c)
	if err != nil {
		return err
	}
	done, err := s.db.ExecContext(ctx, "INSERT OR IGNORE INTO cases (id, collection, body) VALUES (?, ?, ?)", c.ID, c.Collection.ID, b)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, fmt.Errorf("case: there is one already: %w", fault.Conflict))
	}
	return nil
}

func (s cases) Get(ctx context.Context, id desk.CaseID) (c desk.Case, err error) {
	return c, one(s.db.QueryRowContext(ctx, "SELECT body FROM cases WHERE id = ?", id), &c)
}

func (s cases) Of(ctx context.Context, id corpus.CollectionID) (c desk.Case, err error) {
	return c, one(s.db.QueryRowContext(ctx, "SELECT body FROM cases WHERE collection = ?", id), &c)
}

func (s cases) All(ctx context.Context) ([]desk.Case, error) {
	return list[desk.Case](ctx, s.db, "SELECT body FROM cases ORDER BY n DESC")
}

func (s cases) Update(ctx context.Context, id desk.CaseID, f func(*desk.Case) error) error {
	return update(ctx, s.db, "SELECT body FROM cases WHERE id = ?", "UPDATE cases SET body = ? WHERE id = ?", string(id), f)
}

type releases struct{ db *sql.DB }

func (s releases) Put(ctx context.Context, r desk.Release) error {
	b, err := body(r)
	if err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, "INSERT OR REPLACE INTO releases (number, body) VALUES (?, ?)", r.Number, b)
	return err
}

func (s releases) Drop(ctx context.Context, number int) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM releases WHERE number = ?", number)
	return err
}

func (s releases) All(ctx context.Context) ([]desk.Release, error) {
	return list[desk.Release](ctx, s.db, "SELECT body FROM releases ORDER BY number")
}

type audit struct{ db *sql.DB }

func (s audit) Append(ctx context.Context, next func(last desk.Entry) desk.Entry) error {
	return sqlkit.Tx(ctx, s.db, func(tx *sql.Tx) error {
		last, err := entry(tx.QueryRowContext(ctx, "SELECT number, at, editor, act, thing, hash FROM audit ORDER BY number DESC LIMIT 1"))
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		e := next(last)
		_, err = tx.ExecContext(ctx, "INSERT INTO audit (number, at, editor, act, thing, hash) VALUES (?, ?, ?, ?, ?, ?)",
			e.Number, e.At.Unix(), e.By, e.Act, e.On, e.Hash[:])
		return err
	})
}

func entry(row interface{ Scan(...any) error }) (desk.Entry, error) {
	var e desk.Entry
	var at int64
	var hash []byte
	if err := row.Scan(&e.Number, &at, &e.By, &e.Act, &e.On, &hash); err != nil {
		return desk.Entry{}, err
	}
	e.At = time.Unix(at, 0).UTC()
	copy(e.Hash[:], hash)
	return e, nil
}

func (s audit) Each(ctx context.Context, after int64) iter.Seq2[desk.Entry, error] {
	return func(yield func(desk.Entry, error) bool) {
		rows, err := s.db.QueryContext(ctx, "SELECT number, at, editor, act, thing, hash FROM audit WHERE number > ? ORDER BY number", after)
		if err != nil {
			yield(desk.Entry{}, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			e, err := entry(rows)
			if !yield(e, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(desk.Entry{}, err)
		}
	}
}
