//go:build !linux

package secret

import "errors"

var errSystem = errors.New("only Linux has what it takes")

func mapPage() (*page, error) { return &page{bytes: make([]byte, pageSize)}, errSystem }

func unmapPage(*page) {}

// Scrubs says whether the collector of this process overwrites what it frees.
func Scrubs() bool { return false }

// Restart would make this a process that Scrubs.
func Restart() error { return errSystem }

// Hide would keep others from reading the memory of this process.
func Hide() []Gap {
	return []Gap{{"the memory of this process is as open as this system makes it", "Use Linux for real sources."}}
}

// Lock would keep its memory out of swap.
func Lock() []Gap { return nil }
