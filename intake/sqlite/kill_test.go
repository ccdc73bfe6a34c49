package sqlite_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"daylight/courier"
	"daylight/intake/sqlite"
)

// TestKill ends the program with kill -9 at any moment, while things arrive, are
// destroyed and rewritten: what it said that it kept is there, whole, and what it said
// that it destroyed is not.
func TestKill(t *testing.T) {
	if dir := os.Getenv("DAYLIGHT_TEST_KILLED"); dir != "" {
		untilKilled(t, dir)
	}
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	dir := t.TempDir()
	kept, gone := map[courier.ReplyID]bool{}, map[courier.ReplyID]bool{} // gone: perhaps or surely
	surely := map[courier.ReplyID]bool{}
	all := 0
	for round := range rounds {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKill$")
		cmd.Env = append(os.Environ(), "DAYLIGHT_TEST_KILLED="+dir, fmt.Sprint("DAYLIGHT_TEST_ROUND=", round))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var errs bytes.Buffer
		cmd.Stderr = &errs
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var timer *time.Timer // from the first that it has done
		lines := bufio.NewScanner(out)
		envelopes := 0
		for lines.Scan() {
			if timer == nil {
				timer = time.AfterFunc(time.Duration(rand.IntN(900))*time.Millisecond, func() { cmd.Process.Kill() })
			}
			what, id, _ := strings.Cut(lines.Text(), " ")
			switch what {
			case "kept":
				kept[courier.ReplyID(id)] = true
			case "destroying":
				gone[courier.ReplyID(id)] = true
			case "destroyed":
				surely[courier.ReplyID(id)] = true
			case "envelope":
				envelopes++
			case "error":
				t.Error(lines.Text())
			}
		}
		cmd.Wait()
		all += envelopes
		checkAfterKill(t, dir, round, kept, gone, surely, envelopes)
		if t.Failed() {
			t.Fatalf("round %d: %s", round, errs.String())
		}
	}
	if len(kept) < rounds || len(surely) == 0 || all < rounds {
		t.Errorf("%d replies, %d destroyed, %d envelopes: the test is of nothing", len(kept), len(surely), all)
	}
}

func checkAfterKill(t *testing.T, dir string, round int, kept, gone, surely map[courier.ReplyID]bool, envelopes int) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), dir, dbKey)
	if err != nil {
		t.Fatalf("round %d: %v", round, err)
	}
	defer s.Close()
	there := map[courier.ReplyID]bool{}
	ids, err := s.Replies(t.Context(), box)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		there[id] = true
		if body := readReply(t, s, id); !whole(body) {
			t.Errorf("round %d: a reply of %d bytes is damaged", round, len(body))
		}
	}
	for id := range kept {
		if !there[id] && !gone[id] {
			t.Errorf("round %d: a reply that was kept is lost", round)
		}
	}
	for id := range surely {
		if there[id] {
			t.Errorf("round %d: a reply that was destroyed is back", round)
		}
	}
	list, err := s.Envelopes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	good := 0
	var all []courier.EnvelopeID
	for _, e := range list {
		all = append(all, e.ID)
		if whole([]byte(read(t, s, e.ID))) {
			good++
		}
	}
	if good < envelopes {
		t.Errorf("round %d: %d envelopes are whole; want the %d that were kept", round, good, envelopes)
	}
	if err := s.DestroyEnvelopes(t.Context(), all); err != nil {
		t.Fatal(err)
	}
}

// body is bytes that say themselves whether they are whole.
func body(n int) []byte { return append(fmt.Appendf(nil, "%016x", n), noise(uint64(n), n)...) }

func whole(b []byte) bool {
	var n int
	if len(b) < 16 {
		return false
	}
	if _, err := fmt.Sscanf(string(b[:16]), "%016x", &n); err != nil || n != len(b)-16 {
		return false
	}
	return bytes.Equal(b, body(n))
}

// untilKilled does everything at once, and says what it has done.
func untilKilled(t *testing.T, dir string) {
	s, err := sqlite.Open(t.Context(), dir, dbKey)
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	ctx := context.Background()
	say := func(err error, format string, args ...any) {
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		if format != "" {
			fmt.Fprintf(os.Stdout, format+"\n", args...)
		}
	}
	var forever sync.WaitGroup
	forever.Go(func() {
		for {
			say(s.Rewrite(ctx, "2026-11-24"), "")
			say(s.Beat(ctx), "")
		}
	})
	forever.Go(func() {
		for {
			b := body(rand.IntN(1_000_000))
			slot, err := s.Create(ctx, "2026-11-23", "2026-12-23")
			say(err, "")
			for rest := b; len(rest) > 0; {
				n, err := slot.Write(rest[:min(len(rest), 65_536)])
				say(err, "")
				rest = rest[n:]
			}
			say(slot.Keep(ctx), "envelope")
		}
	})
	forever.Go(func() {
		for last := courier.ReplyID(""); ; {
			id := courier.ReplyID(fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64()))
			say(s.PutReply(ctx, box, id, "2026-12-23", bytes.NewReader(body(rand.IntN(500_000)))), "kept %s", id)
			if last != "" {
				say(nil, "destroying %s", last)
				say(s.DestroyReply(ctx, box, last, "2026-12-23"), "destroyed %s", last)
				id = ""
			}
			last = id
		}
	})
	forever.Wait()
}
