package segment

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"

	"daylight/fault"
	"daylight/internal/durable"
)

// The manifest is the truth of an index: which segments it is, and what is deleted
// of them. It is replaced as a whole, so that a batch is there or is not. Its first
// line is "daylight index, format 0, checksum XXXXXXXX" with the CRC-32C of the
// rest, which is JSON.
const (
	manifestName  = "manifest"
	manifestFirst = "daylight index, format 0, checksum %08x\n"

	// analysis counts the changes of what a word is and of stems. An index of
	// another count would answer wrongly, and is made anew.
	analysis = 1

	// maxSegments bounds what a manifest may name.
	maxSegments = 1 << 16
	maxDocs     = 1 << 22 // of a segment
)

type manifest struct {
	Analysis   int     `json:"analysis"`
	Generation uint64  `json:"generation"` // how often it was replaced
	Next       uint64  `json:"next"`       // the number of the next segment
	Segments   []entry `json:"segments"`
}

// entry is one segment.
type entry struct {
	Number  uint64   `json:"number"`
	Docs    int      `json:"docs"`
	Size    int64    `json:"size"`  // of the file
	Check   uint32   `json:"check"` // of the file's trailer
	Deleted *deleted `json:"deleted,omitempty"`
}

// deleted is the file of tombstones of a segment; see tombstones.go.
type deleted struct {
	Version uint64 `json:"version"`
	Docs    int    `json:"docs"`
	Check   uint32 `json:"check"`
}

func (m *manifest) encode() ([]byte, error) {
	body, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return append(fmt.Appendf(nil, manifestFirst, crc32.Checksum(body, castagnoli)), body...), nil
}

func decodeManifest(b []byte) (*manifest, error) {
	first, body, ok := bytes.Cut(b, []byte("\n"))
	if !ok || string(first)+"\n" != fmt.Sprintf(manifestFirst, crc32.Checksum(body, castagnoli)) {
		return nil, damaged("manifest: no manifest of format 0, or its checksum is wrong")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	var m manifest
	if err := d.Decode(&m); err != nil {
		return nil, damaged("manifest: %v", err)
	}
	if m.Analysis != analysis {
		return nil, fmt.Errorf("index was made by other rules of words (%d; these are %d) and has to be made anew: %w",
			m.Analysis, analysis, fault.Conflict)
	}
	if len(m.Segments) > maxSegments {
		return nil, damaged("manifest: %d segments", len(m.Segments))
	}
	seen := map[uint64]bool{}
	for _, e := range m.Segments {
		if e.Number >= m.Next || seen[e.Number] || e.Docs < 1 || e.Docs > maxDocs || e.Size < 0 ||
			e.Deleted != nil && (e.Deleted.Docs < 1 || e.Deleted.Docs > e.Docs) {
			return nil, damaged("manifest: segment %d makes no sense", e.Number)
		}
		seen[e.Number] = true
	}
	return &m, nil
}

// readManifest reads the manifest of a folder; one without is an empty index.
func readManifest(dir string) (*manifest, error) {
	b, err := os.ReadFile(filepath.Join(dir, manifestName))
	if errors.Is(err, os.ErrNotExist) {
		return &manifest{Analysis: analysis}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	return decodeManifest(b)
}

func writeManifest(dir string, m *manifest) error {
	b, err := m.encode()
	if err != nil {
		return err
	}
	if err := durable.WriteFile(filepath.Join(dir, manifestName), b); err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	return nil
}
