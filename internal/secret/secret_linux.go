package secret

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// mapPage makes a page, and says why it is not locked when it is not.
func mapPage() (*page, error) {
	size := max(pageSize, os.Getpagesize())
	whole, err := unix.Mmap(-1, 0, 3*size, unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		panic("secret: no memory: " + err.Error())
	}
	p := &page{bytes: whole[size : 2*size : 2*size], whole: whole}
	if err := unix.Mprotect(p.bytes, unix.PROT_READ|unix.PROT_WRITE); err != nil {
		panic("secret: no memory: " + err.Error())
	}
	// Old kernels do not know all of it, and where nobody forks and nothing dumps it
	// is not missed.
	unix.Madvise(p.bytes, unix.MADV_DONTDUMP)
	unix.Madvise(p.bytes, unix.MADV_WIPEONFORK)
	if err := unix.Mlock(p.bytes); err != nil {
		return p, err
	}
	p.locked = true
	return p, nil
}

func unmapPage(p *page) { unix.Munmap(p.whole) }

// scrub is the settings of the Go runtime (see package runtime, "Environment
// Variables") by which the collector overwrites what it frees, objects of every
// size; by which goroutines are not interrupted by signals, which leave what was
// just being copied in the frames that the kernel saves; and by which stacks are not
// moved to smaller ones while Wiped runs. The runtime reads them at a start only, so
// the process starts itself again with them.
//
// Considered instead: package runtime/secret. It needs an experiment of the
// compiler that a plain `go build` lacks, works on what a function allocates and
// not on what reaches it from net/http, and forbids the goroutines of Argon2.
const scrub = "clobberfree=1,asyncpreemptoff=1,gcshrinkstackoff=1"

// Scrubs says whether the collector of this process overwrites what it frees.
func Scrubs() bool { return strings.Contains(os.Getenv("GODEBUG"), scrub) }

// Restart starts the program again, in this process, as one that Scrubs and can
// never gain rights by starting another. It returns when that cannot be, or is so.
func Restart() error {
	if Scrubs() {
		return nil
	}
	runtime.LockOSThread() // no_new_privs is of a thread, which the new program's come from
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no_new_privs: %w", err)
	}
	value := scrub
	if old := os.Getenv("GODEBUG"); old != "" {
		value = old + "," + scrub
	}
	if err := os.Setenv("GODEBUG", value); err != nil {
		return err
	}
	return fmt.Errorf("start again: %w", syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
}

// Hide keeps others from reading the memory of this process: no core dumps, no
// ptrace, no /proc/PID/mem, but for who has the rights of root.
func Hide() (gaps []Gap) {
	miss := func(do, format string, args ...any) {
		gaps = append(gaps, Gap{fmt.Sprintf(format, args...), do})
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		miss("Start it with LimitCORE=0, as its systemd unit does (daylight config --systemd).", "core dumps cannot be switched off: %v", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		miss("Run it on a kernel that allows PR_SET_DUMPABLE.", "other processes of this user can read its memory: %v", err)
	}
	return gaps
}

// Lock keeps all memory of this process out of swap, as it comes to be used. That
// must be allowed without a bound: with one, a page too many would end the process.
func Lock() (gaps []Gap) {
	if err := lockAll(); err != nil {
		gaps = append(gaps, Gap{fmt.Sprintf("what arrives can be written to swap: memory cannot be locked: %v", err),
			"Start it with LimitMEMLOCK=infinity, as its systemd unit does (daylight config --systemd), or turn swap off."})
	}
	b := New[byte]() // what is small and worth most
	defer b.Wipe()
	if !b.page.locked {
		gaps = append(gaps, Gap{fmt.Sprintf("codenames and keys can be written to swap: %v", pages.unlocked), "Allow it to lock 8 MiB: ulimit -l 8192."})
	}
	return gaps
}

func lockAll() error {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &l); err != nil {
		return err
	}
	all := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	// Root is bound by no limit where it has CAP_IPC_LOCK; where not, what follows fails.
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &all); err != nil && os.Geteuid() != 0 {
		return fmt.Errorf("the limit is %d KiB", l.Max>>10)
	}
	return unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT)
}
