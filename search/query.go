package search

import "time"

// Query is a tree. Its nodes are the types of this file; nothing else is a Query.
type Query interface {
	// String writes the query in the language of Parse. Of a tree that Parse
	// returned, Parse makes an equal tree again; of any other, one that matches the
	// same documents.
	String() string

	query()
}

type (
	// All matches every document.
	All struct{}

	// Word matches documents with the word: see the package comment. Text is as
	// written; a text that tokenises to several forms (a hyphenated word, Han
	// characters) is a phrase. Field is "" for the bare fields, or one of FieldText,
	// FieldTitle, FieldName, FieldFrom, FieldTo, FieldAttachment.
	Word struct {
		Field string
		Text  string
	}

	// Phrase matches forms in order, without stems.
	Phrase struct {
		Field string
		Text  string
	}

	// Prefix matches forms that begin so: "surveil*". A text of several tokens is a
	// phrase of which the last is a prefix.
	Prefix struct {
		Field string
		Text  string
	}

	// Is matches documents that have one of the values in a facet. A value of Type
	// that ends in "/*" stands for all types that begin so.
	Is struct {
		Facet  string
		Values []string
	}

	// Dates matches From <= date < To, to the second; a zero end is open. Documents
	// without a date match none, not even one open at both ends.
	Dates struct{ From, To time.Time }

	And struct{ Of []Query } // of nothing matches everything
	Or  struct{ Of []Query } // of nothing matches nothing
	Not struct{ Of Query }
)

// The fields of words.
const (
	FieldText       = "text"
	FieldTitle      = "title" // "subject" is the same
	FieldName       = "name"
	FieldFrom       = "from"
	FieldTo         = "to"
	FieldAttachment = "attachment"
)

func (All) query()    {}
func (Word) query()   {}
func (Phrase) query() {}
func (Prefix) query() {}
func (Is) query()     {}
func (Dates) query()  {}
func (And) query()    {}
func (Or) query()     {}
func (Not) query()    {}
