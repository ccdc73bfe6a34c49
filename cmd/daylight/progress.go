package main

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/term"

	"daylight/ingest"
)

// bar shows how far long work is, on a terminal; elsewhere it is silent.
type bar struct {
	app   *app
	what  string
	shown bool
	drawn time.Time
}

func (a *app) bar(what string) *bar {
	f, ok := a.stderr.(*os.File)
	return &bar{app: a, what: what, shown: ok && term.IsTerminal(int(f.Fd()))}
}

func (b *bar) show(p ingest.Progress) {
	if !b.shown {
		return
	}
	left := ""
	if p.Left > 0 {
		left = ", " + p.Left.Round(time.Second).String() + " left"
	}
	fmt.Fprintf(b.app.stderr, "\r\x1b[K%s: %d files, %.1f of %.1f MB, %.1f MB/s%s", b.what, p.Items, float64(p.Done.Bytes)/1e6, float64(p.Total.Bytes)/1e6, p.Rate/1e6, left)
}

// sent shows an upload, of which some was there before; some times a second at most.
func (b *bar) sent(now, before, size int64, since time.Duration) {
	if b.shown && now > before && since > 0 && time.Since(b.drawn) > time.Second/5 {
		rate := float64(now-before) / since.Seconds()
		left := time.Duration(float64(size-now) / rate * float64(time.Second)).Round(time.Second)
		fmt.Fprintf(b.app.stderr, "\r\x1b[K%s: %.1f of %.1f MB, %.0f kB/s, %s left", b.what, float64(now)/1e6, float64(size)/1e6, rate/1e3, left)
		b.drawn = time.Now()
	}
}

// indexed shows how much is in an index, of which some was in it before.
func (b *bar) indexed(now, before, all int, since time.Duration) {
	if b.shown && now > before {
		rate := float64(now-before) / since.Seconds()
		left := time.Duration(float64(all-now) / rate * float64(time.Second)).Round(time.Second)
		fmt.Fprintf(b.app.stderr, "\r\x1b[K%s: %d of %d documents, %.0f a second, %s left", b.what, now, all, rate, left)
	}
}

func (b *bar) done() {
	if b.shown {
		fmt.Fprint(b.app.stderr, "\r\x1b[K")
	}
}
