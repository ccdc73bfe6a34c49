package sqlite

import (
	"bytes"
	"crypto/rand"
	"io"
	"os"
)

// fillTail overwrites the zeros at the end of a file, which nothing was written
// to, with random bytes: encrypted bytes do not end in more than a few zeros, so
// the place where they end would tell how much had arrived.
func fillTail(f *os.File) error {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	buf, zero := make([]byte, 64<<10), make([]byte, 64<<10)
	for end := size; end > 0; {
		start := max(0, end-int64(len(buf)))
		b := buf[:end-start]
		if _, err := f.ReadAt(b, start); err != nil {
			return err
		}
		blank := bytes.Equal(b, zero[:len(b)])
		from := 0
		if !blank {
			from = len(bytes.TrimRight(b, "\x00"))
		}
		rand.Read(b[from:])
		if _, err := f.WriteAt(b[from:], start+int64(from)); err != nil {
			return err
		}
		if !blank {
			return nil
		}
		end = start
	}
	return nil
}
