package secret

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"daylight/internal/secret/secrettest"
)

// acts are what a child of these tests does; its first argument names one.
var acts = map[string]func() error{
	"peek": func() error { // at the memory of another process
		f, err := os.Open(os.Args[2])
		if err == nil {
			f.Close()
		}
		return err
	},
	"hide":    hide,
	"lock":    lock,
	"restart": restart,
	"litter":  litter,
}

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && acts[os.Args[1]] != nil {
		if err := acts[os.Args[1]](); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child is this program once more, as a user who is nobody in particular.
func child(args ...string) *exec.Cmd {
	c := exec.Command("/proc/self/exe", args...)
	c.SysProcAttr = &syscall.SysProcAttr{}
	if os.Getuid() == 0 {
		c.SysProcAttr.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
	}
	return c
}

func act(t *testing.T, args ...string) {
	t.Helper()
	if out, err := child(args...).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

type sample struct {
	key  [32]byte
	flag bool
}

func TestBox(t *testing.T) {
	b := New[sample]()
	if *b.V != (sample{}) {
		t.Errorf("a new box has %v", *b.V)
	}
	b.V.key, b.V.flag = [32]byte{1, 2, 3}, true
	place := b.page.bytes
	if !bytes.Contains(place, []byte{1, 2, 3}) {
		t.Fatal("the value is not in the page")
	}
	other := New[sample]()
	if *other.V != (sample{}) || other.V == b.V {
		t.Error("two boxes share their place")
	}
	other.Wipe()
	b.Wipe()
	if !bytes.Equal(place, make([]byte, len(place))) {
		t.Error("the page is not wiped")
	}
	b.Wipe()
	if again := New[sample](); *again.V != (sample{}) {
		t.Errorf("a used box has %v", *again.V)
	}
	defer func() {
		if recover() == nil {
			t.Error("a value larger than a page is taken")
		}
	}()
	New[[pageSize + 1]byte]()
}

// A page is where no overrun leads, and no swap, dump or child.
func TestPage(t *testing.T) {
	b := New[sample]()
	defer b.Wipe()
	flags := ""
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(smaps), fmt.Sprintf("%x-", uintptr(unsafe.Pointer(b.V))))
	for line := range strings.Lines(rest) {
		if f, ok := strings.CutPrefix(line, "VmFlags:"); ok {
			flags = f
			break
		}
	}
	for flag, what := range map[string]string{"lo": "locked", "dd": "left out of dumps", "wf": "wiped in a child"} {
		if !slices.Contains(strings.Fields(flags), flag) {
			t.Errorf("not %s: %q", what, flags)
		}
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	for _, off := range []int{-1, len(b.page.bytes)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("byte %d of the page can be read", off)
				}
			}()
			seen = *(*byte)(unsafe.Add(unsafe.Pointer(b.V), off))
		}()
	}
}

var seen byte

// What the system does not give is said, and the box works without.
func TestLock(t *testing.T) { act(t, "lock") }

func lock() error {
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{}); err != nil {
		return err
	}
	if gaps := Lock(); len(gaps) != 2 || !strings.Contains(gaps[0].What, "swap") || !strings.Contains(gaps[1].What, "codenames") {
		return fmt.Errorf("nothing may be locked, and the gaps are %q", gaps)
	}
	b := New[sample]()
	b.V.flag = true
	b.Wipe()
	if b = New[sample](); b.V.flag {
		return fmt.Errorf("an unlocked box is not wiped")
	}
	return nil
}

// Nobody else of the same user sees the memory of a process that hides.
func TestHide(t *testing.T) { act(t, "hide") }

func hide() error {
	peek := func() error {
		out, err := exec.Command("/proc/self/exe", "peek", fmt.Sprintf("/proc/%d/mem", os.Getpid())).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		return err
	}
	if err := peek(); err != nil && !yama() {
		return fmt.Errorf("the test looks in the wrong place: %w", err)
	}
	if gaps := Hide(); len(gaps) > 0 {
		return fmt.Errorf("gaps: %q", gaps)
	}
	if peek() == nil {
		return fmt.Errorf("another process can read the memory")
	}
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &l); err != nil || l.Cur != 0 || l.Max != 0 {
		return fmt.Errorf("core dumps up to %d, %v", l.Max, err)
	}
	return nil
}

