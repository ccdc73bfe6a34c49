package segment_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"daylight/corpus"
	"daylight/search"
	"daylight/search/segment"
)

// The benchmarks index e-mails of words drawn by Zipf's law, always the same ones.
// DAYLIGHT_BENCH_DOCS says how many; the default is small enough for a laptop.
func benchDocs() int {
	if n, err := strconv.Atoi(os.Getenv("DAYLIGHT_BENCH_DOCS")); err == nil {
		return n
	}
	return 50_000
}

// generator makes e-mails in English, Russian and Arabic letters, of made-up words
// with endings, so that stems have several forms.
type generator struct {
	rng   *rand.Rand
	words map[string][]string
	zipf  *rand.Zipf
}

const vocabularySize = 200_000

func newGenerator(seed uint64) *generator {
	rng := rand.New(rand.NewPCG(seed, 1))
	words := rand.New(rand.NewPCG(7, 7)) // the vocabulary is the same for every seed
	g := &generator{rng: rng, words: map[string][]string{}, zipf: rand.NewZipf(rng, 1.07, 3, vocabularySize-1)}
	for _, l := range []struct{ lang, syllables, endings string }{
		{"en", "ta ri no sel ka mi der vo lu pen sto ge", ",s,ed,ing"},
		{"ru", "та ри но сел ка ми дер во лу пен сто ге", ",а,ы,ов"},
		{"ar", "تا ري نو سل كا مي در وو لو بن ست جي", ",ات,ون,ه"},
	} {
		syllables, endings := strings.Fields(l.syllables), strings.Split(l.endings, ",")
		list := make([]string, vocabularySize)
		for i := range list {
			var b strings.Builder
			for n := 1 + int(math.Log(float64(i+2))/2.2); n > 0; n-- {
				b.WriteString(syllables[words.IntN(len(syllables))])
			}
			b.WriteString(endings[words.IntN(len(endings))])
			list[i] = b.String()
		}
		g.words[l.lang] = list
	}
	return g
}

func (g *generator) text(lang string, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString([]string{" ", " ", " ", ", ", ". "}[g.rng.IntN(5)])
		}
		if g.rng.IntN(60) == 0 {
			fmt.Fprintf(&b, "%x", g.rng.Uint32()) // numbers, names, ids: most terms stand once
			continue
		}
		b.WriteString(g.words[lang][g.zipf.Uint64()])
	}
	return b.String()
}

func (g *generator) document() search.Document {
	lang := "en"
	switch n := g.rng.IntN(10); n {
	case 8:
		lang = "ru"
	case 9:
		lang = "ar"
	}
	domain := fmt.Sprintf("d%d.example", int(math.Pow(6000, g.rng.Float64())))
	person := func() string { return fmt.Sprintf("u%d@%s", int(math.Pow(90_000, g.rng.Float64())), domain) }
	d := search.Document{
		Collection: corpus.CollectionID([]string{"port", "wire", "ministry"}[g.rng.IntN(3)]),
		Title:      g.text(lang, 5),
		Text:       g.text(lang, 60+int(g.rng.ExpFloat64()*120)),
		Date:       time.Unix(1_100_000_000+g.rng.Int64N(300_000_000), 0).UTC(),
		Language:   lang, Languages: []string{lang}, Domain: domain, Type: "message/rfc822",
		Origin: "o" + domain[1:min(3, len(domain))], Senders: []string{person()},
		Bulk: g.rng.IntN(10) == 0,
	}
	for i := range d.ID {
		d.ID[i] = byte(g.rng.Uint32())
	}
	for range 1 + g.rng.IntN(4) {
		d.Recipients = append(d.Recipients, person())
	}
	d.From, d.To = d.Senders[0], strings.Join(d.Recipients, ", ")
	for i := range d.Message {
		d.Message[i] = byte(g.rng.Uint32())
	}
	if g.rng.IntN(8) == 0 {
		d.Message = [16]byte{byte(g.rng.Uint32()), byte(g.rng.Uint32()), 1}
	}
	return d
}

func size(d *search.Document) int {
	return len(d.Title) + len(d.Text) + len(d.From) + len(d.To) + len(d.Name)
}

