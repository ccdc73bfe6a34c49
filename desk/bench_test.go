package desk_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"daylight/blob"
	"daylight/corpus"
	"daylight/desk"
	"daylight/ingest"
)

// BenchmarkRelease releases 20,000 e-mails, of which every tenth is withheld and
// one is redacted, from the first approval to the last state: gate, preview, file,
// signatures, log.
func BenchmarkRelease(b *testing.B) {
	const files = 20_000
	for b.Loop() {
		b.StopTimer()
		w := world(b)
		id, err := w.Import(b.Context(), desk.Operator, "Large", func(_ context.Context, c corpus.CollectionID, l ingest.Ledger) error {
			batch, err := w.Options.Blobs.Begin(b.Context())
			if err != nil {
				return err
			}
			var records []ingest.Record
			for n := range files {
				text := fmt.Sprintf("Message %d. ", n) + map[int]string{7: "Ask Zebulon. "}[n] + strings.Repeat("The scores were changed on Friday. ", 40)
				ref, size, err := batch.Put(strings.NewReader(text))
				if err != nil {
					return err
				}
				records = append(records, record(c, n, text, ref, size))
			}
			if err := batch.Commit(); err != nil {
				return err
			}
			return l.Commit(b.Context(), records, nil)
		})
		must(b, err)
		_, err = w.Dispose(b.Context(), ana, id, desk.Filter{}, "", desk.Disposition{Act: desk.Publish})
		must(b, err)
		_, err = w.Dispose(b.Context(), ana, id, desk.Filter{Name: "0.eml"}, "", desk.Disposition{Act: desk.Withhold, Reason: corpus.ReasonHarm, Note: "n"})
		must(b, err)
		_, err = w.Dispose(b.Context(), redactor, id, only(doc(b, w, id, "mail-7.eml")), "", desk.Disposition{Act: desk.Redact, Forms: []string{"Zebulon"}})
		must(b, err)
		decided(b, w, id)
		b.StartTimer()
		approved(b, w, id, ana, bo)
		if why, err := w.WhyNot(b.Context(), ana, id); err != nil || len(why) > 0 {
			b.Fatal(why, err)
		}
		_, err = w.Release(b.Context(), ana, id)
		must(b, err)
	}
	b.ReportMetric(files*float64(b.N)/b.Elapsed().Seconds(), "files/s")
}

func record(c corpus.CollectionID, n int, text string, ref blob.Ref, size int64) ingest.Record {
	path := fmt.Sprintf("mail-%d.eml", n)
	return ingest.Record{Path: path, Size: size, Hash: ref, State: corpus.Pending, Document: &corpus.Document{
		ID: corpus.NewDocumentID(), Collection: c, Title: path, Name: path, Type: "text/plain", Size: size, Languages: []string{"en"}, Text: text}}
}
