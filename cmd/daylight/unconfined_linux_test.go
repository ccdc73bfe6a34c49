package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// withoutLandlock is the program on a kernel that has no Landlock: a filter says
// so to whoever asks.
func withoutLandlock() {
	runtime.LockOSThread() // the filter is of a thread, whose program the new one is
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_LANDLOCK_CREATE_RULESET, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	if err == nil {
		_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&program)))
		if err = syscall.Exec("/proc/self/exe", append([]string{"daylight"}, os.Args[1:]...), os.Environ()); errno != 0 {
			err = errno
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(9)
}

// asUnit is the program with what its systemd unit forbids and a test can: to make
// code as it runs and, where the test has the rights, to reach a network.
func asUnit() {
	const setMDWE, refuseExecGain = 65, 1 // linux/prctl.h, since 6.3
	runtime.LockOSThread()
	if err := unix.Prctl(setMDWE, refuseExecGain, 0, 0, 0); err != nil {
		fmt.Fprintln(os.Stderr, "this kernel cannot forbid it; not tested:", err)
	}
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil && os.Getuid() == 0 {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(9)
	}
	fmt.Fprintln(os.Stderr, syscall.Exec("/proc/self/exe", append([]string{"daylight"}, os.Args[1:]...), os.Environ()))
	os.Exit(9)
}

func init() {
	programs["daylight-without-landlock"] = withoutLandlock
	programs["daylight-as-unit"] = asUnit
}
