package ledgertest

import (
	"context"
	"slices"
	"sync"

	"daylight/blob"
	"daylight/corpus"
	"daylight/ingest"
	"daylight/search"
)

// Mem is a ledger in memory. It fulfils ingest.Ledger with all that is optional.
type Mem struct {
	mu      sync.Mutex
	records []ingest.Record
	at      map[string]int // into records
	hashes  map[blob.Ref]corpus.DocumentID
	done    map[string]bool
	indexed map[corpus.DocumentID]bool
}

// NewMem returns an empty one.
func NewMem() *Mem {
	return &Mem{at: map[string]int{}, hashes: map[blob.Ref]corpus.DocumentID{}, done: map[string]bool{}, indexed: map[corpus.DocumentID]bool{}}
}

func (m *Mem) Done(_ context.Context, path string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.done[path], nil
}

func (m *Mem) Find(_ context.Context, hash blob.Ref) (corpus.DocumentID, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id, ok := m.hashes[hash]
	return id, ok, nil
}

func (m *Mem) At(_ context.Context, path string) (blob.Ref, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i, ok := m.at[path]
	if !ok {
		return blob.Ref{}, false, nil
	}
	return m.records[i].Hash, true, nil
}

func (m *Mem) Commit(_ context.Context, records []ingest.Record, done []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range records {
		if _, ok := m.at[r.Path]; ok {
			continue
		}
		m.at[r.Path] = len(m.records)
		m.records = append(m.records, r)
		if r.Document != nil && !r.Hash.IsZero() {
			m.hashes[r.Hash] = r.Document.ID
		}
	}
	for _, path := range done {
		m.done[path] = true
	}
	return nil
}

func (m *Mem) Balance(context.Context) (corpus.Ledger, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var l corpus.Ledger
	for _, r := range m.records {
		l.Receive(r.Level, r.State, "", r.Size)
	}
	return l, nil
}

func (m *Mem) Messages(context.Context) (n int64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.records {
		if r.Message {
			n++
		}
	}
	return n, nil
}

func (m *Mem) Unindexed(_ context.Context, n int) (docs []corpus.Document, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.records {
		if r.State == corpus.Pending && !m.indexed[r.Document.ID] && len(docs) < n {
			docs = append(docs, *r.Document)
		}
	}
	return docs, nil
}

func (m *Mem) Indexed(_ context.Context, ids []corpus.DocumentID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		m.indexed[id] = true
	}
	return nil
}

func (m *Mem) IndexLost(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.indexed)
	return nil
}

func (m *Mem) Attached(_ context.Context, id corpus.DocumentID) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var a search.Attachments
	for _, r := range m.records {
		if r.State == corpus.Pending && r.Document.Parent == id {
			a.Add(r.Document)
		}
	}
	return a.String(), nil
}

// Records are all of them, in the order recorded.
func (m *Mem) Records() []ingest.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.records)
}
