package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"

	"daylight/archive"
	"daylight/archive/sqlite"
	"daylight/archive/web"
	blobfs "daylight/blob/fs"
	"daylight/publog"
	"daylight/search/segment"
)

// closers end what was opened, the last first.
type closers []io.Closer

func (c closers) Close() error {
	var errs []error
	for i := len(c) - 1; i >= 0; i-- {
		errs = append(errs, c[i].Close())
	}
	return errors.Join(errs...)
}

// archiveStore is the archive of an instance, open for writing: for imports.
type archiveStore struct {
	importer archive.Importer
	closers
}

// openArchiveStore opens the places of an archive, and makes them when they are
// not there. Only one process may have them open so.
func openArchiveStore(ctx context.Context, in instance) (_ *archiveStore, err error) {
	s := &archiveStore{}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if s.importer.Keys, err = in.newsroomKeys(); err != nil {
		return nil, err
	}
	catalog, err := sqlite.Open(ctx, in.path("catalog.db"))
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, catalog)
	blobs, err := blobfs.Open(in.path("blobs"))
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, blobs)
	index, err := segment.Open(in.path("index"), segment.Options{})
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, index)
	s.importer.Catalog, s.importer.Blobs, s.importer.Index, s.importer.Log = catalog, blobs, index, publog.Folder(in.path("log"))
	return s, nil
}

// importFile imports one release file.
func (s *archiveStore) importFile(ctx context.Context, path string) (archive.Imported, error) {
	f, err := os.Open(path)
	if err != nil {
		return archive.Imported{}, fmt.Errorf("import: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return archive.Imported{}, fmt.Errorf("import: %w", err)
	}
	return s.importer.ImportFile(ctx, f, st.Size())
}

// openArchive opens an archive for reading, beside a process that may be
// importing. An archive that never imported anything is empty, not an error.
func openArchive(ctx context.Context, in instance) (_ archive.Reader, _ io.Closer, err error) {
	var open closers
	defer func() {
		if err != nil {
			open.Close()
		}
	}()
	if _, err := os.Stat(in.path("catalog.db")); errors.Is(err, fs.ErrNotExist) {
		empty, err := openArchiveStore(ctx, in)
		if err != nil {
			return nil, nil, err
		}
		if err := empty.Close(); err != nil {
			return nil, nil, err
		}
	}
	keys, err := in.newsroomKeys()
	if err != nil {
		return nil, nil, err
	}
	catalog, err := sqlite.OpenReadOnly(ctx, in.path("catalog.db"))
	if err != nil {
		return nil, nil, err
	}
	open = append(open, catalog)
	blobs, err := blobfs.OpenReadOnly(in.path("blobs"))
	if err != nil {
		return nil, nil, err
	}
	open = append(open, blobs)
	index, err := segment.OpenReadOnly(in.path("index"))
	if err != nil {
		return nil, nil, err
	}
	open = append(open, index)
	a, err := archive.Open(ctx, archive.Options{Catalog: catalog, Blobs: blobs, Index: index, Log: publog.Folder(in.path("log")), Keys: keys})
	return a, open, err
}

// archiveHandler is the public site over an archive.
func (a *app) archiveHandler(r archive.Reader, c config, banner string) (http.Handler, error) {
	return web.New(r, web.Options{Name: c.Newsroom, Banner: banner, SubmitURL: c.Archive.SubmitAddress, Log: a.log})
}

type importCmd struct {
	Releases []string `arg:"" type:"path" help:"Release files, in the order of their numbers." placeholder:"FILE"`
}

func (importCmd) Help() string {
	return "Example: daylight import --data /srv/archive 0001.daylight 0002.daylight\n\nA serving archive shows the release as soon as the import ends. It can be stopped and run again at any time."
}

func (c *importCmd) Run(a *app) error {
	if err := there(c.Releases...); err != nil {
		return err
	}
	in, err := roleInstance(a.data, "archive")
	if err != nil {
		return err
	}
	done, err := in.take(in.path(importName))
	if err != nil {
		return err
	}
	defer done()
	s, err := openArchiveStore(a.ctx, in)
	if err != nil {
		return err
	}
	defer s.Close()
	for _, path := range c.Releases {
		got, err := s.importFile(a.ctx, path)
		if err != nil {
			return err
		}
		if a.json {
			if err := a.print(map[string]any{"release": got.Release.Number, "already": got.Already, "documents": got.Documents, "withdrawn": got.Withdrawn, "missing": got.Missing}); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(a.stdout, "Release %d: %d documents, %d withdrawn.\n", got.Release.Number, got.Documents, got.Withdrawn)
		if got.Missing > 0 {
			fmt.Fprintf(a.stdout, "This copy does not hold %d entries of the release. What they were cannot be told: it may be documents that were withdrawn, or a withdrawal that somebody left out. Compare it with the newsroom's own copy.\n", got.Missing)
		}
	}
	return nil
}
