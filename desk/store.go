package desk

import (
	"context"
	"iter"
	"time"

	"daylight/blob"
	"daylight/corpus"
	"daylight/courier"
	"daylight/custody"
	"daylight/ingest"
)

// Stores is where the desk keeps what it knows, split by use. desk/sqlite fulfils
// it; desktest proves it. Every method is safe for concurrent use; what is
// returned without an error from a method that writes survives a crash. What is
// not there is fault.NotFound. No rule of the desk is in a store: Update hands the
// thing to a function of the role's own, and keeps what it leaves.
type Stores struct {
	Users         Users
	Conversations Conversations
	Envelopes     Envelopes
	Cases         Cases
	Documents     Documents
	Releases      Releases
	Receipts      Receipts
	Saved         Saved
	Audit         Audit
}

// Users keeps accounts, one-time links and sessions.
type Users interface {
	User(ctx context.Context, id EditorID) (User, error)
	// All is in the order of ids.
	All(ctx context.Context) ([]User, error)
	// Put adds an account or replaces the one with its id.
	Put(ctx context.Context, u User) error

	// PutToken keeps a token, or replaces the one with its hash.
	PutToken(ctx context.Context, t Token) error
	Token(ctx context.Context, hash [32]byte) (Token, error)
	// TakeToken returns a token and forgets it, in one step: of two calls at the
	// same time one gets it.
	TakeToken(ctx context.Context, hash [32]byte) (Token, error)
	// Touch notes the last use of a token, if it is still there.
	Touch(ctx context.Context, hash [32]byte, seen time.Time) error
	// DropTokens forgets all tokens of an account ("" is nobody), and everybody's that were
	// made before.
	DropTokens(ctx context.Context, of EditorID, before time.Time) error
}

// Conversations keeps conversations.
type Conversations interface {
	Get(ctx context.Context, id ConversationID) (Conversation, error)
	// All is in no particular order.
	All(ctx context.Context) ([]Conversation, error)
	// Replying are those with a reply that intake has not taken yet. It does not read the
	// others.
	Replying(ctx context.Context) ([]Conversation, error)
	// Of are those of which a case was made. It does not read those of which none was.
	Of(ctx context.Context, c CaseID) ([]Conversation, error)
	// Update hands the conversation to f and keeps what f leaves, unless f fails.
	Update(ctx context.Context, id ConversationID, f func(*Conversation) error) error

	// Receive does the same for the conversation with a mailbox, or a new one where
	// there is none or the mailbox is "", and notes the envelope as received. An
	// envelope that was received before changes nothing, and f is not called.
	Receive(ctx context.Context, e courier.EnvelopeID, box courier.MailboxID, f func(*Conversation) error) error
	// Received reports whether an envelope was received.
	Received(ctx context.Context, e courier.EnvelopeID) (bool, error)
}

// Envelopes keeps what is known of the envelopes that did not open.
type Envelopes interface {
	// Put adds one, or replaces the one with its id.
	Put(ctx context.Context, u Unopened) error
	Get(ctx context.Context, id courier.EnvelopeID) (Unopened, error)
	// All is in the order of days, the newest first.
	All(ctx context.Context) ([]Unopened, error)
	// Drop forgets one. What is not there is no error.
	Drop(ctx context.Context, id courier.EnvelopeID) error
}

// Cases keeps cases.
type Cases interface {
	// Add fails with fault.Conflict when there is one with this id or collection.
	Add(ctx context.Context, c Case) error
	Get(ctx context.Context, id CaseID) (Case, error)
	// Of returns the case of a collection.
	Of(ctx context.Context, c corpus.CollectionID) (Case, error)
	// All is in the order in which they were added, the newest first.
	All(ctx context.Context) ([]Case, error)
	// Update hands the case to f and keeps what f leaves, unless f fails.
	Update(ctx context.Context, id CaseID, f func(*Case) error) error
}

// Filter chooses items. The zero value chooses all; fields are joined by AND.
type Filter struct {
	States    []corpus.State
	Acts      []Act // of the plan
	Language  string
	Type      string
	Error     bool                // only documents of which something could not be read
	Documents bool                // no duplicates
	IDs       []corpus.DocumentID // nil is all, empty is none
	Name      string              // part of the title or the path, in any case
}

// Documents keeps the items of all collections.
type Documents interface {
	// Ledger is where ingest writes for a collection. It fulfils
	// ingest.MessageCounter too.
	Ledger(c corpus.CollectionID) ingest.Ledger

	// Get returns the item of a document, with its text.
	Get(ctx context.Context, c corpus.CollectionID, id corpus.DocumentID) (Item, error)

	// Each yields the items in the order in which they were recorded. Documents have
	// no text unless text is set.
	Each(ctx context.Context, c corpus.CollectionID, f Filter, text bool) iter.Seq2[Item, error]

	// Outline yields all items in the same order, with nothing of a document but its
	// id: reading all of millions takes its time.
	Outline(ctx context.Context, c corpus.CollectionID) iter.Seq2[Item, error]

	// Page returns up to n items, in the same order, without text: those after the
	// first skip ones. total is how many there are.
	Page(ctx context.Context, c corpus.CollectionID, f Filter, skip, n int) (items []Item, total int, err error)

	// Parts returns what was found in the item with this path, without text.
	Parts(ctx context.Context, c corpus.CollectionID, path string) ([]Item, error)

	// Places returns the paths of a document: its own, then those of its duplicates.
	Places(ctx context.Context, c corpus.CollectionID, id corpus.DocumentID) ([]string, error)

	// Update hands the items of documents to f, one by one, and keeps what f leaves
	// of State, Reason, Plan and Document: of all of them, or none when f fails.
	// Items do not carry their text; a Document that f has replaced loses it.
	Update(ctx context.Context, c corpus.CollectionID, f Filter, change func(*Item) error) (int, error)

	// Needs reports whether an item of any collection, not destroyed, has these bytes.
	Needs(ctx context.Context, ref blob.Ref) (bool, error)

	// Count counts documents by the values that occur, for filters: facets are
	// "state", "act", "language" and "type".
	Count(ctx context.Context, c corpus.CollectionID, facet string) (map[string]int, error)
}

// Releases keeps what was released.
type Releases interface {
	// Put adds a release, or replaces the one with its number.
	Put(ctx context.Context, r Release) error
	// Drop forgets one that was not published.
	Drop(ctx context.Context, number int) error
	// All is in the order of numbers.
	All(ctx context.Context) ([]Release, error)
}

// Receipts keeps what intake signed for files, by the files' bytes. Nothing in it says
// in which conversation they came.
type Receipts interface {
	// Put keeps a receipt. The first one for the same bytes stays.
	Put(ctx context.Context, of blob.Ref, r custody.Receipt) error
	Get(ctx context.Context, of blob.Ref) (custody.Receipt, error)
	// Drop forgets it, with bytes that are destroyed.
	Drop(ctx context.Context, of blob.Ref) error
}

// Saved keeps the texts of handlers.
type Saved interface {
	// All is in the order of titles.
	All(ctx context.Context) ([]SavedReply, error)
	// Put adds one or replaces the one with its id.
	Put(ctx context.Context, s SavedReply) error
	// Drop forgets one; that it is not there is no error.
	Drop(ctx context.Context, id string) error
}

// Audit keeps the audit log.
type Audit interface {
	// Append adds an entry made by next of the last one (the zero Entry before the
	// first), with nothing in between.
	Append(ctx context.Context, next func(last Entry) Entry) error
	// Each yields the entries after a number, oldest first.
	Each(ctx context.Context, after int64) iter.Seq2[Entry, error]
}
