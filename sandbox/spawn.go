package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// child is a process, as its pool sees it.
type child struct {
	cmd    *exec.Cmd
	pipes  [2]*os.File
	to     *bufio.Writer
	from   *patient
	in     *bufio.Reader // over from
	stderr *lastWords
	report Report
	life   time.Duration // of CPU time
	uses   int
	reaped sync.Once
}

func (c *child) kill() { c.cmd.Process.Kill() }

func (c *child) wait() {
	c.reaped.Do(func() {
		c.pipes[0].Close()
		c.pipes[1].Close()
		c.cmd.Wait()
	})
}

// spawner starts children, all from one thread that lives as long as it: the
// kernel ends a child when the thread that started it ends (PR_SET_PDEATHSIG), and
// so no child outlives us, however we go.
type spawner struct {
	work chan func()
	way  int // of ways that worked
	once sync.Once
}

func newSpawner() *spawner {
	s := &spawner{work: make(chan func())}
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		for f := range s.work {
			f()
		}
	}()
	return s
}

func (s *spawner) close() { s.once.Do(func() { close(s.work) }) }

// spawn starts a child with as much isolation as the system gives, and waits until
// it has confined itself.
func (s *spawner) spawn(o Options, set setup) (c *child, err error) {
	defer func() {
		if recover() != nil { // the channel is closed
			err = ErrClosed
		}
	}()
	done := make(chan struct{})
	s.work <- func() {
		defer close(done)
		all := ways()
		for ; s.way < len(all); s.way++ {
			if c, err = start(o, set, all[s.way]); err == nil {
				return
			}
		}
		s.way = len(all) - 1
	}
	<-done
	return c, err
}

func start(o Options, set setup, w way) (*child, error) {
	inR, inW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		inR.Close()
		inW.Close()
		return nil, err
	}
	c := &child{pipes: [2]*os.File{inW, outR}, stderr: &lastWords{also: o.Debug}, life: set.CPU}
	c.to = bufio.NewWriterSize(inW, 64<<10)
	c.from = &patient{file: outR, start: time.Now()}
	c.in = bufio.NewReaderSize(c.from, 64<<10)

	command := o.Command
	if command == nil {
		command = []string{self}
	}
	c.cmd = exec.Command(command[0])
	c.cmd.Args = append([]string{childName}, command[1:]...)
	c.cmd.Env = []string{} // nothing: nil would be ours
	c.cmd.Dir = "/"
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = inR, outW, c.stderr
	c.cmd.SysProcAttr = w.attr
	c.cmd.WaitDelay = time.Second
	err = visibly(c.cmd.Start)
	inR.Close()
	outW.Close()
	if err != nil {
		inW.Close()
		outR.Close()
		return nil, err
	}
	set.Namespaces = w.namespaces
	if err := c.greet(set); err != nil {
		c.kill()
		c.wait()
		return nil, fmt.Errorf("%w: %.200s", err, c.stderr.text)
	}
	return c, nil
}

// greet tells the child its limits and hears what confinement it got.
func (c *child) greet(set setup) error {
	b, err := json.Marshal(set)
	if err != nil {
		return err
	}
	if err := errors.Join(writeFrame(c.to, frameSetup, b), c.to.Flush()); err != nil {
		return err
	}
	kind, data, err := readFrame(c.in, nil)
	if err != nil {
		return err
	}
	if kind != frameReady {
		return errGarbled
	}
	return json.Unmarshal(data, &c.report)
}
