//go:build amd64 || arm64

package sandbox

import (
	"fmt"
	"slices"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// What happens to a system call. Everything that is not in one of the lists below
// fails with EPERM: libraries ask for a file or a socket where they do not need
// it, and live without. What only an attacker does ends the process.
var (
	allow = bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW}
	deny  = bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)}
	kill  = bpf.RetConstant{Val: unix.SECCOMP_RET_KILL_PROCESS}
)

// calls are those that the Go runtime and reading and writing of open files need.
var calls = []uint32{
	unix.SYS_READ, unix.SYS_WRITE, unix.SYS_CLOSE, unix.SYS_FUTEX,
	unix.SYS_MMAP, unix.SYS_MUNMAP, unix.SYS_MPROTECT, unix.SYS_MADVISE, unix.SYS_MREMAP, unix.SYS_MINCORE, unix.SYS_BRK,
	unix.SYS_EPOLL_PWAIT, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_CREATE1, unix.SYS_EVENTFD2, unix.SYS_PPOLL,
	unix.SYS_CLOCK_GETTIME, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_NANOSLEEP, unix.SYS_GETTIMEOFDAY,
	unix.SYS_SCHED_YIELD, unix.SYS_SCHED_GETAFFINITY, unix.SYS_GETRANDOM,
	unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK, unix.SYS_RESTART_SYSCALL,
	unix.SYS_GETPID, unix.SYS_GETTID, unix.SYS_SET_ROBUST_LIST, unix.SYS_RSEQ, unix.SYS_MEMBARRIER,
	unix.SYS_EXIT, unix.SYS_EXIT_GROUP, unix.SYS_FSTAT,
}

// attacks end the process.
var attacks = []uint32{
	unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV,
	unix.SYS_BPF, unix.SYS_MOUNT, unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_KEXEC_LOAD, unix.SYS_INIT_MODULE,
	unix.SYS_FINIT_MODULE, unix.SYS_IO_URING_SETUP, unix.SYS_USERFAULTFD, unix.SYS_PERF_EVENT_OPEN, unix.SYS_ADD_KEY,
	unix.SYS_KEYCTL, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT,
}

// Offsets in struct seccomp_data (linux/seccomp.h), little endian.
const (
	offCall = 0
	offArch = 4
	offArgs = 16
)

func arg(n int) bpf.Instruction     { return bpf.LoadAbsolute{Off: uint32(offArgs + 8*n), Size: 4} }
func argHigh(n int) bpf.Instruction { return bpf.LoadAbsolute{Off: uint32(offArgs + 8*n + 4), Size: 4} }

// only makes a rule: for this call, run the rest, which must return.
func only(call uint32, rest ...bpf.Instruction) []bpf.Instruction {
	skip := bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: call, SkipTrue: uint8(len(rest))}
	return append([]bpf.Instruction{skip}, rest...)
}

// assemble makes the filter for a process with this id.
func assemble(pid int) ([]unix.SockFilter, error) {
	p := []bpf.Instruction{
		bpf.LoadAbsolute{Off: offArch, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: auditArch, SkipTrue: 1},
		kill,
		bpf.LoadAbsolute{Off: offCall, Size: 4},
		// The x32 interface has the calls of amd64 a second time, with this bit.
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: 0x4000_0000, SkipTrue: 1},
		kill,
	}
	for _, c := range attacks {
		p = append(p, only(c, kill)...)
	}
	for _, c := range slices.Concat(calls, archCalls) {
		p = append(p, only(c, allow)...)
	}
	// Threads, but no processes. The flags of clone3 lie in memory, where a filter
	// cannot look; libc takes clone when there is no clone3.
	p = append(p, only(unix.SYS_CLONE3, bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)})...)
	p = append(p, only(unix.SYS_CLONE, arg(0),
		bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: unix.CLONE_THREAD, SkipTrue: 1}, deny, allow)...)
	// Signals to our own threads: Go interrupts long loops so.
	p = append(p, only(unix.SYS_TGKILL, arg(0),
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(pid), SkipTrue: 1}, deny, allow)...)
	// Limits may be read: the new one (argument 2) is a null pointer.
	p = append(p, only(unix.SYS_PRLIMIT64, arg(2),
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 1}, deny, argHigh(2),
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 1}, deny, allow)...)
	// fcntl: F_GETFD to F_SETFL are 1 to 4.
	p = append(p, only(unix.SYS_FCNTL, arg(1),
		bpf.JumpIf{Cond: bpf.JumpLessOrEqual, Val: unix.F_SETFL, SkipTrue: 1}, deny, allow)...)
	p = append(p, deny)

	raw, err := bpf.Assemble(p)
	if err != nil {
		return nil, fmt.Errorf("assemble filter: %w", err)
	}
	out := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		out[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return out, nil
}

// install puts the filter on all threads.
func install(program []unix.SockFilter) error {
	f := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	failed, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&f)))
	if errno != 0 {
		return errno
	}
	if failed != 0 {
		return fmt.Errorf("thread %d would not have it", failed)
	}
	return nil
}
