package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"

	"daylight/archive"
	"daylight/archive/sqlite"
	"daylight/archive/web"
	blobmem "daylight/blob/mem"
	"daylight/desk"
	"daylight/publog"
	"daylight/search"
	"daylight/search/segment"
)

// previewer imports candidate releases into archives that are thrown away. It lets
// the desk see its release as readers will, and search all that they could reach.
// Candidates lie in a folder of the desk, which the next start empties.
type previewer struct {
	app *app
	dir string
	cfg config
}

func (p previewer) preview(ctx context.Context, release io.ReaderAt, size int64, keys publog.Keys) (_ desk.Candidate, err error) {
	dir, err := os.MkdirTemp(p.dir, "candidate-")
	if err != nil {
		return nil, fmt.Errorf("preview: %w", err)
	}
	c := &candidate{dir: dir}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	catalog, err := sqlite.Open(ctx, dir+"/catalog.db")
	if err != nil {
		return nil, err
	}
	c.open = append(c.open, catalog)
	index, err := segment.Open(dir+"/index", segment.Options{})
	if err != nil {
		return nil, err
	}
	blobs := blobmem.New()
	c.open = append(c.open, index, blobs)
	im := archive.Importer{Catalog: catalog, Blobs: blobs, Index: index, Keys: keys}
	if _, err := im.ImportFile(ctx, release, size); err != nil {
		return nil, fmt.Errorf("preview: %w", err)
	}
	c.archive, err = archive.Open(ctx, archive.Options{Catalog: catalog, Blobs: blobs, Index: index, Keys: keys})
	if err != nil {
		return nil, fmt.Errorf("preview: %w", err)
	}
	c.pages, err = web.New(c.archive, web.Options{Banner: "Preview. Nothing here is public.", Log: p.app.log})
	return c, err
}

// candidate is a throw-away archive with one release in it.
type candidate struct {
	dir     string
	archive archive.Reader
	pages   http.Handler
	open    closers
}

func (c *candidate) Handler() http.Handler { return c.pages }

func (c *candidate) Close() error {
	err := c.open.Close()
	if gone := os.RemoveAll(c.dir); err == nil {
		err = gone
	}
	return err
}

// Outputs yields what readers can reach of the release: each kind of page, and for
// each document its page, its JSON and its renditions.
func (c *candidate) Outputs(ctx context.Context) iter.Seq2[desk.Output, error] {
	return func(yield func(desk.Output, error) bool) {
		paths, err := c.paths(ctx)
		if err != nil {
			yield(desk.Output{}, fmt.Errorf("preview: %w", err))
			return
		}
		for _, path := range paths {
			out := desk.Output{Name: path, Open: func() (io.ReadCloser, error) { return c.get(ctx, path) }}
			if !yield(out, nil) {
				return
			}
		}
	}
}

// get asks the pages as a reader would.
func (c *candidate) get(ctx context.Context, path string) (io.ReadCloser, error) {
	w := httptest.NewRecorder()
	c.pages.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil))
	if w.Code != http.StatusOK {
		return nil, fmt.Errorf("preview: %s: status %d", path, w.Code)
	}
	return io.NopCloser(bytes.NewReader(w.Body.Bytes())), nil
}

func (c *candidate) paths(ctx context.Context) ([]string, error) {
	paths := []string{"/", "/search", "/search.csv"}
	for after, more := "", true; more; more = after != "" {
		got, err := c.archive.Search(ctx, archive.SearchRequest{Limit: 500, After: after, Sort: search.ByOldest})
		if err != nil {
			return nil, err
		}
		for _, h := range got.Hits {
			id := h.ID.String()
			paths = append(paths, "/d/"+id, "/api/documents/"+id)
		}
		after = got.Result.Next
	}
	return paths, nil
}
