//go:build !linux

package main

import (
	"io/fs"
	"time"
)

func times(_ string, info fs.FileInfo) map[string]time.Time {
	return map[string]time.Time{"modified": info.ModTime()}
}
