package release

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"daylight/corpus"
	"daylight/custody"
	"daylight/fault"
)

// Kind says what an entry is about.
type Kind string

const (
	KindCollection Kind = "collection"
	KindDocument   Kind = "document"
	KindRendition  Kind = "rendition"
	KindCorrection Kind = "correction"
	KindWithdrawal Kind = "withdrawal"
	KindEntity     Kind = "entity"
	KindTopic      Kind = "topic"
	KindOrigin     Kind = "origin"
	KindAnswer     Kind = "answer"
	KindDecision   Kind = "decision"
	KindLedger     Kind = "ledger"
	KindKey        Kind = "key"
)

// Body is what an entry says. An entry of the same kind and id in a later release,
// or later in the same one, takes the place of the earlier.
type Body interface {
	corpus.Collection | Document | Rendition | Correction | Withdrawal |
		corpus.Entity | corpus.Topic | corpus.Origin | corpus.Answer | Decision | Ledger | Key
}

// Document is a document as it is released: what stands in it is public, and where
// State is redacted it holds nothing of what was taken out.
type Document struct {
	corpus.Document
	State corpus.State `json:"state"` // published or redacted
}

// Rendition is a form in which a document can be looked at. Its payload is the
// bytes. It follows its document in the same release.
type Rendition struct {
	Document corpus.DocumentID `json:"document"`
	Name     string            `json:"name"`  // NameOriginal, text, html, page-0001…
	Label    string            `json:"label"` // what it is, for people: "page image made by the desk"
	Type     string            `json:"type"`  // media type

	// Received is, of an original, what the submission system signed when it arrived
	// there; nil where nothing is known of that, or nothing said.
	Received *custody.Receipt `json:"received,omitempty"`
}

// NameOriginal is the rendition with the bytes exactly as received. It exists only
// for a document whose state is published.
const NameOriginal = "original"

// Correction says what was wrong. It is about a document, a collection or an
// answer, whichever is filled.
type Correction struct {
	ID         string              `json:"id"` // slug
	Document   corpus.DocumentID   `json:"document,omitzero"`
	Collection corpus.CollectionID `json:"collection,omitempty"`
	Answer     corpus.AnswerID     `json:"answer,omitempty"`
	Text       string              `json:"text"`
	Date       string              `json:"date"` // YYYY-MM-DD
}

// Withdrawal takes something back. An archive forgets it; mirrors and downloads
// may not.
type Withdrawal struct {
	Document  corpus.DocumentID `json:"document"`
	Scope     string            `json:"scope,omitempty"` // a rendition's name; "" for the document and all of them
	Class     corpus.Reason     `json:"class"`
	Authority string            `json:"authority"` // the role that decided, never a name
	Text      string            `json:"text"`
	Appeal    string            `json:"appeal,omitempty"` // how to contest it
	Date      string            `json:"date"`             // YYYY-MM-DD
}

// Fault is what asking for the withdrawn thing gives: fault.Legal under a legal
// duty, fault.Gone otherwise.
func (w Withdrawal) Fault() error {
	if w.Class == corpus.ReasonLegal {
		return fault.Legal
	}
	return fault.Gone
}

// Decision is the public record of why a release was made: the three questions,
// each with evidence for and against, the harm record, and who approved by role.
type Decision struct {
	ID         string              `json:"id"` // slug
	Collection corpus.CollectionID `json:"collection"`
	Date       string              `json:"date"` // YYYY-MM-DD
	Questions  []Question          `json:"questions"`
	Harm       string              `json:"harm"` // who may be harmed, what was done about it, why the interest is greater
	Approved   []string            `json:"approved"`
	Exceptions []Exception         `json:"exceptions,omitempty"`
}

// The three questions, in order.
const (
	AskAccurate       = "accurate"
	AskNewsworthy     = "newsworthy"
	AskPublicInterest = "public interest"
)

// Question is one of the three, answered.
type Question struct {
	Ask     string   `json:"ask"`
	Answer  string   `json:"answer"` // a sentence or more
	For     []string `json:"for,omitempty"`
	Against []string `json:"against,omitempty"`
}

// Exception counts documents that were left out or changed, by state and reason.
type Exception struct {
	State  corpus.State  `json:"state"`
	Reason corpus.Reason `json:"reason,omitempty"`
	Files  int64         `json:"files"`
	Text   string        `json:"text,omitempty"`
}

// Ledger is the equation of one collection.
type Ledger struct {
	Collection corpus.CollectionID `json:"collection"`
	corpus.Ledger
}

// Key says what happened to a key of the newsroom.
type Key struct {
	Event    string   `json:"event"`         // one of those below
	Use      string   `json:"use,omitempty"` // signs or opens
	Name     string   `json:"name"`          // never given to another key
	Public   string   `json:"public"`        // as publog.ParseKeys reads it, or age a recipient
	Channels []string `json:"channels,omitempty"`
	Date     string   `json:"date"` // YYYY-MM-DD
}

// What can happen to a key, and what it is for.
const (
	KeyAdded       = "added"
	KeyRetired     = "retired"
	KeyCompromised = "compromised" // retired, because somebody else may have it

	KeySigns = "signs" // releases, the log, lists of keys
	KeyOpens = "opens" // what sources send
)

