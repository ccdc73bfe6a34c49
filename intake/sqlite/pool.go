package sqlite

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"

	crand "crypto/rand"

	"daylight/internal/durable"
)

const (
	// blockSize is what the pool is cut into: the least size of an envelope, so that
	// a small one is one block, and of a large one the file system tells nothing.
	blockSize = 128 << 10

	// extent is what the pool grows by.
	extent = 64 * blockSize

	// reserve is how many blocks nothing that arrives may take: the daily rewrite
	// needs somewhere to begin.
	reserve = 16

	// rowsOf is more than the database needs for the rows of a small envelope.
	rowsOf = 512
)

// pool is the one file in which everything sealed lies, in blocks. Blocks that hold
// nothing hold random bytes, which cannot be told from those that do. It is one file,
// because each file has a time of its own. It grows and never shrinks.
type pool struct {
	file *os.File

	mu     sync.Mutex
	size   int64
	free   []int64 // places that nothing lies at, in no order
	isFree []bool  // by place
	random *rand.Rand
	buf    [blockSize]byte
}

// openPool opens the pool at path, makes it when it is not there, and takes the
// places in use. What a crash cut off is made whole.
func openPool(path string, used []int64) (_ *pool, err error) {
	p := &pool{random: rand.New(rand.NewChaCha8(newSeed()))}
	if p.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			p.file.Close()
		}
	}()
	if p.size, err = p.file.Seek(0, io.SeekEnd); err != nil {
		return nil, err
	}
	least := max(p.size, extent)
	for _, place := range used {
		least = max(least, (place+1)*blockSize)
	}
	p.isFree = make([]bool, p.size/extent*extent/blockSize) // whole extents
	if err := p.growTo(least); err != nil {
		return nil, err
	}
	for place := range p.isFree {
		p.isFree[place] = true
	}
	for _, place := range used {
		p.isFree[place] = false
	}
	p.free = nil
	for place, free := range p.isFree {
		if free {
			p.free = append(p.free, int64(place))
		}
	}
	return p, errors.Join(p.file.Sync(), durable.SyncDir(filepath.Dir(path)))
}

func newSeed() (seed [32]byte) {
	crand.Read(seed[:])
	return seed
}

// growTo makes the pool at least so large, by whole extents. After an error it is as
// large as it was. The file is never longer than what was written to it: a crash
// leaves no zeros, which would tell where nothing was ever kept.
func (p *pool) growTo(least int64) error {
	for int64(len(p.isFree))*blockSize < least {
		end := int64(len(p.isFree))*blockSize + extent
		err := allocate(p.file, p.size, end+p.spare(len(p.isFree))-p.size)
		if err == nil {
			err = p.noise(p.size, end)
		}
		if err == nil {
			err = p.file.Truncate(end) // lets go of what is spare
		}
		if err != nil {
			return fmt.Errorf("grow pool: %w", kind(errors.Join(err, p.file.Truncate(p.size))))
		}
		p.size = end
		for range extent / blockSize {
			p.free, p.isFree = append(p.free, int64(len(p.isFree))), append(p.isFree, true)
		}
	}
	return nil
}

// spare is what a growing pool leaves on the disk for the database, which must still
// be able to say what was kept, and to be emptied: then all of it stands in its log
// once more, and again where the log was not taken in before. It also grows when the
// pool does not, until each of its places holds an envelope of its own.
func (p *pool) spare(places int) int64 {
	var size int64
	for _, name := range []string{"intake.db", "intake.db-wal"} {
		if info, err := os.Stat(filepath.Join(filepath.Dir(p.file.Name()), name)); err == nil {
			size += info.Size()
		}
	}
	return 4<<20 + max(2*size, 3*rowsOf*int64(places))
}

// noise fills a part of the file with what a key gives that nobody has.
func (p *pool) noise(from, to int64) error {
	key, err := newCipher(newKey())
	if err != nil {
		return err
	}
	stream := cipher.NewCTR(key, newIV())
	for from < to {
		b := p.buf[:min(int64(len(p.buf)), to-from)]
		stream.XORKeyStream(b, b)
		n, err := p.file.WriteAt(b, from)
		if err != nil {
			return err
		}
		from += int64(n)
	}
	return nil
}

// reserveTo is growTo for those who do not hold the pool, and durable.
func (p *pool) reserveTo(least int64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.growTo(least); err != nil {
		return err
	}
	return p.file.Sync()
}

// take takes n places at random, so that they tell nothing of when, and leaves as
// many as leave. The pool grows when it must: fault.Full when it cannot.
func (p *pool) take(n, leave int) ([]block, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if lacks := n + leave - len(p.free); lacks > 0 {
		if err := p.growTo(p.size + int64(lacks)*blockSize); err != nil {
			return nil, err
		}
	}
	taken := make([]block, n)
	for i := range taken {
		j, last := p.random.IntN(len(p.free)), len(p.free)-1
		taken[i] = block{p.free[j], newIV()}
		p.isFree[p.free[j]] = false
		p.free[j] = p.free[last]
		p.free = p.free[:last]
	}
	return taken, nil
}

// vacant is how many places are free, and how many there are.
func (p *pool) vacant() (free, all int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.free), len(p.isFree)
}

// give returns places. Nothing may point there any more.
func (p *pool) give(places []int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, place := range places {
		p.isFree[place] = true
	}
	p.free = append(p.free, places...)
}

// scrub fills the place with noise when it is free, and reports whether there is
// such a place at all.
func (p *pool) scrub(place int64) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if place >= int64(len(p.isFree)) {
		return false, nil
	}
	if !p.isFree[place] {
		return true, nil
	}
	return true, p.noise(place*blockSize, (place+1)*blockSize)
}

// stir fills one free place with noise.
func (p *pool) stir() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) == 0 {
		return nil
	}
	place := p.free[p.random.IntN(len(p.free))]
	return p.noise(place*blockSize, (place+1)*blockSize)
}
