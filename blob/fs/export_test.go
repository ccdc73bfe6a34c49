package fs

import "os"

// Disk lets tests fail what the store asks of the operating system.
type Disk = disk

// RealDisk is the one that does not fail.
type RealDisk = realDisk

// OpenOn opens a store on a disk. Its batches become packs of their own at 100 kB.
func OpenOn(dir string, d Disk) (*Store, error) { return open(dir, d, 100<<10) }

// Places tells where the bytes of each small blob stand, for tests that damage
// them.
func (s *Store) Places() (files []*os.File, offsets, sizes []int64) {
	for _, p := range s.blobs {
		if p.kind&flagLarge == 0 && p.size > 0 {
			files, offsets, sizes = append(files, s.packs[p.pack]), append(offsets, p.off), append(sizes, p.size)
		}
	}
	return files, offsets, sizes
}