// fill puts n documents into an index, in batches of 20,000, and returns the bytes
// of text and the time in Apply.
func fill(b testing.TB, x *segment.Index, n int) (text int, took time.Duration) {
	g := newGenerator(1)
	for n > 0 {
		var batch search.Batch
		for range min(n, 20_000) {
			d := g.document()
			text += size(&d)
			batch.Put = append(batch.Put, d)
		}
		n -= len(batch.Put)
		start := time.Now()
		if err := x.Apply(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
		took += time.Since(start)
	}
	return text, took
}

func folderSize(b testing.TB, dir string) (sum int64) {
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range files {
		if st, err := os.Stat(f); err == nil {
			sum += st.Size()
		}
	}
	return sum
}

func BenchmarkApply(b *testing.B) {
	n := benchDocs()
	for b.Loop() {
		dir := b.TempDir()
		x := open(b, dir, segment.Options{})
		text, took := fill(b, x, n)
		if err := x.Close(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(took.Microseconds())/float64(n), "µs/doc")
		b.ReportMetric(float64(text)/1e6/took.Seconds(), "MB/s")
		b.ReportMetric(float64(folderSize(b, dir))/float64(text), "index/text")
		b.ReportMetric(float64(anonymous())/1e6, "MB-memory")
	}
}

// anonymous is the memory of this process that is no mapped file, in bytes.
func anonymous() int64 {
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "RssAnon:" {
			n, _ := strconv.ParseInt(f[1], 10, 64)
			return n << 10
		}
	}
	return 0
}

// filled is one index for all benchmarks that only read.
var filled = sync.OnceValues(func() (string, error) {
	dir := os.Getenv("DAYLIGHT_BENCH_DIR") // to keep it from one run to the next
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "segment-bench"); err != nil {
			return "", err
		}
		benchDir = dir
	}
	x, err := segment.Open(dir, segment.Options{})
	if err != nil {
		return "", err
	}
	if x.Len() == 0 {
		fill(nil, x, benchDocs())
	}
	return dir, x.Close()
})

var benchDir string // made by filled, removed by TestMain

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		crashChild(dir)
	}
	code := m.Run()
	if benchDir != "" {
		os.RemoveAll(benchDir)
	}
	os.Exit(code)
}

var sixFacets = []search.FacetRequest{
	{Name: search.Language, Limit: 20}, {Name: search.Domain, Limit: 10}, {Name: search.Year, Limit: 50},
	{Name: search.Type, Limit: 10}, {Name: search.Origin, Limit: 10}, {Name: search.Sender, Limit: 10},
}

// queriesOf are queries by class; %N is the word of that rank.
func queriesOf() map[string][]string {
	w := newGenerator(1).words
	en, ru, ar := w["en"], w["ru"], w["ar"]
	return map[string][]string{
		"rare":     {en[150_000], en[90_001], ru[70_000]},
		"middle":   {en[2_000], en[5_000], ru[300], ar[300]},
		"frequent": {en[0], en[3], en[20]},
		"and":      {en[0] + " " + en[50], en[3] + " " + en[2_000], en[100] + " " + en[101], ru[0] + " " + ru[10]},
		"or":       {en[0] + " OR " + en[1], en[500] + " OR " + ru[50] + " OR " + ar[50]},
		"phrase":   {`"` + en[2] + " " + en[40] + `"`, `"` + ru[1] + " " + ru[20] + `"`},
		"common":   {`"` + en[0] + " " + en[1] + `"`},
		"prefix":   {en[300][:4] + "*", "tari*"},
		"filter":   {en[0] + " language:en year:2006..2010", en[10] + " domain:d7.example", "sender:u1@d1.example"},
		"all":      {"*"},
	}
}

func BenchmarkSearch(b *testing.B) {
	dir, err := filled()
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	x := open(b, dir, segment.Options{})
	b.Logf("opened %d documents in %v", x.Len(), time.Since(start))
	start = time.Now()
	if _, err := x.Search(context.Background(), search.Request{Facets: sixFacets, Limit: 20}); err != nil {
		b.Fatal(err)
	}
	b.Logf("first search after %v more", time.Since(start))
	classes := queriesOf()
	names := make([]string, 0, len(classes))
	for name := range classes {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, order := range []search.Sort{search.ByRelevance, search.ByNewest} {
			b.Run(name+"/"+string(order), func(b *testing.B) {
				var took []time.Duration
				total := 0
				for i := 0; b.Loop(); i++ {
					q, err := search.Parse(classes[name][i%len(classes[name])])
					if err != nil {
						b.Fatal(err)
					}
					start := time.Now()
					res, err := x.Search(context.Background(), search.Request{Query: q, Facets: sixFacets, Sort: order, Limit: 20})
					if err != nil {
						b.Fatal(err)
					}
					took = append(took, time.Since(start))
					total = max(total, res.Total)
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
				b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
				b.ReportMetric(float64(total), "hits")
			})
		}
	}
}

// BenchmarkAppend appends batches of 1,000 to an index that is not small, until each
// is durable and found.
func BenchmarkAppend(b *testing.B) {
	x := open(b, b.TempDir(), segment.Options{})
	fill(b, x, benchDocs())
	g := newGenerator(2)
	var took []time.Duration
	for b.Loop() {
		b.StopTimer()
		batch := search.Batch{}
		for range 1000 {
			batch.Put = append(batch.Put, g.document())
		}
		b.StartTimer()
		start := time.Now()
		if err := x.Apply(context.Background(), batch); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*95/100].Milliseconds()), "p95-ms")
}
