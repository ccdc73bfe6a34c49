// Package secret keeps what should not outlive its use: values in memory of their
// own that is locked, left out of dumps and wiped; a process that others cannot
// look into; stacks and a heap whose garbage is overwritten. What the system does not let
// it have it names. It cannot wipe what a library copies for itself while it works:
// that is garbage until the next Collect.
package secret

import (
	"runtime"
	"runtime/debug"
	"sync"
	"time"
	"unsafe"
)

// Box holds one T, of zeroes at first, outside of Go's heap. T must fit a page and
// have no pointers: the collector does not look there.
type Box[T any] struct {
	V    *T
	page *page
}

// New makes a box. Wipe it after use; it is for one goroutine.
func New[T any]() *Box[T] {
	if unsafe.Sizeof(*new(T)) > pageSize {
		panic("secret: a value larger than a page")
	}
	p := take()
	return &Box[T]{(*T)(unsafe.Pointer(&p.bytes[0])), p}
}

// Wipe overwrites the value and takes it away. Wiping twice is no error.
func (b *Box[T]) Wipe() {
	if b.page == nil {
		return
	}
	clear(b.page.bytes)
	give(b.page)
	b.V, b.page = nil, nil
}

const pageSize = 4096

// page is memory for one box, between two pages that nobody may touch.
type page struct {
	bytes  []byte // one page of the system's, or more
	locked bool
	whole  []byte // with its neighbours; what is unmapped
}

// pages are those that are free. A page is wiped before it comes here.
var pages struct {
	sync.Mutex
	free     []*page
	unlocked error // why the first page could not be locked that could not
}

// maxFree bounds how many pages are kept for later: 1 MiB, where a process that was
// given no rights of its own may lock 8.
const maxFree = 256

func take() *page {
	pages.Lock()
	defer pages.Unlock()
	if n := len(pages.free); n > 0 {
		p := pages.free[n-1]
		pages.free = pages.free[:n-1]
		return p
	}
	p, err := mapPage()
	if err != nil && pages.unlocked == nil {
		pages.unlocked = err
	}
	return p
}

func give(p *page) {
	pages.Lock()
	defer pages.Unlock()
	// One that could not be locked is not kept: there may be room by now.
	if len(pages.free) < maxFree && p.locked {
		pages.free = append(pages.free, p)
		return
	}
	unmapPage(p)
}

// Wiped runs f, and overwrites what it left on the stack. The stack is large before
// f begins: one that grows leaves a smaller one behind, which nobody overwrites.
func Wiped(f func()) {
	overwrite()
	defer overwrite()
	f()
}

//go:noinline
func overwrite() {
	var b [56 << 10]byte // with what lies above it, a stack of 64 KiB
	keep(&b)
}

//go:noinline
func keep(*[56 << 10]byte) {}

// Collect finds garbage, overwrites it where the process is one that Scrubs, and
// gives the memory back to the system. What lies in a sync.Pool, as buffers of
// connections do, is garbage only after two rounds. A process that Scrubs makes more:
// the runtime remembers when each of the last 256 ended, and whatever needs much memory,
// as keys do that are derived, makes one. A round takes some milliseconds; under a flood
// more, and what the bound of time leaves is for the next Collect.
func Collect() {
	rounds := 2
	if Scrubs() {
		rounds = len(runtime.MemStats{}.PauseEnd)
	}
	for i, until := 0, time.Now().Add(longest); i < rounds && (i < 2 || time.Now().Before(until)); i++ {
		runtime.GC()
	}
	debug.FreeOSMemory()
}

const longest = 5 * time.Second
