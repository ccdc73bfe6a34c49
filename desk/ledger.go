package desk

import (
	"context"
	"fmt"

	"daylight/corpus"
)

// Ledgers is the one equation of a collection, as it is and as the next release
// would leave it.
type Ledgers struct {
	Now   corpus.Ledger
	After corpus.Ledger
}

// Ledger computes both, and fails if either does not balance.
func (d *Desk) Ledger(ctx context.Context, by EditorID, id CaseID) (Ledgers, error) {
	c, err := d.Case(ctx, by, id)
	if err != nil {
		return Ledgers{}, err
	}
	f, err := d.fatesOf(ctx, c.Collection.ID)
	if err != nil {
		return Ledgers{}, fmt.Errorf("ledger: %w", err)
	}
	return d.ledgers(ctx, c.Collection.ID, f)
}

func (d *Desk) ledgers(ctx context.Context, c corpus.CollectionID, f *fates) (Ledgers, error) {
	var l Ledgers
	var err error
	if l.Now, err = d.o.Stores.Documents.Ledger(c).Balance(ctx); err != nil {
		return l, fmt.Errorf("ledger: %w", err)
	}
	for i, err := range d.o.Stores.Documents.Outline(ctx, c) {
		if err != nil {
			return l, fmt.Errorf("ledger: %w", err)
		}
		i.Released(f.of[i.ID()] == whole)
		l.After.Receive(i.Level, i.State, i.Reason, i.Size)
	}
	if err := l.Now.Check(); err != nil {
		return l, err
	}
	return l, l.After.Check()
}
