//go:build !linux

package main

import (
	"io/fs"
	"time"
)

func times(info fs.FileInfo) map[string]time.Time {
	return map[string]time.Time{"modified": info.ModTime()}
}
