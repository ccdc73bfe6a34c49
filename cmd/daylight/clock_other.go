//go:build !linux

package main

func synchronised() (sync, known bool) { return false, false }