// yama says whether this machine lets nobody look into what is not its child.
func yama() bool {
	b, _ := os.ReadFile("/proc/sys/kernel/yama/ptrace_scope")
	return len(b) > 0 && b[0] != '0'
}

// A restarted process overwrites its garbage, keeps its arguments and settings, and
// starts again once only.
func TestRestart(t *testing.T) {
	c := child("restart", "an argument")
	c.Env = []string{"GODEBUG=madvdontneed=1", "OTHER=kept"}
	if out, err := c.CombinedOutput(); err != nil || string(out) != "madvdontneed=1,"+scrub+" an argument kept" {
		t.Errorf("%v: %s", err, out)
	}
}

var kept *[4096]byte

func restart() error {
	if err := Restart(); err != nil {
		return err
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil || !bytes.Contains(status, []byte("NoNewPrivs:\t1")) {
		return fmt.Errorf("rights can be gained: %w", err)
	}
	kept = new([4096]byte)
	kept[0], kept[4095] = 77, 78
	place := uintptr(unsafe.Pointer(kept))
	kept = nil
	runtime.GC()
	var b [4096]byte
	local := []unix.Iovec{{Base: &b[0], Len: uint64(len(b))}}
	if _, err := unix.ProcessVMReadv(os.Getpid(), local, []unix.RemoteIovec{{Base: place, Len: len(b)}}, 0); err != nil {
		return err
	}
	if b[0] == 77 || b[4095] == 78 {
		return fmt.Errorf("garbage is as it was: %v", b[:8])
	}
	fmt.Print(os.Getenv("GODEBUG"), " ", os.Args[2], " ", os.Getenv("OTHER"))
	return nil
}

// TestWiped: what goroutines had on stacks of every size is gone with them, and what
// lay in pools once the process has collected.
func TestWiped(t *testing.T) {
	if testing.Short() {
		t.Skip("with the race detector there are terabytes to search")
	}
	for _, c := range []struct {
		where, how string
		want       bool // to find marks
	}{{"stacks", "", true}, {"stacks", "wiped", false}, {"pools", "wiped", true}, {"pools", "collected", false}} {
		t.Run(c.where+" "+c.how, func(t *testing.T) {
			switch n := len(marksOf(t, c.where, c.how)); {
			case c.want && n < 10:
				t.Errorf("%d marks are found: the test looks in the wrong place", n)
			case !c.want && n > 0:
				t.Errorf("%d marks are left", n)
			}
		})
	}
}

// marksOf searches a process that litters.
func marksOf(t *testing.T, where, how string) []secrettest.Find {
	t.Helper()
	c := child("litter", where, how)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	mark := marked()
	search, err := secrettest.For(map[string][]byte{"mark": mark[:]})
	if err != nil {
		t.Fatal(err)
	}
	found, _, err := secrettest.Scan(c.Process.Pid, search)
	in.Close()
	if err := errors.Join(err, c.Wait()); err != nil {
		t.Fatal(err)
	}
	return found
}

// marked is what the tests look for; no binary holds it.
func marked() (b [32]byte) {
	for i := range b {
		b[i] = byte(i*37) ^ byte(i*i*11) ^ 90
	}
	return b
}

func litter() error {
	if err := Restart(); err != nil {
		return err
	}
	runtime.GOMAXPROCS(4)
	run := Wiped
	if os.Args[3] == "" {
		run = func(f func()) { f() }
	}
	var pool sync.Pool
	litter := sink
	if os.Args[2] == "pools" {
		litter = func(int) byte {
			b := marked()
			pool.Put(bytes.NewBuffer(bytes.Clone(b[:])))
			return 0
		}
	}
	var all sync.WaitGroup
	for depth := range 60 { // of stacks of 2 to 64 KiB
		for range 20 {
			all.Go(func() { run(func() { litter(depth) }) })
		}
	}
	all.Wait()
	if os.Args[3] == "collected" {
		Collect()
	}
	fmt.Print("!")
	_, err := io.Copy(io.Discard, os.Stdin)
	runtime.KeepAlive(&pool)
	return err
}

//go:noinline
func sink(depth int) byte {
	b, room := marked(), [512]byte{byte(depth)}
	runtime.Gosched()
	if depth > 0 {
		return sink(depth-1) + b[depth%32] + room[depth]
	}
	return b[0]
}
