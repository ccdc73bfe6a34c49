package ingest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"daylight/corpus"
	"daylight/extract"
	"daylight/lang"
)

// Extracted is what one document contains, as "daylight extract" prints it.
type Extracted struct {
	Path     string            `json:"path"` // the way into the containers
	Type     string            `json:"type"`
	Language string            `json:"language"`
	Text     string            `json:"text"`
	Facts    map[string]string `json:"facts"` // a name that comes several times has a line for each
	Error    string            `json:"error"`
}

// Walk gives what an item and everything inside of it contains, each container
// before its parts, and records nothing. It returns an error when the item cannot
// be opened, and those of found and ctx. Parts too large for memory lie in a
// temporary file that has no name.
func Walk(ctx context.Context, read extract.Func, item Item, found func(Extracted) error) error {
	body, err := item.Open(ctx)
	if err != nil {
		return err
	}
	defer body.Close()
	w := walker{ctx: ctx, read: read, limits: DefaultLimits, found: found}
	return w.visit(&walked{path: item.Path, name: item.Path, body: body, size: item.Size})
}

type walker struct {
	ctx    context.Context
	read   extract.Func
	limits Limits
	found  func(Extracted) error
	bytes  int64 // of parts so far
}

// walked is one document on the way.
type walked struct {
	path, name, declared, problem string
	level                         int
	body                          io.ReaderAt
	size                          int64
	close                         func() error
}

func (d *walked) free() {
	if d.close != nil {
		d.close()
	}
}

func (w *walker) visit(d *walked) error {
	var parts []*walked
	var held int64
	n, open := 0, false
	defer func() {
		for _, p := range parts {
			p.free()
		}
	}()
	if d.size == 0 && d.problem != "" {
		return w.found(extracted(d, nothing))
	}
	deep := d.level >= w.limits.Depth
	res, err := w.each(d, func(p *walked) error {
		n++
		held += p.size
		parts = append(parts, p)
		if held > w.limits.Memory || deep {
			open = true
			for _, p := range parts {
				p.free()
			}
			parts = nil
		}
		return nil
	}, func() bool { return open })
	if err != nil {
		return err
	}
	full := w.bytes > max(w.limits.Bytes, w.limits.Ratio*d.size)
	switch {
	case deep && n > 0:
		d.problem = join(d.problem, fmt.Sprintf("nested more than %d deep: what is inside is not unpacked", w.limits.Depth))
	case full && n > 0:
		d.problem = join(d.problem, "not unpacked: too much came out of what it is in")
	}
	if err := w.found(extracted(d, res)); err != nil || deep || full {
		return err
	}
	for _, p := range parts {
		if err := w.visit(p); err != nil {
			return err
		}
	}
	if open {
		_, err = w.each(d, func(p *walked) error {
			defer p.free()
			return w.visit(p)
		}, func() bool { return false })
	}
	return err
}

// each reads a document and gives its parts with their bytes, or without while
// skip says so.
func (w *walker) each(d *walked, part func(*walked) error, skip func() bool) (extract.Result, error) {
	var names Namer
	f := extract.File{Name: base(d.name), Type: d.declared, Body: d.body, Size: d.size}
	return w.read(w.ctx, f, w.limits.File, func(p extract.Part) error {
		name := names.Name(p.Name, p.Type)
		if skip() {
			return nil
		}
		in := &walked{path: d.path + "/" + name, name: name, declared: p.Type, problem: p.Error, level: d.level + 1}
		if err := in.keep(p.Body, w.limits.inMemory()); err != nil {
			return err
		}
		w.bytes += in.size
		return part(in)
	})
}

// keep reads the bytes of a part, into memory or, when there are more than
// inMemory of them, into a file without a name.
func (d *walked) keep(r io.Reader, inMemory int64) error {
	bad := &noting{r: r}
	var head bytes.Buffer
	if _, err := io.CopyN(&head, bad, inMemory+1); err != nil {
		d.body, d.size = bytes.NewReader(head.Bytes()), int64(head.Len())
	} else {
		file, err := os.CreateTemp("", "daylight-")
		if err != nil {
			return err
		}
		d.close = file.Close
		if err := os.Remove(file.Name()); err != nil {
			d.free()
			return err
		}
		if d.size, err = io.Copy(file, io.MultiReader(&head, bad)); err != nil {
			d.free()
			return err
		}
		d.body = file
	}
	if bad.err != nil {
		d.problem = join(d.problem, reason(bad.err))
	}
	return nil
}

func extracted(d *walked, res extract.Result) Extracted {
	return Extracted{Path: d.path, Type: res.Type, Language: lang.Detect(res.Text), Text: res.Text,
		Facts: facts(res.Facts), Error: join(d.problem, res.Error)}
}

func facts(list []corpus.Fact) map[string]string {
	m := map[string]string{}
	for _, f := range list {
		if had, ok := m[f.Name]; ok {
			m[f.Name] = had + "\n" + f.Value
		} else {
			m[f.Name] = f.Value
		}
	}
	return m
}
