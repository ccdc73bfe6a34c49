package web_test

import (
	"io/fs"
	"syscall"
	"time"
)

// changed is the time that nobody can set.
func changed(info fs.FileInfo) time.Time {
	return time.Unix(info.Sys().(*syscall.Stat_t).Ctim.Unix())
}
