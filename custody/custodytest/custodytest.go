// Package custodytest makes keys that sign receipts, for the tests of whoever uses them.
package custodytest

import (
	"testing"

	"daylight/custody"
)

// NewSigner makes a key of an intake.
func NewSigner(t testing.TB, name string) *custody.Signer {
	t.Helper()
	text, err := custody.Generate(name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := custody.ParseSigner(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
