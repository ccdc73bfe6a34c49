package main

import (
	"context"
	"errors"
	"fmt"

	"daylight/corpus"
	"daylight/desk"
	"daylight/fault"
	"daylight/ingest"
	"daylight/sandbox"
)

type ingestCmd struct {
	Collection string   `required:"" help:"Title of the collection: made, or continued." placeholder:"NAME"`
	Paths      []string `arg:"" type:"path" help:"Files and folders." placeholder:"PATH"`
}

func (ingestCmd) Help() string {
	return `Example: daylight ingest --data /srv/desk --collection "Harbour papers" /media/disk

It can be stopped at any moment and run again: what was read is not read twice. At the end stands what became of every
file. A folder in --data that does not exist is made a trial instance.`
}

func (c *ingestCmd) Run(a *app) error {
	if err := there(c.Paths...); err != nil {
		return err
	}
	if _, err := openInstance(a.data); errors.Is(err, fault.NotFound) {
		if _, err := makeTrial(a.data); err != nil {
			return err
		}
	}
	return a.withDesk(func(d *deskRole, cfg config) error {
		if err := d.confined(cfg); err != nil {
			return err
		}
		return c.into(a, d)
	})
}

func (c *ingestCmd) into(a *app, d *deskRole) error {
	bar := a.bar("Reading")
	_, err := d.Import(a.ctx, desk.Operator, c.Collection, func(ctx context.Context, id corpus.CollectionID, l ingest.Ledger) (err error) {
		run := d.ingest
		run.Collection, run.Ledger, run.Progress = id, l, bar.show
		run.Skipped = func(path, why string) { fmt.Fprintf(a.stderr, "not a file, left out: %s: %s\n", path, why) }
		if run.Total, err = ingest.Measure(c.Paths...); err != nil {
			return err
		}
		sum, err := run.Run(ctx, ingest.Files(c.Paths...))
		bar.done()
		if err != nil {
			return err
		}
		return c.report(a, ctx, l, sum)
	})
	return err
}

// report prints the ledger. That it balances is checked each time.
func (c *ingestCmd) report(a *app, ctx context.Context, l ingest.Ledger, sum ingest.Summary) error {
	ledger, err := l.Balance(ctx)
	if err != nil {
		return err
	}
	if err := ledger.Check(); err != nil {
		return fmt.Errorf("%w: %w", fault.Damaged, err)
	}
	if a.json {
		return a.print(sum)
	}
	total := ledger.Total()
	fmt.Fprintf(a.stdout, "Received %s, %d bytes, in %.1f s.\n", files(total.Received.Files), total.Received.Bytes, sum.Seconds)
	for _, s := range corpus.States {
		if t := total.States[s]; t.Files > 0 {
			fmt.Fprintf(a.stdout, "  %-18s %16s %16d bytes\n", s, files(t.Files), t.Bytes)
		}
	}
	fmt.Fprintln(a.stdout, "Both sides are equal, at every level.")
	return nil
}

func files(n int64) string {
	if n == 1 {
		return "1 file"
	}
	return fmt.Sprint(n, " files")
}

type extractCmd struct {
	Files []string `arg:"" type:"path" help:"Files." placeholder:"FILE"`
}

func (extractCmd) Help() string {
	return `Example: daylight extract outer.zip

Prints {"path","type","language","text","facts","error"} for each document, the file itself and all that is inside of it.
A damaged file gives what could be read, and an error; the exit code is 0 unless a file could not be opened.`
}

func (c *extractCmd) Run(a *app) error {
	if err := there(c.Files...); err != nil {
		return err
	}
	pool, err := sandbox.NewPool(2, sandbox.Options{})
	if err != nil {
		return err
	}
	defer pool.Close()
	for item, err := range ingest.Files(c.Files...) {
		if err == nil {
			err = ingest.Walk(a.ctx, ingest.Sandboxed(pool), item, func(x ingest.Extracted) error { return a.print(x) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}
