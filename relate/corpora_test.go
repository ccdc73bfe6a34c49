package relate_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"daylight/corpus"
	"daylight/relate"
)

// TestThreadsOfLabelledMail checks that threads are those of truth.json, once by
// what messages name, and once with that taken away, by subject alone.
func TestThreadsOfLabelledMail(t *testing.T) {
	corpora := os.Getenv("DAYLIGHT_CORPORA")
	if corpora == "" {
		t.Skip("DAYLIGHT_CORPORA is not set")
	}
	b, err := os.ReadFile(filepath.Join(corpora, "multilang-mail-synth", "truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	var truth []struct {
		Thread    int
		MessageID string `json:"message_id"`
		InReplyTo string `json:"in_reply_to"`
		Subject   string
		From      string `json:"from_addr"`
		To        string `json:"to_addr"`
		Date      string
	}
	if err := json.Unmarshal(b, &truth); err != nil {
		t.Fatal(err)
	}
	for _, named := range []bool{true, false} {
		var items []relate.Item
		want := map[corpus.DocumentID]int{}
		for i, m := range truth {
			date, err := time.Parse("2006-01-02T15:04:05", m.Date)
			if err != nil {
				t.Fatal(err)
			}
			item := relate.Item{ID: corpus.DocumentID{byte(i >> 8), byte(i)}, Date: date, Message: &corpus.Message{
				ID: strings.Trim(m.MessageID, "<>"), Subject: m.Subject,
				From: []corpus.Address{{Addr: m.From}}, To: []corpus.Address{{Addr: m.To}},
			}}
			if named && m.InReplyTo != "" {
				item.Message.InReplyTo = []string{strings.Trim(m.InReplyTo, "<>")}
			}
			items = append(items, item)
			want[item.ID] = m.Thread
		}
		threads, mixed, seen := relate.Threads(slices.Values(items)), 0, map[int]int{}
		for _, thread := range threads {
			seen[want[thread[0].ID]]++
			for _, post := range thread {
				if want[post.ID] != want[thread[0].ID] {
					mixed++
				}
			}
		}
		t.Logf("named %v: %d threads of %d, %d messages in another's", named, len(threads), len(seen), mixed)
		if named && (len(threads) != len(seen) || mixed > 0) || mixed > 0 {
			t.Errorf("named %v: %d threads; want %d; %d messages are in a thread that is not theirs", named, len(threads), len(seen), mixed)
		}
	}
}
