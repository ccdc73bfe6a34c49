package sandbox

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// self is this program, also when its file was replaced by a newer one since.
const self = "/proc/self/exe"

// way is one way to start a child.
type way struct {
	attr       *syscall.SysProcAttr
	namespaces []string
}

// nobody is the user that a child is inside of its namespace.
const nobody = 65534

// ways are the ways to start a child, the strictest first. Which of them the
// system lets us have differs: containers often refuse user namespaces.
func ways() []way {
	const apart = syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS
	user := func(flags uintptr) *syscall.SysProcAttr {
		return &syscall.SysProcAttr{
			Pdeathsig:   syscall.SIGKILL,
			Cloneflags:  syscall.CLONE_NEWUSER | flags,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: nobody, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: nobody, HostID: os.Getgid(), Size: 1}},
		}
	}
	const here = apart &^ syscall.CLONE_NEWPID
	all := []way{
		{user(apart), []string{"user", "net", "pid", "ipc", "uts"}},
		{user(here), []string{"user", "net", "ipc", "uts"}},
	}
	if withC {
		// libpsx, which sets Landlock on all threads of a program with C in it, finds
		// them by /proc, where a process in a namespace of its own has other numbers;
		// it then waits for ever. Our releases have no C; the race detector has.
		all = all[1:]
	}
	if os.Getuid() == 0 {
		all = append(all, way{&syscall.SysProcAttr{
			Pdeathsig:  syscall.SIGKILL,
			Cloneflags: apart,
			Credential: &syscall.Credential{Uid: nobody, Gid: nobody},
		}, []string{"net", "pid", "ipc", "uts"}})
	}
	return append(all, way{&syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}, nil})
}

// visibly runs f while this process does not hide its memory. What /proc has of one
// that hides belongs to root, and so do its children's files there until they run
// a program of their own: their user namespace could not be set up.
func visibly(f func() error) error {
	if d, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil || d != 0 {
		return f()
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
		return err
	}
	return errors.Join(f(), unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0))
}

// cpu is the time that the child's threads have had, 0 when it is gone. The clock
// is the kernel's own (clock_getcpuclockid(3)): a child cannot set it back.
func (c *child) cpu() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(int32(^c.cmd.Process.Pid<<3|2), &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
