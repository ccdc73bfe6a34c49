package archive

import (
	"context"
	"time"

	"daylight/blob"
	"daylight/corpus"
	"daylight/release"
	"daylight/search"
	"daylight/text"
)

// Reader is everything that the public pages are given. No method writes.
//
// What was never there, or was never released, is fault.NotFound: the two cannot
// be told apart. What was withdrawn is a *WithdrawnError.
type Reader interface {
	// Status says which release answers come from.
	Status(ctx context.Context) (Status, error)

	// Overview is the totals and the coverage of everything.
	Overview(ctx context.Context) (Overview, error)

	// Search answers a query in the language of search.Parse. A query that cannot
	// be read is a *search.SyntaxError.
	Search(ctx context.Context, r SearchRequest) (Results, error)

	// Count counts what a query matches.
	Count(ctx context.Context, query string, measure corpus.Measure) (Count, error)

	Collections(ctx context.Context) ([]Collection, error) // by title
	Collection(ctx context.Context, id corpus.CollectionID) (Collection, error)

	Document(ctx context.Context, id corpus.DocumentID) (Document, error)

	// Rendition opens the bytes of a rendition. Who calls must close it.
	Rendition(ctx context.Context, id corpus.DocumentID, name string) (Rendition, blob.Reader, error)

	Entities(ctx context.Context) ([]Entity, error) // by title, as the next
	Entity(ctx context.Context, id corpus.EntityID) (Entity, error)
	Topics(ctx context.Context) ([]Topic, error)
	Topic(ctx context.Context, id corpus.TopicID) (Topic, error)
	Origins(ctx context.Context) ([]Origin, error)
	Origin(ctx context.Context, id corpus.OriginID) (Origin, error)
	Answers(ctx context.Context) ([]Answer, error) // by id
	Answer(ctx context.Context, id corpus.AnswerID) (Answer, error)

	// Proof is the text file that proves a document (name "") or one of its
	// renditions without this archive; see release.VerifyProof.
	Proof(ctx context.Context, id corpus.DocumentID, name string) ([]byte, error)

	// Log is the publication log as this archive holds it.
	Log(ctx context.Context) (Log, error)
}

// Status says which release answers come from.
type Status struct {
	Release  int    // 0 while there is none
	Day      string // of the release, YYYY-MM-DD
	Newsroom string
	Indexing bool // the index does not hold all of the release yet: counts may be short
	Releases []Release
}

// Overview is the totals and the coverage of everything.
type Overview struct {
	Status    Status
	Files     Count
	Messages  Count // distinct, without bulk mail
	Languages int   // main languages, as far as known
	Origins   Count
	Years     Count

	ByTopic      []Share
	ByOrigin     []Share
	ByLanguage   []Share
	ByCollection []Share
	ByYear       []Share // in order of year
	ByType       []Share
}

// Share is the number of files of one value of a facet, or of a topic.
type Share struct {
	Value string // of the facet, or id of the topic
	Title string // for people; "" where Value says it
	N     int
	Query string // that counts them again
}

// Count is a number that anybody can count again.
type Count struct {
	N       int
	Measure corpus.Measure
	Query   string
	Release int       // the newest release that it counts
	Day     string    // of that release
	Of      []Version // the collections that what it counts comes from, by title
}

// Version is a collection at a version.
type Version struct {
	ID      corpus.CollectionID
	Title   string
	Version int
	Files   int // that match
}

// SearchRequest asks for a page of hits.
type SearchRequest struct {
	Query   string
	Facets  []search.FacetRequest
	Sort    search.Sort
	Limit   int
	After   string
	Snippet int // characters of a snippet; 0 is none
}

// Results are the answer to a SearchRequest.
type Results struct {
	Query  search.Query
	Result search.Result
	Hits   []Hit
	Status Status
	Took   time.Duration
}

// Hit is a document that was found.
type Hit struct {
	Row
	Snippet []text.Span
}

// Collection is a collection with all that stands on top of it.
type Collection struct {
	corpus.Collection
	Release     int    // that brought this version
	Day         string // of that release
	Files       Count
	Messages    Count
	Ledger      *corpus.Ledger // nil when none was released
	Decisions   []Decision     // newest first
	Corrections []Correction   // newest first
	History     []Step         // newest first
	ByYear      []Share        // in order of year, as far as known
	ByOrigin    []Share
	ByLanguage  []Share
	ByType      []Share
}

// Step is what one release brought to a collection, of what is there today.
type Step struct {
	Release int
	Day     string
	Files   int
}

// Document is one document for people.
type Document struct {
	release.Document
	Release     int
	Day         string
	In          corpus.Collection
	OriginTitle string
	Container   *Row  // what it was found in
	Parts       []Row // at most MaxParts
	PartsTotal  int
	Thread      []Row // of an e-mail: all messages of the conversation, with itself; nil when alone
	Copies      []Row // the same bytes elsewhere
	Renditions  []Rendition
	Corrections []Correction
}

// MaxParts is how many parts, messages of a thread, and copies a Document lists.
const MaxParts = 500

// Rendition is something of a document that can be downloaded.
type Rendition struct {
	release.Rendition
	Size     int64
	SHA256   blob.Ref
	Original bool // exactly as received
}

// Entity, Topic and Origin come with their counts.
type Entity struct {
	corpus.Entity
	Query    string
	Files    Count
	Messages Count
	ByYear   []Share
	Release  int
}

// Topic is a named query with its counts.
type Topic struct {
	corpus.Topic
	Files    Count
	Messages Count
	ByYear   []Share
	Release  int
}

// Origin is a body that material comes from, with its counts.
type Origin struct {
	corpus.Origin
	Files    Count
	Messages Count
	ByYear   []Share
	Release  int
}

// Answer is an answer with its counts run.
type Answer struct {
	corpus.Answer
	Release  int
	Day      string
	Counts   []*Count   // one for each claim; nil for claims that count nothing
	Evidence []Evidence // one for each claim
}

// Evidence is how the document that a claim names stands today.
type Evidence struct {
	Row
	Named     bool // the claim names a document
	Missing   bool // it was never released here
	Withdrawn bool
	Corrected bool // by a correction released after the answer
	Changed   bool // released anew after the answer
}

// Decision is the public record of a decision.
type Decision struct {
	release.Decision
	Release int
}

// Correction says what was wrong.
type Correction struct {
	release.Correction
	Release int
}

// Log is the publication log.
type Log struct {
	Size        int64
	Root        string // base64, as in the checkpoint
	Origin      string // name of the log
	Checkpoint  []byte // signed note
	Keys        []string
	Releases    []Release
	Withdrawals []WithdrawnError
	KeyEvents   []Key // the last of each key, the newest first
}

// Key is what happened last to a key of the newsroom.
type Key struct {
	release.Key
	Release int
}
