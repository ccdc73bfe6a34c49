package main

import (
	"io/fs"
	"syscall"
	"time"
)

// times are all that a file system keeps, apart from that of birth.
func times(info fs.FileInfo) map[string]time.Time {
	st := info.Sys().(*syscall.Stat_t)
	return map[string]time.Time{
		"changed": time.Unix(st.Ctim.Unix()), "modified": time.Unix(st.Mtim.Unix()), "read": time.Unix(st.Atim.Unix()),
	}
}
