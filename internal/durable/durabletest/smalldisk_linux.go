// Package durabletest has disks that are full soon, for tests of what is kept on them.
package durabletest

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// SmallDisk is a folder with so much room, as tmpfs writes sizes. Where this user may not
// mount one, the whole test runs once more in a namespace in which it may: what is here is
// over then, and the folder is "".
func SmallDisk(t *testing.T, size string) string {
	t.Helper()
	const within = "DAYLIGHT_TEST_IN_NAMESPACE"
	dir := t.TempDir()
	err := syscall.Mount("none", dir, "tmpfs", 0, "size="+size)
	if err == nil {
		t.Cleanup(func() {
			if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
				t.Error(err)
			}
		})
		return dir
	}
	self, _ := os.Executable()
	again := exec.Command(self, "-test.v", "-test.run=^"+t.Name()+"$")
	again.Env = append(os.Environ(), within+"=1")
	again.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	if os.Getenv(within) != "" {
		t.Skipf("not even in a namespace of its own: mount: %v", err)
	}
	// A process whose memory nobody may read gives no child a namespace.
	unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
	out, failed := again.CombinedOutput()
	switch said := string(out); {
	case errors.As(failed, new(*exec.ExitError)):
		t.Fatalf("in a namespace:\n%s", said)
	case failed != nil || !strings.Contains(said, "--- PASS: "+t.Name()):
		t.Skipf("neither mount, %v, nor a namespace in which to: %v %s", err, failed, said)
	}
	return ""
}
