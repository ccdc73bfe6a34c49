package search

import "fmt"

// sentence is one of what Parse says of a query that it cannot read. It is a number, so
// that nothing is said that is not among the sentences: pages have each in every language.
type sentence int

const (
	tooLong sentence = iota
	tooLongWritten
	notText
	tooMany
	tooDeep
	closesNothing
	notClosed
	quoteNotClosed
	quoteInWord
	emptyQuotes
	emptyWord
	missingBefore
	missingAtEnd
	missingInField
	minusAlone
	minusInField
	asteriskInside
	asteriskAlone
	noField
	fieldInField
	noValue
	noYear
	noType
	noDate
	noRange
	sentenceCount
)

// sentences begin with a small letter and a word, and end without a full stop.
var sentences = [sentenceCount]string{
	tooLong:        "a query may be %d bytes long, this one is %d",
	tooLongWritten: "a query may be %d bytes long, this one is %d when its fields are written out",
	notText:        "this is not text in UTF-8",
	tooMany:        "a query may have %d words and values",
	tooDeep:        "a query may be nested %d deep",
	closesNothing:  "this parenthesis closes nothing",
	notClosed:      "this parenthesis is not closed",
	quoteNotClosed: "this quotation is not closed",
	quoteInWord:    "put a space before this quotation mark, or the whole word in quotes",
	emptyQuotes:    "these quotes hold no letter and no digit to search for",
	emptyWord:      "there is no letter and no digit to search for in %s",
	missingBefore:  "a word is missing before %s",
	missingAtEnd:   "a word is missing at the end",
	missingInField: "a word is missing right after %s: (to search for the word itself, put it in quotes)",
	minusAlone:     "a minus sign stands right before the word that it excludes; in quotes it is ignored",
	minusInField:   "write -%s:… instead: a minus sign stands before the field",
	asteriskInside: "an asterisk stands for an ending: it can only be the last character of a word",
	asteriskAlone:  "a letter or digit is missing before the asterisk",
	noField:        "there is no field %q; put the words in quotes to search for them as they are",
	fieldInField:   "the field %s: cannot stand inside of %s:(…)",
	noValue:        "a value of %s is missing",
	noYear:         "a year is four digits, two years with .. between them, or %s",
	noType:         "there is no type %q; write a media type like text/plain, or one of %s",
	noDate:         "this is no date: %q; write 2011, 2011-03, 2011-03-31, or a range like 2010..2012-05",
	noRange:        "this range of dates ends before it begins",
}

// Sentences are all that a SyntaxError can say, with places to fill: for translators.
func Sentences() []string { return sentences[:] }

func refuse(pos int, s sentence, with ...any) error {
	return &SyntaxError{pos, fmt.Sprintf(sentences[s], with...), sentences[s], with}
}
