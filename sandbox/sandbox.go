// Package sandbox runs a parser in a process of its own: this program once more,
// which gives up files, network, other processes and most system calls before it
// reads a byte of what it is to parse. Children are kept warm, so that a request
// costs little more than its work.
//
// A child that dies, hangs or takes more than its Budget ends alone: its request
// fails with an *Ended, the next one gets a fresh child, nobody else is affected.
//
// What a child says is as little trusted as what it reads. The pool believes it
// nothing but the bytes of its messages, and counts those.
//
// Where the system refuses a part of the confinement (an old kernel, a container)
// the rest is still used; Report says what is missing.
package sandbox

import (
	"context"
	"fmt"
	"time"

	"daylight/fault"
)

// Budget is what one request may use.
type Budget struct {
	Memory int64         // bytes of data of the child; fixed when a child starts
	CPU    time.Duration // of all its threads
	Wall   time.Duration // while somebody waits for it; the time that the caller takes does not count
	Output int64         // bytes of messages
}

// DefaultBudget is used for fields that are zero.
var DefaultBudget = Budget{Memory: 1 << 30, CPU: time.Minute, Wall: 2 * time.Minute, Output: 1 << 40}

func (b Budget) or(d Budget) Budget {
	if b.Memory == 0 {
		b.Memory = d.Memory
	}
	if b.CPU == 0 {
		b.CPU = d.CPU
	}
	if b.Wall == 0 {
		b.Wall = d.Wall
	}
	if b.Output == 0 {
		b.Output = d.Output
	}
	return b
}

// Handler does the work of one request, in the child. What it sends reaches the
// caller as Call.Next gives it; an error ends the call. A panic costs the child.
type Handler func(ctx context.Context, in *Input, out *Output) error

// Cause says why a child was ended.
type Cause string

const (
	Memory  Cause = "memory"
	CPU     Cause = "processor time"
	Wall    Cause = "time"
	Volume  Cause = "output"
	Crashed Cause = "crashed" // or was killed for a system call that it may not make
	Garbled Cause = "garbled" // sent what is no message
	Failed  Cause = "failed"  // the handler returned an error
)

// Ended is the error of a request that came to no good end. It is of the kind
// fault.Damaged, because it is the input that led there.
type Ended struct {
	Cause  Cause
	Budget Budget // that was in force

	// Warm says that the child had served others before. What those left behind may
	// have had a part in it, where the cause is Memory or Crashed: it is worth
	// another try with Request.Fresh.
	Warm bool
}

// Error says it in words that can stand beside a document; they hold nothing of
// what the child said.
func (e *Ended) Error() string {
	switch e.Cause {
	case Memory:
		return fmt.Sprintf("reading it took more than %d MiB of memory", e.Budget.Memory>>20)
	case CPU:
		return fmt.Sprintf("reading it took more than %v of processor time", e.Budget.CPU)
	case Wall:
		return fmt.Sprintf("reading it took more than %v", e.Budget.Wall)
	case Volume:
		return fmt.Sprintf("more than %d MiB came out of it", e.Budget.Output>>20)
	case Failed:
		return "the program that reads it gave up"
	}
	return "the program that reads it ended on it"
}

// Unwrap gives the kind.
func (e *Ended) Unwrap() error { return fault.Damaged }

// Report says what confinement a child has.
type Report struct {
	Namespaces []string `json:"namespaces"` // user, net, pid, ipc, uts
	Landlock   int      `json:"landlock"`   // version of the kernel's interface; 0 is none
	Seccomp    bool     `json:"seccomp"`    // only the system calls that a parser needs
	Limits     []string `json:"limits"`     // rlimits that are set
	Missing    []string `json:"missing"`    // what could not be had, in words
}

// Holds says whether a child is kept from files, network and other processes even
// when what it reads has taken it over. Namespaces and limits come on top.
func (r Report) Holds() bool { return r.Landlock > 0 && r.Seccomp }
