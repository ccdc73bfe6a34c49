package publog_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"daylight/fault"
	"daylight/publog"
)

var update = flag.Bool("update", false, "rewrite the vectors")

func TestVectors(t *testing.T) {
	var got strings.Builder
	var f publog.Frontier
	for _, size := range []int{0, 1, 2, 3, 4, 5, 7, 8, 255, 256, 257, 1000, 65535, 65536, 65537} {
		for f.Size() < int64(size) {
			f.Append(leaf(int(f.Size())))
		}
		fmt.Fprintf(&got, "%d %s\n", size, f.Root())
	}
	const path = "testdata/roots.txt"
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || got.String() != string(want) {
		t.Errorf("roots:\n%swant:\n%s%v", got.String(), want, err)
	}
}

// No change of a signed checkpoint is taken, and whatever is taken is signed.
func FuzzOpenCheckpoint(f *testing.F) {
	desk := newNewsroom(f)
	signed, err := publog.Checkpoint{Origin: origin, Size: 3, Root: publog.Hash{1, 2, 3}}.Sign(desk.signer)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Add([]byte("example.org/daylight\n3\n\n— example.org/desk AAAA\n"))
	for i := range signed {
		changed := append([]byte(nil), signed...)
		changed[i] ^= 1
		f.Add(changed)
	}
	f.Fuzz(func(t *testing.T, note []byte) {
		c, by, err := publog.OpenCheckpoint(note, desk.keys)
		if err == nil {
			// Lines of unknown keys may stand beside the good one.
			again, _ := c.Sign(desk.signer)
			if len(by.By) != 1 || len(by.Unknown) == 0 && string(again) != string(note) {
				t.Errorf("taken: %q", note)
			}
		} else if !errors.Is(err, fault.Damaged) && !errors.Is(err, fault.Unverified) {
			t.Errorf("error of no kind: %v", err)
		}
	})
}

func FuzzParseKeys(f *testing.F) {
	_, public, err := publog.GenerateKey("example.org/desk")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(public)
	f.Add("# nothing\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		if keys, err := publog.ParseKeys(text); err == nil && keys.Len() < len(keys.Names()) {
			t.Errorf("%d keys, names %q", keys.Len(), keys.Names())
		} else if err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("error of no kind: %v", err)
		}
	})
}

func BenchmarkApply(b *testing.B) {
	desk := newNewsroom(b)
	log := open(b, publog.Folder(b.TempDir()), desk.keys)
	update := desk.update(b, log.Frontier(), leaves(0, b.N))
	b.ResetTimer()
	if err := log.Apply(update); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(b.Elapsed().Seconds(), "s")
}
