package sandbox

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// confine takes from this process, for good, what a parser does not need. It goes
// on where the system refuses something, and reports it.
func confine(s setup) Report {
	r := Report{Namespaces: s.Namespaces}
	miss := func(what string, err error) {
		r.Missing = append(r.Missing, fmt.Sprintf("%s: %v", what, err))
	}
	for _, ns := range []string{"user", "net", "pid", "ipc", "uts"} {
		if !slices.Contains(s.Namespaces, ns) {
			r.Missing = append(r.Missing, "namespace "+ns+": not given")
		}
	}
	if err := closeInherited(); err != nil {
		miss("inherited files", err)
	}
	for _, l := range limits(s) {
		if err := unix.Setrlimit(l.resource, &unix.Rlimit{Cur: l.value, Max: l.value}); err != nil {
			miss("limit "+l.name, err)
			continue
		}
		r.Limits = append(r.Limits, l.name)
	}
	if err := lock(&r); err != nil {
		miss("landlock", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		miss("hidden memory", err)
	}
	if err := filterCalls(); err != nil {
		miss("seccomp", err)
	} else {
		r.Seccomp = true
	}
	return r
}

// closeInherited closes what whoever started our parent left open. What the Go
// runtime opened itself, to wait for events, stays.
func closeInherited() error {
	const own = "/proc/self/fd/"
	list, err := os.ReadDir(own)
	if err != nil {
		return err
	}
	for _, e := range list {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd <= 2 {
			continue
		}
		if to, err := os.Readlink(own + e.Name()); err == nil && !strings.HasPrefix(to, "anon_inode:[event") {
			unix.Close(fd)
		}
	}
	return nil
}

type limit struct {
	name     string
	resource int
	value    uint64
}

func limits(s setup) []limit {
	l := []limit{
		{"processor time", unix.RLIMIT_CPU, uint64(s.CPU.Seconds()) + 1},
		{"open files", unix.RLIMIT_NOFILE, 16},
		{"size of files", unix.RLIMIT_FSIZE, 0},
		{"core dumps", unix.RLIMIT_CORE, 0},
	}
	if !raceDetector { // it maps terabytes
		// RLIMIT_AS would count what Go reserves and never touches.
		l = append(l, limit{"memory", unix.RLIMIT_DATA, uint64(s.Memory)})
	}
	return l
}

// lock denies every access to files and every TCP connection, and signals and
// abstract sockets to outside, as far as the kernel's Landlock knows these.
func lock(r *Report) error {
	version, err := ll.LandlockGetABIVersion()
	if err != nil {
		return err
	}
	if err := landlock.V7.BestEffort().Restrict(); err != nil {
		return err
	}
	r.Landlock = version
	return nil
}

// filterCalls lets only the system calls through that a parser in Go makes.
func filterCalls() error {
	program, err := assemble(unix.Getpid())
	if err != nil {
		return err
	}
	// no_new_privs is of this thread; with TSYNC the filter and it go to all.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	return install(program)
}
