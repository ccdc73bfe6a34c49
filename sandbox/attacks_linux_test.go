package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"daylight/fault"
	"daylight/sandbox"
)

// attacks are tried twice: here, where they must work, so that a test that cannot
// fail is seen; and in a child, where they must not.
var attacks = map[string]func(arg string) error{
	"read a secret file": func(arg string) error { _, err := os.ReadFile(strings.Fields(arg)[0]); return err },
	"write a file":       func(arg string) error { return os.WriteFile(strings.Fields(arg)[0]+".new", []byte("x"), 0o600) },
	"list a folder":      func(string) error { _, err := os.ReadDir("/"); return err },
	"look at a file":     func(arg string) error { _, err := os.Stat(strings.Fields(arg)[0]); return err },
	"remove a file":      func(arg string) error { return os.Remove(strings.Fields(arg)[0] + ".gone") },
	"connect": func(arg string) error {
		c, err := net.Dial("tcp", strings.Fields(arg)[1])
		if err == nil {
			c.Close()
		}
		return err
	},
	"listen": func(string) error {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err == nil {
			l.Close()
		}
		return err
	},
	"make a raw socket pair": func(string) error {
		fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		if err == nil {
			syscall.Close(fds[0])
			syscall.Close(fds[1])
		}
		return err
	},
	"make memory with a name": func(string) error {
		fd, err := unix.MemfdCreate("x", 0)
		if err == nil {
			unix.Close(fd)
		}
		return err
	},
	"send a signal": func(string) error { return syscall.Kill(os.Getpid(), 0) },
	"raise a limit": func(string) error {
		var l unix.Rlimit
		if err := unix.Getrlimit(unix.RLIMIT_CORE, &l); err != nil {
			return err
		}
		return unix.Prlimit(0, unix.RLIMIT_CORE, &l, nil)
	},
}

// deadly are attacks that end the child. They are not tried here.
var deadly = map[string]func() error{
	"exec":    func() error { return syscall.Exec("/bin/true", []string{"true"}, nil) },
	"ptrace":  func() error { return syscall.PtraceAttach(1) },
	"mount":   func() error { return syscall.Mount("none", "/tmp", "tmpfs", 0, "") },
	"unshare": func() error { return syscall.Unshare(syscall.CLONE_NEWUSER) },
}

func init() {
	for name, f := range attacks {
		handlers[name] = func(_ context.Context, in *sandbox.Input, out *sandbox.Output) error {
			text := "it worked"
			var no syscall.Errno
			if err := f(string(in.Args)); errors.As(err, &no) {
				text = no.Error()
			} else if err != nil {
				text = err.Error()
			}
			return out.Send('a', []byte(text))
		}
	}
	for name, f := range deadly {
		handlers[name] = func(_ context.Context, _ *sandbox.Input, out *sandbox.Output) error {
			return out.Send('a', fmt.Append(nil, f()))
		}
	}
	handlers["fork bomb"] = func(_ context.Context, _ *sandbox.Input, out *sandbox.Output) error {
		made := 0
		for range 1000 {
			pid, _, no := syscall.RawSyscall(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0)
			if no == 0 && pid == 0 {
				syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0)
			}
			if no == 0 {
				made++
			}
		}
		return out.Send('a', fmt.Appendf(nil, "%d processes", made))
	}
}

// confined skips on a system that gives no filter: doctor says so there.
func confined(t *testing.T) *sandbox.Pool {
	t.Helper()
	p := newPool(t, 1, sandbox.Options{})
	if r := p.Available(); !r.Seccomp {
		t.Skipf("this system confines little: %v", r.Missing)
	}
	return p
}

func TestAttacks(t *testing.T) {
	p := confined(t)
	secret := filepath.Join(t.TempDir(), "secret")
	for _, name := range []string{secret, secret + ".gone"} {
		if err := os.WriteFile(name, []byte("the name of a source"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	arg := secret + " " + l.Addr().String()

	for _, name := range slices.Sorted(maps.Keys(attacks)) {
		t.Run(name, func(t *testing.T) {
			got, err := run(t, p, sandbox.Request{Handler: name, Args: []byte(arg)})
			if err != nil {
				t.Fatalf("the child ended: %v", err)
			}
			if want := syscall.EPERM.Error(); len(got) != 1 || got[0] != want {
				t.Errorf("in the sandbox: %q; want %q", got, want)
			}
			if err := attacks[name](arg); err != nil {
				t.Errorf("without the sandbox it must work: %v", err)
			}
		})
	}
}

func TestDeadlyAttacks(t *testing.T) {
	p := confined(t)
	for _, name := range slices.Sorted(maps.Keys(deadly)) {
		t.Run(name, func(t *testing.T) {
			got, err := run(t, p, sandbox.Request{Handler: name})
			if !errors.Is(err, fault.Damaged) {
				t.Errorf("%q, %v; want a child that ended", got, err)
			}
		})
	}
}

func TestForkBomb(t *testing.T) {
	got, err := run(t, confined(t), sandbox.Request{Handler: "fork bomb"})
	if err != nil || got[0] != "0 processes" {
		t.Errorf("%q, %v; want none", got, err)
	}
}

// The environment holds names of users and folders; open files may be anything.
func TestNothingInherited(t *testing.T) {
	t.Setenv("DAYLIGHT_TEST_SECRET", "x")
	left, err := unix.Open(os.Args[0], unix.O_RDONLY, 0) // without O_CLOEXEC
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(left)
	got, err := run(t, newPool(t, 1, sandbox.Options{}), sandbox.Request{Handler: "surroundings"})
	if err != nil || got[0] != "[] 0" {
		t.Errorf("environment and files left open: %q, %v; want none", got, err)
	}
}

func init() {
	handlers["surroundings"] = func(_ context.Context, _ *sandbox.Input, out *sandbox.Output) error {
		open := 0
		for fd := 3; fd < 1024; fd++ {
			// The runtime's own, to wait for events, cannot be told to seek and are not
			// marked as other files are.
			var st unix.Stat_t
			if unix.Fstat(fd, &st) == nil && st.Mode&unix.S_IFMT != 0 {
				open++
			}
		}
		return out.Send('s', fmt.Append(nil, os.Environ(), " ", open))
	}
}

func TestAvailable(t *testing.T) {
	r := newPool(t, 1, sandbox.Options{}).Available()
	t.Logf("%+v", r)
	if len(r.Limits) == 0 {
		t.Error("no limit is set")
	}
}

// hides is the argument of a process of TestHidden.
const hides = "hides"

// A desk hides its memory, and its sandbox loses nothing by it, whoever runs it.
func TestHidden(t *testing.T) {
	var reports [2]string
	for i, hidden := range []string{"", "hidden"} {
		c := exec.Command("/proc/self/exe", hides, hidden)
		if os.Getuid() == 0 {
			c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		reports[i] = string(out)
	}
	if reports[0] != reports[1] {
		t.Errorf("without: %s\nhidden:  %s", reports[0], reports[1])
	}
}

func init() {
	if len(os.Args) > 1 && os.Args[1] == hides {
		sandboxOfHidden()
	}
}

// sandboxOfHidden prints the confinement that a process gets for its children.
func sandboxOfHidden() {
	if os.Args[2] != "" {
		unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	}
	p, err := sandbox.NewPool(1, sandbox.Options{})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Printf("%+v", p.Available())
	p.Close()
	if d, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil || (d == 0) != (os.Args[2] != "") {
		fmt.Println("memory is hidden:", d == 0, err)
		os.Exit(1)
	}
	os.Exit(0)
}
