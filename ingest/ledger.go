package ingest

import (
	"context"

	"daylight/blob"
	"daylight/corpus"
)

// Record is one received item at any level of nesting: what a ledger keeps.
type Record struct {
	Path  string       // the way to it through containers, "outer.zip/inner.eml/report.pdf"; unique in a collection
	Level int          // 0 for what was handed in
	Size  int64        // bytes
	Hash  blob.Ref     // of the bytes; zero when there were none to keep
	State corpus.State // Pending (a document), Duplicate or Quarantined

	// Message is set for an e-mail that is not inside of another e-mail, duplicates
	// included: what Summary.Messages counts.
	Message bool

	// Document is set for Pending and Quarantined. For Duplicate, Of names the
	// document that has the same bytes.
	Document *corpus.Document
	Of       corpus.DocumentID
}

// Ledger is where ingest writes what it has done, so that nothing is lost and
// nothing is done twice. It is for one collection, and safe for concurrent use. The
// desk's storage fulfils it.
type Ledger interface {
	// Done reports whether the item at level 0 with this path is recorded with all
	// that is inside of it.
	Done(ctx context.Context, path string) (bool, error)

	// Find returns the document of the collection that has these bytes, whether it
	// is pending or quarantined.
	Find(ctx context.Context, hash blob.Ref) (corpus.DocumentID, bool, error)

	// Commit records a group of items, atomically and durably. done are the level-0
	// paths that are complete with it. The blobs of the records are committed
	// before. Paths already recorded are left as they are.
	Commit(ctx context.Context, records []Record, done []string) error

	// Balance is the equation over all that is recorded.
	Balance(ctx context.Context) (corpus.Ledger, error)

	// Unindexed yields up to n documents that the search index has not confirmed,
	// and Indexed confirms them.
	Unindexed(ctx context.Context, n int) ([]corpus.Document, error)
	Indexed(ctx context.Context, ids []corpus.DocumentID) error

	// IndexLost says that the index holds nothing any more: every document that it
	// should hold is unindexed again.
	IndexLost(ctx context.Context) error
}

// MessageCounter is a Ledger that can count its records with Message set. Summary
// is then about the whole collection, as its other figures are, and not only
// about what this run recorded.
type MessageCounter interface {
	Messages(ctx context.Context) (int64, error)
}

// Attacher is a Ledger that can join what was found in a document, so that the
// index gets it also after a crash: search.Attachments over the documents whose
// Parent it is, in the order recorded.
type Attacher interface {
	Attached(ctx context.Context, id corpus.DocumentID) (string, error)
}

// Placer is a Ledger that knows what is recorded at a path. With it, another file
// that is handed in under a path already taken (july/inbox.mbox after
// june/inbox.mbox) gets a path of its own; without it, a run cannot tell it from
// the one that is done, and takes it for that.
type Placer interface {
	// At returns the hash of the item recorded at a path; zero when there were no
	// bytes to keep.
	At(ctx context.Context, path string) (hash blob.Ref, recorded bool, err error)
}
