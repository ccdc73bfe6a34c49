package main

import (
	"io/fs"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// times are all that a file system keeps. Some keep no birth.
func times(path string, info fs.FileInfo) map[string]time.Time {
	st := info.Sys().(*syscall.Stat_t)
	all := map[string]time.Time{
		"changed": time.Unix(st.Ctim.Unix()), "modified": time.Unix(st.Mtim.Unix()), "read": time.Unix(st.Atim.Unix()),
	}
	var x unix.Statx_t
	if unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BTIME, &x) == nil && x.Mask&unix.STATX_BTIME != 0 {
		all["born"] = time.Unix(x.Btime.Sec, int64(x.Btime.Nsec))
	}
	return all
}
