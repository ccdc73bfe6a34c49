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

// paths are the addresses of all that the candidate has: lists and tables, what the
// desk wrote, and each document.
func (c *candidate) paths(ctx context.Context) ([]string, error) {
	paths := []string{"/", "/search", "/search.csv", "/api/search", "/collections", "/entities", "/topics", "/origins", "/answers"}
	add := func(prefix string, ids []string, err error) error {
		for _, id := range ids {
			paths = append(paths, prefix+id)
		}
		return err
	}
	collections, err := c.archive.Collections(ctx)
	if err := add("/collections/", idsOf(collections, func(x archive.Collection) string { return string(x.ID) }), err); err != nil {
		return nil, err
	}
	entities, err := c.archive.Entities(ctx)
	if err := add("/entities/", idsOf(entities, func(x archive.Entity) string { return string(x.ID) }), err); err != nil {
		return nil, err
	}
	topics, err := c.archive.Topics(ctx)
	if err := add("/topics/", idsOf(topics, func(x archive.Topic) string { return string(x.ID) }), err); err != nil {
		return nil, err
	}
	origins, err := c.archive.Origins(ctx)
	if err := add("/origins/", idsOf(origins, func(x archive.Origin) string { return string(x.ID) }), err); err != nil {
		return nil, err
	}
	answers, err := c.archive.Answers(ctx)
	if err := add("/answers/", idsOf(answers, func(x archive.Answer) string { return string(x.ID) }), err); err != nil {
		return nil, err
	}
	for after, more := "", true; more; more = after != "" {
		got, err := c.archive.Search(ctx, archive.SearchRequest{Limit: 500, After: after, Sort: search.ByOldest})
		if err != nil {
			return nil, err
		}
		for _, h := range got.Hits {
			paths = append(paths, "/documents/"+h.ID.String(), "/api/documents/"+h.ID.String())
		}
		after = got.Result.Next
	}
	return paths, nil
}

func idsOf[T any](list []T, id func(T) string) []string {
	var ids []string
	for _, x := range list {
		ids = append(ids, id(x))
	}
	return ids
}
