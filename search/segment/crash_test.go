package segment_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"daylight/corpus"
	"daylight/search"
	"daylight/search/segment"
)

// crashDir makes this binary the child of TestCrash.
const crashDir = "DAYLIGHT_SEGMENT_CRASH"

const crashBatch = 200

// crashBatchOf replaces half of the batch before and adds as many.
func crashBatchOf(round int) (b search.Batch) {
	for i := range crashBatch {
		var id corpus.DocumentID
		id[0], id[1], id[2], id[3] = 1, byte(round>>8), byte(round), byte(i)
		if i%2 == 0 && round > 0 {
			id[1], id[2], id[3] = byte((round-1)>>8), byte(round-1), byte(i+1)
		}
		b.Put = append(b.Put, search.Document{ID: id, Text: fmt.Sprintf("all of round%d", round)})
	}
	return b
}

// crashChild applies batches and says which are done, until it is killed.
func crashChild(dir string) {
	x, err := segment.Open(dir, segment.Options{Documents: 64})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	round := 0
	if _, err := fmt.Sscan(os.Getenv("DAYLIGHT_SEGMENT_ROUND"), &round); err != nil {
		os.Exit(1)
	}
	for ; ; round++ {
		if err := x.Apply(context.Background(), crashBatchOf(round)); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		fmt.Println("done", round)
	}
}

// The child is killed at random moments. After that the index opens, has every batch
// that was acknowledged, and of the one that was not all or nothing.
func TestCrash(t *testing.T) {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	round := 0 // the next one
	for n := range 12 {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), crashDir+"="+dir, fmt.Sprintf("DAYLIGHT_SEGMENT_ROUND=%d", round))
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		var kill *time.Timer
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if _, err := fmt.Sscanf(lines.Text(), "done %d", &round); err != nil {
				t.Fatalf("child: %s", lines.Text())
			}
			round++
			if kill == nil { // not before it does something
				kill = time.AfterFunc(time.Duration(rng.IntN(120_000))*time.Microsecond, func() { c.Process.Kill() })
			}
		}
		c.Wait()
		if kill == nil {
			t.Fatal("the child ended before it was killed")
		}
		round = afterCrash(t, dir, round, n)
	}
}

// afterCrash checks the index, and returns the next round.
func afterCrash(t *testing.T, dir string, round, kill int) int {
	t.Helper()
	x, err := segment.Open(dir, segment.Options{})
	if err != nil {
		t.Fatalf("kill %d: %v", kill, err)
	}
	defer x.Close()
	count := func(round int) int {
		res, err := x.Search(context.Background(), search.Request{Query: search.Word{Text: fmt.Sprintf("round%d", round)}})
		if err != nil {
			t.Fatal(err)
		}
		return res.Total
	}
	switch n := count(round); n {
	case crashBatch:
		round++
	case 0:
	default:
		t.Fatalf("kill %d: %d documents of a batch of %d", kill, n, crashBatch)
	}
	want := 0
	for r := range round {
		n := crashBatch / 2 // the other half was replaced
		if r == round-1 {
			n = crashBatch
		}
		if got := count(r); got != n {
			t.Fatalf("kill %d: %d documents of batch %d; want %d", kill, got, r, n)
		}
		want += n
	}
	if x.Len() != want {
		t.Fatalf("kill %d: Len = %d; want %d", kill, x.Len(), want)
	}
	return round
}
