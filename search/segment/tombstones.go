package segment

import (
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"

	"github.com/RoaringBitmap/roaring/v2"

	"daylight/internal/durable"
)

// Tombstones are the documents of a segment that are deleted: a file of a roaring
// bitmap in its portable format, whose checksum the manifest has. A new version is a
// new file.
func tombstoneName(segment, version uint64) string {
	return fmt.Sprintf("%08d-%d.del", segment, version)
}

func writeTombstones(dir string, segment, version uint64, dead *roaring.Bitmap) (*deleted, error) {
	b, err := dead.ToBytes()
	if err != nil {
		return nil, fmt.Errorf("tombstones: %w", err)
	}
	if err := durable.WriteFile(filepath.Join(dir, tombstoneName(segment, version)), b); err != nil {
		return nil, fmt.Errorf("tombstones: %w", err)
	}
	return &deleted{version, int(dead.GetCardinality()), crc32.Checksum(b, castagnoli)}, nil
}

func readTombstones(dir string, e entry) (dead *roaring.Bitmap, err error) {
	if e.Deleted == nil {
		return nil, nil
	}
	b, err := os.ReadFile(filepath.Join(dir, tombstoneName(e.Number, e.Deleted.Version)))
	if err != nil {
		return nil, fmt.Errorf("tombstones: %w", err)
	}
	if crc32.Checksum(b, castagnoli) != e.Deleted.Check {
		return nil, damaged("tombstones of segment %d: checksum", e.Number)
	}
	return decodeTombstones(b, e)
}

func decodeTombstones(b []byte, e entry) (dead *roaring.Bitmap, err error) {
	defer catch(&err)
	dead = roaring.New()
	if err := dead.UnmarshalBinary(b); err != nil {
		return nil, damaged("tombstones of segment %d: %v", e.Number, err)
	}
	if err := dead.Validate(); err != nil {
		return nil, damaged("tombstones of segment %d: %v", e.Number, err)
	}
	if int(dead.GetCardinality()) != e.Deleted.Docs || dead.Maximum() >= uint32(e.Docs) {
		return nil, damaged("tombstones of segment %d: not of this segment", e.Number)
	}
	return dead, nil
}
