package desk

import "errors"

// Field names what of a form an error is about, so that a page can say it there.
type Field string

// The fields that the rules of the desk name.
const (
	FieldTitle     Field = "title"
	FieldFrom      Field = "from"
	FieldTo        Field = "to"
	FieldFirstBy   Field = "firstby"
	FieldFirstDate Field = "firstdate"
	FieldReason    Field = "reason"
	FieldNote      Field = "note"
	FieldForms     Field = "forms"
	FieldWhy       Field = "why"
	FieldText      Field = "text"
	FieldID        Field = "id"
	FieldName      Field = "name"
	FieldWords     Field = "words"
)

type fieldError struct {
	field Field
	error
}

func (e fieldError) Unwrap() error { return e.error }

// in says of which field an error is; no error stays none.
func in(f Field, err error) error {
	if err == nil {
		return nil
	}
	return fieldError{f, err}
}

// FieldOf is the field that an error is about, or "".
func FieldOf(err error) Field {
	if e, ok := errors.AsType[fieldError](err); ok {
		return e.field
	}
	return ""
}
