package ledgertest_test

import (
	"testing"

	"daylight/ingest"
	"daylight/ingest/ledgertest"
)

func TestMem(t *testing.T) {
	ledgertest.Run(t, func(*testing.T) ingest.Ledger { return ledgertest.NewMem() })
}
