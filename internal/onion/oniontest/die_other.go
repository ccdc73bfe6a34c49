//go:build !linux

package oniontest

import "syscall"

func dieWithParent() *syscall.SysProcAttr { return nil }
