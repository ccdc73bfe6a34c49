package desk_test

import (
	"context"
	"iter"
	"testing"

	"daylight/desk"
	"daylight/fault"
)

// forgedAudit is an audit log that somebody has changed in the database.
type forgedAudit struct {
	desk.Audit
	forge func(desk.Entry) (desk.Entry, bool)
}

func (f forgedAudit) Each(ctx context.Context, after int64) iter.Seq2[desk.Entry, error] {
	return func(yield func(desk.Entry, error) bool) {
		for e, err := range f.Audit.Each(ctx, after) {
			e, keep := f.forge(e)
			if keep && !yield(e, err) {
				return
			}
		}
	}
}

func TestAuditShowsAnyChange(t *testing.T) {
	w := world(t)
	received(t, w, "a.txt", "first")
	n, err := w.CheckAudit(t.Context())
	must(t, err)
	honest := w.Options.Stores.Audit
	for name, forge := range map[string]func(desk.Entry) (desk.Entry, bool){
		"another person": func(e desk.Entry) (desk.Entry, bool) {
			if e.Number == n/2 {
				e.By = "somebody"
			}
			return e, true
		},
		"another act": func(e desk.Entry) (desk.Entry, bool) {
			if e.Number == n/2 {
				e.Act += "!"
			}
			return e, true
		},
		"a line less": func(e desk.Entry) (desk.Entry, bool) { return e, e.Number != n/2 },
		"renumbered": func(e desk.Entry) (desk.Entry, bool) {
			if e.Number > n/2 {
				e.Number--
			}
			return e, true
		},
	} {
		w.Options.Stores.Audit = forgedAudit{honest, forge}
		w.Reopen()
		at, err := w.CheckAudit(t.Context())
		if err == nil || at > n/2 {
			t.Errorf("%s: held up to line %d, %v; want damage at line %d", name, at, err, n/2)
		}
		wantKind(t, err, fault.Damaged)
	}
}