// identify gives the kind and id of a body, or fault.Invalid with what is wrong.
func identify(body any) (kind Kind, id string, err error) {
	switch b := body.(type) {
	case corpus.Collection:
		kind, id, err = KindCollection, string(b.ID), need(corpus.CheckSlug(string(b.ID)), b.Title != "", "title")
	case Document:
		kind, id, err = KindDocument, b.ID.String(), b.check()
	case Rendition:
		kind, id, err = KindRendition, b.id(), b.check()
	case Correction:
		kind, id, err = KindCorrection, b.ID, need(corpus.CheckSlug(b.ID), b.Text != "", "text")
	case Withdrawal:
		kind, id, err = KindWithdrawal, b.id(), b.check()
	case corpus.Entity:
		kind, id, err = KindEntity, string(b.ID), need(corpus.CheckSlug(string(b.ID)), b.Title != "" && len(b.Names) > 0, "title and names")
	case corpus.Topic:
		kind, id, err = KindTopic, string(b.ID), need(corpus.CheckSlug(string(b.ID)), b.Title != "" && b.Query != "", "title and query")
	case corpus.Origin:
		kind, id, err = KindOrigin, string(b.ID), need(corpus.CheckSlug(string(b.ID)), b.Title != "", "title")
	case corpus.Answer:
		kind, id, err = KindAnswer, string(b.ID), need(corpus.CheckSlug(string(b.ID)), b.Question != "", "question")
	case Decision:
		kind, id, err = KindDecision, b.ID, b.check()
	case Ledger:
		kind, id, err = KindLedger, string(b.Collection), need(corpus.CheckSlug(string(b.Collection)), b.Check() == nil, "both sides equal")
	case Key:
		kind, id, err = KindKey, b.Name, b.check()
	default:
		return "", "", fmt.Errorf("entry of type %T: %w", body, fault.Invalid)
	}
	if err == nil && len(id) > maxName {
		err = fmt.Errorf("id of %d bytes: %w", len(id), fault.Invalid)
	}
	if err != nil {
		err = fmt.Errorf("%s %s: %w", kind, id, err)
	}
	return kind, id, err
}

// need joins what a slug's check says with one more condition.
func need(err error, ok bool, what string) error {
	if err != nil {
		return fmt.Errorf("%w: %w", fault.Invalid, err)
	}
	if !ok {
		return fmt.Errorf("want %s: %w", what, fault.Invalid)
	}
	return nil
}

func (d Document) check() error {
	if d.State != corpus.Published && d.State != corpus.Redacted {
		return fmt.Errorf("state %q: want published or redacted: %w", d.State, fault.Invalid)
	}
	return need(corpus.CheckSlug(string(d.Collection)), !d.ID.IsZero() && d.Title != "", "id and title")
}

func (r Rendition) id() string { return r.Document.String() + "/" + r.Name }

func (r Rendition) check() error {
	return need(corpus.CheckSlug(r.Name), !r.Document.IsZero() && r.Label != "" && r.Type != "", "document, label and type")
}

func (w Withdrawal) id() string {
	if w.Scope == "" {
		return w.Document.String()
	}
	return w.Document.String() + "/" + w.Scope
}

func (w Withdrawal) check() error {
	if _, err := time.Parse(time.DateOnly, w.Date); err != nil {
		return fmt.Errorf("date %q: %w", w.Date, fault.Invalid)
	}
	return need(nil, !w.Document.IsZero() && w.Class.Valid() && w.Authority != "", "document, class and authority")
}

func (k Key) check() error {
	if _, err := time.Parse(time.DateOnly, k.Date); err != nil {
		return fmt.Errorf("date %q: %w", k.Date, fault.Invalid)
	}
	known := slices.Contains([]string{KeyAdded, KeyRetired, KeyCompromised}, k.Event) && slices.Contains([]string{"", KeySigns, KeyOpens}, k.Use)
	return need(nil, known && k.Name != "" && k.Public != "", "event, name and public key")
}

func (d Decision) check() error {
	var asked []string
	for _, q := range d.Questions {
		asked = append(asked, q.Ask)
		if strings.TrimSpace(q.Answer) == "" {
			return fmt.Errorf("question %q has no answer: %w", q.Ask, fault.Invalid)
		}
	}
	three := slices.Equal(asked, []string{AskAccurate, AskNewsworthy, AskPublicInterest})
	return need(corpus.CheckSlug(d.ID), three && d.Harm != "" && len(d.Approved) >= 2,
		"the three questions in order, the harm record, and two who approved")
}

// Decode reads the body of an entry of a known kind. It returns fault.Invalid when
// the entry is of another kind, and fault.Damaged when the body does not say what
// the entry's kind and id say.
func Decode[B Body](r Record) (B, error) {
	var b B
	if want := kindOf(b); r.Kind != want {
		return b, fmt.Errorf("entry %s %s: asked for a %s: %w", r.Kind, r.ID, want, fault.Invalid)
	}
	if err := json.Unmarshal(r.Body, &b); err != nil {
		return b, fmt.Errorf("entry %s %s: %w: %w", r.Kind, r.ID, fault.Damaged, err)
	}
	if _, id, err := identify(b); err != nil || id != r.ID {
		return b, fmt.Errorf("entry %s %s: its body is %s %s: %w: %w", r.Kind, r.ID, r.Kind, id, fault.Damaged, err)
	}
	return b, nil
}

func kindOf(body any) Kind {
	kind, _, _ := identify(body)
	return kind
}
