// Package corpus holds the words that every part of Daylight shares: document,
// message, collection, origin, entity, topic, answer. It has types and the rules
// that need nothing but the types; it does no I/O.
package corpus

import (
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"strings"
	"time"
)

// DocumentID is the public name of a document: 16 random bytes, never derived
// from the content, because a hash of unreleased bytes can betray a marked copy.
type DocumentID [16]byte

var idText = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewDocumentID returns a fresh random id.
func NewDocumentID() DocumentID {
	var id DocumentID
	rand.Read(id[:]) // never fails: crypto/rand aborts the program instead
	return id
}

// ParseDocumentID reads the text form: 26 characters of Crockford's base 32, in
// lower case.
func ParseDocumentID(s string) (DocumentID, error) {
	var id DocumentID
	b, err := idText.DecodeString(s)
	if err != nil || len(b) != len(id) || idText.EncodeToString(b) != s {
		return id, fmt.Errorf("document id %q: want 26 characters of 0-9 and a-z without i, l, o, u", s)
	}
	copy(id[:], b)
	return id, nil
}

func (id DocumentID) String() string { return idText.EncodeToString(id[:]) }

// IsZero reports whether the id names nothing.
func (id DocumentID) IsZero() bool { return id == DocumentID{} }

// MarshalText gives the text form; the zero id is the empty text.
func (id DocumentID) MarshalText() ([]byte, error) {
	if id.IsZero() {
		return nil, nil
	}
	return []byte(id.String()), nil
}

// UnmarshalText reads what MarshalText gives.
func (id *DocumentID) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*id = DocumentID{}
		return nil
	}
	got, err := ParseDocumentID(string(b))
	*id = got
	return err
}

// Slugs that editors choose. A slug is 1 to 64 characters of a-z, 0-9 and single
// hyphens between them; see CheckSlug.
type (
	CollectionID string
	OriginID     string
	EntityID     string
	TopicID      string
	AnswerID     string
)

