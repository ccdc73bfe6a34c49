package publog

import (
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"daylight/fault"
)

const (
	tileHeight = 8 // C2SP tlog-tiles fixes it
	tileWidth  = 1 << tileHeight

	entriesLevel = -1 // tlog's number for the leaves themselves
)

// tilePath is where a tile stands: C2SP tlog-tiles has no height in it and says
// "entries" where package tlog says "data".
func tilePath(t tlog.Tile) string {
	rest := strings.TrimPrefix(t.Path(), fmt.Sprintf("tile/%d/", tileHeight))
	if t.L == entriesLevel {
		rest = "entries/" + strings.TrimPrefix(rest, "data/")
	}
	return "tile/" + rest
}

// getTile reads a tile of hashes. A partial one may have been written at a later
// size, or be full by now; its beginning is the same.
func getTile(s Store, t tlog.Tile) ([]byte, error) {
	b, err := s.Get(tilePath(t))
	if err != nil && t.W < tileWidth {
		full := t
		full.W = tileWidth
		if fb, ferr := s.Get(tilePath(full)); ferr == nil {
			b, err = fb, nil
		}
	}
	if err != nil {
		return nil, err
	}
	if len(b) < t.W*tlog.HashSize {
		return nil, fmt.Errorf("log file %s: %d bytes; want %d: %w", tilePath(t), len(b), t.W*tlog.HashSize, fault.Damaged)
	}
	return b[:t.W*tlog.HashSize], nil
}

// tileReader gives package tlog our tiles. What it reads is checked there against
// the root.
type tileReader struct{ store Store }

func (r tileReader) Height() int                     { return tileHeight }
func (r tileReader) SaveTiles([]tlog.Tile, [][]byte) {}
func (r tileReader) ReadTiles(t []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(t))
	for i := range t {
		var err error
		if data[i], err = getTile(r.store, t[i]); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// edge is the right edge of a tree that is being written: per level the hashes of
// the tile that is not full yet, and the leaves of the last bundle.
type edge struct {
	size    int64
	levels  [][]Hash
	entries []Leaf
}

// readEdge reads the edge of a log of a size. It is not checked here.
func readEdge(s Store, size int64) (*edge, error) {
	e := &edge{size: size}
	for level, n := 0, size; n > 0; level, n = level+1, n/tileWidth {
		e.levels = append(e.levels, nil)
		width := int(n % tileWidth)
		if width == 0 {
			continue
		}
		data, err := getTile(s, tlog.Tile{H: tileHeight, L: level, N: n / tileWidth, W: width})
		if err != nil {
			return nil, err
		}
		for ; len(data) > 0; data = data[tlog.HashSize:] {
			e.levels[level] = append(e.levels[level], Hash(data[:tlog.HashSize]))
		}
	}
	width := int(size % tileWidth)
	if width == 0 {
		return e, nil
	}
	leaves, err := getEntries(s, size/tileWidth, width)
	e.entries = leaves
	return e, err
}

// frontier joins the hashes of each level into the roots of full subtrees.
func (e *edge) frontier() Frontier {
	var roots []Hash
	for level := len(e.levels) - 1; level >= 0; level-- {
		rest := e.levels[level]
		for bit := tileWidth / 2; bit > 0; bit /= 2 {
			if len(rest) >= bit {
				roots = append(roots, perfect(rest[:bit]))
				rest = rest[bit:]
			}
		}
	}
	return Frontier{e.size, roots}
}

// perfect is the root of a full subtree over 2^k hashes.
func perfect(h []Hash) Hash {
	if len(h) == 1 {
		return h[0]
	}
	return tlog.NodeHash(perfect(h[:len(h)/2]), perfect(h[len(h)/2:]))
}

// add appends a leaf and writes each tile that it completes.
func (e *edge) add(s Store, leaf Leaf) error {
	e.entries = append(e.entries, leaf)
	e.size++
	h, n := leaf.hash(), e.size
	for level := 0; ; level, n = level+1, n/tileWidth {
		if level == len(e.levels) {
			e.levels = append(e.levels, nil)
		}
		e.levels[level] = append(e.levels[level], h)
		if len(e.levels[level]) < tileWidth {
			return nil
		}
		if level == 0 {
			if err := e.putEntries(s); err != nil {
				return err
			}
			e.entries = e.entries[:0]
		}
		if err := putTile(s, level, n/tileWidth-1, e.levels[level]); err != nil {
			return err
		}
		h = perfect(e.levels[level])
		e.levels[level] = e.levels[level][:0]
	}
}

// flush writes the tiles that are not full.
func (e *edge) flush(s Store) error {
	for level, n := 0, e.size; level < len(e.levels); level, n = level+1, n/tileWidth {
		if len(e.levels[level]) == 0 {
			continue
		}
		if err := putTile(s, level, n/tileWidth, e.levels[level]); err != nil {
			return err
		}
	}
	if len(e.entries) == 0 {
		return nil
	}
	return e.putEntries(s)
}

func putTile(s Store, level int, n int64, hashes []Hash) error {
	data := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		data = append(data, h[:]...)
	}
	return s.Put(tilePath(tlog.Tile{H: tileHeight, L: level, N: n, W: len(hashes)}), data)
}

// putEntries writes the last bundle of leaves, each with its length in two bytes,
// big-endian: C2SP tlog-tiles, Log Entries.
func (e *edge) putEntries(s Store) error {
	data := make([]byte, 0, len(e.entries)*(2+len(Leaf{})))
	for _, l := range e.entries {
		data = binary.BigEndian.AppendUint16(data, uint16(len(l)))
		data = append(data, l[:]...)
	}
	n := (e.size - 1) / tileWidth
	return s.Put(tilePath(tlog.Tile{H: tileHeight, L: entriesLevel, N: n, W: len(e.entries)}), data)
}

// getEntries reads the first leaves of a bundle.
func getEntries(s Store, n int64, width int) ([]Leaf, error) {
	path := tilePath(tlog.Tile{H: tileHeight, L: entriesLevel, N: n, W: width})
	data, err := s.Get(path)
	if err != nil && width < tileWidth {
		if full, ferr := s.Get(tilePath(tlog.Tile{H: tileHeight, L: entriesLevel, N: n, W: tileWidth})); ferr == nil {
			data, err = full, nil
		}
	}
	if err != nil {
		return nil, err
	}
	const each = 2 + len(Leaf{})
	leaves := make([]Leaf, 0, width)
	for ; len(leaves) < width; data = data[each:] {
		if len(data) < each || binary.BigEndian.Uint16(data) != uint16(len(Leaf{})) {
			return nil, fmt.Errorf("log file %s: %w", path, fault.Damaged)
		}
		leaves = append(leaves, Leaf(data[2:each]))
	}
	return leaves, nil
}
