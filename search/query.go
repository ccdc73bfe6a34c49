package search

import "time"

// Query is a tree. Its nodes are the types of this file; nothing else is a Query.
type Query interface{ query() }

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

	// Prefix matches forms that begin so: "surveil*".
	Prefix struct {
		Field string
		Text  string
	}

	// Is matches documents that have one of the values in a facet.
	Is struct {
		Facet  string
		Values []string
	}

	// Dates matches From <= date < To; a zero end is open.
	Dates struct{ From, To time.Time }

	And struct{ Of []Query }
	Or  struct{ Of []Query }
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