// CheckSlug says what is wrong with a slug, or nil.
func CheckSlug(s string) error {
	ok := s != "" && len(s) <= 64 && s[0] != '-' && s[len(s)-1] != '-' && !strings.Contains(s, "--")
	for _, c := range []byte(s) {
		ok = ok && (c == '-' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9')
	}
	if !ok {
		return fmt.Errorf("name %q: want 1 to 64 letters a-z, digits, and single hyphens between them", s)
	}
	return nil
}

// Document is a distinct sequence of bytes in a collection: a file, an e-mail, an
// attachment, an archive member. On pages it is called a file.
type Document struct {
	ID         DocumentID   `json:"id"`
	Collection CollectionID `json:"collection"`
	Parent     DocumentID   `json:"parent,omitzero"`     // the container that it was first found in
	Title      string       `json:"title"`               // subject, title in the file, or name; never empty
	Name       string       `json:"name,omitempty"`      // file name as found, without folders; text, never a path
	Paths      []string     `json:"paths,omitempty"`     // every place of the same bytes, "outer.zip/inner.eml/report.pdf", the first one first
	Type       string       `json:"type"`                // media type without parameters; e-mail is message/rfc822
	Size       int64        `json:"size"`                // bytes of the original
	Date       time.Time    `json:"date,omitzero"`       // UTC, to the second; zero when unknown
	Languages  []string     `json:"languages,omitempty"` // BCP 47, the main one first
	Origin     OriginID     `json:"origin,omitempty"`
	Text       string       `json:"text,omitempty"`  // own text, without that of its parts
	Facts      []Fact       `json:"facts,omitempty"` // headers or metadata, in the order found
	Message    *Message     `json:"message,omitempty"`
	Error      string       `json:"error,omitempty"` // what could not be read; "" when all could
}

// Language is the main language, or "" when unknown.
func (d *Document) Language() string {
	if len(d.Languages) == 0 {
		return ""
	}
	return d.Languages[0]
}

// Fact is one header or piece of metadata, as found.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Address is a mailbox as written in a header. Addr may be malformed: it is what
// was found.
type Address struct {
	Name string `json:"name,omitempty"`
	Addr string `json:"addr,omitempty"`
}

func (a Address) String() string {
	if a.Name == "" {
		return a.Addr
	}
	return a.Name + " <" + a.Addr + ">"
}

// Message is what an e-mail says of itself.
type Message struct {
	ID         string    `json:"id,omitempty"`          // Message-ID without the angle brackets
	InReplyTo  []string  `json:"in_reply_to,omitempty"` // ids without brackets
	References []string  `json:"references,omitempty"`  // ids without brackets, oldest first
	From       []Address `json:"from,omitempty"`
	To         []Address `json:"to,omitempty"`
	Cc         []Address `json:"cc,omitempty"`
	Bcc        []Address `json:"bcc,omitempty"`
	Subject    string    `json:"subject,omitempty"`
	Domain     string    `json:"domain,omitempty"` // registrable domain of the first From, lower case, punycode
	Bulk       bool      `json:"bulk,omitempty"`   // sent to many by a machine: List-*, Precedence, Auto-Submitted
}

// Collection is documents under one title, with what is known of their way here.
type Collection struct {
	ID          CollectionID `json:"id"`
	Title       string       `json:"title"`
	Summary     string       `json:"summary"`               // one or two sentences
	Description string       `json:"description,omitempty"` // paragraphs apart by an empty line
	From        string       `json:"from,omitempty"`        // the earliest day that the material claims, YYYY, YYYY-MM or YYYY-MM-DD
	To          string       `json:"to,omitempty"`

	Route   Route  `json:"route"`             // how it was received
	Hands   string `json:"hands,omitempty"`   // by what hands, as far as known
	Unknown string `json:"unknown,omitempty"` // what of that is unknown
	Checked string `json:"checked,omitempty"` // how it was checked
	Missing string `json:"missing,omitempty"` // what is known to be missing

	First   *Publication `json:"first,omitempty"` // who published it first, where it was not us
	Version int          `json:"version"`         // the number of releases that changed it
}

// Route says how material came. There is deliberately no place for who sent it.
type Route string

const (
	RouteSubmission    Route = "submission"
	RoutePartner       Route = "partner"
	RoutePublicRecord  Route = "public record"
	RouteRepublication Route = "republication"
)

// Publication is a first publication by somebody: who, when, where.
type Publication struct {
	By   string `json:"by"`
	Date string `json:"date"` // YYYY, YYYY-MM or YYYY-MM-DD
	URL  string `json:"url,omitempty"`
}

// Origin is the body that material comes from. Domains, mailboxes and folders map
// to it; the first that matches, in that order of kinds, decides.
type Origin struct {
	ID          OriginID `json:"id"`
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	Mailboxes   []string `json:"mailboxes,omitempty"` // addresses in From, lower case
	Domains     []string `json:"domains,omitempty"`   // domains of From, lower case; a subdomain matches too
	Folders     []string `json:"folders,omitempty"`   // prefixes of paths, whole elements
}

// Entity is somebody or something with names. A mention is a document that
// matches one of the names, each as an exact phrase.
type Entity struct {
	ID          EntityID `json:"id"`
	Kind        string   `json:"kind"` // person, organization, place
	Title       string   `json:"title"`
	Names       []string `json:"names"` // every form that counts as a mention, in any script
	Description string   `json:"description,omitempty"`
	Sampled     int      `json:"sampled,omitempty"` // mentions that a person looked at
	Right       int      `json:"right,omitempty"`   // of these, how many were this entity
}

// Topic is a named query that says which documents relate to a subject.
type Topic struct {
	ID          TopicID `json:"id"`
	Title       string  `json:"title"`
	Description string  `json:"description,omitempty"` // why these words, what they leave out
	Query       string  `json:"query"`
	Version     int     `json:"version"`
}

// Answer is a published question with its answer.
type Answer struct {
	ID       AnswerID `json:"id"`
	Question string   `json:"question"`
	Short    Short    `json:"short"`
	Text     string   `json:"text,omitempty"` // a sentence or two after the short answer
	Claims   []Claim  `json:"claims"`
	Version  int      `json:"version"`
}

// Short is the short answer to a question. ShortCount says that the figure of the
// first claim is the answer.
type Short string

const (
	ShortYes      Short = "yes"
	ShortNo       Short = "no"
	ShortPartly   Short = "partly"
	ShortNotKnown Short = "not known"
	ShortCount    Short = "count"
)

// ClaimKind says what a claim rests on, and so how a reader checks it.
type ClaimKind string

const (
	ClaimCount     ClaimKind = "count"         // a live query
	ClaimDocument  ClaimKind = "document"      // a passage of a document
	ClaimOnRecord  ClaimKind = "on record"     // who said it, where, when, with the kept copy
	ClaimReport    ClaimKind = "report"        // who reported it, on what basis
	ClaimStatement ClaimKind = "our statement" // cannot be checked here
)

// Claim is one checkable statement of an answer. Which fields are filled depends
// on Kind.
type Claim struct {
	Kind ClaimKind `json:"kind"`
	Text string    `json:"text"` // "%d" stands where a count goes

	Query   string  `json:"query,omitempty"`   // count
	Measure Measure `json:"measure,omitempty"` // count: what is counted

	Document DocumentID `json:"document,omitzero"`  // document
	Quote    string     `json:"quote,omitempty"`    // document, on record: the exact passage
	Who      string     `json:"who,omitempty"`      // on record, report
	Where    string     `json:"where,omitempty"`    // on record, report
	When     string     `json:"when,omitempty"`     // on record, report: YYYY, YYYY-MM or YYYY-MM-DD
	Basis    string     `json:"basis,omitempty"`    // report: what the report itself rests on
	KeptCopy DocumentID `json:"kept_copy,omitzero"` // on record: the copy in this archive
}

// Measure says what a count counts.
type Measure string

const (
	MeasureFiles    Measure = "files"    // documents that match
	MeasureEmails   Measure = "e-mails"  // those of them that are e-mails, every copy
	MeasureMessages Measure = "messages" // distinct messages, without bulk mail
	MeasureOrigins  Measure = "origins"  // distinct origins of the documents that match
	MeasureSenders  Measure = "senders"
	MeasureYears    Measure = "years"
)
