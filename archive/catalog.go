package archive

import (
	"context"
	"iter"
	"time"

	"daylight/blob"
	"daylight/corpus"
	"daylight/release"
)

// Catalog is what the archive knows of what was released, at the newest release
// that is switched on (Head.Release). It has no method that writes. It is safe
// for concurrent use, and sees a switch made by another process.
//
// What a method takes or gives in lists is in no order where it names none.
type Catalog interface {
	// Head is where the catalogue stands. An empty catalogue has the zero Head.
	Head(ctx context.Context) (Head, error)

	// Releases are those switched on, newest first.
	Releases(ctx context.Context) ([]Release, error)

	// Entry is the entry of a kind by its public id. What is not there is fault.NotFound.
	Entry(ctx context.Context, kind release.Kind, id string) (Entry, error)

	// Entries are all entries of a kind, by id. Not for documents and renditions.
	Entries(ctx context.Context, kind release.Kind) ([]Entry, error)

	// Rows are the documents of the given ids; those that are not there are
	// missing.
	Rows(ctx context.Context, ids []corpus.DocumentID) (map[corpus.DocumentID]Row, error)

	// Bodies are the document entries of the given ids, likewise.
	Bodies(ctx context.Context, ids []corpus.DocumentID) (map[corpus.DocumentID]Entry, error)

	// Parts are the documents whose parent is the given one, by name, then id, at
	// most limit of them, and how many there are.
	Parts(ctx context.Context, parent corpus.DocumentID, limit int) ([]Row, int, error)

	// PartBodies yields the document entries of all of these, as they were released.
	PartBodies(ctx context.Context, parent corpus.DocumentID) iter.Seq2[Entry, error]

	// Containers are those of the given documents that have parts.
	Containers(ctx context.Context, ids []corpus.DocumentID) (map[corpus.DocumentID]bool, error)

	// Renditions are the rendition entries of a document, by name.
	Renditions(ctx context.Context, id corpus.DocumentID) ([]Entry, error)

	// SameBytes are the documents, other than the given one, whose original is
	// this blob, at most limit of them, by id.
	SameBytes(ctx context.Context, id corpus.DocumentID, original blob.Ref, limit int) ([]Row, error)

	// Linked are the messages that carry or cite one of the Message-IDs, at most
	// limit of them, by date, then id.
	Linked(ctx context.Context, messageIDs []string, limit int) ([]Linked, error)

	// Brought is how many of a collection's documents come from which release.
	Brought(ctx context.Context, id corpus.CollectionID) (map[int]int, error)

	// Changed yields, in order of id, the documents that a release later than the
	// given one brought, changed or took away, and the parents of these.
	Changed(ctx context.Context, since int) iter.Seq2[Change, error]
}

// Store is a Catalog that can be written: by Importer, in a process of its own.
// One importer at a time.
type Store interface {
	Catalog

	// Begin goes on with staging a release, or starts it. What another release
	// staged without being switched on is dropped. A release that is not the next
	// one is fault.Conflict, unless the catalogue is empty.
	Begin(ctx context.Context, r Release) (Staging, error)

	// Switch makes a staged release the newest. It is one step: before it readers
	// see nothing of the release, after it all. A release that was not staged
	// whole is fault.Conflict.
	Switch(ctx context.Context, number int) error

	// Indexed records that the search index holds everything up to a release.
	Indexed(ctx context.Context, number int) error

	// Forget removes what no reader sees any more, so that it cannot be read back
	// from the file, and returns the blobs that nothing names any more. Blobs are
	// returned again until Forgotten says that they are deleted.
	Forget(ctx context.Context) ([]blob.Ref, error)
	Forgotten(ctx context.Context, refs []blob.Ref) error

	Close() error
}

// Staging takes the entries of one release, invisible to readers.
type Staging interface {
	// Done is how many entries are staged durably; to go on, skip so many.
	Done() int

	// Put stages entries that follow those already staged, all or none of them.
	Put(ctx context.Context, entries []Staged) error
}

// Head is where a catalogue stands.
type Head struct {
	Release int // the newest release that readers see; 0 is none
	Indexed int // the newest release that the search index holds
}

// Release is one release that was imported or is being imported.
type Release struct {
	Number     int
	Newsroom   string
	Day        string   // YYYY-MM-DD
	Checkpoint [32]byte // SHA-256 of the log's signed checkpoint: tells one release from another of its number
	Entries    int      // without those that were taken out of this copy
}

// Entry is one entry as it was signed, with all that a proof of it needs.
type Entry struct {
	release.Record
	Release int // that brought it
}

// Row is what lists show of a document.
type Row struct {
	ID         corpus.DocumentID
	Collection corpus.CollectionID
	Parent     corpus.DocumentID
	Title      string
	Name       string
	Type       string
	Size       int64
	Date       time.Time // UTC; zero when unknown
	Language   string
	Origin     corpus.OriginID
	State      corpus.State
	From       string // of an e-mail
}

// Linked is a message with what ties it to others.
type Linked struct {
	Row
	MessageID string
	Cites     []string
}

// Staged is an entry of a release with what the catalogue looks it up by.
type Staged struct {
	release.Record
	Row      *Row              // of a document. It replaces the document of the same id, and takes away its renditions
	Links    Links             // of a document
	Document corpus.DocumentID // of a rendition
	Name     string            // of a rendition, or of a withdrawal's rendition
	Original bool              // of a rendition: the bytes exactly as received
	Takes    corpus.DocumentID // of a withdrawal: the document that it takes away, with its renditions;
	//                            where Name is set, only the rendition of that name
}

// Links are the Message-IDs that tie a message to others.
type Links struct {
	MessageID string
	Cites     []string
}

// Change is a document that the search index must look at again.
type Change struct {
	ID   corpus.DocumentID
	Gone bool
}
