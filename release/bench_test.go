package release_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"daylight/corpus"
	"daylight/publog"
	"daylight/release"
)

// BenchmarkRelease writes, verifies and reads documents of 1.3 kB, each with its
// original, and applies them to a log. It reports documents a second for each, and
// the memory that is in use at the end of reading.
func BenchmarkRelease(b *testing.B) {
	desk := newNewsroom(b)
	path := filepath.Join(b.TempDir(), "release")
	f, err := os.Create(path)
	must(b, err)
	text := strings.Repeat("The tide tables of the harbour. ", 40)
	step := func(what string, do func()) {
		start := b.Elapsed()
		do()
		b.ReportMetric(float64(b.N)/(b.Elapsed()-start).Seconds(), what+"/s")
	}
	b.ResetTimer()
	step("written", func() {
		out := bufio.NewWriter(f)
		w, err := release.NewWriter(out, header(1), publog.Frontier{})
		must(b, err)
		for i := range b.N {
			d := release.Document{State: corpus.Published}
			d.ID, d.Collection, d.Title, d.Text, d.Type = corpus.NewDocumentID(), "tides", fmt.Sprint("Letter ", i), text, "text/plain"
			must(b, release.Add(w, d))
			must(b, w.AddRendition(release.Rendition{Document: d.ID, Name: release.NameOriginal, Label: "original", Type: "text/plain"}, strings.NewReader(text), int64(len(text))))
		}
		must(b, w.Close(desk.signer))
		must(b, out.Flush())
	})
	st, err := f.Stat()
	must(b, err)
	log := newLog(b, desk.keys)
	var r *release.Reader
	step("verified", func() { r, err = release.Open(f, st.Size(), desk.keys, log) })
	must(b, err)
	step("read", func() {
		for e, err := range r.Entries() {
			must(b, err)
			if e.Kind == release.KindDocument {
				_, err = release.Decode[release.Document](e.Record)
			} else {
				_, err = io.Copy(io.Discard, e.Open())
			}
			must(b, err)
		}
	})
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.Sys)/(1<<20), "MB")
	step("applied", func() { must(b, log.Apply(r.Update())) })
}
