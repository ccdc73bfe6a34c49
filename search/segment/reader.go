package segment

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"daylight/fault"
	"daylight/search"
)

// Reader is an index open for searching only, which another process may write
// meanwhile. A search sees what was committed before it began.
type Reader struct {
	store
	refresh sync.Mutex
	seen    os.FileInfo // the manifest that is loaded; nil when there was none
}

// OpenReadOnly opens the index in a folder for searching. It needs no right to write
// there. A folder that does not exist is fault.NotFound; one without an index is an
// empty index, which may be filled later.
func OpenReadOnly(dir string) (*Reader, error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open index: %w: %w", err, fault.NotFound)
	} else if err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	r := &Reader{}
	r.dir = dir
	if err := r.load(nil); err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	return r, nil
}

// attempts is how often a manifest is read again whose files went while they were
// opened, because it was replaced.
const attempts = 100

// load makes the manifest of the moment the snapshot of the moment.
func (r *Reader) load(old *snapshot) error {
	path := filepath.Join(r.dir, manifestName)
	for try := 1; ; try++ {
		seen, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			seen = nil
		} else if err != nil {
			return err
		}
		m, err := readManifest(r.dir)
		if err != nil {
			return err
		}
		s, err := loadSnapshot(r.dir, m, old)
		if errors.Is(err, fs.ErrNotExist) && try < attempts {
			continue
		}
		if err != nil {
			return missing(err)
		}
		r.seen = seen
		return r.swap(s)
	}
}

// follow loads the manifest when it was replaced. Each is a file of its own, so that
// a look at the file is enough.
func (r *Reader) follow() error {
	r.refresh.Lock()
	defer r.refresh.Unlock()
	now, err := os.Stat(filepath.Join(r.dir, manifestName))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) && r.seen == nil {
			return nil
		}
		return err
	}
	if r.seen != nil && os.SameFile(now, r.seen) && now.ModTime().Equal(r.seen.ModTime()) && now.Size() == r.seen.Size() {
		return nil
	}
	old, err := r.acquire()
	if err != nil {
		return err
	}
	defer old.release()
	return r.load(old)
}

// Search fulfils search.Searcher.
func (r *Reader) Search(ctx context.Context, q search.Request) (search.Result, error) {
	if err := r.follow(); err != nil {
		return search.Result{}, fmt.Errorf("index: %w", err)
	}
	return r.search(ctx, q)
}

// Len is the number of documents that can be found.
func (r *Reader) Len() int {
	_ = r.follow() // what cannot be read now, Search will say
	return r.size()
}

// Close closes the index. Searches that run end well.
func (r *Reader) Close() error {
	r.refresh.Lock()
	defer r.refresh.Unlock()
	return r.swap(nil)
}
