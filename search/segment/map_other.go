//go:build !unix

package segment

import "os"

// mapFile reads a file whole where mapping is not to be had.
func mapFile(path string) ([]byte, func() error, error) {
	data, err := os.ReadFile(path)
	return data, func() error { return nil }, err
}
