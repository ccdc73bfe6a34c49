package archive_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	"daylight/archive/archivetest"
	"daylight/corpus"
	"daylight/custody/custodytest"
	"daylight/fault"
	"daylight/release"
)

// withReceipt is a release of one document, with a receipt for the given bytes.
func withReceipt(t *testing.T, w *world, id corpus.DocumentID, file, signedFor string) []byte {
	t.Helper()
	receipt, err := custodytest.NewSigner(t, "lantern-intake").Sign(sha256.Sum256([]byte(signedFor)))
	if err != nil {
		t.Fatal(err)
	}
	return w.newsroom.Release(t, "2026-11-21", func(r *release.Writer) {
		archivetest.Add(t, r, corpus.Collection{ID: "c", Title: "C", Route: corpus.RouteSubmission, Version: 1})
		d := release.Document{State: corpus.Published}
		d.ID, d.Collection, d.Title, d.Type, d.Text = id, "c", "A letter", "text/plain", file
		archivetest.Add(t, r, d)
		archivetest.AddRendition(t, r, release.Rendition{Document: id, Name: release.NameOriginal, Label: "original", Type: "text/plain", Received: &receipt}, []byte(file))
	})
}

// TestCustodyIsProved: the proof of an original says that the submission system signed
// for these bytes, and what that does not tell.
func TestCustodyIsProved(t *testing.T) {
	w := newWorld(t)
	id := corpus.NewDocumentID()
	w.take(t, withReceipt(t, w, id, "the committee met", "the committee met"))
	proof, err := w.Proof(t.Context(), id, release.NameOriginal)
	if err != nil {
		t.Fatal(err)
	}
	report, err := release.VerifyProof(proof, strings.NewReader("the committee met"), w.newsroom.Keys)
	if err != nil {
		t.Fatal(err)
	}
	if got := report.String(); !strings.Contains(got, "(lantern-intake) signed for exactly these bytes") || !strings.Contains(got, "whoever holds the submission system's key can sign") {
		t.Errorf("the report says:\n%s", got)
	}
}

func TestAFalseReceiptIsRefused(t *testing.T) {
	w := newWorld(t)
	file := withReceipt(t, w, corpus.NewDocumentID(), "the committee met", "another file")
	_, err := w.importer.ImportFile(t.Context(), bytes.NewReader(file), int64(len(file)))
	if !errors.Is(err, fault.Unverified) || !strings.Contains(fault.Words(err), "receipt") {
		t.Errorf("%v; want it refused in words", err)
	}
	if head, err := w.importer.Catalog.Head(t.Context()); err != nil || head.Release != 0 {
		t.Errorf("head %+v, %v; want nothing taken", head, err)
	}
}
