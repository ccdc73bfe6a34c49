package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"

	"daylight/archive"
	"daylight/archive/sqlite"
	"daylight/archive/web"
	blobmem "daylight/blob/mem"
	"daylight/corpus"
	"daylight/desk"
	"daylight/internal/sqlkit"
	"daylight/publog"
	"daylight/search"
	"daylight/search/segment"
)

// previewer imports candidate releases into archives that are thrown away. It lets
// the desk see its release as readers will, and search all that they could reach.
// Candidates lie in a folder of the desk, which the next start empties: documents
// encrypted, renditions in memory, and the index as the desk's own is.
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
	var key sqlkit.Key // only ever in memory: it goes with the candidate
	rand.Read(key[:])
	catalog, err := sqlite.OpenSealed(ctx, dir+"/catalog.db", key)
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
	c.pages, err = web.New(c.archive, web.Options{Log: p.app.log})
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

// Outputs yields the answers that readers get of the release: every page that needs
// no question, the search without words as page, table and JSON, and for each document
// its page, its JSON, and for each rendition its page and what that page shows in a
// frame. Downloads are not among them: they are the payloads of entries, which the gate
// searches by themselves. Neither are proofs, which a candidate has none of, nor answers
// to questions that readers think of: they show parts of the same documents.
func (c *candidate) Outputs(ctx context.Context) iter.Seq2[desk.Output, error] {
	return func(yield func(desk.Output, error) bool) {
		for path, err := range c.paths(ctx) {
			if err != nil {
				yield(desk.Output{}, fmt.Errorf("preview: %w", err))
				return
			}
			if !yield(desk.Output{Name: path, Open: func() (io.ReadCloser, error) { return c.get(ctx, path) }}, nil) {
				return
			}
		}
	}
}

// get asks the pages as a reader would.
func (c *candidate) get(ctx context.Context, path string) (io.ReadCloser, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, path, nil)
	if err != nil {
		return nil, fmt.Errorf("preview: %w", err)
	}
	w := answer{header: http.Header{}, status: http.StatusOK}
	c.pages.ServeHTTP(&w, r)
	if w.status != http.StatusOK {
		return nil, fmt.Errorf("preview: %s: status %d", path, w.status)
	}
	return io.NopCloser(&w.body), nil
}

// answer is a http.ResponseWriter that keeps what it is given.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

// paths yields the addresses that Outputs asks for.
func (c *candidate) paths(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		fixed, err := c.lists(ctx)
		if err != nil {
			yield("", err)
			return
		}
		for _, path := range fixed {
			if !yield(path, nil) {
				return
			}
		}
		for after, more := "", true; more; more = after != "" {
			found, err := c.archive.Search(ctx, archive.SearchRequest{Limit: 500, After: after, Sort: search.ByOldest})
			if err != nil {
				yield("", err)
				return
			}
			for _, h := range found.Hits {
				paths, err := c.document(ctx, h.ID)
				if err != nil {
					yield("", err)
					return
				}
				for _, path := range paths {
					if !yield(path, nil) {
						return
					}
				}
			}
			after = found.Result.Next
		}
	}
}

// document gives the addresses of one document.
func (c *candidate) document(ctx context.Context, id corpus.DocumentID) ([]string, error) {
	d, err := c.archive.Document(ctx, id)
	if err != nil {
		return nil, err
	}
	at := "/documents/" + id.String()
	paths := []string{at, "/api" + at}
	for _, r := range d.Renditions {
		paths = append(paths, at+"/"+r.Name)
		if web.Viewable(r) {
			paths = append(paths, at+"/"+r.Name+"/view")
		}
	}
	return paths, nil
}

// lists gives the addresses of all that is not a document.
func (c *candidate) lists(ctx context.Context) ([]string, error) {
	paths := []string{"/", "/search", "/search.csv", "/api/search", "/collections", "/entities", "/topics", "/origins", "/answers",
		"/log", "/send", "/harm", "/about", "/help"}
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
	return paths, nil
}

func idsOf[T any](list []T, id func(T) string) []string {
	var ids []string
	for _, x := range list {
		ids = append(ids, id(x))
	}
	return ids
}
