package desk

import (
	"bytes"
	"context"
	"io"
	"strings"

	"daylight/corpus"
)

func takeOut(s string, forms []string) string { t, _ := takeOutCounted(s, forms); return t }

func takeOutCounted(s string, forms []string) (string, int) {
	n := 0
	for _, f := range forms {
		n += strings.Count(s, f)
		s = strings.ReplaceAll(s, f, "█████")
	}
	return s, n
}

func checkForms(ctx context.Context, where string, r io.Reader, forms []string, doc corpus.DocumentID, g *GateReport) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	for _, f := range forms {
		if bytes.Contains(b, []byte(f)) {
			g.add(Finding{Where: where, Document: doc, What: f})
		}
	}
	return ctx.Err()
}
