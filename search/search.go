// Package search is the contract of full-text search: the query language, what an
// index holds of a document, and what it answers. search/segment is our engine;
// searchtest and its brute-force oracle prove it.
//
// # What matches
//
// A word matches an equal folded form (text.Fold), or an equal stem in the
// document's main language. A phrase in quotes matches folded forms only, in
// order, inside one field. Words are joined by AND. A word that is several tokens
// (a hyphenated one, Han characters) is a phrase; one that is none matches nothing.
// See Parse for the language that people write.
//
// # What comes first
//
// The order by relevance is defined to the last bit, so that every engine gives the
// same pages and an oracle can check them. The score of a document is BM25 in whole
// units of 1/65,536, which makes a sum independent of its order:
//
//   - of And, the sum of its parts; of Or, the sum of those parts that match;
//     0 of Not, Is, Dates and All; 1 of a Prefix that matches;
//   - of a Word, Scorer.Units of its weight and its frequency; of a Phrase, the same
//     with the sum of its tokens' weights.
//
// The frequency is the number of times that the word (whichever form or stem) or
// the phrase stands in a field, times FieldWeight, summed over the fields asked.
// The weight is Scorer.Weight of the largest number, of the fields asked, of
// documents that hold the exact form there. Statistics are over the documents that
// can be found: deleted ones never count, however an engine keeps them.
package search

import (
	"context"
	"time"

	"daylight/corpus"
)

// Document is what an index holds of a document.
type Document struct {
	ID         corpus.DocumentID
	Collection corpus.CollectionID

	// Words. Text, Title, Name, From and To are searched by a bare word;
	// Attachment only by "attachment:".
	Title      string
	Text       string
	Name       string // file name
	From       string // names and addresses, apart by ", "
	To         string // To, Cc and Bcc, likewise
	Attachment string // the text and names of its parts, joined

	// Facets and filters.
	Date       time.Time // UTC, to the second; zero when unknown: year facet "unknown", matched by no range
	Language   string    // main language, "" is "unknown"
	Languages  []string  // all, with the main one
	Domain     string    // registrable domain of From, "" when none
	Type       string    // media type
	Origin     string
	Senders    []string // addresses, lower case
	Recipients []string // addresses, lower case
	Bulk       bool
	Message    [16]byte // equal for copies of one message (Message-ID and equal text); zero for what is not a message
}

// The facets. Each is the name of a filter in the query language too
// ("language:ru"). Those of one value count each document once; those of several
// count a document under each of its values.
const (
	Collection = "collection"
	Domain     = "domain"
	Language   = "language"
	Languages  = "languages" // several
	Origin     = "origin"
	Recipient  = "recipient" // several
	Sender     = "sender"    // several
	Type       = "type"
	Year       = "year" // UTC, four digits
)

// FacetNames are all of them.
var FacetNames = []string{Collection, Domain, Language, Languages, Origin, Recipient, Sender, Type, Year}

// Unknown is the value of a facet for a document that has none.
const Unknown = "unknown"

// Request asks for one page of hits and, over all that matches, totals and facets.
type Request struct {
	Query  Query // see Parse; nil matches everything
	Facets []FacetRequest
	Sort   Sort
	Limit  int    // hits wanted; 0 is none
	After  string // Result.Next of the page before; "" is the first page
}

// FacetRequest asks for the values of one facet.
type FacetRequest struct {
	Name  string
	Limit int // the most frequent values; 0 is all. Ties are in order of value.
}

// Sort is the order of hits. Ties are by date (newest first), then by id; a
// document without a date comes last.
type Sort string

const (
	ByRelevance Sort = "relevance" // the default
	ByNewest    Sort = "newest"
	ByOldest    Sort = "oldest"
)

// Result is the answer. Everything but the hits is exact and over all that matches.
type Result struct {
	Total            int // documents
	DistinctMessages int // messages, each counted once across collections, without bulk mail
	Facets           []Facet
	Hits             []Hit
	Next             string // cursor of the next page; "" when there is none
}

// Facet is the values of one facet over all that matches.
type Facet struct {
	Name     string
	Values   []Count
	Distinct int // how many different known values there are, beyond the limit too
}

// Count is a value and the number of documents that have it.
type Count struct {
	Value string `json:"value"`
	Count int    `json:"count"`
}

// Hit is one document that matches. Titles, dates and snippets come from the
// catalogue that the index is derived from.
type Hit struct {
	ID    corpus.DocumentID
	Score float64 // 0 unless the order is ByRelevance
}

// Searcher answers. It is safe for concurrent use; a search sees one state of the
// index from beginning to end.
type Searcher interface {
	// Search fails with fault.Invalid for a facet or sort that does not exist and
	// for a cursor that does not belong to this query, and when ctx is done.
	Search(ctx context.Context, r Request) (Result, error)
}

// Index is a Searcher that can be written.
type Index interface {
	Searcher

	// Apply deletes, then puts. A put replaces the document of the same id. When
	// Apply returns, the batch is durable and searchable, all of it; after a crash
	// in Apply, all of it or nothing is.
	Apply(ctx context.Context, b Batch) error

	// Len is the number of documents that can be found.
	Len() int

	Close() error
}

// Batch is documents to delete and to put.
type Batch struct {
	Delete []corpus.DocumentID
	Put    []Document
}
