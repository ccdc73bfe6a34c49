package secrettest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// Find is a place where a canary lies.
type Find struct {
	What    string // the canary
	Where   string // the mapping, as /proc/PID/maps names it
	Address uint64
	Around  []byte // what lies around it
}

func (f Find) String() string {
	return fmt.Sprintf("%s at %x in %s: %q", f.What, f.Address, f.Where, f.Around)
}

// Command makes a command whose memory Scan can read, also when the program hides
// it: only root can read that, of the machine or of the user namespace that the
// process is in. Where the system lets a user have neither, Start fails.
func Command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	if os.Getuid() != 0 {
		c.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
	}
	return c
}

// step is how much is read at once, and with it the beginning of what follows.
const step = 4 << 20

// Scan searches everything in the memory of a process that can be read, at all
// places. It returns how many bytes it looked at: a scan of nothing finds nothing. A
// process that goes on while it is read can move things past the reader; one that is
// idle does not.
func Scan(pid int, s *Search) (found []Find, looked int64, err error) {
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return nil, 0, fmt.Errorf("scan: %w", err)
	}
	defer maps.Close()
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return nil, 0, fmt.Errorf("scan: %w", err)
	}
	defer mem.Close()
	buf, lines := make([]byte, step+overlap), bufio.NewScanner(maps)
	for lines.Scan() {
		// 7f00-7f10 rw-p 00000000 00:00 0    [stack]
		f := strings.Fields(lines.Text())
		from, to, ok := strings.Cut(f[0], "-")
		start, err1 := strconv.ParseUint(from, 16, 64)
		end, err2 := strconv.ParseUint(to, 16, 64)
		if !ok || err1 != nil || err2 != nil || len(f) < 5 {
			return nil, 0, fmt.Errorf("scan: a line of maps that cannot be read")
		}
		where := f[1] + " " + strings.Join(f[5:], " ")
		if f[1][0] != 'r' || strings.HasPrefix(where, "r--p [v") || strings.Contains(where, "[vsyscall]") {
			continue
		}
		for at := start; at < end; at += step {
			b := buf[:min(end-at, step+overlap)]
			n, err := mem.ReadAt(b, int64(at))
			if err != nil && err != io.EOF && n == 0 {
				continue // a mapping beyond the end of its file
			}
			looked += int64(min(n, step))
			note := func(what string, off, size int) {
				if off < step { // what begins later is found with the next
					found = append(found, Find{what, where, at + uint64(off), bytes.Clone(b[max(0, off-24):min(n, off+size+24)])})
				}
			}
			s.In(b[:n], note)
			s.Clocks(b[:n], 8, note)
		}
	}
	return found, looked, lines.Err()
}
