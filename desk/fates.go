package desk

import (
	"context"
	"fmt"
	"strings"

	"daylight/corpus"
)

// fate is what a release makes of one item.
type fate byte

const (
	hidden fate = iota // not public: undecided, withheld, quarantined, destroyed
	part               // public in part: redacted, or a container of which something is not public
	whole              // public as received
)

// fates is what a release makes of a whole collection. A container's own bytes hold
// its parts, so it goes out whole only if every part does, at every depth; a part
// that is a duplicate counts as the document with the same bytes.
type fates struct {
	of     map[corpus.DocumentID]fate // of documents that hold something or lie in something, and of those with duplicates
	secret map[string]bool            // paths of holders that are hidden: no public path may lead through them
	places map[corpus.DocumentID][]string
	holder map[corpus.DocumentID]corpus.DocumentID // the document that one was first found in
	inside map[corpus.DocumentID]inside            // of documents that are public in part
}

// inside is what a container holds, as far as it may be told.
type inside struct {
	public []string // names
	hidden int
}

// knot is what fates remembers of an item that holds or is held.
type knot struct {
	path, holder string
	id, of       corpus.DocumentID
	holds        bool
}

// fatesOf reads the collection once. Items come in the order in which they were
// recorded, holders before what they hold; going back through them settles every
// part before its holder.
func (d *Desk) fatesOf(ctx context.Context, c corpus.CollectionID) (*fates, error) {
	f := &fates{of: map[corpus.DocumentID]fate{}, secret: map[string]bool{},
		places: map[corpus.DocumentID][]string{}, holder: map[corpus.DocumentID]corpus.DocumentID{}, inside: map[corpus.DocumentID]inside{}}
	var knots []knot
	for i, err := range d.o.Stores.Documents.Outline(ctx, c) {
		if err != nil {
			return nil, fmt.Errorf("read collection: %w", err)
		}
		if i.Document == nil {
			f.places[i.Of] = append(f.places[i.Of], i.Path)
		} else {
			f.of[i.ID()] = i.fate()
		}
		if i.Holder != "" || i.Holds {
			knots = append(knots, knot{i.Path, i.Holder, i.ID(), i.Of, i.Holds})
		}
	}
	f.settle(knots)
	return f, nil
}

// settle runs until nothing changes: twice where no duplicate is involved, and at
// most as often as duplicates of containers are chained.
func (f *fates) settle(knots []knot) {
	ids := map[string]corpus.DocumentID{}
	for _, k := range knots {
		ids[k.path] = k.id
		if k.id.IsZero() {
			ids[k.path] = k.of
		}
	}
	for changed := true; changed; {
		changed = false
		for n := len(knots) - 1; n >= 0; n-- {
			k := knots[n]
			if k.holder == "" || f.of[ids[k.path]] == whole {
				continue
			}
			if in := ids[k.holder]; f.of[in] == whole {
				f.of[in] = part
				changed = true
			}
		}
	}
	for _, k := range knots {
		if k.holds && f.of[ids[k.path]] == hidden {
			f.secret[k.path] = true
		}
		in, ok := ids[k.holder]
		if ok && !k.id.IsZero() {
			f.holder[k.id] = in
		}
		if ok && f.of[in] == part {
			f.inside[in] = f.inside[in].with(k.path[len(k.holder)+1:], f.of[ids[k.path]] != hidden)
		}
	}
}

func (i inside) with(name string, public bool) inside {
	if public {
		i.public = append(i.public, name)
	} else {
		i.hidden++
	}
	return i
}

// listing says in words what a container holds.
func (i inside) listing() string {
	if len(i.public)+i.hidden == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\nIn this file were:\n")
	for _, name := range i.public {
		b.WriteString("- " + name + "\n")
	}
	if i.hidden > 0 {
		b.WriteString("- " + count(i.hidden, "file that is not released", "files that are not released") + "\n")
	}
	return b.String()
}

// fate of a single item, without regard to what it holds.
func (i *Item) fate() fate {
	switch i.State {
	case corpus.Published:
		return whole
	case corpus.Redacted:
		return part
	case corpus.Pending, corpus.Withheld:
		switch i.Plan.Act {
		case Publish:
			return whole
		case Redact:
			return part
		}
	}
	return hidden
}

// public are the paths of a document that lead through nothing hidden. Such a path
// would tell the name of what is held back.
func (f *fates) public(d *corpus.Document, own string) []string {
	var paths []string
	for _, p := range append([]string{own}, f.places[d.ID]...) {
		if !f.throughSecret(p) {
			paths = append(paths, p)
		}
	}
	return paths
}

func (f *fates) throughSecret(path string) bool {
	for i := range len(path) {
		if path[i] == '/' && f.secret[path[:i]] {
			return true
		}
	}
	return false
}

// parent is the document that one was found in, if that is public.
func (f *fates) parent(id corpus.DocumentID) corpus.DocumentID {
	in := f.holder[id]
	if f.of[in] == hidden {
		return corpus.DocumentID{}
	}
	return in
}

// name is the last element of a path: for a document without a name.
func name(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
