package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// unlocked is the program on a system that lets it lock no memory.
func unlocked() {
	runtime.LockOSThread() // what the thread may not, the new program may not
	err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{})
	if os.Geteuid() == 0 {
		for _, right := range []uintptr{unix.CAP_IPC_LOCK, unix.CAP_SYS_RESOURCE} {
			err = errors.Join(err, unix.Prctl(unix.PR_CAPBSET_DROP, right, 0, 0, 0))
		}
	}
	if err == nil {
		err = syscall.Exec("/proc/self/exe", append([]string{"daylight"}, os.Args[1:]...), os.Environ())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(9)
}

func init() { programs["daylight-unlocked"] = unlocked }

// TestWhatIsNotProtectedIsSaid: where memory cannot be locked, intake serves all the same,
// and says so when it starts; so does the doctor. Both say what to do.
func TestWhatIsNotProtectedIsSaid(t *testing.T) {
	dir := t.TempDir()
	intakeDir, deskDir := filepath.Join(dir, "intake"), filepath.Join(dir, "desk")
	daylight(t, "keys", "make", "--role", "desk", "--data", deskDir)
	daylight(t, "keys", "make", "--role", "intake", "--data", intakeDir, "--newsroom", filepath.Join(deskDir, "public"))
	if err := os.WriteFile(filepath.Join(intakeDir, "daylight.toml"), []byte("[intake]\nlisten = \"127.0.0.1:0\"\npool = 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.Command("daylight-unlocked", "serve", "--role", "intake", "--data", intakeDir), t: t}
	p.Stderr = &p.said
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.stop)
	until(t, "serving", func() bool { return p.address() != "" })
	p.stop()
	examined, _ := exec.Command("daylight-unlocked", "doctor", "--data", intakeDir).CombinedOutput()
	for what, said := range map[string]string{"serve": p.said.String(), "doctor": string(examined)} {
		for _, want := range []string{"what arrives can be written to swap", "LimitMEMLOCK=infinity", "codenames and keys can be written to swap", "ulimit -l"} {
			if !strings.Contains(said, want) {
				t.Errorf("%s does not say %q:\n%s", what, want, said)
			}
		}
	}
}
